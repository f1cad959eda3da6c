//! The session JWT: ten minutes of being somebody (`EdDSA`, RFC 8037; profile of RFC 8725). It caches identity, not
//! authority: whether its session still stands, and in which role, is asked of the store on every use. A token is
//! checked in memory alone; whatever it names, nothing is looked up or fetched for it.

use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde::{Deserialize, Serialize};

use super::keyring::{Keyring, hex};
use super::session_key::Generation;
use crate::clock::Timestamp;
use crate::entropy::Entropy;

/// Seconds from `iat` to `exp`.
pub const LIFETIME_SECONDS: i64 = 600;
/// Seconds that two clocks may differ by.
const LEEWAY_SECONDS: i64 = 30;
const TYPE: &str = "keydesk-session+jwt";
const AUDIENCE: &str = "keydesk-api";
const VERSION: u8 = 1;
/// The one algorithm of every key, and what a header calls it (RFC 8725, section 3.1).
const ALGORITHM: Algorithm = Algorithm::EdDSA;
const ALGORITHM_NAME: &str = "EdDSA";

/// All of them are required, each of its one type: `aud` is one text, never a list.
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

/// All that a header may say. What would lead elsewhere (`jku`, `jwk`, `x5u`, `x5c`) or change what the rest means
/// (`crit`) is refused by being there, whatever it holds, and so is anything else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head<'a> {
    alg: &'a str,
    typ: &'a str,
    kid: &'a str,
}

/// What a token says of the session it was made for.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub user_id: &'a str,
    pub session_id: &'a str,
    /// When whoever it is last proved it.
    pub authenticated_at: Timestamp,
    /// How they proved it at the sign-in (RFC 8176), blanks between.
    pub amr: &'a str,
}

/// Signs and checks tokens of one issuer.
pub struct SessionTokens {
    issuer: String,
    keyring: Arc<Keyring>,
    /// The newest first. Locked for as long as it takes to count one reader more.
    keys: RwLock<Arc<[Key]>>,
}

/// The key of one generation.
struct Key {
    generation: Generation,
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
    /// `issuer` is the public URL exactly; `generations` begin with the newest.
    pub fn new(keyring: Arc<Keyring>, issuer: &str, generations: &[Generation]) -> Self {
        let keys = RwLock::new(Key::all(&keyring, generations));
        Self { issuer: issuer.to_owned(), keyring, keys }
    }

    /// Signs and checks with these generations from now on, the newest first.
    pub fn know(&self, generations: &[Generation]) {
        if !self.keys().iter().map(|key| &key.generation).eq(generations) {
            let keys = Key::all(&self.keyring, generations);
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        }
    }

    fn keys(&self) -> Arc<[Key]> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The generations in use, each with its key id, the newest first.
    pub fn generations(&self) -> Vec<(String, Generation)> {
        self.keys().iter().map(|key| (key.kid.clone(), key.generation)).collect()
    }

    /// The public keys as JWKs (RFC 8037), the newest first.
    pub fn public_keys(&self, now: Timestamp) -> Vec<serde_json::Value> {
        self.keys().iter().filter(|key| key.generation.verifies(now)).map(Key::public).collect()
    }

    /// A token for `subject`, and when it expires.
    pub fn mint(&self, subject: Subject, now: Timestamp, entropy: &Entropy) -> (String, Timestamp) {
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.into(),
            sub: subject.user_id.into(),
            sid: subject.session_id.into(),
            ver: VERSION,
            iat: now.seconds(),
            nbf: now.seconds(),
            exp: now.seconds() + LIFETIME_SECONDS,
            jti: entropy.id("jti"),
            amr: subject.amr.split(' ').map(str::to_owned).collect(),
            auth_time: subject.authenticated_at.seconds(),
        };
        let keys = self.keys();
        // Where the clock is behind that of whoever rotated, none may sign yet; the oldest then does.
        let key = keys.iter().find(|key| key.generation.signs(now)).or(keys.last());
        let token = key.expect("the newest key never ends").sign(&claims);
        (token, Timestamp::from_micros(claims.exp * 1_000_000))
    }

    /// Checks form, signature and every claim.
    ///
    /// # Errors
    /// [`Refused`], whatever is wrong.
    pub fn check(&self, token: &str, now: Timestamp) -> Result<Claims, Refused> {
        let (signed, signature) = token.rsplit_once('.').ok_or(Refused)?;
        let (head, claims) = signed.split_once('.').ok_or(Refused)?;
        let head = URL_SAFE_NO_PAD.decode(head).map_err(|_| Refused)?;
        let head: Head = serde_json::from_slice(&head).map_err(|_| Refused)?;
        if head.alg != ALGORITHM_NAME || head.typ != TYPE {
            return Err(Refused);
        }
        let keys = self.keys();
        let key = keys.iter().find(|key| key.kid == head.kid && key.generation.verifies(now)).ok_or(Refused)?;
        let verified = jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &key.verifying, ALGORITHM);
        if !verified.is_ok_and(|verified| verified) {
            return Err(Refused);
        }
        let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| Refused)?;
        let claims: Claims = serde_json::from_slice(&claims).map_err(|_| Refused)?;
        if claims.are_of(&self.issuer) && claims.hold(now.seconds()) { Ok(claims) } else { Err(Refused) }
    }
}

