//! The password again, before what must not be done by whoever finds a desk unlocked. Tested behind the same throttles and
//! on the same pool as a sign-in; then back to the page whose button was pressed.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use zeroize::Zeroizing;

use crate::store::sessions::FRESH;
use crate::store::users;
use crate::web::audience::{Me, confirm};
use crate::web::chrome::{Chrome, Place};
use crate::web::error::Error;
use crate::web::form::{Form, Query, own_path, with_way_back};
use crate::web::people::authenticate;
use crate::web::{App, page, see_other};

#[derive(Template)]
#[template(path = "re_authenticate/show.html")]
struct ReAuthenticate<'a> {
    chrome: Chrome,
    email: &'a str,
    next: &'a str,
    has_password: bool,
    minutes: u64,
    error: Option<&'static str>,
}

impl<'a> ReAuthenticate<'a> {
    async fn of(app: &App, me: &'a Me, next: &'a str) -> Result<Self, Error> {
        let mut chrome = Chrome::of(app, me, Place::Elsewhere).await?;
        chrome.here = with_way_back("/re-authenticate", next);
        Ok(Self {
            chrome,
            email: &me.user().email,
            next,
            has_password: users::has_password(&app.db, me.account_id(), &me.user().id).await?,
            minutes: FRESH.as_secs() / 60,
            error: None,
        })
    }

    /// Where *Cancel* leads.
    fn way_out(&self) -> &str {
        if self.next.is_empty() { "/settings" } else { self.next }
    }
}

/// `GET /re-authenticate?next=`
pub async fn show(State(app): State<App>, me: Me, Query(query): Query) -> Result<Response, Error> {
    let next = own_path(query.get("next")).unwrap_or_default();
    Ok(page(StatusCode::OK, &ReAuthenticate::of(&app, &me, next).await?))
}

/// `POST /re-authenticate`. Whose password it is says the session; the address in the form is for password managers.
pub async fn create(State(app): State<App>, me: Me, Form(fields): Form) -> Result<Response, Error> {
    let next = own_path(fields.get("next")).unwrap_or_default();
    let password = Zeroizing::new(fields.owned("password"));
    let genuine = authenticate(&app, &me.info, &me.user().email, password).await?;
    if genuine.is_none_or(|user| user.id != me.user().id) {
        let again = ReAuthenticate {
            error: Some("This isn’t your password. Check it and try again."),
            ..ReAuthenticate::of(&app, &me, next).await?
        };
        return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &again));
    }
    confirm(&app, &me).await?;
    Ok(see_other(if next.is_empty() { "/settings" } else { next }))
}
