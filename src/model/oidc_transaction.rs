//! A sign-in on its way to the issuer and back (RFC 6749, RFC 7636, OpenID Connect Core 3.1). The browser holds one value,
//! the issuer hands back another, and what both are tested against stays here: hashed, or sealed where it must be read
//! again.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::keyring::{Keyring, hex};
use super::seal::{Broken, decrypt, encrypt};
use crate::entropy::Entropy;

/// How long somebody may take at the issuer's.
pub const LIFETIME: Duration = Duration::from_secs(10 * 60);
const BYTES: usize = 32;
const PURPOSE: &str = "keydesk/oidc-transaction";

/// What a sign-in starts with; each 32 random bytes, base64url.
pub struct Fresh {
    /// What only this browser has, in a cookie.
    pub browser: Zeroizing<String>,
    /// What comes back in the link.
    pub state: Zeroizing<String>,
    /// What comes back in the ID token.
    pub nonce: Zeroizing<String>,
    /// What proves to the issuer that whoever asks for the token is whoever began (PKCE).
    pub verifier: Zeroizing<String>,
}

impl Fresh {
    pub fn draw(entropy: &Entropy) -> Self {
        let draw = || {
            let mut bytes = Zeroizing::new([0; BYTES]);
            entropy.fill(bytes.as_mut_slice());
            Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()))
        };
        Self { browser: draw(), state: draw(), nonce: draw(), verifier: draw() }
    }

    /// The verifier, encrypted for this installation and this browser.
    pub fn sealed_verifier(&self, installation_id: &str, keyring: &Keyring, entropy: &Entropy) -> String {
        let bound_to = bound_to(installation_id, &hash(&self.browser));
        encrypt(self.verifier.as_bytes(), keyring.oidc(), &bound_to, entropy)
    }
}

/// # Errors
/// [`Broken`] if it was sealed elsewhere, or for another browser.
pub fn open_verifier(
    sealed: &str,
    installation_id: &str,
    browser_hash: &str,
    keyring: &Keyring,
) -> Result<Zeroizing<String>, Broken> {
    let plain = decrypt(sealed, [keyring.oidc()], &bound_to(installation_id, browser_hash))?;
    let text = std::str::from_utf8(&plain).map_err(|_| Broken)?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn bound_to(installation_id: &str, browser_hash: &str) -> Vec<u8> {
    format!("{PURPOSE}\0{installation_id}\0{browser_hash}").into_bytes()
}

/// What the database holds of what the browser, the link and the ID token bring back.
pub fn hash(value: &str) -> String {
    hex(&Sha256::digest(value.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_drawn_for_itself_and_the_verifier_opens_for_its_browser_only() {
        let (keyring, entropy) = (Keyring::derive(&[1; 32]), Entropy::seeded(1));
        let fresh = Fresh::draw(&entropy);
        let values = [&fresh.browser, &fresh.state, &fresh.nonce, &fresh.verifier];
        assert!(values.iter().all(|value| value.len() == 43), "RFC 7636: 43 characters and more");
        assert!((1..4).all(|at| values[..at].iter().all(|earlier| *earlier != values[at])));
        let sealed = fresh.sealed_verifier("ins_1", &keyring, &entropy);
        let here = hash(&fresh.browser);
        assert_eq!(open_verifier(&sealed, "ins_1", &here, &keyring).expect("its own").as_str(), &**fresh.verifier);
        for (installation, browser, keyring) in [
            ("ins_2", here.as_str(), &keyring),
            ("ins_1", "another", &keyring),
            ("ins_1", here.as_str(), &Keyring::derive(&[2; 32])),
        ] {
            assert!(open_verifier(&sealed, installation, browser, keyring).is_err());
        }
    }
}
