//! `POST /sign-out`: ends the session, so that its cookie and every token of it are refused from now on.

use axum::extract::State;
use axum::response::{IntoResponse, Response};

use crate::store::sessions;
use crate::web::audience::Me;
use crate::web::error::Error;
use crate::web::{App, see_other};

pub async fn create(State(app): State<App>, me: Me) -> Result<Response, Error> {
    sessions::end(&app.db, &me.act(&app), &me.session).await?;
    me.web.flush().await?;
    // What this browser kept of the desk goes too. Not its cookies: the session's was just taken back, and the device
    // cookie opens nothing; without it, every sign-in after a sign-out would be one on a new device.
    Ok(([("clear-site-data", "\"cache\", \"storage\"")], see_other("/sign-in")).into_response())
}
