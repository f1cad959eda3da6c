//! Notes on a key, by administrators and auditors. An auditor changes nothing of a key, and a note does not either: it is
//! kept beside it, is never changed, and is in the audit log. It holds no key: text that has one is refused unseen.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::find;
use crate::model::api_key::ApiKey;
use crate::model::secret::Secret;
use crate::model::text;
use crate::store::key_notes;
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Flash, Place};
use crate::web::error::Error;
use crate::web::form::{Form, Id};
use crate::web::view::{Avatar, Moment};
use crate::web::{App, page, see_other};

/// Characters of a note.
const LONGEST: usize = 500;
/// Notes on the key's page; on their own, all are.
const NEWEST: i64 = 3;

#[derive(Template)]
#[template(path = "keys/notes.html")]
struct Page {
    chrome: Chrome,
    key: ApiKey,
    notes: Vec<Note>,
    typed: String,
    error: Option<String>,
}

pub(super) struct Note {
    pub avatar: Avatar,
    pub author: String,
    pub at: Moment,
    pub body: String,
}

impl Note {
    /// The newest notes on a key, as its page has them.
    pub(super) async fn newest(app: &App, key: &ApiKey) -> Result<Vec<Self>, Error> {
        Self::list(app, key, NEWEST).await
    }

    async fn list(app: &App, key: &ApiKey, limit: i64) -> Result<Vec<Self>, Error> {
        let notes = key_notes::list(&app.db, &key.account_id, &key.id, limit).await?;
        let note = |note: key_notes::Note| Self {
            avatar: Avatar::of(&note.author_id, &note.author_name),
            author: note.author_name,
            at: Moment::new(note.created_at, text::date_time(note.created_at)),
            body: note.body,
        };
        Ok(notes.into_iter().map(note).collect())
    }
}

impl Page {
    async fn of(app: &App, me: &Me, key: ApiKey) -> Result<Self, Error> {
        let mut chrome = Chrome::of(app, me, Place::Keys).await?;
        chrome.here = format!("/settings/api-keys/{}/notes", key.id);
        Ok(Self {
            chrome,
            notes: Note::list(app, &key, key_notes::MOST).await?,
            key,
            typed: String::new(),
            error: None,
        })
    }
}

/// `GET /settings/api-keys/{id}/notes`
pub async fn show(State(app): State<App>, me: Me, Id(id): Id) -> Result<Response, Error> {
    let key = find(&app, &me, &id).await?;
    Ok(page(StatusCode::OK, &Page::of(&app, &me, key).await?))
}

/// `POST /settings/api-keys/{id}/notes`
pub async fn create(State(app): State<App>, me: Me, Id(id): Id, Form(fields): Form) -> Result<Response, Error> {
    let key = find(&app, &me, &id).await?;
    let body = fields.get("note").replace("\r\n", "\n").trim().to_owned();
    if let Some(error) = objection(&body, &app.gate.prefixes.all()) {
        let again = Page { typed: text::without_secrets(&body), error: Some(error), ..Page::of(&app, &me, key).await? };
        return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &again));
    }
    if !key_notes::add(&app.db, &me.act(&app), &key, &body).await? {
        let error = Some(format!("This key has {} notes, the most it can hold.", key_notes::MOST));
        let again = Page { typed: body, error, ..Page::of(&app, &me, key).await? };
        return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &again));
    }
    Flash::good(&key.name, " has a new note.").keep(&me).await?;
    Ok(see_other(&format!("/settings/api-keys/{id}/notes")))
}

/// What is wrong with a note, if anything is.
fn objection(body: &str, prefixes: &[String]) -> Option<String> {
    let length = body.chars().count();
    if let Some(last4) = Secret::last4_within(body, prefixes) {
        Some(format!("A note can’t hold a key. Name it by its last four characters, {last4}."))
    } else if body.is_empty() {
        Some("Write a note.".into())
    } else if length > LONGEST {
        Some(format!("Use {LONGEST} characters or fewer. This note has {length}."))
    } else if body.chars().any(|c| c.is_control() && c != '\n') {
        Some("Use letters, digits, spaces and punctuation only.".into())
    } else {
        None
    }
}
