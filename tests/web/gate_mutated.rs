//! Requests as no client would send them: good ones, with method, path, query, headers, credential and body mangled by a
//! seeded dice. None panics, none is a 5xx, each has a request id; and afterwards the gate still judges rightly.
//! `KEYDESK_TEST_ROUNDS=100000` is the long run, which also watches the memory.

use std::net::SocketAddr;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderName, HeaderValue, Method, Request, Uri};
use keydesk::product::Route;
use keydesk::web::peer::Peer;
use tower::ServiceExt as _;

use crate::support::{Cast, Dice, TestApp, resident};

const ROUNDS: usize = 5_000;
/// What 100 000 requests may add to the resident memory: caches and throttles that fill, and the log that tests keep.
const GROWTH: u64 = 256 * 1024 * 1024;

const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "get", "X", "CONNECT"];
const PATHS: [&str; 12] = [
    "/gate/authorize",
    "/gate/verify",
    "/gate/authorize/",
    "/gate",
    "/v1/key",
    "/v1/keys",
    "/v1/keys/key_0000000000000000",
    "/v1/inboxes",
    "/v1/inboxes/inb_0000000000000000",
    "/api/auth/refresh",
    "/.well-known/jwks.json",
    "/settings/api-keys",
];
const NAMES: [&str; 18] = [
    "authorization",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-uri",
    "x-forwarded-method",
    "x-original-uri",
    "x-original-method",
    "x_forwarded_uri",
    "x-forwarded.for",
    "content-type",
    "content-length",
    "idempotency-key",
    "cookie",
    "host",
    "user-agent",
    "x-request-id",
    "x-keydesk-key-id",
    "sec-fetch-site",
];
const WORDS: [&str; 24] = [
    "GET",
    "/v1/messages",
    "/v1/inboxes/inb_1/messages?x=%2f",
    "/v1/%2e%2e/%00;#",
    "https",
    "http",
    "198.51.100.3",
    "[2001:db8::1]:443, 10.0.0.1",
    "::ffff:10.0.0.1",
    "application/json",
    "Bearer ",
    "bearer eyJhbGciOiJFZERTQSJ9.e30.",
    "Basic a2V5",
    "kd_live_",
    "localhost",
    "keys.example",
    "%ff%fe",
    "\u{202e}\u{0}é",
    "scope=mail:send",
    "&scope=&inbox=",
    "mode=nginx",
    "99999999999999999999",
    "{\"secret\":",
    "-1",
];

struct Mutator<'a> {
    dice: Dice,
    cast: &'a Cast,
}

