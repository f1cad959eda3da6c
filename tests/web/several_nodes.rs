//! Two processes on one database, doing the same at the same time: what is to happen once happens once, and what both
//! counted is the sum.

use std::collections::BTreeSet;

use keydesk::clock::{days, hours};
use keydesk::jobs::usage_hours;
use keydesk::store::errands::{self, Kind};
use keydesk::store::usage::{self, KeyUse};
use tokio::task::JoinSet;

use crate::support::{Actor, TestApp, key_path, logged};

/// Two desks on one database.
async fn two() -> (TestApp, TestApp) {
    let here = TestApp::new().await;
    let there = here.started_again(|_| {}).await;
    (here, there)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_mail_is_sent_by_one_of_them() {
    const MAILS: usize = 40;
    let (here, there) = two().await;
    let alice = here.alice().await;
    here.mail().await;
    let author = TestApp::author();
    let act = here.app.act(&author);
    for number in 0..MAILS {
        let event = format!("event {number}");
        let asked = errands::ask(&here.app.db, &act, Kind::PasswordChanged, &alice.email, &event);
        asked.await.expect("the database takes it");
    }
    let mut posts = JoinSet::new();
    for desk in [&here, &there, &here, &there] {
        let background = desk.app.background();
        posts.spawn(async move { keydesk::jobs::mail::deliver(&background).await });
    }
    for done in posts.join_all().await {
        done.expect("the database answers");
    }
    let sent = [here.mailbox.take().len(), there.mailbox.take().len()];
    assert_eq!(sent.iter().sum::<usize>(), MAILS, "{sent:?}");
    assert_eq!(here.count("select count(*) from errands where done_at is null or tries > 1").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_checkpoint_of_an_audit_chain_is_said_by_one_of_them() {
    let (here, there) = two().await;
    let mut accounts = Vec::new();
    for number in 0..12 {
        accounts.push(here.signed_up("Halden", &format!("alice{number}@halden.example")).await.account_id);
    }
    here.pass(hours(2));
    there.pass(hours(2));
    tokio::join!(here.sweep(), there.sweep());
    let log = logged();
    for account in accounts {
        assert_eq!(log.matches(&format!("Audit checkpoint account={account} ")).count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hours_that_both_roll_up_keep_their_sum() {
    let (here, there) = two().await;
    let alice = here.alice().await;
    let first = here.app.now().hour();
    for number in 0..8 {
        let id = alice.creates(&format!("key {number}"), &[]).await;
        let mut counted = KeyUse::of(&alice.account_id, &id, String::new());
        for hour in 0..48 {
            counted.count(first - hour, 5, &[("rate_limited", 2)]);
        }
        usage::flush(&here.app.db, std::iter::once(&counted)).await.expect("the database takes the counts");
    }
    here.pass(days(200));
    there.pass(days(200));
    let backgrounds = [here.app.background(), there.app.background()];
    let rolled = tokio::join!(usage_hours::roll_up(&backgrounds[0]), usage_hours::roll_up(&backgrounds[1]));
    rolled.0.and(rolled.1).expect("the database rolls up");
    assert_eq!(here.count("select count(*) from usage_hours").await, 0);
    assert_eq!(here.count("select cast(sum(ok) as bigint) from usage_days").await, 8 * 48 * 5);
    assert_eq!(here.count("select cast(sum(count) as bigint) from usage_refusal_days").await, 8 * 48 * 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_that_both_let_through_add_up() {
    let (here, there) = two().await;
    let alice = here.alice().await;
    let key = alice.key("billing", &[]).await;
    for round in 1..=3 {
        for desk in [&here, &there, &there] {
            assert_eq!(desk.holder(&key.secret).asks("").await.status, 200);
        }
        tokio::join!(here.flush(), there.flush());
        let sum = format!("select cast(sum(ok) as bigint) from usage_hours where key_id = '{}'", key.id);
        assert_eq!(here.count(&sum).await, round * 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_secret_that_both_are_asked_for_at_once_is_shown_by_one_of_them() {
    let (here, there) = two().await;
    let alice = here.alice().await;
    for number in 0..4 {
        let id = alice.creates(&format!("key {number}"), &[]).await;
        let mut asked = JoinSet::new();
        for turn in 0..12 {
            let presser: Actor = if turn % 2 == 0 { alice.clone() } else { alice.before(&there) };
            let path = key_path(&id, "reveal");
            asked.spawn(async move { presser.post(&path, &[]).await });
        }
        let answers = asked.join_all().await;
        let shown = answers.iter().filter(|answer| answer.status == 200).count();
        let others: BTreeSet<u16> =
            answers.iter().map(|answer| answer.status).filter(|status| *status != 200).collect();
        assert_eq!((shown, others), (1, BTreeSet::from([410])));
    }
}
