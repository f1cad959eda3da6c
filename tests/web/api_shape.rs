//! The API's shape: JSON for every mistake, cursor pages, the definition's own word, and requests that are counted.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Actor, TestApp, key_path};

async fn program(desk: &TestApp, alice: &Actor) -> Actor {
    desk.holder(&alice.key("backend", &[]).await.secret)
}

#[tokio::test]
async fn a_path_that_does_not_exist_is_a_404_in_json() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let program = program(&desk, &alice).await;
    for path in ["/v1", "/v1/", "/v1/nothing", "/v1/inboxes/a/b", "/v1/key/", "/api/nothing", "/api/auth/nothing"] {
        for actor in [&program, &desk.visitor()] {
            let answer = actor.get(path).await;
            assert_eq!((answer.status, answer.header("content-type")), (404, "application/json"), "{path}");
            assert_eq!(answer.json()["error"]["code"], "not_found");
            assert_eq!(answer.json()["error"]["request_id"], answer.header("x-request-id"));
        }
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_take_is_a_405_in_json() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let program = program(&desk, &alice).await;
    for (method, path, allow) in [
        (Method::POST, "/v1/key", "GET,HEAD"),
        (Method::DELETE, "/v1/inboxes", "GET,HEAD,POST"),
        (Method::GET, "/api/auth/login", "POST"),
    ] {
        let answer = program.ask(method, path).send().await;
        assert_eq!((answer.status, answer.header("allow")), (405, allow), "{path}");
        assert_eq!(answer.json()["error"]["code"], "method_not_allowed");
        assert_eq!(answer.json()["error"]["request_id"], answer.header("x-request-id"));
    }
}

#[tokio::test]
async fn an_inbox_is_made_listed_shown_and_deleted() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let program = program(&desk, &alice).await;
    let made = program.post_json("/v1/inboxes", &json!({ "name": " Orders & Returns " })).await;
    assert_eq!(made.status, 201);
    let inbox = made.json();
    assert_eq!((&inbox["name"], &inbox["created_at"]), (&json!("Orders & Returns"), &json!("2026-11-21T14:05:00Z")));
    let address = inbox["address"].as_str().expect("an address");
    assert!(address.starts_with("orders-returns-") && address.ends_with("@in.localhost"), "{address}");
    let path = format!("/v1/inboxes/{}", inbox["id"].as_str().expect("an id"));
    assert_eq!(program.get(&path).await.json(), inbox);
    assert_eq!(program.get("/v1/inboxes").await.json(), json!({ "data": [inbox], "next": null }));
    assert_eq!(alice.get("/settings/inboxes").await.rows(), ["Orders & Returns"]);
    let deleted = program.delete(&path).await;
    assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    assert_eq!((program.get(&path).await.status, program.delete(&path).await.status), (404, 404));
}

#[tokio::test]
async fn a_body_that_cannot_be_an_inbox_says_why_and_makes_none() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    alice.inbox("Orders").await;
    let program = program(&desk, &alice).await;
    let before = (desk.holdings().await, desk.events(&alice).await.len());
    let long = "x".repeat(51);
    for (body, status, said) in [
        (json!({}), 400, "missing field `name`"),
        (json!({ "name": "Billing", "owner": "me" }), 400, "unknown field `owner`"),
        (json!({ "name": 7 }), 400, "The body is not what this path takes"),
        (json!({ "name": "" }), 422, "Enter a name."),
        (json!({ "name": long }), 422, "Use 50 characters or fewer. This name has 51."),
        (json!({ "name": "a\u{7}b" }), 422, "Use letters, digits, spaces and punctuation only."),
        (json!({ "name": "orders" }), 409, "An inbox named orders already exists. Choose another name."),
    ] {
        let answer = program.post_json("/v1/inboxes", &body).await;
        assert_eq!(answer.status, status, "{body}");
        let message = answer.json()["error"]["message"].as_str().expect("a message").to_owned();
        assert!(message.contains(said), "{message}");
        assert_eq!(answer.json()["error"]["field"], if status == 422 { json!("name") } else { Value::Null });
    }
    let big = program.post_json("/v1/inboxes", &json!({ "name": "x".repeat(64 * 1024) })).await;
    assert_eq!((big.status, big.json()["error"]["code"].as_str()), (413, Some("body_too_large")));
    for (kind, body, status) in [
        ("text/plain", &b"{\"name\":\"x\"}"[..], 415),
        ("application/json", b"{\"name\":\"\xff\"}", 400),
        ("application/json", b"{\"name\":", 400),
    ] {
        let answer = program.ask(Method::POST, "/v1/inboxes").raw(kind, body).send().await;
        assert_eq!(answer.status, status, "{kind}");
        assert_eq!(answer.json()["error"]["status"], status);
    }
    assert_eq!((desk.holdings().await, desk.events(&alice).await.len()), before);
}

