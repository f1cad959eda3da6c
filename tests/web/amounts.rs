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
        let said = format!("{name} was deleted. Requests using it now fail with 401.");
        assert!(alice.get(KEYS).await.flash().is_some_and(|flash| flash.starts_with(&said)), "{name}");
    }
}
