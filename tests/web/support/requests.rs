//! A request in the making: what every browser or client sends, and what one test wants otherwise.

use std::net::SocketAddr;

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use http_body_util::BodyExt as _;
use keydesk::web::peer::Peer;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tower::ServiceExt as _;

use super::{Actor, Answer, Field};

/// A request of one actor, not sent yet.
pub struct Ask<'a> {
    actor: &'a Actor,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Body,
}

impl<'a> Ask<'a> {
    pub fn of(actor: &'a Actor, method: Method, path: &str) -> Self {
        let ask = Self { actor, method, path: path.into(), headers: HeaderMap::new(), body: Body::empty() };
        let ask = ask.with(HOST.as_str(), &actor.host).with(USER_AGENT.as_str(), &actor.user_agent);
        match &actor.secret {
            Some(secret) => ask.with(AUTHORIZATION.as_str(), &format!("Bearer {secret}")),
            None => ask.with("sec-fetch-site", "same-origin"),
        }
    }

    /// Adds a header, beside one of the same name.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header value");
        self.headers.append(name.parse::<HeaderName>().expect("a header name"), value);
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    /// Says where it comes from, instead of our own page.
    pub fn sent_from(self, site: &str) -> Self {
        self.without("sec-fetch-site").with("sec-fetch-site", site)
    }

    pub fn under_host(self, host: &str) -> Self {
        self.without(HOST.as_str()).with(HOST.as_str(), host)
    }

    pub fn form(self, fields: &[Field<'_>]) -> Self {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        self.raw("application/x-www-form-urlencoded", pairs.join("&"))
    }

    pub fn json(self, body: &Value) -> Self {
        self.raw("application/json", body.to_string())
    }

    pub fn raw(mut self, content_type: &str, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self.with(CONTENT_TYPE.as_str(), content_type)
    }

    pub async fn send(mut self) -> Answer {
        let cookies = self.actor.cookies();
        if !cookies.is_empty() {
            self.headers.insert(COOKIE, HeaderValue::from_str(&cookies).expect("cookies"));
        }
        let mut request = Request::builder().method(self.method).uri(self.path).body(self.body).expect("a request");
        *request.headers_mut() = self.headers;
        request.extensions_mut().insert(Peer::at(SocketAddr::new(self.actor.ip, 1)));
        let response = self.actor.router.clone().oneshot(request).await.expect("the router never fails");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        let answer = Answer { status: head.status.as_u16(), headers: head.headers, body };
        answer.note_plaintexts();
        self.actor.keep_cookies(&answer);
        answer
    }
}
