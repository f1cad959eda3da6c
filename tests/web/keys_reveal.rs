//! The one-time reveal: exactly one answer ever holds the secret.

use axum::http::Method;
use keydesk::clock::{days, hours};
use tokio::task::JoinSet;

use crate::support::{TestApp, key_path};

#[tokio::test]
async fn a_secret_is_shown_once_and_the_second_reveal_names_who_was_first() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;

    let created = alice.get(&key_path(&id, "")).await;
    assert_eq!(created.status, 200);
    created.has_heading("Key created");
    assert_eq!(created.secrets(), Vec::<String>::new(), "the page before the reveal holds no secret");

    let revealed = alice.post(&key_path(&id, "reveal"), &[]).await;
    assert_eq!(revealed.status, 200);
    revealed.has_heading("Copy your key now");
    revealed.says("This is the only time you’ll see this key.");
    let secrets = revealed.secrets();
    assert!(secrets.iter().all(|secret| *secret == secrets[0] && secret.starts_with("kd_live_")));
    assert_eq!(desk.holder(&secrets[0]).get("/v1/key").await.status, 200);

    let again = alice.post(&key_path(&id, "reveal"), &[]).await;
    assert_eq!(again.status, 410);
    assert_eq!(again.secrets(), Vec::<String>::new());
    again.says("Revealed by Alice on 21 Nov 2026 at 14:05 UTC from 203.0.113.24. It can’t be shown again.");
    again.says("Rotate the key");
}

#[tokio::test]
async fn the_answer_with_the_secret_is_kept_by_nobody() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    let revealed = alice.post(&key_path(&id, "reveal"), &[]).await;
    assert_eq!(revealed.header("cache-control"), "no-store");
    assert_eq!(revealed.header("referrer-policy"), "no-referrer");
    assert_eq!(revealed.location(), "");
    let secret = &revealed.secrets()[0];
    assert!(
        !revealed
            .headers
            .values()
            .any(|value| value.as_bytes().windows(49).any(|part| secret.as_bytes().ends_with(part)))
    );
}

#[tokio::test]
async fn no_page_afterwards_holds_the_secret() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    for path in [
        "/welcome",
        "/settings/api-keys",
        "/settings/audit-log",
        "/settings/team",
        "/settings/inboxes",
        &key_path(&key.id, ""),
        &key_path(&key.id, "rotate"),
        &key_path(&key.id, "delete"),
    ] {
        let page = alice.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        page.says_nothing_of(&key.secret);
        page.says_nothing_of(&key.secret[8..51]);
    }
}

#[tokio::test]
async fn opening_the_reveal_by_get_head_or_prefetch_shows_nothing_and_uses_nothing_up() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    let path = key_path(&id, "reveal");
    for method in [Method::GET, Method::HEAD, Method::PUT] {
        let answer = alice.ask(method.clone(), &path).with("sec-purpose", "prefetch").send().await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), "POST", "{method}");
        assert_eq!(answer.secrets(), Vec::<String>::new());
    }
    assert_eq!((alice.get(&path).await.status, alice.head(&path).await.body.len()), (405, 0));
    assert!(alice.reveals(&id).await.starts_with("kd_live_"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_reveals_at_once_yield_exactly_one_secret() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    let mut reveals = JoinSet::new();
    for _ in 0..50 {
        let (alice, path) = (alice.clone(), key_path(&id, "reveal"));
        reveals.spawn(async move { alice.post(&path, &[]).await });
    }
    let answers = reveals.join_all().await;
    let with_secret: Vec<_> = answers.iter().filter(|answer| !answer.secrets().is_empty()).collect();
    assert_eq!(with_secret.len(), 1);
    assert_eq!(with_secret[0].status, 200);
    assert_eq!(answers.iter().filter(|answer| answer.status == 410).count(), 49);
    assert_eq!(desk.holder(&with_secret[0].secrets()[0]).get("/v1/key").await.status, 200);
    let codes = desk.codes_after(&alice, 0).await;
    assert_eq!(codes.iter().filter(|code| **code == "key.revealed").count(), 1);
    assert_eq!(codes.iter().filter(|code| **code == "key.reveal_refused").count(), 49);
}

#[tokio::test]
async fn a_seal_waits_a_day_and_is_then_destroyed() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[("expires", "none")]).await;
    desk.pass(hours(24));
    let alice = desk.signed_in(&alice.email).await;
    let late = alice.post(&key_path(&id, "reveal"), &[]).await;
    assert_eq!(late.status, 410);
    assert_eq!(late.secrets(), Vec::<String>::new());
    late.says("Nobody revealed this key within 24 hours, so we destroyed it. Rotate to get a new one.");

    let seals = format!("select count(*) from sealed_secrets where key_id = '{id}'");
    assert_eq!(desk.count(&seals).await, 1, "only the sweep removes it");
    desk.sweep().await;
    assert_eq!(desk.count(&seals).await, 0);
    assert_eq!(alice.post(&key_path(&id, "reveal"), &[]).await.status, 410);
}

