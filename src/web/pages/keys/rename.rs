//! Another name for a key. Its id, secret and history stay the same.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{find_alive, offered};
use crate::model::api_key::ApiKey;
use crate::model::key_form::name_taken;
use crate::model::name;
use crate::product::KeyAct;
use crate::store::key_changes::{self, Renamed};
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Flash, Place};
use crate::web::error::{Error, Missing};
use crate::web::form::{Form, Id};
use crate::web::{App, page, see_other};

#[derive(Template)]
#[template(path = "keys/rename.html")]
struct Rename {
    chrome: Chrome,
    key: ApiKey,
    typed: String,
    error: Option<String>,
}

impl Rename {
    async fn of(app: &App, me: &Me, key: ApiKey) -> Result<Self, Error> {
        let mut chrome = Chrome::of(app, me, Place::Keys).await?;
        chrome.here = format!("/settings/api-keys/{}/rename", key.id);
        Ok(Self { chrome, typed: key.name.clone(), key, error: None })
    }

    async fn again(app: &App, me: &Me, key: ApiKey, typed: String, error: String) -> Result<Response, Error> {
        let again = Self { typed, error: Some(error), ..Self::of(app, me, key).await? };
        Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &again))
    }
}

/// `GET /settings/api-keys/{id}/rename`
pub async fn show(State(app): State<App>, me: Me, Id(id): Id) -> Result<Response, Error> {
    offered(&app, KeyAct::Rename)?;
    let key = find_alive(&app, &me, &id).await?;
    Ok(page(StatusCode::OK, &Rename::of(&app, &me, key).await?))
}

/// `POST /settings/api-keys/{id}/rename`
pub async fn create(State(app): State<App>, me: Me, Id(id): Id, Form(fields): Form) -> Result<Response, Error> {
    offered(&app, KeyAct::Rename)?;
    let key = find_alive(&app, &me, &id).await?;
    let typed = fields.owned("name");
    let name = typed.trim();
    if let Some(objection) = name::objection(name, name::LONGEST) {
        return Rename::again(&app, &me, key, typed.clone(), objection).await;
    }
    if name != key.name {
        match key_changes::rename(&app.db, &me.act(&app), &key, name).await? {
            Renamed::Now => {
                Flash::good(&key.name, &format!(" is now called {}.", name::isolated(name))).keep(&me).await?;
            }
            Renamed::Gone => return Err(Error::NotFound(Missing::Key)),
            Renamed::NameTaken => {
                let error = name_taken(&name::isolated(name), &app.product, &key.environment);
                return Rename::again(&app, &me, key, typed, error).await;
            }
        }
    }
    Ok(see_other(&format!("/settings/api-keys/{id}")))
}
