//! Sign-in by email and password; one failure page, whatever was wrong.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tower_sessions::Session as WebSession;
use zeroize::Zeroizing;

use crate::model::proof::Proof;
use crate::web::audience::{Entry, signed_in};
use crate::web::error::Error;
use crate::web::form::{Form, Query, own_path};
use crate::web::pages::google::Continue;
use crate::web::pages::home::first_screen;
use crate::web::people::authenticate;
use crate::web::request::RequestInfo;
use crate::web::{App, page, second_factor, see_other};

#[derive(Template)]
#[template(path = "sign_in/show.html")]
struct SignIn<'a> {
    theme: &'static str,
    brand: &'a str,
    next: &'a str,
    email: &'a str,
    failed: bool,
    /// They come from choosing a new one.
    password_changed: bool,
    has_passkeys: bool,
    /// They come from a passkey that opens no account.
    passkey_refused: bool,
    elsewhere: Option<Continue<'a>>,
}

impl<'a> SignIn<'a> {
    /// The page as somebody opens it.
    fn of(app: &'a App, info: &RequestInfo, next: &'a str) -> Self {
        Self {
            theme: info.theme.as_str(),
            brand: &app.product.brand.name,
            next,
            email: "",
            failed: false,
            password_changed: false,
            has_passkeys: app.passkeys.is_some(),
            passkey_refused: false,
            elsewhere: Continue::of(app, next),
        }
    }
}

/// `GET /sign-in`
pub async fn show(
    State(app): State<App>,
    info: RequestInfo,
    web: WebSession,
    Query(query): Query,
) -> Result<Response, Error> {
    if let Some(me) = signed_in(&app, &info, web).await? {
        return Ok(see_other(first_screen(me.user().role)));
    }
    let next = own_path(query.get("next")).unwrap_or_default();
    let shown = SignIn {
        password_changed: query.get("password") == "changed",
        passkey_refused: query.get("passkey") == "refused",
        ..SignIn::of(&app, &info, next)
    };
    Ok(page(StatusCode::OK, &shown))
}

/// `POST /sign-in`
pub async fn create(
    State(app): State<App>,
    info: RequestInfo,
    web: WebSession,
    Form(fields): Form,
) -> Result<Response, Error> {
    let next = own_path(fields.get("next")).unwrap_or_default();
    let password = Zeroizing::new(fields.owned("password"));
    let Some(user) = authenticate(&app, &info, fields.get("email"), password).await? else {
        let again = SignIn { email: fields.get("email"), failed: true, ..SignIn::of(&app, &info, next) };
        return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &again));
    };
    let entry = Entry { proofs: &[Proof::Password], remember: !fields.get("remember").is_empty() };
    let next = if next.is_empty() { first_screen(user.role) } else { next };
    second_factor::go_on(&app, &info, &web, &user, (entry, next)).await
}
