//! What a door answers: the identity on 200, complete, so that a client's own copies are overwritten; the refusal's own
//! status and body otherwise.

use std::sync::LazyLock;

use axum::Json;
use axum::body::Body;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::asked::Mode;
use crate::clock::Timestamp;
use crate::gate::known::{IDENTITY, Identity};
use crate::gate::verdict::Refusal;
use crate::gate::{Holder, Verdict};
use crate::product::Product;
use crate::web::api::problem::Problem;
use crate::web::api::rate;
use crate::web::api::words::{Environment, KeyType, Scope, Status};
use crate::web::request_id::RequestId;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// In the order of [`Identity`].
const IDENTITY_HEADERS: [HeaderName; IDENTITY] = [
    HeaderName::from_static("x-keydesk-key-id"),
    HeaderName::from_static("x-keydesk-account-id"),
    HeaderName::from_static("x-keydesk-type"),
    HeaderName::from_static("x-keydesk-environment"),
    HeaderName::from_static("x-keydesk-scopes"),
    HeaderName::from_static("x-keydesk-inbox"),
];
const NOBODY: Identity = [const { HeaderValue::from_static("") }; IDENTITY];
/// The status that a gateway's few cannot say.
const STATUS: HeaderName = HeaderName::from_static("x-keydesk-status");
/// The body that a gateway drops, for it to answer with.
const ERROR: HeaderName = HeaderName::from_static("x-keydesk-error");

/// The headers of an answer that lets pass, in the order in which [`passed`] puts their values in, without and with a counted
/// minute. To copy one costs a fraction of finding each header its place in an empty one.
static PASSED: LazyLock<[HeaderMap; 2]> = LazyLock::new(|| {
    let names = IDENTITY_HEADERS.into_iter().chain([REQUEST_ID]);
    let mut plain: HeaderMap = names.map(|name| (name, HeaderValue::from_static(""))).collect();
    plain.insert(CACHE_CONTROL, NO_STORE);
    let mut counted = plain.clone();
    counted.extend(rate::HEADERS.map(|name| (name, HeaderValue::from_static(""))));
    // `http` promises one order of a map within a version of its own, and not which: an id must never stand under another name.
    let order: Vec<_> = IDENTITY_HEADERS.into_iter().chain([REQUEST_ID, CACHE_CONTROL]).chain(rate::HEADERS).collect();
    assert!(counted.clone().keys().eq(&order), "headers come in the order in which they were put in");
    assert!(plain.clone().keys().eq(&order[..IDENTITY + 2]), "headers come in the order in which they were put in");
    [plain, counted]
});
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The answer of forward-auth.
pub fn of(verdict: &Verdict, id: &RequestId, mode: Mode, product: &Product) -> Response {
    match &verdict.refusal {
        None => {
            let mut answer = Response::new(Body::empty());
            *answer.headers_mut() = passed(verdict, id, product);
            answer
        }
        Some(refusal) => finish(problem(&worded(refusal, product), id, mode), verdict, id),
    }
}

