//! Usage and least privilege as people walk them: from the account's page to a key's, to the scopes that nobody uses, to
//! a narrower key; and the pages on the way before the inspector.

use crate::caller::get;
use crate::desk::Desk;
use crate::flows::walk;
use crate::inspector::Inspector;

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn a_key_loses_the_scopes_that_nobody_uses() {
    walk(async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        let secret = ana.reveal().await;
        assert_eq!(get(ana.origin(), &secret, "/v1/inboxes").await, 200);
        assert_eq!(get(ana.origin(), &secret, "/v1/keys").await, 200);
        ana.goto("/settings/usage?period=24h").await;
        ana.reload_until("first-key").await;
        ana.follow("7 days").await;
        ana.find(".periods [aria-current]").await;
        ana.click("Show as a table").await;
        ana.see("Refused").await;
        ana.goto("/settings/api-keys").await;
        ana.follow("first-key").await;
        ana.reload_until("Unused scopes").await;
        ana.follow("Draft narrower scopes").await;
        ana.see("Nothing is changed yet.").await;
        ana.press("Save scopes").await;
        ana.see("first-key has other scopes now: removed full access, added inboxes:read and keys:read.").await;
        assert_eq!(get(ana.origin(), &secret, "/v1/inboxes").await, 200);
        assert_eq!(get(ana.origin(), &secret, "/v1/audit-events").await, 200, "it reads keys and their record still");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn the_pages_of_usage_and_scopes_are_open_to_everybody() {
    let desk = Desk::start();
    let mut inspector = Inspector::open(&desk).await;
    inspector.browser.sign_up("Halden Freight", "ana.reyes@halden.example").await;
    inspector.visit("usage-empty", "/settings/usage").await;
    inspector.browser.create_key("billing-worker", "read").await;
    let key = inspector.browser.path().await;
    let secret = inspector.browser.reveal().await;
    assert_eq!(get(desk.origin(), &secret, "/v1/inboxes").await, 200);
    for _ in 0..3 {
        assert_eq!(get(desk.origin(), &secret, "/gate/authorize?scope=mail:write").await, 403);
    }
    inspector.browser.goto(&key).await;
    inspector.browser.reload_until("Unused scopes").await;
    inspector.browser.reload_until("Scope not granted").await;
    inspector.look("key-detail-unused").await;
    inspector.visit("usage", "/settings/usage").await;
    inspector.visit("usage-hours", "/settings/usage?period=24h").await;
    inspector.browser.click("Show as a table").await;
    inspector.look("usage-table").await;
    inspector.visit("usage-quarter", "/settings/usage?period=90d").await;
    inspector.visit("scopes", &format!("{key}/scopes")).await;
    inspector.visit("scopes-draft", &format!("{key}/scopes?draft=unused")).await;
    inspector.visit("scopes-none", &format!("{key}/scopes?preset=custom")).await;
    inspector.browser.press("Save scopes").await;
    inspector.look("scopes-error").await;
    inspector.visit("keys-list-full-access", "/settings/api-keys?status=full-access").await;
    inspector.done();
}
