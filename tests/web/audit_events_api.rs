//! `GET /v1/audit-events`: the account's record for a program, whole and in order.

use serde_json::{Value, json};

use crate::support::{Actor, TestApp};

async fn ids(reader: &Actor, path: &str) -> Vec<String> {
    let events = reader.walks(path).await;
    events.iter().map(|event| event["id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn every_event_is_read_once_and_the_newest_first() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for number in 0..9 {
        alice.inbox(&format!("Inbox {number}")).await;
    }
    let reader = desk.token_of(&alice).await;
    let recorded: Vec<String> = desk.events(&alice).await.into_iter().rev().map(|event| event.id).collect();
    assert!(recorded.len() > 9);
    for limit in [1, 4, 100] {
        assert_eq!(ids(&reader, &format!("/v1/audit-events?limit={limit}")).await, recorded, "{limit} at a time");
    }
}

#[tokio::test]
async fn an_event_says_who_did_what_to_what_and_from_where() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let reader = desk.holder(&alice.key("reader", &[]).await.secret).at("198.51.100.80");
    reader.post_json("/v1/inboxes", &json!({ "name": "Orders" })).await;
    let answer = reader.get("/v1/audit-events?limit=1").await;
    let (event, next) = (&answer.json()["data"][0], &answer.json()["next"]);
    assert!(next.as_str().is_some_and(|next| next.parse::<u32>().is_ok()), "{next}");
    assert_eq!(event["request_id"].as_str().map(str::len), Some(20));
    let mut plain: Value = serde_json::from_str(&answer.plain_json()).expect("JSON");
    insta::assert_snapshot!(serde_json::to_string_pretty(&plain["data"][0].take()).expect("JSON"), @r#"
    {
      "action": "inbox.created",
      "actor": {
        "id": "key_…",
        "kind": "key",
        "name": "reader",
        "role": ""
      },
      "at": "2026-11-21T14:05:00Z",
      "detail": "",
      "id": "evt_…",
      "ip": "198.51.100.80",
      "request_id": "req_…",
      "sentence": "Created it",
      "target": {
        "id": "inb_…",
        "name": "Orders"
      },
      "user_agent": "curl/8.14"
    }
    "#);
}

#[tokio::test]
async fn the_events_of_one_key_are_told_apart() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    alice.inbox("Orders").await;
    alice.post(&crate::support::key_path(&key.id, "rotate"), &[("grace", "1h")]).await;
    let reader = desk.token_of(&alice).await;
    let events = reader.get(&format!("/v1/audit-events?target={}", key.id)).await.json()["data"].clone();
    let actions: Vec<_> = events.as_array().expect("events").iter().map(|event| event["action"].clone()).collect();
    assert_eq!(actions, ["key.rotated", "key.revealed", "key.created"]);
    assert_eq!(ids(&reader, &format!("/v1/audit-events?limit=2&target={}", key.id)).await.len(), 3);
}

#[tokio::test]
async fn nobody_reads_the_events_of_another_account() {
    let desk = TestApp::new().await;
    let (alice, bob) = (desk.alice().await, desk.bob().await);
    let key = alice.key("billing", &[]).await;
    let bobs = desk.token_of(&bob).await;
    let of_key = bobs.get(&format!("/v1/audit-events?target={}", key.id)).await;
    assert_eq!(of_key.json(), json!({ "data": [], "next": null }));
    let all = bobs.get("/v1/audit-events?limit=100&after=1000").await;
    assert!(!all.json()["data"].as_array().expect("events").is_empty());
    all.says_nothing_of("billing");
    all.says_nothing_of("alice");
}

#[tokio::test]
async fn an_auditor_reads_the_events_and_a_member_does_not() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let amir = desk.token_of(&desk.amir(&alice).await).await;
    let mei = desk.token_of(&desk.mei(&alice).await).await;
    assert_eq!(amir.get("/v1/audit-events").await.status, 200);
    assert_eq!(mei.get("/v1/audit-events").await.status, 403);
}
