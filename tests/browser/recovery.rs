//! Getting back in by a mailed link, and the security page, as people walk them.

use std::time::Duration;

use crate::desk::Desk;
use crate::flows::walk_at;
use crate::inspector::Inspector;
use crate::person::PASSWORD;

const NEW: &str = "velvet harbour kestrel";
/// Longer than any mail takes to be printed, also on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The path of the link in the letter to `email` whose subject begins with `subject`, once it is printed.
pub async fn mailed_link(desk: &Desk, email: &str, subject: &str) -> String {
    let printed = async {
        loop {
            let log = desk.log();
            let (_, letter) = log.rsplit_once(&format!("--- Mail to {email}: {subject}")).unwrap_or_default();
            if let Some(link) = letter.lines().find_map(|line| line.strip_prefix(desk.origin())) {
                return link.to_owned();
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let link = tokio::time::timeout(PATIENCE, printed).await;
    link.unwrap_or_else(|_| panic!("no letter “{subject}” to {email}:\n{}", desk.log()))
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn whoever_forgot_their_password_gets_back_in_by_mail() {
    let desk = Desk::start();
    walk_at(&desk, async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        ana.sign_out().await;
        ana.follow("Forgot password?").await;
        assert_eq!(ana.heading().await, "Forgot your password?");
        ana.fill("email", "ana at halden").await;
        ana.press("Send the link").await;
        assert_eq!(ana.status().await, 422);
        ana.fill("email", email).await;
        ana.press("Send the link").await;
        assert_eq!(ana.heading().await, "Check your email");

        let link = mailed_link(&desk, email, "Choose a new password").await;
        ana.goto(&link).await;
        assert_eq!(ana.heading().await, "Choose a new password");
        ana.fill("password", NEW).await;
        ana.press("Change password").await;
        ana.see("Your password was changed. Sign in with the new one.").await;
        ana.sign_in(email, NEW).await;
        assert_eq!(ana.heading().await, "API keys");
        ana.goto(&link).await;
        assert_eq!((ana.status().await, ana.heading().await.as_str()), (410, "This link doesn’t work any more"));
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn an_address_is_confirmed_and_a_password_changed() {
    let desk = Desk::start();
    walk_at(&desk, async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        ana.open_sidebar().await;
        ana.follow("Security").await;
        ana.see("Not confirmed").await;
        ana.goto(&mailed_link(&desk, email, "Confirm your email").await).await;
        ana.press("Confirm this address").await;
        ana.see(&format!("{email} is confirmed.")).await;
        assert!(!ana.text().await.contains("Not confirmed"));

        ana.follow("Change password").await;
        ana.fill("current_password", "not this one").await;
        ana.fill("password", NEW).await;
        ana.press("Change password").await;
        assert_eq!(ana.status().await, 422);
        ana.see("This isn’t your current password. Type it again.").await;
        ana.fill("current_password", PASSWORD).await;
        ana.fill("password", NEW).await;
        ana.press("Change password").await;
        ana.see("Your password was changed. Every other device is signed out.").await;
        ana.see("This device").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn the_ways_back_in_are_open_to_everybody() {
    let desk = Desk::start();
    let mut inspector = Inspector::open(&desk).await;
    let email = "ana@halden.example";
    inspector.visit("forgot", "/forgot-password").await;
    inspector.browser.press("Send the link").await;
    inspector.look("forgot-error").await;
    inspector.visit("forgot-asked", "/forgot-password?asked=yes").await;
    inspector.visit("reset-gone", "/reset-password?token=none").await;
    inspector.visit("password-changed", "/sign-in?password=changed").await;

    inspector.browser.sign_up("Halden Freight", email).await;
    inspector.visit("security", "/settings/security").await;
    inspector.visit("change-password", "/settings/security/password").await;
    inspector.browser.press("Change password").await;
    inspector.look("change-password-errors").await;
    inspector.visit("verify", &mailed_link(&desk, email, "Confirm your email").await).await;
    inspector.visit("verify-gone", "/verify-email?token=none").await;
    inspector.browser.sign_out().await;
    inspector.browser.goto("/forgot-password").await;
    inspector.browser.fill("email", email).await;
    inspector.browser.press("Send the link").await;
    inspector.visit("reset", &mailed_link(&desk, email, "Choose a new password").await).await;
    inspector.browser.fill("password", "tiny").await;
    inspector.browser.press("Change password").await;
    inspector.look("reset-error").await;
    inspector.done();
}
