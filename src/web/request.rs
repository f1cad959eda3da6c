//! What every request carries before anybody knows who sends it: an id, its source, its way in. Logged as one line,
//! with nothing secret: no query, no header, no body.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use super::App;
use super::api::problem::Problem;
use super::devices::Browser;
use super::meters;
use super::peer::Peer;
use super::request_id::RequestId;
use crate::clock::Timestamp;
use crate::gate::headers::Headers;
use crate::model::audit::Actor;
use crate::model::text::{masked, without_secrets};

/// Characters of a user agent that are worth remembering.
pub const LONGEST_AGENT: usize = 200;

#[derive(Clone, Debug)]
pub struct RequestInfo {
    pub id: String,
    /// Who sent it, as far as a trusted peer says.
    pub ip: IpAddr,
    /// Whether nobody between us and them could read it.
    pub secure: bool,
    pub user_agent: String,
    pub method: String,
    /// Without the query, which may hold what somebody typed.
    pub path: String,
    pub at: Timestamp,
    pub theme: Theme,
    /// The language of samples that this browser last chose.
    pub code_language: String,
    /// On pages, the browser as far as it is known.
    pub browser: Browser,
}

/// What the theme cookie says; nothing follows the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    System,
    Light,
    Dark,
}

impl Theme {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

impl RequestInfo {
    /// Somebody who has not said who they are.
    pub fn visitor(&self) -> Actor {
        Actor {
            kind: "visitor".into(),
            ip: self.ip.to_string(),
            user_agent: self.user_agent.clone(),
            request_id: self.id.clone(),
            ..Actor::default()
        }
    }
}

impl<S: Sync> FromRequestParts<S> for RequestInfo {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().expect("the identify layer wraps every route"))
    }
}

/// Gives the request its id, and logs it when it is answered.
pub async fn identify(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = app.request_ids.next();
    let peer = Peer::of(request.extensions());
    let forwarded = match peer.says(&app, request.headers()) {
        Ok(forwarded) => forwarded,
        Err(why) => return refused(&Problem::bad_request(why), &id),
    };
    let info = RequestInfo {
        id: id.to_string(),
        ip: forwarded.source,
        secure: peer.is_secure(&forwarded, request.headers().text_of("host")),
        user_agent: agent(request.headers()),
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        at: app.now(),
        theme: theme(request.headers()),
        code_language: cookie(request.headers(), "code_language").unwrap_or_default().to_owned(),
        browser: Browser::default(),
    };
    request.extensions_mut().insert(info.clone());
    // Whatever is logged on the way carries the id that the page shows.
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or(meters::NO_ROUTE, MatchedPath::as_str);
    let span = tracing::error_span!("request", id = info.id, route);
    let mut response = next.run(request).instrument(span).await;
    if let Ok(id) = HeaderValue::from_str(&info.id) {
        response.headers_mut().insert("x-request-id", id);
    }
    let took = app.now().since(info.at);
    app.meters.answered(route, response.status(), took);
    tracing::info!(
        request_id = info.id,
        method = info.method,
        path = masked(&info.path),
        status = response.status().as_u16(),
        ip = %info.ip,
        micros = took.as_micros(),
        "Request answered"
    );
    response
}

/// What is said of a request that nobody looks into: for the operator of the gateway that sends such.
pub fn refused(problem: &Problem, id: &RequestId) -> Response {
    let mut answer = problem.answer(id.as_str());
    answer.headers_mut().insert("x-request-id", id.header());
    answer
}

fn agent(headers: &HeaderMap) -> String {
    let said = headers.text_of("user-agent").unwrap_or_default();
    without_secrets(said).chars().filter(|c| !c.is_control()).take(LONGEST_AGENT).collect()
}

fn theme(headers: &HeaderMap) -> Theme {
    match cookie(headers, "theme") {
        Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        _ => Theme::System,
    }
}

/// The value of a cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}
