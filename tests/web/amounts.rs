//! None, one and many of everything, and names as long and as foreign as they may be: what a page says stays right.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::support::TestApp;

const KEYS: &str = "/settings/api-keys";
const INBOXES: &str = "/settings/inboxes";

/// What a form takes at most: 50 characters of a script each, one that runs the other way, one of marks and pictures.
fn names() -> [String; 5] {
    ["W", "ü", "東", "م", "👩🏽‍🚀"].map(|sign| {
        let fit = 50 / sign.chars().count();
        sign.repeat(fit)
    })
}

#[tokio::test]
async fn one_key_is_a_key_and_two_are_keys() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let page = alice.get(KEYS).await;
    page.says("of 1 key");
    page.says_nothing_of("1 keys");
    alice.key("second", &[]).await;
    alice.get(KEYS).await.says("Showing 1–2 of 2 keys");

    let inbox = alice.inbox("Orders").await;
    alice.get(INBOXES).await.says("None");
    let path = format!("{INBOXES}/{inbox}/delete");
    alice.get(&path).await.says("No restricted key is bound to it.");
    alice.restricted_key("orders-webhook", &inbox).await;
    assert!(alice.get(INBOXES).await.link("1 key").is_some());
    let page = alice.get(&path).await;
    page.says("1 key is deleted with it.");
    page.says("Requests with it start failing");
    alice.restricted_key("orders-reader", &inbox).await;
    assert!(alice.get(INBOXES).await.link("2 keys").is_some());
    let page = alice.get(&path).await;
    page.says("2 keys are deleted with it.");
    page.says("Requests with them start failing");
}

#[tokio::test]
async fn two_hundred_inboxes_are_paged_through_and_each_can_be_chosen() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let names: Vec<String> = (0..200).map(|number| format!("Inbox {number:03}")).collect();
    for name in &names {
        alice.post(INBOXES, &[("name", name)]).await.redirects_to(INBOXES);
    }
    let (mut path, mut found) = (INBOXES.to_owned(), Vec::new());
    loop {
        let page = alice.get(&path).await;
        assert!(page.body.len() < 60 * 1024, "{} bytes", page.body.len());
        found.extend(page.rows());
        match page.link("Next") {
            Some(next) => path = next,
            None => break,
        }
    }
    assert_eq!(found, names);

    let form = alice.get("/settings/api-keys/new?type=restricted").await;
    let last = form.html().matches("<option").count();
    assert_eq!(last, 201, "every inbox, and the word that asks to choose one");
    form.says("Inbox 199");
}

#[tokio::test]
async fn a_name_in_any_script_is_shown_found_and_typed_as_it_was_given() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for name in names() {
        let key = alice.key(&name, &[]).await;
        let path = format!("{KEYS}/{}", key.id);
        alice.get(&path).await.has_heading(&name);
        assert_eq!(
            alice.get(&format!("{KEYS}?q={}", utf8_percent_encode(&name, NON_ALPHANUMERIC))).await.rows(),
            [name.as_str()]
        );
        alice.post(&format!("{path}/delete"), &[("name", &name)]).await.redirects_to(KEYS);
        // One that runs the other way stands apart in the sentence.
        let shown = if name.starts_with('م') { format!("\u{2068}{name}\u{2069}") } else { name.clone() };
        let said = format!("{shown} was deleted. Requests using it now fail with 401.");
        assert!(alice.get(KEYS).await.flash().is_some_and(|flash| flash.starts_with(&said)), "{name}");
    }
}

