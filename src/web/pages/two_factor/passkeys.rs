//! Adding a passkey. The page needs the script: a passkey is made by the browser. Without it the page says so, and offers
//! the app instead.

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::{Codes, added};
use crate::model::device::Device;
use crate::model::key_form::FieldErrors;
use crate::model::name;
use crate::store::passkeys::{self, Fresh};
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Flash, Place};
use crate::web::error::{Error, Missing};
use crate::web::form::Form;
use crate::web::passkeys::{Made, Passkeys};
use crate::web::{App, page};

const PATH: &str = "/settings/security/two-factor/passkeys";
const LONGEST_NAME: usize = 50;

#[derive(Template)]
#[template(path = "two_factor/passkey.html")]
struct Add {
    chrome: Chrome,
    name: String,
    errors: FieldErrors,
}

impl Add {
    async fn answer(app: &App, me: &Me, name: String, errors: FieldErrors) -> Result<Response, Error> {
        let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        Ok(page(status, &Self { chrome: Chrome::of(app, me, Place::Security).await?, name, errors }))
    }
}

fn ceremonies(app: &App) -> Result<&Passkeys, Error> {
    app.passkeys.as_ref().ok_or(Error::NotFound(Missing::Page))
}

/// `GET /settings/security/two-factor/passkeys`
pub async fn show(State(app): State<App>, me: Me) -> Result<Response, Error> {
    ceremonies(&app)?;
    me.confirmed(&app, PATH)?;
    let name = Device::of(&me.info.user_agent, false).name;
    Add::answer(&app, &me, name, FieldErrors::default()).await
}

/// `POST /settings/security/two-factor/passkeys/options`: what the browser is asked to make.
pub async fn options(State(app): State<App>, me: Me) -> Result<Response, Error> {
    let ceremonies = ceremonies(&app)?;
    me.confirmed(&app, PATH)?;
    let theirs = passkeys::list(&app.db, &me.user().id).await?;
    Ok(Json(ceremonies.ask_to_make(&me.web, me.user(), &theirs, app.now()).await?).into_response())
}

/// `POST /settings/security/two-factor/passkeys`
pub async fn create(State(app): State<App>, me: Me, Form(fields): Form) -> Result<Response, Error> {
    let ceremonies = ceremonies(&app)?;
    me.confirmed(&app, PATH)?;
    let name = fields.get("name").trim().to_owned();
    if let Some(objection) = name::objection(&name, LONGEST_NAME) {
        return Add::answer(&app, &me, name, ("name", objection).into()).await;
    }
    if passkeys::list(&app.db, &me.user().id).await?.len() >= passkeys::MOST {
        let full = format!("You have {} passkeys. Remove one that you don’t use any more first.", passkeys::MOST);
        return Add::answer(&app, &me, name, ("name", full).into()).await;
    }
    let made = match ceremonies.made(&me.web, fields.get("credential"), app.now()).await {
        Ok(made) => made,
        Err(refused) => {
            tracing::info!(%refused, "A new passkey was refused");
            let sentence = "The device’s answer can’t be used, or took too long. Press the button again.".to_owned();
            return Add::answer(&app, &me, name, ("name", sentence).into()).await;
        }
    };
    keep(&app, &me, &name, &made).await
}

async fn keep(app: &App, me: &Me, name: &str, made: &Made) -> Result<Response, Error> {
    let fresh = Fresh { credential_id: &made.credential_id, credential: &made.credential, name };
    let codes = Codes::for_whoever_has_none(app, me.user()).await?;
    let hashes = codes.as_ref().map(|codes| codes.hashes.as_slice());
    if !passkeys::add(&app.db, &me.act(app), me.user(), fresh, hashes).await? {
        let sentence = "This passkey is in use already. Make another one.".to_owned();
        return Add::answer(app, me, name.to_owned(), ("name", sentence).into()).await;
    }
    app.post.bell.notify_one();
    added(app, me, codes, Flash::good(name, " is added. You can sign in with it alone.")).await
}
