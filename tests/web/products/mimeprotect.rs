//! MimeProtect: keys without environments, six scopes, a hundred requests a minute, and errors in its own words.

mod answers;
mod scopes;

use axum::http::Method;
use serde_json::json;

use super::{KEYS, desk, is_open_to_browsers, refused_with, works};
use crate::support::{TestApp, key_path};

const LIST: &str = "GET /v1/domains";

/// Every request of the API.
const REQUESTS: [&str; 13] = [
    "GET /v1/domains",
    "GET /v1/domains/{own}",
    "GET /v1/domains/{own}/dns",
    "POST /v1/domains",
    "PATCH /v1/domains/{own}",
    "DELETE /v1/domains/{own}",
    "POST /v1/domains/{own}/scans",
    "GET /v1/reports/dmarc",
    "GET /v1/reports/tls-rpt",
    "GET /v1/reports/analytics",
    "GET /v1/alerts",
    "GET /v1/alerts/history",
    "PATCH /v1/alerts/a_1",
];

/// “The MimeProtect API uses API keys to authenticate requests.”
#[tokio::test]
async fn the_api_uses_keys_to_authenticate_requests() {
    let (desk, alice) = desk("mimeprotect").await;
    for request in REQUESTS {
        assert_eq!(desk.visitor().through_gate(request).await.status, 401, "{request}");
    }
    let key = alice.grants("siem", &["domains:read"]).await;
    assert!(works(&desk, &key.secret, LIST).await);
    let session = desk.token_of(&alice).await.secret.expect("a token");
    assert!(!works(&desk, &session, LIST).await, "no session tokens");
}

/// “Include your API key in theAuthorization header of every request. curl -X GET "https://api.mimeprotect.com/v1/domains" \
/// -H "Authorization: Bearer mp_xxxxxxxxxxxxxxxxxxxxx" \ -H "Content-Type: application/json"”
#[tokio::test]
async fn the_quick_start_lists_domains() {
    let (desk, alice) = desk("mimeprotect").await;
    alice.inbox("example.com").await;
    let program = desk.holder(&alice.grants("siem", &["domains:read"]).await.secret);
    let answer = program.ask(Method::GET, "/v1/domains").with("content-type", "application/json").send().await;
    assert_eq!((answer.status, answer.json()["data"][0]["name"].as_str()), (200, Some("example.com")));
    let docs = desk.visitor().get("/docs").await;
    docs.has_heading("MimeProtect API");
    docs.says("curl -X GET \"http://localhost:8080/v1/domains\"");
    docs.says("Authorization: Bearer $MIMEPROTECT_API_KEY");
}

/// “curl -X GET "https://api.mimeprotect.com/v1/domains"”
#[tokio::test]
async fn the_quick_start_passes_the_gate() {
    let (desk, alice) = desk("mimeprotect").await;
    let key = alice.grants("siem", &["domains:read"]).await;
    let passed = desk.holder(&key.secret).through_gate("GET /v1/domains").await;
    assert_eq!((passed.status, passed.header("x-keydesk-key-id")), (200, key.id.as_str()));
    assert_eq!(passed.header("x-keydesk-environment"), "", "there are none");
}

/// “Go to Settings → API Keys in your dashboard”
#[tokio::test]
async fn keys_are_under_settings_api_keys() {
    let (desk, alice) = desk("mimeprotect").await;
    let page = alice.get("/settings").await;
    assert_eq!((page.status, page.location()), (303, KEYS));
    alice.get(KEYS).await.has_heading("API keys");
    let docs = desk.visitor().get("/docs").await;
    docs.says("Settings → API keys");
    docs.says("None of this can be done over the API.");
    let maker = desk.holder(&alice.makes("wide", &[("preset", "full")]).await.secret);
    let refused = maker.post_json("/v1/keys", &json!({ "name": "made", "scopes": ["domains:read"] })).await;
    assert!(matches!(refused.status, 403 | 404), "in the dashboard only: {}", refused.text());
}

