//! Refresh tokens: 256 random bits behind a prefix of their own, so that scanners find them; only the SHA-256 is
//! remembered.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::keyring::hex;
use crate::entropy::Entropy;

const PREFIX: &str = "kdrefresh_";

/// A fresh token.
pub fn generate(entropy: &Entropy) -> Zeroizing<String> {
    Zeroizing::new(format!("{PREFIX}{}", entropy.base62(43)))
}

/// What the database holds of a token.
pub fn hash(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}
