//! `POST /gate/verify`: the same verdict as JSON, for whoever holds the secret of somebody else's request.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Actor, Answer, TestApp, key_path};

/// A desk, its administrator, and the peer that asks.
async fn desk() -> (TestApp, Actor, Actor) {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let gateway = desk.visitor().at("192.0.2.1");
    (desk, alice, gateway)
}

async fn verify(gateway: &Actor, body: &Value) -> Answer {
    gateway.post_json("/gate/verify", body).await
}

#[tokio::test]
async fn a_key_that_passes_is_described() {
    let (_desk, alice, gateway) = desk().await;
    let inbox = alice.inbox("Orders").await;
    let fields = [
        ("type", "restricted"),
        ("inbox", inbox.as_str()),
        ("preset", "custom"),
        ("scopes[]", "mail:send"),
        ("expires_on", "2027-02-19"),
        ("allowed_ips", "198.51.100.0/28"),
    ];
    let key = alice.key("orders", &fields).await;
    let body = json!({ "secret": key.secret, "scope": "mail:send", "inbox": inbox, "ip": "198.51.100.3" });
    let answer = verify(&gateway, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.says_nothing_of(&key.secret[8..]);
    assert_eq!(
        answer.json(),
        json!({
            "credential": "key",
            "id": key.id,
            "account_id": alice.account_id,
            "name": "orders",
            "type": "restricted",
            "environment": "live",
            "inbox": inbox,
            "scopes": ["mail:send"],
            "allowed_ips": ["198.51.100.0/28"],
            "status": "active",
            "expires_at": "2027-02-19T23:59:59Z",
        })
    );
}

#[tokio::test]
async fn the_old_secret_of_a_key_says_that_it_retires() {
    let (_desk, alice, gateway) = desk().await;
    let key = alice.key("billing", &[]).await;
    alice.post(&key_path(&key.id, "rotate"), &[("grace", "7d")]).await;
    let new = alice.reveals(&key.id).await;
    let status = async |secret: &str| verify(&gateway, &json!({ "secret": secret })).await.json()["status"].clone();
    assert_eq!((status(&key.secret).await, status(&new).await), (json!("retiring"), json!("active")));
}

#[tokio::test]
async fn a_person_is_described_too() {
    let (desk, alice, gateway) = desk().await;
    let token = desk.token_of(&alice).await.secret.expect("a token");
    let answer = verify(&gateway, &json!({ "secret": token })).await;
    let said = json!({
        "credential": "session",
        "account_id": alice.account_id,
        "user_id": alice.user_id,
        "role": "administrator",
    });
    assert_eq!((answer.status, answer.json()), (200, said));
}

#[tokio::test]
async fn the_address_that_counts_is_the_one_that_is_told() {
    let (desk, alice, gateway) = desk().await;
    let key = alice.key("homely", &[("allowed_ips", "198.51.100.0/28\n2001:db8:1::/48")]).await;
    for (ip, status) in [
        ("198.51.100.3", 200),
        ("::ffff:198.51.100.3", 200),
        ("2001:db8:1::9", 200),
        ("198.51.100.16", 403),
        ("2001:db8:2::9", 403),
    ] {
        assert_eq!(verify(&gateway, &json!({ "secret": key.secret, "ip": ip })).await.status, status, "{ip}");
    }
    assert_eq!(verify(&gateway, &json!({ "secret": key.secret })).await.status, 403, "the peer's own address");
    assert_eq!(verify(&gateway.at("198.51.100.9"), &json!({ "secret": key.secret })).await.status, 200);
    desk.flush().await;
    let addresses = format!("select count(*) from usage_addresses where key_id = '{}'", key.id);
    assert_eq!(desk.count(&addresses).await, 3, "the told ones, each in one spelling, and the peer's that passed");
    assert_eq!(desk.count(&format!("{addresses} and ip = '192.0.2.1'")).await, 0);
}

#[tokio::test]
async fn the_body_is_read_strictly() {
    let (_desk, alice, gateway) = desk().await;
    let key = alice.key("full", &[]).await;
    let secret = key.secret.as_str();
    for body in [
        json!({}),
        json!({ "scope": "mail:send" }),
        json!({ "secret": secret, "account_id": "acc_other" }),
        json!({ "secret": secret, "Scope": "mail:send" }),
        json!({ "secret": secret, "scopes": ["mail:send"] }),
        json!({ "secret": secret, "scope": ["mail:send"] }),
        json!({ "secret": secret, "scope": 1 }),
        json!({ "secret": [secret] }),
        json!({ "secret": null }),
        json!({ "secret": secret, "ip": "home" }),
        json!({ "secret": secret, "ip": "198.51.100.0/28" }),
        json!({ "secret": secret, "ip": 3_325_256_704_u32 }),
        json!([secret]),
        json!(secret),
        json!({ "secret": format!("{secret}\0") }),
    ] {
        let answer = verify(&gateway, &body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_request"), "{}", answer.text());
        answer.says_nothing_of(&secret[8..]);
    }
    let doubled = format!(r#"{{"secret":"{secret}","scope":"mail:send","scope":"mail:read"}}"#);
    for raw in [doubled.as_str(), "", "{", "secret", "{\"secret\":\"\u{fffd}", "null"] {
        let answer = gateway.ask(Method::POST, "/gate/verify").raw("application/json", raw.to_owned()).send().await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_request"), "{raw}");
    }
    let odd = verify(&gateway, &json!({ "secret": secret, "scope": "mail:sned" })).await;
    assert_eq!((odd.status, odd.json()["error"]["field"].as_str()), (422, Some("scope")));
}

#[tokio::test]
async fn another_media_type_is_415_and_a_large_body_413() {
    let (_desk, alice, gateway) = desk().await;
    let key = alice.key("full", &[]).await;
    let body = json!({ "secret": key.secret }).to_string();
    let ask = || gateway.ask(Method::POST, "/gate/verify");
    for media in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "text/json", ""] {
        let answer = ask().raw(media, body.clone()).send().await;
        assert_eq!((answer.status, answer.code().as_str()), (415, "unsupported_media_type"), "{media}");
    }
    for media in ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON"] {
        assert_eq!(ask().raw(media, body.clone()).send().await.status, 200, "{media}");
    }
    let padding = " ".repeat(64 * 1024 - body.len());
    assert_eq!(ask().raw("application/json", format!("{body}{padding}")).send().await.status, 200, "64 KiB");
    let answer = ask().raw("application/json", format!("{body}{padding} ")).send().await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "body_too_large"), "a byte more");
}

#[tokio::test]
async fn a_credential_in_the_header_or_the_query_of_verify_is_nobodys() {
    let (desk, alice, _) = desk().await;
    let key = alice.key("full", &[]).await;
    let program = desk.holder(&key.secret);
    assert_eq!(verify(&program, &json!({ "secret": "nonsense" })).await.status, 401);
    assert_eq!(verify(&program, &json!({})).await.status, 400);
    let answer = program.post_json(&format!("/gate/verify?secret={}", key.secret), &json!({})).await;
    assert_eq!(answer.status, 400);
    answer.says_nothing_of(&key.secret[8..]);
}
