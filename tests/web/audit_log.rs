//! The record: one event for each change, none for what was refused, and a chain that shows any tampering.

use std::time::Duration;

use axum::http::Method;
use keydesk::model::audit::AuditEvent;
use serde_json::json;

use crate::support::{Actor, Field, PASSWORD, TestApp, key_path};

/// The one event since `before`.
async fn only_event(desk: &TestApp, of: &Actor, before: usize) -> AuditEvent {
    let events = desk.events(of).await.split_off(before);
    assert_eq!(events.len(), 1, "{events:#?}");
    events.into_iter().next().expect("one")
}

#[tokio::test]
async fn every_change_by_page_leaves_one_event_that_says_who_and_from_where() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await.at("198.51.100.7");
    let inbox = alice.inbox("Orders").await;
    let gone = alice.inbox("Gone").await;
    let key = alice.key("billing", &[]).await;
    let sealed = alice.creates("sealed", &[]).await;
    let new_key = [("type", "standard"), ("name", "new"), ("environment", "live"), ("preset", "full")];
    let changes: [(&str, String, &[Field<'_>], &str); 9] = [
        ("inbox.created", "/settings/inboxes".into(), &[("name", "Returns")], "Returns"),
        ("key.created", "/settings/api-keys".into(), &new_key, "new"),
        ("key.revealed", key_path(&sealed, "reveal"), &[], "sealed"),
        ("key.reveal_refused", key_path(&sealed, "reveal"), &[], "sealed"),
        ("key.rotated", key_path(&key.id, "rotate"), &[("grace", "24h")], "billing"),
        ("key.old_stopped", key_path(&key.id, "stop-old"), &[], "billing"),
        ("key.deleted", key_path(&key.id, "delete"), &[("name", "billing")], "billing"),
        ("inbox.deleted", format!("/settings/inboxes/{gone}/delete"), &[("name", "Gone")], "Gone"),
        ("session.ended", "/sign-out".into(), &[], "alice@halden.example"),
    ];
    let mut sessions = std::collections::BTreeSet::new();
    for (code, path, fields, target) in changes {
        let before = desk.events(&alice).await.len();
        let answer = alice.post(&path, fields).await;
        let event = only_event(&desk, &alice, before).await;
        assert_eq!((event.action.code(), event.target_name.as_str()), (code, target), "{}", answer.text());
        assert_eq!((event.actor_kind.as_str(), event.actor_id.as_str()), ("user", alice.user_id.as_str()), "{code}");
        assert_eq!((event.actor_name.as_str(), event.actor_role.as_str()), ("Alice", "administrator"), "{code}");
        assert_eq!((event.ip.as_str(), event.user_agent.as_str()), ("198.51.100.7", alice.user_agent.as_str()));
        assert_eq!(event.request_id, answer.header("x-request-id"), "{code}");
        assert_eq!(event.at, desk.app.now(), "{code}");
        sessions.insert(event.session_id);
    }
    assert!(sessions.len() == 1 && sessions.iter().all(|id| id.starts_with("ses_")), "{sessions:?}");
    assert_eq!(desk.count(&format!("select count(*) from inboxes where id = '{inbox}'")).await, 1);
}

#[tokio::test]
async fn an_inbox_that_takes_keys_with_it_leaves_an_event_for_each_of_them() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let inbox = alice.inbox("Orders").await;
    for name in ["worker", "reader"] {
        alice.restricted_key(name, &inbox).await;
    }
    let before = desk.events(&alice).await.len();
    alice
        .post(&format!("/settings/inboxes/{inbox}/delete"), &[("name", "Orders")])
        .await
        .redirects_to("/settings/inboxes");
    let mut codes = desk.codes_after(&alice, before).await;
    codes.sort_unstable();
    assert_eq!(codes, ["inbox.deleted", "key.deleted", "key.deleted"]);
    alice
        .get("/settings/audit-log")
        .await
        .says("Deleted it, with its restricted keys reader and worker inbox.deleted Orders");
}

