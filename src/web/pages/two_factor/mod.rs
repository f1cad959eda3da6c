//! Two-factor: asked for after the password, set up and taken away under *Security*, and asked of everybody by the
//! account's rule.

pub mod authenticator;
pub mod manage;
pub mod passkeys;
pub mod recovery_codes;
pub mod rule;
pub mod sign_in;

use zeroize::Zeroizing;

use crate::entropy::Entropy;
use crate::model::recovery_code;

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
}
