//! Every page of the product, photographed: light and dark, at the widths of a desk, a tablet and a phone, on the data of
//! `keydesk demo` where the page has any. For people to look at; what a machine can judge, the inspector judges.
//!
//! `scripts/screenshots` runs these, and says into which folder by `KEYDESK_SCREENSHOTS`.

use std::process::Command;

use axum::http::Method;
use serde_json::json;

use crate::browser::{Browser, Key, View};
use crate::caller::{add_inbox, call, get};
use crate::demo;
use crate::desk::Desk;
use crate::person::PASSWORD;
use crate::recovery::mailed_link;
use crate::two_factor::Phone;

const KEYS: &str = "/settings/api-keys";

/// Width, height, and what kind of device it is.
const LOOKS: [(u64, u64, View); 3] = [(1440, 900, View::WIDE), (820, 1180, View::WIDE), (390, 844, View::PHONE)];

/// Whoever walks through the product with a camera.
struct Photographer(Browser);

impl Photographer {
    async fn at(desk: &Desk) -> Self {
        Self(Browser::open(desk.origin(), View::WIDE).await)
    }

    /// At the demo, signed in as the person with that role.
    async fn of_demo(desk: &Desk, role: &str) -> Self {
        let photographer = Self::at(desk).await;
        let (email, password) = demo::person(desk, role);
        photographer.0.goto("/sign-in").await;
        photographer.0.sign_in(&email, &password).await;
        photographer
    }

    /// Photographs the page that is open.
    async fn take(&mut self, page: &str) {
        for (width, height, device) in LOOKS {
            for (view, theme) in [(device, "light"), (device.dark(), "dark")] {
                self.0.look(view).await;
                self.0.draw((width, height), &format!("{page}-{width}-{theme}.png")).await;
            }
        }
        self.0.look(View::WIDE).await;
    }

    /// Opens a path and photographs what is there.
    async fn visit(&mut self, page: &str, path: &str) {
        self.0.goto(path).await;
        self.take(page).await;
    }

    /// Presses a button and photographs where it leads.
    async fn press(&mut self, page: &str, label: &str) {
        self.0.press(label).await;
        self.take(page).await;
    }

    /// The path of the key of that name, found as a person finds it.
    async fn key(&self, name: &str) -> String {
        self.0.goto(&format!("{KEYS}?q={name}")).await;
        self.0.follow(name).await;
        self.0.path().await
    }
}

#[tokio::test]
#[ignore = "takes pictures: run ./scripts/screenshots"]
async fn what_a_visitor_sees() {
    let desk = Desk::start();
    let mut visitor = Photographer::at(&desk).await;
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
    visitor.0.goto("/sign-up").await;
    visitor.0.fill("email", "ana at halden").await;
    visitor.0.fill("password", "short").await;
    visitor.press("sign-up-errors", "Create account").await;
    visitor.0.goto("/sign-in").await;
    visitor.0.sign_in("ana@halden.example", PASSWORD).await;
    visitor.take("sign-in-error").await;
    while visitor.0.status().await != 429 {
        visitor.0.goto("/sign-in").await;
        visitor.0.sign_in("ana@halden.example", PASSWORD).await;
    }
    visitor.take("error-429").await;
}

#[tokio::test]
#[ignore = "takes pictures: run ./scripts/screenshots"]
async fn what_a_newcomer_sees() {
    let desk = Desk::start();
    let mut ana = Photographer::at(&desk).await;
    let email = "ana.reyes@halden.example";
    ana.0.sign_up("Halden Freight", email).await;
    ana.take("welcome-sealed").await;
    let secret = ana.0.reveal().await;
    ana.take("welcome-revealed").await;
    assert_eq!(get(desk.origin(), &secret, "/v1/inboxes").await, 200);
    ana.0.see("First request received").await;
    ana.take("welcome-received").await;
    ana.visit("usage-new", "/settings/usage").await;
    ana.visit("verify-email", &mailed_link(&desk, email, "Confirm your email").await).await;
    ana.0.goto("/settings/team/invitations/new").await;
    ana.0.fill("email", "ravi@halden.example").await;
    ana.press("team-invited", "Send invitation").await;
    let invitation = mailed_link(&desk, "ravi@halden.example", "You are invited").await;
    ana.0.sign_out().await;
    ana.visit("invitation", &invitation).await;
    ana.0.goto("/forgot-password").await;
    ana.0.fill("email", email).await;
    ana.0.press("Send the link").await;
    ana.visit("reset-password", &mailed_link(&desk, email, "Choose a new password").await).await;
}

