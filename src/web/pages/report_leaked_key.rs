//! Reporting a leaked key: for whoever found one, without an account. Holding it is enough to have it switched off. The
//! answer is the same whether it was one of ours; what was pasted is in no page, URL or log.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use zeroize::Zeroizing;

use crate::model::secret::Presented;
use crate::model::sighting::{Channel, Sighting};
use crate::model::text;
use crate::web::error::Error;
use crate::web::form::{Form, Query};
use crate::web::leaks::{THANKS, spend_report, take};
use crate::web::request::RequestInfo;
use crate::web::{App, page, see_other};

const REPORTED: &str = "/report-leaked-key?reported=yes";

#[derive(Template)]
#[template(path = "report_leaked_key/show.html")]
struct Report<'a> {
    theme: &'static str,
    brand: &'a str,
    prefix: String,
    error: Option<String>,
    thanks: Option<&'static str>,
}

impl<'a> Report<'a> {
    fn of(app: &'a App, info: &RequestInfo) -> Self {
        let prefix = app.product.secret_prefixes().pop().unwrap_or_default();
        Self { theme: info.theme.as_str(), brand: &app.product.brand.name, prefix, error: None, thanks: None }
    }

    fn refused(self, status: StatusCode, why: String) -> Response {
        page(status, &Self { error: Some(why), ..self })
    }
}

/// `GET /report-leaked-key`
pub async fn show(State(app): State<App>, info: RequestInfo, Query(query): Query) -> Response {
    let thanks = (query.get("reported") == "yes").then_some(THANKS);
    page(StatusCode::OK, &Report { thanks, ..Report::of(&app, &info) })
}

/// `POST /report-leaked-key`
pub async fn create(State(app): State<App>, info: RequestInfo, Form(fields): Form) -> Result<Response, Error> {
    let again = Report::of(&app, &info);
    if let Err(throttled) = spend_report(&app, &info) {
        let Error::TooManyRequests { seconds, .. } = Error::throttled(throttled, app.now()) else {
            return Err(Error::Internal);
        };
        let wait = text::count(seconds, "second", "seconds");
        let why = format!("Too many reports came from your network. Try again in {wait}.");
        return Ok(([(RETRY_AFTER, seconds)], again.refused(StatusCode::TOO_MANY_REQUESTS, why)).into_response());
    }
    let text = Zeroizing::new(fields.owned("secret"));
    // A part of a key switches nothing off; whoever reports it should not believe that it did.
    if !Presented::is_within(&text) {
        let why = format!("This is not a whole key. Paste all of it, with its beginning, such as {}.", again.prefix);
        return Ok(again.refused(StatusCode::UNPROCESSABLE_ENTITY, why));
    }
    take(&app, &info, &text, &Sighting::new(Channel::Page, fields.get("url"))).await?;
    Ok(see_other(REPORTED))
}
