//! What the gate remembers, and that it believes none of it past a change: made here, by another process, or while
//! nobody can hear of it. A flood of garbage displaces no key.

use std::time::Duration;

use keydesk::clock::hours;
use keydesk::entropy::Entropy;
use keydesk::model::secret::Secret;
use keydesk::store::changes::Changes;
use keydesk::store::{Db, api_keys, watch};
use tokio::time::timeout;

use crate::support::{Actor, Dice, TestApp, key_path, resident};

/// Time that anything may take on a busy machine, before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Deletes a key through `db`, as the command line of another process would.
async fn delete_through(db: &Db, desk: &TestApp, of: &Actor, id: &str) {
    let key = api_keys::find(db, &of.account_id, id).await.expect("a read").expect("a key");
    let author = TestApp::author();
    assert!(api_keys::delete(db, &desk.app.act(&author), &key).await.expect("a write"));
}

#[tokio::test]
async fn every_change_counts_from_the_next_request_on() {
    let desk = TestApp::remembering(1000).await;
    let alice = desk.alice().await;
    let inbox = alice.inbox("Orders").await;
    let [deleted, rotated, stopped, paused] =
        ["deleted", "rotated", "stopped", "paused"].map(|name| alice.key(name, &[]));
    let (deleted, rotated, stopped, paused) = (deleted.await, rotated.await, stopped.await, paused.await);
    let bound = alice.restricted_key("bound", &inbox).await;
    let status = async |secret: &str| {
        let statuses = [desk.holder(secret).asks("").await.status, desk.holder(secret).get("/v1/key").await.status];
        assert_eq!(statuses[0], statuses[1], "two doors, two verdicts");
        statuses[0]
    };
    for key in [&deleted, &rotated, &stopped, &paused, &bound] {
        assert_eq!((status(&key.secret).await, status(&key.secret).await), (200, 200));
    }
    alice.post(&key_path(&deleted.id, "delete"), &[("name", "deleted")]).await.redirects_to("/settings/api-keys");
    assert_eq!(status(&deleted.secret).await, 401);

    alice.post(&key_path(&rotated.id, "rotate"), &[("grace", "0")]).await;
    assert_eq!(status(&rotated.secret).await, 401);
    let new = alice.reveals(&rotated.id).await;
    assert_eq!(status(&new).await, 200);

    alice.post(&key_path(&stopped.id, "rotate"), &[("grace", "7d")]).await;
    assert_eq!(status(&stopped.secret).await, 200);
    alice.post(&key_path(&stopped.id, "stop-old"), &[]).await;
    assert_eq!(status(&stopped.secret).await, 401);
    assert_eq!(status(&alice.reveals(&stopped.id).await).await, 200);

    let delete = format!("/settings/inboxes/{inbox}/delete");
    alice.post(&delete, &[("name", "Orders")]).await.redirects_to("/settings/inboxes");
    assert_eq!(status(&bound.secret).await, 401);

    desk.database.run(&format!("update api_keys set paused_at = 1 where id = '{}'", paused.id)).await;
    assert_eq!(status(&paused.secret).await, 401);
    desk.database.run(&format!("update api_keys set paused_at = null where id = '{}'", paused.id)).await;
    assert_eq!(status(&paused.secret).await, 200, "and comes back");
}

#[tokio::test]
async fn time_alone_ends_a_remembered_key() {
    let desk = TestApp::remembering(1000).await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[("expires", "30")]).await;
    alice.post(&key_path(&key.id, "rotate"), &[("grace", "1h")]).await;
    let (old, new) = (desk.holder(&key.secret), desk.holder(&alice.reveals(&key.id).await));
    assert_eq!((old.asks("").await.status, new.asks("").await.status), (200, 200));
    desk.pass(hours(1).saturating_sub(Duration::from_micros(1)));
    assert_eq!((old.asks("").await.status, new.asks("").await.status), (200, 200));
    desk.pass(Duration::from_micros(1));
    assert_eq!((old.asks("").await.status, new.asks("").await.status), (401, 200));
    desk.pass(hours(24 * 30));
    assert_eq!(new.asks("").await.status, 401);
}

#[tokio::test]
async fn a_key_that_was_unknown_a_moment_ago_works_once_it_is_there() {
    let desk = TestApp::remembering(1000).await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let program = desk.holder(&key.secret);
    let hide = format!("update api_key_secrets set secret_hash = 'x' || secret_hash where key_id = '{}'", key.id);
    desk.database.run(&hide).await;
    assert_eq!((program.asks("").await.status, program.asks("").await.status), (401, 401));
    desk.database.run(&hide.replace("'x' || secret_hash", "substr(secret_hash, 2)")).await;
    assert_eq!(program.asks("").await.status, 200);
}

#[tokio::test]
async fn what_another_process_deletes_is_refused_here() {
    let desk = TestApp::remembering(1000).await;
    let alice = desk.alice().await;
    let (key, other) = (alice.key("billing", &[]).await, alice.key("other", &[]).await);
    let program = desk.holder(&key.secret);
    let elsewhere = desk.database.opened_elsewhere().await;
    desk.app.db.changes().lose_sight();
    let watching = tokio::spawn(watch::run(desk.app.db.clone()));
    let seen = async {
        while !desk.app.db.changes().is_watched() {
            tokio::task::yield_now().await;
        }
        assert_eq!((program.asks("").await.status, desk.holder(&other.secret).asks("").await.status), (200, 200));
        delete_through(&elsewhere, &desk, &alice, &key.id).await;
        while program.asks("").await.status == 200 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, seen).await.expect("the deletion is heard of");
    assert_eq!(program.asks("").await.status, 401);
    assert_eq!(desk.holder(&other.secret).asks("").await.status, 200, "nobody else is hurt");
    watching.abort();
}

