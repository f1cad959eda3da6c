//! Reporting a leaked key, as whoever found one walks it: with JavaScript and without, wide and on a phone.

use axum::http::Method;
use serde_json::json;

use crate::caller::{call, get};
use crate::desk::Desk;
use crate::flows::walk_at;
use crate::inspector::Inspector;

const THANKS: &str = "Thank you. If it is one of ours, it has been switched off.";

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn whoever_found_a_key_switches_it_off() {
    let desk = Desk::start();
    walk_at(&desk, async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        let secret = ana.reveal().await;
        assert_eq!(get(desk.origin(), &secret, "/v1/key").await, 200);
        ana.sign_out().await;
        ana.goto("/docs").await;
        ana.follow("Report a leaked key").await;
        ana.fill("secret", &secret[..secret.len() - 1]).await;
        ana.press("Switch it off").await;
        assert_eq!(ana.status().await, 422);
        ana.see("This is not a whole key.").await;
        ana.fill("secret", &format!("KEY={secret}")).await;
        ana.fill("url", "https://git.example/a/.env?token=x").await;
        ana.press("Switch it off").await;
        assert_eq!(ana.heading().await, THANKS);
        assert_eq!(ana.path().await, "/report-leaked-key?reported=yes");
        assert!(!ana.text().await.contains(&secret));
        assert_eq!(call(desk.origin(), &secret, Method::GET, "/v1/key", None).await.0, 401);
        let again =
            call(desk.origin(), "nobody", Method::POST, "/api/report-leaked-key", Some(json!({ "secret": secret })));
        assert_eq!(again.await.0, 202);
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn the_page_for_leaked_keys_is_open_to_everybody() {
    let desk = Desk::start();
    let mut inspector = Inspector::open(&desk).await;
    inspector.visit("report-leaked-key", "/report-leaked-key").await;
    inspector.browser.press("Switch it off").await;
    inspector.look("report-leaked-key-error").await;
    inspector.visit("report-leaked-key-thanks", "/report-leaked-key?reported=yes").await;
    inspector.done();
}
