//! Several keys at once: what will break is said first, the number is typed, and each key has an event of its own.

use keydesk::product::KeyAct;

use crate::support::{Actor, Answer, Key, TestApp, key_path};

const DELETE: &str = "/settings/api-keys/selected/delete";
const PAUSE: &str = "/settings/api-keys/selected/pause";
const LIST: &str = "/settings/api-keys";
const BOXES: &str = "/settings/api-keys?select=1";

fn asking(path: &str, ids: &[&str]) -> String {
    format!("{path}?key={}", ids.join("&key="))
}

async fn sends(alice: &Actor, path: &str, ids: &[&str], count: &str) -> Answer {
    let mut fields: Vec<(&str, &str)> = ids.iter().map(|id| ("key", *id)).collect();
    fields.push(("count", count));
    alice.post(path, &fields).await
}

async fn three(alice: &Actor) -> [Key; 3] {
    [alice.key("billing", &[]).await, alice.key("orders", &[]).await, alice.key("search", &[]).await]
}

#[tokio::test]
async fn the_list_has_a_box_for_each_key_and_a_button_for_what_the_product_offers() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let list = alice.get(LIST).await;
    assert_eq!(list.link("Select several").as_deref(), Some(BOXES));
    list.says_nothing_of("Select billing");
    let page = alice.get(BOXES).await;
    assert_eq!(page.link("Done selecting").as_deref(), Some(LIST));
    for part in
        [&format!("name=\"key\" value=\"{}\"", key.id), "Select billing", DELETE, PAUSE, "/settings/api-keys.csv"]
    {
        assert!(page.html().contains(part), "{part}");
    }
    let page = desk.amir(&alice).await.get(BOXES).await;
    assert!(page.html().contains("Select billing") && page.html().contains("action=\"/settings/api-keys.csv\""));
    page.says_nothing_of(DELETE);
    page.says_nothing_of(PAUSE);
    let desk = TestApp::with_product(|product| product.keys.in_page.retain(|act| *act == KeyAct::Create)).await;
    let alice = desk.alice().await;
    let key = alice.creates("billing", &[]).await;
    let page = alice.get(BOXES).await;
    page.says_nothing_of(DELETE);
    page.says_nothing_of(PAUSE);
    for path in [DELETE, PAUSE] {
        assert_eq!(alice.get(&asking(path, &[&key])).await.status, 404);
        assert_eq!(sends(&alice, path, &[&key], "1").await.status, 404);
    }
}

#[tokio::test]
async fn the_question_lists_the_keys_and_what_will_break() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let [billing, orders, search] = three(&alice).await;
    for _ in 0..2 {
        assert_eq!(desk.holder(&orders.secret).get("/v1/key").await.status, 200);
    }
    let before = (desk.holdings().await, desk.events(&alice).await.len());
    let page = alice.get(&asking(DELETE, &[&search.id, &orders.id, &billing.id, &billing.id])).await;
    page.has_heading("Delete 3 keys?");
    assert_eq!(page.rows(), ["billing", "orders", "search"]);
    page.says("In use. 1 of them had 2 requests in the last 24 hours.");
    page.says("Type 3, the number of keys, to confirm");
    let page = alice.get(&asking(PAUSE, &[&billing.id, &search.id])).await;
    page.has_heading("Pause 2 keys?");
    page.says("No requests with any of them in the last 24 hours.");
    page.says_nothing_of("to confirm");
    assert_eq!((desk.holdings().await, desk.events(&alice).await.len()), before, "a question changes nothing");
}

#[tokio::test]
async fn selected_keys_are_deleted_at_once_each_with_its_event() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let [billing, orders, search] = three(&alice).await;
    let keys = [&billing, &orders];
    for key in keys {
        assert_eq!(desk.holder(&key.secret).get("/v1/key").await.status, 200, "the gate knows it");
    }
    let since = desk.events(&alice).await.len();
    let ids = keys.map(|key| key.id.as_str());
    for typed in ["", "3", "two", "billing"] {
        let answer = sends(&alice, DELETE, &ids, typed).await;
        assert_eq!(answer.status, 422, "{typed:?}");
        let why = "The number doesn’t match. Type 2 to delete 2 keys.";
        assert_eq!(answer.field_error("count").as_deref(), Some(why));
        assert_eq!((answer.value_of("count").as_str(), answer.rows().len()), (typed, 2));
    }
    assert_eq!(desk.events(&alice).await.len(), since);
    sends(&alice, DELETE, &ids, " 2 ").await.redirects_to(LIST);
    for key in keys {
        assert_eq!(desk.holder(&key.secret).get("/v1/key").await.status, 401);
    }
    assert_eq!(desk.holder(&search.secret).get("/v1/key").await.status, 200);
    let events = desk.events(&alice).await.split_off(since);
    let told: Vec<_> = events.iter().map(|event| (event.action.code(), event.target_id.as_str())).collect();
    assert_eq!(told, ids.map(|id| ("key.deleted", id)));
    assert_eq!(events[0].sentence(), "Deleted the key, one of 2 selected");
    let list = alice.get(LIST).await;
    let said = "2 keys were deleted. Requests using them now fail with 401. View in audit log";
    assert_eq!(list.flash().as_deref(), Some(said));
    assert_eq!(alice.get(&list.link("View in audit log").expect("a link")).await.status, 200);
}

