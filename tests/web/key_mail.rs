//! Mail about keys: to whom, about what, and each once, whatever restarts and whichever process is first.

use std::time::Duration;

use keydesk::clock::{days, hours};
use keydesk::model::user::Role;
use keydesk::product::KeyAct;
use keydesk::store::usage::{self, KeyUse};

use crate::support::{Actor, TestApp, key_path};

const LIST: &str = "/settings/api-keys";

/// Subjects, each behind its recipient's name, in order.
async fn told(desk: &TestApp) -> Vec<String> {
    desk.remind().await;
    let mails = desk.mail().await;
    let mut told: Vec<String> = mails
        .iter()
        .map(|mail| format!("{}: {}", mail.to.split('@').next().unwrap_or_default(), mail.subject))
        .collect();
    told.sort_unstable();
    told
}

/// Alice, whose first mails have gone out and whose first key is deleted.
async fn alice(desk: &TestApp) -> Actor {
    let alice = desk.alice().await;
    let first = alice.first_key().await;
    alice.post(&key_path(&first, "delete"), &[("name", "first-key")]).await.redirects_to(LIST);
    desk.mail().await;
    alice
}

/// Counts requests of a key, as the gate would have, so many hours ago.
async fn counts(desk: &TestApp, of: &Actor, key_id: &str, hours_ago: i64, (ok, refused): (i64, i64)) {
    let mut counted = KeyUse::of(&of.account_id, key_id, String::new());
    counted.count(desk.app.now().hour() - hours_ago, ok, &[("scope_missing", refused)]);
    usage::flush(&desk.app.db, std::iter::once(&counted)).await.expect("the database takes the counts");
}

