//! The second factor, as people walk it: an app with and without JavaScript, and a passkey of a real browser.

use std::time::Duration;

use keydesk::clock::Clock;
use totp_rs::{Builder, Secret, Totp};

use crate::audit;
use crate::browser::{Browser, View};
use crate::desk::Desk;
use crate::driver::AddAuthenticator;
use crate::flows::walk_at;
use crate::inspector::Inspector;
use crate::person::PASSWORD;

const MANAGE: &str = "/settings/security/two-factor";
const STEP: Duration = Duration::from_secs(30);

/// An authenticator app that has read the page's key.
pub struct Phone(Totp);

impl Phone {
    pub async fn reads(page: &Browser) -> Self {
        let typed = page.texts("pre code").await.concat().replace(' ', "");
        audit::note(&typed);
        let secret = Secret::try_from_base32(&typed).expect("base32");
        Self(Builder::new().with_secret(secret).build().expect("a legal secret"))
    }

    /// The code so many steps from now: the next one is taken already, so nobody waits for it.
    pub fn code(&self, steps: u32) -> String {
        let at = Clock::System.now() + STEP * steps;
        self.0.generate(u64::try_from(at.seconds()).expect("after 1970")).to_string()
    }
}

/// The recovery codes on the page, which come once.
pub async fn recovery_codes(page: &Browser) -> Vec<String> {
    let codes: Vec<String> = page.texts("pre code").await.concat().split_whitespace().map(str::to_owned).collect();
    for code in &codes {
        audit::note(code);
    }
    assert_eq!(codes.len(), 10);
    codes
}

