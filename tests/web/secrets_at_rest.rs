//! After a walk through everything: what lies on disk and in the log holds nothing that would let a thief in.

use std::time::Duration;

use axum::http::Method;
use serde_json::json;

use crate::support::{PASSWORD, SECRET_FILE, TestApp, key_path, logged};

fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|part| part == needle.as_bytes())
}

/// Walks through the desk and answers every plaintext that came up, named.
async fn walk(desk: &TestApp) -> Vec<(&'static str, String)> {
    let alice = desk.alice().await;
    let mut known = vec![("the password", PASSWORD.to_owned())];
    known.push(("a device cookie", alice.cookie("keydesk-device").expect("a cookie")));
    known.push(("a session cookie", alice.cookie("keydesk").expect("a cookie")));
    let first = alice.reveals(&alice.first_key().await).await;
    let inbox = alice.inbox("Orders").await;
    let bound = alice.restricted_key("orders", &inbox).await;
    let key = alice.key("billing", &[]).await;
    alice.post(&key_path(&key.id, "rotate"), &[("grace", "24h")]).await;
    let rotated = alice.reveals(&key.id).await;
    for secret in [&first, &bound.secret, &key.secret, &rotated] {
        assert_eq!(desk.holder(secret).get("/v1/key").await.status, 200);
        known.push(("a secret", secret.clone()));
        known.push(("the random part of a secret", secret[8..51].to_owned()));
    }
    let granted = desk.log_in(&alice.email).await;
    let refresh = granted["refresh_token"].clone();
    let renewed = desk.visitor().post_json("/api/auth/refresh", &json!({ "refresh_token": refresh })).await.json();
    for grant in [&granted, &renewed] {
        for (what, field) in [("a session token", "token"), ("a refresh token", "refresh_token")] {
            known.push((what, grant[field].as_str().expect("a token").to_owned()));
        }
    }
    let token = renewed["token"].as_str().expect("a token").to_owned();
    desk.holder(&token).get("/v1/inboxes").await;
    desk.visitor().post("/sign-in", &[("email", &alice.email), ("password", "lantern copper orbit")]).await;
    known.push(("a wrong password", "lantern copper orbit".into()));

    // Where people put secrets by mistake.
    let program = desk.holder(&first);
    program.get(&format!("/v1/key?api_key={first}")).await;
    alice.get(&format!("/settings/api-keys?q={first}")).await;
    alice.get(&key_path(&first, "")).await;
    desk.visitor().get(&format!("/{first}")).await;
    desk.visitor().get(&format!("/v1/{token}")).await;
    desk.visitor().ask(Method::GET, "/v1/key").with("authorization", &format!("Basic {first}")).send().await;
    desk.flush().await;

    alice.post(&key_path(&key.id, "delete"), &[("name", "billing")]).await;
    let again = desk.signed_in(&alice.email).await;
    known.push(("a session cookie", again.cookie("keydesk").expect("a cookie")));
    again.post("/sign-out", &[]).await;
    desk.pass(Duration::from_secs(24 * 3600));
    desk.sweep().await;
    known
}

#[tokio::test]
async fn neither_the_database_nor_the_log_holds_a_plaintext() {
    let desk = TestApp::new().await;
    let known = walk(&desk).await;
    let (raw, log) = (desk.database.raw().await, logged());
    assert!(holds(&raw, "alice@halden.example"), "this is where the data lies");
    assert!(log.contains("Request answered"), "this is the log");
    for (what, plaintext) in &known {
        assert!(!holds(&raw, plaintext), "{what} stands in the database");
        assert!(!log.contains(plaintext), "{what} stands in the log");
    }
}

#[tokio::test]
async fn a_secret_in_the_path_of_a_request_is_not_remembered() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let secret = alice.reveals(&alice.first_key().await).await;
    let answer = desk.holder(&secret).get(&format!("/v1/inboxes/{secret}")).await;
    assert_eq!(answer.status, 404);
    desk.flush().await;
    assert!(!holds(&desk.database.raw().await, &secret), "it stands in the database");
    assert!(!logged().contains(&secret), "it stands in the log");
    let page = alice.get("/welcome").await;
    page.says("Waiting for your first request.");
    page.says_nothing_of(&secret);
}

#[tokio::test]
async fn a_sealed_secret_lies_encrypted_and_a_revealed_one_is_gone() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    assert_eq!(desk.count("select count(*) from sealed_secrets").await, 2);
    let raw = desk.database.raw().await;
    let secret = alice.reveals(&id).await;
    assert!(!holds(&raw, &secret) && !holds(&raw, &secret[8..51]));
    assert_eq!(desk.count(&format!("select count(*) from sealed_secrets where key_id = '{id}'")).await, 0);
}

#[tokio::test]
async fn where_keys_are_shown_again_the_same_holds_and_a_destroyed_envelope_is_gone() {
    let desk = TestApp::revealing_again().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    for _ in 0..3 {
        assert_eq!(alice.reveals(&key.id).await, key.secret);
    }
    desk.holder(&key.secret).get("/v1/key").await;
    desk.flush().await;
    alice.post("/re-authenticate", &[("password", "lantern copper orbit")]).await;
    alice.confirms("/settings").await.redirects_to("/settings");
    let (raw, log) = (desk.database.raw().await, logged());
    let cookie = alice.cookie("keydesk").expect("a cookie");
    for plaintext in [&key.secret, &key.secret[8..51], PASSWORD, "lantern copper orbit", &cookie] {
        assert!(!holds(&raw, plaintext), "it stands in the database");
        assert!(!log.contains(plaintext), "it stands in the log");
    }

    let envelope = desk.database.text(&format!("select sealed from kept_secrets where key_id = '{}'", key.id)).await;
    assert!(holds(&raw, &envelope), "this is where it lies");
    let once = desk.restarted(|product| product.keys.reveal = keydesk::product::Reveal::Once, SECRET_FILE).await;
    once.sweep().await;
    assert!(!holds(&desk.database.raw().await, &envelope), "in the file or in its log");
}

#[tokio::test]
async fn what_the_desk_says_of_itself_for_debugging_holds_no_secret() {
    let desk = TestApp::new().await;
    let secret = keydesk::model::secret::Secret::generate("kd_live_", &desk.app.entropy);
    assert!(!format!("{secret:?}").contains(&secret.reveal()[8..]));
    assert_eq!(format!("{:?}", desk.app.keyring), "Keyring(…)");
}
