//! What can go wrong over the API: one body that every dialect can read, with the request id under which support finds
//! why.

mod causes;
mod people;

use std::borrow::Cow;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::dialect::{NEVER_RESTRICTED, Sentence};
use super::rate;
use crate::gate::verdict::Refusal;
use crate::gate::window::Allowance;
use crate::model::key_form::FieldErrors;
use crate::product::{KeyAct, Product};
use crate::web::App;
use crate::web::error::in_time;
use crate::web::request::RequestInfo;

/// RFC 6750, section 3: without an error where no credential came.
const CHALLENGE: &str = "Bearer realm=\"api\"";
const INVALID_TOKEN: &str = "Bearer realm=\"api\", error=\"invalid_token\"";

/// Bytes of most bodies, and headers of most answers: room that need not grow.
const USUAL_LENGTH: usize = 256;
const HEADERS: usize = 12;

#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    kind: &'static str,
    code: &'static str,
    pub(super) message: Cow<'static, str>,
    /// The value of `WWW-Authenticate`.
    challenge: Option<Cow<'static, str>>,
    pub(super) more: Option<Box<More>>,
    /// What it is, if the definition may word it.
    pub(super) sentence: Option<Sentence>,
    /// Why the gate refused a caller of `/v1`, as opposed to the request itself being wrong.
    pub refused: Option<Box<Refusal>>,
}

/// What some problems say beyond the common fields.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct More {
    /// What is wrong with the request: its first mistake.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// Every mistake.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Mistake>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) required_scope: Option<String>,
    /// Seconds.
    #[serde(rename = "retryAfter", skip_serializing_if = "Option::is_none")]
    pub(super) retry_after: Option<i64>,
}

#[derive(Clone, Debug, Serialize)]
struct Mistake {
    field: String,
    message: String,
}

/// The body: one superset that every dialect can read.
#[derive(Serialize)]
struct Wording<'a> {
    error: Fields<'a>,
}

