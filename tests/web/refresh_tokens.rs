//! Refresh tokens: each once for its successor, the same successor again for ten seconds, and the end of the session after
//! that.

use std::time::Duration;

use keydesk::clock::days;
use serde_json::{Value, json};

use crate::support::{Actor, Answer, TestApp};

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

/// Spends the refresh token of an answer.
async fn refreshes(desk: &TestApp, granted: &Value) -> Answer {
    let body = json!({ "refresh_token": granted["refresh_token"] });
    desk.visitor().post_json("/api/auth/refresh", &body).await
}

async fn has_ended(desk: &TestApp, alice: &Actor, granted: &Value) {
    assert_eq!(desk.holder(text(&granted["token"])).get("/v1/key").await.status, 401);
    assert_eq!(refreshes(desk, granted).await.status, 401);
    let last = desk.events(alice).await.pop().expect("an event");
    assert_eq!(
        (last.action.code(), last.detail.as_str()),
        ("session.ended", "because a spent refresh token came again")
    );
}

#[tokio::test]
async fn a_refresh_token_is_spent_for_its_successor() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let first = desk.log_in(&alice.email).await;
    desk.pass(Duration::from_secs(3600));
    assert_eq!(desk.holder(text(&first["token"])).get("/v1/key").await.status, 401);
    let refresh = json!({ "refresh_token": first["refresh_token"] });
    let answer = desk.visitor().post_json("/api/auth/refresh", &refresh).await;
    assert_eq!(answer.status, 200);
    let second = answer.json();
    assert_eq!(second["user"], first["user"]);
    assert_eq!(second["expires_at"], "2026-11-21T15:15:00Z");
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_eq!(desk.holder(text(&second["token"])).get("/v1/key").await.status, 200);
}

#[tokio::test]
async fn a_spent_refresh_token_that_comes_again_after_ten_seconds_ends_the_session_and_leaves_a_trace() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let first = desk.log_in(&alice.email).await;
    let spent = json!({ "refresh_token": first["refresh_token"] });
    let second = desk.visitor().post_json("/api/auth/refresh", &spent).await.json();
    desk.pass(Duration::from_secs(10));
    let before = desk.events(&alice).await.len();
    assert_eq!(desk.visitor().post_json("/api/auth/refresh", &spent).await.status, 401);
    assert_eq!(desk.holder(text(&second["token"])).get("/v1/key").await.status, 401, "somebody copied it");
    let successor = json!({ "refresh_token": second["refresh_token"] });
    assert_eq!(desk.visitor().post_json("/api/auth/refresh", &successor).await.status, 401);
    assert_eq!(desk.codes_after(&alice, before).await, ["session.ended"]);
}

#[tokio::test]
async fn a_refresh_token_ends_with_its_thirty_days() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let first = desk.log_in(&alice.email).await;
    desk.pass(days(30));
    let refresh = json!({ "refresh_token": first["refresh_token"] });
    assert_eq!(desk.visitor().post_json("/api/auth/refresh", &refresh).await.status, 401);
}

#[tokio::test]
async fn a_lost_answer_is_given_again_for_ten_seconds() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let first = desk.log_in(&alice.email).await;
    let lost = refreshes(&desk, &first).await.json();
    let before = desk.events(&alice).await.len();
    desk.pass(Duration::from_millis(9_999));
    let again = refreshes(&desk, &first).await;
    assert_eq!(again.status, 200);
    let again = again.json();
    assert_eq!(again["refresh_token"], lost["refresh_token"], "there is one successor");
    for granted in [&lost, &again] {
        assert_eq!(desk.holder(text(&granted["token"])).get("/v1/key").await.status, 200);
    }
    assert_eq!(desk.codes_after(&alice, before).await, [""; 0]);
    desk.pass(days(1));
    assert_eq!(refreshes(&desk, &again).await.status, 200, "and it is worth what it was");
}

#[tokio::test]
async fn a_spent_token_whose_successor_is_spent_too_ends_the_session_at_once() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let first = desk.log_in(&alice.email).await;
    let second = refreshes(&desk, &first).await.json();
    let third = refreshes(&desk, &second).await.json();
    assert_eq!(refreshes(&desk, &second).await.json()["refresh_token"], third["refresh_token"]);
    assert_eq!(refreshes(&desk, &first).await.status, 401, "whoever has only the first did not spend the second");
    has_ended(&desk, &alice, &third).await;
}

#[tokio::test]
async fn nothing_is_given_again_once_the_session_has_ended() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let first = desk.log_in(&alice.email).await;
    let second = refreshes(&desk, &first).await.json();
    let out = json!({ "refresh_token": second["refresh_token"] });
    assert_eq!(desk.visitor().post_json("/api/auth/logout", &out).await.status, 204);
    assert_eq!(refreshes(&desk, &first).await.status, 401);
}

#[tokio::test]
async fn another_node_gives_the_same_again() {
    let desk = TestApp::new().await;
    let other = desk.started_again(|_| {}).await;
    let alice = desk.alice().await;
    let first = desk.log_in(&alice.email).await;
    let here = refreshes(&desk, &first).await.json();
    assert_eq!(refreshes(&other, &first).await.json()["refresh_token"], here["refresh_token"]);
}

#[tokio::test]
async fn what_a_successor_is_made_with_is_forgotten_after_its_ten_seconds() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let first = desk.log_in(&alice.email).await;
    let second = refreshes(&desk, &first).await.json();
    let raw = desk.database.raw().await;
    let random = text(&second["refresh_token"]).strip_prefix("kdrefresh_").expect("a prefix").as_bytes();
    assert!(!raw.windows(random.len()).any(|part| part == random), "the successor stands in the database");
    let salts = "select count(*) from refresh_tokens where successor_salt is not null";
    desk.sweep().await;
    assert_eq!(desk.count(salts).await, 1);
    desk.pass(Duration::from_secs(10));
    desk.sweep().await;
    assert_eq!(desk.count(salts).await, 0);
    assert_eq!(refreshes(&desk, &second).await.status, 200);
}
