//! The keys that session tokens are signed with: another takes over, and nobody notices but whoever was to.

use std::time::Duration;

use keydesk::jobs;
use keydesk::store::session_keys::{self, Takeover};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::{Actor, Signer, TestApp, token_part};

const MINUTE: Duration = Duration::from_secs(60);

fn kids_of(generations: &[u8]) -> Vec<String> {
    generations.iter().map(|generation| Signer::of(*generation).kid()).collect()
}

/// The token and the refresh token of a new session.
async fn logged_in(desk: &TestApp, who: &Actor) -> (String, Value) {
    let granted = desk.log_in(&who.email).await;
    (granted["token"].as_str().expect("a token").to_owned(), json!({ "refresh_token": granted["refresh_token"] }))
}

async fn status(desk: &TestApp, token: &str) -> u16 {
    desk.holder(token).get("/v1/keys").await.status
}

#[tokio::test]
async fn a_new_key_is_published_a_minute_before_it_signs_and_the_old_one_ends_after_its_last_token() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    assert_eq!(desk.kids().await, kids_of(&[1]));
    desk.rotates_session_keys(Takeover::Announced).await.expect("a new key");
    assert_eq!(desk.kids().await, kids_of(&[2, 1]), "whoever keeps the set has both");

    desk.pass(Duration::from_secs(59));
    let (last, _) = logged_in(&desk, &alice).await;
    assert_eq!(token_part(&last, 0)["kid"], kids_of(&[1])[0], "the new one has given a minute's notice");
    desk.pass(Duration::from_secs(1));
    let (first, _) = logged_in(&desk, &alice).await;
    assert_eq!(token_part(&first, 0)["kid"], kids_of(&[2])[0]);
    assert_eq!((status(&desk, &last).await, status(&desk, &first).await), (200, 200));
    desk.pass(Duration::from_secs(628));
    assert_eq!(status(&desk, &last).await, 200, "no token dies of the rotation");

    desk.pass(Duration::from_secs(900 - 629));
    assert_eq!(desk.kids().await, kids_of(&[2, 1]));
    desk.pass(Duration::from_secs(1));
    assert_eq!(desk.kids().await, kids_of(&[2]), "without being told again");
    let mut claims = token_part(&last, 1);
    for time in ["iat", "nbf", "exp"] {
        claims[time] = json!(claims[time].as_i64().expect("a time") + 15 * 60);
    }
    let statuses = [Signer::of(1), Signer::of(2)].map(|signer| signer.token(&claims));
    assert_eq!((status(&desk, &statuses[0]).await, status(&desk, &statuses[1]).await), (401, 200));
}

#[tokio::test]
async fn a_key_that_is_dropped_now_opens_nothing_and_people_stay_logged_in() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let (token, refresh) = logged_in(&desk, &alice).await;
    desk.rotates_session_keys(Takeover::Announced).await.expect("a new key");
    desk.rotates_session_keys(Takeover::Now).await.expect("a new key");
    assert_eq!(desk.kids().await, kids_of(&[3]), "the one that was only announced goes too");
    assert_eq!(status(&desk, &token).await, 401);
    let renewed = desk.visitor().post_json("/api/auth/refresh", &refresh).await.json();
    let token = renewed["token"].as_str().expect("a token");
    assert_eq!(token_part(token, 0)["kid"], kids_of(&[3])[0]);
    assert_eq!(status(&desk, token).await, 200);
    assert_eq!(alice.get("/settings/api-keys").await.status, 200);
}

#[tokio::test]
async fn there_are_never_more_than_four_keys() {
    let desk = TestApp::new().await;
    for _ in 0..3 {
        desk.rotates_session_keys(Takeover::Announced).await.expect("a new key");
        desk.pass(MINUTE);
    }
    assert_eq!(desk.kids().await, kids_of(&[4, 3, 2, 1]));
    let refused = desk.rotates_session_keys(Takeover::Announced).await.expect_err("a fifth");
    assert_eq!(
        refused.to_string(),
        "4 keys verify already. The next of them ends at 2026-11-21T14:21:00Z; rotate after that, or with --now to drop them all at once."
    );
    assert_eq!(desk.kids().await, kids_of(&[4, 3, 2, 1]));
    desk.pass(13 * MINUTE);
    desk.rotates_session_keys(Takeover::Announced).await.expect("room again");
    assert_eq!(desk.kids().await, kids_of(&[5, 4, 3, 2]));
    desk.rotates_session_keys(Takeover::Now).await.expect("a new key");
    assert_eq!(desk.kids().await, kids_of(&[6]));
}

#[tokio::test]
async fn a_desk_that_serves_learns_of_it_and_one_that_starts_knows_it() {
    let desk = TestApp::new().await;
    let elsewhere = desk.started_again(|_| {}).await;
    let serving = tokio::spawn(jobs::run(desk.app.background()));
    elsewhere.rotates_session_keys(Takeover::Now).await.expect("a new key");
    let learned = async {
        while desk.kids().await != kids_of(&[2]) {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), learned).await.expect("it is heard of");
    serving.abort();
    assert_eq!(desk.started_again(|_| {}).await.kids().await, kids_of(&[2]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_who_rotate_at_once_make_two_keys() {
    let desk = TestApp::new().await;
    let rotate = || session_keys::rotate(&desk.app.db, Takeover::Announced, desk.app.now());
    let (one, other) = tokio::join!(rotate(), rotate());
    assert!(one.is_ok() && other.is_ok());
    desk.learns_of_session_keys().await;
    assert_eq!(desk.kids().await, kids_of(&[3, 2, 1]));
    let unended = "select count(*) from session_keys where verifies_until is null";
    assert_eq!(desk.count(unended).await, 1, "only the newest has no end");
}

#[tokio::test]
async fn the_key_set_is_kept_for_less_long_than_a_new_key_waits() {
    let desk = TestApp::new().await;
    let set = desk.visitor().get("/.well-known/jwks.json").await;
    assert_eq!(set.header("cache-control"), "public, max-age=30");
    let key = &set.json()["keys"][0];
    assert_eq!((&key["alg"], &key["kty"], &key["d"]), (&json!("EdDSA"), &json!("OKP"), &Value::Null));
}
