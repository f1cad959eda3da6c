//! Mailosaur's two types of keys: how each is created, and how far it reaches.

use serde_json::json;

use crate::products::{KEYS, desk, works};
use crate::support::{Actor, Key, TestApp};

/// What a key does with the inboxes themselves, and with one of them.
const INBOXES: [&str; 4] =
    ["GET /api/servers", "POST /api/servers", "GET /api/servers/{own}", "DELETE /api/servers/{own}"];

/// Email and SMS functions.
const MAIL: [&str; 8] = [
    "GET /api/servers/{own}/messages",
    "GET /api/servers/{own}/messages/m_1",
    "POST /api/servers/{own}/messages",
    "DELETE /api/servers/{own}/messages",
    "DELETE /api/servers/{own}/messages/m_1",
    "GET /api/servers/{own}/sms",
    "GET /api/servers/{own}/sms/s_1",
    "DELETE /api/servers/{own}/sms/s_1",
];

fn everything() -> Vec<&'static str> {
    INBOXES.into_iter().chain(MAIL).collect()
}

async fn restricted(alice: &Actor, inbox: &str) -> Key {
    alice.makes("integration", &[("type", "restricted"), ("inbox", inbox)]).await
}

/// “Mailosaur supports two types of API keys:”
#[tokio::test]
async fn there_are_two_types_of_keys() {
    let (desk, alice) = desk("mailosaur").await;
    let other = alice.fills_in("ci", &[("type", "personal")]).await;
    assert_eq!(other.status, 422);
    let session = desk.token_of(&alice).await.secret.expect("a token");
    assert!(!works(&desk, &session, "GET /api/servers").await, "a session token is neither");
    let docs = desk.visitor().get("/docs").await;
    docs.says("Standard Every inbox of your account");
    docs.says("Server-restricted One inbox");
}

/// “Standard | Account-wide | Full access to all inboxes and API operations, including creating and deleting inboxes”
#[tokio::test]
async fn a_standard_key_creates_and_deletes_inboxes() {
    let (desk, alice) = desk("mailosaur").await;
    let program = desk.holder(&alice.makes("ci", &[]).await.secret);
    assert_eq!(program.get("/v1/key").await.json()["scopes"], json!(["*"]));
    let made = program.post_json("/api/servers", &json!({ "name": "Orders" })).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let path = format!("/api/servers/{}", made.json()["id"].as_str().expect("an id"));
    assert_eq!(program.get(&path).await.status, 200);
    assert_eq!(program.delete(&path).await.status, 204);
}

/// “A standard API key grants access to all inboxes in your account and supports all API operations.”
#[tokio::test]
async fn a_standard_key_supports_all_operations_on_all_inboxes() {
    let (desk, alice) = desk("mailosaur").await;
    let (orders, invoices) = (alice.inbox("Orders").await, alice.inbox("Invoices").await);
    let program = desk.holder(&alice.makes("ci", &[]).await.secret);
    for inbox in [orders, invoices] {
        assert_eq!(program.may(&everything(), &inbox).await, everything());
    }
    assert_eq!(program.get("/api/servers").await.header("x-ratelimit-limit"), "", "no limit is named");
    let docs = desk.visitor().get("/docs").await;
    for request in everything() {
        docs.says(&request.replace("{own}", "{inbox}").replace("m_1", "{id}").replace("s_1", "{id}"));
    }
}

/// “Use standard keys when you need broad access across your account — for example, in a CI/CD pipeline that manages multiple
/// inboxes.”
#[tokio::test]
async fn a_pipeline_manages_many_inboxes_with_one_key() {
    let (desk, alice) = desk("mailosaur").await;
    let pipeline = desk.holder(&alice.makes("ci", &[]).await.secret);
    for name in ["build-1", "build-2", "build-3"] {
        assert_eq!(pipeline.post_json("/api/servers", &json!({ "name": name })).await.status, 201);
    }
    let servers = pipeline.walks("/api/servers?limit=2").await;
    assert_eq!(servers.len(), 3);
    for server in servers {
        let id = server["id"].as_str().expect("an id");
        assert_eq!(pipeline.may(&MAIL, id).await, MAIL);
        assert_eq!(pipeline.delete(&format!("/api/servers/{id}")).await.status, 204);
    }
}

/// “Server-restricted | Single inbox | Access limited to one specific inbox; cannot create or delete inboxes”
#[tokio::test]
async fn a_restricted_key_cannot_create_or_delete_inboxes() {
    let (desk, alice) = desk("mailosaur").await;
    let own = alice.inbox("Orders").await;
    let program = desk.holder(&restricted(&alice, &own).await.secret);
    let created = program.post_json("/api/servers", &json!({ "name": "Mine" })).await;
    let deleted = program.delete(&format!("/api/servers/{own}")).await;
    for refused in [created, deleted] {
        assert_eq!((refused.status, refused.required_scope().as_str()), (403, "servers:write"));
    }
    assert_eq!(desk.holdings().await[4], 1);
}