#[derive(Serialize)]
struct Fields<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    code: &'a str,
    message: &'a str,
    status: u16,
    request_id: &'a str,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    more: Option<&'a More>,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, kind, code, message: message.into(), challenge: None, more: None, sentence: None, refused: None }
    }

    /// As from the refusal, which goes with it to the door of `/v1`.
    pub fn refusing(refusal: Refusal) -> Self {
        Self { refused: Some(Box::new(refusal.clone())), ..Self::from(refusal) }
    }

    fn worded_as(self, sentence: Sentence) -> Self {
        Self { sentence: Some(sentence), ..self }
    }

    fn with(mut self, add: impl FnOnce(&mut More)) -> Self {
        add(self.more.get_or_insert_default());
        self
    }

    fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "permission_error", "forbidden", message)
    }

    /// 429; `wait` is in seconds.
    fn too_many(message: String, wait: i64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", "rate_limit_exceeded", message)
            .with(|more| more.retry_after = Some(wait))
    }

    pub fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", "invalid_request", message)
    }

    /// 422: well-formed, but `field` can't be.
    pub fn invalid(field: &str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request_error", "invalid_field", message)
            .with(|more| more.field = Some(field.to_owned()))
    }

    /// 422: every mistake; the first is the problem's own.
    pub fn mistakes(errors: &FieldErrors) -> Self {
        let (field, sentence) = errors.iter().next().unwrap_or_default();
        let all = errors.iter().map(|(field, message)| Mistake { field: field.into(), message: message.into() });
        Self::invalid(field, sentence.to_owned()).with(|more| more.errors = all.collect())
    }

    /// 414
    pub fn uri_too_long() -> Self {
        let message = "A path with its query may hold 4 KiB.";
        Self::new(StatusCode::URI_TOO_LONG, "invalid_request_error", "uri_too_long", message)
    }

    pub fn conflict(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, "invalid_request_error", "conflict", message)
    }

    /// 409: an `Idempotency-Key` came back with another body.
    pub fn other_request() -> Self {
        Self::conflict("This Idempotency-Key came before with another body. Use a new key for a new request.")
    }

    /// 403: a key would make, or take over, one that may more than itself.
    pub fn beyond_maker(scope: &str) -> Self {
        let message = format!("A key can’t give what it doesn’t have. Required scope: {scope}.");
        Self::forbidden(message).with(|more| more.required_scope = Some(scope.to_owned()))
    }

    pub fn beyond_environment(environment: &str) -> Self {
        let message = format!("This key can’t create, rotate or delete keys of the environment {environment}.");
        Self::forbidden(message)
    }

    pub fn beyond_addresses() -> Self {
        let message = "A key can’t reach beyond the addresses that the key that creates it may be used from.";
        Self::forbidden(message)
    }

    pub fn beyond_expiry() -> Self {
        let message = "A key can’t create or take over a key that outlives it.";
        Self::forbidden(message)
    }

    /// 403: the definition does not let programs do this to keys.
    pub fn only_in_the_page(act: KeyAct, product: &Product) -> Self {
        let place = if product.has_one_key() { "Settings → API key" } else { "Settings → API keys" };
        let instead = if product.offers(act) { format!(" Do it under {place}.") } else { String::new() };
        Self::forbidden(format!("Keys can’t be {} over the API here.{instead}", act.past()))
    }

    /// 403: what came is not signed by whom it says it is from.
    pub fn not_signed() -> Self {
        let message = "The signature does not fit the body, or is by no key that is known.";
        Self::new(StatusCode::FORBIDDEN, "permission_error", "signature_refused", message)
    }

    pub fn method_not_allowed() -> Self {
        let message = "This path does not answer to that method; see the Allow header.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_request_error", "method_not_allowed", message)
    }

    pub fn unsupported_media_type() -> Self {
        let message = "Send the body as application/json.";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request_error", "unsupported_media_type", message)
    }

    pub fn too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "invalid_request_error",
            "request_timeout",
            "The body took too long to arrive. Send the request again, all of it.",
        )
    }

    pub fn too_large(limit: usize) -> Self {
        let message = format!("The body is larger than {limit} bytes.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request_error", "body_too_large", message)
    }

    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found_error",
            "not_found",
            "There is no such resource, or it is not yours.",
        )
        .worded_as(Sentence::NotFound)
    }

    fn with_challenge(self, challenge: impl Into<Cow<'static, str>>) -> Self {
        Self { challenge: Some(challenge.into()), ..self }
    }

    fn missing_scope(scope: String, never: bool) -> Self {
        let and = if never { NEVER_RESTRICTED } else { "" };
        Self::forbidden(format!("Insufficient permissions. Required scope: {scope}.{and}"))
            .with_challenge(format!("{CHALLENGE}, error=\"insufficient_scope\", scope=\"{scope}\""))
            .with(|more| more.required_scope = Some(scope))
            .worded_as(if never { Sentence::ScopeBeyondType } else { Sentence::MissingScope })
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The JSON of it.
    pub fn wording(&self, request_id: &str) -> String {
        let mut json = Vec::with_capacity(USUAL_LENGTH);
        let written = serde_json::to_writer(&mut json, &self.worded(request_id));
        written.ok().and_then(|()| String::from_utf8(json).ok()).unwrap_or_default()
    }

    /// The JSON of it as people read it.
    pub fn wording_in_lines(&self, request_id: &str) -> String {
        serde_json::to_string_pretty(&self.worded(request_id)).unwrap_or_default()
    }

    fn worded<'a>(&'a self, request_id: &'a str) -> Wording<'a> {
        let Self { kind, code, message, status, more, .. } = self;
        Wording { error: Fields { kind, code, message, status: status.as_u16(), request_id, more: more.as_deref() } }
    }

    /// The whole answer.
    pub fn answer(&self, request_id: &str) -> Response {
        let mut answer = Response::new(Body::from(self.wording(request_id)));
        *answer.status_mut() = self.status;
        let headers = answer.headers_mut();
        headers.reserve(HEADERS);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let challenge = match &self.challenge {
            Some(Cow::Borrowed(known)) => Some(HeaderValue::from_static(known)),
            Some(Cow::Owned(made)) => HeaderValue::from_str(made).ok(),
            None => None,
        };
        if let Some(challenge) = challenge {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        let seconds = self.more.as_ref().and_then(|more| more.retry_after);
        if let Some(seconds) = seconds.or((self.status == StatusCode::SERVICE_UNAVAILABLE).then_some(5)) {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        answer
    }
}

impl IntoResponse for Problem {
    /// The bare status; [`word_refusals`] makes the body of it.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// For every path of the API that does not exist.
pub async fn no_such_path() -> Problem {
    Problem::not_found()
}

/// Gives every refusal its body and headers.
pub async fn word_refusals(State(app): State<App>, info: RequestInfo, request: Request, next: Next) -> Response {
    let answered = in_time(&app, next.run(request)).await;
    let mut response = answered.unwrap_or_else(|overdue| Problem::from(overdue).into_response());
    let known = response.extensions_mut().remove::<Problem>();
    let problem = match (known, response.status()) {
        (Some(problem), _) => problem,
        (None, StatusCode::METHOD_NOT_ALLOWED) => Problem::method_not_allowed(),
        _ => return response,
    };
    let mut answer = problem.in_words_of(&app.product.errors).answer(&info.id);
    if let Some(allow) = response.headers().get(ALLOW) {
        answer.headers_mut().insert(ALLOW, allow.clone());
    }
    if let Some(allowance) = response.extensions().get::<Allowance>() {
        rate::say(answer.headers_mut(), *allowance);
    }
    answer
}
