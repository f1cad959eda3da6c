//! Names that run from right to left: in a sentence that is plain text they stand apart, so that what stands beside them keeps
//! its order. Other names stand as they are, and programs get every name as it is.

use keydesk::model::user::Role;
use serde_json::json;

use crate::support::{Actor, TestApp, key_path};

const LIST: &str = "/settings/api-keys";
const INBOXES: &str = "/settings/inboxes";
const ADDRESS: &str = "alice@halden.example";
/// `key 2`, in Arabic.
const KEY: &str = "مفتاح 2";
/// `orders`, in Hebrew.
const ORDERS: &str = "הזמנות";
/// An account, in Hebrew.
const ACCOUNT: &str = "הלדן";
/// A person, in Arabic.
const TARIQ: &str = "طارق";

/// A name as it stands in a sentence: FIRST STRONG ISOLATE before it, POP DIRECTIONAL ISOLATE behind.
fn apart(name: &str) -> String {
    format!("\u{2068}{name}\u{2069}")
}

fn is_plain(text: &str) -> bool {
    !text.contains(['\u{2068}', '\u{2069}'])
}

/// What is said of a key that gets another name and is deleted.
async fn told(alice: &Actor, name: &str, next: &str) -> [String; 2] {
    let key = alice.key(name, &[]).await;
    let page = key_path(&key.id, "");
    alice.post(&key_path(&key.id, "rename"), &[("name", next)]).await.redirects_to(&page);
    let renamed = alice.get(&page).await.flash();
    alice.post(&key_path(&key.id, "delete"), &[("name", next)]).await.redirects_to(LIST);
    [renamed, alice.get(LIST).await.flash()].map(|said| said.expect("it is said"))
}

#[tokio::test]
async fn what_happened_to_a_key_is_said_with_its_name_apart() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let [renamed, deleted] = told(&alice, KEY, ORDERS).await;
    assert_eq!(renamed, format!("{} is now called {}.", apart(KEY), apart(ORDERS)));
    let gone = "was deleted. Requests using it now fail with 401. View in audit log";
    assert_eq!(deleted, format!("{} {gone}", apart(ORDERS)));
    let [renamed, deleted] = told(&alice, "billing", "orders").await;
    assert_eq!(renamed, "billing is now called orders.");
    assert_eq!(deleted, format!("orders {gone}"));
    for event in desk.events(&alice).await {
        assert!(is_plain(&event.target_name) && is_plain(&event.detail), "the record has the name itself: {event:?}");
    }
}

#[tokio::test]
async fn an_inbox_and_its_keys_are_named_apart() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    alice.post(INBOXES, &[("name", ORDERS)]).await.redirects_to(INBOXES);
    let page = alice.get(INBOXES).await;
    assert_eq!(page.flash(), Some(format!("{} is ready.", apart(ORDERS))));
    let inbox = page.id_beside(ORDERS);
    let key = alice.restricted_key(KEY, &inbox).await;
    alice.get(&key_path(&key.id, "")).await.says(&format!("Restricted to {}", apart(ORDERS)));
    alice.post(&format!("{INBOXES}/{inbox}/delete"), &[("name", ORDERS)]).await.redirects_to(INBOXES);
    let said = format!("{} was deleted, and with it {}.", apart(ORDERS), apart(KEY));
    assert_eq!(alice.get(INBOXES).await.flash(), Some(said));
}

#[tokio::test]
async fn a_mistake_names_a_name_apart_and_it_can_be_copied_from_there() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let (key, other) = (alice.key(KEY, &[]).await, alice.creates("billing", &[]).await);
    let taken = format!("A live key named {} already exists. Choose another name.", apart(KEY));
    let again = [("name", KEY), ("type", "standard"), ("environment", "live"), ("preset", "full")];
    for refused in [alice.post(LIST, &again).await, alice.post(&key_path(&other, "rename"), &[("name", KEY)]).await] {
        assert_eq!((refused.status, refused.field_error("name").as_deref()), (422, Some(taken.as_str())));
        assert_eq!(refused.value_of("name"), KEY, "what was typed stands in its field as it is");
    }
    let page = key_path(&key.id, "delete");
    let refused = alice.post(&page, &[("name", "billing")]).await;
    let mismatch = format!("The name doesn’t match. Type {} exactly.", apart(KEY));
    assert_eq!(refused.field_error("name"), Some(mismatch));
    alice.post(&page, &[("name", &apart(KEY))]).await.redirects_to(LIST);
}

#[tokio::test]
async fn programs_get_a_name_as_it_is() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let program = desk.holder(&alice.key(KEY, &[]).await.secret);
    assert_eq!(program.get("/v1/key").await.json()["name"], KEY);
    let body = json!({ "name": ORDERS });
    assert_eq!(program.post_json("/v1/inboxes", &body).await.json()["name"], ORDERS);
    let taken = program.post_json("/v1/inboxes", &body).await;
    let said = format!("An inbox named {ORDERS} already exists. Choose another name.");
    assert_eq!((taken.status, taken.json()["error"]["message"].as_str()), (409, Some(said.as_str())));
    let refused = alice.post(INBOXES, &[("name", ORDERS)]).await;
    assert_eq!(refused.field_error("name"), Some(said.replace(ORDERS, &apart(ORDERS))));
    for path in ["/settings/api-keys.csv", "/settings/audit-log.csv", "/settings/audit-log.jsonl"] {
        let file = alice.get(path).await;
        assert!(file.html().contains(KEY) && is_plain(file.html()), "{path}");
    }
}

#[tokio::test]
async fn a_mail_holds_names_apart_in_its_subject_and_in_its_text() {
    let desk = TestApp::new().await;
    let alice = desk.signed_up(ACCOUNT, ADDRESS).await;
    let tariq = desk.joined_as(&alice, "tariq@halden.example", TARIQ, Role::Administrator).await;
    desk.mail().await;
    alice.creates(KEY, &[]).await;
    let mail = desk.mail().await.remove(0);
    assert_eq!(mail.subject, format!("New API key {} for {}", apart(KEY), apart(ACCOUNT)));
    let said = format!("Alice created the API key {} (kd_live_…", apart(KEY));
    assert!(mail.text.contains(&said) && mail.html.contains(&said), "{}", mail.text);
    tariq.creates("billing", &[]).await;
    let mail = desk.mail().await.remove(0);
    assert_eq!(mail.subject, format!("New API key billing for {}", apart(ACCOUNT)));
    let said = format!("{} created the API key billing (kd_live_…", apart(TARIQ));
    assert!(mail.text.starts_with(&said), "{}", mail.text);
}

#[tokio::test]
async fn a_mail_has_other_names_as_they_are() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    desk.joined_as(&alice, "tomas@halden.example", "Tomás Lind", Role::Administrator).await;
    desk.mail().await;
    alice.creates("Straße", &[]).await;
    let mail = desk.mail().await.remove(0);
    assert_eq!(mail.subject, "New API key Straße for Halden Freight");
    assert!(is_plain(&mail.text) && is_plain(&mail.html), "{}", mail.text);
}
