//! Proving an address: whoever signed up presses a button behind a mailed link. They are signed in when they do, so that
//! nobody proves an address for a stranger who signed up with it.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::model::mailed_link::{self, Kind};
use crate::store::errands;
use crate::store::{mailed_links, users};
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Flash, Place};
use crate::web::error::Error;
use crate::web::form::{Form, Query};
use crate::web::people::{spend_mail, spend_try};
use crate::web::{App, page, see_other};

#[derive(Template)]
#[template(path = "recovery/verify.html")]
struct Verify<'a> {
    chrome: Chrome,
    token: &'a str,
    email: &'a str,
    works: bool,
}

impl<'a> Verify<'a> {
    async fn of(app: &App, me: &'a Me, token: &'a str, works: bool) -> Result<Self, Error> {
        let mut chrome = Chrome::of(app, me, Place::Security).await?;
        // The link stays out of the theme button.
        chrome.here = "/settings/security".into();
        Ok(Self { chrome, token, email: &me.user().email, works })
    }

    fn answer(&self) -> Response {
        page(if self.works { StatusCode::OK } else { StatusCode::GONE }, self)
    }
}

/// `GET /verify-email?token=`
pub async fn show(State(app): State<App>, me: Me, Query(query): Query) -> Result<Response, Error> {
    let token = query.get("token");
    let whose = mailed_links::find(&app.db, Kind::Verify, &mailed_link::hash(token), app.now()).await?;
    let works = whose.is_some_and(|id| id == me.user().id);
    Ok(Verify::of(&app, &me, token, works).await?.answer())
}

/// `POST /verify-email`
pub async fn create(State(app): State<App>, me: Me, Form(fields): Form) -> Result<Response, Error> {
    let token = fields.get("token");
    if !users::prove_email(&app.db, &me.act(&app), me.user(), &mailed_link::hash(token)).await? {
        return Ok(Verify::of(&app, &me, token, false).await?.answer());
    }
    Flash::good(&me.user().email, " is confirmed.").keep(&me).await?;
    Ok(see_other("/settings/security"))
}

/// `POST /settings/security/verify-email`: another link, which voids the one before.
pub async fn ask(State(app): State<App>, me: Me) -> Result<Response, Error> {
    let email = &me.user().email;
    spend_try(&app, &me.info, email)?;
    spend_mail(&app, email)?;
    let event = format!("verify_email {}", app.entropy.id("evt"));
    errands::ask(&app.db, &me.act(&app), errands::Kind::VerifyEmail, email, &event).await?;
    app.post.bell.notify_one();
    Flash::good(email, " will get an email with a new link.").keep(&me).await?;
    Ok(see_other("/settings/security"))
}
