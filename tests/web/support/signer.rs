//! Whoever holds the secret file: signs session tokens that Keydesk never would, so that a test can have one thing wrong
//! with a token and nothing else. The keys are derived here a second time, from the file and the label.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hkdf::Hkdf;
use keydesk::jobs;
use keydesk::model::keyring::hex;
use keydesk::store::session_keys::{self, Takeover};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{SECRET_FILE, TestApp};

pub struct Signer {
    pair: Ed25519KeyPair,
}

impl Signer {
    /// The key of this generation, of the secret file that every desk has.
    pub fn of(generation: u8) -> Self {
        let mut seed = [0; 32];
        let label = format!("keydesk/session-token/v{generation}");
        Hkdf::<Sha256>::new(None, &SECRET_FILE).expand(label.as_bytes(), &mut seed).expect("32 bytes");
        Self { pair: Ed25519KeyPair::from_seed_unchecked(&seed).expect("a seed") }
    }

    pub fn public(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    pub fn kid(&self) -> String {
        hex(&self.public()[..8])
    }

    /// The header that Keydesk writes.
    pub fn head(&self) -> Value {
        json!({ "alg": "EdDSA", "typ": "keydesk-session+jwt", "kid": self.kid() })
    }

    pub fn signature(&self, text: &str) -> String {
        BASE64.encode(self.pair.sign(text.as_bytes()))
    }

    /// A token that says `claims`, signed as it should be.
    pub fn token(&self, claims: &Value) -> String {
        let signed = encoded(&self.head(), claims);
        format!("{signed}.{}", self.signature(&signed))
    }
}

/// The part of a token that is signed.
pub fn encoded(head: &Value, claims: &Value) -> String {
    format!("{}.{}", BASE64.encode(head.to_string()), BASE64.encode(claims.to_string()))
}

/// The header (0) or the claims (1) of a token.
pub fn token_part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).expect("three parts");
    serde_json::from_slice(&BASE64.decode(part).expect("base64url")).expect("JSON")
}

impl TestApp {
    /// Rotates the session-token key, as the command does, and has the desk learn of it, as its job does.
    pub async fn rotates_session_keys(&self, takeover: Takeover) -> Result<(), session_keys::Refused> {
        session_keys::rotate(&self.app.db, takeover, self.app.now()).await?;
        self.learns_of_session_keys().await;
        Ok(())
    }

    pub async fn learns_of_session_keys(&self) {
        jobs::session_keys::follow(&self.app.background()).await.expect("the database answers");
    }

    /// The key ids that the desk publishes.
    pub async fn kids(&self) -> Vec<String> {
        let set = self.visitor().get("/.well-known/jwks.json").await.json();
        let kid = |key: &Value| key["kid"].as_str().expect("a key id").to_owned();
        set["keys"].as_array().expect("keys").iter().map(kid).collect()
    }
}
