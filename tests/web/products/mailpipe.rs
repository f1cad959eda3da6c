//! Mailpipe: live and test keys with scopes, shown once, managed in the dashboard and over the API.

mod scopes;

use axum::http::Method;
use keydesk::clock::days;
use serde_json::json;

use super::{KEYS, desk, is_open_to_browsers, reads, refused_with, works};
use crate::support::{TestApp, key_path};

const LIST: &str = "GET /v1/mailboxes";

/// Every request of the API.
const REQUESTS: [&str; 26] = [
    "POST /v1/messages",
    "GET /v1/messages",
    "GET /v1/messages/m_1",
    "GET /v1/messages/m_1/attachments/a_1",
    "PATCH /v1/messages/m_1",
    "DELETE /v1/messages/m_1",
    "GET /v1/threads",
    "GET /v1/threads/t_1",
    "GET /v1/domains",
    "GET /v1/domains/d_1",
    "POST /v1/domains",
    "POST /v1/domains/d_1/verify",
    "DELETE /v1/domains/d_1",
    "GET /v1/mailboxes",
    "GET /v1/mailboxes/{own}",
    "POST /v1/mailboxes",
    "PATCH /v1/mailboxes/{own}",
    "DELETE /v1/mailboxes/{own}",
    "GET /v1/webhooks",
    "POST /v1/webhooks",
    "DELETE /v1/webhooks/w_1",
    "GET /v1/keys",
    "GET /v1/keys/key_1",
    "POST /v1/keys",
    "POST /v1/keys/key_1/rotate",
    "DELETE /v1/keys/key_1",
];

/// “All Mailpipe API requests must be authenticated using an API key.”
#[tokio::test]
async fn all_requests_must_be_authenticated() {
    let desk = TestApp::of_product("mailpipe").await;
    for request in REQUESTS {
        assert_eq!(desk.visitor().through_gate(request).await.status, 401, "{request}");
    }
    assert_eq!(desk.visitor().get("/v1/mailboxes").await.status, 401);
    desk.visitor().get("/docs").await.has_heading("Mailpipe API");
}

/// “This guide covers key formats, how to generate keys from your dashboard, available scopes, and security best
/// practices.”
#[tokio::test]
async fn keys_are_generated_from_the_dashboard() {
    let (desk, alice) = desk("mailpipe").await;
    assert_eq!(desk.holdings().await[1], 0, "a sign-up issues none");
    alice.get(KEYS).await.has_heading("No API keys yet");
    let one = alice.makes("production-backend", &[]).await;
    alice.makes("staging-backend", &[]).await;
    assert_eq!(alice.is_offered(&one.id).await, ["rename", "pause", "rotate", "delete"]);
    let page = alice.get(KEYS).await;
    assert!(page.link("Create API key").is_some(), "{}", page.text());
    assert!(!page.text().to_lowercase().contains("restricted"), "one type of key");
    let choices: Vec<_> = ["none", "30", "90", "365"].map(|value| format!("name=\"expires\" value=\"{value}\"")).into();
    let page = alice.get("/settings/api-keys/new").await;
    assert!(choices.iter().all(|choice| page.html().contains(choice)), "{}", page.text());
    assert_eq!(page.chosen("expires"), ["90"]);
}

/// “Every key is prefixed to indicate whether it targets the live environment or the test environment:”
#[tokio::test]
async fn every_key_is_prefixed_by_its_environment() {
    let (desk, alice) = desk("mailpipe").await;
    for environment in ["live", "test"] {
        let fields = [("environment", environment), ("preset", "read")];
        let key = alice.makes(environment, &fields).await;
        assert!(key.secret.starts_with(&format!("mp_{environment}_")), "{}", key.secret);
        let program = desk.holder(&key.secret);
        assert_eq!(program.get("/v1/key").await.json()["environment"], environment);
        assert_eq!(program.through_gate(LIST).await.header("x-keydesk-environment"), environment);
    }
}

