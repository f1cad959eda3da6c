//! Who they are again, before what must not be done by whoever finds a desk unlocked. By the
//! password, behind the same throttles and on the same pool as a sign-in; whoever has a second factor by that, since a
//! stolen password must not be enough to change it. Then back to the page whose button was pressed.

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use zeroize::Zeroizing;

use crate::store::sessions::FRESH;
use crate::store::{passkeys, second_factors, users};
use crate::web::audience::{Me, confirm};
use crate::web::chrome::{Chrome, Place};
use crate::web::error::{Error, Missing};
use crate::web::form::{Form, Query, own_path, with_way_back};
use crate::web::people::authenticate;
use crate::web::second_factor::{prove_by_code, prove_by_passkey, wrong_code};
use crate::web::{App, page, see_other};

#[derive(Template)]
#[template(path = "re_authenticate/show.html")]
struct ReAuthenticate<'a> {
    chrome: Chrome,
    email: &'a str,
    next: &'a str,
    has_password: bool,
    has_factor: bool,
    has_passkey: bool,
    /// Which codes the field takes.
    code_hint: &'static str,
    minutes: u64,
    /// The field that was wrong, and how.
    error: Option<(&'static str, &'static str)>,
}

impl<'a> ReAuthenticate<'a> {
    async fn of(app: &App, me: &'a Me, next: &'a str) -> Result<Self, Error> {
        let mut chrome = Chrome::of(app, me, Place::Elsewhere).await?;
        chrome.here = with_way_back("/re-authenticate", next);
        let factors = second_factors::of(&app.db, &me.user().id).await?;
        Ok(Self {
            chrome,
            email: &me.user().email,
            next,
            has_password: !factors.any() && users::has_password(&app.db, me.account_id(), &me.user().id).await?,
            has_factor: factors.any(),
            has_passkey: factors.passkeys > 0 && app.passkeys.is_some(),
            code_hint: if factors.app_since.is_some() {
                "The six digits that your authenticator app shows, or one of your recovery codes."
            } else {
                "One of the recovery codes that you kept. Each works once."
            },
            minutes: FRESH.as_secs() / 60,
            error: None,
        })
    }

    async fn again(app: &App, me: &Me, next: &str, error: (&'static str, &'static str)) -> Result<Response, Error> {
        let again = ReAuthenticate { error: Some(error), ..ReAuthenticate::of(app, me, next).await? };
        Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &again))
    }

    fn error_of(&self, field: &str) -> Option<&'static str> {
        self.error.filter(|(name, _)| *name == field).map(|(_, sentence)| sentence)
    }

    /// Where *Cancel* leads.
    fn way_out(&self) -> &str {
        if self.next.is_empty() { "/settings" } else { self.next }
    }
}

/// `GET /re-authenticate?next=`
pub async fn show(State(app): State<App>, me: Me, Query(query): Query) -> Result<Response, Error> {
    let next = own_path(query.get("next")).unwrap_or_default();
    Ok(page(StatusCode::OK, &ReAuthenticate::of(&app, &me, next).await?))
}

/// `POST /re-authenticate`. Whose password it is says the session; the address in the form is for password managers.
pub async fn create(State(app): State<App>, me: Me, Form(fields): Form) -> Result<Response, Error> {
    let next = own_path(fields.get("next")).unwrap_or_default();
    let factors = second_factors::of(&app.db, &me.user().id).await?;
    if factors.any() {
        let proof = prove_by_code(&app, &me.info, me.user(), fields.get("code")).await?;
        if proof.is_none() {
            let sentence = wrong_code(factors.app_since.is_some());
            return ReAuthenticate::again(&app, &me, next, ("code", sentence)).await;
        }
        return done(&app, &me, next).await;
    }
    let password = Zeroizing::new(fields.owned("password"));
    let genuine = authenticate(&app, &me.info, &me.user().email, password).await?;
    if genuine.is_none_or(|user| user.id != me.user().id) {
        let sentence = "This isn’t your password. Check it and try again.";
        return ReAuthenticate::again(&app, &me, next, ("password", sentence)).await;
    }
    done(&app, &me, next).await
}

async fn done(app: &App, me: &Me, next: &str) -> Result<Response, Error> {
    confirm(app, me).await?;
    Ok(see_other(if next.is_empty() { "/settings" } else { next }))
}

/// `POST /re-authenticate/passkey/options`
pub async fn options(State(app): State<App>, me: Me) -> Result<Response, Error> {
    let ceremonies = app.passkeys.as_ref().ok_or(Error::NotFound(Missing::Page))?;
    let mine = passkeys::list(&app.db, &me.user().id).await?;
    if mine.is_empty() {
        return Err(Error::NotFound(Missing::Page));
    }
    Ok(Json(ceremonies.ask_to_prove(&me.web, &mine, app.now()).await?).into_response())
}

/// `POST /re-authenticate/passkey`
pub async fn by_passkey(State(app): State<App>, me: Me, Form(fields): Form) -> Result<Response, Error> {
    let next = own_path(fields.get("next")).unwrap_or_default();
    let proved = prove_by_passkey(&app, &me.web, fields.get("credential")).await?;
    if proved.is_none_or(|user| user.id != me.user().id) {
        return ReAuthenticate::again(&app, &me, next, ("passkey", "This passkey isn’t yours here. Try another one."))
            .await;
    }
    done(&app, &me, next).await
}
