//! Inboxes: added by name, and deleted together with the keys that are bound to them, which are named before.

use crate::support::TestApp;

const INBOXES: &str = "/settings/inboxes";

#[tokio::test]
async fn an_inbox_is_added_and_said_to_be_ready_once() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let empty = alice.get(INBOXES).await;
    empty.has_heading("No inboxes yet");
    alice.post(INBOXES, &[("name", " Orders & Returns ")]).await.redirects_to(INBOXES);
    let page = alice.get(INBOXES).await;
    assert_eq!(page.flash().as_deref(), Some("Orders & Returns is ready."));
    assert_eq!(page.rows(), ["Orders & Returns"]);
    assert_eq!(alice.get(INBOXES).await.flash(), None);
}

#[tokio::test]
async fn a_name_that_cannot_be_adds_nothing_and_is_kept() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    alice.inbox("Orders").await;
    let before = (desk.holdings().await, desk.events(&alice).await.len());
    let long = "ü".repeat(51);
    for (name, why) in [
        ("", "Enter a name."),
        (long.as_str(), "Use 50 characters or fewer. This name has 51."),
        ("bell\u{7}", "Use letters, digits, spaces and punctuation only."),
        ("Orders", "An inbox named Orders already exists. Choose another name."),
        ("  ORDERS ", "An inbox named ORDERS already exists. Choose another name."),
    ] {
        let answer = alice.post(INBOXES, &[("name", name)]).await;
        assert_eq!(answer.status, 422, "{name:?}");
        assert_eq!(answer.field_error("name").as_deref(), Some(why));
        assert_eq!(answer.value_of("name"), name);
    }
    assert_eq!((desk.holdings().await, desk.events(&alice).await.len()), before);
    desk.bob().await.inbox("Orders").await;
}

#[tokio::test]
async fn the_keys_that_die_with_an_inbox_are_named_before_and_dead_after() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let (orders, returns) = (alice.inbox("Orders").await, alice.inbox("Returns").await);
    let one = alice.restricted_key("orders-worker", &orders).await;
    let two = alice.restricted_key("orders-reader", &orders).await;
    let other = alice.restricted_key("returns-worker", &returns).await;
    let wide = alice.key("backend", &[]).await;
    let path = format!("{INBOXES}/{orders}/delete");
    let page = alice.get(&path).await;
    page.has_heading("Delete Orders?");
    page.says("2 keys are deleted with it.");
    page.says("Type Orders to confirm");
    for name in ["orders-worker", "orders-reader"] {
        assert!(page.link(name).is_some(), "{name} is not named");
    }
    page.says_nothing_of("returns-worker");

    alice.post(&path, &[("name", "Orders")]).await.redirects_to(INBOXES);
    let list = alice.get(INBOXES).await;
    let said = "Orders was deleted, and with it orders-reader and orders-worker.";
    assert_eq!(list.flash().as_deref(), Some(said));
    assert_eq!(list.rows(), ["Returns"]);
    for (key, status) in [(&one, 401), (&two, 401), (&other, 200), (&wide, 200)] {
        assert_eq!(desk.holder(&key.secret).get("/v1/key").await.status, status);
    }
    assert_eq!(desk.holder(&wide.secret).get(&format!("/v1/inboxes/{orders}")).await.status, 404);
    let deleted = alice.get("/settings/api-keys?status=deleted&sort=name").await;
    assert_eq!(deleted.rows(), ["orders-reader", "orders-worker"]);
    alice.inbox("Orders").await;
}

#[tokio::test]
async fn a_program_that_deletes_an_inbox_takes_its_keys_too() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let orders = alice.inbox("Orders").await;
    let bound = alice.restricted_key("orders-worker", &orders).await;
    let program = desk.holder(&alice.key("backend", &[]).await.secret);
    assert_eq!(desk.holder(&bound.secret).get("/v1/inboxes").await.status, 200);
    assert_eq!(program.delete(&format!("/v1/inboxes/{orders}")).await.status, 204);
    assert_eq!(desk.holder(&bound.secret).get("/v1/inboxes").await.status, 401);
}