/// “mp_live_xxxxxxxxxxxxxxxxxx Affects real data. Use in production server-side code only.”
#[tokio::test]
async fn a_live_key_affects_real_data() {
    let (desk, alice) = desk("mailpipe").await;
    let fields = [("environment", "live"), ("preset", "custom"), ("scopes[]", "mailboxes:write")];
    let live = alice.makes("production-backend", &fields).await;
    let made = desk.holder(&live.secret).post_json("/v1/mailboxes", &json!({ "name": "Orders" })).await;
    assert_eq!(made.status, 201, "{}", made.text());
    alice.get("/settings/inboxes").await.says("Orders");
    reads(&alice, "mailbox", "mailboxes").await;
    let docs = desk.visitor().get("/docs").await;
    docs.says("mp_live_… Live key Works on real data. For production servers.");
}

/// “mp_test_xxxxxxxxxxxxxxxxxx Safe for development. Requests are sandboxed and do not send real email.”
#[tokio::test]
async fn a_test_key_is_a_rehearsal() {
    let (desk, alice) = desk("mailpipe").await;
    let fields = [("preset", "custom"), ("environment", "test"), ("scopes[]", "keys:write"), ("scopes[]", "mail:send")];
    let key = alice.makes("laptop", &fields).await;
    let program = desk.holder(&key.secret);
    let passed = program.through_gate("POST /v1/messages").await;
    assert_eq!((passed.status, passed.header("x-keydesk-environment")), (200, "test"), "the sender knows");
    let real = json!({ "name": "real", "environment": "live", "scopes": ["mail:send"] });
    assert_eq!(program.post_json("/v1/keys", &real).await.status, 403, "no way out of the sandbox");
    alice.get("/settings/api-keys/new").await.says("no real email leaves it");
}

