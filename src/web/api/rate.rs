//! The headers of a counted minute: `X-RateLimit-*`, on every answer to a key that has one.

use axum::http::{HeaderMap, HeaderName};

use crate::gate::window::Allowance;
use crate::web::server::wire::Wire;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
/// Unix time.
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Says where a key stands in its minute.
pub fn say(headers: &mut HeaderMap, allowance: Allowance) {
    headers.insert(LIMIT, allowance.limit.into());
    headers.insert(REMAINING, allowance.remaining.into());
    headers.insert(RESET, allowance.resets_at.into());
}

/// The same, over the wire.
pub fn write(wire: &mut Wire, allowance: Allowance) {
    wire.number(LIMIT.as_str(), allowance.limit);
    wire.number(REMAINING.as_str(), allowance.remaining);
    wire.number(RESET.as_str(), allowance.resets_at);
}
