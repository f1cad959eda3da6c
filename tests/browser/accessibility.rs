//! Every page and state stands before the inspector.

use axum::http::Method;

use crate::browser::{Key, View};
use crate::caller::{add_inbox, call, get};
use crate::database;
use crate::desk::Desk;
use crate::inspector::Inspector;
use crate::person::PASSWORD;

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn the_doors_are_open_to_everybody() {
    let desk = Desk::start();
    let mut inspector = Inspector::open(&desk).await;
    inspector.visit("sign-in", "/sign-in").await;
    inspector.browser.sign_in("ana@halden.example", PASSWORD).await;
    inspector.look("sign-in-error").await;

    inspector.visit("sign-up", "/sign-up").await;
    inspector.browser.fill("account", &"Halden Freight ".repeat(6)).await;
    inspector.browser.fill("email", "ana at halden").await;
    inspector.browser.fill("password", "short").await;
    inspector.browser.press("Create account").await;
    inspector.look("sign-up-errors").await;
    inspector.visit("docs", "/docs").await;

    // One address may try five times in a row.
    inspector.browser.goto("/sign-in").await;
    while inspector.browser.status().await != 429 {
        inspector.browser.goto("/sign-in").await;
        inspector.browser.sign_in("ana@halden.example", PASSWORD).await;
    }
    inspector.look("error-429").await;
    inspector.done();
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn the_first_screen_is_open_to_everybody_at_each_step() {
    let desk = Desk::start();
    let mut inspector = Inspector::open(&desk).await;
    inspector.browser.sign_up("Harbour Labs", "jo.marsh@harbour.example").await;
    inspector.look("welcome-sealed").await;
    let secret = inspector.browser.reveal().await;
    inspector.look("welcome-revealed").await;
    assert_eq!(get(desk.origin(), &secret, "/v1/inboxes").await, 200);
    inspector.browser.see("First request received").await;
    inspector.look("welcome-arrived").await;
    inspector.visit("welcome-received", "/welcome").await;
    inspector.visit("docs-signed-in", "/docs").await;
    inspector.browser.look(View::PHONE).await;
    inspector.browser.click("On this page").await;
    inspector.look("docs-contents").await;
    inspector.done();
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn the_list_is_open_to_everybody_empty_and_full() {
    // A product that hands out no key at sign-up: the one way to a list that never held any.
    let desk = Desk::start_with(|command, home| {
        let definition = include_str!("../../products/default.toml");
        let definition = definition.replacen(
            "[sign_up_key]\nname = \"first-key\"\nenvironment = \"live\"\npreset = \"full\"\n",
            "",
            1,
        );
        assert!(!definition.contains("[sign_up_key]"));
        let file = home.join("product.toml");
        std::fs::write(&file, definition).expect("a product definition can be written");
        command.env("KEYDESK_PRODUCT", file);
    });
    let mut inspector = Inspector::open(&desk).await;
    inspector.browser.sign_up("Halden Freight", "ana.reyes@halden.example").await;
    inspector.look("welcome-without-key").await;
    inspector.visit("keys-empty", "/settings/api-keys").await;
    inspector.visit("inboxes-empty", "/settings/inboxes").await;
    inspector.visit("create-restricted-without-inboxes", "/settings/api-keys/new?type=restricted").await;

    inspector.browser.create_key("production-backend", "full").await;
    let secret = inspector.browser.reveal().await;
    for (name, preset) in [
        ("billing-worker", "send"),
        ("A name of fifty characters, which is the most it has", "read"),
        ("東京倉庫のバックエンドサーバー", "send"),
        ("مفتاح خدمة الفوترة", "send"),
        ("WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW", "full"),
    ] {
        inspector.browser.create_key(&name.chars().take(50).collect::<String>(), preset).await;
    }
    let widest = inspector.browser.path().await;
    inspector.look("created-long-name").await;
    let orders = add_inbox(desk.origin(), &secret, "Orders").await;
    add_inbox(desk.origin(), &secret, "A name of fifty characters, which is the most it h").await;
    add_inbox(desk.origin(), &secret, "受信トレイ").await;
    inspector.browser.create_restricted_key("orders-webhook", &orders, &["mail:read", "mail:send"]).await;
    for _ in 0..3 {
        assert_eq!(get(desk.origin(), &secret, "/v1/inboxes").await, 200);
    }

    inspector.visit("keys-list", "/settings/api-keys").await;
    inspector.visit("delete-long-name", &format!("{widest}/delete")).await;
    inspector.browser.goto(&widest).await;
    inspector.browser.reveal().await;
    inspector.visit("detail-long-name", &widest).await;
    inspector.browser.goto("/settings/api-keys").await;
    inspector.browser.tab_to(".row-menu > summary").await;
    inspector.browser.strike(Key::Enter).await;
    inspector.browser.see("View details").await;
    inspector.look("keys-list-menu").await;
    inspector.visit("keys-no-match", "/settings/api-keys?q=payrol").await;
    inspector.visit("inboxes", "/settings/inboxes").await;
    inspector.visit("inbox-delete", &format!("/settings/inboxes/{orders}/delete")).await;
    inspector.browser.press("Delete inbox and 1 key").await;
    inspector.look("inbox-delete-error").await;
    inspector.browser.fill("name", "Orders").await;
    inspector.browser.press("Delete inbox and 1 key").await;
    inspector.look("inboxes-flash").await;
    inspector.done();
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn the_forms_are_open_to_everybody_with_and_without_mistakes() {
    let desk = Desk::start();
    let mut inspector = Inspector::open(&desk).await;
    inspector.browser.sign_up("Halden Freight", "ana.reyes@halden.example").await;
    let secret = inspector.browser.reveal().await;
    let orders = add_inbox(desk.origin(), &secret, "Orders").await;

    inspector.visit("create-standard", "/settings/api-keys/new?type=standard").await;
    inspector.browser.choose("preset", "custom").await;
    inspector.browser.click("Choose another date").await;
    inspector.browser.click("Allow only some IP addresses").await;
    inspector.look("create-standard-custom").await;
    inspector.browser.fill("expires_on", "2020-01-31").await;
    inspector.browser.fill("allowed_ips", "203.0.113.0/24\nhome").await;
    inspector.browser.press("Create key").await;
    inspector.look("create-standard-errors").await;
    inspector.visit("create-restricted", &format!("/settings/api-keys/new?type=restricted&inbox={orders}")).await;
    inspector.browser.goto("/settings/api-keys/new?type=restricted").await;
    inspector.browser.press("Create key").await;
    inspector.look("create-restricted-errors").await;

    inspector.browser.goto("/settings/api-keys/new?type=standard").await;
    inspector.browser.fill("name", "billing-worker").await;
    inspector.browser.forge("form_id", "made.up.0").await;
    inspector.browser.press("Create key").await;
    inspector.browser.see("This page was open too long to submit safely.").await;
    assert_eq!(inspector.browser.value("name").await, "billing-worker");
    inspector.look("create-standard-expired").await;
    inspector.browser.press("Create key").await;
    assert_eq!(inspector.browser.heading().await, "Key created");

    inspector.visit("inbox-new", "/settings/inboxes/new").await;
    inspector.browser.press("Add inbox").await;
    inspector.look("inbox-new-error").await;
    inspector.done();
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn a_keys_own_pages_are_open_to_everybody_from_seal_to_deletion() {
    let desk = Desk::start();
    let mut inspector = Inspector::open(&desk).await;
    inspector.browser.sign_up("Halden Freight", "ana.reyes@halden.example").await;
    inspector.browser.create_key("billing-worker", "send").await;
    let sealed = inspector.browser.path().await;
    inspector.look("created-sealed").await;
    let secret = inspector.browser.reveal().await;
    inspector.look("created-revealed").await;
    inspector.browser.reload().await;
    assert_eq!(inspector.browser.status().await, 410);
    inspector.look("created-already-revealed").await;

    assert_eq!(get(desk.origin(), &secret, "/v1/key").await, 200);
    assert_eq!(get(desk.origin(), &secret, "/v1/inboxes").await, 403);
    inspector.browser.goto(&sealed).await;
    inspector.browser.reload_until("last used").await;
    inspector.look("key-detail").await;
    inspector.browser.click("Show as a table").await;
    inspector.look("key-detail-table").await;

    inspector.visit("rotate", &format!("{sealed}/rotate")).await;
    inspector.browser.press("Rotate key").await;
    inspector.look("rotate-sealed").await;
    inspector.browser.reveal().await;
    inspector.visit("rotate-done", &sealed).await;

    inspector.visit("delete", &format!("{sealed}/delete")).await;
    inspector.browser.fill("name", "billing worker").await;
    inspector.browser.press("Delete key").await;
    inspector.look("delete-error").await;
    inspector.browser.fill("name", "billing-worker").await;
    inspector.browser.press("Delete key").await;
    inspector.look("keys-list-flash").await;
    inspector.visit("key-deleted", &sealed).await;
    inspector.visit("audit-log", "/settings/audit-log").await;
    inspector.visit("audit-log-filtered", "/settings/audit-log?action=key.deleted&from=2020-01-01").await;
    inspector.visit("audit-log-no-match", "/settings/audit-log?q=nowhere").await;
    inspector.visit("audit-log-of-one-key", &sealed.replace("api-keys/", "audit-log?target=")).await;
    inspector.done();
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn the_team_and_what_a_member_is_refused_are_open_to_everybody() {
    let desk = Desk::start();
    let mut inspector = Inspector::open(&desk).await;
    inspector.browser.sign_up("Halden Freight", "mei.okafor@halden.example").await;
    let (_, key) = call(desk.origin(), &inspector.browser.reveal().await, Method::GET, "/v1/key", None).await;
    inspector.visit("team", "/settings/team").await;
    inspector.browser.look(View::PHONE).await;
    inspector.browser.click("Menu").await;
    inspector.browser.see("Sign out").await;
    inspector.look("menu-open").await;
    inspector.visit("error-404", "/settings/api-keys/key_gone").await;
    inspector.visit("error-404-page", "/settings/nowhere").await;
    inspector
        .visit("error-405", &format!("/settings/api-keys/{}/reveal", key["id"].as_str().unwrap_or_default()))
        .await;

    // The last administrator stays one: the role is changed where it stands.
    database::change(&desk, "update users set role = 'member'").await;
    inspector.visit("error-403", "/settings/api-keys/new").await;
    inspector.visit("inboxes-of-a-member", "/settings/inboxes").await;
    inspector.done();
}