impl Key {
    fn all(keyring: &Keyring, generations: &[Generation]) -> Arc<[Self]> {
        generations.iter().map(|generation| Self::derive(keyring, *generation)).collect()
    }

    fn derive(keyring: &Keyring, generation: Generation) -> Self {
        use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
        let seed = keyring.session_token(generation.number);
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).expect("any 32 bytes are an Ed25519 seed");
        let der = pair.to_pkcs8v1().expect("an Ed25519 pair has a PKCS #8 form");
        let public = pair.public_key().as_ref();
        Self {
            generation,
            kid: hex(&public[..8]),
            x: URL_SAFE_NO_PAD.encode(public),
            signing: EncodingKey::from_ed_der(der.as_ref()),
            verifying: DecodingKey::from_ed_der(public),
        }
    }

    fn public(&self) -> serde_json::Value {
        serde_json::json!({
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": ALGORITHM_NAME, "kid": self.kid, "x": self.x,
        })
    }

    fn sign(&self, claims: &impl Serialize) -> String {
        let header = Header { typ: Some(TYPE.into()), kid: Some(self.kid.clone()), ..Header::new(ALGORITHM) };
        jsonwebtoken::encode(&header, claims, &self.signing).expect("claims are plain JSON")
    }
}

impl Claims {
    /// Whether they are ours, for us, and complete.
    fn are_of(&self, issuer: &str) -> bool {
        let complete = [&self.sub, &self.sid, &self.jti].iter().all(|id| !id.is_empty()) && !self.amr.is_empty();
        complete && self.iss == issuer && self.aud == AUDIENCE && self.ver == VERSION
    }

