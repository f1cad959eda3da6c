//! Every page of the product, on the data of `keydesk demo` where it has any: judged by the inspector, or photographed
//! for people to judge, light and dark, at the widths of a desk, a tablet and a phone.
//!
//! `scripts/screenshots` photographs, and says into which folder by `KEYDESK_SCREENSHOTS`; `scripts/test` judges.

use std::process::Command;

use axum::http::Method;
use serde_json::json;

use crate::browser::{Key, View};
use crate::caller::{add_inbox, call, get};
use crate::demo;
use crate::desk::Desk;
use crate::inspector::Inspector;
use crate::person::PASSWORD;
use crate::recovery::mailed_link;
use crate::two_factor::Phone;

const KEYS: &str = "/settings/api-keys";

/// At the demo, signed in as the person with that role.
async fn of_demo(desk: &Desk, role: &str) -> Inspector {
    let visitor = Inspector::with_camera(desk).await;
    let (email, password) = demo::person(desk, role);
    visitor.browser.goto("/sign-in").await;
    visitor.browser.sign_in(&email, &password).await;
    visitor
}

impl Inspector {
    /// Presses a button and looks at where it leads.
    async fn press(&mut self, page: &str, label: &str) {
        self.browser.press(label).await;
        self.look(page).await;
    }

