//! Long lists without JavaScript, by ordinary clicks, wide and on a phone: the pages of the keys and of the audit log,
//! the log's filters, and its files.

use axum::http::Method;
use serde_json::{Value as Json, json};

use crate::audit;
use crate::browser::Browser;
use crate::caller::call;
use crate::desk::Desk;
use crate::flows::walk_without_javascript;

const LOG: &str = "/settings/audit-log";

/// Adds so many keys over the API: worker-01, worker-02 and so on.
async fn add_keys(origin: &str, secret: &str, count: usize) {
    for number in 1..=count {
        let body = json!({ "name": format!("worker-{number:02}"), "scopes": ["mail:send"] });
        let (status, key) = call(origin, secret, Method::POST, "/v1/keys", Some(body)).await;
        assert_eq!(status, 201, "{key}");
        audit::note(key["secret"].as_str().expect("a new key has a secret"));
    }
}

async fn names(ana: &Browser) -> Vec<String> {
    ana.texts("tbody th > a").await
}

/// What the log says happened, the newest first.
async fn events(ana: &Browser) -> Vec<String> {
    ana.texts(".c-what").await
}

/// The pages that can be gone to from this one.
async fn ways_on(ana: &Browser) -> Vec<String> {
    ana.texts(".pager a").await
}

/// Back and forth in a log that is longer than a page.
async fn walk_the_log(ana: &Browser) {
    ana.goto(LOG).await;
    let newest = events(ana).await;
    assert_eq!(newest.len(), 50);
    assert_eq!(ways_on(ana).await, ["Older"]);
    ana.follow("Older").await;
    let oldest = events(ana).await;
    assert!((1..50).contains(&oldest.len()), "{oldest:?}");
    assert!(oldest.iter().any(|event| event.starts_with("Created the account")), "{oldest:?}");
    assert_eq!(ways_on(ana).await, ["Newer"]);
    ana.follow("Newer").await;
    assert_eq!(events(ana).await, newest);
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn lists_longer_than_a_page_are_walked_there_and_back() {
    walk_without_javascript(&Desk::start(), async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        let secret = ana.reveal().await;
        add_keys(ana.origin(), &secret, 52).await;
        ana.goto("/settings/api-keys?sort=name").await;
        let first = names(ana).await;
        assert_eq!((first.len(), first[0].as_str(), first[49].as_str()), (50, "first-key", "worker-49"));
        ana.see("Showing 1–50 of 53 keys").await;
        assert_eq!(ways_on(ana).await, ["Next"]);
        ana.follow("Next").await;
        assert_eq!(names(ana).await, ["worker-50", "worker-51", "worker-52"]);
        ana.see("Showing 51–53 of 53 keys").await;
        assert_eq!(ways_on(ana).await, ["Previous"]);
        ana.follow("Previous").await;
        assert_eq!(names(ana).await, first);
        ana.see("Showing 1–50 of 53 keys").await;
        assert_eq!(ways_on(ana).await, ["Next"]);

        // What was searched for goes along, and a menu opens on the page where its row is.
        ana.fill("q", "worker").await;
        ana.press("Filter").await;
        ana.see("Showing 1–50 of 52 keys").await;
        ana.follow("Next").await;
        assert_eq!(ana.value("q").await, "worker");
        assert_eq!(names(ana).await, ["worker-51", "worker-52"]);
        ana.open_menu("worker-52").await;
        ana.see("View details").await;
        assert_eq!(names(ana).await, ["worker-51", "worker-52"]);
        walk_the_log(ana).await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn the_audit_log_is_filtered_by_what_who_when_and_a_search() {
    walk_without_javascript(&Desk::start(), async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        ana.reveal().await;
        ana.goto(LOG).await;
        let all = events(ana).await;
        assert!(all.len() > 2, "{all:?}");
        ana.choose("action", "key.revealed").await;
        ana.press("Filter").await;
        assert!(ana.is_chosen("action", "key.revealed").await);
        let found = events(ana).await;
        assert!(found.len() == 1 && found[0].starts_with("Revealed the key"), "{found:?}");
        ana.see("1 event matches, and an export holds it").await;

        ana.choose("actor", "system").await;
        ana.press("Filter").await;
        ana.see("No events match").await;
        assert!(!ana.text().await.contains("Export CSV"), "there is nothing to export");
        ana.follow("Clear filters").await;
        assert_eq!(events(ana).await, all);

        ana.click("Between two days").await;
        ana.fill("from", "2020-01-01").await;
        ana.fill("to", "2020-01-31").await;
        ana.press("Filter").await;
        ana.see("No events match").await;
        assert_eq!(ana.value("from").await, "2020-01-01");
        ana.follow("Clear filters").await;

        ana.fill("q", "first-key").await;
        ana.choose("range", "24h").await;
        ana.press("Filter").await;
        let targets = ana.texts(".c-target").await;
        assert!(!targets.is_empty() && targets.iter().all(|target| target == "first-key"), "{targets:?}");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn an_export_holds_what_the_filters_match_and_is_recorded() {
    walk_without_javascript(&Desk::start(), async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        ana.reveal().await;
        ana.goto(LOG).await;
        ana.choose("action", "key.revealed").await;
        ana.press("Filter").await;

        let csv = ana.download("Export CSV").await;
        assert!(csv.name.starts_with("audit-log-"), "{}", csv.name);
        assert_eq!(csv.name.rsplit('.').next(), Some("csv"));
        let lines: Vec<&str> = csv.text.lines().collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("time,event_id,action,"), "{lines:?}");
        assert!(lines[1].contains(",key.revealed,") && lines[1].contains(",first-key,"), "{lines:?}");

        let json = ana.download("Export JSON").await;
        assert_eq!(json.name.rsplit('.').next(), Some("jsonl"));
        let event: Json = serde_json::from_str(&json.text).expect("one event in JSON");
        assert_eq!((&event["action"], &event["target"]["name"]), (&json!("key.revealed"), &json!("first-key")));

        ana.goto(LOG).await;
        let recorded = events(ana).await;
        for form in ["as JSON Lines", "as CSV"] {
            let said = format!("Exported the audit log, 1 event {form}, only action key.revealed");
            assert!(recorded.iter().any(|event| event.starts_with(&said)), "{recorded:?}");
        }
    })
    .await;
}
