//! A desk with one account and fifty keys, on a clock that stands still and with randomness that repeats.

use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Request};
use axum::response::Response;
use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use keydesk::clock::{Clock, Timestamp};
use keydesk::entropy::Entropy;
use keydesk::gate::Need;
use keydesk::gate::credential::Credential;
use keydesk::jobs::mail::Route;
use keydesk::model::keyring::Keyring;
use keydesk::model::secret::Secret;
use keydesk::product::{DEFAULT, Product};
use keydesk::store::Db;
use keydesk::web::gate::{Head, respond_from_memory};
use keydesk::web::peer::Peer;
use keydesk::web::server::limits::Limits;
use keydesk::web::server::wire::Wire;
use keydesk::web::{App, Parts, routes};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

/// Saturday, 21 November 2026, 14:05 UTC.
const NOW: Timestamp = Timestamp::from_micros(1_795_269_900_000_000);
const KEYS: usize = 50;
const SOURCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9));
const EMAIL: &str = "alice@halden.example";
const PASSWORD: &str = "copper lantern orbit";

pub struct Desk {
    runtime: Runtime,
    app: App,
    router: Router,
    /// Of a signed-in administrator.
    cookies: String,
    /// What the gate is asked with.
    headers: HeaderMap,
    key_id: String,
    _data: TempDir,
}

/// A secret that nobody has.
pub fn secret() -> String {
    Secret::generate("kd_live_", &Entropy::seeded(1)).reveal().to_owned()
}

/// What a request with this secret comes with.
pub fn headers(secret: &str) -> HeaderMap {
    let bearer = HeaderValue::from_str(&format!("Bearer {secret}")).expect("a header");
    [(HOST, HeaderValue::from_static("localhost:8080")), (AUTHORIZATION, bearer)].into_iter().collect()
}

impl Desk {
    pub fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let data = TempDir::new().expect("a folder");
        let app = runtime.block_on(app(&data));
        let router = routes::router(app.clone());
        let (cookies, key_id, secret) = runtime.block_on(fill(&router));
        let desk = Self { runtime, app, router, cookies, headers: headers(&secret), key_id, _data: data };
        assert!(desk.runtime.block_on(desk.decides()), "from now on the gate remembers it");
        desk.use_key();
        desk
    }

    /// A request that its page draws: of a key that nobody used, it has little to say.
    fn use_key(&self) {
        assert!(self.answer());
        self.runtime.block_on(self.app.gate.usage.flush(&self.app.db, None)).expect("the database answers");
    }

    pub fn key_path(&self) -> String {
        format!("/settings/api-keys/{}", self.key_id)
    }

    /// Whether the key may send mail.
    pub fn verdict(&self) -> bool {
        self.decides().now_or_never().expect("what is remembered waits for nothing")
    }

    async fn decides(&self) -> bool {
        let need = Need { scope: Some("mail:send"), inbox_id: None };
        let credential = Credential::from_headers(&self.headers);
        let verdict = self.app.gate.decide(credential, SOURCE, Ok([need]), NOW).await;
        verdict.is_ok_and(|verdict| verdict.refusal.is_none())
    }

    /// Whether a question of a gateway is answered, as it is before hyper, that the key may pass.
    pub fn answer(&self) -> bool {
        let peer = Peer::at(SocketAddr::new(SOURCE, 1));
        let head = Head { method: "GET", path: "/gate/authorize", query: "scope=mail:send", headers: &self.headers };
        let mut wire = Wire::default();
        respond_from_memory(&self.app, (head, peer), &mut wire) && wire.rest().starts_with(b"HTTP/1.1 200 OK\r\n")
    }

    /// The length of a page.
    pub fn page(&self, path: &str) -> usize {
        let request = Request::get(path).header(COOKIE, &self.cookies).header("sec-fetch-site", "same-origin");
        self.runtime.block_on(async {
            let answer = send(&self.router, request.body(Body::empty()).expect("a request")).await;
            assert_eq!(answer.status(), 200, "{path}");
            body(answer).await.len()
        })
    }
}

async fn app(data: &TempDir) -> App {
    let url = format!("sqlite://{}", data.path().join("keydesk.db").display());
    let db = Db::open(&url).await.expect("a database");
    // Nobody else writes there.
    db.changes().watch();
    let mut product = Product::parse(DEFAULT).expect("the built-in definition");
    // Counted, and never reached.
    product.rate_limit.per_minute = u32::MAX;
    let parts = Parts {
        db,
        product,
        keyring: Keyring::derive(&[42; 32]),
        clock: Clock::frozen(NOW),
        entropy: Entropy::seeded(8),
        public_url: "http://localhost:8080".into(),
        proxies: "10.0.0.0/8".parse().expect("a network"),
        mail: (Route::Printed(std::sync::Arc::new(|_, _, _| {})), "desk@keys.example".parse().expect("an address")),
        google: None,
        security_contact: None,
        scanning_keys: None,
        cache_keys: 1000,
        limits: Limits::default(),
        redis: None,
    };
    Box::pin(App::new(parts)).await.expect("the database answers")
}

/// Signs up, signs in and creates the keys; gives the cookies, and id and secret of the last key.
async fn fill(router: &Router) -> (String, String, String) {
    let person = json!({ "email": EMAIL, "password": PASSWORD });
    let token = post(router, "/api/auth/signup", "", &person).await["token"].as_str().expect("a token").to_owned();
    let mut key = Value::Null;
    for number in 1..=KEYS {
        let new = json!({ "name": format!("service-{number}"), "scopes": ["mail:send", "mail:read", "domains:read"] });
        key = post(router, "/v1/keys", &token, &new).await;
    }
    let text = |name: &str| key[name].as_str().expect("a text").to_owned();
    (sign_in(router).await, text("id"), text("secret"))
}

async fn sign_in(router: &Router) -> String {
    let form = format!("email={EMAIL}&password={}", PASSWORD.replace(' ', "+"));
    let request = Request::post("/sign-in").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let request = request.header("sec-fetch-site", "same-origin").body(Body::from(form)).expect("a request");
    let answer = send(router, request).await;
    assert_eq!(answer.status(), 303);
    let set = answer.headers().get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    set.filter_map(|cookie| cookie.split(';').next()).collect::<Vec<_>>().join("; ")
}

async fn post(router: &Router, path: &str, token: &str, what: &Value) -> Value {
    let request = Request::post(path).header(CONTENT_TYPE, "application/json");
    let request = if token.is_empty() { request } else { request.header(AUTHORIZATION, format!("Bearer {token}")) };
    let answer = send(router, request.body(Body::from(what.to_string())).expect("a request")).await;
    assert_eq!(answer.status(), 201, "{path}");
    serde_json::from_slice(&body(answer).await).expect("JSON")
}

async fn send(router: &Router, mut request: Request<Body>) -> Response {
    request.headers_mut().insert(HOST, HeaderValue::from_static("localhost:8080"));
    request.extensions_mut().insert(Peer::at(SocketAddr::new(SOURCE, 1)));
    router.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
}

async fn body(answer: Response) -> Vec<u8> {
    answer.into_body().collect().await.expect("a whole body").to_bytes().to_vec()
}