#[tokio::test]
async fn while_nobody_can_hear_of_changes_every_verdict_reads_the_database() {
    let desk = TestApp::remembering(1000).await;
    let alice = desk.alice().await;
    let elsewhere = desk.database.opened_elsewhere().await;
    let [heard, unheard] = [alice.key("heard", &[]).await, alice.key("unheard", &[]).await];
    for key in [&heard, &unheard] {
        assert_eq!(desk.holder(&key.secret).asks("").await.status, 200);
    }
    delete_through(&elsewhere, &desk, &alice, &heard.id).await;
    // The counter-proof: it is remembered, and who believes that others' changes arrive believes it.
    assert_eq!(desk.holder(&heard.secret).asks("").await.status, 200);
    desk.app.db.changes().lose_sight();
    assert_eq!(desk.holder(&heard.secret).asks("").await.status, 401);
    assert_eq!(desk.holder(&unheard.secret).asks("").await.status, 200);
    delete_through(&elsewhere, &desk, &alice, &unheard.id).await;
    assert_eq!(desk.holder(&unheard.secret).asks("").await.status, 401);
    desk.app.db.changes().watch();
    assert_eq!(desk.holder(&unheard.secret).asks("").await.status, 401, "and it does not come back");
}

#[tokio::test]
async fn with_the_database_away_remembered_keys_pass_and_others_are_not_called_wrong() {
    let desk = TestApp::remembering(1000).await;
    let alice = desk.alice().await;
    let [known, fresh] = [alice.key("known", &[]).await, alice.key("fresh", &[]).await];
    assert_eq!(desk.holder(&known.secret).asks("").await.status, 200);
    desk.app.db.close().await;
    assert_eq!(desk.holder(&known.secret).asks("scope=mail:send").await.status, 200);
    for secret in [fresh.secret.as_str(), Secret::generate("kd_live_", &Entropy::seeded(4)).reveal()] {
        let answer = desk.holder(secret).asks("").await;
        assert_eq!((answer.status, answer.code().as_str(), answer.header("retry-after")), (503, "unavailable", "5"));
        assert!(answer.header("www-authenticate").is_empty() && answer.header("x-request-id").starts_with("req_"));
    }
    assert_eq!(desk.holder("kd_live_short").asks("").await.status, 401, "what can be no key needs no database");
    desk.app.db.changes().lose_sight();
    assert_eq!(desk.holder(&known.secret).asks("").await.status, 503, "closed, once nothing can be believed");
}

/// 20 000 keys that nobody has, half from one source and half from everywhere.
#[tokio::test]
async fn a_flood_of_garbage_is_throttled_and_displaces_no_key() {
    const FLOOD: usize = 20_000;
    /// What one source may ask for before it is slowed down.
    const BURST: usize = 500;
    /// Bytes that it may add; the tests beside this one add some of them.
    const GROWTH: u64 = 256 * 1024 * 1024;
    let desk = TestApp::remembering(40).await;
    let alice = desk.alice().await;
    let mut known = Vec::new();
    for number in 0..8 {
        known.push(desk.holder(&alice.key(&format!("known {number}"), &[]).await.secret));
    }
    for program in &known {
        assert_eq!(program.asks("").await.status, 200);
    }
    let (dice, garbage) = (Dice::seeded(6), Entropy::seeded(7));
    let (mut statuses, before) = (Vec::with_capacity(FLOOD), resident());
    for number in 0..FLOOD {
        let secret = Secret::generate("kd_live_", &garbage);
        let source = if number % 2 == 0 { known[0].ip.to_string() } else { dice.address() };
        let answer = desk.holder(secret.reveal()).at(&source).asks("scope=mail:send").await;
        if answer.status == 429 {
            assert_eq!((answer.header("retry-after"), answer.code().as_str()), ("1", "rate_limit_exceeded"));
        }
        statuses.push(answer.status);
    }
    let of_one_source: Vec<u16> = statuses.iter().copied().step_by(2).collect();
    assert!(of_one_source[..BURST].iter().all(|status| *status == 401));
    assert!(of_one_source[BURST..].iter().all(|status| *status == 429), "after the burst it is slowed down");
    assert!(statuses.iter().skip(1).step_by(2).all(|status| *status == 401), "others are not");
    let growth = resident().saturating_sub(before);
    println!("{FLOOD} unknown keys: {} KiB more resident", growth / 1024);
    assert!(growth < GROWTH, "{growth} bytes more");
    // With the database gone, only what is remembered can pass: also from where the flood came.
    desk.app.db.close().await;
    for program in &known {
        assert_eq!(program.asks("scope=mail:send").await.status, 200, "displaced by garbage");
    }
}

#[test]
fn more_changes_than_are_remembered_one_by_one_leave_nothing_current() {
    let changes = Changes::default();
    let before = changes.seen_now();
    let ids: Vec<String> = (0..100_001).map(|number| format!("key_{number}")).collect();
    changes.note(&ids);
    assert!(!changes.is_current("key_0", &before), "it changed");
    assert!(!changes.is_current("key_of_nobody", &before), "nobody can tell any more");
    let after = changes.seen_now();
    assert!(changes.is_current("key_0", &after), "it was read again");
}
