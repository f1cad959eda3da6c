//! What somebody has for a second factor, and what they can do with it. Removing one asks who they are.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::MANAGE;
use crate::clock::Timestamp;
use crate::store::second_factors::{self, Factors};
use crate::store::{authenticators, passkeys};
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Flash, Place};
use crate::web::error::Error;
use crate::web::form::Id;
use crate::web::view::Moment;
use crate::web::{App, page, see_other};

#[derive(Template)]
#[template(path = "two_factor/manage.html")]
struct Manage {
    chrome: Chrome,
    app_since: Option<Moment>,
    passkeys: Vec<PasskeyRow>,
    has_passkeys: bool,
    codes_left: i64,
    has_any: bool,
    /// The account asks for one: the last stays.
    required: bool,
    /// There is no way on until they have one.
    owed: bool,
    last: bool,
}

struct PasskeyRow {
    id: String,
    name: String,
    added: Moment,
    used: Option<Moment>,
}

impl PasskeyRow {
    fn of(passkey: passkeys::Passkey, now: Timestamp) -> Self {
        Self {
            id: passkey.id,
            name: passkey.name,
            added: Moment::date(passkey.created_at),
            used: passkey.last_used_at.map(|at| Moment::ago(at, now)),
        }
    }
}

/// `GET /settings/security/two-factor`
pub async fn show(State(app): State<App>, me: Me) -> Result<Response, Error> {
    let now = app.now();
    let factors = second_factors::of(&app.db, &me.user().id).await?;
    let passkeys = passkeys::list(&app.db, &me.user().id).await?;
    let shown = Manage {
        chrome: Chrome::of(&app, &me, Place::Security).await?,
        app_since: factors.app_since.map(Moment::date),
        passkeys: passkeys.into_iter().map(|passkey| PasskeyRow::of(passkey, now)).collect(),
        has_passkeys: app.passkeys.is_some(),
        codes_left: factors.codes_left,
        has_any: factors.any(),
        required: second_factors::rule(&app.db, me.account_id()).await?.required_at.is_some(),
        owed: me.session.owes_factor,
        last: factors.single(),
    };
    Ok(page(StatusCode::OK, &shown))
}

/// `POST /settings/security/two-factor/authenticator/remove`
pub async fn remove_app(State(app): State<App>, me: Me) -> Result<Response, Error> {
    if let Some(stays) = stays(&app, &me).await? {
        return Ok(stays);
    }
    if authenticators::remove(&app.db, &me.act(&app), me.user()).await? {
        said(&app, &me, "Your authenticator app").await?;
    }
    Ok(see_other(MANAGE))
}

/// `POST /settings/security/two-factor/passkeys/{id}/remove`
pub async fn remove_passkey(State(app): State<App>, me: Me, Id(id): Id) -> Result<Response, Error> {
    if let Some(stays) = stays(&app, &me).await? {
        return Ok(stays);
    }
    if let Some(name) = passkeys::remove(&app.db, &me.act(&app), me.user(), &id).await? {
        said(&app, &me, &name).await?;
    }
    Ok(see_other(MANAGE))
}

/// Where to go instead, if the account's rule keeps the last one.
async fn stays(app: &App, me: &Me) -> Result<Option<Response>, Error> {
    me.confirmed(app, MANAGE)?;
    let factors = second_factors::of(&app.db, &me.user().id).await?;
    let rule = second_factors::rule(&app.db, me.account_id()).await?;
    if rule.required_at.is_none() || !factors.single() {
        return Ok(None);
    }
    let why = " asks everybody for two-factor. Add another one before you remove this.";
    Flash { kind: "warn".into(), ..Flash::good(&me.user().account_name, why) }.keep(me).await?;
    Ok(Some(see_other(MANAGE)))
}

async fn said(app: &App, me: &Me, what: &str) -> Result<(), Error> {
    app.post.bell.notify_one();
    let Factors { app_since, passkeys, .. } = second_factors::of(&app.db, &me.user().id).await?;
    let off = app_since.is_none() && passkeys == 0;
    let text = if off { " was removed. Two-factor is off." } else { " was removed." };
    Flash::good(what, text).keep(me).await
}
