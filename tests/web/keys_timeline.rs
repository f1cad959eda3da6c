//! The life of a key on one page, of a deleted one too; the traffic of both its secrets; and what people noted of it.

use std::time::Duration;

use keydesk::clock::hours;

use crate::support::{Answer, TestApp, key_path};

/// The timeline as it reads, without its times.
fn life(page: &Answer) -> String {
    let text = page.text();
    let (_, rest) = text.split_once("Timeline").expect("a timeline");
    rest.split_once("Notes").expect("what comes after").0.trim().to_owned()
}

#[tokio::test]
async fn a_life_reads_from_created_to_deleted_and_stays_on_the_tombstone() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[("expires", "none")]).await;
    desk.pass(hours(1));
    assert_eq!(desk.holder(&key.secret).get("/v1/key").await.status, 200);
    desk.flush().await;
    desk.pass(hours(1));
    let alice = desk.signed_in(&alice.email).await;
    alice.post(&key_path(&key.id, "rename"), &[("name", "invoices")]).await;
    alice.post(&key_path(&key.id, "rotate"), &[("grace", "24h")]).await;
    let secret = alice.reveals(&key.id).await;
    desk.pass(hours(1));
    let alice = desk.signed_in(&alice.email).await;
    assert_eq!(desk.holder(&secret).at("198.51.100.80").get("/v1/key").await.status, 200);
    desk.flush().await;
    desk.pass(hours(1));
    let alice = desk.signed_in(&alice.email).await;
    alice.post(&key_path(&key.id, "delete"), &[("name", "invoices")]).await.redirects_to("/settings/api-keys");
    let expected = "Created the key by Alice 21 Nov 2026, 14:05 UTC \
        Revealed the key by Alice 21 Nov 2026, 14:05 UTC \
        First used 21 Nov 2026, 15:05 UTC \
        Renamed the key, was billing by Alice 21 Nov 2026, 16:05 UTC \
        Rotated the key, old key stops in 24 hours by Alice 21 Nov 2026, 16:05 UTC \
        Revealed the key by Alice 21 Nov 2026, 16:05 UTC \
        Last used, from 198.51.100.80 21 Nov 2026, 17:05 UTC \
        Deleted the key by Alice 21 Nov 2026, 18:05 UTC";
    let tombstone = alice.get(&key_path(&key.id, "")).await;
    assert_eq!(life(&tombstone), expected);
    let mate = desk.amir(&alice).await;
    assert_eq!(life(&mate.get(&key_path(&key.id, "")).await), expected);
}

#[tokio::test]
async fn a_key_that_died_with_its_inbox_says_so() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let inbox = alice.inbox("Orders").await;
    let key = alice.restricted_key("orders", &inbox).await;
    let delete = format!("/settings/inboxes/{inbox}/delete");
    alice.post(&delete, &[("name", "Orders")]).await.redirects_to("/settings/inboxes");
    alice.get(&key_path(&key.id, "")).await.says("Deleted the key, with its inbox by Alice");
}

#[tokio::test]
async fn the_page_to_rotate_shows_the_traffic_of_the_old_and_the_new_secret_apart() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    alice.post(&key_path(&key.id, "rotate"), &[("grace", "7d")]).await;
    let new = alice.reveals(&key.id).await;
    for secret in [&key.secret, &new, &new] {
        assert_eq!(desk.holder(secret).at("198.51.100.80").get("/v1/key").await.status, 200);
    }
    desk.flush().await;
    for part in ["rotate", ""] {
        let page = alice.get(&key_path(&key.id, part)).await;
        page.says("1 request with the old key since the rotation");
        page.says("2 with the new one.");
    }
}

