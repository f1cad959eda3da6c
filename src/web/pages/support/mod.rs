//! The support desk, for staff of the platform alone: look up a request or a key of any account, and read why it failed.
//! Read only. Whatever is shown of an account stands in that account's audit log before it is shown.

mod asked;
mod finding;

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::response::Response;

use self::asked::Asked;
use self::finding::{Case, Outcome, Step, Words};
use super::keys::Abilities;
use crate::clock::{Timestamp, hours};
use crate::gate::throttle::Rate;
use crate::model::api_key::ApiKey;
use crate::model::audit::{Actor, Target};
use crate::model::name::isolated;
use crate::model::text;
use crate::product::{KeyAct, Product};
use crate::store::refusals::{self, Refused};
use crate::store::support;
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Place};
use crate::web::error::Error;
use crate::web::form::{Form, Id};
use crate::web::refusals::in_words;
use crate::web::view::{Moment, Standing};
use crate::web::{App, page, see_other};

/// Refusals on a key's page.
const RECENT: i64 = 10;
/// Look-ups of one person: nobody with a customer on the line needs more, and nobody reads out every key.
const LOOK_UPS: Rate = Rate { burst: 30, every: Duration::from_secs(10) };

#[derive(Template)]
#[template(path = "support/search.html")]
struct Search {
    chrome: Chrome,
    mistake: Option<&'static str>,
    /// What was not found, and what that may mean; never what was typed.
    nothing: Option<String>,
    leak: bool,
    found: Vec<Found>,
}

/// A key in the list of several.
struct Found {
    id: String,
    name: String,
    fragment: String,
    account: String,
    standing: Standing,
}

#[derive(Template)]
#[template(path = "support/key.html")]
struct KeyPage {
    chrome: Chrome,
    key: ApiKey,
    account: String,
    /// It came whole, or nearly so.
    leak: bool,
    /// What to write to the customer if it did.
    warning: String,
    /// Why it works no more, if it does not.
    dead: Option<Words>,
    standing: Standing,
    abilities: Abilities,
    created: Moment,
    last_used: Option<Moment>,
    deleted: Option<Moment>,
    refusals: Vec<Refusal>,
}

/// A refusal in a list.
pub struct Refusal {
    pub request_id: String,
    pub at: Moment,
    pub why: String,
    pub route: String,
}

impl Refusal {
    pub fn of(refused: &Refused, product: &Product, now: Timestamp) -> Self {
        Self {
            request_id: refused.request_id.clone(),
            at: Moment::ago(refused.at, now),
            why: in_words(&refused.reason, product),
            route: format!("{} {}", refused.method, refused.path),
        }
    }
}

#[derive(Template)]
#[template(path = "support/request.html")]
struct RequestPage {
    chrome: Chrome,
    refused: Refused,
    at: Moment,
    account: String,
    key: Option<ApiKey>,
    steps: Vec<Step>,
    words: Words,
    sentence: String,
}

/// `GET /support`
pub async fn show(State(app): State<App>, me: Me) -> Result<Response, Error> {
    Ok(page(StatusCode::OK, &Search::empty(&app, &me).await?))
}

impl Search {
    async fn empty(app: &App, me: &Me) -> Result<Self, Error> {
        let chrome = Chrome::of(app, me, Place::Support).await?;
        Ok(Self { chrome, mistake: None, nothing: None, leak: false, found: Vec::new() })
    }
}

/// `POST /support` (`q`): a form, so that no key stands in an address.
pub async fn look_up(State(app): State<App>, me: Me, Form(form): Form) -> Result<Response, Error> {
    let asked = Asked::read(&app, form.get("q")).await?;
    let leak = asked.is_leak();
    let (found, by) = match asked {
        Asked::Request(id) => return Ok(see_other(&format!("/support/requests/{id}"))),
        Asked::Key(id) => return Ok(see_other(&format!("/support/keys/{id}"))),
        Asked::Nothing => {
            let mistake = Some("Enter a request ID, a key ID, or the last 4 to 8 characters of a key.");
            return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &Search { mistake, ..Search::empty(&app, &me).await? }));
        }
        Asked::Secret(hashes) => {
            spend(&app, &me)?;
            (support::find_key_of_secret(&app.db, &hashes).await?.into_iter().collect(), "by the whole key")
        }
        Asked::Part { last4 } | Asked::Ending { last4 } => {
            spend(&app, &me)?;
            (support::list_keys_ending(&app.db, &last4).await?, "by its last characters")
        }
    };
    show_found(&app, &me, found, (leak, by)).await
}

async fn show_found(app: &App, me: &Me, mut found: Vec<ApiKey>, (leak, by): (bool, &str)) -> Result<Response, Error> {
    for key in &found {
        note(app, me, &key.account_id, Target { id: &key.id, name: &key.name }, by).await?;
    }
    if found.len() == 1
        && let Some(key) = found.pop()
    {
        return Ok(page(StatusCode::OK, &KeyPage::of(app, me, key, leak).await?));
    }
    let mut search = Search { leak, ..Search::empty(app, me).await? };
    if found.is_empty() {
        search.nothing = Some(if leak { "No account here has this key." } else { "No key ends like this." }.into());
        return Ok(page(StatusCode::NOT_FOUND, &search));
    }
    for key in found {
        let account = support::account_name(&app.db, &key.account_id).await?;
        let (standing, fragment) = (Standing::of(&key, app.now()), key.fragment());
        search.found.push(Found { id: key.id, name: key.name, fragment, account, standing });
    }
    Ok(page(StatusCode::OK, &search))
}

