//! Setting up an authenticator app: a picture to read off, the same to type, and a first code that shows that it works.
//! Until then nothing is kept; the secret travels in the form, sealed for this session.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use qrcode::{Color, EcLevel, QrCode};
use zeroize::Zeroizing;

use super::{Codes, added};
use crate::model::authenticator::Authenticator;
use crate::store::authenticators::{self, Proven};
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Flash, Place};
use crate::web::error::Error;
use crate::web::form::Form;
use crate::web::second_factor::holder;
use crate::web::{App, page, see_other};

const PATH: &str = "/settings/security/two-factor/authenticator";

#[derive(Template)]
#[template(path = "two_factor/authenticator.html")]
struct SetUp {
    chrome: Chrome,
    picture: Picture,
    typed: Zeroizing<String>,
    link: Zeroizing<String>,
    sealed: String,
    replaces: bool,
    error: Option<&'static str>,
}

/// A QR code, as one path of an SVG.
struct Picture {
    /// Modules on a side, with the quiet zone of four on each.
    side: usize,
    path: String,
}

impl Picture {
    /// # Errors
    /// If `text` is longer than a QR code holds.
    fn of(text: &str) -> Result<Self, Error> {
        const QUIET: usize = 4;
        let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(Error::internal)?;
        let width = code.width();
        let dark = code.to_colors().into_iter().enumerate().filter(|(_, color)| *color == Color::Dark);
        let square = |at: usize| format!("M{} {}h1v1h-1z", at % width + QUIET, at / width + QUIET);
        Ok(Self { side: width + 2 * QUIET, path: dark.map(|(at, _)| square(at)).collect() })
    }
}

impl SetUp {
    async fn of(app: &App, me: &Me, authenticator: &Authenticator) -> Result<Self, Error> {
        let link = authenticator.link();
        let holder = holder(app, me.user());
        Ok(Self {
            chrome: Chrome::of(app, me, Place::Security).await?,
            picture: Picture::of(&link)?,
            typed: authenticator.typed(),
            link,
            sealed: authenticator.sealed_for_set_up(holder, &me.session.id, &app.keyring, &app.entropy),
            replaces: authenticators::find(&app.db, &me.user().id).await?.is_some(),
            error: None,
        })
    }
}

/// `GET /settings/security/two-factor/authenticator`
pub async fn show(State(app): State<App>, me: Me) -> Result<Response, Error> {
    me.confirmed(&app, PATH)?;
    let fresh = Authenticator::generate(holder(&app, me.user()), &app.entropy);
    Ok(page(StatusCode::OK, &SetUp::of(&app, &me, &fresh).await?))
}

/// `POST /settings/security/two-factor/authenticator`
pub async fn create(State(app): State<App>, me: Me, Form(fields): Form) -> Result<Response, Error> {
    me.confirmed(&app, PATH)?;
    let user = me.user();
    let holder = holder(&app, user);
    let Ok(shown) = Authenticator::open_set_up(fields.get("setup"), holder, &me.session.id, &app.keyring) else {
        return Ok(see_other(PATH));
    };
    let Some(step) = shown.step_of(fields.get("code"), app.now()) else {
        let error = Some("This isn’t the code that the app shows now. Wait for the next one and type that.");
        let again = SetUp { error, ..SetUp::of(&app, &me, &shown).await? };
        return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &again));
    };
    let codes = Codes::for_whoever_has_none(&app, user).await?;
    let sealed_secret = shown.sealed(holder, &app.keyring, &app.entropy);
    let proven = Proven { sealed_secret: &sealed_secret, step };
    let hashes = codes.as_ref().map(|codes| codes.hashes.as_slice());
    authenticators::set(&app.db, &me.act(&app), user, proven, hashes).await?;
    app.post.bell.notify_one();
    added(&app, &me, codes, Flash::good("Your authenticator app", " is set up.")).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_its_three_corners_and_its_quiet_zone() {
        let picture = Picture::of("otpauth://totp/Keydesk:ana%40halden.example?secret=ABC").expect("a short text");
        assert!(picture.side >= 21 + 8);
        let last = picture.side - 5;
        for (x, y) in [(4, 4), (last, 4), (4, last)] {
            assert!(picture.path.contains(&format!("M{x} {y}h1")), "{x} {y}");
        }
        assert!(!picture.path.contains("M3 ") && !picture.path.contains(&format!("M{} ", last + 1)));
    }
}