#[tokio::test]
async fn a_seal_still_opens_in_its_last_minute() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    desk.pass(days(1).saturating_sub(std::time::Duration::from_secs(60)));
    desk.sweep().await;
    let alice = desk.signed_in(&alice.email).await;
    assert!(alice.reveals(&id).await.starts_with("kd_live_"));
}

#[tokio::test]
async fn only_an_administrator_of_the_account_reveals() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    let path = key_path(&id, "reveal");
    for (who, status) in [(desk.amir(&alice).await, 403), (desk.mei(&alice).await, 403), (desk.bob().await, 404)] {
        let answer = who.post(&path, &[]).await;
        assert_eq!(answer.status, status, "{}", who.email);
        assert_eq!(answer.secrets(), Vec::<String>::new());
    }
    let nobody = desk.visitor().post(&path, &[]).await;
    nobody.redirects_to("/sign-in");
    assert!(alice.reveals(&id).await.starts_with("kd_live_"), "nobody used the reveal up");
}

#[tokio::test]
async fn an_auditor_sees_the_sealed_key_without_a_way_to_open_it() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    let page = desk.amir(&alice).await.get(&key_path(&id, "")).await;
    assert_eq!(page.status, 200);
    page.has_heading("billing");
    page.says("Not revealed");
    page.says_nothing_of("Reveal once");
    page.says_nothing_of("/reveal");
}

#[tokio::test]
async fn a_reveal_that_began_on_the_first_screen_comes_back_to_it() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let id = alice.first_key().await;
    let revealed = alice.post(&key_path(&id, "reveal"), &[("from", "welcome")]).await;
    assert_eq!(revealed.status, 200);
    revealed.has_heading("Welcome to Keydesk");
    revealed.says("Store the key now, then make a request with it.");
    assert_eq!(revealed.header("cache-control"), "no-store");
    let again = alice.post(&key_path(&id, "reveal"), &[("from", "welcome")]).await;
    assert_eq!(again.status, 410);
    again.has_heading("Welcome to Keydesk");
    again.says("Revealed by Alice");
    let secret = &revealed.secrets()[0];
    assert_eq!(desk.holder(secret).get("/v1/key").await.status, 200);
}

#[tokio::test]
async fn a_reveal_and_a_refused_one_are_in_the_audit_log() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    let before = desk.events(&alice).await.len();
    alice.post(&key_path(&id, "reveal"), &[]).await;
    alice.post(&key_path(&id, "reveal"), &[]).await;
    assert_eq!(desk.codes_after(&alice, before).await, ["key.revealed", "key.reveal_refused"]);
    let log = alice.get("/settings/audit-log").await;
    log.says("Revealed the key key.revealed billing");
    log.says("Reveal refused key.reveal_refused billing");
}

#[tokio::test]
async fn a_deleted_key_is_not_revealed() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    alice.post(&key_path(&id, "delete"), &[("name", "billing")]).await.redirects_to("/settings/api-keys");
    let answer = alice.post(&key_path(&id, "reveal"), &[]).await;
    assert_eq!(answer.status, 410);
    assert_eq!(answer.secrets(), Vec::<String>::new());
    assert_eq!(desk.count(&format!("select count(*) from sealed_secrets where key_id = '{id}'")).await, 0);
}

#[tokio::test]
async fn a_key_that_does_not_exist_is_not_revealed() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let before = desk.events(&alice).await.len();
    let answer = alice.post("/settings/api-keys/key_0000000000000000/reveal", &[]).await;
    assert_eq!(answer.status, 404);
    answer.has_heading("There’s no key here");
    assert_eq!(desk.events(&alice).await.len(), before);
}
