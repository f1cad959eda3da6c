//! Searching the audit log: every filter stands in the address, narrows what is shown, and can be cleared again.

use std::time::Duration;

use crate::support::{Actor, TestApp, key_path};

const LOG: &str = "/settings/audit-log";

/// The codes of the events on a page, the newest first.
async fn codes(who: &Actor, query: &str) -> Vec<String> {
    let page = who.get(&format!("{LOG}?{query}")).await;
    assert_eq!(page.status, 200, "{query}");
    let html = page.html();
    let cells = html.split("c-what\">").skip(1);
    cells.filter_map(|cell| Some(cell.split_once("<code>")?.1.split_once("</code>")?.0.to_owned())).collect()
}

#[tokio::test]
async fn who_what_and_which_narrow_the_log_alone_and_together() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let amir = desk.amir(&alice).await;
    let key = alice.key("billing", &[]).await;
    desk.holder(&key.secret).post_json("/v1/inboxes", &serde_json::json!({ "name": "Orders" })).await;
    alice.post(&key_path(&key.id, "delete"), &[("name", "billing")]).await;
    assert_eq!(codes(&alice, "action=key.deleted").await, ["key.deleted"]);
    assert_eq!(codes(&alice, &format!("target={}", key.id)).await, ["key.deleted", "key.revealed", "key.created"]);
    assert_eq!(codes(&alice, &format!("target={}&action=key.created", key.id)).await, ["key.created"]);
    assert_eq!(codes(&alice, &format!("actor={}", key.id)).await, ["inbox.created"], "a key is an actor too");
    assert_eq!(codes(&alice, "actor=key").await, ["inbox.created"]);
    assert_eq!(codes(&alice, "actor=cli&action=member.created").await, ["member.created"]);
    assert_eq!(codes(&alice, &format!("actor={}", amir.user_id)).await, ["session.created"]);
    assert_eq!(codes(&alice, &format!("actor={}&action=key.deleted", amir.user_id)).await, Vec::<String>::new());

    let page = alice.get(&format!("{LOG}?action=key.deleted&actor={}", alice.user_id)).await;
    page.says("1 event matches, and an export holds it");
    let chosen: Vec<&str> = page.html().split("<option value=\"").filter(|it| it.contains("selected")).collect();
    assert!(chosen.len() == 2 && chosen[0].starts_with(&alice.user_id) && chosen[1].starts_with("key.deleted"));
    page.says("Alice · administrator Deleted the key key.deleted billing 203.0.113.24");
}

#[tokio::test]
async fn a_search_finds_names_addresses_and_ids() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing-worker", &[]).await;
    alice.clone().at("198.51.100.7").inbox("Émile’s Ärger 100%").await;
    assert_eq!(codes(&alice, "q=LING-work").await, ["key.revealed", "key.created"]);
    assert_eq!(codes(&alice, &format!("q={}", key.id)).await, ["key.revealed", "key.created"]);
    assert_eq!(codes(&alice, "q=198.51.100.7").await, ["inbox.created"]);
    for part in ["%C3%84rger", "rger%201", "100%25", "%20100"] {
        assert_eq!(codes(&alice, &format!("q={part}")).await, ["inbox.created"], "{part}");
    }
    assert_eq!(codes(&alice, "q=%25").await, ["inbox.created"], "no wildcard");
    assert_eq!(codes(&alice, "q=_").await, Vec::<String>::new());
    let event = desk.events(&alice).await.swap_remove(0);
    assert_eq!(codes(&alice, &format!("q={}", event.id)).await, [event.action.code()]);
    let bob = desk.bob().await;
    assert_eq!(codes(&bob, &format!("q={}", event.id)).await, Vec::<String>::new());
}

