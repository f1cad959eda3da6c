//! The session JWT: ten minutes of being somebody (`EdDSA`, RFC 8037; profile of RFC 8725). It caches identity, not
//! authority: whether its session still stands, and in which role, is asked of the store on every use.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::keyring::{Keyring, hex};
use crate::clock::Timestamp;
use crate::entropy::Entropy;

/// Seconds from `iat` to `exp`.
pub const LIFETIME_SECONDS: i64 = 600;
/// Seconds that two clocks may differ by.
const LEEWAY_SECONDS: i64 = 30;
const TYPE: &str = "keydesk-session+jwt";
const AUDIENCE: &str = "keydesk-api";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    pub sub: String,
    pub sid: String,
    /// The version of the claims.
    pub ver: u8,
    pub iat: i64,
    pub nbf: i64,
    pub exp: i64,
    pub jti: String,
    pub amr: Vec<String>,
    pub auth_time: i64,
}

/// What a token says of the session it was made for.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub user_id: &'a str,
    pub session_id: &'a str,
    pub signed_in_at: Timestamp,
}

/// Signs and checks tokens of one issuer.
pub struct SessionTokens {
    issuer: String,
    kid: String,
    /// The public key, base64url.
    x: String,
    signing: EncodingKey,
    verifying: DecodingKey,
}

/// A presented token is not one of ours, or not any more. Why is nobody's business.
#[derive(Debug, thiserror::Error)]
#[error("not a session token that is valid now")]
pub struct Refused;

impl SessionTokens {
    /// `issuer` is the public URL exactly.
    pub fn new(keyring: &Keyring, issuer: &str) -> Self {
        use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
        let pair =
            Ed25519KeyPair::from_seed_unchecked(keyring.session_token()).expect("any 32 bytes are an Ed25519 seed");
        let der = pair.to_pkcs8v1().expect("an Ed25519 pair has a PKCS #8 form");
        let public = pair.public_key().as_ref();
        Self {
            issuer: issuer.to_owned(),
            kid: hex(&public[..8]),
            x: URL_SAFE_NO_PAD.encode(public),
            signing: EncodingKey::from_ed_der(der.as_ref()),
            verifying: DecodingKey::from_ed_der(public),
        }
    }

    /// The public key as a JWK (RFC 8037).
    pub fn public_key(&self) -> serde_json::Value {
        serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.kid, "x": self.x })
    }

    /// A token for `subject`, and when it expires.
    pub fn mint(&self, subject: Subject, now: Timestamp, entropy: &Entropy) -> (String, Timestamp) {
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.into(),
            sub: subject.user_id.into(),
            sid: subject.session_id.into(),
            ver: 1,
            iat: now.seconds(),
            nbf: now.seconds(),
            exp: now.seconds() + LIFETIME_SECONDS,
            jti: entropy.id("jti"),
            amr: vec!["pwd".into()],
            auth_time: subject.signed_in_at.seconds(),
        };
        let token = self.sign(&claims);
        (token, Timestamp::from_micros(claims.exp * 1_000_000))
    }

    fn sign(&self, claims: &Claims) -> String {
        let header = Header { typ: Some(TYPE.into()), kid: Some(self.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &self.signing).expect("claims are plain JSON")
    }

    /// Checks form, signature and every claim.
    ///
    /// # Errors
    /// [`Refused`], whatever is wrong.
    pub fn check(&self, token: &str, now: Timestamp) -> Result<Claims, Refused> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refused)?;
        let points_elsewhere = header.jku.is_some()
            || header.jwk.is_some()
            || header.x5u.is_some()
            || header.x5c.is_some()
            || header.crit.is_some();
        let ours = header.typ.as_deref() == Some(TYPE) && header.kid.as_deref() == Some(self.kid.as_str());
        if !ours || points_elsewhere {
            return Err(Refused);
        }
        let mut validation = Validation::new(Algorithm::EdDSA);
        // Times are checked below, against our own clock.
        validation.validate_exp = false;
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
        let claims = jsonwebtoken::decode::<Claims>(token, &self.verifying, &validation).map_err(|_| Refused)?.claims;
        let now = now.seconds();
        let current = claims.nbf <= now + LEEWAY_SECONDS
            && claims.iat <= now + LEEWAY_SECONDS
            && now < claims.exp + LEEWAY_SECONDS;
        let short = claims.exp - claims.iat <= LIFETIME_SECONDS && claims.ver == 1;
        if current && short { Ok(claims) } else { Err(Refused) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_795_269_900_000_000);
    const ANA: Subject = Subject { user_id: "usr_1", session_id: "ses_1", signed_in_at: NOW };

    fn tokens(seed: u8, issuer: &str) -> SessionTokens {
        SessionTokens::new(&Keyring::derive(&[seed; 32]), issuer)
    }

    #[test]
    fn a_token_lives_ten_minutes_and_the_leeway() {
        let ours = tokens(1, "https://keys.example");
        let (token, expires_at) = ours.mint(ANA, NOW, &Entropy::seeded(1));
        assert_eq!(expires_at, NOW + Duration::from_secs(600));
        assert_eq!(ours.check(&token, NOW).expect("a fresh token").sid, "ses_1");
        assert!(ours.check(&token, NOW + Duration::from_secs(629)).is_ok());
        assert!(ours.check(&token, NOW + Duration::from_secs(630)).is_err());
        assert!(ours.check(&token, NOW - Duration::from_secs(31)).is_err());
    }

    #[test]
    fn another_issuer_or_key_is_refused() {
        let (token, _) = tokens(1, "https://keys.example").mint(ANA, NOW, &Entropy::seeded(1));
        assert!(tokens(1, "https://other.example").check(&token, NOW).is_err());
        assert!(tokens(2, "https://keys.example").check(&token, NOW).is_err());
    }

    #[test]
    fn a_changed_or_unsigned_token_is_refused() {
        let ours = tokens(1, "https://keys.example");
        let (token, _) = ours.mint(ANA, NOW, &Entropy::seeded(1));
        let parts: Vec<&str> = token.split('.').collect();
        let claims = URL_SAFE_NO_PAD.decode(parts[1]).expect("base64");
        let forged = String::from_utf8(claims).expect("JSON").replace("usr_1", "usr_2");
        let forged = URL_SAFE_NO_PAD.encode(forged);
        assert!(ours.check(&format!("{}.{forged}.{}", parts[0], parts[2]), NOW).is_err());
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"keydesk-session+jwt"}"#);
        assert!(ours.check(&format!("{none}.{}.", parts[1]), NOW).is_err());
        assert!(ours.check("", NOW).is_err());
    }
}
