//! Mailpipe's table of scopes, row by row: what each opens, and that it opens nothing else.

use super::REQUESTS;
use crate::products::a_scope_opens;

async fn opens(scope: &str, kind: &str, expected: &[&str]) {
    a_scope_opens("mailpipe", &REQUESTS, (scope, kind), expected).await;
}

/// “mail:send | Send outbound email messages”
#[tokio::test]
async fn mail_send_sends() {
    opens("mail:send", "Action", &["POST /v1/messages"]).await;
}

/// “mail:read | Read messages, threads, and attachments”
#[tokio::test]
async fn mail_read_reads_messages_threads_and_attachments() {
    let reads = [
        "GET /v1/messages",
        "GET /v1/messages/m_1",
        "GET /v1/messages/m_1/attachments/a_1",
        "GET /v1/threads",
        "GET /v1/threads/t_1",
    ];
    opens("mail:read", "Read", &reads).await;
}

/// “mail:write | Modify messages (mark read, star, move, delete)”
#[tokio::test]
async fn mail_write_modifies_messages() {
    opens("mail:write", "Write", &["PATCH /v1/messages/m_1", "DELETE /v1/messages/m_1"]).await;
}

/// “domains:read | List domains and inspect DNS record status”
#[tokio::test]
async fn domains_read_lists_domains() {
    opens("domains:read", "Read", &["GET /v1/domains", "GET /v1/domains/d_1"]).await;
}

/// “domains:write | Add, verify, and remove domains”
#[tokio::test]
async fn domains_write_adds_verifies_and_removes_domains() {
    let writes = ["POST /v1/domains", "POST /v1/domains/d_1/verify", "DELETE /v1/domains/d_1"];
    opens("domains:write", "Write", &writes).await;
}

/// “mailboxes:read | List mailboxes and view their configuration”
#[tokio::test]
async fn mailboxes_read_lists_and_views_mailboxes() {
    opens("mailboxes:read", "Read", &["GET /v1/mailboxes", "GET /v1/mailboxes/{own}"]).await;
}

/// “mailboxes:write | Create, update, and delete mailboxes”
#[tokio::test]
async fn mailboxes_write_creates_updates_and_deletes_mailboxes() {
    let writes = ["POST /v1/mailboxes", "PATCH /v1/mailboxes/{own}", "DELETE /v1/mailboxes/{own}"];
    opens("mailboxes:write", "Write", &writes).await;
}

/// “webhooks:read | List configured webhook endpoints”
#[tokio::test]
async fn webhooks_read_lists_webhooks() {
    opens("webhooks:read", "Read", &["GET /v1/webhooks"]).await;
}

/// “webhooks:write | Create and delete webhook endpoints”
#[tokio::test]
async fn webhooks_write_creates_and_deletes_webhooks() {
    opens("webhooks:write", "Write", &["POST /v1/webhooks", "DELETE /v1/webhooks/w_1"]).await;
}

/// “curl -X DELETE "https://api.mailpipe.dev/v1/keys/key_abc123"”: somebody must hold that right.
#[tokio::test]
async fn the_scopes_of_keys_open_keys() {
    opens("keys:read", "Read", &["GET /v1/keys", "GET /v1/keys/key_1"]).await;
    let writes = ["POST /v1/keys", "POST /v1/keys/key_1/rotate", "DELETE /v1/keys/key_1"];
    opens("keys:write", "Write", &writes).await;
}
