//! Shipmail: live keys with scopes or with `*`, shown once, managed in the dashboard.

mod scopes;

use axum::http::Method;
use keydesk::clock::days;
use serde_json::json;

use super::{KEYS, desk, is_open_to_browsers, refused_with, works};
use crate::support::{TestApp, key_path};

const LIST: &str = "GET /api/v1/domains";

/// Every request of the API.
const REQUESTS: [&str; 26] = [
    "GET /api/v1/domains",
    "GET /api/v1/domains/{own}",
    "POST /api/v1/domains/{own}/verify",
    "POST /api/v1/domains",
    "PATCH /api/v1/domains/{own}",
    "DELETE /api/v1/domains/{own}",
    "GET /api/v1/mailboxes",
    "GET /api/v1/mailboxes/m_1",
    "POST /api/v1/mailboxes",
    "PATCH /api/v1/mailboxes/m_1",
    "DELETE /api/v1/mailboxes/m_1",
    "GET /api/v1/messages",
    "GET /api/v1/messages/m_1",
    "POST /api/v1/messages",
    "GET /api/v1/threads",
    "GET /api/v1/threads/t_1/messages",
    "GET /api/v1/suppressions",
    "DELETE /api/v1/suppressions/ana@example.com",
    "GET /api/v1/webhooks",
    "GET /api/v1/webhooks/w_1",
    "GET /api/v1/webhooks/w_1/deliveries",
    "POST /api/v1/webhooks",
    "PATCH /api/v1/webhooks/w_1",
    "DELETE /api/v1/webhooks/w_1",
    "POST /api/v1/webhooks/w_1/rotate-secret",
    "POST /api/v1/webhooks/w_1/test",
];

/// “All API requests require a Bearer token in the Authorization header.”
#[tokio::test]
async fn all_requests_require_a_bearer_token() {
    let (desk, alice) = desk("shipmail").await;
    for request in REQUESTS {
        assert_eq!(desk.visitor().through_gate(request).await.status, 401, "{request}");
    }
    let secret = alice.grants("production", &["domains:read"]).await.secret;
    for scheme in ["Basic", "Token", ""] {
        refused_with(&desk, LIST, &[("authorization", format!("{scheme} {secret}").trim())]).await;
    }
    refused_with(&desk, LIST, &[("x-api-key", &secret)]).await;
    assert!(works(&desk, &secret, LIST).await);
    let session = desk.token_of(&alice).await.secret.expect("a token");
    assert!(!works(&desk, &session, LIST).await, "no session tokens");
}

/// “Create API keys from your dashboard under Settings > API Keys.”
#[tokio::test]
async fn keys_are_created_under_settings_api_keys() {
    let (desk, alice) = desk("shipmail").await;
    assert_eq!(desk.holdings().await[1], 0, "a sign-up issues none");
    let page = alice.get(KEYS).await;
    page.has_heading("API keys");
    page.says("Settings API keys");
    alice.makes("production", &[]).await;
    let staging = alice.makes("staging", &[("preset", "read")]).await;
    let page = alice.get(KEYS).await;
    assert!(page.link("Create API key").is_some());
    assert!(!page.text().to_lowercase().contains("restricted"), "one type of key");
    assert_eq!(alice.is_offered(&staging.id).await, ["rename", "pause", "rotate", "delete"]);
    let maker = desk.holder(&alice.makes("wide", &[("preset", "full")]).await.secret);
    let body = json!({ "name": "made", "scopes": ["domains:read"] });
    for refused in [
        maker.post_json("/api/v1/keys", &body).await,
        maker.post_json(&format!("/api/v1/keys/{}/rotate", staging.id), &json!({})).await,
        maker.delete(&format!("/api/v1/keys/{}", staging.id)).await,
    ] {
        assert!(matches!(refused.status, 403 | 404), "in the dashboard only: {}", refused.text());
    }
    assert!(works(&desk, &staging.secret, LIST).await);
}

/// “Keys use the format sm_live_...”
#[tokio::test]
async fn keys_use_the_format_sm_live() {
    let (desk, alice) = desk("shipmail").await;
    let key = alice.makes("production", &[]).await;
    assert!(key.secret.starts_with("sm_live_"), "{}", key.secret);
    let page = alice.get("/settings/api-keys/new").await;
    assert_eq!(page.html().matches("name=\"environment\"").count(), 1, "live, and no other");
    desk.visitor().get("/docs").await.says("sm_live_… Live key");
    assert_eq!(desk.holder(&key.secret).get("/api/v1/key").await.json()["environment"], "live");
}

/// “and are shown only once at creation. Store them securely.”
#[tokio::test]
async fn keys_are_shown_only_once() {
    let (_desk, alice) = desk("shipmail").await;
    let id = alice.fills_in("production", &[]).await.location().rsplit('/').next().expect("an id").to_owned();
    let opened = alice.post(&key_path(&id, "reveal"), &[]).await;
    opened.says("This is the only time you’ll see this key.");
    let secret = opened.secrets()[0].clone();
    assert_eq!(alice.post(&key_path(&id, "reveal"), &[]).await.status, 410);
    alice.get(&key_path(&id, "")).await.says_nothing_of(&secret);
}