/// Sets an app up from the security page; answers it and the recovery codes.
async fn sets_up(ana: &Browser) -> (Phone, Vec<String>) {
    ana.goto("/settings/security").await;
    ana.follow("Set up two-factor").await;
    ana.follow("Set up an authenticator app").await;
    let phone = Phone::reads(ana).await;
    ana.fill("code", "12").await;
    ana.press("Turn on").await;
    assert_eq!(ana.status().await, 422);
    ana.fill("code", &phone.code(0)).await;
    ana.press("Turn on").await;
    assert_eq!(ana.heading().await, "Keep these recovery codes");
    let codes = recovery_codes(ana).await;
    ana.follow("I have kept them").await;
    ana.see("10 of 10 left.").await;
    (phone, codes)
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn an_app_is_set_up_asked_for_and_removed() {
    let desk = Desk::start();
    walk_at(&desk, async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        let (phone, codes) = sets_up(ana).await;
        ana.sign_out().await;
        ana.sign_in(email, PASSWORD).await;
        assert_eq!(ana.heading().await, "One more step");
        ana.see_focus("#code").await;
        ana.fill("code", "000000").await;
        ana.press("Sign in").await;
        assert_eq!(ana.status().await, 422);
        ana.fill("code", &phone.code(1)).await;
        ana.press("Sign in").await;
        assert_eq!(ana.heading().await, "API keys");
        ana.sign_out().await;

        ana.sign_in(email, PASSWORD).await;
        ana.fill("code", &codes[0]).await;
        ana.press("Sign in").await;
        assert_eq!(ana.heading().await, "API keys");
        ana.goto("/settings/security").await;
        ana.see("9 of 10 recovery codes left.").await;
        ana.follow("New recovery codes").await;
        ana.press("Make new codes").await;
        assert_eq!(ana.texts("pre code").await.concat().split_whitespace().count(), 10);
        ana.follow("I have kept them").await;
        ana.press("Remove the app").await;
        ana.see("Two-factor is off.").await;
        ana.sign_out().await;
        ana.sign_in(email, PASSWORD).await;
        assert_eq!(ana.heading().await, "API keys");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn a_passkey_is_added_signs_in_alone_confirms_and_stands_in_for_a_code() {
    let desk = Desk::start();
    let ana = Browser::open(desk.origin(), View::WIDE).await;
    ana.client.issue_cmd(AddAuthenticator).await.expect("Chromium has a virtual authenticator");
    let email = "ana@halden.example";
    ana.sign_up("Halden Freight", email).await;
    ana.goto(MANAGE).await;
    ana.follow("Add a passkey").await;
    assert_eq!(ana.value("name").await, "Chrome on Linux");
    ana.fill("name", "Work laptop").await;
    ana.press("Add passkey").await;
    assert_eq!(ana.heading().await, "Keep these recovery codes");
    ana.goto(MANAGE).await;
    ana.see("Work laptop").await;
    ana.see("Never used.").await;

    // The same device has one already.
    ana.follow("Add a passkey").await;
    ana.click("Add passkey").await;
    ana.see("This device has a passkey for you already.").await;

    ana.sign_out().await;
    ana.press("Sign in with a passkey").await;
    assert_eq!(ana.heading().await, "API keys");
    ana.goto("/re-authenticate?next=/settings/team").await;
    ana.press("Use a passkey").await;
    assert_eq!(ana.path().await, "/settings/team");

    // Beside the password it is the second step.
    ana.sign_out().await;
    ana.sign_in(email, PASSWORD).await;
    assert_eq!(ana.heading().await, "One more step");
    ana.press("Use a passkey").await;
    assert_eq!(ana.heading().await, "API keys");

    ana.goto(MANAGE).await;
    ana.press("Remove Work laptop").await;
    ana.see("Two-factor is off.").await;
    ana.sign_out().await;
    ana.press("Sign in with a passkey").await;
    ana.see("This passkey doesn’t open an account here.").await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn without_javascript_the_pages_say_what_else_there_is() {
    let desk = Desk::start();
    let ana = Browser::open(desk.origin(), View::PHONE.without_javascript()).await;
    ana.sign_up("Halden Freight", "ana@halden.example").await;
    ana.goto("/settings/security/two-factor/passkeys").await;
    ana.see("Passkeys need JavaScript, which is off.").await;
    ana.follow("Use an authenticator app").await;
    assert_eq!(ana.heading().await, "Set up an authenticator app");
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn whoever_owes_a_factor_sets_it_up_before_anything_else() {
    let desk = Desk::start();
    walk_at(&desk, async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        ana.goto("/settings/security").await;
        ana.see("1 of 1 person would be asked to set it up at their next sign-in.").await;
        ana.follow("Turn on…").await;
        ana.press("Turn on the rule").await;
        ana.see("is required of everyone from their next sign-in on.").await;
        ana.sign_out().await;
        ana.sign_in(email, PASSWORD).await;
        assert_eq!(ana.path().await, MANAGE);
        ana.see("asks everybody for two-factor.").await;
        ana.goto("/settings/api-keys").await;
        assert_eq!(ana.path().await, MANAGE);
        ana.follow("Set up an authenticator app").await;
        let phone = Phone::reads(ana).await;
        ana.fill("code", &phone.code(0)).await;
        ana.press("Turn on").await;
        ana.goto("/settings/api-keys").await;
        assert_eq!(ana.heading().await, "API keys");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn its_pages_are_open_to_everybody() {
    let desk = Desk::start();
    let mut inspector = Inspector::open(&desk).await;
    let email = "ana@halden.example";
    inspector.browser.sign_up("Halden Freight", email).await;
    inspector.visit("two-factor-none", MANAGE).await;
    inspector.visit("two-factor-passkey", "/settings/security/two-factor/passkeys").await;
    inspector.visit("two-factor-app", "/settings/security/two-factor/authenticator").await;
    inspector.browser.press("Turn on").await;
    inspector.look("two-factor-app-error").await;
    let phone = Phone::reads(&inspector.browser).await;
    inspector.browser.fill("code", &phone.code(0)).await;
    inspector.browser.press("Turn on").await;
    inspector.look("two-factor-codes").await;
    inspector.visit("two-factor-on", MANAGE).await;
    inspector.visit("two-factor-new-codes", "/settings/security/two-factor/recovery-codes").await;
    inspector.visit("two-factor-rule", "/settings/security/rules/two-factor").await;
    inspector.visit("key-lifetime", "/settings/security/rules/key-lifetime").await;
    inspector.visit("security-on", "/settings/security").await;
    inspector.visit("team-two-factor", "/settings/team").await;
    inspector.browser.sign_out().await;
    inspector.look("sign-in-passkey").await;
    inspector.browser.sign_in(email, PASSWORD).await;
    inspector.look("two-factor-asked").await;
    inspector.browser.fill("code", "000000").await;
    inspector.browser.press("Sign in").await;
    inspector.look("two-factor-wrong").await;
    inspector.done();
}
