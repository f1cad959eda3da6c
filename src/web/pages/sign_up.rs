//! Sign-up: an account, its administrator and its first key, in one transaction; then straight to the first screen.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tower_sessions::Session as WebSession;

use crate::model::key_form::FieldErrors;
use crate::web::audience::{Entry, sign_in, signed_in};
use crate::web::error::Error;
use crate::web::form::Form;
use crate::web::pages::google::Continue;
use crate::web::pages::home::first_screen;
use crate::web::people::{Application, Refused, admit};
use crate::web::request::RequestInfo;
use crate::web::{App, page, see_other};

#[derive(Template)]
#[template(path = "sign_up/show.html")]
struct SignUpPage<'a> {
    theme: &'static str,
    brand: &'a str,
    promises_key: bool,
    account: &'a str,
    email: &'a str,
    errors: FieldErrors,
    elsewhere: Option<Continue<'a>>,
}

/// `GET /sign-up`
pub async fn show(State(app): State<App>, info: RequestInfo, web: WebSession) -> Result<Response, Error> {
    if let Some(me) = signed_in(&app, &info, web).await? {
        return Ok(see_other(first_screen(me.user().role)));
    }
    Ok(page(StatusCode::OK, &form(&app, &info, "", "", FieldErrors::default())))
}

/// `POST /sign-up`
pub async fn create(
    State(app): State<App>,
    info: RequestInfo,
    web: WebSession,
    Form(fields): Form,
) -> Result<Response, Error> {
    let application = Application {
        account: fields.owned("account"),
        email: fields.owned("email"),
        password: fields.owned("password").into(),
    };
    match admit(&app, &info, application).await {
        Ok(user) => {
            sign_in(&app, &info, &web, &user, Entry::WITH_NEW_PASSWORD).await?;
            Ok(see_other("/welcome"))
        }
        Err(Refused::Mistakes(errors)) => {
            let again = form(&app, &info, fields.get("account"), fields.get("email"), errors);
            Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &again))
        }
        Err(Refused::Error(error)) => Err(error),
    }
}

fn form<'a>(app: &'a App, info: &RequestInfo, account: &'a str, email: &'a str, errors: FieldErrors) -> SignUpPage<'a> {
    let promises_key = app.product.sign_up_key.is_some();
    let (theme, brand) = (info.theme.as_str(), &app.product.brand.name);
    SignUpPage { theme, brand, promises_key, account, email, errors, elsewhere: Continue::of(app, "") }
}
