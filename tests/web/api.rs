//! The API with keys: who comes in, how far they reach, and what the ones who do not are told.

use axum::http::Method;
use keydesk::clock::days;
use serde_json::json;

use crate::support::{Answer, TestApp, key_path};

/// The body without its request id, which must be the header's.
fn without_request_id(answer: &Answer) -> String {
    let id = answer.header("x-request-id");
    assert!(id.starts_with("req_"), "{id}");
    let mut body = answer.json();
    assert_eq!(body["error"]["request_id"], id);
    body["error"]["request_id"] = json!("");
    body.to_string()
}

#[tokio::test]
async fn every_key_that_does_not_work_is_answered_alike() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let deleted = alice.key("deleted", &[]).await;
    alice.post(&key_path(&deleted.id, "delete"), &[("name", "deleted")]).await;
    let expired = alice.key("expired", &[("expires", "30")]).await;
    let paused = alice.key("paused", &[("expires", "none")]).await;
    desk.database.run(&format!("update api_keys set paused_at = 1 where id = '{}'", paused.id)).await;
    let stopped = alice.key("stopped", &[("expires", "none")]).await;
    alice.post(&key_path(&stopped.id, "rotate"), &[("grace", "0")]).await;
    desk.pass(days(31));

    let genuine = &paused.secret;
    let checksum = format!("{}{}", &genuine[..56], if genuine.ends_with('a') { 'b' } else { 'a' });
    let unknown = keydesk::model::secret::Secret::generate("kd_live_", &keydesk::entropy::Entropy::seeded(9));
    let foreign = genuine.replace("kd_live_", "mk_live_");
    let other_environment = genuine.replace("kd_live_", "kd_test_");
    let mut bodies = Vec::new();
    for secret in [
        deleted.secret.as_str(),
        &expired.secret,
        &paused.secret,
        &stopped.secret,
        &checksum,
        &foreign,
        &other_environment,
        unknown.reveal(),
        "kd_live_short",
        "nonsense",
    ] {
        let answer = desk.holder(secret).get("/v1/key").await;
        assert_eq!(answer.status, 401, "{}", answer.text());
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"api\", error=\"invalid_token\"");
        bodies.push(without_request_id(&answer));
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:#?}");
    let answer = desk.holder("nonsense").get("/v1/key").await;
    insta::assert_snapshot!(answer.plain_json(), @r#"
    {
      "error": {
        "code": "unauthorized",
        "message": "Invalid or missing API key.",
        "request_id": "req_…",
        "status": 401,
        "type": "authentication_error"
      }
    }
    "#);
}

#[tokio::test]
async fn a_key_works_until_the_microsecond_of_its_expiry() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let program = desk.holder(&alice.key("billing", &[("expires", "30")]).await.secret);
    desk.pass(days(30).saturating_sub(std::time::Duration::from_micros(1)));
    assert_eq!(program.get("/v1/key").await.status, 200);
    desk.pass(std::time::Duration::from_micros(1));
    assert_eq!(program.get("/v1/key").await.status, 401);
}

#[tokio::test]
async fn without_a_credential_the_challenge_accuses_nobody() {
    let desk = TestApp::new().await;
    let answer = desk.visitor().get("/v1/inboxes").await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"api\"");
    without_request_id(&answer);
}

#[tokio::test]
async fn only_one_bearer_header_is_a_credential() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let secret = alice.key("billing", &[]).await.secret;
    let nobody = desk.visitor();
    let bearer = format!("Bearer {secret}");
    let lower = nobody.ask(Method::GET, "/v1/key").with("authorization", &format!("bearer {secret}")).send().await;
    assert_eq!(lower.status, 200, "the scheme is written in any case");
    for values in [
        vec![format!("Basic {secret}")],
        vec![secret.clone()],
        vec![format!("Bearer  {secret}")],
        vec![bearer.clone(), bearer.clone()],
        vec![bearer.clone(), "Basic eDp5".to_owned()],
        vec![format!("{bearer}, {bearer}")],
    ] {
        let ask = nobody.ask(Method::GET, "/v1/key");
        let answer = values.iter().fold(ask, |ask, value| ask.with("authorization", value)).send().await;
        assert_eq!(answer.status, 401, "{} values", values.len());
    }
    for path in [format!("/v1/key?api_key={secret}"), format!("/v1/key?access_token={secret}")] {
        assert_eq!(nobody.get(&path).await.status, 401, "no credential is read from a URL");
    }
    let cookie = nobody.ask(Method::GET, "/v1/key").with("x-api-key", &secret).send().await;
    assert_eq!(cookie.status, 401);
}

#[tokio::test]
async fn a_browsers_cookie_opens_nothing_here() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    assert!(alice.cookie("keydesk").is_some());
    assert_eq!(alice.get("/v1/inboxes").await.status, 401);
    let before = desk.holdings().await;
    assert_eq!(alice.post_json("/v1/inboxes", &json!({ "name": "Orders" })).await.status, 401);
    assert_eq!(desk.holdings().await, before);
}

