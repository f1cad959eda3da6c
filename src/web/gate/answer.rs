//! What a door answers: the identity on 200, complete, so that a client's own copies are overwritten; the refusal's own
//! status and body otherwise.

use axum::Json;
use axum::body::Body;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderName, HeaderValue, StatusCode};
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
use crate::web::server::wire::Wire;

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
/// The status that a gateway's few cannot say.
const STATUS: HeaderName = HeaderName::from_static("x-keydesk-status");
/// The body that a gateway drops, for it to answer with.
const ERROR: HeaderName = HeaderName::from_static("x-keydesk-error");
const NO_STORE: &str = "no-store";

/// The answer of forward-auth.
pub fn of(verdict: &Verdict, id: &RequestId, mode: Mode, product: &Product) -> Response {
    match &verdict.refusal {
        None => passed(verdict, id, product),
        Some(refusal) => finish(problem(&worded(refusal, product), id, mode), verdict, id),
    }
}

/// Writes the answer of forward-auth, of that moment.
pub fn write(verdict: &Verdict, call: (&RequestId, Timestamp), mode: Mode, product: &Product, wire: &mut Wire) {
    let (id, at) = call;
    if verdict.refusal.is_none() {
        write_passed(verdict, call, product, wire);
    } else {
        wire.put(of(verdict, id, mode, product), at);
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
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(NO_STORE));
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
fn passed(verdict: &Verdict, id: &RequestId, product: &Product) -> Response {
    let mut answer = Response::new(Body::empty());
    let headers = answer.headers_mut();
    for (name, text) in IDENTITY_HEADERS.into_iter().zip(identity(verdict, product)) {
        // Were one no value of a header, the header is there and empty, as on the wire.
        headers.insert(name, HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("")));
    }
    finish(answer, verdict, id)
}

/// The same as it goes over the wire, which costs a fraction of it.
fn write_passed(verdict: &Verdict, (id, at): (&RequestId, Timestamp), product: &Product, wire: &mut Wire) {
    wire.begin(StatusCode::OK);
    for (name, text) in IDENTITY_HEADERS.iter().zip(identity(verdict, product)) {
        wire.header(name.as_str(), &text);
    }
    wire.header(REQUEST_ID.as_str(), id.as_str());
    wire.header(CACHE_CONTROL.as_str(), NO_STORE);
    if let Some(allowance) = verdict.allowance {
        rate::write(wire, allowance);
    }
    wire.end(at, b"");
}

fn identity<'a>(verdict: &'a Verdict, product: &Product) -> Identity<'a> {
    verdict.holder.as_ref().map(|holder| holder.identity(product)).unwrap_or_default()
}

fn finish(mut answer: Response, verdict: &Verdict, id: &RequestId) -> Response {
    let headers = answer.headers_mut();
    headers.insert(REQUEST_ID, id.header());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(NO_STORE));
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
