//! What an issuer says of somebody, and whether to believe it (OpenID Connect Core 3.1.3.7, RFC 8725): signed with RS256
//! or ES256 by a key of its own, for us, now, in answer to this very sign-in, and about an address that it has verified.

use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde::Deserialize;
use serde_json::Value;

use super::email;
use super::oidc_transaction::{LIFETIME, hash};
use crate::clock::Timestamp;

/// Seconds that two clocks may differ by.
const LEEWAY_SECONDS: i64 = 30;
/// Characters of a subject (OpenID Connect Core, section 2).
const LONGEST_SUBJECT: usize = 255;

/// Somebody at an issuer. The pair of issuer and subject is who they are; an address may change hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
    /// An address that the issuer has verified.
    pub email: String,
}

/// What the token must say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce_hash: &'a str,
    pub now: Timestamp,
}

/// Why a token is not believed. For the log; people are told nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("its form, or the claims in it, cannot be read")]
    Form,
    #[error("its algorithm is not RS256 or ES256, or its header points elsewhere")]
    Algorithm,
    #[error("its key cannot be used, or did not sign it")]
    Signature,
    #[error("it is another issuer's, or for another client")]
    Addressee,
    #[error("it has expired, or was not made just now")]
    Time,
    #[error("it does not answer this sign-in")]
    Nonce,
    #[error("its address is not verified")]
    Email,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    nonce: Option<String>,
    email: Option<String>,
    /// As it is: `"true"` is a text, and a text is not true.
    email_verified: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn is_only(&self, client_id: &str) -> bool {
        match self {
            Self::One(audience) => audience == client_id,
            Self::Many(audiences) => matches!(audiences.as_slice(), [audience] if audience == client_id),
        }
    }
}

/// The id of the key that is said to have signed a token.
///
/// # Errors
/// [`Refused`] if it is no such token: then no key is worth fetching.
pub fn key_id(token: &str) -> Result<String, Refused> {
    read_header(token)?.kid.ok_or(Refused::Form)
}

fn read_header(token: &str) -> Result<Header, Refused> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| Refused::Algorithm)?;
    let points_elsewhere = header.jku.is_some()
        || header.jwk.is_some()
        || header.x5u.is_some()
        || header.x5c.is_some()
        || header.crit.is_some();
    let signed = matches!(header.alg, Algorithm::RS256 | Algorithm::ES256);
    if signed && !points_elsewhere { Ok(header) } else { Err(Refused::Algorithm) }
}

/// Whom the token is about.
///
/// # Errors
/// [`Refused`] if anything of it is not as expected.
pub fn check(token: &str, key: &Jwk, expected: Expected<'_>) -> Result<Identity, Refused> {
    let claims = read_claims(token, key)?;
    let azp_is_ours = claims.azp.as_deref().is_none_or(|azp| azp == expected.client_id);
    if claims.iss != expected.issuer || !claims.aud.is_only(expected.client_id) || !azp_is_ours {
        return Err(Refused::Addressee);
    }
    if !is_current(&claims, expected.now.seconds()) {
        return Err(Refused::Time);
    }
    if claims.nonce.is_none_or(|nonce| hash(&nonce) != expected.nonce_hash) {
        return Err(Refused::Nonce);
    }
    if claims.sub.is_empty() || claims.sub.len() > LONGEST_SUBJECT || claims.sub.chars().any(char::is_control) {
        return Err(Refused::Form);
    }
    let verified = claims.email_verified == Some(Value::Bool(true));
    let email = claims.email.filter(|_| verified).and_then(|email| email::parse(&email)).ok_or(Refused::Email)?;
    Ok(Identity { issuer: claims.iss, subject: claims.sub, email })
}

fn read_claims(token: &str, key: &Jwk) -> Result<Claims, Refused> {
    let header = read_header(token)?;
    if key.common.public_key_use.as_ref().is_some_and(|purpose| *purpose != PublicKeyUse::Signature) {
        return Err(Refused::Signature);
    }
    // A key says for itself what it signs with; the token does not choose (RFC 8725, section 3.1).
    let own = key.common.key_algorithm.map(|own| own.to_string());
    if own.is_some_and(|own| own != format!("{:?}", header.alg)) {
        return Err(Refused::Algorithm);
    }
    let mut validation = Validation::new(header.alg);
    // Everything but the signature is tested above, against our own clock and with nothing left out.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let decoding = DecodingKey::from_jwk(key).map_err(|_| Refused::Signature)?;
    let claims = jsonwebtoken::decode::<Claims>(token, &decoding, &validation);
    claims.map(|token| token.claims).map_err(|error| match error.kind() {
        jsonwebtoken::errors::ErrorKind::Json(_) => Refused::Form,
        _ => Refused::Signature,
    })
}

fn is_current(claims: &Claims, now: i64) -> bool {
    // It was made while the sign-in was under way.
    let oldest = now - i64::try_from(LIFETIME.as_secs()).unwrap_or(0) - LEEWAY_SECONDS;
    let began = claims.iat.max(claims.nbf.unwrap_or(claims.iat));
    now < claims.exp.saturating_add(LEEWAY_SECONDS) && began <= now + LEEWAY_SECONDS && claims.iat >= oldest
}
