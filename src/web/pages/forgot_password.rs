//! A forgotten password: the answer is the same, and comes as soon, whoever the address belongs to. Whether it is
//! anybody's is looked up when the mail is sent.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::model::email;
use crate::store::errands::{self, Kind};
use crate::web::error::Error;
use crate::web::form::{Form, Query};
use crate::web::people::{spend_mail, spend_try};
use crate::web::request::RequestInfo;
use crate::web::{App, page, see_other};

const ASKED: &str = "/forgot-password?asked=yes";

#[derive(Template)]
#[template(path = "recovery/forgot.html")]
struct Forgot<'a> {
    theme: &'static str,
    brand: &'a str,
    email: &'a str,
    error: Option<&'static str>,
    asked: bool,
}

/// `GET /forgot-password`
pub async fn show(State(app): State<App>, info: RequestInfo, Query(query): Query) -> Response {
    let (theme, brand) = (info.theme.as_str(), &app.product.brand.name);
    let asked = query.get("asked") == "yes";
    page(StatusCode::OK, &Forgot { theme, brand, email: "", error: None, asked })
}

/// `POST /forgot-password`
pub async fn create(State(app): State<App>, info: RequestInfo, Form(fields): Form) -> Result<Response, Error> {
    let typed = fields.get("email");
    let Some(address) = email::parse(typed) else {
        let (theme, brand) = (info.theme.as_str(), &app.product.brand.name);
        let error = Some("Enter an email address, such as ana@example.com.");
        let again = Forgot { theme, brand, email: typed, error, asked: false };
        return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &again));
    };
    spend_try(&app, &info, &address)?;
    // Whoever it is, from wherever they ask: nobody's mailbox is filled by pressing a button of ours.
    if spend_mail(&app, &address).is_err() {
        return Ok(see_other(ASKED));
    }
    let visitor = info.visitor();
    let event = format!("password_forgotten {}", app.entropy.id("evt"));
    errands::ask(&app.db, &app.act(&visitor), Kind::PasswordForgotten, &address, &event).await?;
    app.post.bell.notify_one();
    Ok(see_other(ASKED))
}
