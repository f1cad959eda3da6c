//! The account's rule that everybody needs a second factor: whom it would ask is said before it is turned on.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::model::text;
use crate::store::second_factors::{self, Rule};
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Flash, Place};
use crate::web::error::Error;
use crate::web::form::Form;
use crate::web::{App, page, see_other};

const PATH: &str = "/settings/security/rules/two-factor";
const SECURITY: &str = "/settings/security";

#[derive(Template)]
#[template(path = "two_factor/rule.html")]
struct Page {
    chrome: Chrome,
    on: bool,
    asked: String,
}

/// As in: `1 of 4 people would be asked to set it up at their next sign-in.`
pub fn asked(rule: &Rule) -> String {
    let people = text::count(u64::try_from(rule.people).unwrap_or(0), "person", "people");
    let without = text::thousands(u64::try_from(rule.without).unwrap_or(0));
    match (rule.required_at.is_some(), rule.without) {
        (false, 0) => format!("Everybody has it already: {people}."),
        (false, _) => format!("{without} of {people} would be asked to set it up at their next sign-in."),
        (true, 0) => format!("On. Everybody has it: {people}."),
        (true, _) => format!("On. {without} of {people} will be asked to set it up at their next sign-in."),
    }
}

/// `GET /settings/security/rules/two-factor`
pub async fn show(State(app): State<App>, me: Me) -> Result<Response, Error> {
    let rule = second_factors::rule(&app.db, me.account_id()).await?;
    let chrome = Chrome::of(&app, &me, Place::Security).await?;
    Ok(page(StatusCode::OK, &Page { chrome, on: rule.required_at.is_some(), asked: asked(&rule) }))
}

/// `POST /settings/security/rules/two-factor` (`rule`: `on` or `off`)
pub async fn create(State(app): State<App>, me: Me, Form(fields): Form) -> Result<Response, Error> {
    me.confirmed(&app, PATH)?;
    let on = fields.get("rule") == "on";
    if !on && fields.get("rule") != "off" {
        return Ok(see_other(PATH));
    }
    if second_factors::require(&app.db, &me.act(&app), me.user(), on).await? {
        let text = if on {
            " is required of everyone from their next sign-in on."
        } else {
            " is everyone’s own choice now."
        };
        Flash::good("Two-factor", text).keep(&me).await?;
    }
    Ok(see_other(SECURITY))
}
