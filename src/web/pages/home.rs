//! `/` and `/settings`: no screens of their own, only the way to the first one that somebody may open.

use axum::extract::State;
use axum::response::Response;
use tower_sessions::Session as WebSession;

use crate::model::user::Role;
use crate::web::audience::{Me, signed_in};
use crate::web::error::Error;
use crate::web::request::RequestInfo;
use crate::web::{App, see_other};

/// `GET /`
pub async fn show(State(app): State<App>, info: RequestInfo, web: WebSession) -> Result<Response, Error> {
    let me = signed_in(&app, &info, web).await?;
    Ok(see_other(me.map_or("/sign-in", |me| first_screen(me.user().role))))
}

/// `GET /settings`
pub async fn settings(me: Me) -> Response {
    see_other(first_screen(me.user().role))
}

/// Where a role's day begins.
pub fn first_screen(role: Role) -> &'static str {
    if role.sees_keys() { "/settings/api-keys" } else { "/settings/inboxes" }
}