/// The answer of `/gate/verify`: the key's facts.
pub fn as_json(verdict: &Verdict, id: &RequestId, now: Timestamp, product: &Product) -> Response {
    let answer = match (&verdict.refusal, &verdict.holder) {
        (Some(refusal), _) => problem(&worded(refusal, product), id, Mode::Plain),
        (None, Some(holder)) => Json(Facts::of(holder, now)).into_response(),
        (None, None) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    finish(answer, verdict, id)
}

fn worded(refusal: &Refusal, product: &Product) -> Problem {
    Problem::from(refusal.clone()).in_words_of(&product.errors)
}

/// A refusal in words.
pub fn problem(problem: &Problem, id: &RequestId, mode: Mode) -> Response {
    let mut answer = problem.answer(id.as_str());
    if mode == Mode::Nginx {
        for_nginx(&mut answer, problem, id);
    }
    let headers = answer.headers_mut();
    headers.insert(REQUEST_ID, id.header());
    headers.insert(CACHE_CONTROL, NO_STORE);
    answer
}

fn for_nginx(answer: &mut Response, problem: &Problem, id: &RequestId) {
    let status = answer.status();
    answer.headers_mut().insert(STATUS, HeaderValue::from(status.as_u16()));
    if let Ok(error) = HeaderValue::from_str(&ascii(&problem.wording(id.as_str()))) {
        answer.headers_mut().insert(ERROR, error);
    }
    if matches!(status, StatusCode::NOT_FOUND | StatusCode::TOO_MANY_REQUESTS) {
        *answer.status_mut() = StatusCode::FORBIDDEN;
    }
}

/// JSON with everything else than ASCII escaped (RFC 8259, section 7).
fn ascii(json: &str) -> String {
    let mut units = [0; 2];
    json.chars().fold(String::with_capacity(json.len()), |mut text, c| {
        if c.is_ascii() {
            text.push(c);
        } else {
            text.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
        text
    })
}

/// Every one of them, each time: a header left out is a header that the client may write.
fn passed(verdict: &Verdict, id: &RequestId, product: &Product) -> HeaderMap {
    let [plain, counted] = &*PASSED;
    let rate = verdict.allowance.map(rate::values);
    let mut headers = if rate.is_some() { counted.clone() } else { plain.clone() };
    let identity = verdict.holder.as_ref().map_or(NOBODY, |holder| holder.identity(product));
    let values = identity.into_iter().chain([id.header(), NO_STORE]).chain(rate.into_iter().flatten());
    for (place, value) in headers.values_mut().zip(values) {
        *place = value;
    }
    headers
}

fn finish(mut answer: Response, verdict: &Verdict, id: &RequestId) -> Response {
    let headers = answer.headers_mut();
    headers.insert(REQUEST_ID, id.header());
    headers.insert(CACHE_CONTROL, NO_STORE);
    if let Some(allowance) = verdict.allowance {
        rate::say(headers, allowance);
    }
    answer
}

/// What `/gate/verify` says of a credential that passed.
#[derive(Serialize, ToSchema)]
#[serde(tag = "credential", rename_all = "lowercase")]
pub enum Facts {
    Key {
        id: String,
        account_id: String,
        name: String,
        #[serde(rename = "type")]
        #[schema(value_type = KeyType)]
        key_type: &'static str,
        #[schema(value_type = Environment)]
        environment: String,
        /// The one that a restricted key is bound to.
        #[schema(required = true)]
        inbox: Option<String>,
        #[schema(value_type = Vec<Scope>)]
        scopes: Vec<String>,
        /// The networks it may be used from; none means anywhere.
        allowed_ips: Vec<String>,
        #[schema(value_type = Status)]
        status: &'static str,
        #[schema(required = true)]
        expires_at: Option<String>,
    },
    Session {
        account_id: String,
        user_id: String,
        role: &'static str,
    },
}

impl Facts {
    fn of(holder: &Holder, now: Timestamp) -> Self {
        match holder {
            Holder::Session(session) => Self::Session {
                account_id: session.user.account_id.clone(),
                user_id: session.user.id.clone(),
                role: session.user.role.as_str(),
            },
            Holder::Key(key) => Self::Key {
                id: key.id().to_owned(),
                account_id: key.account_id().to_owned(),
                name: key.name().to_owned(),
                key_type: key.rights().key_type.as_str(),
                environment: key.rights().environment.clone(),
                inbox: key.inbox_id().map(str::to_owned),
                scopes: key.rights().scopes.iter().map(str::to_owned).collect(),
                allowed_ips: key.allowed_ips().iter().map(ToString::to_string).collect(),
                status: key.status(now).as_str(),
                expires_at: key.expires_at().map(|at| at.to_string()),
            },
        }
    }
}