#[tokio::test]
async fn keys_that_changed_meanwhile_are_said_and_not_done_twice() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let [billing, orders, search] = three(&alice).await;
    let all = [billing.id.as_str(), &orders.id, &search.id];
    alice.post(&key_path(&billing.id, "delete"), &[("name", "billing")]).await.redirects_to(LIST);
    alice.get(LIST).await;
    let since = desk.events(&alice).await.len();
    let page = alice.get(&asking(DELETE, &all)).await;
    page.has_heading("Delete 2 keys?");
    page.says("One key you selected is not listed: deleted already.");
    // The question was asked before the other administrator was faster.
    sends(&alice, PAUSE, &all, "").await.redirects_to(LIST);
    let said = "2 of 3 keys were paused; one was paused or deleted already. View in audit log";
    assert_eq!(alice.get(LIST).await.flash().as_deref(), Some(said));
    sends(&alice, PAUSE, &all, "").await.redirects_to(LIST);
    let said = "0 of 3 keys were paused; 3 were paused or deleted already. View in audit log";
    assert_eq!(alice.get(LIST).await.flash().as_deref(), Some(said));
    assert_eq!(desk.codes_after(&alice, since).await, ["key.paused", "key.paused"]);
    assert_eq!(desk.holder(&orders.secret).get("/v1/key").await.status, 401);
    alice.get(&asking(PAUSE, &all)).await.redirects_to(LIST);
    let said = "No key of these is left to pause.";
    assert_eq!(alice.get(LIST).await.flash().as_deref(), Some(said));
}

#[tokio::test]
async fn nobody_reaches_keys_of_another_account_or_more_than_a_page_of_them() {
    let desk = TestApp::new().await;
    let (alice, bob) = (desk.alice().await, desk.bob().await);
    let key = alice.key("billing", &[]).await;
    bob.get(&asking(DELETE, &[&key.id])).await.redirects_to(LIST);
    sends(&bob, DELETE, &[&key.id], "1").await.redirects_to(LIST);
    sends(&bob, PAUSE, &[&key.id], "").await.redirects_to(LIST);
    assert_eq!(desk.holder(&key.secret).get("/v1/key").await.status, 200);
    bob.get(&asking("/settings/api-keys.csv", &[&key.id])).await.says_nothing_of("billing");
    let many: Vec<String> = (0..51).map(|number| format!("key_{number:016}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for refused in [
        alice.get(&asking(DELETE, &many)).await,
        sends(&alice, DELETE, &many, "51").await,
        sends(&alice, PAUSE, &many, "").await,
        alice.get(&asking("/settings/api-keys.csv", &many)).await,
    ] {
        assert_eq!(refused.status, 400);
        refused.has_heading("That’s too many keys at once");
        refused.says("Choose at most 50. Nothing was changed.");
        assert_eq!(refused.link("API keys").as_deref(), Some(LIST));
    }
    for path in [DELETE, PAUSE] {
        alice.get(path).await.redirects_to(LIST);
        let said = "No key was selected. Tick the keys first.";
        assert_eq!(alice.get(LIST).await.flash().as_deref(), Some(said));
    }
}

#[tokio::test]
async fn fifty_keys_fit_into_one_address_and_one_act() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let mut ids = Vec::new();
    for number in 0..50 {
        ids.push(alice.creates(&format!("key-{number}"), &[]).await);
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let path = asking(DELETE, &ids);
    assert!(path.len() < 2000, "{} bytes of address", path.len());
    let page = alice.get(&path).await;
    assert_eq!(page.rows().len(), 50);
    assert!(page.body.len() < 60_000, "{} bytes", page.body.len());
    let since = desk.events(&alice).await.len();
    sends(&alice, DELETE, &ids, "50").await.redirects_to(LIST);
    assert_eq!(desk.codes_after(&alice, since).await, ["key.deleted"; 50]);
    assert_eq!(alice.get(LIST).await.rows(), ["first-key"]);
}