#[tokio::test]
async fn auditors_and_administrators_note_what_they_saw_and_nothing_of_the_key_changes() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let (amir, mei) = (desk.amir(&alice).await, desk.mei(&alice).await);
    let key = alice.key("billing", &[]).await;
    let (path, notes) = (key_path(&key.id, ""), key_path(&key.id, "notes"));
    alice.get(&path).await.says("There are no notes on this key yet.");
    let (before, since) = (desk.holdings().await, desk.events(&alice).await.len());
    amir.post(&notes, &[("note", "  Ask Ana\r\nbefore 1 Dec. <b>!</b> ")]).await.redirects_to(&notes);
    desk.pass(Duration::from_secs(600));
    alice.post(&notes, &[("note", "Asked.")]).await.redirects_to(&notes);
    let page = amir.get(&notes).await;
    page.has_heading("Notes on billing");
    page.says(
        "Asked. AAlice, 21 Nov 2026, 14:15 UTC Ask Ana before 1 Dec. <b>!</b> AHAmir Haddad, 21 Nov 2026, 14:05 UTC",
    );
    alice.get(&path).await.says("Ask Ana before 1 Dec.");
    let events = desk.events(&alice).await.split_off(since);
    let told: Vec<_> = events.iter().map(|event| (event.sentence(), event.actor_role.as_str())).collect();
    let expected = [
        ("Added a note, “Ask Ana before 1 Dec. <b>!</b>”".to_owned(), "auditor"),
        ("Added a note, “Asked.”".to_owned(), "administrator"),
    ];
    assert_eq!(told, expected);
    assert_eq!(desk.holdings().await, before);
    assert_eq!(mei.post(&notes, &[("note", "Mine.")]).await.status, 403);
    assert_eq!(desk.bob().await.post(&notes, &[("note", "Mine.")]).await.status, 404);
    alice.post(&key_path(&key.id, "delete"), &[("name", "billing")]).await.redirects_to("/settings/api-keys");
    amir.post(&notes, &[("note", "It was ours.")]).await.redirects_to(&notes);
    amir.get(&path).await.says("It was ours.");
}

#[tokio::test]
async fn a_note_holds_no_key_and_has_an_end() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let notes = key_path(&key.id, "notes");
    let since = desk.events(&alice).await.len();
    let last4 = &key.secret[key.secret.len() - 4..];
    let answer = alice.post(&notes, &[("note", &format!("It is {} now", key.secret))]).await;
    assert_eq!((answer.status, answer.secrets()), (422, Vec::new()));
    let why = format!("A note can’t hold a key. Name it by its last four characters, {last4}.");
    assert_eq!(answer.field_error("note"), Some(why));
    for (note, why) in [
        (" ".to_owned(), "Write a note."),
        ("x".repeat(501), "Use 500 characters or fewer. This note has 501."),
        ("a\u{7}b".to_owned(), "Use letters, digits, spaces and punctuation only."),
    ] {
        let answer = alice.post(&notes, &[("note", &note)]).await;
        assert_eq!((answer.status, answer.field_error("note").as_deref()), (422, Some(why)));
    }
    assert_eq!(desk.events(&alice).await.len(), since);
    assert_eq!(desk.count("select count(*) from key_notes").await, 0);
}

#[tokio::test]
async fn a_key_has_two_hundred_notes_and_no_more() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let notes = key_path(&key.id, "notes");
    let fill = format!(
        "insert into key_notes (id, account_id, key_id, body, author_id, created_at)
         with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 199)
         select 'not_' || n, '{}', '{}', 'Seen.', '{}', n
         from numbers",
        alice.account_id, key.id, alice.user_id
    );
    desk.database.run(&fill).await;
    alice.post(&notes, &[("note", "The last one.")]).await.redirects_to(&notes);
    let refused = alice.post(&notes, &[("note", "One more.")]).await;
    let why = "This key has 200 notes, the most it can hold.";
    assert_eq!((refused.status, refused.field_error("note").as_deref()), (422, Some(why)));
    assert_eq!(refused.value_of("note"), "One more.");
    assert_eq!(desk.count("select count(*) from key_notes").await, 200);
}