/// “The full key value is displayed only at creation time.”
#[tokio::test]
async fn the_full_key_is_displayed_only_once() {
    let (desk, alice) = desk("mailpipe").await;
    let key = alice.grants("production-backend", &["keys:write", "keys:read"]).await;
    assert_eq!(alice.post(&key_path(&key.id, "reveal"), &[]).await.status, 410);
    alice.get(&key_path(&key.id, "")).await.says_nothing_of(&key.secret);
    let program = desk.holder(&key.secret);
    let body = json!({ "name": "made", "scopes": ["keys:read"] });
    let made = program.post_json("/v1/keys", &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    assert!(made["secret"].as_str().is_some_and(|secret| secret.starts_with("mp_")));
    let path = format!("/v1/keys/{}", made["id"].as_str().expect("an id"));
    assert!(program.get(&path).await.json().get("secret").is_none());
}

/// “Store it securely in a password manager or secrets manager before closing the dialog.”
#[tokio::test]
async fn whoever_reveals_a_key_is_told_to_store_it() {
    let (_desk, alice) = desk("mailpipe").await;
    let id = alice.fills_in("worker", &[]).await.location().rsplit('/').next().expect("an id").to_owned();
    let opened = alice.post(&key_path(&id, "reveal"), &[]).await;
    opened.says("This is the only time you’ll see this key.");
    assert!(alice.get("/settings/api-keys/new").await.text().contains("secrets manager"));
}

/// “Pass your API key as a Bearer token in the Authorization header on every request.”
#[tokio::test]
async fn the_key_is_passed_as_a_bearer_token() {
    let (desk, alice) = desk("mailpipe").await;
    let key = alice.grants("production-backend", &["mailboxes:read"]).await;
    assert!(works(&desk, &key.secret, LIST).await);
    let docs = desk.visitor().get("/docs").await;
    docs.says("Authorization: Bearer mp_live_…");
    let nobody = desk.visitor();
    assert_eq!(nobody.get(&format!("/v1/mailboxes?api_key={}", key.secret)).await.status, 401);
    refused_with(&desk, LIST, &[("cookie", &format!("api_key={}", key.secret))]).await;
}

/// “No other authentication schemes are supported.”
#[tokio::test]
async fn no_other_scheme_is_supported() {
    let (desk, alice) = desk("mailpipe").await;
    let secret = alice.grants("production-backend", &["mailboxes:read"]).await.secret;
    for scheme in ["Basic", "Token", "ApiKey", "Digest", ""] {
        refused_with(&desk, LIST, &[("authorization", format!("{scheme} {secret}").trim())]).await;
    }
    refused_with(&desk, LIST, &[("x-api-key", &secret)]).await;
    let session = desk.token_of(&alice).await.secret.expect("a token");
    assert!(!works(&desk, &session, LIST).await, "no session tokens");
    desk.visitor().get("/docs").await.says_nothing_of("Session token");
}

/// “curl -X GET "https://api.mailpipe.dev/v1/mailboxes" \ -H "Authorization: Bearer mp_live_your-api-key-here" \ -H
/// "Content-Type: application/json"”
#[tokio::test]
async fn the_full_curl_example_is_answered() {
    let (desk, alice) = desk("mailpipe").await;
    alice.inbox("Orders").await;
    let key = alice.makes("worker", &[("environment", "live"), ("preset", "custom"), ("scopes[]", "mailboxes:read")]);
    let program = desk.holder(&key.await.secret);
    let answer = program.ask(Method::GET, "/v1/mailboxes").with("content-type", "application/json").send().await;
    assert_eq!((answer.status, answer.json()["data"][0]["name"].as_str()), (200, Some("Orders")));
    assert_eq!(answer.header("x-ratelimit-limit"), "", "no limit is named");
    desk.visitor().get("/docs").await.says("curl -X GET \"http://localhost:8080/v1/mailboxes\"");
    desk.visitor().get("/docs").await.says("Authorization: Bearer $MAILPIPE_API_KEY");
}

/// “curl -X GET "https://api.mailpipe.dev/v1/mailboxes"”
#[tokio::test]
async fn the_full_curl_example_passes_the_gate() {
    let (desk, alice) = desk("mailpipe").await;
    let key = alice.grants("production-backend", &["mailboxes:read"]).await;
    let passed = desk.holder(&key.secret).through_gate("GET /v1/mailboxes").await;
    assert_eq!((passed.status, passed.header("x-keydesk-key-id")), (200, key.id.as_str()));
    assert_eq!(passed.header("x-keydesk-scopes"), "mailboxes:read");
}

/// “The same request using the official Node.js SDK: … new MailpipeClient({ apiKey: process.env.MAILPIPE_API_KEY, //
/// mp_live_... });”
#[tokio::test]
async fn the_node_sdk_is_shown() {
    let (desk, alice) = desk("mailpipe").await;
    for page in [desk.visitor().get("/docs").await, alice.get("/welcome").await] {
        page.says("import { MailpipeClient } from \"@mailpipe/sdk\";");
        page.says("new MailpipeClient({ apiKey: process.env.MAILPIPE_API_KEY })");
        page.says("mailpipe.mailboxes.list()");
    }
}

/// “import os from mailpipe import MailpipeClient client =
/// MailpipeClient(api_key=os.environ["MAILPIPE_API_KEY"])”
#[tokio::test]
async fn the_python_sdk_is_shown() {
    let (desk, alice) = desk("mailpipe").await;
    for page in [desk.visitor().get("/docs").await, alice.get("/welcome").await] {
        page.says("from mailpipe import MailpipeClient");
        page.says("MailpipeClient(api_key=os.environ[\"MAILPIPE_API_KEY\"])");
    }
}

/// “Requests made without a valid key will receive a 401 Unauthorized response.”
#[tokio::test]
async fn without_a_valid_key_the_answer_is_401() {
    let desk = TestApp::of_product("mailpipe").await;
    refused_with(&desk, LIST, &[]).await;
    for invalid in ["mp_live_your-api-key-here", &format!("mp_live_{}", "0".repeat(49)), "kd_live_x", "mp_x"] {
        refused_with(&desk, LIST, &[("authorization", &format!("Bearer {invalid}"))]).await;
    }
}

/// “Requests made with a key that lacks the required scope will receive 403 Forbidden.”
#[tokio::test]
async fn without_the_required_scope_the_answer_is_403() {
    let (desk, alice) = desk("mailpipe").await;
    let sender = desk.holder(&alice.makes("sender", &[("preset", "send")]).await.secret);
    for answer in [sender.get("/v1/mailboxes").await, sender.through_gate(LIST).await] {
        assert_eq!((answer.status, answer.required_scope().as_str()), (403, "mailboxes:read"));
    }
    let made = sender.post_json("/v1/mailboxes", &json!({ "name": "Orders" })).await;
    assert_eq!((made.status, made.required_scope().as_str()), (403, "mailboxes:write"));
}

/// “Assign only the scopes your application actually needs — following the principle of least privilege reduces the
/// impact of a compromised key.”
#[tokio::test]
async fn no_key_is_wider_than_the_scopes_it_was_assigned() {
    let (desk, alice) = desk("mailpipe").await;
    let wildcard = alice.fills_in("wide", &[("preset", "custom"), ("scopes[]", "*")]).await;
    assert_eq!(wildcard.status, 422);
    assert!(wildcard.field_error("scopes").is_some(), "{}", wildcard.text());
    let all = alice.makes("all", &[("preset", "full")]).await;
    let scopes = desk.holder(&all.secret).get("/v1/key").await.json()["scopes"].clone();
    assert_eq!(scopes.as_array().map(Vec::len), Some(11), "by name, and no *: {scopes}");
    alice.get("/settings/api-keys/new").await.says("Give it the least it needs");
}

/// “A key with no scopes can authenticate but cannot access any resources.”
#[tokio::test]
async fn a_key_with_no_scopes_authenticates_and_accesses_nothing() {
    let (desk, alice) = desk("mailpipe").await;
    let own = alice.inbox("Orders").await;
    let key = alice.grants("bare", &["mail:send"]).await;
    desk.database.run(&format!("update api_keys set scopes = '' where id = '{}'", key.id)).await;
    let program = desk.holder(&key.secret);
    assert_eq!(program.get("/v1/key").await.status, 200, "it authenticates");
    assert_eq!(program.may(&REQUESTS, &own).await, [""; 0]);
    assert_eq!(program.get("/v1/mailboxes").await.status, 403);
}

/// “You must grant at least one scope when creating a key.”
#[tokio::test]
async fn at_least_one_scope_must_be_granted() {
    let (desk, alice) = desk("mailpipe").await;
    let none = alice.fills_in("bare", &[("preset", "custom")]).await;
    assert_eq!(none.status, 422);
    assert!(none.field_error("scopes").is_some_and(|why| why.contains("at least one scope")));
    let maker = desk.holder(&alice.grants("maker", &["keys:write"]).await.secret);
    let none = maker.post_json("/v1/keys", &json!({ "name": "bare", "scopes": [] })).await;
    assert_eq!((none.status, none.json()["error"]["field"].as_str()), (422, Some("scopes")));
}

/// “Rotate API keys regularly to limit the window of exposure if a key is ever leaked.”
#[tokio::test]
async fn keys_are_rotated_in_the_dashboard_and_over_the_api() {
    let (desk, alice) = desk("mailpipe").await;
    let key = alice.grants("production-backend", &["mailboxes:read", "keys:write"]).await;
    let page = alice.get(&key_path(&key.id, "rotate")).await;
    for grace in ["0", "1h", "24h", "7d"] {
        assert!(page.html().contains(&format!("name=\"grace\" value=\"{grace}\"")), "{grace}");
    }
    assert_eq!(page.chosen("grace"), ["24h"]);
    alice.post(&key_path(&key.id, "rotate"), &[("grace", "0")]).await.redirects_to(&key_path(&key.id, ""));
    let new = alice.reveals(&key.id).await;
    assert!(!works(&desk, &key.secret, LIST).await && works(&desk, &new, LIST).await);
    let path = format!("/v1/keys/{}/rotate", key.id);
    let rotated = desk.holder(&new).post_json(&path, &json!({ "grace": "1h" })).await;
    assert_eq!(rotated.status, 200, "{}", rotated.text());
    let newest = rotated.json()["secret"].as_str().expect("a secret").to_owned();
    assert!(works(&desk, &new, LIST).await && works(&desk, &newest, LIST).await);
}

/// “The recommended rotation period is every 90 days for production keys.”
#[tokio::test]
async fn the_recommended_rotation_period_is_90_days() {
    let (desk, alice) = desk("mailpipe").await;
    desk.visitor().get("/docs").await.says("Rotate every 90 days.");
    let key = alice.makes("production-backend", &[("expires", "none"), ("preset", "read")]).await;
    alice.get(&key_path(&key.id, "")).await.says("due in 90 days");
    desk.pass(days(91));
    let alice = desk.signed_in(&alice.email).await;
    alice.get(&key_path(&key.id, "")).await.says("due since 19 Feb 2027");
}

/// “curl -X DELETE "https://api.mailpipe.dev/v1/keys/key_abc123" \ -H "Authorization: Bearer
/// mp_live_your-api-key-here"”
#[tokio::test]
async fn the_delete_example_deletes_a_key() {
    let (desk, alice) = desk("mailpipe").await;
    let old = alice.grants("old", &["mailboxes:read"]).await;
    let manager = desk.holder(&alice.grants("manager", &["keys:write"]).await.secret);
    let path = format!("/v1/keys/{}", old.id);
    assert_eq!(manager.through_gate(&format!("DELETE {path}")).await.status, 200);
    assert_eq!(manager.delete(&path).await.status, 204);
    assert!(!works(&desk, &old.secret, LIST).await);
}

/// “Revoking a key is immediate. Any in-flight requests using that key will fail with 401 Unauthorized once the revocation
/// propagates (typically within a few seconds).”
#[tokio::test]
async fn revoking_a_key_is_immediate() {
    let (desk, alice) = desk("mailpipe").await;
    let key = alice.grants("production-backend", &["mailboxes:read"]).await;
    assert!(works(&desk, &key.secret, LIST).await, "the gate knows it now");
    let mistyped = alice.post(&key_path(&key.id, "delete"), &[("name", "")]).await;
    assert_eq!(mistyped.status, 422, "by its name, or not at all");
    alice.deletes(&key, "production-backend").await;
    assert!(!works(&desk, &key.secret, LIST).await);
}

/// “Store keys in environment variables and load them at runtime.” “MAILPIPE_API_KEY=mp_live_your-api-key-here”
#[tokio::test]
async fn a_revealed_key_comes_with_its_line_for_the_environment() {
    let (_desk, alice) = desk("mailpipe").await;
    let id = alice.fills_in("worker", &[]).await.location().rsplit('/').next().expect("an id").to_owned();
    let opened = alice.post(&key_path(&id, "reveal"), &[]).await;
    opened.says(&format!("MAILPIPE_API_KEY={}", opened.secrets()[0]));
}

/// “API keys must only be used from server-side code. Never ship them in browser bundles, mobile apps, or any code that runs
/// on a device you do not control.”
#[tokio::test]
async fn keys_are_for_servers_only() {
    let (desk, alice) = desk("mailpipe").await;
    let key = alice.grants("production-backend", &["mailboxes:read"]).await;
    assert!(!is_open_to_browsers(&desk.holder(&key.secret), "/v1/mailboxes").await);
    desk.visitor().get("/docs").await.says("Keep keys on your servers.");
}

/// “Do not embed API keys directly in source code.”
#[tokio::test]
async fn no_example_embeds_a_key() {
    let (desk, alice) = desk("mailpipe").await;
    let key = alice.makes("worker", &[]).await;
    for path in ["/docs", "/welcome"] {
        let page = alice.get(path).await;
        page.says_nothing_of(&key.secret);
        page.says("MAILPIPE_API_KEY");
    }
    desk.visitor().get("/docs").await.says("Keep them out of your source.");
}

/// “Create separate keys per service, each with only the scopes it needs. A key used solely to send email should have
/// mail:send only.”
#[tokio::test]
async fn each_service_has_a_key_of_its_own() {
    let (desk, alice) = desk("mailpipe").await;
    let page = alice.get("/settings/api-keys/new").await;
    page.says("Send only mail:send");
    page.says("A service that does one thing needs one scope, such as mail:send, and nothing else.");
    let sender = alice.makes("sender", &[("preset", "send")]).await;
    let reader = alice.grants("reader", &["mailboxes:read"]).await;
    assert_eq!(desk.holder(&sender.secret).get("/v1/key").await.json()["scopes"], json!(["mail:send"]));
    alice.deletes(&sender, "sender").await;
    assert!(works(&desk, &reader.secret, LIST).await, "the other goes on");
}

/// “Review the usage dashboard regularly. Unexpected spikes in API calls can indicate a compromised key.”
#[tokio::test]
async fn usage_can_be_reviewed() {
    let (desk, alice) = desk("mailpipe").await;
    let key = alice.grants("production-backend", &["mailboxes:read"]).await;
    for _ in 0..3 {
        desk.holder(&key.secret).at("198.51.100.80").get("/v1/mailboxes").await;
    }
    desk.flush().await;
    let page = alice.get(&key_path(&key.id, "")).await;
    page.says("Requests 3");
    page.says("from 198.51.100.80");
}
