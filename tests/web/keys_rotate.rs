//! Rotation: two secrets while the grace lasts, one afterwards.

use std::time::Duration;

use keydesk::clock::{days, hours};

use crate::support::{Actor, TestApp, key_path};

async fn works(desk: &TestApp, secret: &str) -> bool {
    match desk.holder(secret).get("/v1/key").await.status {
        200 => true,
        401 => false,
        other => panic!("{other}"),
    }
}

async fn rotated(alice: &Actor, id: &str, grace: &str) -> String {
    alice.post(&key_path(id, "rotate"), &[("grace", grace)]).await.redirects_to(&key_path(id, ""));
    alice.reveals(id).await
}

#[tokio::test]
async fn both_secrets_work_until_the_grace_ends_to_the_microsecond() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for (grace, span) in [("1h", hours(1)), ("24h", hours(24)), ("7d", days(7))] {
        let alice = desk.signed_in(&alice.email).await;
        let key = alice.key(&format!("billing-{grace}"), &[("expires", "none")]).await;
        let new = rotated(&alice, &key.id, grace).await;
        assert_ne!(key.secret, new);
        assert!(works(&desk, &key.secret).await && works(&desk, &new).await, "{grace}: both at first");
        desk.pass(span.saturating_sub(Duration::from_micros(1)));
        assert!(works(&desk, &key.secret).await, "{grace}: the old one until its last microsecond");
        desk.pass(Duration::from_micros(1));
        assert!(!works(&desk, &key.secret).await, "{grace}: and no longer");
        assert!(works(&desk, &new).await, "{grace}: the new one goes on");
    }
}

#[tokio::test]
async fn without_a_grace_the_old_secret_dies_with_the_answer() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    alice.post(&key_path(&key.id, "rotate"), &[("grace", "0")]).await.redirects_to(&key_path(&key.id, ""));
    assert!(!works(&desk, &key.secret).await);
    assert!(works(&desk, &alice.reveals(&key.id).await).await);
}

#[tokio::test]
async fn the_same_key_goes_on_with_its_name_scopes_and_id() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let fields = [("preset", "custom"), ("scopes[]", "mail:send"), ("environment", "test"), ("expires", "30")];
    let key = alice.key("billing", &fields).await;
    let before = desk.holder(&key.secret).get("/v1/key").await.json();
    let new = rotated(&alice, &key.id, "24h").await;
    assert!(new.starts_with("kd_test_"));
    let mut after = desk.holder(&new).get("/v1/key").await.json();
    assert_eq!(after["last4"], new[new.len() - 4..]);
    assert_eq!(after["status"], "retiring");
    after["last4"] = before["last4"].clone();
    after["status"] = before["status"].clone();
    assert_eq!(after, before);
}

#[tokio::test]
async fn the_page_tells_of_the_old_key_and_stops_it_on_demand() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let form = alice.get(&key_path(&key.id, "rotate")).await;
    form.has_heading("Rotate billing");
    assert_eq!(form.chosen("grace"), ["24h"]);
    form.says("22 Nov 2026, 14:05 UTC. Recommended for planned rotation.");

    let new = rotated(&alice, &key.id, "24h").await;
    desk.holder(&key.secret).at("198.51.100.80").get("/v1/key").await;
    desk.flush().await;
    let page = alice.get(&key_path(&key.id, "")).await;
    page.says("Works until 22 Nov 2026, 14:05 UTC. 1 request with the old key since the rotation, the last less than a minute ago from 198.51.100.80; none with the new one.");
    page.says("When the first number stops growing, it’s safe to end it.");
    page.says(&format!("kd_live_…{}", &key.secret[key.secret.len() - 4..]));

    alice.post(&key_path(&key.id, "stop-old"), &[]).await.redirects_to(&key_path(&key.id, ""));
    assert!(!works(&desk, &key.secret).await && works(&desk, &new).await);
    let after = alice.get(&key_path(&key.id, "")).await;
    assert_eq!(after.flash().as_deref(), Some("billing now has one key. Requests with the old one fail with 401."));
    after.says_nothing_of("Old key");
    let before = desk.events(&alice).await.len();
    alice.post(&key_path(&key.id, "stop-old"), &[]).await.redirects_to(&key_path(&key.id, ""));
    assert_eq!(desk.events(&alice).await.len(), before, "there is nothing left to stop");
}

#[tokio::test]
async fn never_more_than_two_secrets_work_and_the_page_says_so_before() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let second = rotated(&alice, &key.id, "7d").await;
    alice.get(&key_path(&key.id, "rotate")).await.says("stops as soon as you rotate again, not in 7 days");
    let third = rotated(&alice, &key.id, "1h").await;
    assert!(!works(&desk, &key.secret).await, "it was said before");
    assert!(works(&desk, &second).await && works(&desk, &third).await);
    desk.pass(hours(1));
    assert!(!works(&desk, &second).await && works(&desk, &third).await);
    let alice = desk.signed_in(&alice.email).await;
    let fourth = rotated(&alice, &key.id, "24h").await;
    let fifth = rotated(&alice, &key.id, "0").await;
    assert!(!works(&desk, &third).await && !works(&desk, &fourth).await && works(&desk, &fifth).await);
}

#[tokio::test]
async fn a_grace_that_is_not_offered_changes_nothing() {
    let desk = TestApp::with_product(|product| product.rotation.grace = vec!["0".into(), "24h".into()]).await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let before = (desk.holdings().await, desk.events(&alice).await.len());
    for grace in ["", "7d", "1h", "24", "-1h", "forever"] {
        let answer = alice.post(&key_path(&key.id, "rotate"), &[("grace", grace)]).await;
        assert_eq!(answer.status, 422, "{grace}");
        assert_eq!(answer.problems(), ["Choose when the old key stops working."]);
    }
    assert_eq!((desk.holdings().await, desk.events(&alice).await.len()), before);
    assert!(works(&desk, &key.secret).await);
}