#[tokio::test]
async fn a_program_is_recorded_as_the_key_that_it_came_with() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("backend", &[]).await;
    let program = desk.holder(&key.secret).at("198.51.100.80");
    let before = desk.events(&alice).await.len();
    let made = program.post_json("/v1/inboxes", &json!({ "name": "Orders" })).await;
    let event = only_event(&desk, &alice, before).await;
    assert_eq!(
        (event.action.code(), event.target_id.as_str()),
        ("inbox.created", made.json()["id"].as_str().expect("an id"))
    );
    assert_eq!((event.actor_kind.as_str(), event.actor_id.as_str()), ("key", key.id.as_str()));
    assert_eq!((event.actor_name.as_str(), event.ip.as_str()), ("backend", "198.51.100.80"));
    assert_eq!(event.request_id, made.header("x-request-id"));
    let before = before + 1;
    program.delete(&format!("/v1/inboxes/{}", event.target_id)).await;
    assert_eq!(only_event(&desk, &alice, before).await.action.code(), "inbox.deleted");

    let token = desk.token_of(&alice).await;
    let before = desk.events(&alice).await.len();
    token.post_json("/v1/inboxes", &json!({ "name": "Returns" })).await;
    let event = only_event(&desk, &alice, before).await;
    assert_eq!((event.actor_kind.as_str(), event.actor_id.as_str()), ("user", alice.user_id.as_str()));
}

#[tokio::test]
async fn signing_up_in_and_out_and_failing_to_are_recorded() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    assert_eq!(desk.codes_after(&alice, 0).await, ["account.created", "key.created", "session.created"]);
    let before = desk.events(&alice).await.len();
    let stranger = desk.visitor().at("198.51.100.66");
    stranger.post("/sign-in", &[("email", &alice.email), ("password", "wrong but long")]).await;
    desk.flush().await;
    let event = only_event(&desk, &alice, before).await;
    assert_eq!((event.action.code(), event.actor_kind.as_str()), ("session.refused", "visitor"));
    assert_eq!((event.target_name.as_str(), event.ip.as_str()), ("alice@halden.example", "198.51.100.66"));
    let (before, tried_at) = (before + 1, desk.app.now());
    for _ in 0..3 {
        stranger.post("/sign-in", &[("email", &alice.email), ("password", "wrong but long")]).await;
        desk.pass(Duration::from_secs(7));
    }
    desk.flush().await;
    let event = only_event(&desk, &alice, before).await;
    assert_eq!((event.detail.as_str(), event.at), ("3 times", tried_at), "one event, of when it began");
    stranger.post("/sign-in", &[("email", "nobody@halden.example"), ("password", PASSWORD)]).await;
    let granted = desk.log_in(&alice.email).await;
    desk.visitor().post_json("/api/auth/logout", &json!({ "refresh_token": granted["refresh_token"] })).await;
    alice.post("/sign-out", &[]).await;
    let codes = desk.codes_after(&alice, before + 1).await;
    assert_eq!(codes, ["session.created", "session.ended", "session.ended"]);
}

#[tokio::test]
async fn what_was_refused_or_only_looked_at_leaves_nothing() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let amir = desk.amir(&alice).await;
    let inbox = alice.inbox("Orders").await;
    let key = alice.key("billing", &[]).await;
    let before = desk.events(&alice).await.len();
    for (path, fields) in [
        ("/settings/api-keys".to_owned(), vec![("name", "billing"), ("environment", "live"), ("preset", "full")]),
        ("/settings/api-keys".to_owned(), vec![]),
        ("/settings/inboxes".to_owned(), vec![("name", "Orders")]),
        (key_path(&key.id, "delete"), vec![("name", "wrong")]),
        (key_path(&key.id, "rotate"), vec![("grace", "never")]),
        (key_path(&key.id, "stop-old"), vec![]),
        (format!("/settings/inboxes/{inbox}/delete"), vec![("name", "wrong")]),
        ("/settings/api-keys/key_0000000000000000/delete".to_owned(), vec![("name", "x")]),
    ] {
        alice.post(&path, &fields).await;
        amir.post(&path, &fields).await;
        alice.ask(Method::POST, &path).form(&fields).sent_from("cross-site").send().await;
    }
    for path in
        ["/welcome", "/settings/api-keys", "/settings/audit-log", &key_path(&key.id, ""), &key_path(&key.id, "delete")]
    {
        alice.get(path).await;
    }
    desk.holder(&key.secret).get("/v1/inboxes").await;
    assert_eq!(desk.codes_after(&alice, before).await, Vec::<&str>::new());
}