    /// The path of the key of that name, found as a person finds it.
    async fn key(&self, name: &str) -> String {
        self.browser.goto(&format!("{KEYS}?q={name}")).await;
        self.browser.follow(name).await;
        self.browser.path().await
    }
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn what_a_visitor_sees() {
    let desk = Desk::start();
    let mut visitor = Inspector::with_camera(&desk).await;
    for (page, path) in [
        ("sign-in", "/sign-in"),
        ("sign-in-password-changed", "/sign-in?password=changed"),
        ("sign-up", "/sign-up"),
        ("forgot-password", "/forgot-password"),
        ("forgot-password-asked", "/forgot-password?asked=yes"),
        ("reset-password-over", "/reset-password?token=none"),
        ("invitation-over", "/invitation?token=none"),
        ("report-leaked-key", "/report-leaked-key"),
        ("report-leaked-key-thanks", "/report-leaked-key?reported=yes"),
        ("docs", "/docs"),
        ("error-404-visitor", "/nowhere"),
    ] {
        visitor.visit(page, path).await;
    }
    visitor.browser.goto("/sign-up").await;
    visitor.browser.fill("email", "ana at halden").await;
    visitor.browser.fill("password", "short").await;
    visitor.press("sign-up-errors", "Create account").await;
    visitor.browser.goto("/sign-in").await;
    visitor.browser.sign_in("ana@halden.example", PASSWORD).await;
    visitor.look("sign-in-error").await;
    while visitor.browser.status().await != 429 {
        visitor.browser.goto("/sign-in").await;
        visitor.browser.sign_in("ana@halden.example", PASSWORD).await;
    }
    visitor.look("error-429").await;
    visitor.done();
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn what_a_newcomer_sees() {
    let desk = Desk::start();
    let mut ana = Inspector::with_camera(&desk).await;
    let email = "ana.reyes@halden.example";
    ana.browser.sign_up("Halden Freight", email).await;
    ana.look("welcome-sealed").await;
    let secret = ana.browser.reveal().await;
    ana.look("welcome-revealed").await;
    assert_eq!(get(desk.origin(), &secret, "/v1/inboxes").await, 200);
    ana.browser.see("First request received").await;
    ana.look("welcome-received").await;
    ana.visit("usage-new", "/settings/usage").await;
    ana.visit("verify-email", &mailed_link(&desk, email, "Confirm your email").await).await;
    ana.browser.goto("/settings/team/invitations/new").await;
    ana.browser.fill("email", "ravi@halden.example").await;
    ana.press("team-invited", "Send invitation").await;
    let invitation = mailed_link(&desk, "ravi@halden.example", "You are invited").await;
    ana.browser.sign_out().await;
    ana.visit("invitation", &invitation).await;
    ana.browser.goto("/forgot-password").await;
    ana.browser.fill("email", email).await;
    ana.browser.press("Send the link").await;
    ana.visit("reset-password", &mailed_link(&desk, email, "Choose a new password").await).await;
    ana.done();
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn what_is_there_before_the_first_key() {
    let desk =
        Desk::start_where("[sign_up_key]\nname = \"first-key\"\nenvironment = \"live\"\npreset = \"full\"\n", "");
    let mut ana = Inspector::with_camera(&desk).await;
    ana.browser.sign_up("Halden Freight", "ana.reyes@halden.example").await;
    ana.look("welcome-without-key").await;
    ana.visit("keys-empty", KEYS).await;
    ana.visit("inboxes-empty", "/settings/inboxes").await;
    ana.visit("create-restricted-without-inboxes", "/settings/api-keys/new?type=restricted").await;
    ana.done();
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn what_a_second_factor_looks_like() {
    let desk = Desk::start();
    let mut ana = Inspector::with_camera(&desk).await;
    let email = "ana.reyes@halden.example";
    ana.browser.sign_up("Halden Freight", email).await;
    ana.visit("two-factor-off", "/settings/security/two-factor").await;
    ana.visit("two-factor-passkey", "/settings/security/two-factor/passkeys").await;
    ana.visit("two-factor-app", "/settings/security/two-factor/authenticator").await;
    let phone = Phone::reads(&ana.browser).await;
    ana.browser.fill("code", &phone.code(0)).await;
    ana.press("two-factor-codes", "Turn on").await;
    ana.visit("two-factor-on", "/settings/security/two-factor").await;
    ana.visit("two-factor-new-codes", "/settings/security/two-factor/recovery-codes").await;
    ana.browser.sign_out().await;
    ana.browser.sign_in(email, PASSWORD).await;
    ana.look("two-factor-asked").await;
    ana.browser.fill("code", "000000").await;
    ana.press("two-factor-wrong", "Sign in").await;
    ana.done();
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn what_an_administrator_sees_of_keys() {
    let desk = Desk::start_demo();
    let mut ana = of_demo(&desk, "administrator").await;
    ana.browser.goto(KEYS).await;
    ana.look_through_window("readme").await;
    ana.look("keys").await;
    ana.browser.tab_to(".row-menu > summary").await;
    ana.browser.strike(Key::Enter).await;
    ana.browser.see("View details").await;
    ana.look("keys-menu").await;
    for (page, query) in
        [("keys-no-match", "q=payrol"), ("keys-select", "select=1"), ("keys-expiring", "status=expiring")]
    {
        ana.visit(page, &format!("{KEYS}?{query}")).await;
    }
    ana.visit("keys-deleted", &format!("{KEYS}?status=deleted")).await;
    for (name, page) in [
        ("production-backend", "key"),
        ("newsletter-send", "key-retiring"),
        ("ci-legacy", "key-deleted"),
        ("data-export-2025", "key-expired"),
        ("qa-mobile", "key-sealed"),
    ] {
        let path = if page == "key-deleted" {
            ana.browser.goto(&format!("{KEYS}?status=deleted&q={name}")).await;
            ana.browser.follow(name).await;
            ana.browser.path().await
        } else {
            ana.key(name).await
        };
        ana.visit(page, &path).await;
    }
    let key = ana.key("billing-worker").await;
    for part in ["rename", "scopes", "rotate", "delete", "notes"] {
        ana.visit(&format!("key-{part}"), &format!("{key}/{part}")).await;
    }
    ana.browser.fill("note", "Ask the warehouse before it goes.").await;
    ana.press("key-noted", "Add note").await;
    ana.browser.goto(&format!("{key}/delete")).await;
    ana.browser.fill("name", "billing worker").await;
    ana.press("key-delete-error", "Delete key").await;
    ana.browser.fill("name", "billing-worker").await;
    ana.press("keys-flash", "Delete key").await;
    ana.done();
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn what_an_administrator_sees_of_a_new_key() {
    let desk = Desk::start_demo();
    let mut ana = of_demo(&desk, "administrator").await;
    ana.visit("create-standard", "/settings/api-keys/new?type=standard").await;
    ana.browser.choose("preset", "custom").await;
    ana.browser.click("Choose another date").await;
    ana.browser.click("Allow only some IP addresses").await;
    ana.look("create-standard-custom").await;
    ana.browser.fill("name", "production-backend").await;
    ana.browser.fill("expires_on", "2020-01-31").await;
    ana.browser.fill("allowed_ips", "203.browser.113.0/24\nhome").await;
    ana.press("create-standard-errors", "Create key").await;
    ana.visit("create-restricted", "/settings/api-keys/new?type=restricted").await;
    ana.press("create-restricted-errors", "Create key").await;
    let mut chosen = Vec::new();
    for name in ["parcel-labels", "parcel-tracking"] {
        ana.browser.create_key(name, "send").await;
        chosen.push(ana.browser.path().await.rsplit('/').next().expect("an id").to_owned());
    }
    let sealed = ana.browser.path().await;
    ana.look("created-sealed").await;
    ana.browser.reveal().await;
    ana.look("created-revealed").await;
    ana.browser.reload().await;
    ana.look("created-already-revealed").await;
    ana.browser.goto(&format!("{sealed}/rotate")).await;
    ana.press("rotated-sealed", "Rotate key").await;
    ana.browser.reveal().await;
    ana.visit("rotated", &sealed).await;
    let selected = format!("key={}&key={}", chosen[0], chosen[1]);
    ana.visit("selected-pause", &format!("{KEYS}/selected/pause?{selected}")).await;
    ana.visit("selected-delete", &format!("{KEYS}/selected/delete?{selected}")).await;
    ana.press("selected-delete-error", "Delete 2 keys").await;
    ana.browser.goto(&sealed).await;
    ana.press("key-paused", "Pause").await;
    ana.done();
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn what_an_administrator_sees_beside_keys() {
    let desk = Desk::start_demo();
    let mut ana = of_demo(&desk, "administrator").await;
    for (page, path) in [
        ("usage", "/settings/usage"),
        ("usage-90-days", "/settings/usage?period=90d"),
        ("audit-log", "/settings/audit-log"),
        ("audit-log-filtered", "/settings/audit-log?action=key.deleted&from=2020-01-01"),
        ("audit-log-no-match", "/settings/audit-log?q=nowhere"),
        ("inboxes", "/settings/inboxes"),
        ("inbox-new", "/settings/inboxes/new"),
        ("team", "/settings/team"),
        ("team-invite", "/settings/team/invitations/new"),
        ("security", "/settings/security"),
        ("security-password", "/settings/security/password"),
        ("rule-key-lifetime", "/settings/security/rules/key-lifetime"),
        ("rule-two-factor", "/settings/security/rules/two-factor"),
        ("re-authenticate", "/re-authenticate?next=/settings/team"),
        ("docs-signed-in", "/docs"),
        ("error-404", "/settings/api-keys/key_gone"),
        ("error-404-page", "/settings/nowhere"),
    ] {
        ana.visit(page, path).await;
    }
    ana.browser.goto("/settings/inboxes").await;
    ana.browser.follow("Delete… Orders").await;
    ana.look("inbox-delete").await;
    ana.browser.goto("/settings/team").await;
    ana.browser.follow("Change role of Mei Okafor").await;
    ana.look("team-role").await;
    ana.browser.goto("/settings/team").await;
    ana.browser.follow("Remove… Tomas Lind").await;
    ana.look("team-remove").await;
    ana.browser.goto("/settings/team").await;
    ana.browser.look(View::PHONE).await;
    ana.browser.click("Menu").await;
    ana.look("menu").await;
    ana.done();
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn what_others_see() {
    let desk = Desk::start_demo();
    let mut auditor = of_demo(&desk, "auditor").await;
    auditor.visit("keys-of-an-auditor", KEYS).await;
    let key = auditor.key("data-export-2025").await;
    auditor.visit("key-of-an-auditor", &key).await;
    let mut member = of_demo(&desk, "member").await;
    member.visit("inboxes-of-a-member", "/settings/inboxes").await;
    member.visit("error-403", "/settings/api-keys/new").await;
    let mut staff = of_demo(&desk, "staff").await;
    staff.visit("support", "/support").await;
    staff.press("support-error", "Look up").await;
    staff.browser.fill("q", key.rsplit('/').next().expect("an id")).await;
    staff.press("support-key", "Look up").await;
    auditor.done();
    member.done();
    staff.done();
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn what_support_sees_of_a_refused_request() {
    let desk = Desk::start();
    let mut staff = Inspector::with_camera(&desk).await;
    staff.browser.sign_up("Halden Freight", "ana@halden.example").await;
    let first = staff.browser.reveal().await;
    let orders = add_inbox(desk.origin(), &first, "Orders").await;
    staff.browser.create_restricted_key("orders-webhook", &orders, &["mail:read"]).await;
    let secret = staff.browser.reveal().await;
    let body = Some(json!({ "name": "Returns" }));
    let (_, refused) = call(desk.origin(), &secret, Method::POST, "/v1/inboxes", body).await;
    let id = refused["error"]["request_id"].as_str().expect("a request id");
    staff.browser.forget().await;
    staff.browser.sign_up("Support desk", "priya@desk.example").await;
    let added = Command::new(env!("CARGO_BIN_EXE_keydesk"))
        .args(["staff", "add", "priya@desk.example"])
        .env("KEYDESK_DATA_DIR", desk.database().parent().expect("a folder"))
        .output()
        .expect("the command runs");
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    staff.browser.goto("/support").await;
    staff.browser.fill("q", id).await;
    staff.press("support-request", "Look up").await;
    staff.browser.goto("/support").await;
    staff.browser.fill("q", &secret).await;
    staff.press("support-whole-key", "Look up").await;
    staff.done();
}
