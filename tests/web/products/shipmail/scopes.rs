//! Shipmail's scopes: its reference row by row, and the wildcard.

use serde_json::json;

use super::REQUESTS;
use crate::products::{a_scope_opens, desk, reads};

async fn opens(scope: &str, kind: &str, expected: &[&str]) {
    a_scope_opens("shipmail", &REQUESTS, (scope, kind), expected).await;
}

/// “Each API key has scopes that control which endpoints it can call. For example, listing domains requires the domains:read
/// scope.”
#[tokio::test]
async fn listing_domains_requires_domains_read() {
    let (desk, alice) = desk("shipmail").await;
    let sender = desk.holder(&alice.grants("sender", &["messages:write"]).await.secret);
    for answer in [sender.get("/api/v1/domains").await, sender.through_gate("GET /api/v1/domains").await] {
        assert_eq!((answer.status, answer.required_scope().as_str()), (403, "domains:read"));
    }
    let made = sender.post_json("/api/v1/domains", &json!({ "name": "example.com" })).await;
    assert_eq!((made.status, made.required_scope().as_str()), (403, "domains:write"));
    reads(&alice, "domain", "domains").await;
}

/// “A key with * (wildcard) has access to all endpoints.”
#[tokio::test]
async fn the_wildcard_has_access_to_all_endpoints() {
    let (desk, alice) = desk("shipmail").await;
    let own = alice.inbox("example.com").await;
    let program = desk.holder(&alice.makes("everything", &[("preset", "full")]).await.secret);
    assert_eq!(program.get("/api/v1/key").await.json()["scopes"], json!(["*"]));
    assert_eq!(program.may(&REQUESTS, &own).await, REQUESTS);
    assert_eq!(program.get("/api/v1/domains").await.status, 200);
}

/// “Every API key is assigned one or more scopes that determine which endpoints it can access.”
#[tokio::test]
async fn every_key_is_assigned_one_or_more_scopes() {
    let (_desk, alice) = desk("shipmail").await;
    let none = alice.fills_in("bare", &[("preset", "custom")]).await;
    assert_eq!(none.status, 422);
    assert!(none.field_error("scopes").is_some_and(|why| why.contains("at least one scope")));
}

/// “domains:read | List domains, get domain, verify domain”
#[tokio::test]
async fn domains_read() {
    let reads = ["GET /api/v1/domains", "GET /api/v1/domains/{own}", "POST /api/v1/domains/{own}/verify"];
    opens("domains:read", "Read", &reads).await;
}

/// “domains:write | Create, update, delete domains”
#[tokio::test]
async fn domains_write() {
    let writes = ["POST /api/v1/domains", "PATCH /api/v1/domains/{own}", "DELETE /api/v1/domains/{own}"];
    opens("domains:write", "Write", &writes).await;
}

/// “mailboxes:read | List mailboxes, get mailbox”
#[tokio::test]
async fn mailboxes_read() {
    opens("mailboxes:read", "Read", &["GET /api/v1/mailboxes", "GET /api/v1/mailboxes/m_1"]).await;
}

/// “mailboxes:write | Create, update, delete mailboxes”
#[tokio::test]
async fn mailboxes_write() {
    let writes = ["POST /api/v1/mailboxes", "PATCH /api/v1/mailboxes/m_1", "DELETE /api/v1/mailboxes/m_1"];
    opens("mailboxes:write", "Write", &writes).await;
}

/// “messages:read | Get messages”
#[tokio::test]
async fn messages_read() {
    opens("messages:read", "Read", &["GET /api/v1/messages", "GET /api/v1/messages/m_1"]).await;
}

/// “messages:write | Send messages”
#[tokio::test]
async fn messages_write() {
    opens("messages:write", "Write", &["POST /api/v1/messages"]).await;
}

/// “threads:read | List threads, get thread messages”
#[tokio::test]
async fn threads_read() {
    opens("threads:read", "Read", &["GET /api/v1/threads", "GET /api/v1/threads/t_1/messages"]).await;
}

/// “suppressions:read | List suppressed recipient addresses”
#[tokio::test]
async fn suppressions_read() {
    opens("suppressions:read", "Read", &["GET /api/v1/suppressions"]).await;
}

/// “suppressions:write | Remove addresses from the suppression list”
#[tokio::test]
async fn suppressions_write() {
    opens("suppressions:write", "Write", &["DELETE /api/v1/suppressions/ana@example.com"]).await;
}

/// “webhooks:read | List webhooks, get webhook, list deliveries”
#[tokio::test]
async fn webhooks_read() {
    let reads = ["GET /api/v1/webhooks", "GET /api/v1/webhooks/w_1", "GET /api/v1/webhooks/w_1/deliveries"];
    opens("webhooks:read", "Read", &reads).await;
}

/// “webhooks:write | Create, update, delete webhooks, rotate secret, test webhook”
#[tokio::test]
async fn webhooks_write() {
    let writes = [
        "POST /api/v1/webhooks",
        "PATCH /api/v1/webhooks/w_1",
        "DELETE /api/v1/webhooks/w_1",
        "POST /api/v1/webhooks/w_1/rotate-secret",
        "POST /api/v1/webhooks/w_1/test",
    ];
    opens("webhooks:write", "Write", &writes).await;
}

/// “For example, a background job that only sends email should have messages:write, not the wildcard.”
#[tokio::test]
async fn a_background_job_gets_messages_write_and_not_the_wildcard() {
    let (desk, alice) = desk("shipmail").await;
    let page = alice.get("/settings/api-keys/new").await;
    page.says("Send only messages:write");
    page.says("A service that does one thing needs one scope, such as messages:write, and nothing else.");
    let job = alice.makes("job", &[("preset", "send")]).await;
    assert_eq!(desk.holder(&job.secret).get("/api/v1/key").await.json()["scopes"], json!(["messages:write"]));
    desk.visitor().get("/docs").await.says("Which scopes should I pick?");
}

/// “If the key leaks, the damage is limited to what the scopes allow.”
#[tokio::test]
async fn the_damage_of_a_leak_is_limited_to_the_scopes() {
    let (desk, alice) = desk("shipmail").await;
    let own = alice.inbox("example.com").await;
    let thief = desk.holder(&alice.makes("job", &[("preset", "send")]).await.secret).at("192.0.2.66");
    assert_eq!(thief.may(&REQUESTS, &own).await, ["POST /api/v1/messages"]);
    for path in ["/api/v1/domains", "/api/v1/keys", "/api/v1/usage", "/api/v1/audit-events"] {
        assert_eq!(thief.get(path).await.status, 403, "{path}");
    }
}
