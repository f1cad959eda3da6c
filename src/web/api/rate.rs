//! The headers of a counted minute: `X-RateLimit-*`, on every answer to a key that has one.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::gate::window::Allowance;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
/// Unix time.
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Says where a key stands in its minute.
pub fn say(headers: &mut HeaderMap, allowance: Allowance) {
    headers.insert(LIMIT, HeaderValue::from(allowance.limit));
    headers.insert(REMAINING, HeaderValue::from(allowance.remaining));
    headers.insert(RESET, HeaderValue::from(allowance.resets_at));
}