/// “Choose scopes when creating each key.”
#[tokio::test]
async fn scopes_are_chosen_for_each_key() {
    let (desk, alice) = desk("shipmail").await;
    let page = alice.get("/settings/api-keys/new").await;
    assert_eq!(page.html().matches("name=\"scopes[]\"").count(), 11);
    for (name, scopes) in [("one", &["threads:read"][..]), ("two", &["domains:read", "messages:write"])] {
        let key = alice.grants(name, scopes).await;
        assert_eq!(desk.holder(&key.secret).get("/api/v1/key").await.json()["scopes"], json!(scopes));
    }
}

/// “Each key can also have an optional expiration date.”
#[tokio::test]
async fn an_expiration_date_is_optional() {
    let (desk, alice) = desk("shipmail").await;
    let page = alice.get("/settings/api-keys/new").await;
    for choice in ["30", "90", "365", "none"] {
        assert!(page.html().contains(&format!("name=\"expires\" value=\"{choice}\"")), "{choice}");
    }
    assert_eq!(page.chosen("expires"), ["90"]);
    let read = |expiry| [("preset", "read"), expiry];
    let lasting = alice.makes("lasting", &read(("expires", "none"))).await;
    let dated = alice.makes("dated", &read(("expires_on", "2026-12-31"))).await;
    assert_eq!(desk.holder(&dated.secret).get("/api/v1/key").await.json()["expires_at"], "2026-12-31T23:59:59Z");
    desk.pass(days(40));
    assert!(works(&desk, &dated.secret, LIST).await, "31 December");
    desk.pass(days(1));
    assert!(!works(&desk, &dated.secret, LIST).await && works(&desk, &lasting.secret, LIST).await);
}

/// “You can revoke a key at any time from the dashboard.”
#[tokio::test]
async fn a_key_is_revoked_at_any_time() {
    let (desk, alice) = desk("shipmail").await;
    let key = alice.makes("production", &[("preset", "read")]).await;
    assert!(works(&desk, &key.secret, LIST).await);
    let mistyped = alice.post(&key_path(&key.id, "delete"), &[("name", "")]).await;
    assert_eq!(mistyped.status, 422, "by its name, or not at all");
    alice.deletes(&key, "production").await;
    assert!(!works(&desk, &key.secret, LIST).await);
}

/// “curl https://shipmail.to/api/v1/domains \ -H "Authorization: Bearer sm_live_..."”
#[tokio::test]
async fn the_curl_example_lists_domains() {
    let (desk, alice) = desk("shipmail").await;
    alice.inbox("example.com").await;
    let key = alice.grants("production", &["domains:read"]).await;
    let answer = desk.holder(&key.secret).ask(Method::GET, "/api/v1/domains").send().await;
    assert_eq!((answer.status, answer.json()["data"][0]["name"].as_str()), (200, Some("example.com")));
    assert_eq!(answer.header("x-ratelimit-limit"), "", "no limit is named");
    let docs = desk.visitor().get("/docs").await;
    docs.says("curl http://localhost:8080/api/v1/domains");
    docs.says("Authorization: Bearer $SHIPMAIL_API_KEY");
}

/// “Pass your API key as a Bearer token: curl https://shipmail.to/api/v1/domains”
#[tokio::test]
async fn the_curl_example_passes_the_gate() {
    let (desk, alice) = desk("shipmail").await;
    let key = alice.grants("production", &["domains:read"]).await;
    let passed = desk.holder(&key.secret).through_gate("GET /api/v1/domains").await;
    assert_eq!((passed.status, passed.header("x-keydesk-key-id")), (200, key.id.as_str()));
}

/// “Requests with a missing or invalid token receive a 401 response with a WWW-Authenticate header:”
#[tokio::test]
async fn a_missing_or_invalid_token_receives_401_with_www_authenticate() {
    let desk = TestApp::of_product("shipmail").await;
    refused_with(&desk, LIST, &[]).await;
    for invalid in ["sm_live_...", &format!("sm_live_{}", "0".repeat(49)), "sm_test_x", "eyJ.x.y"] {
        refused_with(&desk, LIST, &[("authorization", &format!("Bearer {invalid}"))]).await;
    }
    assert_eq!(desk.visitor().get("/api/v1/domains").await.header("www-authenticate"), "Bearer realm=\"api\"");
}

