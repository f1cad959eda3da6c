//! MimeProtect's scopes, row by row.

use serde_json::json;

use super::REQUESTS;
use crate::products::{a_scope_opens, desk, reads};

async fn opens(scope: &str, kind: &str, expected: &[&str]) {
    a_scope_opens("mimeprotect", &REQUESTS, (scope, kind), expected).await;
}

/// “When creating an API key, you can select specific scopes to limit what the key can access.”
#[tokio::test]
async fn a_key_holds_the_scopes_that_were_selected() {
    let (desk, alice) = desk("mimeprotect").await;
    let program = desk.holder(&alice.grants("siem", &["alerts:read", "domains:read"]).await.secret);
    assert_eq!(program.get("/v1/key").await.json()["scopes"], json!(["domains:read", "alerts:read"]));
    assert_eq!(program.get("/v1/domains").await.status, 200);
    reads(&alice, "domain", "domains").await;
    let made = program.post_json("/v1/domains", &json!({ "name": "example.com" })).await;
    assert_eq!((made.status, made.required_scope().as_str()), (403, "domains:write"));
}

/// “Follow the principle of least privilege - only grant the permissions your integration needs.”
#[tokio::test]
async fn no_key_is_granted_everything_to_come() {
    let (desk, alice) = desk("mimeprotect").await;
    alice.get("/settings/api-keys/new").await.says("Give it the least it needs");
    let wildcard = alice.fills_in("wide", &[("preset", "custom"), ("scopes[]", "*")]).await;
    assert_eq!(wildcard.status, 422);
    let all = desk.holder(&alice.makes("all", &[("preset", "full")]).await.secret);
    assert_eq!(all.get("/v1/key").await.json()["scopes"].as_array().map(Vec::len), Some(6), "by name, and no *");
    desk.visitor().get("/docs").await.says_nothing_of("* is full access");
}

/// “domains:read | Read | View domain list, domain details, and DNS configuration status”
#[tokio::test]
async fn domains_read() {
    let reads = ["GET /v1/domains", "GET /v1/domains/{own}", "GET /v1/domains/{own}/dns"];
    opens("domains:read", "Read", &reads).await;
}

/// “domains:write | Write | Add new domains, update domain settings, and delete domains”
#[tokio::test]
async fn domains_write() {
    let writes = ["POST /v1/domains", "PATCH /v1/domains/{own}", "DELETE /v1/domains/{own}"];
    opens("domains:write", "Write", &writes).await;
}

/// “reports:read | Read | View DMARC aggregate reports, TLS-RPT reports, and report analytics”
#[tokio::test]
async fn reports_read() {
    let reads = ["GET /v1/reports/dmarc", "GET /v1/reports/tls-rpt", "GET /v1/reports/analytics"];
    opens("reports:read", "Read", &reads).await;
}

/// “alerts:read | Read | View security alerts and alert history”
#[tokio::test]
async fn alerts_read() {
    opens("alerts:read", "Read", &["GET /v1/alerts", "GET /v1/alerts/history"]).await;
}

/// “alerts:write | Write | Acknowledge, dismiss, or update alert status”
#[tokio::test]
async fn alerts_write() {
    opens("alerts:write", "Write", &["PATCH /v1/alerts/a_1"]).await;
}

/// “scans:trigger | Action | Initiate on-demand domain scans for DNS configuration checks”
#[tokio::test]
async fn scans_trigger() {
    opens("scans:trigger", "Action", &["POST /v1/domains/{own}/scans"]).await;
}

/// “Create separate keys for different services with their own minimal scope sets.”
#[tokio::test]
async fn different_services_have_different_scopes() {
    let (desk, alice) = desk("mimeprotect").await;
    let own = alice.inbox("example.com").await;
    let reports = desk.holder(&alice.grants("reports", &["reports:read"]).await.secret);
    let pager = desk.holder(&alice.grants("pager", &["alerts:write"]).await.secret);
    assert_eq!(reports.may(&REQUESTS, &own).await.len(), 3);
    assert_eq!(pager.may(&REQUESTS, &own).await, ["PATCH /v1/alerts/a_1"]);
}
