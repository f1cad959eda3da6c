//! What is done to the keys that were ticked on a page of the list: which they are and what will break first, then all of
//! it in one act. The question is a page with an address; only its answer changes anything.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{offered, reach};
use crate::clock::{Timestamp, days};
use crate::model::api_key::ApiKey;
use crate::model::text;
use crate::product::{KeyAct, Product};
use crate::store::many_keys::{self, MOST};
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Flash, Place};
use crate::web::error::Error;
use crate::web::form::{Fields, Form, Query, link};
use crate::web::view::Moment;
use crate::web::{App, page, see_other};

const LIST: &str = "/settings/api-keys";

#[derive(Template)]
#[template(path = "keys/selected.html")]
struct Selected {
    chrome: Chrome,
    deletes: bool,
    keys: Vec<Chosen>,
    /// `2 keys`
    count: String,
    /// How many of those that were ticked it is too late for.
    late: usize,
    /// How many of them were called within a day, and how often in all: `3 of them`, `6,140 requests`.
    in_use: Option<(String, String)>,
    /// Whether their number must be typed.
    by_number: bool,
    typed: String,
    error: Option<String>,
}

/// One of them.
struct Chosen {
    id: String,
    name: String,
    fragment: String,
    reach: String,
    requests: String,
    last_used: Option<Moment>,
}

impl Selected {
    async fn of(app: &App, me: &Me, act: KeyAct, ids: &[String]) -> Result<Self, Error> {
        let (now, deletes) = (app.now(), act == KeyAct::Delete);
        // Nobody is to stop a key that was used a moment ago and looks idle.
        app.flush_usage(me.account_id()).await?;
        let mut keys = many_keys::find(&app.db, me.account_id(), ids).await?;
        keys.retain(|key| key.deleted_at.is_none() && (deletes || key.paused_at.is_none()));
        let called = many_keys::called(&app.db, me.account_id(), ids, (now - days(1)).hour()).await?;
        let called: HashMap<String, u64> =
            called.into_iter().map(|called| (called.key_id, called.requests.unsigned_abs())).collect();
        let keys: Vec<Chosen> = keys.iter().map(|key| Chosen::of(key, &app.product, &called, now)).collect();
        let mut chrome = Chrome::of(app, me, Place::Keys).await?;
        chrome.here = address(act, ids);
        Ok(Self {
            chrome,
            deletes,
            count: text::count(keys.len() as u64, "key", "keys"),
            late: ids.len() - keys.len(),
            in_use: in_use(&keys, &called),
            by_number: deletes && app.product.keys.confirm_by_name,
            typed: String::new(),
            error: None,
            keys,
        })
    }

    fn verb(&self) -> &'static str {
        if self.deletes { "Delete" } else { "Pause" }
    }

    fn path(&self) -> &'static str {
        path(if self.deletes { KeyAct::Delete } else { KeyAct::Pause })
    }
}

impl Chosen {
    fn of(key: &ApiKey, product: &Product, called: &HashMap<String, u64>, now: Timestamp) -> Self {
        Self {
            id: key.id.clone(),
            name: key.name.clone(),
            fragment: key.fragment(),
            reach: reach(key, product),
            requests: text::thousands(called.get(&key.id).copied().unwrap_or(0)),
            last_used: key.last_used_at.map(|at| Moment::ago(at, now)),
        }
    }
}

fn in_use(keys: &[Chosen], called: &HashMap<String, u64>) -> Option<(String, String)> {
    let counts: Vec<u64> =
        keys.iter().filter_map(|key| called.get(&key.id).copied()).filter(|count| *count > 0).collect();
    let them = match counts.len() {
        1 if keys.len() == 1 => "It".into(),
        all if all == keys.len() => "All of them".into(),
        some => format!("{some} of them"),
    };
    (!counts.is_empty()).then(|| (them, text::count(counts.iter().sum(), "request", "requests")))
}

fn path(act: KeyAct) -> &'static str {
    if act == KeyAct::Delete { "/settings/api-keys/selected/delete" } else { "/settings/api-keys/selected/pause" }
}

fn address(act: KeyAct, ids: &[String]) -> String {
    link(path(act), &ids.iter().map(|id| ("key", id.as_str())).collect::<Vec<_>>())
}