/// “A server-restricted API key is scoped to a single inbox.”
#[tokio::test]
async fn a_restricted_key_knows_a_single_inbox() {
    let (desk, alice) = desk("mailosaur").await;
    let (own, other) = (alice.inbox("Orders").await, alice.inbox("Invoices").await);
    let program = desk.holder(&restricted(&alice, &own).await.secret);
    let listed = program.walks("/api/servers?limit=10").await;
    assert_eq!(listed.iter().map(|server| &server["id"]).collect::<Vec<_>>(), [&json!(own)]);
    assert_eq!(program.get(&format!("/api/servers/{own}")).await.status, 200);
    assert_eq!(program.get(&format!("/api/servers/{other}")).await.status, 404);
    for request in everything().iter().filter(|request| request.contains("{own}")) {
        let asked = program.through_gate(&request.replace("{own}", &other)).await;
        assert_eq!(asked.status, 404, "{request}");
    }
}

/// “It can only be used to perform email and SMS functions and cannot create or delete inboxes.”
#[tokio::test]
async fn a_restricted_key_performs_email_and_sms_functions_only() {
    let (desk, alice) = desk("mailosaur").await;
    let own = alice.inbox("Orders").await;
    let program = desk.holder(&restricted(&alice, &own).await.secret);
    let seen = ["GET /api/servers", "GET /api/servers/{own}"];
    assert_eq!(program.may(&everything(), &own).await, seen.into_iter().chain(MAIL).collect::<Vec<_>>());
    assert_eq!(program.get("/v1/keys").await.status, 403);
    let docs = desk.visitor().get("/docs").await;
    docs.says("It can’t create or delete inboxes, see any other, or manage keys.");
}

/// “Use server-restricted keys when you want to limit access — for example, giving a specific integration access to only one
/// inbox.”
#[tokio::test]
async fn an_integration_never_sees_what_comes_later() {
    let (desk, alice) = desk("mailosaur").await;
    let own = alice.inbox("Orders").await;
    let program = desk.holder(&restricted(&alice, &own).await.secret);
    let later = alice.inbox("Payroll").await;
    assert_eq!(program.may(&MAIL, &own).await, MAIL);
    assert_eq!(program.through_gate(&MAIL[0].replace("{own}", &later)).await.status, 404);
    assert_eq!(program.walks("/api/servers?limit=10").await.len(), 1);
}

/// “The term "server-restricted" reflects this API-level naming.”
#[tokio::test]
async fn people_read_server_restricted_and_inbox() {
    let (_desk, alice) = desk("mailosaur").await;
    let inbox = alice.inbox("Orders").await;
    let key = restricted(&alice, &inbox).await;
    alice.get(&crate::support::key_path(&key.id, "")).await.says("Server-restricted to Orders");
    let list = alice.get(KEYS).await;
    list.says("Type and inbox");
    list.says("Server-restricted");
    let inboxes = alice.get("/settings/inboxes").await;
    inboxes.has_heading("Inboxes");
    inboxes.says("Inboxes");
}

/// “Navigate to the API Keys section in the dashboard. Click Create standard key. Enter a name for the key. Click Create.”
#[tokio::test]
async fn a_standard_key_takes_a_name_and_nothing_else() {
    let (_desk, alice) = desk("mailosaur").await;
    alice.makes("first", &[]).await;
    let list = alice.get(KEYS).await;
    assert_eq!(list.link("Create standard key").as_deref(), Some("/settings/api-keys/new?type=standard"));
    let page = alice.get("/settings/api-keys/new?type=standard").await;
    page.has_heading("Create a standard key");
    for field in ["name=\"scopes", "name=\"preset\"", "name=\"environment\"", "name=\"expires", "name=\"inbox\""] {
        assert!(!page.html().contains(field), "{field}");
    }
    page.says("Name");
    page.says("Create key");
}

/// “Click Create server-restricted key. Enter a name for the key. Select the inbox from the dropdown. Click Create.”
#[tokio::test]
async fn a_restricted_key_takes_a_name_and_an_inbox() {
    let desk = TestApp::of_product("mailosaur").await;
    let alice = desk.alice().await;
    let inbox = alice.inbox("Orders").await;
    alice.makes("first", &[]).await;
    let list = alice.get(KEYS).await;
    assert_eq!(list.link("Create server-restricted key").as_deref(), Some("/settings/api-keys/new?type=restricted"));
    let page = alice.get("/settings/api-keys/new?type=restricted").await;
    page.has_heading("Create a server-restricted key");
    assert!(page.html().contains(&format!("<option value=\"{inbox}\"")), "the dropdown");
    for field in ["name=\"scopes", "name=\"environment\"", "name=\"expires"] {
        assert!(!page.html().contains(field), "{field}");
    }
    let none = alice.fills_in("integration", &[("type", "restricted")]).await;
    assert_eq!(
        (none.status, none.field_error("inbox").as_deref()),
        (422, Some("Choose the inbox this key works with."))
    );
    let key = restricted(&alice, &inbox).await;
    assert_eq!(desk.holder(&key.secret).get("/api/key").await.json()["inbox"], json!(inbox));
}
