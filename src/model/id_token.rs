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

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
    use serde_json::json;

    use super::*;
    use crate::model::api_key::tests::NOW;

    const ISSUER: &str = "https://issuer.example";

    /// An issuer with one key, and what it says.
    struct Issuer {
        key: EcdsaKeyPair,
        jwk: Value,
        header: Value,
        claims: Value,
    }

    impl Issuer {
        fn new() -> Self {
            let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
            let (x, y) = key.public_key().as_ref()[1..].split_at(32);
            let jwk =
                json!({ "kty": "EC", "crv": "P-256", "x": BASE64.encode(x), "y": BASE64.encode(y), "kid": "one" });
            let now = NOW.seconds();
            let claims = json!({
                "iss": ISSUER, "sub": "sub-1", "aud": "desk", "exp": now + 300, "iat": now, "nonce": "n-1",
                "email": "Ana@Halden.example", "email_verified": true,
            });
            Self { key, jwk, header: json!({ "alg": "ES256", "kid": "one" }), claims }
        }

        fn claims(mut self, name: &str, value: impl Into<Value>) -> Self {
            self.claims[name] = value.into();
            self
        }

        fn without(mut self, name: &str) -> Self {
            self.claims.as_object_mut().expect("claims").remove(name);
            self
        }

        fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
            self.header[name] = value.into();
            self
        }

        fn key(mut self, name: &str, value: impl Into<Value>) -> Self {
            self.jwk[name] = value.into();
            self
        }

        fn token(&self) -> String {
            let said = [&self.header, &self.claims].map(|part| BASE64.encode(part.to_string())).join(".");
            let signature = self.key.sign(&SystemRandom::new(), said.as_bytes()).expect("a signature");
            format!("{said}.{}", BASE64.encode(signature.as_ref()))
        }

        fn checked(&self) -> Result<Identity, Refused> {
            let jwk: Jwk = serde_json::from_value(self.jwk.clone()).expect("a key");
            let nonce_hash = hash("n-1");
            let expected = Expected { issuer: ISSUER, client_id: "desk", nonce_hash: &nonce_hash, now: NOW };
            check(&self.token(), &jwk, expected)
        }
    }

    #[test]
    fn who_it_is_about_is_believed() {
        let ana = Identity { issuer: ISSUER.into(), subject: "sub-1".into(), email: "Ana@Halden.example".into() };
        assert_eq!(Issuer::new().checked(), Ok(ana.clone()));
        assert_eq!(Issuer::new().claims("aud", json!(["desk"])).claims("azp", "desk").checked(), Ok(ana.clone()));
        assert_eq!(Issuer::new().key("use", "sig").key("alg", "ES256").checked(), Ok(ana));
        assert_eq!(key_id(&Issuer::new().token()).as_deref(), Ok("one"));
    }

    #[test]
    fn another_addressee_is_refused() {
        for (claim, value) in [
            ("iss", json!("https://issuer.example/")),
            ("aud", json!("other")),
            ("aud", json!(["desk", "other"])),
            ("aud", json!([])),
            ("azp", json!("other")),
        ] {
            assert_eq!(
                Issuer::new().claims(claim, value.clone()).checked(),
                Err(Refused::Addressee),
                "{claim} {value}"
            );
        }
    }

    #[test]
    fn its_time_is_now_give_or_take_half_a_minute() {
        let now = NOW.seconds();
        let lifetime = i64::try_from(LIFETIME.as_secs()).expect("a span");
        for (claim, last, beyond) in [
            ("exp", now - LEEWAY_SECONDS + 1, now - LEEWAY_SECONDS),
            ("iat", now + LEEWAY_SECONDS, now + LEEWAY_SECONDS + 1),
            ("nbf", now + LEEWAY_SECONDS, now + LEEWAY_SECONDS + 1),
            ("iat", now - lifetime - LEEWAY_SECONDS, now - lifetime - LEEWAY_SECONDS - 1),
        ] {
            assert!(Issuer::new().claims(claim, last).checked().is_ok(), "{claim} {last}");
            assert_eq!(Issuer::new().claims(claim, beyond).checked(), Err(Refused::Time), "{claim} {beyond}");
        }
        assert!(Issuer::new().claims("exp", i64::MAX).checked().is_ok());
    }

    #[test]
    fn it_answers_this_sign_in_about_a_subject_and_a_verified_address() {
        assert_eq!(Issuer::new().claims("nonce", "n-2").checked(), Err(Refused::Nonce));
        assert_eq!(Issuer::new().without("nonce").checked(), Err(Refused::Nonce));
        assert!(Issuer::new().claims("sub", "s".repeat(LONGEST_SUBJECT)).checked().is_ok());
        for subject in [String::new(), "s".repeat(LONGEST_SUBJECT + 1), "a\nb".into()] {
            assert_eq!(Issuer::new().claims("sub", subject.clone()).checked(), Err(Refused::Form), "{subject:?}");
        }
        for verified in [json!(false), json!("true"), json!(1), Value::Null] {
            let issuer = Issuer::new().claims("email_verified", verified.clone());
            assert_eq!(issuer.checked(), Err(Refused::Email), "{verified}");
        }
        assert_eq!(Issuer::new().without("email_verified").checked(), Err(Refused::Email));
        assert_eq!(Issuer::new().without("email").checked(), Err(Refused::Email));
        assert_eq!(Issuer::new().claims("email", "ana").checked(), Err(Refused::Email));
        for claim in ["iss", "sub", "aud", "exp", "iat"] {
            assert_eq!(Issuer::new().without(claim).checked(), Err(Refused::Form), "{claim}");
        }
    }

    #[test]
    fn a_header_names_no_other_key_and_a_key_signs_as_it_says() {
        assert_eq!(Issuer::new().header("alg", "HS256").checked(), Err(Refused::Algorithm));
        assert_eq!(Issuer::new().header("alg", "ES384").checked(), Err(Refused::Algorithm));
        let jwk = Issuer::new().jwk;
        for (name, value) in [
            ("jku", json!("https://elsewhere.example/keys")),
            ("jwk", jwk),
            ("x5u", json!("https://elsewhere.example/chain")),
            ("x5c", json!(["AA"])),
            ("crit", json!(["exp"])),
        ] {
            let issuer = Issuer::new().header(name, value);
            assert_eq!(
                (issuer.checked(), key_id(&issuer.token())),
                (Err(Refused::Algorithm), Err(Refused::Algorithm)),
                "{name}"
            );
        }
        assert_eq!(Issuer::new().key("use", "enc").checked(), Err(Refused::Signature));
        assert_eq!(Issuer::new().key("alg", "RS256").checked(), Err(Refused::Algorithm));
        let other = Issuer { key: Issuer::new().key, ..Issuer::new() };
        assert_eq!(other.checked(), Err(Refused::Signature));
        let nameless = Issuer { header: json!({ "alg": "ES256" }), ..Issuer::new() };
        assert_eq!(key_id(&nameless.token()), Err(Refused::Form));
        assert_eq!(key_id("no.token"), Err(Refused::Algorithm));
    }
}