#[tokio::test]
#[ignore = "takes pictures: run ./scripts/screenshots"]
async fn what_is_there_before_the_first_key() {
    let desk =
        Desk::start_where("[sign_up_key]\nname = \"first-key\"\nenvironment = \"live\"\npreset = \"full\"\n", "");
    let mut ana = Photographer::at(&desk).await;
    ana.0.sign_up("Halden Freight", "ana.reyes@halden.example").await;
    ana.take("welcome-without-key").await;
    ana.visit("keys-empty", KEYS).await;
    ana.visit("inboxes-empty", "/settings/inboxes").await;
    ana.visit("create-restricted-without-inboxes", "/settings/api-keys/new?type=restricted").await;
}

#[tokio::test]
#[ignore = "takes pictures: run ./scripts/screenshots"]
async fn what_a_second_factor_looks_like() {
    let desk = Desk::start();
    let mut ana = Photographer::at(&desk).await;
    let email = "ana.reyes@halden.example";
    ana.0.sign_up("Halden Freight", email).await;
    ana.visit("two-factor-off", "/settings/security/two-factor").await;
    ana.visit("two-factor-passkey", "/settings/security/two-factor/passkeys").await;
    ana.visit("two-factor-app", "/settings/security/two-factor/authenticator").await;
    let phone = Phone::reads(&ana.0).await;
    ana.0.fill("code", &phone.code(0)).await;
    ana.press("two-factor-codes", "Turn on").await;
    ana.visit("two-factor-on", "/settings/security/two-factor").await;
    ana.visit("two-factor-new-codes", "/settings/security/two-factor/recovery-codes").await;
    ana.0.sign_out().await;
    ana.0.sign_in(email, PASSWORD).await;
    ana.take("two-factor-asked").await;
    ana.0.fill("code", "000000").await;
    ana.press("two-factor-wrong", "Sign in").await;
}

#[tokio::test]
#[ignore = "takes pictures: run ./scripts/screenshots"]
async fn what_an_administrator_sees_of_keys() {
    let desk = Desk::start_demo();
    let mut ana = Photographer::of_demo(&desk, "administrator").await;
    ana.0.goto(KEYS).await;
    for (view, theme) in [(View::WIDE, "light"), (View::WIDE.dark(), "dark")] {
        ana.0.look(view).await;
        ana.0.picture_as(&format!("readme-{theme}.png")).await;
    }
    ana.take("keys").await;
    ana.0.tab_to(".row-menu > summary").await;
    ana.0.strike(Key::Enter).await;
    ana.0.see("View details").await;
    ana.take("keys-menu").await;
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
            ana.0.goto(&format!("{KEYS}?status=deleted&q={name}")).await;
            ana.0.follow(name).await;
            ana.0.path().await
        } else {
            ana.key(name).await
        };
        ana.visit(page, &path).await;
    }
    let key = ana.key("billing-worker").await;
    for part in ["rename", "scopes", "rotate", "delete", "notes"] {
        ana.visit(&format!("key-{part}"), &format!("{key}/{part}")).await;
    }
    ana.0.fill("note", "Ask the warehouse before it goes.").await;
    ana.press("key-noted", "Add note").await;
    ana.0.goto(&format!("{key}/delete")).await;
    ana.0.fill("name", "billing worker").await;
    ana.press("key-delete-error", "Delete key").await;
    ana.0.fill("name", "billing-worker").await;
    ana.press("keys-flash", "Delete key").await;
}