#[tokio::test]
async fn the_chain_verifies_and_shows_where_somebody_tampered() {
    let desk = TestApp::new().await;
    let (alice, bob) = (desk.alice().await, desk.bob().await);
    let key = alice.key("billing", &[]).await;
    alice.inbox("Orders").await;
    alice.post(&key_path(&key.id, "delete"), &[("name", "billing")]).await;
    bob.inbox("Parcels").await;
    for who in [&alice, &bob] {
        let events = desk.events(who).await;
        assert_eq!(first_broken(&desk, &events), None);
        assert!(
            events.iter().enumerate().all(|(index, event)| event.seq == i64::try_from(index).expect("a number") + 1)
        );
        let head = format!(
            "select count(*) from accounts where id = '{}' and audit_seq = {} and audit_mac = '{}'",
            who.account_id,
            events.len(),
            events.last().expect("an event").mac
        );
        assert_eq!(desk.count(&head).await, 1, "the account knows the end of its chain");
    }
    desk.database.allow_tampering().await;
    desk.database
        .run(&format!(
            "update audit_events set actor_name = 'Nobody' where account_id = '{}' and seq = 4",
            alice.account_id
        ))
        .await;
    assert_eq!(first_broken(&desk, &desk.events(&alice).await), Some(4));
}

fn first_broken(desk: &TestApp, events: &[AuditEvent]) -> Option<i64> {
    let mut previous = "";
    for event in events {
        if event.chained(previous, &desk.app.keyring) != event.mac {
            return Some(event.seq);
        }
        previous = &event.mac;
    }
    None
}

#[tokio::test]
async fn an_event_that_was_recorded_is_never_changed_nor_removed() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let before = desk.events(&alice).await.len();
    let own: &[&str] = if desk.database.is_postgres() {
        &["truncate audit_events", "truncate accounts cascade"]
    } else {
        &[
            "insert or replace into audit_events select * from audit_events",
            "update or replace audit_events set seq = 1",
        ]
    };
    for sql in [
        "update audit_events set actor_name = 'Nobody'",
        "update audit_events set seq = seq + 100",
        "update audit_events set mac = ''",
        "delete from audit_events",
        "delete from audit_events where seq = 2",
    ]
    .iter()
    .chain(own)
    {
        let why = desk.database.refusal(sql).await;
        assert!(why.contains("audit events are append-only"), "{sql}: {why}");
    }
    assert_eq!(desk.events(&alice).await.len(), before);
    alice.inbox("Orders").await;
    assert_eq!(desk.events(&alice).await.len(), before + 1, "what happens is still recorded");
}

#[tokio::test]
async fn the_page_reads_newest_first_and_page_by_page() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for number in 0..50 {
        alice.post("/settings/inboxes", &[("name", &format!("Inbox {number}"))]).await;
    }
    let page = alice.get("/settings/audit-log").await;
    page.says("Today, 21 November 2026");
    page.says("Inbox 49");
    assert!(!page.text().contains("account.created Halden Freight"));
    let older = page.link("Older").expect("a second page");
    let second = alice.get(&older).await;
    second.says("Created the account account.created Halden Freight");
    assert_eq!(second.link("Older"), None);
    let seen = page.text().matches("inbox.created").count() + second.text().matches("inbox.created").count();
    assert_eq!(seen, 50);
}