#[tokio::test]
async fn the_other_administrators_hear_of_a_new_key_once() {
    let desk = TestApp::new().await;
    let alice = alice(&desk).await;
    let tomas = desk.joined_as(&alice, "tomas@halden.example", "Tomas Lind", Role::Administrator).await;
    desk.amir(&alice).await;
    desk.mail().await;
    let id = alice.creates("billing", &[("preset", "custom"), ("scopes[]", "mail:send")]).await;
    let mails = desk.mail().await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    let mail = &mails[0];
    assert_eq!(
        (mail.to.as_str(), mail.subject.as_str()),
        ("tomas@halden.example", "New API key billing for Halden Freight")
    );
    assert!(mail.text.contains("Alice created the API key billing (kd_live_…"), "{}", mail.text);
    assert!(
        mail.text.contains("on 21 Nov 2026, 14:05 UTC") && mail.text.contains("It may: mail:send."),
        "{}",
        mail.text
    );
    assert_eq!(mail.link(), key_path(&id, ""));
    assert_eq!(tomas.get(&mail.link()).await.status, 200);
    assert_eq!(told(&desk).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_program_that_makes_keys_all_day_fills_no_mailbox() {
    let desk = TestApp::new().await;
    let alice = alice(&desk).await;
    desk.joined_as(&alice, "tomas@halden.example", "Tomas Lind", Role::Administrator).await;
    desk.mail().await;
    for number in 0..25 {
        alice.creates(&format!("key-{number}"), &[]).await;
    }
    assert_eq!(desk.mail().await.len(), 20);
    desk.pass(days(1) + hours(1));
    let alice = desk.signed_in(&alice.email).await;
    desk.mail().await;
    alice.creates("another", &[]).await;
    assert_eq!(desk.mail().await.len(), 1);
}

#[tokio::test]
async fn whoever_created_a_key_hears_that_somebody_else_revealed_it() {
    let desk = TestApp::new().await;
    let alice = alice(&desk).await;
    let tomas = desk.joined_as(&alice, "tomas@halden.example", "Tomas Lind", Role::Administrator).await;
    let (own, other) = (alice.creates("own", &[]).await, alice.creates("billing", &[]).await);
    desk.mail().await;
    alice.reveals(&own).await;
    assert_eq!(told(&desk).await, Vec::<String>::new());
    let secret = tomas.reveals(&other).await;
    let mails = desk.mail().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(
        (mails[0].to.as_str(), mails[0].subject.as_str()),
        (alice.email.as_str(), "billing was revealed by Tomas Lind")
    );
    assert!(
        mails[0].text.contains("which you created, on 21 Nov 2026, 14:05 UTC from 203.0.113.24."),
        "{}",
        mails[0].text
    );
    assert!(!mails[0].text.contains(&secret) && !mails[0].html.contains(&secret));
}

#[tokio::test]
async fn an_expiry_is_said_14_and_3_days_before_and_when_it_came_each_once_by_any_process() {
    let desk = TestApp::with_product(|product| product.rotation.recommended_days = 0).await;
    let alice = alice(&desk).await;
    alice.creates("billing", &[("expires", "30")]).await;
    alice.creates("short", &[("expires", "30"), ("expires_on", "2026-11-25")]).await;
    assert_eq!(told(&desk).await, Vec::<String>::new());
    let expected: [(u64, &[&str]); 7] = [
        // 25 Nov ends 4 days and some hours from the start; it was never 14 days away.
        (2, &["alice: short expires in 2 days"]),
        (3, &["alice: short has expired"]),
        (11, &["alice: billing expires in 14 days"]),
        (1, &[]),
        (10, &["alice: billing expires in 3 days"]),
        (2, &[]),
        (1, &["alice: billing has expired"]),
    ];
    for (passed, subjects) in expected {
        desk.pass(days(passed));
        let elsewhere = desk.started_again(|product| product.rotation.recommended_days = 0).await;
        // Both look at the same time, and one of them sends.
        let (here, there) = tokio::join!(desk.remind_silently(), elsewhere.remind_silently());
        here.and(there).expect("the database answers");
        let mut all = desk.mail().await;
        all.extend(elsewhere.mail().await);
        let mut found: Vec<String> = all
            .iter()
            .map(|mail| format!("{}: {}", mail.to.split('@').next().unwrap_or_default(), mail.subject))
            .collect();
        found.sort_unstable();
        assert_eq!(found, subjects, "after another {passed} days");
        for process in [&desk, &elsewhere] {
            assert_eq!(told(process).await, Vec::<String>::new(), "said once");
        }
    }
}

#[tokio::test]
async fn what_is_not_so_any_more_is_not_said() {
    let desk = TestApp::with_product(|product| product.rotation.recommended_days = 0).await;
    let alice = alice(&desk).await;
    let ids = [
        alice.creates("deleted", &[("expires", "30")]).await,
        alice.creates("rotated", &[("expires", "30")]).await,
        alice.creates("paused", &[("expires", "30")]).await,
    ];
    desk.pass(days(16));
    let alice = desk.signed_in(&alice.email).await;
    desk.mail().await;
    desk.remind().await;
    alice.post(&key_path(&ids[0], "delete"), &[("name", "deleted")]).await.redirects_to(LIST);
    alice.post(&key_path(&ids[1], "rotate"), &[("grace", "0")]).await;
    alice.post(&key_path(&ids[2], "pause"), &[]).await;
    let subjects: Vec<String> = desk.mail().await.into_iter().map(|mail| mail.subject).collect();
    assert_eq!(subjects, ["rotated expires in 30 days"], "which it says of the key as it is by then");
}

#[tokio::test]
async fn a_reminder_goes_to_the_creator_and_to_every_administrator_once_they_left() {
    let desk = TestApp::with_product(|product| product.rotation.recommended_days = 0).await;
    let alice = alice(&desk).await;
    let tomas = desk.joined_as(&alice, "tomas@halden.example", "Tomas Lind", Role::Administrator).await;
    desk.joined_as(&alice, "priya@halden.example", "Priya Nair", Role::Administrator).await;
    desk.amir(&alice).await;
    tomas.creates("billing", &[("expires", "30")]).await;
    desk.pass(days(16));
    desk.mail().await;
    assert_eq!(told(&desk).await, ["tomas: billing expires in 14 days"]);
    desk.database.run(&format!("update users set role = 'auditor' where id = '{}'", tomas.user_id)).await;
    desk.pass(days(11));
    assert_eq!(told(&desk).await, ["alice: billing expires in 3 days", "priya: billing expires in 3 days"]);
}

#[tokio::test]
async fn the_expiring_mail_leads_to_a_form_that_is_filled_from_the_key() {
    let desk = TestApp::with_product(|product| product.rotation.recommended_days = 0).await;
    let (alice, bob) = (alice(&desk).await, desk.bob().await);
    let inbox = alice.inbox("Orders").await;
    let fields = [
        ("type", "restricted"),
        ("inbox", inbox.as_str()),
        ("environment", "test"),
        ("preset", "custom"),
        ("scopes[]", "mail:send"),
        ("scopes[]", "mail:read"),
        ("allowed_ips", "203.0.113.0/24\n192.0.2.7/32"),
        ("expires", "30"),
    ];
    let old = alice.creates("order-mails", &fields).await;
    desk.pass(days(16));
    let (alice, bob) = (desk.signed_in(&alice.email).await, desk.signed_in(&bob.email).await);
    desk.mail().await;
    desk.remind().await;
    let mails = desk.mail().await;
    let mail = mails.iter().find(|mail| mail.subject.contains("order-mails")).expect("the mail");
    assert_eq!(mail.link(), format!("/settings/api-keys/new?from={old}"));
    assert!(
        mail.text.contains("Nobody has used it yet.") && mail.text.contains("Rotating it instead"),
        "{}",
        mail.text
    );
    let form = alice.get(&mail.link()).await;
    form.has_heading("Create a restricted key");
    assert_eq!((form.value_of("name").as_str(), form.value_of("environment").as_str()), ("order-mails-2", "test"));
    assert_eq!(form.chosen("scopes[]"), ["mail:send", "mail:read"]);
    assert_eq!(
        (form.chosen("expires"), form.value_of("allowed_ips").as_str()),
        (vec!["30".into()], "203.0.113.0/24 192.0.2.7/32")
    );
    assert!(form.html().contains(&format!("value=\"{inbox}\" selected")));
    for id in [old.as_str(), "key_0000000000000000", "x%20y", ""] {
        assert_eq!(bob.get(&format!("/settings/api-keys/new?from={id}")).await.status, 404, "{id}");
    }
    let standard = alice.creates("all of it", &[("expires", "none")]).await;
    let form = alice.get(&format!("/settings/api-keys/new?from={standard}")).await;
    assert_eq!((form.value_of("name").as_str(), form.chosen("preset")), ("all of it 2", vec!["full".into()]));
}

#[tokio::test]
async fn the_page_of_a_key_that_expires_within_3_days_or_has_says_so_first() {
    let desk = TestApp::new().await;
    let alice = alice(&desk).await;
    let key = alice.key("billing", &[("expires", "30")]).await;
    for (passed, sentence) in [(26, ""), (2, "This key expires in 2 days."), (3, "This key has expired.")] {
        desk.pass(days(passed));
        let alice = desk.signed_in(&alice.email).await;
        let page = alice.get(&key_path(&key.id, "")).await;
        if sentence.is_empty() {
            page.says_nothing_of("This key expires");
        } else {
            page.says(sentence);
            assert_eq!(page.link("Create its successor"), Some(format!("/settings/api-keys/new?from={}", key.id)));
        }
    }
    let amir = desk.amir(&alice).await.get(&key_path(&key.id, "")).await;
    amir.says("This key has expired.");
    assert_eq!(amir.link("Create its successor"), None);
}

#[tokio::test]
async fn an_old_secret_is_said_once_and_only_if_pages_rotate() {
    let desk = TestApp::new().await;
    let alice = alice(&desk).await;
    let key = alice.creates("billing", &[("expires", "none")]).await;
    desk.pass(days(90));
    assert_eq!(told(&desk).await, ["alice: Time to rotate billing"]);
    desk.pass(days(1));
    assert_eq!(told(&desk).await, Vec::<String>::new());
    let alice = desk.signed_in(&alice.email).await;
    alice.post(&key_path(&key, "rotate"), &[("grace", "0")]).await;
    desk.pass(days(89));
    desk.mail().await;
    assert_eq!(told(&desk).await, Vec::<String>::new());
    desk.pass(days(1));
    assert_eq!(told(&desk).await, ["alice: Time to rotate billing"]);

    let without = |product: &mut keydesk::product::Product| product.keys.in_page.retain(|act| *act != KeyAct::Rotate);
    let desk = TestApp::with_product(without).await;
    let alice = self::alice(&desk).await;
    alice.creates("billing", &[("expires", "none")]).await;
    desk.pass(days(90));
    assert_eq!(told(&desk).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_long_past_is_no_news_to_a_desk_that_learns_to_remind() {
    let desk = TestApp::new().await;
    let alice = alice(&desk).await;
    alice.creates("expired", &[("expires", "30")]).await;
    alice.creates("old", &[("expires", "none")]).await;
    desk.pass(days(98));
    assert_eq!(told(&desk).await, Vec::<String>::new());
}

#[tokio::test]
async fn an_hour_that_stands_out_is_said_with_its_rule_at_most_once_a_day() {
    let desk = TestApp::new().await;
    let alice = alice(&desk).await;
    let (busy, refused, calm) =
        (alice.creates("busy", &[]).await, alice.creates("refused", &[]).await, alice.creates("calm", &[]).await);
    for id in [&busy, &refused, &calm] {
        for ago in [2, 26, 50] {
            counts(&desk, &alice, id, ago, (200, 4)).await;
        }
    }
    counts(&desk, &alice, &busy, 1, (1020, 0)).await;
    counts(&desk, &alice, &refused, 1, (10, 150)).await;
    counts(&desk, &alice, &calm, 1, (900, 20)).await;
    let elsewhere = desk.started_again(|_| {}).await;
    let (here, there) = tokio::join!(desk.remind_silently(), elsewhere.remind_silently());
    here.and(there).expect("the database answers");
    let mut mails = desk.mail().await;
    mails.extend(elsewhere.mail().await);
    mails.sort_by(|one, other| one.subject.cmp(&other.subject));
    let subjects: Vec<_> = mails.iter().map(|mail| mail.subject.as_str()).collect();
    assert_eq!(subjects, ["Unusually many refused requests with refused", "Unusually many requests with busy"]);
    let text = &mails[1].text;
    assert!(text.contains("In the hour from 21 Nov 2026, 13:00 UTC, there were 1,020 requests with"), "{text}");
    assert!(text.contains("no hour had more than 204 requests or more than 4 refused."), "{text}");
    assert!(
        text.contains("5 times as many as the busiest hour") && text.contains("500 requests or 100 refused"),
        "{text}"
    );
    assert_eq!(mails[1].link(), format!("{}?period=24h", key_path(&busy, "")));
    for _ in 0..22 {
        desk.pass(hours(1));
        counts(&desk, &alice, &busy, 1, (9000, 900)).await;
        assert_eq!(told(&desk).await, Vec::<String>::new(), "within a day");
    }
}

#[tokio::test]
async fn an_hour_is_looked_at_when_its_counts_are_written() {
    let desk = TestApp::new().await;
    let alice = alice(&desk).await;
    let key = alice.creates("billing", &[]).await;
    counts(&desk, &alice, &key, 0, (0, 500)).await;
    // 14:05 until here; then 15:01, and 15:03.
    assert_eq!(told(&desk).await, Vec::<String>::new());
    desk.pass(Duration::from_secs(56 * 60));
    assert_eq!(told(&desk).await, Vec::<String>::new());
    desk.pass(Duration::from_secs(120));
    assert_eq!(told(&desk).await, ["alice: Unusually many refused requests with billing"]);
}
