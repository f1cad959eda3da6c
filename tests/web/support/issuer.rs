//! An OpenID Connect issuer on loopback, which also lies, hangs and floods when a test wants it to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, KeyInit as _, Mac as _};
use keydesk::model::provider::Provider;
use keydesk::web::form::Fields;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

use super::TestApp;

const CLIENT_ID: &str = "desk";
const CLIENT_SECRET: &str = "hush";
/// The issuer that hangs is given up on quickly.
const TIMEOUT: Duration = Duration::from_millis(250);

#[derive(Clone)]
pub struct Issuer(Arc<Inner>);

struct Inner {
    url: String,
    state: Mutex<Inside>,
}

struct Inside {
    key: EcdsaKeyPair,
    key_id: String,
    configuration: Value,
    manners: BTreeMap<&'static str, Manner>,
    asked: BTreeMap<String, usize>,
    /// Code → challenge and token.
    granted: BTreeMap<String, (String, String)>,
}

/// How a door of the issuer answers when it does not as it should.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    Hangs,
    Floods,
    Redirects,
    Breaks,
    Babbles,
}

/// With what a token is signed.
#[derive(Clone, Copy, Debug)]
pub enum Signed {
    Properly,
    /// HS256, with the public key as the secret.
    WithThePublicKey,
    /// By a key that is not the issuer's.
    BySomebodyElse,
    NotAtAll,
}

/// A token before it is signed.
pub struct Forged {
    pub header: Value,
    pub claims: Value,
    pub signed: Signed,
}

fn fresh_key() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key")
}

/// What a link's query says.
pub fn queried(link: &str, name: &str) -> String {
    let query = link.split_once('?').map_or("", |(_, query)| query);
    Fields::parse(query).expect("a query").owned(name)
}

