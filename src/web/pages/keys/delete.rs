//! Deletion: what will break, a safer way, and the exact name typed. Immediate, and for good.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{Evidence, Tag, find_alive, offered, type_label};
use crate::model::api_key::ApiKey;
use crate::model::{name, text};
use crate::product::KeyAct;
use crate::store::{accounts, api_keys};
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Flash, Place};
use crate::web::error::Error;
use crate::web::form::{Form, Id};
use crate::web::{App, page, see_other};

#[derive(Template)]
#[template(path = "keys/delete.html")]
struct Delete {
    chrome: Chrome,
    key: ApiKey,
    evidence: Evidence,
    /// `Live, standard, full access to all 6 inboxes.`
    reach: String,
    typed: String,
    error: Option<String>,
    /// Whether the name must be typed.
    by_name: bool,
    rotates: bool,
    creates: bool,
}

impl Delete {
    async fn of(app: &App, me: &Me, key: ApiKey) -> Result<Self, Error> {
        let mut chrome = Chrome::of(app, me, Place::Keys).await?;
        chrome.here = format!("/settings/api-keys/{}/delete", key.id);
        let evidence = Evidence::of(app, &key, app.now()).await?;
        let reach = reach(app, me, &key).await?;
        let by_name = app.product.keys.confirm_by_name;
        let (rotates, creates) = (app.product.offers(KeyAct::Rotate), app.product.offers(KeyAct::Create));
        Ok(Self { chrome, key, evidence, reach, typed: String::new(), error: None, by_name, rotates, creates })
    }
}

async fn reach(app: &App, me: &Me, key: &ApiKey) -> Result<String, Error> {
    let words = &app.product.words;
    let environment = Tag::of(&app.product, &key.environment).map_or(String::new(), |tag| format!("{}, ", tag.label));
    let access = key
        .scopes
        .preset_label(&app.product)
        .map_or_else(|| text::count(key.scopes.len() as u64, "scope", "scopes"), str::to_lowercase);
    let kind = type_label(key.key_type, &app.product);
    let kind = if app.product.keys.types.len() == 1 { String::new() } else { format!("{}, ", kind.to_lowercase()) };
    let to = if let Some(inbox) = &key.inbox_name {
        format!("in {}", name::isolated(inbox))
    } else {
        let count = accounts::counts(&app.db, me.account_id()).await?.inboxes;
        match u64::try_from(count).unwrap_or(0) {
            0 | 1 => format!("on every {}", words.resource),
            count => format!("on all {}", text::count(count, &words.resource, &words.resources)),
        }
    };
    Ok(text::capitalised(&format!("{environment}{kind}{access} {to}.")))
}

/// `GET /settings/api-keys/{id}/delete`
pub async fn show(State(app): State<App>, me: Me, Id(id): Id) -> Result<Response, Error> {
    offered(&app, KeyAct::Delete)?;
    // Nobody is to delete a key that was used a moment ago and looks idle.
    app.flush_usage(me.account_id()).await?;
    let key = find_alive(&app, &me, &id).await?;
    Ok(page(StatusCode::OK, &Delete::of(&app, &me, key).await?))
}

/// `POST /settings/api-keys/{id}/delete`
pub async fn create(State(app): State<App>, me: Me, Id(id): Id, Form(fields): Form) -> Result<Response, Error> {
    offered(&app, KeyAct::Delete)?;
    let key = find_alive(&app, &me, &id).await?;
    if app.product.keys.confirm_by_name && !name::is_typed(fields.get("name"), &key.name) {
        let error = Some(mismatch(&key.name));
        let again = Delete { typed: fields.owned("name"), error, ..Delete::of(&app, &me, key).await? };
        return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &again));
    }
    api_keys::delete(&app.db, &me.act(&app), &key).await?;
    let flash = Flash::good(&key.name, " was deleted. Requests using it now fail with 401.");
    flash.with_link(format!("/settings/audit-log?target={id}"), "View in audit log").keep(&me).await?;
    Ok(see_other("/settings/api-keys"))
}

/// What to type, with what people miss: hyphens and capitals.
pub fn mismatch(name: &str) -> String {
    let with = if name.contains('-') {
        ", with the hyphen"
    } else if name.chars().any(char::is_uppercase) {
        ", with its capitals"
    } else {
        ""
    };
    let with = if name.matches('-').count() > 1 { ", with the hyphens" } else { with };
    format!("The name doesn’t match. Type {} exactly{with}.", name::isolated(name))
}

#[cfg(test)]
mod tests {
    use super::mismatch;

    #[test]
    fn the_mistake_names_what_people_miss() {
        assert_eq!(
            mismatch("production-backend"),
            "The name doesn’t match. Type production-backend exactly, with the hyphen."
        );
        assert_eq!(mismatch("a-b-c"), "The name doesn’t match. Type a-b-c exactly, with the hyphens.");
        assert_eq!(mismatch("Newsletter"), "The name doesn’t match. Type Newsletter exactly, with its capitals.");
        assert_eq!(mismatch("qa"), "The name doesn’t match. Type qa exactly.");
    }
}