#[tokio::test]
async fn days_are_in_utc_and_a_span_ends_now() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    alice.inbox("Early").await;
    desk.pass(Duration::from_secs(9 * 3600 + 55 * 60));
    desk.signed_in(&alice.email).await.inbox("Midnight").await;
    desk.pass(Duration::from_secs(30 * 3600));
    let alice = desk.signed_in(&alice.email).await;
    assert_eq!(codes(&alice, "from=2026-11-23").await, ["session.created"]);
    assert_eq!(codes(&alice, "from=2026-11-22&to=2026-11-22").await, ["inbox.created", "session.created"]);
    assert_eq!(codes(&alice, "to=2026-11-21&action=inbox.created").await, ["inbox.created"]);
    assert_eq!(codes(&alice, "range=24h").await, ["session.created"]);
    assert_eq!(codes(&alice, "range=7d&action=inbox.created").await.len(), 2);
    assert_eq!(codes(&alice, "range=24h&to=2026-11-22").await, Vec::<String>::new());
    alice.get(&format!("{LOG}?from=2026-11-22")).await.says("Between two days");
}

#[tokio::test]
async fn what_matches_nothing_says_so_and_leads_back() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for query in ["q=nowhere", "action=key.exploded", "from=yesterday", "range=soon", "actor=usr_0", "actor=%27"] {
        let page = alice.get(&format!("{LOG}?{query}")).await;
        assert!(page.text().contains("No events match"), "{query}: {}", page.text());
        assert_eq!(page.link("Clear filters").as_deref(), Some(LOG), "{query}");
        assert_eq!(page.link("Export CSV"), None, "there is nothing to export");
    }
    alice.get(&format!("{LOG}?q=nowhere")).await.has_heading("No events match “nowhere”");
    let key = alice.key("billing", &[]).await;
    let page = alice.get(&format!("{LOG}?target={}&q=nowhere", key.id)).await;
    assert_eq!(page.link("Clear filters"), Some(format!("{LOG}?target={}", key.id)), "what it is narrowed to stays");
}

#[tokio::test]
async fn a_secret_that_is_searched_for_stands_in_no_address() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let last4 = &key.secret[key.secret.len() - 4..];
    let before = desk.events(&alice).await.len();
    for path in [LOG, "/settings/audit-log.csv", "/settings/audit-log.jsonl"] {
        let answer = alice.get(&format!("{path}?q={}&action=key.created", key.secret)).await;
        answer.redirects_to(&format!("{path}?q={last4}&action=key.created"));
    }
    for field in ["actor", "action", "range", "from", "target", "before", "after"] {
        alice.get(&format!("{LOG}?{field}={}", key.secret)).await.says_nothing_of(&key.secret);
    }
    assert_eq!(desk.events(&alice).await.len(), before);
}

#[tokio::test]
async fn pages_are_walked_there_and_back_without_losing_an_event() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for number in 0..117 {
        alice.post("/settings/inboxes", &[("name", &format!("Inbox {number}"))]).await;
        // Some at the same moment.
        desk.pass(Duration::from_micros(number % 2));
    }
    let names = |html: &str| -> Vec<String> {
        let cells = html.split("c-target\">").skip(1);
        cells.map(|cell| cell.split_once("</td>").expect("a cell").0.to_owned()).collect()
    };
    let (mut there, mut pages) = (Vec::new(), Vec::new());
    let mut next = Some(format!("{LOG}?action=inbox.created"));
    while let Some(path) = next {
        let page = alice.get(&path).await;
        there.extend(names(page.html()));
        next = page.link("Older");
        pages.push(page);
    }
    let expected: Vec<String> = (0..117).rev().map(|number| format!("Inbox {number}")).collect();
    assert_eq!((there.len(), pages.len()), (117, 3));
    assert_eq!(there, expected);
    assert_eq!(pages[0].link("Newer"), None);
    let second = alice.get(&pages[2].link("Newer").expect("a newer page")).await;
    assert_eq!(names(second.html()), names(pages[1].html()));
    let first = alice.get(&second.link("Newer").expect("a newer page")).await;
    assert_eq!(names(first.html()), names(pages[0].html()));
    assert_eq!(first.link("Newer"), None);
    assert_eq!(names(alice.get(&first.link("Older").expect("an older page")).await.html()), names(pages[1].html()));
    let lost = alice.get(&format!("{LOG}?action=inbox.created&before=evt_0000000000000000")).await;
    assert_eq!(names(lost.html()), names(pages[0].html()), "a place that nobody knows is the beginning");
}