impl Issuer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let configuration = json!({
            "issuer": url,
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "jwks_uri": format!("{url}/keys"),
        });
        let state = Inside {
            key: fresh_key(),
            key_id: "first".into(),
            configuration,
            manners: BTreeMap::new(),
            asked: BTreeMap::new(),
            granted: BTreeMap::new(),
        };
        let issuer = Self(Arc::new(Inner { url, state: Mutex::new(state) }));
        let doors = Router::new().fallback(answer).with_state(issuer.clone());
        tokio::spawn(async { axum::serve(listener, doors).await });
        issuer
    }

    pub fn provider(&self) -> Provider {
        Provider {
            issuer: self.0.url.clone(),
            client_id: CLIENT_ID.into(),
            client_secret: CLIENT_SECRET.to_owned().into(),
            timeout: TIMEOUT,
        }
    }

    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// What the desk calls it.
    pub fn name(&self) -> &str {
        self.0.url.trim_start_matches("http://")
    }

    pub fn behaves(&self, door: &'static str, manner: Manner) {
        self.inside().manners.insert(door, manner);
    }

    /// Says something else of itself.
    pub fn claims(&self, member: &str, value: &str) {
        self.inside().configuration[member] = json!(value);
    }

    /// Signs with another key from now on.
    pub fn changes_its_key(&self, id: &str) {
        let mut inside = self.inside();
        (inside.key, inside.key_id) = (fresh_key(), id.to_owned());
    }

    /// How often a door was knocked at.
    pub fn asked(&self, door: &str) -> usize {
        self.inside().asked.get(door).copied().unwrap_or(0)
    }

    /// Somebody consents to what `link` asks for. Answers the way back to the desk.
    pub fn consents(&self, desk: &TestApp, link: &str, subject: &str, email: &str) -> String {
        self.grants(desk, link, subject, email, |_| {})
    }

    /// As [`Issuer::consents`], with a token that is forged.
    pub fn grants(
        &self,
        desk: &TestApp,
        link: &str,
        subject: &str,
        email: &str,
        forge: impl FnOnce(&mut Forged),
    ) -> String {
        let now = desk.app.now().seconds();
        let mut inside = self.inside();
        let mut forged = Forged {
            header: json!({ "alg": "ES256", "typ": "JWT", "kid": inside.key_id }),
            claims: json!({
                "iss": self.0.url, "aud": CLIENT_ID, "sub": subject, "nonce": queried(link, "nonce"),
                "iat": now, "exp": now + 300, "email": email, "email_verified": true,
            }),
            signed: Signed::Properly,
        };
        forge(&mut forged);
        let code = format!("code-{}", inside.granted.len());
        let token = forged.into_token(&inside.key);
        inside.granted.insert(code.clone(), (queried(link, "code_challenge"), token));
        format!("/auth/google/callback?code={code}&state={}", queried(link, "state"))
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn token(&self, headers: &HeaderMap, body: &[u8]) -> Response {
        let fields = Fields::parse(std::str::from_utf8(body).expect("text")).expect("a form");
        let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}")));
        assert_eq!(headers[AUTHORIZATION], basic, "who the client is");
        assert_eq!(fields.get("grant_type"), "authorization_code");
        assert!(fields.get("redirect_uri").ends_with("/auth/google/callback"), "{}", fields.get("redirect_uri"));
        let granted = self.inside().granted.remove(fields.get("code"));
        let challenge = BASE64.encode(Sha256::digest(fields.get("code_verifier")));
        let Some((_, token)) = granted.filter(|(asked_with, _)| *asked_with == challenge) else {
            let refused = json!({ "error": "invalid_grant", "error_description": "<b>Call 555-0100</b>" });
            return (StatusCode::BAD_REQUEST, said(&refused)).into_response();
        };
        said(&json!({ "access_token": "of no use", "token_type": "Bearer", "expires_in": 300, "id_token": token }))
    }

    fn keys(&self) -> Value {
        let inside = self.inside();
        let point = inside.key.public_key().as_ref();
        let (x, y) = (BASE64.encode(&point[1..33]), BASE64.encode(&point[33..]));
        let own = json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": inside.key_id, "x": x, "y": y });
        json!({ "keys": [{ "kty": "AKP", "alg": "ML-DSA-65", "kid": "of another kind", "pub": "AA" }, own] })
    }
}

impl Forged {
    fn into_token(self, key: &EcdsaKeyPair) -> String {
        let part = |value: &Value| BASE64.encode(value.to_string());
        let signed = format!("{}.{}", part(&self.header), part(&self.claims));
        let by = |key: &EcdsaKeyPair| {
            let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).expect("a signature");
            signature.as_ref().to_vec()
        };
        let signature = match self.signed {
            Signed::Properly => by(key),
            Signed::BySomebodyElse => by(&fresh_key()),
            Signed::WithThePublicKey => {
                let mac = Hmac::<Sha256>::new_from_slice(key.public_key().as_ref()).expect("a key of any length");
                mac.chain_update(&signed).finalize().into_bytes().to_vec()
            }
            Signed::NotAtAll => Vec::new(),
        };
        format!("{signed}.{}", BASE64.encode(signature))
    }
}

fn said(value: &Value) -> Response {
    ([(CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

async fn answer(State(issuer): State<Issuer>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let door = uri.path();
    *issuer.inside().asked.entry(door.to_owned()).or_default() += 1;
    let manner = issuer.inside().manners.get(door).copied();
    match manner {
        Some(Manner::Hangs) => return std::future::pending().await,
        Some(Manner::Floods) => return said(&json!({ "id_token": "x".repeat(1 << 20) })),
        Some(Manner::Redirects) => {
            return (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, "/elsewhere")], Body::empty()).into_response();
        }
        Some(Manner::Breaks) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Some(Manner::Babbles) => return said(&json!("blah")),
        None => {}
    }
    match door {
        "/.well-known/openid-configuration" => said(&issuer.inside().configuration),
        "/keys" => said(&issuer.keys()),
        "/token" | "/elsewhere" => issuer.token(&headers, &body),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
