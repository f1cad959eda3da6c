//! A visit as a whole: signing out and in again, the theme, nothing but a keyboard.

use crate::browser::{Browser, Key, View};
use crate::desk::Desk;
use crate::flows::walk;
use crate::person::PASSWORD;

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn after_signing_out_the_back_button_shows_nothing_private() {
    walk(async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        ana.goto("/settings/api-keys").await;
        ana.see("first-key").await;
        ana.sign_out().await;
        ana.back().await;
        assert!(ana.path().await.starts_with("/sign-in"), "{}", ana.path().await);
        assert!(!ana.text().await.contains("first-key"));

        ana.goto("/settings/api-keys?status=active").await;
        assert!(ana.path().await.starts_with("/sign-in?next="), "{}", ana.path().await);
        ana.sign_in(email, "copper lantern orbits").await;
        assert_eq!(ana.status().await, 422);
        ana.see("We couldn’t sign you in").await;
        assert!(ana.title().await.starts_with("Error: "));
        assert_eq!(ana.value("email").await, email);
        assert_eq!(ana.value("password").await, "");
        ana.fill("password", PASSWORD).await;
        ana.choose("remember", "yes").await;
        ana.press("Sign in").await;
        assert_eq!(ana.path().await, "/settings/api-keys?status=active");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn the_theme_that_a_person_chooses_stays() {
    walk(async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        ana.goto("/settings/api-keys?status=active").await;
        ana.open_sidebar().await;
        ana.press("Dark theme").await;
        assert_eq!(ana.path().await, "/settings/api-keys?status=active");
        ana.find("html[data-theme=dark]").await;
        ana.goto("/settings/inboxes").await;
        ana.find("html[data-theme=dark]").await;
        ana.open_sidebar().await;
        ana.press("Light theme").await;
        ana.find("html[data-theme=light]").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn the_docs_are_read_in_another_language_and_from_their_contents() {
    walk(async |ana, _| {
        ana.goto("/sign-in").await;
        ana.follow("Docs").await;
        assert_eq!(ana.heading().await, "Keydesk API");
        ana.see("curl http://").await;
        ana.choose("language", "python").await;
        ana.see("import os, urllib.request").await;
        ana.choose("refusal", "422").await;
        ana.see("\"code\": \"invalid_field\"").await;
        if ana.view().is_phone() {
            ana.click("On this page").await;
        }
        ana.click("Good practice").await;
        ana.find("#good-practice:target").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn where_the_system_is_dark_the_theme_button_offers_light() {
    let desk = Desk::start();
    let ana = Browser::open(desk.origin(), View::WIDE.dark().without_javascript()).await;
    ana.sign_up("Halden Freight", "ana@halden.example").await;
    ana.press("Light theme").await;
    ana.find("html[data-theme=light]").await;
    ana.press("Dark theme").await;
    ana.find("html[data-theme=dark]").await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn sign_up_and_reveal_need_nothing_but_a_keyboard() {
    walk(async |ana, email| {
        ana.goto("/sign-up").await;
        ana.strike(Key::Tab).await;
        assert!(ana.has_focus(".skip").await, "the skip link comes first");
        ana.tab_to("#account").await;
        ana.type_in("Halden Freight").await;
        ana.strike(Key::Tab).await;
        ana.type_in(email).await;
        ana.strike(Key::Tab).await;
        ana.type_in(PASSWORD).await;
        ana.strike_and_leave(Key::Enter).await;

        assert_eq!(ana.path().await, "/welcome");
        ana.strike(Key::Tab).await;
        assert!(ana.has_focus(".skip").await, "the skip link comes first");
        ana.strike(Key::Enter).await;
        ana.see_focus("main").await;
        ana.tab_to(".seal button").await;
        ana.strike_and_leave(Key::Enter).await;
        ana.see_focus("textarea.seal-key").await;
        ana.tab_to(".code-tabs input").await;
        ana.strike(Key::Right).await;
        ana.see("process.env.KEYDESK_API_KEY").await;
    })
    .await;
}