#[tokio::test]
#[ignore = "takes pictures: run ./scripts/screenshots"]
async fn what_an_administrator_sees_of_a_new_key() {
    let desk = Desk::start_demo();
    let mut ana = Photographer::of_demo(&desk, "administrator").await;
    ana.visit("create-standard", "/settings/api-keys/new?type=standard").await;
    ana.0.choose("preset", "custom").await;
    ana.0.click("Choose another date").await;
    ana.0.click("Allow only some IP addresses").await;
    ana.take("create-standard-custom").await;
    ana.0.fill("name", "production-backend").await;
    ana.0.fill("expires_on", "2020-01-31").await;
    ana.0.fill("allowed_ips", "203.0.113.0/24\nhome").await;
    ana.press("create-standard-errors", "Create key").await;
    ana.visit("create-restricted", "/settings/api-keys/new?type=restricted").await;
    ana.press("create-restricted-errors", "Create key").await;
    let mut chosen = Vec::new();
    for name in ["parcel-labels", "parcel-tracking"] {
        ana.0.create_key(name, "send").await;
        chosen.push(ana.0.path().await.rsplit('/').next().expect("an id").to_owned());
    }
    let sealed = ana.0.path().await;
    ana.take("created-sealed").await;
    ana.0.reveal().await;
    ana.take("created-revealed").await;
    ana.0.reload().await;
    ana.take("created-already-revealed").await;
    ana.0.goto(&format!("{sealed}/rotate")).await;
    ana.press("rotated-sealed", "Rotate key").await;
    ana.0.reveal().await;
    ana.visit("rotated", &sealed).await;
    let selected = format!("key={}&key={}", chosen[0], chosen[1]);
    ana.visit("selected-pause", &format!("{KEYS}/selected/pause?{selected}")).await;
    ana.visit("selected-delete", &format!("{KEYS}/selected/delete?{selected}")).await;
    ana.press("selected-delete-error", "Delete 2 keys").await;
    ana.0.goto(&sealed).await;
    ana.press("key-paused", "Pause").await;
}

#[tokio::test]
#[ignore = "takes pictures: run ./scripts/screenshots"]
async fn what_an_administrator_sees_beside_keys() {
    let desk = Desk::start_demo();
    let mut ana = Photographer::of_demo(&desk, "administrator").await;
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
    ana.0.goto("/settings/inboxes").await;
    ana.0.follow("Delete… Orders").await;
    ana.take("inbox-delete").await;
    ana.0.goto("/settings/team").await;
    ana.0.follow("Change role of Mei Okafor").await;
    ana.take("team-role").await;
    ana.0.goto("/settings/team").await;
    ana.0.follow("Remove… Tomas Lind").await;
    ana.take("team-remove").await;
    ana.0.goto("/settings/team").await;
    ana.0.look(View::PHONE).await;
    ana.0.click("Menu").await;
    ana.take("menu").await;
}

#[tokio::test]
#[ignore = "takes pictures: run ./scripts/screenshots"]
async fn what_others_see() {
    let desk = Desk::start_demo();
    let mut auditor = Photographer::of_demo(&desk, "auditor").await;
    auditor.visit("keys-of-an-auditor", KEYS).await;
    let key = auditor.key("data-export-2025").await;
    auditor.visit("key-of-an-auditor", &key).await;
    let mut member = Photographer::of_demo(&desk, "member").await;
    member.visit("inboxes-of-a-member", "/settings/inboxes").await;
    member.visit("error-403", "/settings/api-keys/new").await;
    let mut staff = Photographer::of_demo(&desk, "staff").await;
    staff.visit("support", "/support").await;
    staff.press("support-error", "Look up").await;
    staff.0.fill("q", key.rsplit('/').next().expect("an id")).await;
    staff.press("support-key", "Look up").await;
}

#[tokio::test]
#[ignore = "takes pictures: run ./scripts/screenshots"]
async fn what_support_sees_of_a_refused_request() {
    let desk = Desk::start();
    let mut staff = Photographer::at(&desk).await;
    staff.0.sign_up("Halden Freight", "ana@halden.example").await;
    let first = staff.0.reveal().await;
    let orders = add_inbox(desk.origin(), &first, "Orders").await;
    staff.0.create_restricted_key("orders-webhook", &orders, &["mail:read"]).await;
    let secret = staff.0.reveal().await;
    let body = Some(json!({ "name": "Returns" }));
    let (_, refused) = call(desk.origin(), &secret, Method::POST, "/v1/inboxes", body).await;
    let id = refused["error"]["request_id"].as_str().expect("a request id");
    staff.0.forget().await;
    staff.0.sign_up("Support desk", "priya@desk.example").await;
    let added = Command::new(env!("CARGO_BIN_EXE_keydesk"))
        .args(["staff", "add", "priya@desk.example"])
        .env("KEYDESK_DATA_DIR", desk.database().parent().expect("a folder"))
        .output()
        .expect("the command runs");
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    staff.0.goto("/support").await;
    staff.0.fill("q", id).await;
    staff.press("support-request", "Look up").await;
    staff.0.goto("/support").await;
    staff.0.fill("q", &secret).await;
    staff.press("support-whole-key", "Look up").await;
}
