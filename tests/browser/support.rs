//! Support with a customer on the line, as people walk it: a failing request's id becomes the sentence to send; and the
//! pages of the desk before the inspector.

use std::process::Command;

use axum::http::Method;

use crate::browser::Browser;
use crate::caller::call;
use crate::desk::Desk;
use crate::flows::walk_at;
use crate::inspector::Inspector;
use crate::person::PASSWORD;

const PRIYA: &str = "priya@desk.example";

/// A desk with somebody who supports its customers.
pub async fn staffed() -> Desk {
    let desk = Desk::start();
    let browser = Browser::open(desk.origin(), crate::browser::View::WIDE).await;
    browser.sign_up("Support desk", PRIYA).await;
    let data = desk.database();
    let added = Command::new(env!("CARGO_BIN_EXE_keydesk"))
        .args(["staff", "add", PRIYA])
        .env("KEYDESK_DATA_DIR", data.parent().expect("a folder"))
        .output()
        .expect("the command runs");
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    desk
}

/// A customer whose request fails: its id, and the key.
pub async fn failing(browser: &Browser, email: &str) -> (String, String) {
    browser.sign_up("Halden Freight", email).await;
    browser.create_key("billing-worker", "send").await;
    let secret = browser.reveal().await;
    let (status, refused) = call(browser.origin(), &secret, Method::GET, "/v1/keys", None).await;
    assert_eq!(status, 403);
    let id = refused["error"]["request_id"].as_str().expect("a request id").to_owned();
    browser.forget().await;
    browser.goto("/sign-in").await;
    browser.sign_in(PRIYA, PASSWORD).await;
    (id, secret)
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn a_failing_request_becomes_the_sentence_to_send_in_three_clicks() {
    let desk = staffed().await;
    walk_at(&desk, async |priya, email| {
        let (id, _) = failing(priya, email).await;
        priya.open_sidebar().await;
        priya.follow("Support").await;
        priya.fill("q", &id).await;
        priya.press("Look up").await;
        assert_eq!(priya.heading().await, "Why this request failed");
        let sentence = priya.texts(".letter").await.join(" ");
        assert!(sentence.starts_with(&format!("Your request {id} (GET /v1/keys, ")), "{sentence}");
        assert!(sentence.contains("does not have the scope keys:read."), "{sentence}");
        priya.see("It has the scope · Failed").await;
        if priya.view().has_javascript() {
            priya.click("Copy").await;
            priya.see("Copied").await;
        }
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn the_pages_of_support_are_open_to_everybody() {
    let desk = staffed().await;
    let mut inspector = Inspector::open(&desk).await;
    let (id, secret) = failing(&inspector.browser, "ana@halden.example").await;
    inspector.visit("support", "/support").await;
    inspector.browser.press("Look up").await;
    assert_eq!(inspector.browser.status().await, 422);
    inspector.look("support-error").await;
    inspector.visit("support-request", &format!("/support/requests/{id}")).await;
    inspector.browser.follow("billing-worker").await;
    inspector.look("support-key").await;
    inspector.browser.goto("/support").await;
    inspector.browser.fill("q", &secret).await;
    inspector.browser.press("Look up").await;
    assert!(!inspector.browser.source().await.contains(&secret[8..]));
    inspector.look("support-whole-key").await;
    inspector.browser.goto("/support").await;
    inspector.browser.fill("q", "zzzz").await;
    inspector.browser.press("Look up").await;
    inspector.look("support-nothing").await;
    inspector.done();
}
