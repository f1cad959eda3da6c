//! What MimeProtect's API answers beside its data: the minute, and three refusals word by word.

use std::time::Duration;

use serde_json::{Value, json};

use super::LIST;
use crate::products::desk;
use crate::support::{Actor, Answer, TestApp};

/// The clock stands at the full minute; this is the next one.
const NEXT_MINUTE: &str = "1795269960";

/// A desk and a program that may read domains.
async fn reader() -> (TestApp, Actor) {
    let (desk, alice) = desk("mimeprotect").await;
    let program = desk.holder(&alice.grants("siem", &["domains:read"]).await.secret);
    (desk, program)
}

/// The answer to the first request beyond the limit.
async fn too_many(program: &Actor) -> Answer {
    for _ in 0..100 {
        assert_eq!(program.through_gate(LIST).await.status, 200);
    }
    program.through_gate(LIST).await
}

/// Whether the body says all that the documentation's does.
fn says_what(answer: &Answer, documented: &Value) {
    let error = answer.json()["error"].clone();
    for (field, value) in documented["error"].as_object().expect("an object") {
        assert_eq!(&error[field], value, "{field} of {error}");
    }
    assert_eq!(documented["error"]["status"], answer.status);
}

/// “To ensure fair usage and API stability, requests are rate limited per API key.”
#[tokio::test]
async fn requests_are_limited_per_key() {
    let (desk, alice) = desk("mimeprotect").await;
    let busy = desk.holder(&alice.grants("busy", &["domains:read"]).await.secret);
    let other = desk.holder(&alice.grants("other", &["domains:read"]).await.secret);
    assert_eq!(too_many(&busy).await.status, 429);
    assert_eq!(busy.get("/v1/domains").await.status, 429, "one minute for all doors");
    assert_eq!((other.get("/v1/domains").await.status, other.through_gate(LIST).await.status), (200, 200));
}

/// “All API responses include headers to help you track your rate limit status:”
#[tokio::test]
async fn all_responses_include_the_headers() {
    let (_desk, program) = reader().await;
    for answer in [
        program.get("/v1/domains").await,
        program.get("/v1/key").await,
        program.get("/v1/keys").await,
        program.through_gate(LIST).await,
        program.through_gate("GET /v1/alerts").await,
        program.post_json("/v1/domains", &json!({})).await,
    ] {
        for header in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"] {
            assert!(!answer.header(header).is_empty(), "{header} of {}", answer.status);
        }
    }
}

/// “X-RateLimit-Limit | Maximum requests allowed per minute (100)”
#[tokio::test]
async fn the_limit_is_100_a_minute() {
    let (desk, program) = reader().await;
    assert_eq!(program.get("/v1/domains").await.header("x-ratelimit-limit"), "100");
    desk.visitor().get("/docs").await.says("A key may make 100 requests in a minute.");
}

/// “X-RateLimit-Remaining | Number of requests remaining in the current window”
#[tokio::test]
async fn the_remaining_requests_count_down() {
    let (_desk, program) = reader().await;
    for remaining in ["99", "98", "97"] {
        assert_eq!(program.through_gate(LIST).await.header("x-ratelimit-remaining"), remaining);
    }
}

/// “X-RateLimit-Reset | Unix timestamp when the rate limit window resets”
#[tokio::test]
async fn the_window_resets_when_it_says() {
    let (desk, program) = reader().await;
    let spent = too_many(&program).await;
    assert_eq!((spent.status, spent.header("x-ratelimit-reset")), (429, NEXT_MINUTE));
    desk.pass(Duration::from_secs(59));
    assert_eq!(program.through_gate(LIST).await.status, 429);
    desk.pass(Duration::from_secs(1));
    let fresh = program.through_gate(LIST).await;
    assert_eq!((fresh.status, fresh.header("x-ratelimit-remaining")), (200, "99"));
}

/// “429 Too Many Requests response. Implement exponential backoff and respect the Retry-After header.”
#[tokio::test]
async fn whoever_respects_retry_after_gets_through() {
    let (desk, program) = reader().await;
    desk.pass(Duration::from_secs(18));
    let refused = too_many(&program).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "42"));
    desk.pass(Duration::from_secs(42));
    assert_eq!(program.through_gate(LIST).await.status, 200);
    desk.visitor().get("/docs").await.says("double the wait each time");
}

/// “The API key is missing, invalid, or has been revoked. { "error": { "code": "unauthorized", "message": "Invalid or missing
/// API key", "status": 401 } }”
#[tokio::test]
async fn a_missing_invalid_or_revoked_key_reads_401() {
    let (desk, alice) = desk("mimeprotect").await;
    let revoked = alice.makes("siem", &[]).await;
    alice.deletes(&revoked, "siem").await;
    let documented =
        json!({ "error": { "code": "unauthorized", "message": "Invalid or missing API key", "status": 401 } });
    for program in [desk.visitor(), desk.holder("mp_a1b2c3d4e5f6"), desk.holder(&revoked.secret)] {
        says_what(&program.get("/v1/domains").await, &documented);
        says_what(&program.through_gate(LIST).await, &documented);
    }
}

/// “The API key is valid but doesn't have the required scope for this operation. { "error": { "code": "forbidden", "message":
/// "Insufficient permissions. Required scope: domains:write", "status": 403 } }”
#[tokio::test]
async fn a_missing_scope_reads_403() {
    let (_desk, program) = reader().await;
    let message = "Insufficient permissions. Required scope: domains:write";
    let documented = json!({ "error": { "code": "forbidden", "message": message, "status": 403 } });
    says_what(&program.post_json("/v1/domains", &json!({ "name": "example.com" })).await, &documented);
    says_what(&program.through_gate("POST /v1/domains").await, &documented);
}

/// “Too many requests have been made. Wait before retrying. { "error": { "code": "rate_limit_exceeded", "message": "Rate limit
/// exceeded. Please retry after 60 seconds.", "status": 429, "retryAfter": 60 } }”
#[tokio::test]
async fn too_many_requests_read_429() {
    let (_desk, program) = reader().await;
    let documented = json!({ "error": {
        "code": "rate_limit_exceeded",
        "message": "Rate limit exceeded. Please retry after 60 seconds.",
        "status": 429,
        "retryAfter": 60,
    } });
    says_what(&too_many(&program).await, &documented);
    says_what(&program.get("/v1/domains").await, &documented);
}
