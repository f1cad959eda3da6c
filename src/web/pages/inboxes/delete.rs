//! Deleting an inbox: the restricted keys that die with it are named before, and die in the same transaction.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::clock::Timestamp;
use crate::model::api_key::ApiKey;
use crate::model::inbox::Inbox;
use crate::model::{name, text};
use crate::product::{Product, Words};
use crate::store::{api_keys, inboxes};
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Flash, Place};
use crate::web::error::{Error, Missing};
use crate::web::form::{Form, Id};
use crate::web::pages::keys::Tag;
use crate::web::pages::keys::delete::mismatch;
use crate::web::view::Moment;
use crate::web::{App, page, see_other};

/// Keys that the page names, and the sentence after it; the others are counted.
const NAMED: usize = 50;
const SAID: usize = 3;

#[derive(Template)]
#[template(path = "inboxes/delete.html")]
struct Delete<'a> {
    chrome: Chrome,
    words: &'a Words,
    inbox: Inbox,
    /// The first of the keys that die with it.
    doomed: Vec<Doomed>,
    /// How many there are.
    count: usize,
    typed: String,
    error: Option<String>,
}

/// A restricted key that dies with the inbox.
struct Doomed {
    id: String,
    name: String,
    fragment: String,
    tag: Option<Tag>,
    last_used: Option<Moment>,
}

impl<'a> Delete<'a> {
    async fn of(app: &'a App, me: &Me, id: &str) -> Result<Self, Error> {
        let inbox = inboxes::find(&app.db, me.account_id(), id).await?.ok_or(Error::NotFound(Missing::Inbox))?;
        let mut chrome = Chrome::of(app, me, Place::Inboxes).await?;
        chrome.here = format!("/settings/inboxes/{id}/delete");
        let bound = api_keys::list_of_inbox(&app.db, me.account_id(), id).await?;
        let (count, now) = (bound.len(), app.now());
        let doomed = bound.into_iter().take(NAMED).map(|key| Doomed::of(key, &app.product, now)).collect();
        Ok(Self { chrome, words: &app.product.words, inbox, doomed, count, typed: String::new(), error: None })
    }

    /// `2 keys`
    fn keys(&self) -> String {
        text::count(self.count as u64, "key", "keys")
    }

    /// How many of them are counted only.
    fn unnamed(&self) -> u64 {
        (self.count - self.doomed.len()) as u64
    }
}

impl Doomed {
    fn of(key: ApiKey, product: &Product, now: Timestamp) -> Self {
        Self {
            fragment: key.fragment(),
            tag: Tag::of(product, &key.environment).filter(|tag| tag.class == "test"),
            last_used: key.last_used_at.map(|at| Moment::ago_in_words(at, now)),
            id: key.id,
            name: key.name,
        }
    }
}

/// `GET /settings/inboxes/{id}/delete`
pub async fn show(State(app): State<App>, me: Me, Id(id): Id) -> Result<Response, Error> {
    Ok(page(StatusCode::OK, &Delete::of(&app, &me, &id).await?))
}

/// `POST /settings/inboxes/{id}/delete`
pub async fn create(State(app): State<App>, me: Me, Id(id): Id, Form(fields): Form) -> Result<Response, Error> {
    let asked = Delete::of(&app, &me, &id).await?;
    if !name::is_typed(fields.get("name"), &asked.inbox.name) {
        let again = Delete { typed: fields.owned("name"), error: Some(mismatch(&asked.inbox.name)), ..asked };
        return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &again));
    }
    let deleted = inboxes::delete(&app.db, &me.act(&app), me.account_id(), &id).await?;
    let keys = deleted.ok_or(Error::NotFound(Missing::Inbox))?;
    let keys: Vec<String> = keys.iter().map(|key| name::isolated(key).into_owned()).collect();
    let with =
        if keys.is_empty() { String::new() } else { format!(", and with it {}", text::some(&keys, SAID, keys.len())) };
    Flash::good(&asked.inbox.name, &format!(" was deleted{with}.")).keep(&me).await?;
    Ok(see_other("/settings/inboxes"))
}
