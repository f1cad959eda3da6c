//! The account and its people without JavaScript, by ordinary clicks, wide and on a phone: the rule on how long keys
//! may live, and signing out other devices.

use crate::browser::{Browser, View};
use crate::desk::Desk;
use crate::flows::walk_without_javascript;
use crate::keyboard_sessions::devices;
use crate::person::PASSWORD;

const SECURITY: &str = "/settings/security";
const NEW_KEY: &str = "/settings/api-keys/new?type=standard";

/// Chooses how long new keys may live, and turns “No expiry” the other way.
async fn rule(ana: &Browser, longest: &str) {
    ana.goto(SECURITY).await;
    ana.follow("Change the longest key lifetime").await;
    assert_eq!(ana.heading().await, "Longest key lifetime");
    ana.choose("longest", longest).await;
    let endless = ana.is_chosen("endless", "yes").await;
    ana.find("label:has([name=endless])").await.click().await.expect("the words can be clicked");
    assert_ne!(ana.is_chosen("endless", "yes").await, endless);
    ana.press("Save rule").await;
}

/// For how long the form of a new key offers it to live.
async fn lifetimes(ana: &Browser) -> Vec<String> {
    ana.goto(NEW_KEY).await;
    ana.texts(".choice:has([name=expires])").await
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn the_longest_key_lifetime_is_ruled_and_the_rule_taken_back() {
    walk_without_javascript(&Desk::start(), async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        ana.create_key("billing", "send").await;
        let billing = ana.path().await;
        ana.see("in 90 days").await;
        ana.goto(SECURITY).await;
        ana.see("New keys may last as long as you choose. “No expiry” is allowed.").await;
        rule(ana, "30").await;
        ana.see("The rule is changed. New keys may last up to 30 days. Each must expire.").await;

        let offered = lifetimes(ana).await;
        assert!(offered.len() == 1 && offered[0].starts_with("30 days"), "{offered:?}");
        ana.fill("name", "nightly").await;
        ana.click("Choose another date").await;
        ana.fill("expires_on", "2035-01-31").await;
        ana.press("Create key").await;
        assert_eq!(ana.status().await, 422);
        let mistakes = ana.texts(".error-summary li").await;
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert!(mistakes[0].starts_with("Choose an expiry date no later than "), "{mistakes:?}");
        ana.fill("expires_on", "").await;
        ana.press("Create key").await;
        assert_eq!(ana.heading().await, "Key created");
        ana.see("in 30 days").await;
        ana.goto(&billing).await;
        ana.see("in 90 days").await;

        rule(ana, "").await;
        ana.see("The rule is changed. New keys may last as long as you choose. “No expiry” is allowed.").await;
        let offered = lifetimes(ana).await;
        assert!(offered.iter().any(|one| one.starts_with("No expiry")), "{offered:?}");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn other_devices_are_signed_out() {
    let desk = Desk::start();
    walk_without_javascript(&desk, async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        ana.goto(SECURITY).await;
        assert_eq!(devices(ana).await.len(), 1);
        assert!(!ana.text().await.contains("Sign out all others"), "there are no others");

        let other = Browser::open(desk.origin(), View::WIDE.without_javascript()).await;
        other.goto("/sign-in").await;
        other.sign_in(email, PASSWORD).await;
        assert_eq!(other.heading().await, "API keys", "{}", other.text().await);
        ana.reload().await;
        assert_eq!(devices(ana).await.len(), 2);
        ana.press("Sign out all others").await;
        ana.see("1 other device is signed out.").await;
        let left = devices(ana).await;
        assert!(left.len() == 1 && left[0].contains("This device"), "{left:?}");

        // The page that was open there leads to the sign-in, and from there to where it led.
        other.follow_starting("Inboxes").await;
        assert!(other.path().await.starts_with("/sign-in?next="), "{}", other.path().await);
        other.sign_in(email, PASSWORD).await;
        assert_eq!(other.path().await, "/settings/inboxes", "{}", other.text().await);
        ana.reload().await;
        ana.press("Sign out Chrome on Linux").await;
        ana.see("That device is signed out.").await;
        assert_eq!(devices(ana).await.len(), 1);
        other.reload().await;
        assert!(other.path().await.starts_with("/sign-in?next="), "{}", other.path().await);
    })
    .await;
}
