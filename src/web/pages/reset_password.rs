//! A new password by a mailed link. The link is used by pressing the button, never by opening it: mail scanners open
//! everything.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use zeroize::Zeroizing;

use crate::model::mailed_link::{self, Kind};
use crate::model::user::User;
use crate::store::{mailed_links, users};
use crate::web::devices::reset_password;
use crate::web::error::Error;
use crate::web::form::{Form, Query};
use crate::web::people::{objection, spend_try};
use crate::web::request::RequestInfo;
use crate::web::{App, page, see_other};

#[derive(Template)]
#[template(path = "recovery/reset.html")]
struct Reset<'a> {
    theme: &'static str,
    brand: &'a str,
    token: &'a str,
    /// Whose password it is; nobody's if the link does not work.
    email: Option<&'a str>,
    error: Option<String>,
}

impl<'a> Reset<'a> {
    fn of(app: &'a App, info: &RequestInfo, token: &'a str, user: Option<&'a User>) -> Self {
        let (theme, brand) = (info.theme.as_str(), &app.product.brand.name);
        Self { theme, brand, token, email: user.map(|user| user.email.as_str()), error: None }
    }

    fn answer(self) -> Response {
        let status = match (&self.email, &self.error) {
            (None, _) => StatusCode::GONE,
            (_, Some(_)) => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::OK,
        };
        page(status, &self)
    }
}

/// Whose link this is, if it works.
async fn holder(app: &App, token: &str) -> Result<Option<User>, Error> {
    match mailed_links::find(&app.db, Kind::Reset, &mailed_link::hash(token), app.now()).await? {
        Some(id) => Ok(users::find(&app.db, &id).await?),
        None => Ok(None),
    }
}

/// `GET /reset-password?token=`
pub async fn show(State(app): State<App>, info: RequestInfo, Query(query): Query) -> Result<Response, Error> {
    let token = query.get("token");
    let user = holder(&app, token).await?;
    Ok(Reset::of(&app, &info, token, user.as_ref()).answer())
}

/// `POST /reset-password`
pub async fn create(State(app): State<App>, info: RequestInfo, Form(fields): Form) -> Result<Response, Error> {
    let (token, password) = (fields.get("token"), Zeroizing::new(fields.owned("password")));
    let Some(user) = holder(&app, token).await? else { return Ok(Reset::of(&app, &info, token, None).answer()) };
    spend_try(&app, &info, &user.email)?;
    // Before the link is used: a password that can't be must not use it up.
    if let Some(sentence) = objection(&app, &password, &[&user.account_name, &user.email]).await? {
        return Ok(Reset { error: Some(sentence), ..Reset::of(&app, &info, token, Some(&user)) }.answer());
    }
    let hash = app.passwords.hash(password).await.map_err(|_| Error::Busy)?;
    if !reset_password(&app, &info, &user, &hash, &mailed_link::hash(token)).await? {
        return Ok(Reset::of(&app, &info, token, None).answer());
    }
    Ok(see_other("/sign-in?password=changed"))
}