/// `GET /support/keys/{id}`
pub async fn key(State(app): State<App>, me: Me, method: Method, Id(id): Id) -> Result<Response, Error> {
    spend(&app, &me)?;
    let Some(key) = support::find_key(&app.db, &id).await? else {
        let nothing = Some("No key has this ID. Check it character by character: capitals count.".into());
        return Ok(page(StatusCode::NOT_FOUND, &Search { nothing, ..Search::empty(&app, &me).await? }));
    };
    // Whoever asks for the head alone is shown nothing.
    if method != Method::HEAD {
        note(&app, &me, &key.account_id, Target { id: &key.id, name: &key.name }, "by its ID").await?;
    }
    Ok(page(StatusCode::OK, &KeyPage::of(&app, &me, key, false).await?))
}

impl KeyPage {
    async fn of(app: &App, me: &Me, key: ApiKey, leak: bool) -> Result<Self, Error> {
        app.flush_refusals().await?;
        let now = app.now();
        let recent = refusals::list_of_key(&app.db, &key.account_id, &key.id, RECENT).await?;
        let mut chrome = Chrome::of(app, me, Place::Support).await?;
        chrome.here = format!("/support/keys/{}", key.id);
        Ok(Self {
            chrome,
            account: support::account_name(&app.db, &key.account_id).await?,
            leak,
            warning: warning(&key, &app.product),
            dead: finding::of_dead_key(&key, &app.product, now),
            standing: Standing::of(&key, now),
            abilities: Abilities::of(&key, &app.product, now),
            created: Moment::date(key.created_at),
            last_used: key.last_used_at.map(|at| Moment::ago_in_words(at, now)),
            deleted: key.deleted_at.map(|at| Moment::new(at, text::date_time(at))),
            refusals: recent.iter().map(|refused| Refusal::of(refused, &app.product, now)).collect(),
            key,
        })
    }
}

/// What the administrators of a leaked key are told.
fn warning(key: &ApiKey, product: &Product) -> String {
    let place = finding::place(product);
    let [rotates, creates, deletes] = [KeyAct::Rotate, KeyAct::Create, KeyAct::Delete].map(|act| product.offers(act));
    let mend = if !rotates && creates && deletes {
        format!("create another now under {place} and delete this one")
    } else if !rotates {
        "replace it now".to_owned()
    } else if product.rotation.grace.iter().any(|grace| grace == "0") {
        format!("rotate it now under {place}, with the old key stopping immediately")
    } else {
        format!("rotate it now under {place}")
    };
    format!(
        "Your API key {} ({}) was sent to us in plain text, so treat it as leaked: an administrator should {mend}. We have \
         not stored it. Never send a whole key; its last four characters are enough.",
        isolated(&key.name),
        key.fragment()
    )
}

/// `GET /support/requests/{id}`
pub async fn request(State(app): State<App>, me: Me, method: Method, Id(id): Id) -> Result<Response, Error> {
    spend(&app, &me)?;
    app.flush_refusals().await?;
    let Some(refused) = support::find_refusal(&app.db, &id).await? else { return nothing_kept(&app, &me).await };
    let key = support::find_key(&app.db, &refused.key_id).await?;
    if !refused.account_id.is_empty() && method != Method::HEAD {
        let target = key
            .as_ref()
            .map_or(Target { id: &refused.account_id, name: "" }, |key| Target { id: &key.id, name: &key.name });
        note(&app, &me, &refused.account_id, target, &format!("by the request {}", refused.request_id)).await?;
    }
    let reason = refused.reason.parse().map_err(Error::internal)?;
    let case = Case { refused: &refused, reason, key: key.as_ref(), product: &app.product };
    let (steps, words) = (case.steps(), case.words());
    let sentence = case.sentence(&words);
    let mut chrome = Chrome::of(&app, &me, Place::Support).await?;
    chrome.here = format!("/support/requests/{}", refused.request_id);
    let account = support::account_name(&app.db, &refused.account_id).await?;
    let at = Moment::exact(refused.at);
    Ok(page(StatusCode::OK, &RequestPage { chrome, refused, at, account, key, steps, words, sentence }))
}

async fn nothing_kept(app: &App, me: &Me) -> Result<Response, Error> {
    let left_out = refusals::count_not_kept(&app.db, app.now() - hours(24)).await?;
    let flood = match u64::try_from(left_out) {
        Ok(count @ 1..) => format!(
            " In the last 24 hours {} came too fast to be kept one by one; a later request of the same key may be here.",
            text::count(count, "refused request", "refused requests")
        ),
        _ => String::new(),
    };
    let nothing = Some(format!(
        "No refused request with this ID. Requests that passed are not kept, and refused ones for 30 days.{flood}"
    ));
    Ok(page(StatusCode::NOT_FOUND, &Search { nothing, ..Search::empty(app, me).await? }))
}

fn spend(app: &App, me: &Me) -> Result<(), Error> {
    let spent = app.throttle.spend(&format!("support {}", me.user().id), LOOK_UPS, app.now());
    spent.map_err(|throttled| Error::throttled(throttled, app.now()))
}

/// Records the look-up in the customer's log, as one of staff, whatever they are in their own account.
async fn note(app: &App, me: &Me, account_id: &str, target: Target<'_>, by: &str) -> Result<(), Error> {
    let act = me.act(app);
    let staff = Actor { kind: "staff".into(), role: "support".into(), ..act.actor.clone() };
    let act = crate::store::Act { actor: &staff, ..act };
    Ok(support::note_look_up(&app.db, &act, account_id, target, by).await?)
}
