//! Removing somebody, or oneself: what they created is listed with its last use, and stays unless somebody says that it
//! goes too.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{find, objection};
use crate::clock::Timestamp;
use crate::model::api_key::ApiKey;
use crate::model::text;
use crate::model::user::User;
use crate::product::KeyAct;
use crate::store::team::{self, Keys};
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Flash, Place};
use crate::web::error::Error;
use crate::web::form::{Form, Id};
use crate::web::view::Moment;
use crate::web::{App, page, see_other};

/// Keys that the page names; of more it says how many.
const NAMED: i64 = 50;

#[derive(Template)]
#[template(path = "team/remove.html")]
struct Remove {
    chrome: Chrome,
    person: User,
    is_me: bool,
    created: Vec<Created>,
    count: u64,
    /// Whether there is a choice: not where the product has no deleting.
    may_delete: bool,
    deletes: bool,
    error: Option<String>,
}

/// A key that they created.
struct Created {
    id: String,
    name: String,
    fragment: String,
    last_used: Option<Moment>,
}

impl Created {
    fn of(key: ApiKey, now: Timestamp) -> Self {
        let last_used = key.last_used_at.map(|at| Moment::ago_in_words(at, now));
        Self { fragment: key.fragment(), last_used, id: key.id, name: key.name }
    }
}

impl Remove {
    async fn of(app: &App, me: &Me, person: User) -> Result<Self, Error> {
        let mut chrome = Chrome::of(app, me, Place::Team).await?;
        chrome.here = here(&person);
        // Whether a key is in use must not be a second behind.
        app.flush_usage(me.account_id()).await?;
        let created = team::keys_of(&app.db, &person, NAMED).await?;
        let count = team::count_keys_of(&app.db, &person).await?;
        let is_me = person.id == me.user().id;
        let created = created.into_iter().map(|key| Created::of(key, app.now())).collect();
        let may_delete = app.product.offers(KeyAct::Delete);
        Ok(Self { chrome, person, is_me, created, count, may_delete, deletes: false, error: None })
    }

    /// `1 key`
    fn keys(&self) -> String {
        text::count(self.count, "key", "keys")
    }

    fn unnamed(&self) -> u64 {
        self.count.saturating_sub(self.created.len() as u64)
    }
}

fn here(person: &User) -> String {
    format!("/settings/team/{}/remove", person.id)
}

/// `GET /settings/team/{id}/remove`
pub async fn show(State(app): State<App>, me: Me, Id(id): Id) -> Result<Response, Error> {
    let person = find(&app, &me, &id).await?;
    me.confirmed(&app, &here(&person))?;
    Ok(page(StatusCode::OK, &Remove::of(&app, &me, person).await?))
}

/// `POST /settings/team/{id}/remove`
pub async fn create(State(app): State<App>, me: Me, Id(id): Id, Form(fields): Form) -> Result<Response, Error> {
    let person = find(&app, &me, &id).await?;
    me.confirmed(&app, &here(&person))?;
    // Only the very word deletes: keeping can be put right.
    let may_delete = app.product.offers(KeyAct::Delete);
    let keys = if may_delete && fields.get("keys") == "delete" { Keys::Delete } else { Keys::Keep };
    let deleted = match team::remove(&app.db, &me.act(&app), &person, keys).await? {
        Ok(deleted) => deleted,
        Err(refused) => {
            let error = Some(objection(refused, &person)?);
            let again = Remove { error, deletes: keys == Keys::Delete, ..Remove::of(&app, &me, person).await? };
            return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &again));
        }
    };
    app.post.bell.notify_one();
    if person.id == me.user().id {
        return Ok(see_other("/sign-in"));
    }
    let with =
        if deleted == 0 { String::new() } else { format!(", and with them {}", text::count(deleted, "key", "keys")) };
    Flash::good(&person.name, &format!(" was removed{with}.")).keep(&me).await?;
    Ok(see_other("/settings/team"))
}
