//! The headers of a counted minute: `X-RateLimit-*`, on every answer to a key that has one.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::gate::window::Allowance;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
/// Unix time.
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

pub const HEADERS: [HeaderName; 3] = [LIMIT, REMAINING, RESET];

/// Where a key stands in its minute, in the order of [`HEADERS`].
pub fn values(allowance: Allowance) -> [HeaderValue; 3] {
    [number(allowance.limit), number(allowance.remaining), number(allowance.resets_at)]
}

/// In one allocation, of which `HeaderValue::from` takes two.
fn number(number: impl itoa::Integer) -> HeaderValue {
    HeaderValue::from_str(itoa::Buffer::new().format(number)).expect("digits are a header")
}

/// Says where a key stands in its minute.
pub fn say(headers: &mut HeaderMap, allowance: Allowance) {
    for (name, value) in HEADERS.into_iter().zip(values(allowance)) {
        headers.insert(name, value);
    }
}
