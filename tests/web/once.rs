//! `Idempotency-Key`: a program that got no answer asks again, and it happens once.

use axum::http::Method;
use keydesk::clock::days;
use serde_json::{Value, json};

use crate::support::{Actor, Answer, TestApp};

async fn send(maker: &Actor, path: &str, key: &str, body: &Value) -> Answer {
    maker.ask(Method::POST, path).with("idempotency-key", key).json(body).send().await
}

fn id(answer: &Answer) -> String {
    answer.json()["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_request_sent_again_makes_one_key_and_says_its_secret_once() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let maker = desk.holder(&alice.key("maker", &[]).await.secret);
    let body = json!({ "name": "worker", "scopes": ["mail:send"] });
    let first = send(&maker, "/v1/keys", "order-66", &body).await;
    let again = send(&maker, "/v1/keys", "order-66", &body).await;
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(id(&first), id(&again));
    assert!(first.json().get("secret").is_some() && again.json().get("secret").is_none());
    let other = json!({ "name": "other", "scopes": ["mail:send"] });
    let mixed_up = send(&maker, "/v1/keys", "order-66", &other).await;
    assert_eq!((mixed_up.status, mixed_up.json()["error"]["code"].as_str()), (409, Some("conflict")));
    assert_eq!(send(&maker, "/v1/keys", "order-67", &other).await.status, 201);
}

#[tokio::test]
async fn twelve_at_once_make_one() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let maker = desk.holder(&alice.key("maker", &[]).await.secret);
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let maker = maker.clone();
        requests.spawn(async move {
            send(&maker, "/v1/keys", "k", &json!({ "name": "worker", "scopes": ["mail:send"] })).await
        });
    }
    let answers = requests.join_all().await;
    assert!(answers.iter().all(|answer| answer.status == 201));
    assert_eq!(answers.iter().filter(|answer| answer.json().get("secret").is_some()).count(), 1);
    assert_eq!(desk.count("select count(*) from api_keys where name = 'worker'").await, 1);
}

#[tokio::test]
async fn a_key_of_one_path_or_account_means_nothing_to_another() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let maker = desk.holder(&alice.key("maker", &[]).await.secret);
    let bob = desk.bob().await;
    let bobs = desk.holder(&bob.key("maker", &[]).await.secret);
    let first = send(&maker, "/v1/inboxes", "same", &json!({ "name": "Orders" })).await;
    let again = send(&maker, "/v1/inboxes", "same", &json!({ "name": "Orders" })).await;
    assert_eq!((first.status, again.status, id(&first)), (201, 201, id(&again)));
    let elsewhere = send(&maker, "/v1/keys", "same", &json!({ "name": "k", "scopes": ["mail:send"] })).await;
    assert_eq!(elsewhere.status, 201, "{}", elsewhere.text());
    let theirs = send(&bobs, "/v1/inboxes", "same", &json!({ "name": "Support" })).await;
    assert_eq!(theirs.status, 201);
    assert_ne!(id(&theirs), id(&first));
}

#[tokio::test]
async fn a_request_that_failed_may_be_mended_and_a_day_later_a_key_is_free() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let maker = desk.holder(&alice.key("maker", &[("expires", "none")]).await.secret);
    assert_eq!(send(&maker, "/v1/inboxes", "k", &json!({ "name": "" })).await.status, 422);
    let mended = send(&maker, "/v1/inboxes", "k", &json!({ "name": "Orders" })).await;
    assert_eq!(mended.status, 201);
    desk.pass(days(1));
    desk.sweep().await;
    let new = send(&maker, "/v1/inboxes", "k", &json!({ "name": "Returns" })).await;
    assert_eq!(new.status, 201);
    assert_ne!(id(&new), id(&mended));
}

#[tokio::test]
async fn a_header_that_cannot_be_a_key_is_refused() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let maker = desk.holder(&alice.key("maker", &[]).await.secret);
    for bad in [String::new(), "x".repeat(256), "a\tb".into(), "ä".into()] {
        assert_eq!(send(&maker, "/v1/inboxes", &bad, &json!({ "name": "Orders" })).await.status, 400);
    }
    let two = maker.ask(Method::POST, "/v1/inboxes").with("idempotency-key", "a").with("idempotency-key", "b");
    assert_eq!(two.json(&json!({ "name": "Orders" })).send().await.status, 400);
    assert_eq!(alice.get("/settings/inboxes").await.rows().len(), 0);
}

#[tokio::test]
async fn a_rotation_sent_again_happens_once_and_says_its_secret_once() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let maker = desk.holder(&alice.key("maker", &[]).await.secret);
    let worker = alice.key("worker", &[]).await;
    let path = format!("/v1/keys/{}/rotate", worker.id);
    let first = send(&maker, &path, "r-1", &json!({ "grace": "1h" })).await;
    let again = send(&maker, &path, "r-1", &json!({ "grace": "1h" })).await;
    assert_eq!((first.status, again.status), (200, 200), "{}", again.text());
    let secret = first.json()["secret"].as_str().expect("a secret").to_owned();
    assert_eq!((again.json().get("secret"), &again.json()["last4"]), (None, &first.json()["last4"]));
    for working in [&worker.secret, &secret] {
        assert_eq!(desk.holder(working).get("/v1/key").await.status, 200, "the old one is in its grace still");
    }
    let mixed_up = send(&maker, &path, "r-1", &json!({ "grace": "0" })).await;
    assert_eq!((mixed_up.status, mixed_up.json()["error"]["code"].as_str()), (409, Some("conflict")));
    assert_eq!(desk.holder(&worker.secret).get("/v1/key").await.status, 200);
    assert_eq!(send(&maker, &path, "r-2", &json!({ "grace": "0" })).await.status, 200);
    assert_eq!(desk.holder(&worker.secret).get("/v1/key").await.status, 401);
}

#[tokio::test]
async fn twelve_rotations_at_once_are_one() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let maker = desk.holder(&alice.key("maker", &[]).await.secret);
    let path = format!("/v1/keys/{}/rotate", alice.key("worker", &[]).await.id);
    let before = desk.events(&alice).await.len();
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let (maker, path) = (maker.clone(), path.clone());
        requests.spawn(async move { send(&maker, &path, "k", &json!({})).await });
    }
    let answers = requests.join_all().await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(answers.iter().filter(|answer| answer.json().get("secret").is_some()).count(), 1);
    assert_eq!(desk.codes_after(&alice, before).await, ["key.rotated"]);
}

#[tokio::test]
async fn a_rotation_that_was_refused_may_be_mended() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let maker = desk.holder(&alice.key("maker", &[]).await.secret);
    let path = format!("/v1/keys/{}/rotate", alice.key("worker", &[]).await.id);
    assert_eq!(send(&maker, &path, "k", &json!({ "grace": "2h" })).await.status, 422);
    assert_eq!(send(&maker, &path, "k", &json!({ "grace": "1h" })).await.status, 200);
}