#[tokio::test]
async fn rotating_an_expired_key_does_not_bring_its_old_secret_back() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[("expires", "30")]).await;
    desk.pass(days(31));
    assert!(!works(&desk, &key.secret).await);
    let alice = desk.signed_in(&alice.email).await;
    let new = rotated(&alice, &key.id, "24h").await;
    assert!(works(&desk, &new).await, "the new secret has the same term again");
    assert!(!works(&desk, &key.secret).await, "the old one had ended for good");
}

#[tokio::test]
async fn a_deleted_key_is_not_rotated() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    alice.post(&key_path(&key.id, "delete"), &[("name", "billing")]).await;
    let before = desk.holdings().await;
    for act in ["rotate", "stop-old"] {
        let answer = alice.post(&key_path(&key.id, act), &[("grace", "24h")]).await;
        assert_eq!(answer.status, 404, "{act}");
    }
    assert_eq!(alice.get(&key_path(&key.id, "rotate")).await.status, 404);
    assert_eq!(desk.holdings().await, before);
}

#[tokio::test]
async fn a_form_that_was_answered_before_rotates_nothing() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let last4 = alice.get(&key_path(&key.id, "rotate")).await.value_of("last4");
    for _ in 0..2 {
        let answer = alice.post(&key_path(&key.id, "rotate"), &[("grace", "24h"), ("last4", &last4)]).await;
        answer.redirects_to(&key_path(&key.id, ""));
    }
    let new = alice.reveals(&key.id).await;
    assert!(works(&desk, &key.secret).await && works(&desk, &new).await, "the second press ended nothing");
}

#[tokio::test]
async fn a_rotation_gives_the_term_anew_and_promises_no_grace_beyond_the_expiry() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[("expires", "30")]).await;
    desk.pass(days(29));
    let alice = desk.signed_in(&alice.email).await;
    let before = desk.events(&alice).await.len();
    rotated(&alice, &key.id, "7d").await;
    let event = &desk.events(&alice).await[before];
    assert_eq!(event.detail, "old key stops in 24 hours");
    alice.get(&key_path(&key.id, "")).await.says("in 30 days");
}

/// Asks `times` times with a secret.
async fn asks(desk: &TestApp, secret: &str, times: u32) {
    for _ in 0..times {
        assert!(works(desk, secret).await);
    }
}

#[tokio::test]
async fn old_and_new_traffic_are_counted_apart_from_the_rotation_on() {
    let desk = TestApp::with_product(|product| product.rate_limit.per_minute = 0).await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[("expires", "none")]).await;
    asks(&desk, &key.secret, 7).await;
    let new = rotated(&alice, &key.id, "24h").await;
    desk.flush().await;
    let quiet = alice.get(&key_path(&key.id, "")).await;
    quiet.says("No requests with the old key since the rotation; none with the new one. It was last used less than a minute ago from 203.0.113.24.");

    asks(&desk, &key.secret, 3).await;
    asks(&desk, &new, 1200).await;
    desk.pass(Duration::from_secs(240));
    desk.flush().await;
    let sentence = "3 requests with the old key since the rotation, the last 4 minutes ago from 203.0.113.24; 1,200 with the new one.";
    alice.get(&key_path(&key.id, "")).await.says(sentence);
    alice.get(&key_path(&key.id, "rotate")).await.says(sentence);
    desk.pass(hours(1));
    let alice = desk.signed_in(&alice.email).await;
    asks(&desk, &key.secret, 2).await;
    desk.flush().await;
    alice.get(&key_path(&key.id, "")).await.says("5 requests with the old key since the rotation");

    let rows = desk.token_of(&alice).await.walks(&format!("/v1/usage?key={}", key.id)).await;
    let counted: Vec<_> = rows.iter().map(|row| (row["ok"].clone(), row["ok_old"].clone())).collect();
    assert_eq!(counted, [(2.into(), 2.into()), (1210.into(), 3.into())]);
    let days = desk.token_of(&alice).await.walks(&format!("/v1/usage?interval=day&key={}", key.id)).await;
    assert_eq!((&days[0]["ok"], &days[0]["ok_old"]), (&1212.into(), &5.into()));
}

#[tokio::test]
async fn a_second_rotation_begins_the_count_anew_within_the_same_hour() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let second = rotated(&alice, &key.id, "24h").await;
    asks(&desk, &key.secret, 4).await;
    asks(&desk, &second, 5).await;
    let third = rotated(&alice, &key.id, "24h").await;
    asks(&desk, &second, 2).await;
    asks(&desk, &third, 6).await;
    desk.flush().await;
    let page = alice.get(&key_path(&key.id, "")).await;
    page.says("2 requests with the old key since the rotation");
    page.says("; 6 with the new one.");
    let counted = format!("select ok_old from usage_hours where key_id = '{}'", key.id);
    assert_eq!(desk.count(&counted).await, 6, "four with the first, two with the second");
}

#[tokio::test]
async fn what_an_old_secret_is_refused_for_is_no_use_of_it() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[("preset", "send")]).await;
    rotated(&alice, &key.id, "24h").await;
    assert_eq!(desk.holder(&key.secret).get("/v1/inboxes").await.status, 403);
    desk.flush().await;
    alice
        .get(&key_path(&key.id, ""))
        .await
        .says("No requests with the old key since the rotation; none with the new one.");
}
