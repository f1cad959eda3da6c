//! JSON bodies, read strictly: the right type, a bounded size, no unknown field.

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::problem::Problem;
use crate::web::form::{BODY_PATIENCE, LARGEST_BODY, LARGEST_SIGN_IN};

/// A JSON body of at most 64 KiB, or of 8 KiB on sign-in paths.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        parse(&read(request).await?).map(Self)
    }
}

/// The bytes of a JSON body.
pub(in crate::web) async fn read(request: Request) -> Result<Bytes, Problem> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        return Err(Problem::unsupported_media_type());
    }
    let limit = if request.uri().path().starts_with("/api/auth/") { LARGEST_SIGN_IN } else { LARGEST_BODY };
    let body = timeout(BODY_PATIENCE, to_bytes(request.into_body(), limit)).await;
    body.map_err(|_| Problem::too_slow())?.map_err(|_| Problem::too_large(limit))
}

pub(in crate::web) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.windows(6).any(|six| six == b"\\u0000") {
        return Err(Problem::bad_request("The body holds a NUL character. Leave it out."));
    }
    // serde would fill a struct from an array too, by position.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::bad_request("The body is not what this path takes: a JSON object."));
    }
    // serde's messages quote field names and positions, never values of a body that holds a password.
    let parsed = serde_json::from_slice(bytes);
    parsed.map_err(|error| Problem::bad_request(format!("The body is not what this path takes: {}.", said(&error))))
}

/// What serde says, unless it would quote what was sent.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("unknown field") || text.starts_with("missing field") {
        return text;
    }
    format!("line {}, column {}", error.line(), error.column())
}