impl Mutator<'_> {
    /// Something that could stand in a request: a word, a credential, or random bytes.
    fn piece(&self) -> Vec<u8> {
        match self.dice.below(6) {
            0 => (0..self.dice.below(24)).map(|_| self.dice.byte()).collect(),
            1 => self.dice.pick(&self.cast.credentials).1.clone().into_bytes(),
            2 => vec![self.dice.byte(); self.dice.below(3000)],
            _ => self.dice.pick(&WORDS).as_bytes().to_vec(),
        }
    }

    /// `bytes` with a few of them replaced, dropped, doubled or joined by a piece.
    fn mangled(&self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        while !self.dice.one_in(3) {
            let at = self.dice.below(bytes.len() + 1);
            match self.dice.below(4) {
                0 if at < bytes.len() => bytes[at] = self.dice.byte(),
                1 if at < bytes.len() => drop(bytes.remove(at)),
                2 => bytes.truncate(at),
                _ => drop(bytes.splice(at..at, self.piece())),
            }
        }
        bytes
    }

    fn uri(&self) -> Option<Uri> {
        let path = *self.dice.pick(&PATHS);
        let query = ["", "?scope=mail:send", "?scope=mail:read&inbox=inb_1", "?mode=nginx&scope=keys:read", "?limit=1"];
        let mut uri = format!("{path}{}", self.dice.pick(&query)).into_bytes();
        if self.dice.one_in(2) {
            uri = self.mangled(&uri);
        }
        Uri::try_from(uri).ok().filter(|uri| uri.path().starts_with('/'))
    }

    fn credential(&self) -> Vec<u8> {
        let bearer = format!("Bearer {}", self.dice.pick(&self.cast.credentials).1).into_bytes();
        if self.dice.one_in(2) { self.mangled(&bearer) } else { bearer }
    }

    fn body(&self) -> Vec<u8> {
        let secret = &self.dice.pick(&self.cast.credentials).1;
        let body =
            format!(r#"{{"secret":"{secret}","scope":"mail:send","inbox":"{}","ip":"198.51.100.3"}}"#, self.cast.own);
        if self.dice.one_in(2) { self.mangled(body.as_bytes()) } else { body.into_bytes() }
    }

    /// Nothing, where chance made something that cannot even be written as a request.
    fn request(&self) -> Option<Request<Body>> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = self.uri()?;
        let method = if self.dice.one_in(3) { *self.dice.pick(&METHODS) } else { "GET" };
        *request.method_mut() =
            if self.dice.one_in(4) { Method::POST } else { Method::from_bytes(method.as_bytes()).ok()? };
        let headers = request.headers_mut();
        headers.append("authorization", HeaderValue::from_bytes(&self.credential()).ok()?);
        headers.append("content-type", HeaderValue::from_static("application/json"));
        while !self.dice.one_in(3) {
            let name = HeaderName::from_bytes(&if self.dice.one_in(8) {
                self.mangled(self.dice.pick(&NAMES).as_bytes())
            } else {
                self.dice.pick(&NAMES).as_bytes().to_vec()
            });
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(&self.mangled(&self.piece()))) {
                headers.append(name, value);
            }
        }
        *request.body_mut() = self.body().into();
        let peer = if self.dice.one_in(2) { "10.0.0.1".to_owned() } else { self.dice.address() };
        let peer = SocketAddr::new(peer.parse().expect("an address"), 1);
        request.extensions_mut().insert(Peer::at(peer));
        Some(request)
    }
}

#[tokio::test]
async fn no_mangled_request_breaks_the_desk_or_the_verdicts_after_it() {
    let rounds: usize =
        std::env::var("KEYDESK_TEST_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().expect("a number of rounds"));
    let routes = [("GET", "/v1/messages", "mail:read"), ("POST", "/v1/inboxes/{inbox}/messages", "mail:send")];
    let route = |(method, path, scope): (&str, &str, &str)| Route {
        method: method.into(),
        path: path.into(),
        scope: scope.into(),
    };
    let desk = TestApp::with_product(|product| product.routes = routes.map(route).into()).await;
    let cast = desk.cast().await;
    let mutator = Mutator { dice: Dice::seeded(1), cast: &cast };
    let mut statuses = std::collections::BTreeMap::<u16, usize>::new();
    let before = resident();
    for round in 0..rounds {
        let Some(request) = mutator.request() else { continue };
        let line = format!("round {round}: {} {}", request.method(), request.uri());
        let answer = desk.router.clone().oneshot(request).await.expect("the router never fails");
        let (head, body) = answer.into_parts();
        assert!(head.status.as_u16() < 500, "{} for {line}", head.status);
        let id = head.headers.get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
        assert!(id.starts_with("req_") && id.len() == 20, "no request id on {} for {line}", head.status);
        to_bytes(body, usize::MAX).await.expect("a whole body");
        *statuses.entry(head.status.as_u16()).or_default() += 1;
        if round % 100 == 0 {
            desk.pass(std::time::Duration::from_secs(1));
            desk.flush().await;
        }
    }
    let after = resident();
    println!("{rounds} rounds: {statuses:?}; {} KiB resident before, {} KiB after", before / 1024, after / 1024);
    assert!(statuses.len() > 5 && statuses[&200] > rounds / 50, "the dice are loaded: {statuses:?}");
    if rounds > ROUNDS {
        assert!(after.saturating_sub(before) < GROWTH, "{before} bytes grew to {after}");
    }
    desk.pass(std::time::Duration::from_secs(60));
    assert_eq!(desk.holder(cast.secret("full, live")).asks("scope=mail:send").await.status, 200);
    assert_eq!(desk.holder(cast.secret("sender")).asks("scope=mail:read").await.required_scope(), "mail:read");
    assert_eq!(desk.holder(cast.secret("deleted")).asks("scope=mail:send").await.status, 401);
}