/// “Click "Create API Key", give it a name, and select the required permissions (scopes)”
#[tokio::test]
async fn a_key_takes_a_name_and_scopes() {
    let (desk, alice) = desk("mimeprotect").await;
    assert_eq!(desk.holdings().await[1], 0, "a sign-up issues none");
    let first = alice.get(KEYS).await;
    assert_eq!(first.link("Create a key").as_deref(), Some("/settings/api-keys/new"));
    let page = alice.get("/settings/api-keys/new").await;
    assert_eq!(page.html().matches("name=\"scopes[]\"").count(), 6);
    for field in ["name=\"environment\"", "name=\"expires", "name=\"inbox\""] {
        assert!(!page.html().contains(field), "{field}");
    }
    assert!(!page.text().to_lowercase().contains("restricted"), "one type of key");
    assert_eq!(alice.fills_in("siem", &[("preset", "custom")]).await.status, 422);
    assert_eq!(alice.fills_in("", &[("preset", "custom"), ("scopes[]", "domains:read")]).await.status, 422);
    alice.grants("siem", &["domains:read"]).await;
}

/// “Copy the key immediately - you won't be able to see it again.”
#[tokio::test]
async fn a_key_is_seen_once() {
    let (_desk, alice) = desk("mimeprotect").await;
    let key = alice.grants("siem", &["domains:read"]).await;
    let again = alice.post(&key_path(&key.id, "reveal"), &[]).await;
    assert_eq!((again.status, again.secrets()), (410, vec![]));
    alice.get(&key_path(&key.id, "")).await.says_nothing_of(&key.secret);
}

