//! `/welcome`: from a sealed key to a request that arrived.

use std::time::Duration;

use serde_json::json;

use crate::support::{TestApp, key_path};

const LANGUAGES: [&str; 7] = ["curl", "Node.js", "Python", "PHP", "Java", "Go", "Ruby"];

#[tokio::test]
async fn seven_samples_use_the_key_and_none_holds_it() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let id = alice.first_key().await;
    let page = alice.get("/welcome").await;
    for language in LANGUAGES {
        assert!(page.html().contains(&format!("aria-label=\"{language} example\"")), "{language}");
    }
    assert_eq!(page.chosen("language"), ["curl"]);
    page.says("curl http://localhost:8080/v1/inboxes");
    assert_eq!(page.text().matches("KEYDESK_API_KEY").count(), 9, "named in every sample, twice in one, and explained");
    let opened = alice.post(&key_path(&id, "reveal"), &[("from", "welcome")]).await;
    let secret = opened.secrets()[0].clone();
    assert_eq!(opened.html().matches(&secret).count(), 2, "the field to copy from and the line for a .env file");
    let after = alice.get("/welcome").await;
    after.says_nothing_of(&secret);
    after.says(&format!("kd_live_…{}", &secret[secret.len() - 4..]));
}

#[tokio::test]
async fn the_first_request_is_waited_for_and_then_shown() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let page = alice.get("/welcome").await;
    page.has_heading("Welcome to Keydesk");
    page.says("Waiting for your first request. Run the example above and it appears here.");
    assert_eq!(page.link("Check now").as_deref(), Some("/welcome"), "a way without a script");
    let waiting = alice.get("/welcome/status").await;
    assert_eq!((waiting.status, waiting.body.len()), (204, 0));

    let secret = alice.reveals(&alice.first_key().await).await;
    let program = desk.holder(&secret).at("198.51.100.80");
    desk.pass(Duration::from_secs(61));
    let first = program.get("/v1/inboxes").await;
    assert_eq!(first.status, 200);
    let said =
        format!("GET /v1/inboxes 200 OK 0 ms · from 198.51.100.80 · curl/8.14 · {}", first.header("x-request-id"));
    let panel = alice.get("/welcome/status").await;
    assert_eq!(panel.status, 200);
    panel.says("First request received 21 Nov 2026, 14:06:01 UTC");
    panel.says(&said);
    assert!(!panel.html().contains("<html"), "a panel, not a page");
    let page = alice.get("/welcome").await;
    page.has_heading("You’re connected");
    page.says(&said);
    page.says_nothing_of("Waiting for your first request");
    assert_eq!(page.link("Create a restricted key").as_deref(), Some("/settings/api-keys/new?type=restricted"));
    assert_eq!(page.link("Invite your team").as_deref(), Some("/settings/team/invitations/new"));

    program.post_json("/v1/inboxes", &json!({ "name": "Orders" })).await;
    desk.flush().await;
    alice.get("/welcome").await.says(&said);
}

#[tokio::test]
async fn a_refused_request_is_not_the_first_one() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("sender", &[("preset", "send")]).await;
    assert_eq!(desk.holder(&key.secret).get("/v1/inboxes").await.status, 403);
    desk.visitor().get("/v1/inboxes").await;
    desk.flush().await;
    assert_eq!(alice.get("/welcome/status").await.status, 204);
}

#[tokio::test]
async fn another_accounts_request_is_not_mine() {
    let desk = TestApp::new().await;
    let (alice, bob) = (desk.alice().await, desk.bob().await);
    let secret = bob.reveals(&bob.first_key().await).await;
    desk.holder(&secret).get("/v1/key").await;
    desk.flush().await;
    assert_eq!((alice.get("/welcome/status").await.status, bob.get("/welcome/status").await.status), (204, 200));
}

#[tokio::test]
async fn a_seal_that_nobody_opened_says_so_on_the_first_screen() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    desk.pass(Duration::from_secs(24 * 3600));
    let alice = desk.signed_in(&alice.email).await;
    let page = alice.get("/welcome").await;
    assert_eq!(page.status, 200);
    page.says("Nobody revealed this key within 24 hours, so we destroyed it. Rotate to get a new one.");
    page.says_nothing_of("Reveal once");
}

#[tokio::test]
async fn without_a_key_the_first_screen_offers_to_create_one() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let id = alice.first_key().await;
    alice.post(&key_path(&id, "delete"), &[("name", "first-key")]).await.redirects_to("/settings/api-keys");
    let page = alice.get("/welcome").await;
    page.says("You have no key yet.");
    assert_eq!(page.link("Create a key").as_deref(), Some("/settings/api-keys/new"));
}

#[tokio::test]
async fn a_browser_that_hangs_up_takes_no_counts_with_it() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let secret = alice.reveals(&alice.first_key().await).await;
    for _ in 0..2 {
        desk.holder(&secret).get("/v1/inboxes").await;
    }
    // Nobody else writes meanwhile on SQLite, so the look at the page waits in its flush.
    let writing = desk.app.db.begin().await.expect("a transaction");
    {
        let looking = alice.get("/welcome/status");
        let patience = async {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = looking => {}
            () = patience => {}
        }
    }
    drop(writing);
    let counted = "select cast(coalesce(sum(ok), 0) as bigint) from usage_hours";
    let written = async {
        while desk.count(counted).await < 2 {
            desk.flush().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), written).await.expect("both requests are written");
    assert_eq!(alice.get("/welcome/status").await.status, 200);
}
