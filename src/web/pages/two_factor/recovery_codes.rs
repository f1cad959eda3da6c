//! Recovery codes: shown once, in the answer that makes them. A new set voids the old one.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use zeroize::Zeroizing;

use super::{Codes, MANAGE};
use crate::store::{recovery_codes, second_factors};
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Place};
use crate::web::error::Error;
use crate::web::{App, page, see_other};

const PATH: &str = "/settings/security/two-factor/recovery-codes";

#[derive(Template)]
#[template(path = "two_factor/codes.html")]
struct Shown {
    chrome: Chrome,
    codes: Vec<Zeroizing<String>>,
}

#[derive(Template)]
#[template(path = "two_factor/new_codes.html")]
struct Ask {
    chrome: Chrome,
    codes_left: i64,
}

/// The page that shows a set, this once.
pub(super) async fn shown(app: &App, me: &Me, codes: Codes) -> Result<Response, Error> {
    let mut chrome = Chrome::of(app, me, Place::Security).await?;
    chrome.here = MANAGE.into();
    Ok(page(StatusCode::OK, &Shown { chrome, codes: codes.shown }))
}

/// `GET /settings/security/two-factor/recovery-codes`
pub async fn show(State(app): State<App>, me: Me) -> Result<Response, Error> {
    let factors = second_factors::of(&app.db, &me.user().id).await?;
    if !factors.any() {
        return Ok(see_other(MANAGE));
    }
    me.confirmed(&app, PATH)?;
    let chrome = Chrome::of(&app, &me, Place::Security).await?;
    Ok(page(StatusCode::OK, &Ask { chrome, codes_left: factors.codes_left }))
}

/// `POST /settings/security/two-factor/recovery-codes`
pub async fn create(State(app): State<App>, me: Me) -> Result<Response, Error> {
    if !second_factors::of(&app.db, &me.user().id).await?.any() {
        return Ok(see_other(MANAGE));
    }
    me.confirmed(&app, PATH)?;
    let codes = Codes::draw(&app.entropy);
    recovery_codes::replace(&app.db, &me.act(&app), me.user(), &codes.hashes).await?;
    app.post.bell.notify_one();
    shown(&app, &me, codes).await
}
