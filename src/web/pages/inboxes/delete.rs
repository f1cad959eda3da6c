//! Deleting an inbox: the restricted keys that die with it are named before, and die in the same transaction.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::model::inbox::Inbox;
use crate::model::text;
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

#[derive(Template)]
#[template(path = "inboxes/delete.html")]
struct Delete<'a> {
    chrome: Chrome,
    words: &'a Words,
    inbox: Inbox,
    doomed: Vec<Doomed>,
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
        let doomed = doomed(app, me, id, &app.product).await?;
        Ok(Self { chrome, words: &app.product.words, inbox, doomed, typed: String::new(), error: None })
    }

    /// `2 keys`
    fn keys(&self) -> String {
        text::count(self.doomed.len() as u64, "key", "keys")
    }
}

async fn doomed(app: &App, me: &Me, inbox_id: &str, product: &Product) -> Result<Vec<Doomed>, Error> {
    let now = app.now();
    let bound = api_keys::list_of_inbox(&app.db, me.account_id(), inbox_id).await?;
    let key = |key: crate::model::api_key::ApiKey| Doomed {
        fragment: key.fragment(),
        tag: Tag::of(product, &key.environment).filter(|tag| tag.class == "test"),
        last_used: key.last_used_at.map(|at| Moment::ago_in_words(at, now)),
        id: key.id,
        name: key.name,
    };
    Ok(bound.into_iter().map(key).collect())
}

/// `GET /settings/inboxes/{id}/delete`
pub async fn show(State(app): State<App>, me: Me, Id(id): Id) -> Result<Response, Error> {
    Ok(page(StatusCode::OK, &Delete::of(&app, &me, &id).await?))
}

/// `POST /settings/inboxes/{id}/delete`
pub async fn create(State(app): State<App>, me: Me, Id(id): Id, Form(fields): Form) -> Result<Response, Error> {
    let asked = Delete::of(&app, &me, &id).await?;
    if fields.get("name").trim() != asked.inbox.name {
        let again = Delete { typed: fields.owned("name"), error: Some(mismatch(&asked.inbox.name)), ..asked };
        return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &again));
    }
    let deleted = inboxes::delete(&app.db, &me.act(&app), me.account_id(), &id).await?;
    let keys = deleted.ok_or(Error::NotFound(Missing::Inbox))?;
    let with = if keys.is_empty() { String::new() } else { format!(", and with it {}", text::list(&keys)) };
    Flash::good(&asked.inbox.name, &format!(" was deleted{with}.")).keep(&me).await?;
    Ok(see_other("/settings/inboxes"))
}
