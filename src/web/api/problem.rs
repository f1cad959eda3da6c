//! What can go wrong over the API: one body that every dialect can read, with the request id under which support finds
//! why.

use axum::Json;
use axum::extract::Request;
use axum::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::gate::Unavailable;
use crate::gate::verdict::Refusal;
use crate::model::key_form::FieldErrors;
use crate::web::error::Error;
use crate::web::request::RequestInfo;

/// The realm of RFC 6750 challenges.
const REALM: &str = "api";

#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    kind: &'static str,
    code: &'static str,
    message: String,
    /// The value of `WWW-Authenticate`.
    challenge: Option<String>,
    more: Map<String, Value>,
    /// Whether the gate refused, as opposed to the request itself being wrong.
    pub refused: bool,
}

/// A refusal as a client sees it.
pub struct Example {
    pub status: StatusCode,
    pub code: &'static str,
    pub challenge: Option<String>,
    pub body: String,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, code, message: message.into(), challenge: None, more: Map::new(), refused: false }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", "invalid_request", message)
    }

    /// 422: well-formed, but `field` can't be.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        let mut problem =
            Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request_error", "invalid_field", message);
        problem.more.insert("field".into(), field.into());
        problem
    }

    /// 422: every mistake; the first is the problem's own.
    pub fn mistakes(errors: &FieldErrors) -> Self {
        let (field, sentence) = errors.iter().next().unwrap_or_default();
        let mut problem = Self::invalid(field, sentence);
        let all: Vec<Value> =
            errors.iter().map(|(field, message)| json!({ "field": field, "message": message })).collect();
        problem.more.insert("errors".into(), all.into());
        problem
    }

    pub fn conflict(message: &str) -> Self {
        Self::new(StatusCode::CONFLICT, "invalid_request_error", "conflict", message)
    }

    /// 409: an `Idempotency-Key` came back with another body.
    pub fn other_request() -> Self {
        Self::conflict("This Idempotency-Key came before with another body. Use a new key for a new request.")
    }

    /// 403: a key would make, or take over, one that may more than itself.
    pub fn beyond_maker(scope: &str) -> Self {
        let message = format!("A key can’t give what it doesn’t have. Required scope: {scope}.");
        let mut problem = Self::new(StatusCode::FORBIDDEN, "permission_error", "forbidden", message);
        problem.more.insert("required_scope".into(), scope.into());
        problem
    }

    pub fn beyond_environment(environment: &str) -> Self {
        let message = format!("This key can’t make, rotate or delete keys of the environment {environment}.");
        Self::new(StatusCode::FORBIDDEN, "permission_error", "forbidden", message)
    }

    pub fn beyond_addresses() -> Self {
        let message = "A key can’t reach beyond the addresses that its maker may be used from.";
        Self::new(StatusCode::FORBIDDEN, "permission_error", "forbidden", message)
    }

    pub fn beyond_expiry() -> Self {
        let message = "A key can’t make or take over a key that outlives it.";
        Self::new(StatusCode::FORBIDDEN, "permission_error", "forbidden", message)
    }

    pub fn only_in_the_page() -> Self {
        let message = "Keys can’t be deleted over the API here. Delete it under Settings → API keys.";
        Self::new(StatusCode::FORBIDDEN, "permission_error", "forbidden", message)
    }

    pub fn unsupported_media_type() -> Self {
        let message = "Send the body as application/json.";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request_error", "unsupported_media_type", message)
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
    }

    /// 401 for somebody who signs in, not for a key.
    pub fn wrong_password() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "authentication_error",
            "unauthorized",
            "The email or the password is not right.",
        )
        .with_challenge("")
    }

    pub fn spent_token() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "authentication_error",
            "unauthorized",
            "This refresh token is not valid. Log in again.",
        )
        .with_challenge(", error=\"invalid_token\"")
    }

    fn with_challenge(self, parameters: &str) -> Self {
        Self { challenge: Some(format!("Bearer realm=\"{REALM}\"{parameters}")), ..self }
    }

    /// How it reads on the wire, for the page that explains it.
    pub fn example(&self, request_id: &str) -> Example {
        let Json(body) = self.body(request_id);
        Example { status: self.status, code: self.code, challenge: self.challenge.clone(), body: format!("{body:#}") }
    }

    fn body(&self, request_id: &str) -> Json<Value> {
        let mut error = json!({
            "type": self.kind,
            "code": self.code,
            "message": self.message,
            "status": self.status.as_u16(),
            "request_id": request_id,
        });
        if let Value::Object(fields) = &mut error {
            fields.extend(self.more.clone());
        }
        Json(json!({ "error": error }))
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let unauthorized = || {
            Self::new(StatusCode::UNAUTHORIZED, "authentication_error", "unauthorized", "Invalid or missing API key.")
        };
        let forbidden = |message: String| Self::new(StatusCode::FORBIDDEN, "permission_error", "forbidden", message);
        let problem = match refusal {
            Refusal::Missing => unauthorized().with_challenge(""),
            Refusal::Unknown => unauthorized().with_challenge(", error=\"invalid_token\""),
            Refusal::AddressNotAllowed => forbidden("This key may not be used from your address.".into()),
            Refusal::OutOfReach => Self::not_found(),
            Refusal::MissingScope { scope, never } => {
                let never = if never { " A key bound to one resource can never hold it." } else { "" };
                let mut problem = forbidden(format!("Insufficient permissions. Required scope: {scope}.{never}"))
                    .with_challenge(&format!(", error=\"insufficient_scope\", scope=\"{scope}\""));
                problem.more.insert("required_scope".into(), scope.into());
                problem
            }
        };
        Self { refused: true, ..problem }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::TooManyRequests { seconds, .. } => {
                let message = format!("Too many tries. Retry after {seconds} seconds.");
                let mut problem =
                    Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", "rate_limit_exceeded", message);
                problem.more.insert("retryAfter".into(), seconds.into());
                problem
            }
            Error::Busy => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "api_error",
                "unavailable",
                "Busy right now. Try again in a few seconds.",
            ),
            _ => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "api_error",
                "internal",
                "Something broke on our side. Nothing was half done.",
            ),
        }
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<Unavailable> for Problem {
    fn from(error: Unavailable) -> Self {
        tracing::error!(%error, "A credential could not be tested");
        Error::Busy.into()
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
pub async fn word_refusals(info: RequestInfo, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let known = response.extensions_mut().remove::<Problem>();
    let problem = match (known, response.status()) {
        (Some(problem), _) => problem,
        (None, StatusCode::METHOD_NOT_ALLOWED) => {
            let message = "This path does not answer to that method; see the Allow header.";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_request_error", "method_not_allowed", message)
        }
        _ => return response,
    };
    let mut answer = (problem.status, problem.body(&info.id)).into_response();
    if let Some(allow) = response.headers().get(ALLOW) {
        answer.headers_mut().insert(ALLOW, allow.clone());
    }
    if let Some(challenge) = problem.challenge.as_deref().and_then(|challenge| HeaderValue::from_str(challenge).ok()) {
        answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    let seconds = problem.more.get("retryAfter").and_then(Value::as_u64);
    if let Some(seconds) = seconds.or((problem.status == StatusCode::SERVICE_UNAVAILABLE).then_some(5)) {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}
