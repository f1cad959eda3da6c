//! Where somebody is signed in, with nothing but a keyboard: every other device is signed out, and a single one.

use crate::browser::Browser;
use crate::desk::Desk;
use crate::keyboard::{go, join, press, sign_in, walk};
use crate::person::PASSWORD;

const SECURITY: &str = "/settings/security";

/// The devices where somebody is signed in, as the page of Security lists them.
pub async fn devices(ana: &Browser) -> Vec<String> {
    ana.texts(".sessions tbody tr").await
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn other_devices_are_signed_out_by_keyboard() {
    let desk = Desk::start();
    walk(&desk, async |ana, email| {
        join(ana, email).await;
        go(ana, SECURITY).await;
        assert_eq!(devices(ana).await.len(), 1);
        assert!(!ana.text().await.contains("Sign out all others"), "there are no others");

        let other = Browser::open(desk.origin(), ana.view()).await;
        other.goto("/sign-in").await;
        sign_in(&other, email, PASSWORD).await;
        assert_eq!(other.heading().await, "API keys", "{}", other.text().await);
        go(ana, SECURITY).await;
        assert_eq!(devices(ana).await.len(), 2);
        press(ana, "Sign out all others").await;
        ana.see("1 other device is signed out.").await;
        let left = devices(ana).await;
        assert!(left.len() == 1 && left[0].contains("This device"), "{left:?}");

        // The page that was open there leads to the sign-in, and from there to where it led.
        go(&other, "/settings/inboxes").await;
        assert!(other.path().await.starts_with("/sign-in?next="), "{}", other.path().await);
        sign_in(&other, email, PASSWORD).await;
        assert_eq!(other.path().await, "/settings/inboxes", "{}", other.text().await);
        go(ana, SECURITY).await;
        press(ana, "Sign out Chrome on Linux").await;
        ana.see("That device is signed out.").await;
        assert_eq!(devices(ana).await.len(), 1);
        go(&other, SECURITY).await;
        assert!(other.path().await.starts_with("/sign-in?next="), "{}", other.path().await);
    })
    .await;
}