#[tokio::test]
async fn another_name_than_the_exact_one_deletes_nothing() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let orders = alice.inbox("Orders").await;
    let bound = alice.restricted_key("orders-worker", &orders).await;
    let before = (desk.holdings().await, desk.events(&alice).await.len());
    for typed in ["", "orders", "Order", "orders-worker"] {
        let answer = alice.post(&format!("{INBOXES}/{orders}/delete"), &[("name", typed)]).await;
        assert_eq!(answer.status, 422, "{typed:?}");
        let why = "The name doesn’t match. Type Orders exactly, with its capitals.";
        assert_eq!(answer.field_error("name").as_deref(), Some(why));
        assert_eq!(answer.value_of("name"), typed);
    }
    assert_eq!((desk.holdings().await, desk.events(&alice).await.len()), before);
    assert_eq!(desk.holder(&bound.secret).get("/v1/key").await.status, 200);
}

#[tokio::test]
async fn an_inbox_that_is_gone_or_somebody_elses_is_a_404_that_leads_back() {
    let desk = TestApp::new().await;
    let (alice, bob) = (desk.alice().await, desk.bob().await);
    let theirs = bob.inbox("Parcels").await;
    let gone = alice.inbox("Gone").await;
    alice.post(&format!("{INBOXES}/{gone}/delete"), &[("name", "Gone")]).await.redirects_to(INBOXES);
    let before = desk.holdings().await;
    for id in [theirs.as_str(), gone.as_str(), "inb_0000000000000000"] {
        let path = format!("{INBOXES}/{id}/delete");
        for answer in [alice.get(&path).await, alice.post(&path, &[("name", "Parcels")]).await] {
            assert_eq!(answer.status, 404, "{id}");
            answer.has_heading("There’s no inbox here");
            assert_eq!(answer.link("Inboxes").as_deref(), Some(INBOXES));
        }
    }
    assert_eq!(desk.holdings().await, before);
}

#[tokio::test]
async fn a_member_sees_the_inboxes_and_no_way_to_change_them_or_to_see_keys() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let orders = alice.inbox("Orders").await;
    alice.restricted_key("orders-worker", &orders).await;
    let page = desk.mei(&alice).await.get(INBOXES).await;
    assert_eq!(page.rows(), ["Orders"]);
    page.says("1 key");
    page.says_nothing_of("orders-worker");
    for way in ["/new", "/delete", "api-keys", "audit-log", "team", "welcome"] {
        assert!(!page.hrefs().iter().any(|href| href.contains(way)), "{way}");
    }
}

#[tokio::test]
async fn a_product_with_other_words_says_them_everywhere() {
    let desk = TestApp::with_product(|product| {
        product.words.resource = "mailbox".into();
        product.words.resources = "mailboxes".into();
        product.words.restricted = "scoped".into();
    })
    .await;
    let alice = desk.alice().await;
    alice.get(INBOXES).await.has_heading("No mailboxes yet");
    let orders = alice.inbox("Orders").await;
    alice.get(INBOXES).await.has_heading("Mailboxes");
    let form = alice.get("/settings/api-keys/new?type=restricted").await;
    form.has_heading("Create a scoped key");
    form.says_nothing_of("inbox.");
    let fields = [("type", "restricted"), ("name", "x"), ("environment", "live"), ("scopes[]", "mail:send")];
    let refused = alice.post("/settings/api-keys", &fields).await;
    assert_eq!(refused.field_error("inbox").as_deref(), Some("Choose the mailbox this key works with."));
    alice.get(&format!("{INBOXES}/{orders}/delete")).await.says("A deleted mailbox can’t be restored.");
}

#[tokio::test]
async fn many_inboxes_are_read_page_by_page() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let program = desk.holder(&alice.key("backend", &[]).await.secret);
    for number in 0..53 {
        let body = serde_json::json!({ "name": format!("Inbox {number:02}") });
        assert_eq!(program.post_json("/v1/inboxes", &body).await.status, 201);
    }
    let first = alice.get(INBOXES).await;
    let next = first.link("Next").expect("a second page");
    let names = [first.rows(), alice.get(&next).await.rows()].concat();
    assert_eq!(names, (0..53).map(|number| format!("Inbox {number:02}")).collect::<Vec<_>>());
}
