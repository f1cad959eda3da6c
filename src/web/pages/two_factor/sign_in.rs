//! The second step of a sign-in: a code of the app, a passkey, or a recovery code. A passkey alone also signs in, from the
//! sign-in page: its device has verified its user.

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tower_sessions::Session as WebSession;

use crate::model::proof::Proof;
use crate::model::user::User;
use crate::store::passkeys;
use crate::store::second_factors::{self, Factors};
use crate::web::audience::{Entry, sign_in};
use crate::web::error::{Error, Missing};
use crate::web::form::{Form, own_path, with_way_back};
use crate::web::pages::home::first_screen;
use crate::web::people::spend_visit;
use crate::web::request::RequestInfo;
use crate::web::second_factor::{Pending, pending, prove_by_code, prove_by_passkey, wrong_code};
use crate::web::{App, page, see_other};

#[derive(Template)]
#[template(path = "two_factor/sign_in.html")]
struct TwoFactor<'a> {
    theme: &'static str,
    brand: &'a str,
    email: &'a str,
    has_app: bool,
    has_passkey: bool,
    error: Option<&'static str>,
}

impl<'a> TwoFactor<'a> {
    fn of(app: &'a App, info: &RequestInfo, user: &'a User, factors: Factors) -> Self {
        Self {
            theme: info.theme.as_str(),
            brand: &app.product.brand.name,
            email: &user.email,
            has_app: factors.app_since.is_some(),
            has_passkey: factors.passkeys > 0 && app.passkeys.is_some(),
            error: None,
        }
    }

    fn label(&self) -> &'static str {
        if self.has_app { "Code" } else { "Recovery code" }
    }
}

/// `GET /two-factor`
pub async fn show(State(app): State<App>, info: RequestInfo, web: WebSession) -> Result<Response, Error> {
    let Some((user, _)) = pending(&app, &web).await? else { return Ok(see_other("/sign-in")) };
    let factors = second_factors::of(&app.db, &user.id).await?;
    Ok(page(StatusCode::OK, &TwoFactor::of(&app, &info, &user, factors)))
}

/// `POST /two-factor`
pub async fn create(
    State(app): State<App>,
    info: RequestInfo,
    web: WebSession,
    Form(fields): Form,
) -> Result<Response, Error> {
    let Some((user, pending)) = pending(&app, &web).await? else { return Ok(see_other("/sign-in")) };
    let Some(proof) = prove_by_code(&app, &info, &user, fields.get("code")).await? else {
        let factors = second_factors::of(&app.db, &user.id).await?;
        let error = Some(wrong_code(factors.app_since.is_some()));
        let again = TwoFactor { error, ..TwoFactor::of(&app, &info, &user, factors) };
        return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &again));
    };
    enter(&app, &info, &web, &user, (&pending, proof)).await
}

async fn enter(
    app: &App,
    info: &RequestInfo,
    web: &WebSession,
    user: &User,
    (pending, second): (&Pending, Proof),
) -> Result<Response, Error> {
    let entry = Entry { proofs: &[pending.first, second], remember: pending.remember };
    sign_in(app, info, web, user, entry).await?;
    Ok(see_other(&pending.next))
}

/// `POST /two-factor/passkey/options`: what the browser is asked for. Of whoever waits, one of theirs; else any.
pub async fn options(State(app): State<App>, info: RequestInfo, web: WebSession) -> Result<Response, Error> {
    let ceremonies = app.passkeys.as_ref().ok_or(Error::NotFound(Missing::Page))?;
    spend_visit(&app, &info)?;
    let theirs = match pending(&app, &web).await? {
        Some((user, _)) => passkeys::list(&app.db, &user.id).await?,
        None => Vec::new(),
    };
    Ok(Json(ceremonies.ask_to_prove(&web, &theirs, app.now()).await?).into_response())
}

/// `POST /two-factor/passkey`
pub async fn by_passkey(
    State(app): State<App>,
    info: RequestInfo,
    web: WebSession,
    Form(fields): Form,
) -> Result<Response, Error> {
    spend_visit(&app, &info)?;
    let proved = prove_by_passkey(&app, &web, fields.get("credential")).await?;
    let next = own_path(fields.get("next")).unwrap_or_default();
    match (proved, pending(&app, &web).await?) {
        (Some(user), Some((waiting, pending))) if waiting.id == user.id => {
            enter(&app, &info, &web, &user, (&pending, Proof::Passkey)).await
        }
        (Some(user), None) => {
            let entry = Entry { proofs: &[Proof::Passkey], remember: !fields.get("remember").is_empty() };
            sign_in(&app, &info, &web, &user, entry).await?;
            Ok(see_other(if next.is_empty() { first_screen(user.role) } else { next }))
        }
        (_, Some((waiting, _))) => {
            let factors = second_factors::of(&app.db, &waiting.id).await?;
            let error = Some("This passkey doesn’t open this account. Try another one, or type a code.");
            let again = TwoFactor { error, ..TwoFactor::of(&app, &info, &waiting, factors) };
            Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &again))
        }
        (None, None) => {
            let way_back = with_way_back("/sign-in", next);
            Ok(see_other(&format!("{way_back}{}passkey=refused", if next.is_empty() { "?" } else { "&" })))
        }
    }
}