#[tokio::test]
async fn a_list_is_read_page_by_page_without_repeats_or_gaps() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let program = program(&desk, &alice).await;
    for number in 0..7 {
        program.post_json("/v1/inboxes", &json!({ "name": format!("Inbox {number}") })).await;
    }
    let (mut names, mut after) = (Vec::new(), String::new());
    loop {
        let page = program.get(&format!("/v1/inboxes?limit=3&after={after}")).await.json();
        let data = page["data"].as_array().expect("inboxes");
        assert!((1..=3).contains(&data.len()));
        names.extend(data.iter().map(|inbox| inbox["name"].as_str().expect("a name").to_owned()));
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(names, (0..7).map(|number| format!("Inbox {number}")).collect::<Vec<_>>());
    for limit in ["0", "101", "-1", "many", "1.5"] {
        let answer = program.get(&format!("/v1/inboxes?limit={limit}")).await;
        assert_eq!(answer.status, 400, "{limit}");
        answer.says("limit is a number from 1 to 100.");
    }
}

#[tokio::test]
async fn the_products_own_word_is_a_path_too() {
    let desk = TestApp::with_product(|product| product.words.api_name = "servers".into()).await;
    let alice = desk.alice().await;
    let program = program(&desk, &alice).await;
    let made = program.post_json("/v1/servers", &json!({ "name": "Orders" })).await;
    assert_eq!(made.status, 201);
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    for words in ["servers", "inboxes"] {
        assert_eq!(program.get(&format!("/v1/{words}/{id}")).await.json(), made.json());
        assert_eq!(program.get(&format!("/v1/{words}")).await.json()["data"], json!([made.json()]));
    }
    assert_eq!(program.delete(&format!("/v1/servers/{id}")).await.status, 204);
    assert_eq!(TestApp::new().await.visitor().get("/v1/servers").await.status, 404, "not without the definition");
}

#[tokio::test]
async fn requests_are_counted_where_people_look_for_them() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("backend", &[("preset", "read")]).await;
    let program = desk.holder(&key.secret);
    for _ in 0..3 {
        assert_eq!(program.at("198.51.100.80").get("/v1/inboxes").await.status, 200);
    }
    assert_eq!(program.at("198.51.100.81").get("/v1/inboxes/inb_0000000000000000").await.status, 404);
    assert_eq!(program.at("198.51.100.81").post_json("/v1/inboxes", &json!({ "name": "x" })).await.status, 403);
    desk.holder("kd_live_nonsense").get("/v1/inboxes").await;
    let list = alice.get("/settings/api-keys?q=backend").await;
    list.says("Never");
    desk.flush().await;
    desk.flush().await;

    let list = alice.get("/settings/api-keys?q=backend").await;
    list.says("Read only 5 Just now");
    let page = alice.get(&key_path(&key.id, "?period=24h").replace("/?", "?")).await;
    page.says("last used less than a minute ago from 198.51.100.81");
    page.says("Requests 5 Refused 1 20% IP addresses 2 Peak hour 5 14:00 UTC");
    let kept = desk.count(&format!("select ok from usage_hours where key_id = '{}'", key.id)).await;
    assert_eq!(kept, 4, "a second flush counts nothing twice");
}

#[tokio::test]
async fn refused_requests_are_counted_for_the_key_they_came_with() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("backend", &[("allowed_ips", "198.51.100.80")]).await;
    let program = desk.holder(&key.secret);
    assert_eq!(program.at("203.0.113.99").get("/v1/key").await.status, 403);
    alice.post(&key_path(&key.id, "delete"), &[("name", "backend")]).await;
    assert_eq!(program.at("198.51.100.80").get("/v1/key").await.status, 401);
    desk.flush().await;
    let refused = desk.count(&format!("select refused from usage_hours where key_id = '{}'", key.id)).await;
    assert_eq!(refused, 2);
    let page = alice.get(&key_path(&key.id, "")).await;
    page.says("never used");
}
