//! A product that changes how often it shows a key: what was sealed stays as it was promised, and what was kept is opened
//! by nobody from the first moment on, and destroyed.

use std::time::Duration;

use keydesk::product::{Product, Reveal};
use sqlx::{Connection as _, SqliteConnection};
use tokio::time::timeout;

use crate::keys_reveal_again::{ONLY_TIME, again, is_refused, reveal};
use crate::support::{Actor, Binary, SECRET_FILE, TestApp, key_path};

fn once(product: &mut Product) {
    product.keys.reveal = Reveal::Once;
}

#[tokio::test]
async fn what_was_sealed_for_one_reveal_before_the_switch_stays_so() {
    let before = TestApp::new().await;
    let alice = before.alice().await;
    let (waiting, revealed) = (alice.creates("waiting", &[]).await, alice.key("revealed", &[]).await);
    let desk = before.restarted(again, SECRET_FILE).await;
    let alice = alice.before(&desk);
    is_refused(&desk, &alice, &revealed.id, "It can’t be shown again. Lost it? Rotate the key").await;
    alice.get(&key_path(&waiting, "")).await.says("You can reveal this key one time.");
    let shown = reveal(&alice, &waiting).await;
    assert_eq!(shown.status, 200);
    shown.says(ONLY_TIME);
    is_refused(&desk, &alice, &waiting, "It can’t be shown again.").await;
}

#[tokio::test]
async fn going_back_to_one_reveal_opens_nothing_from_the_first_moment_and_destroys_what_was_kept() {
    let before = TestApp::revealing_again().await;
    let (alice, bob) = (before.alice().await, before.bob().await);
    let keys = [alice.key("one", &[]).await, alice.key("two", &[]).await];
    let unseen = alice.creates("unseen", &[]).await;
    let desk = before.restarted(once, SECRET_FILE).await;
    let (alice, bob) = (alice.before(&desk), bob.before(&desk));
    assert_eq!(desk.count("select count(*) from kept_secrets").await, 5, "two first keys and three others");
    for id in keys.iter().map(|key| key.id.as_str()).chain([unseen.as_str()]) {
        is_refused(&desk, &alice, id, "Rotate").await;
        alice.get(&key_path(id, "")).await.says_nothing_of("/reveal");
    }
    let wrapped = "select count(*) from kept_secrets where length(wrapped_key) > 60 and length(sealed) > 60";
    assert_eq!(desk.count(wrapped).await, 5);
    let (hers, his) = (desk.events(&alice).await.len(), desk.events(&bob).await.len());
    desk.sweep().await;
    assert_eq!(desk.count("select count(*) from kept_secrets").await, 0);
    for (who, before, detail) in [(&alice, hers, "those of 4 keys"), (&bob, his, "those of 1 key")] {
        let events = desk.events(who).await;
        let event = &events[before];
        assert_eq!(events.len(), before + 1);
        assert_eq!((event.action.code(), event.detail.as_str()), ("secrets.destroyed", detail));
        assert_eq!((event.actor_kind.as_str(), event.actor_name.as_str()), ("system", "Keydesk"));
        assert_eq!(event.target_id, who.account_id);
    }
    desk.sweep().await;
    assert_eq!(desk.events(&alice).await.len(), hers + 1, "said once");
    alice.get("/settings/audit-log").await.says("Destroyed kept secrets, those of 4 keys secrets.destroyed");
    for key in &keys {
        assert_eq!(desk.holder(&key.secret).get("/v1/key").await.status, 200, "the keys work on");
    }
    let desk = desk.restarted(again, SECRET_FILE).await;
    is_refused(&desk, &alice.before(&desk), &keys[0].id, "It can’t be shown again.").await;
}

#[tokio::test]
async fn a_destruction_that_was_killed_half_way_goes_on_where_it_was() {
    let before = TestApp::revealing_again().await;
    let alice = before.alice().await;
    let bob = before.bob().await;
    for name in ["one", "two", "three"] {
        alice.creates(name, &[]).await;
    }
    let desk = before.restarted(once, SECRET_FILE).await;
    // The log of the account that comes last takes nothing: what was done for the others stays done.
    let last = if alice.account_id > bob.account_id { &alice } else { &bob };
    let first = if alice.account_id > bob.account_id { &bob } else { &alice };
    let of = |who: &Actor| format!("select count(*) from kept_secrets where account_id = '{}'", who.account_id);
    let spoiled = format!(
        "insert into audit_events (account_id, seq, id, at, action, actor_kind, actor_id, actor_name, actor_role,
            session_id, ip, user_agent, request_id, target_id, target_name, detail, mac)
         select id, audit_seq + 1, 'evt_spoiled', 1, 'x', '', '', '', '', '', '', '', '', '', '', '', ''
         from accounts where id = '{}'",
        last.account_id
    );
    desk.database.run(&spoiled).await;
    assert!(keydesk::jobs::destroy_some_kept(&desk.app.background()).await.is_err());
    assert_eq!(desk.count(&of(first)).await, 0);
    assert!(desk.count(&of(last)).await > 0, "without its event nothing is destroyed");
    desk.database.allow_tampering().await;
    desk.database.run("delete from audit_events where id = 'evt_spoiled'").await;
    while keydesk::jobs::destroy_some_kept(&desk.app.background()).await.expect("the database answers") {}
    assert_eq!(desk.count("select count(*) from kept_secrets").await, 0);
    for who in [&alice, &bob] {
        let codes = desk.codes_after(who, 0).await;
        assert_eq!(codes.iter().filter(|code| **code == "secrets.destroyed").count(), 1);
    }
}

#[tokio::test]
async fn where_keys_are_shown_again_the_sweep_destroys_nothing() {
    let desk = TestApp::revealing_again().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    desk.sweep().await;
    assert_eq!(desk.kept(&key.id).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_under_the_other_definition_destroys_what_was_kept_by_itself() {
    let mut desk = Binary::start();
    desk.define("reveal = \"once\"", "reveal = \"again\"");
    desk.kill_and_start_again();
    let mut ana = desk.connect().await;
    let (cookie, id, secret) = ana.sign_up().await;
    let path = format!("/settings/api-keys/{id}/reveal");
    assert!(ana.post(&path, &cookie, "").await.body.contains(&secret), "it is shown again");
    let file = format!("sqlite://{}", desk.data.path().join("keydesk.db").display());
    let kept = async || {
        let mut file = SqliteConnection::connect(&file).await.expect("the file");
        let kept: (i64,) =
            sqlx::query_as("select count(*) from kept_secrets").fetch_one(&mut file).await.expect("a count");
        file.close().await.expect("a goodbye");
        kept.0
    };
    assert_eq!(kept().await, 1);

    desk.define("reveal = \"again\"", "reveal = \"once\"");
    desk.kill_and_start_again();
    let mut ana = desk.connect().await;
    let refused = ana.post(&path, &cookie, "").await;
    assert_eq!((refused.status, refused.body.contains(&secret)), (410, false));
    let gone = async {
        while kept().await > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), gone).await.expect("nobody has to ask for it");
    let works = ana.ask("GET /gate/authorize", &format!("authorization: Bearer {secret}\r\n"), "").await;
    assert_eq!(works.status, 200);
}