#[tokio::test]
async fn a_key_says_who_it_is() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let inbox = alice.inbox("Orders").await;
    let fields = [
        ("type", "restricted"),
        ("inbox", inbox.as_str()),
        ("preset", "custom"),
        ("scopes[]", "mail:read"),
        ("scopes[]", "mail:send"),
        ("environment", "test"),
        ("expires_on", "2027-02-19"),
        ("allowed_ips", "203.0.113.0/24"),
    ];
    let key = alice.key("billing", &fields).await;
    let mut answer = desk.holder(&key.secret).get("/v1/key").await;
    assert_eq!(answer.status, 200);
    answer.body = answer.html().replace(&key.secret[53..], "last").into();
    insta::assert_snapshot!(answer.plain_json(), @r#"
    {
      "account_id": "acc_…",
      "allowed_ips": [
        "203.0.113.0/24"
      ],
      "created_at": "2026-11-21T14:05:00Z",
      "environment": "test",
      "expires_at": "2027-02-19T23:59:59Z",
      "id": "key_…",
      "inbox": "inb_…",
      "last4": "last",
      "last_used_at": null,
      "name": "billing",
      "scopes": [
        "mail:send",
        "mail:read"
      ],
      "status": "active",
      "type": "restricted"
    }
    "#);
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let inbox = alice.inbox("Orders").await;
    let key = alice.key("sender", &[("preset", "send")]).await;
    let program = desk.holder(&key.secret);
    let answer = program.get("/v1/inboxes").await;
    assert_eq!(answer.status, 403);
    let challenge = "Bearer realm=\"api\", error=\"insufficient_scope\", scope=\"inboxes:read\"";
    assert_eq!(answer.header("www-authenticate"), challenge);
    without_request_id(&answer);
    insta::assert_snapshot!(answer.plain_json(), @r#"
    {
      "error": {
        "code": "forbidden",
        "message": "Insufficient permissions. Required scope: inboxes:read.",
        "request_id": "req_…",
        "required_scope": "inboxes:read",
        "status": 403,
        "type": "permission_error"
      }
    }
    "#);
    let before = desk.holdings().await;
    for answer in [
        program.post_json("/v1/inboxes", &json!({ "name": "Billing" })).await,
        program.delete(&format!("/v1/inboxes/{inbox}")).await,
    ] {
        assert_eq!(answer.status, 403);
        assert_eq!(answer.json()["error"]["required_scope"], "inboxes:write");
    }
    assert_eq!(desk.holdings().await, before);
    assert_eq!(program.get("/v1/key").await.status, 200, "asking who one is takes no scope");
}

#[tokio::test]
async fn a_restricted_key_knows_its_own_inbox_and_no_other() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let (own, other) = (alice.inbox("Orders").await, alice.inbox("Billing").await);
    let program = desk.holder(&alice.restricted_key("orders", &own).await.secret);

    assert_eq!(program.get(&format!("/v1/inboxes/{own}")).await.json()["name"], "Orders");
    let list = program.get("/v1/inboxes").await;
    assert_eq!(list.status, 200);
    assert_eq!(list.json()["data"].as_array().map(Vec::len), Some(1));
    list.says_nothing_of("Billing");
    list.says_nothing_of(&other);

    let hidden = program.get(&format!("/v1/inboxes/{other}")).await;
    let absent = program.get("/v1/inboxes/inb_0000000000000000").await;
    assert_eq!((hidden.status, absent.status), (404, 404));
    assert_eq!(without_request_id(&hidden), without_request_id(&absent), "no telling whether it exists");

    let before = desk.holdings().await;
    let created = program.post_json("/v1/inboxes", &json!({ "name": "Mine" })).await;
    assert_eq!((created.status, created.json()["error"]["required_scope"].as_str()), (403, Some("inboxes:write")));
    created.says("can never hold it.");
    assert_eq!(program.delete(&format!("/v1/inboxes/{own}")).await.status, 403);
    assert_eq!(program.delete(&format!("/v1/inboxes/{other}")).await.status, 404);
    assert_eq!(desk.holdings().await, before);
}

#[tokio::test]
async fn another_accounts_inbox_does_not_exist() {
    let desk = TestApp::new().await;
    let (alice, bob) = (desk.alice().await, desk.bob().await);
    let inbox = alice.inbox("Orders").await;
    let program = desk.holder(&bob.key("curious", &[]).await.secret);
    let before = desk.holdings().await;
    assert_eq!(program.get(&format!("/v1/inboxes/{inbox}")).await.status, 404);
    assert_eq!(program.delete(&format!("/v1/inboxes/{inbox}")).await.status, 404);
    assert_eq!(program.get("/v1/inboxes").await.json(), json!({ "data": [], "next": null }));
    // A cursor into somebody else's list leads nowhere.
    assert_eq!(program.get(&format!("/v1/inboxes?after={inbox}")).await.json()["data"], json!([]));
    assert_eq!(desk.holdings().await, before);
}

#[tokio::test]
async fn a_key_works_only_from_the_addresses_it_allows() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("homely", &[("allowed_ips", "198.51.100.0/28\n2001:db8:1::/48")]).await;
    let program = desk.holder(&key.secret);
    for (address, status) in [
        ("198.51.100.3", 200),
        ("::ffff:198.51.100.3", 200),
        ("2001:db8:1::7", 200),
        ("198.51.100.16", 403),
        ("2001:db8:2::7", 403),
    ] {
        let answer = program.at(address).get("/v1/key").await;
        assert_eq!(answer.status, status, "{address}");
    }
    let refused = program.at("198.51.100.16").get("/v1/key").await;
    refused.says("This key may not be used from your address.");
    without_request_id(&refused);
    // Nobody moves by a header that anybody can send.
    let outside = program.at("198.51.100.16");
    let claimed = outside.ask(Method::GET, "/v1/key").with("x-forwarded-for", "198.51.100.3").send().await;
    assert_eq!(claimed.status, 403);
}