/// “Keys are prefixed with mp_” “mp_ followed by a unique identifier.”
#[tokio::test]
async fn keys_are_prefixed_with_mp() {
    let (desk, alice) = desk("mimeprotect").await;
    let [one, two] = [alice.makes("one", &[]).await, alice.makes("two", &[]).await];
    for key in [&one, &two] {
        let identifier = key.secret.strip_prefix("mp_").expect("the prefix");
        assert!(identifier.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{}", key.secret);
    }
    assert_ne!(one.secret, two.secret);
    desk.visitor().get("/docs").await.says("mp_… API key");
}

/// “Include your API key in the Authorization header using the Bearer token scheme:”
#[tokio::test]
async fn only_the_bearer_scheme_is_taken() {
    let (desk, alice) = desk("mimeprotect").await;
    let secret = alice.grants("siem", &["domains:read"]).await.secret;
    for scheme in ["Basic", "Token", ""] {
        refused_with(&desk, LIST, &[("authorization", format!("{scheme} {secret}").trim())]).await;
    }
    refused_with(&desk, LIST, &[("x-api-key", &secret)]).await;
    desk.visitor().get("/docs").await.says("Authorization: Bearer mp_…");
}

/// “Never commit API keys to source control” “Use environment variables or a secrets manager. Add .env to your .gitignore
/// file.”
#[tokio::test]
async fn a_revealed_key_comes_with_its_line_for_the_environment() {
    let (desk, alice) = desk("mimeprotect").await;
    let id = alice.fills_in("siem", &[]).await.location().rsplit('/').next().expect("an id").to_owned();
    let opened = alice.post(&key_path(&id, "reveal"), &[]).await;
    opened.says(&format!("MIMEPROTECT_API_KEY={}", opened.secrets()[0]));
    desk.visitor().get("/docs").await.says("put .env into .gitignore");
}

/// “Create new API keys periodically and revoke old ones. This limits the impact if a key is compromised.”
#[tokio::test]
async fn new_keys_replace_old_ones() {
    let (desk, alice) = desk("mimeprotect").await;
    let old = alice.makes("siem-2025", &[("preset", "read")]).await;
    let new = alice.makes("siem-2026", &[("preset", "read")]).await;
    assert_eq!(alice.is_offered(&old.id).await, ["rename", "pause", "delete"]);
    assert!(works(&desk, &old.secret, LIST).await && works(&desk, &new.secret, LIST).await);
    alice.deletes(&old, "siem-2025").await;
    assert!(!works(&desk, &old.secret, LIST).await && works(&desk, &new.secret, LIST).await);
}

/// “Create new API keys periodically and revoke old ones.” So nothing leads to a rotation.
#[tokio::test]
async fn no_page_leads_to_a_rotation() {
    let (desk, alice) = desk("mimeprotect").await;
    let id = alice.fills_in("siem", &[]).await.location().rsplit('/').next().expect("an id").to_owned();
    let own = key_path(&id, "");
    let sealed = alice.get(&own).await;
    let opened = alice.post(&key_path(&id, "reveal"), &[]).await;
    let again = alice.post(&key_path(&id, "reveal"), &[]).await;
    let (shown, list) = (alice.get(&own).await, alice.get(KEYS).await);
    let (docs, welcome) = (desk.visitor().get("/docs").await, alice.get("/welcome").await);
    let forgotten = alice.fills_in("forgotten", &[]).await.location().to_owned();
    desk.pass(keydesk::clock::days(2));
    let destroyed = desk.signed_in(&alice.email).await.get(&forgotten).await;
    for page in [sealed, opened, again, shown, list, docs, welcome, destroyed] {
        assert!(!page.html().contains("/rotate") && !page.text().to_lowercase().contains("rotate"), "{}", page.text());
    }
}

/// “Never expose API keys in client-side code, mobile apps, or browser JavaScript. All API calls should be made from your
/// backend server.”
#[tokio::test]
async fn keys_stay_server_side() {
    let (desk, alice) = desk("mimeprotect").await;
    let program = desk.holder(&alice.grants("siem", &["domains:read"]).await.secret);
    assert!(!is_open_to_browsers(&program, "/v1/domains").await);
    desk.visitor().get("/docs").await.says("Keep keys on your servers.");
}

/// “If you suspect a key has been exposed, revoke it immediately in your API settings and create a new one.”
#[tokio::test]
async fn an_exposed_key_is_revoked_at_once() {
    let (desk, alice) = desk("mimeprotect").await;
    let exposed = alice.makes("siem", &[("preset", "read")]).await;
    assert!(works(&desk, &exposed.secret, LIST).await, "the gate knows it now");
    let mistyped = alice.post(&key_path(&exposed.id, "delete"), &[("name", "")]).await;
    assert_eq!(mistyped.status, 422, "by its name, or not at all");
    alice.deletes(&exposed, "siem").await;
    assert!(!works(&desk, &exposed.secret, LIST).await);
    let new = alice.makes("siem", &[("preset", "read")]).await;
    assert!(works(&desk, &new.secret, LIST).await);
}

/// “Regularly review your API key activity in the dashboard. Unusual patterns may indicate unauthorized access.”
#[tokio::test]
async fn activity_is_reviewed_in_the_dashboard() {
    let (desk, alice) = desk("mimeprotect").await;
    let key = alice.grants("siem", &["domains:read"]).await;
    let program = desk.holder(&key.secret).at("198.51.100.80");
    for path in ["/v1/domains", "/v1/domains", "/v1/keys"] {
        program.get(path).await;
    }
    desk.flush().await;
    let page = alice.get(&key_path(&key.id, "")).await;
    for number in ["Requests 3", "Refused 1", "from 198.51.100.80"] {
        page.says(number);
    }
}

/// “Create your first API key and explore the API reference to start integrating MimeProtect.”
#[tokio::test]
async fn the_first_screen_leads_to_a_key_and_to_the_reference() {
    let desk = TestApp::of_product("mimeprotect").await;
    let alice = desk.alice().await;
    let page = alice.get("/welcome").await;
    page.has_heading("Welcome to MimeProtect");
    assert_eq!(page.link("Create a key").as_deref(), Some("/settings/api-keys/new"));
    assert_eq!(page.link("API docs").as_deref(), Some("/docs"));
    assert_eq!(desk.visitor().get("/openapi.json").await.status, 200);
}
