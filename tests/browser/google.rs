//! Signing in at a real issuer, with a real browser in between: cookies, redirects and policies are the browser's own.

use crate::browser::{Browser, View};
use crate::inspector::Inspector;
use crate::issuer::Issuer;

const VIEWS: [View; 3] = [View::WIDE, View::WIDE.without_javascript(), View::PHONE];

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn somebody_signs_up_and_in_again_at_an_issuer() {
    let issuer = Issuer::start();
    let desk = issuer.desk();
    let words = format!("Continue with {}", issuer.name());
    for (number, view) in VIEWS.into_iter().enumerate() {
        println!("{view:?}");
        // Each a browser of its own: the issuer remembers who is signed in there.
        let ana = Browser::open(desk.origin(), view).await;
        ana.goto("/sign-up").await;
        ana.follow(&words).await;
        ana.consent(&format!("ana.{number}@halden.example")).await;
        assert_eq!(ana.path().await, "/welcome", "{}", ana.text().await);
        ana.reveal().await;
        ana.goto("/settings/security").await;
        ana.see(&format!("can sign in with {}. It’s your only way in", issuer.name())).await;
        ana.sign_out().await;

        ana.goto("/settings/api-keys?status=active").await;
        ana.follow(&words).await;
        assert_eq!(ana.path().await, "/settings/api-keys?status=active", "{}", ana.text().await);
        ana.see("first-key").await;
    }
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn somebody_with_a_password_connects_an_account_elsewhere_and_disconnects_it() {
    let issuer = Issuer::start();
    let desk = issuer.desk();
    for (number, view) in VIEWS.into_iter().enumerate() {
        println!("{view:?}");
        let ana = Browser::open(desk.origin(), view).await;
        ana.sign_up("Halden Freight", &format!("ana.{number}@halden.example")).await;
        ana.goto("/settings/security").await;
        ana.follow(&format!("Connect {}", issuer.name())).await;
        let private = format!("ana.{number}@private.example");
        ana.consent(&private).await;
        assert_eq!(ana.path().await, "/settings/security", "{}", ana.text().await);
        ana.see(&format!("{} is connected.", issuer.name())).await;
        ana.see(&format!("{private} can sign in with {}.", issuer.name())).await;
        ana.sign_out().await;

        ana.follow(&format!("Continue with {}", issuer.name())).await;
        assert_eq!(ana.path().await, "/settings/api-keys", "{}", ana.text().await);
        ana.goto("/settings/security").await;
        ana.press(&format!("Disconnect {}", issuer.name())).await;
        ana.see("Sign in with your password from now on.").await;
    }
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn its_pages_are_open_to_everybody() {
    let issuer = Issuer::start();
    let desk = issuer.desk();
    let mut inspector = Inspector::open(&desk).await;
    inspector.visit("google-sign-in", "/sign-in").await;
    inspector.visit("google-sign-up", "/sign-up").await;
    inspector.visit("google-over", "/auth/google/callback?state=none").await;
    inspector.browser.goto("/sign-up").await;
    inspector.browser.follow(&format!("Continue with {}", issuer.name())).await;
    inspector.browser.consent("ana.reyes@halden.example").await;
    inspector.visit("google-security-only-way", "/settings/security").await;
    inspector.browser.sign_out().await;
    inspector.browser.sign_up("Halden Freight", "ana@halden.example").await;
    inspector.visit("google-security-connect", "/settings/security").await;
    inspector.browser.follow(&format!("Connect {}", issuer.name())).await;
    inspector.look("google-taken").await;
    inspector.done();
}