    /// Whether they hold now: begun, not over, and not for longer than any that we make.
    fn hold(&self, now: i64) -> bool {
        let latest = now + LEEWAY_SECONDS;
        let begun = self.iat <= latest && self.nbf <= latest && self.auth_time <= latest;
        let lifetime = self.exp.saturating_sub(self.iat);
        begun && now < self.exp.saturating_add(LEEWAY_SECONDS) && (1..=LIFETIME_SECONDS).contains(&lifetime)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::model::session_key::{NOTICE, OVERLAP};

    const NOW: Timestamp = Timestamp::from_micros(1_795_269_900_000_000);
    const ISSUER: &str = "https://keys.example";
    const ANA: Subject = Subject { user_id: "usr_1", session_id: "ses_1", authenticated_at: NOW, amr: "pwd otp" };
    const FIRST: Generation = Generation { number: 1, published_at: NOW, signs_from: NOW, verifies_until: None };

    fn of(seed: u8, issuer: &str, generations: &[Generation]) -> SessionTokens {
        SessionTokens::new(Arc::new(Keyring::derive(&[seed; 32])), issuer, generations)
    }

    fn ours() -> SessionTokens {
        of(1, ISSUER, &[FIRST])
    }

    fn minted(tokens: &SessionTokens, now: Timestamp) -> String {
        tokens.mint(ANA, now, &Entropy::seeded(1)).0
    }

    #[test]
    fn a_token_lives_ten_minutes_and_the_leeway() {
        let ours = ours();
        let (token, expires_at) = ours.mint(ANA, NOW, &Entropy::seeded(1));
        assert_eq!(expires_at, NOW + Duration::from_secs(600));
        let claims = ours.check(&token, NOW).expect("a fresh token");
        assert_eq!((claims.sid.as_str(), claims.amr), ("ses_1", vec!["pwd".to_owned(), "otp".to_owned()]));
        assert!(ours.check(&token, NOW + Duration::from_secs(629)).is_ok());
        assert!(ours.check(&token, NOW + Duration::from_secs(630)).is_err());
        assert!(ours.check(&token, NOW - Duration::from_secs(30)).is_ok());
        assert!(ours.check(&token, NOW - Duration::from_secs(31)).is_err());
    }

    #[test]
    fn another_issuer_key_or_generation_is_refused() {
        let token = minted(&ours(), NOW);
        assert!(of(1, "https://other.example", &[FIRST]).check(&token, NOW).is_err());
        assert!(of(2, ISSUER, &[FIRST]).check(&token, NOW).is_err());
        assert!(of(1, ISSUER, &[Generation { number: 2, ..FIRST }]).check(&token, NOW).is_err());
    }

    #[test]
    fn a_changed_or_unsigned_token_is_refused() {
        let ours = ours();
        let token = minted(&ours, NOW);
        let parts: Vec<&str> = token.split('.').collect();
        let claims = URL_SAFE_NO_PAD.decode(parts[1]).expect("base64");
        let forged = String::from_utf8(claims).expect("JSON").replace("usr_1", "usr_2");
        let forged = URL_SAFE_NO_PAD.encode(forged);
        assert!(ours.check(&format!("{}.{forged}.{}", parts[0], parts[2]), NOW).is_err());
        assert!(ours.check(&format!("{}.{}.", parts[0], parts[1]), NOW).is_err());
        for wrong in ["", ".", "..", "...", parts[0], &format!("{token}."), &format!(".{token}"), &token[1..]] {
            assert!(ours.check(wrong, NOW).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_claim_that_is_missing_or_of_another_type_is_refused() {
        let ours = ours();
        let claims = serde_json::to_value(ours.check(&minted(&ours, NOW), NOW).expect("a token")).expect("JSON");
        let check = |claims: &Value| ours.check(&ours.keys()[0].sign(claims), NOW);
        assert!(check(&claims).is_ok(), "signed by this test, and nothing wrong with it");
        for name in claims.as_object().expect("claims").keys() {
            let mut without = claims.clone();
            without.as_object_mut().expect("claims").remove(name);
            assert!(check(&without).is_err(), "no {name}");
            let other = match &claims[name] {
                Value::Number(number) => vec![json!(number.to_string()), json!([number]), json!(number.as_f64())],
                Value::String(text) => vec![json!([text]), json!([text, "another"]), json!(1), json!("")],
                of_several => vec![json!("pwd"), json!([]), json!([1]), json!([of_several])],
            };
            for value in other.into_iter().chain([Value::Null, json!({}), json!(true)]) {
                let mut changed = claims.clone();
                changed[name] = value;
                assert!(check(&changed).is_err(), "{name} = {}", changed[name]);
            }
        }
    }

    #[test]
    fn no_time_is_too_far_off_to_be_compared() {
        let ours = ours();
        let claims = serde_json::to_value(ours.check(&minted(&ours, NOW), NOW).expect("a token")).expect("JSON");
        for name in ["iat", "nbf", "exp", "auth_time"] {
            for far in [i64::MIN, i64::MAX] {
                let mut changed = claims.clone();
                changed[name] = json!(far);
                let harmless = matches!(name, "nbf" | "auth_time") && far == i64::MIN;
                assert_eq!(ours.check(&ours.keys()[0].sign(&changed), NOW).is_ok(), harmless, "{name} = {far}");
            }
        }
    }

    #[test]
    fn a_new_key_is_published_then_signs_and_the_old_one_verifies_until_its_tokens_are_over() {
        let tokens = ours();
        let signs_from = NOW + NOTICE;
        let second = Generation { number: 2, published_at: NOW, signs_from, verifies_until: None };
        tokens.know(&[second, Generation { verifies_until: Some(signs_from + OVERLAP), ..FIRST }]);
        let kid = |token: &str| {
            let head = URL_SAFE_NO_PAD.decode(token.split('.').next().expect("a header")).expect("base64");
            serde_json::from_slice::<Value>(&head).expect("JSON")["kid"].as_str().expect("a kid").to_owned()
        };
        let kids = |at: Timestamp| -> Vec<String> {
            tokens.public_keys(at).iter().map(|key| key["kid"].as_str().expect("a kid").to_owned()).collect()
        };
        let (new, old) = (tokens.keys()[0].kid.clone(), tokens.keys()[1].kid.clone());
        assert_eq!(kids(NOW), [new.clone(), old.clone()]);
        let second_before = signs_from - Duration::from_secs(1);
        let last = minted(&tokens, second_before);
        assert_eq!((kid(&last), kid(&minted(&tokens, signs_from))), (old, new.clone()));
        assert!(tokens.check(&last, second_before + Duration::from_secs(629)).is_ok());
        assert_eq!(kids(signs_from + OVERLAP), [new]);
    }

    #[test]
    fn the_first_generation_is_the_key_that_there_was_before_there_were_generations() {
        assert_eq!(of(42, ISSUER, &[FIRST]).keys()[0].kid, "cba318df1f20df75");
    }
}
