//! Two-factor: asked for after the password, set up and taken away under *Security*, and asked of everybody by the
//! account's rule.

pub mod authenticator;
pub mod manage;
pub mod passkeys;
pub mod recovery_codes;
pub mod rule;
pub mod sign_in;

use axum::response::Response;
use zeroize::Zeroizing;

use crate::entropy::Entropy;
use crate::model::recovery_code;
use crate::model::user::User;
use crate::store::second_factors;
use crate::web::audience::Me;
use crate::web::chrome::Flash;
use crate::web::error::Error;
use crate::web::{App, see_other};

/// Where people see to it.
pub const MANAGE: &str = "/settings/security/two-factor";

/// A fresh set of recovery codes, and what is kept of it.
struct Codes {
    shown: Vec<Zeroizing<String>>,
    hashes: Vec<String>,
}

impl Codes {
    fn draw(entropy: &Entropy) -> Self {
        let shown = recovery_code::generate(entropy);
        let hashes = shown.iter().map(|code| recovery_code::hash(code)).collect();
        Self { shown, hashes }
    }

    /// Whoever has codes keeps them.
    async fn for_whoever_has_none(app: &App, user: &User) -> Result<Option<Self>, Error> {
        let left = second_factors::of(&app.db, &user.id).await?.codes_left;
        Ok((left == 0).then(|| Self::draw(&app.entropy)))
    }
}

/// After a factor was added: the codes that came with it, or `otherwise`.
async fn added(app: &App, me: &Me, codes: Option<Codes>, otherwise: Flash) -> Result<Response, Error> {
    if let Some(codes) = codes {
        return recovery_codes::shown(app, me, codes).await;
    }
    otherwise.keep(me).await?;
    Ok(see_other(MANAGE))
}
