//! Pause and resume: a key that refuses every request until it is let go on. Nothing is lost, so nothing is asked.

use axum::extract::State;
use axum::response::Response;

use super::{find_alive, offered};
use crate::model::api_key::ApiKey;
use crate::product::KeyAct;
use crate::store::key_changes;
use crate::web::audience::Me;
use crate::web::chrome::Flash;
use crate::web::error::Error;
use crate::web::form::Id;
use crate::web::{App, see_other};

/// `POST /settings/api-keys/{id}/pause`
pub async fn create(State(app): State<App>, me: Me, Id(id): Id) -> Result<Response, Error> {
    offered(&app, KeyAct::Pause)?;
    let key = find_alive(&app, &me, &id).await?;
    if key_changes::pause(&app.db, &me.act(&app), &key).await? {
        Flash::good(&key.name, " is paused. Requests with it fail with 401 until you resume it.").keep(&me).await?;
    }
    Ok(see_other(&format!("/settings/api-keys/{id}")))
}

/// `POST /settings/api-keys/{id}/resume`. A key that was paused can go on, whatever the definition says by now.
pub async fn end(State(app): State<App>, me: Me, Id(id): Id) -> Result<Response, Error> {
    let key = find_alive(&app, &me, &id).await?;
    if key_changes::resume(&app.db, &me.act(&app), &key).await? {
        let works = ApiKey { paused_at: None, ..key.clone() }.status(app.now()).verifies();
        let said = if works { " is resumed. Requests with it work again." } else { " is resumed." };
        Flash::good(&key.name, said).keep(&me).await?;
    }
    Ok(see_other(&format!("/settings/api-keys/{id}")))
}