/// “{ "error": { "type": "authentication_error", "message": "Invalid or missing API key.", "request_id": "req_abc123" } }”
#[tokio::test]
async fn the_error_response_has_type_message_and_request_id() {
    let desk = TestApp::of_product("shipmail").await;
    let nobody = desk.visitor();
    for answer in [nobody.get("/api/v1/domains").await, nobody.through_gate(LIST).await] {
        let error = answer.json()["error"].clone();
        assert_eq!(
            (&error["type"], &error["message"]),
            (&json!("authentication_error"), &json!("Invalid or missing API key."))
        );
        let id = error["request_id"].as_str().expect("an id");
        assert!(id.starts_with("req_"), "{id}");
        assert_eq!(answer.header("x-request-id"), id);
    }
}

/// “Store the key in a server-side environment variable (for example SHIPMAIL_API_KEY) and read it at runtime.”
#[tokio::test]
async fn the_key_goes_into_an_environment_variable() {
    let (desk, alice) = desk("shipmail").await;
    let id = alice.fills_in("production", &[]).await.location().rsplit('/').next().expect("an id").to_owned();
    let opened = alice.post(&key_path(&id, "reveal"), &[]).await;
    opened.says(&format!("SHIPMAIL_API_KEY={}", opened.secrets()[0]));
    let docs = desk.visitor().get("/docs").await;
    docs.has_heading("Shipmail API");
    docs.says("Where do I keep my key?");
}

/// “Never commit it to source control and never expose it in client-side code, browser bundles, or mobile apps.”
#[tokio::test]
async fn keys_stay_out_of_source_and_browsers() {
    let (desk, alice) = desk("shipmail").await;
    let key = alice.grants("production", &["domains:read"]).await;
    assert!(!is_open_to_browsers(&desk.holder(&key.secret), "/api/v1/domains").await);
    let docs = desk.visitor().get("/docs").await;
    docs.says("Keep them out of your source.");
    docs.says("Keep keys on your servers.");
}

/// “Rotate the key from the dashboard if it ever leaks.”
#[tokio::test]
async fn a_leaked_key_is_rotated_from_the_dashboard() {
    let (desk, alice) = desk("shipmail").await;
    let key = alice.makes("production", &[("preset", "read")]).await;
    let page = alice.get(&key_path(&key.id, "rotate")).await;
    for grace in ["0", "1h", "24h", "7d"] {
        assert!(page.html().contains(&format!("name=\"grace\" value=\"{grace}\"")), "{grace}");
    }
    assert_eq!(page.chosen("grace"), ["24h"]);
    page.says("Choose this if the key has leaked.");
    alice.post(&key_path(&key.id, "rotate"), &[("grace", "0")]).await.redirects_to(&key_path(&key.id, ""));
    let new = alice.reveals(&key.id).await;
    assert!(!works(&desk, &key.secret, LIST).await && works(&desk, &new, LIST).await);
}

/// “No. The full key is shown only once at creation. If you lose it, revoke the old key from the dashboard and create a new
/// one.”
#[tokio::test]
async fn a_lost_key_is_revoked_and_another_created() {
    let (desk, alice) = desk("shipmail").await;
    let lost = alice.makes("production", &[("preset", "read")]).await;
    alice.deletes(&lost, "production").await;
    let new = alice.makes("production", &[("preset", "read")]).await;
    assert!(!works(&desk, &lost.secret, LIST).await && works(&desk, &new.secret, LIST).await);
    desk.visitor()
        .get("/docs")
        .await
        .says("My key is lost. Can it be shown again? No, nobody can show it a second time.");
}

/// “Create one key per environment with a descriptive name, and revoke individually if you need to.”
#[tokio::test]
async fn staging_and_production_have_keys_of_their_own() {
    let (desk, alice) = desk("shipmail").await;
    let [production, staging] =
        [alice.makes("production", &[("preset", "read")]).await, alice.makes("staging", &[("preset", "read")]).await];
    let mut rows = alice.get(KEYS).await.rows();
    rows.sort();
    assert_eq!(rows, ["production", "staging"]);
    alice.deletes(&staging, "staging").await;
    assert!(!works(&desk, &staging.secret, LIST).await && works(&desk, &production.secret, LIST).await);
    desk.visitor().get("/docs").await.says("Production and staging: one key or two?");
}

/// “Keys are per organization, so you do not need a separate account for staging.”
#[tokio::test]
async fn keys_are_per_organization() {
    let (desk, alice) = desk("shipmail").await;
    let bob = desk.bob().await;
    let domain = alice.inbox("example.com").await;
    let of = |secret: &str| desk.holder(secret);
    let staging = of(&alice.makes("staging", &[("preset", "full")]).await.secret);
    let foreign = of(&bob.makes("staging", &[("preset", "full")]).await.secret);
    let path = format!("/api/v1/domains/{domain}");
    assert_eq!((staging.get(&path).await.status, foreign.get(&path).await.status), (200, 404));
    assert_eq!(foreign.through_gate(&format!("GET {path}")).await.status, 404);
    assert_eq!(staging.get("/api/v1/key").await.json()["account_id"], alice.account_id);
}
