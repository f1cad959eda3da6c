//! The desk on its first minute: it starts, answers, and asks a stranger to sign in.

use crate::browser::{Browser, View};
use crate::desk::Desk;

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn a_stranger_is_asked_to_sign_in() {
    let desk = Desk::start();
    for view in View::LOOKS {
        let stranger = Browser::open(desk.origin(), view).await;
        stranger.goto("/settings/api-keys").await;
        assert!(stranger.path().await.starts_with("/sign-in?next="), "{}", stranger.path().await);
        assert_eq!(stranger.heading().await, "Sign in to Keydesk");
        assert_eq!(stranger.barriers().await, Vec::<String>::new());
        stranger.screenshot("sign-in").await;
    }
}
