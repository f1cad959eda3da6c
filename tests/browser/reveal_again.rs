//! A desk whose product shows keys again, and the page that asks for the password before.

use crate::caller::get;
use crate::desk::Desk;
use crate::flows::walk_at;
use crate::inspector::Inspector;
use crate::person::PASSWORD;

pub fn desk() -> Desk {
    Desk::start_where("\nreveal = \"once\"\n", "\nreveal = \"again\"\n")
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn a_key_is_revealed_again_from_the_first_screen_the_list_and_its_own_page() {
    walk_at(&desk(), async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        ana.see("You can reveal this key whenever you need to copy it.").await;
        let secret = ana.reveal_again().await;
        ana.see("You can reveal this key again whenever you need it.").await;
        assert!(!ana.text().await.contains("only time"));
        ana.reload().await;
        assert_eq!((ana.status().await, ana.secret().await), (200, secret.clone()));

        // Nothing is lost by leaving: no question is asked on the way.
        ana.goto("/settings/api-keys").await;
        assert!(!ana.source().await.contains(&secret));
        ana.open_menu("first-key").await;
        ana.follow("Reveal key").await;
        assert_eq!(ana.heading().await, "first-key");
        assert_eq!(ana.reveal_again().await, secret);
        ana.back().await;
        assert!(!ana.source().await.contains(&secret), "the back button shows a secret");
        assert_eq!(get(ana.origin(), &secret, "/v1/key").await, 200);

        ana.create_key("billing-worker", "send").await;
        let fresh = ana.reveal_again().await;
        assert_ne!(fresh, secret);
        assert_eq!(get(ana.origin(), &fresh, "/v1/key").await, 200);
        ana.follow("Done, I’ve stored it").await;
        assert_eq!(ana.path().await, "/settings/api-keys");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn the_password_is_asked_for_again_and_leads_back() {
    walk_at(&desk(), async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        ana.goto("/re-authenticate?next=/settings/team").await;
        assert_eq!(ana.heading().await, "Confirm it’s you");
        assert_eq!(ana.value("email").await, email);
        ana.see_focus("#password").await;
        ana.fill("password", "copper lantern orbits").await;
        ana.press("Confirm").await;
        assert_eq!(ana.status().await, 422);
        assert!(ana.title().await.starts_with("Error: "));
        ana.see("This isn’t your password. Check it and try again.").await;
        assert_eq!(ana.value("password").await, "");
        ana.fill("password", PASSWORD).await;
        ana.press("Confirm").await;
        assert_eq!(ana.path().await, "/settings/team");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn its_pages_are_open_to_everybody() {
    let desk = desk();
    let mut inspector = Inspector::open(&desk).await;
    inspector.browser.sign_up("Halden Freight", "ana.reyes@halden.example").await;
    inspector.look("again-welcome-sealed").await;
    inspector.browser.reveal_again().await;
    inspector.look("again-welcome-revealed").await;
    inspector.visit("again-welcome-after", "/welcome").await;
    inspector.visit("again-create", "/settings/api-keys/new?type=standard").await;
    inspector.browser.create_key("billing-worker", "send").await;
    let key = inspector.browser.path().await;
    inspector.look("again-created").await;
    let old = inspector.browser.reveal_again().await;
    inspector.look("again-revealed").await;
    inspector.visit("again-detail", &key).await;

    inspector.browser.goto(&format!("{key}/rotate")).await;
    inspector.browser.press("Rotate key").await;
    let new = inspector.browser.reveal_again().await;
    for secret in [&old, &old, &new] {
        assert_eq!(get(desk.origin(), secret, "/v1/key").await, 200);
    }
    inspector.browser.goto(&key).await;
    inspector.browser.reload_until("2 requests with the old key since the rotation").await;
    inspector.look("again-rotated").await;
    inspector.visit("again-rotate-once-more", &format!("{key}/rotate")).await;
    inspector.browser.goto("/settings/api-keys").await;
    inspector.browser.open_menu("billing-worker").await;
    inspector.browser.see("Reveal key").await;
    inspector.look("again-list-menu").await;

    inspector.visit("re-authenticate", &format!("/re-authenticate?next={key}")).await;
    inspector.browser.fill("password", "copper lantern orbits").await;
    inspector.browser.press("Confirm").await;
    inspector.look("re-authenticate-error").await;
    inspector.done();
}