/// The keys that were ticked, each once.
pub(super) fn chosen(fields: &Fields) -> Result<Vec<String>, Error> {
    let ids = fields.ids("key");
    if ids.len() > MOST { Err(Error::TooManyKeys) } else { Ok(ids) }
}

/// `GET /settings/api-keys/selected/delete?key=&key=…`
pub async fn ask_delete(State(app): State<App>, me: Me, Query(query): Query) -> Result<Response, Error> {
    ask(&app, &me, KeyAct::Delete, &query).await
}

/// `GET /settings/api-keys/selected/pause?key=&key=…`
pub async fn ask_pause(State(app): State<App>, me: Me, Query(query): Query) -> Result<Response, Error> {
    ask(&app, &me, KeyAct::Pause, &query).await
}

/// `POST /settings/api-keys/selected/delete`
pub async fn delete(State(app): State<App>, me: Me, Form(fields): Form) -> Result<Response, Error> {
    offered(&app, KeyAct::Delete)?;
    let ids = chosen(&fields)?;
    if ids.is_empty() {
        return nothing(&me, " was selected. Tick the keys first.").await;
    }
    if app.product.keys.confirm_by_name && fields.get("count").trim() != ids.len().to_string() {
        let shown = Selected::of(&app, &me, KeyAct::Delete, &ids).await?;
        let error = format!("The number doesn’t match. Type {} to delete {}.", shown.keys.len(), shown.count);
        let again = Selected { typed: fields.owned("count"), error: Some(error), ..shown };
        return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &again));
    }
    let done = many_keys::delete(&app.db, &me.act(&app), me.account_id(), &ids).await?;
    tell(&me, (done, ids.len()), KeyAct::Delete).await
}

/// `POST /settings/api-keys/selected/pause`
pub async fn pause(State(app): State<App>, me: Me, Form(fields): Form) -> Result<Response, Error> {
    offered(&app, KeyAct::Pause)?;
    let ids = chosen(&fields)?;
    if ids.is_empty() {
        return nothing(&me, " was selected. Tick the keys first.").await;
    }
    let done = many_keys::pause(&app.db, &me.act(&app), me.account_id(), &ids).await?;
    tell(&me, (done, ids.len()), KeyAct::Pause).await
}

async fn ask(app: &App, me: &Me, act: KeyAct, query: &Fields) -> Result<Response, Error> {
    offered(app, act)?;
    let ids = chosen(query)?;
    if ids.is_empty() {
        return nothing(me, " was selected. Tick the keys first.").await;
    }
    let shown = Selected::of(app, me, act, &ids).await?;
    if shown.keys.is_empty() {
        let why = if shown.deletes { " of these is left to delete." } else { " of these is left to pause." };
        return nothing(me, why).await;
    }
    Ok(page(StatusCode::OK, &shown))
}

async fn nothing(me: &Me, why: &str) -> Result<Response, Error> {
    Flash { kind: "warn".into(), ..Flash::good("No key", why) }.keep(me).await?;
    Ok(see_other(LIST))
}

/// Says how many of the keys it was, and that it was too late for the others.
async fn tell(me: &Me, (done, asked): (usize, usize), act: KeyAct) -> Result<Response, Error> {
    let (past, too_late) = if act == KeyAct::Delete { ("deleted", "deleted") } else { ("paused", "paused or deleted") };
    let (were, them) = if done == 1 { ("was", "it") } else { ("were", "them") };
    let flash = if done == asked {
        let now = if act == KeyAct::Delete {
            format!("Requests using {them} now fail with 401.")
        } else {
            format!("Requests with {them} fail with 401 until you resume {them}.")
        };
        Flash::good(&text::count(done as u64, "key", "keys"), &format!(" {were} {past}. {now}"))
    } else {
        let late = asked - done;
        let others = if late == 1 { "one was".into() } else { format!("{late} were") };
        let said = format!(" {were} {past}; {others} {too_late} already.");
        Flash {
            kind: "warn".into(),
            ..Flash::good(&format!("{done} of {}", text::count(asked as u64, "key", "keys")), &said)
        }
    };
    flash.with_link(format!("/settings/audit-log?action=key.{past}"), "View in audit log").keep(me).await?;
    Ok(see_other(LIST))
}