#[tokio::test]
async fn the_filter_offers_the_inbox_that_is_chosen_however_many_come_before_it() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let last = alice.inbox("Zebra").await;
    alice.restricted_key("stripes", &last).await;
    let fill = format!(
        "insert into inboxes (id, account_id, name, name_folded, address, created_at)
         with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 500)
         select 'inb_' || n, '{}', 'Ant ' || n, 'ant ' || n, 'ant-' || n || '@mail.example', 1
         from numbers",
        alice.account_id
    );
    desk.database.run(&fill).await;
    let page = alice.get(&format!("{KEYS}?inbox={last}")).await;
    assert_eq!(page.rows(), ["stripes"]);
    assert!(page.html().contains(&format!(r#"<option value="{last}" selected>Zebra"#)), "{}", page.html());
    assert!(!alice.get(&format!("{KEYS}?inbox=inb_nobodys")).await.html().contains("selected>"));
}

#[tokio::test]
async fn sixty_keys_of_an_inbox_are_counted_where_they_cannot_all_be_named() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let inbox = alice.inbox("Orders").await;
    let fill = format!(
        "insert into api_keys (id, account_id, name, name_folded, key_type, environment, inbox_id, scopes, allowed_ips,
            prefix, last4, created_at)
         with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 60)
         select 'key_' || n, '{}', 'worker-' || (100 + n), 'worker-' || (100 + n), 'restricted', 'live', '{inbox}',
            'mail:read', '', 'kd_live_', 'Ab12', 1
         from numbers",
        alice.account_id
    );
    desk.database.run(&fill).await;
    let path = format!("{INBOXES}/{inbox}/delete");
    let page = alice.get(&path).await;
    page.says("60 keys are deleted with it.");
    page.says("worker-150");
    page.says_nothing_of("worker-151");
    page.says("And 10 keys more.");
    alice.post(&path, &[("name", "Orders")]).await.redirects_to(INBOXES);
    let said = "Orders was deleted, and with it worker-101, worker-102, worker-103 and 57 more.";
    assert_eq!(alice.get(INBOXES).await.flash().as_deref(), Some(said));
    assert_eq!(desk.count("select count(*) from api_keys where deleted_at is not null").await, 60);
    alice.get("/settings/audit-log?action=inbox.deleted").await.says("worker-120 and 40 more");
}

#[tokio::test]
async fn a_hundred_and_three_addresses_are_counted_and_three_are_named() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    assert_eq!(desk.holder(&key.secret).at("198.51.100.200").get("/v1/inboxes").await.status, 200);
    desk.flush().await;
    let now = desk.app.now().micros();
    let fill = format!(
        "insert into usage_addresses (key_id, ip, last_seen_at)
         with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 102)
         select '{}', '198.51.100.' || n, {now} - 1000000 * n
         from numbers",
        key.id
    );
    desk.database.run(&fill).await;
    alice.get(&format!("{KEYS}/{}", key.id)).await.says("103");
    let page = alice.get(&format!("{KEYS}/{}/delete", key.id)).await;
    page.says("from 198.51.100.200, 198.51.100.1, 198.51.100.2 and 100 more.");
    page.says_nothing_of("198.51.100.3");
}

#[tokio::test]
async fn one_key_that_was_selected_is_it_and_two_are_they() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let [one, other] = [alice.key("one", &[]).await, alice.key("other", &[]).await];
    for act in ["pause", "delete"] {
        let path = format!("{KEYS}/selected/{act}");
        let page = alice.get(&format!("{path}?key={}", one.id)).await;
        page.says("Requests with this key");
        page.says_nothing_of("these keys");
        page.says_nothing_of("any of them");
        alice.get(&format!("{path}?key={}&key={}", one.id, other.id)).await.says("Requests with these keys");
    }
    alice.post(&format!("{KEYS}/selected/pause"), &[("key", &one.id)]).await.redirects_to(KEYS);
    let said = "1 key was paused. Requests with it fail with 401 until you resume it. View in audit log";
    assert_eq!(alice.get(KEYS).await.flash().as_deref(), Some(said));
    alice.post(&format!("{KEYS}/selected/delete"), &[("key", &one.id), ("count", "1")]).await.redirects_to(KEYS);
    let said = "1 key was deleted. Requests using it now fail with 401. View in audit log";
    assert_eq!(alice.get(KEYS).await.flash().as_deref(), Some(said));
}

#[tokio::test]
async fn a_name_is_typed_as_it_is_read_and_turns_nothing_around() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("night  worker", &[]).await;
    let path = format!("{KEYS}/{}/delete", key.id);
    assert_eq!(alice.post(&path, &[("name", "nightworker")]).await.status, 422);
    alice.post(&path, &[("name", "night worker")]).await.redirects_to(KEYS);
    let refused = alice.post(INBOXES, &[("name", "Orders\u{202e}xobnI")]).await;
    let why = "Use letters, digits, spaces and punctuation only.";
    assert_eq!((refused.status, refused.field_error("name").as_deref()), (422, Some(why)));
}

#[tokio::test]
async fn every_note_of_a_key_is_shown() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let fill = format!(
        "insert into key_notes (id, account_id, key_id, body, author_id, created_at)
         with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 51)
         select 'not_' || n, '{}', '{}', 'Note ' || n || '.', '{}', n
         from numbers",
        alice.account_id, key.id, alice.user_id
    );
    desk.database.run(&fill).await;
    let page = alice.get(&format!("{KEYS}/{}/notes", key.id)).await;
    page.says("Note 51.");
    page.says("Note 1.");
}
