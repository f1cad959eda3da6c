//! Whose word counts. What a stranger says of a request changes nothing, of a trusted gateway everything; and over TLS
//! no credential is taken in the clear.

use axum::http::Method;
use serde_json::json;

use crate::support::{Actor, Answer, TestApp};

/// What strangers like to say of themselves.
const FORGED: [&[(&str, &str)]; 14] = [
    &[("x-forwarded-for", "198.51.100.3")],
    &[("x-forwarded-for", "127.0.0.1"), ("x-forwarded-for", "10.0.0.1")],
    &[("x-forwarded-for", "no address")],
    &[("x-forwarded-proto", "https")],
    &[("x-forwarded-proto", "http")],
    &[("x-forwarded-proto", "gopher"), ("x-forwarded-proto", "https")],
    &[("x-forwarded-uri", "/v1/admin"), ("x-forwarded-method", "DELETE")],
    &[("x-original-uri", "/"), ("x-original-method", "GET")],
    &[("x-original-uri", "/%2e%2e/é")],
    &[("x-forwarded-host", "localhost"), ("forwarded", "for=127.0.0.1;proto=https;host=localhost")],
    &[("x_forwarded_for", "127.0.0.1"), ("x-forwarded.proto", "https")],
    &[("x-real-ip", "198.51.100.3"), ("x-client-ip", "198.51.100.3"), ("cf-connecting-ip", "198.51.100.3")],
    &[("x-keydesk-key-id", "key_1"), ("x-keydesk-scopes", "*"), ("x_keydesk_scopes", "*")],
    &[("x-http-method-override", "DELETE"), ("x-original-host", "localhost")],
];

async fn forging(actor: &Actor, path: &str, forged: &[(&str, &str)]) -> Answer {
    let ask = actor.ask(Method::GET, path);
    forged.iter().fold(ask, |ask, (name, value)| ask.with(name, value)).send().await
}

#[tokio::test]
async fn what_a_stranger_says_changes_nothing() {
    let desk = TestApp::with_product(|product| product.rate_limit.per_minute = 0).await;
    let alice = desk.alice().await;
    let sender = alice.key("sender", &[("preset", "send")]).await;
    let homely = alice.key("homely", &[("allowed_ips", "198.51.100.0/28")]).await;
    for program in [desk.holder(&sender.secret), desk.holder(&homely.secret), desk.holder("nonsense"), desk.visitor()] {
        for path in ["/gate/authorize?scope=mail:send", "/gate/authorize?scope=mail:read", "/gate/authorize", "/v1/key"]
        {
            let plain = program.get(path).await.whole();
            for forged in FORGED {
                assert_eq!(forging(&program, path, forged).await.whole(), plain, "{forged:?} on {path}");
                desk.flush().await;
            }
        }
    }
    let elsewhere = "select count(*) from usage_addresses where ip <> '203.0.113.24'";
    assert_eq!(desk.count(elsewhere).await, 0, "a forged address was recorded");
    let said = format!("select count(*) from api_keys where id = '{}' and last_used_route = 'GET /v1/key'", sender.id);
    assert_eq!(desk.count(&said).await, 1, "a forged path was recorded");
}

#[tokio::test]
async fn the_right_most_address_that_no_gateway_has_decides_and_is_recorded() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("homely", &[("allowed_ips", "198.51.100.0/28\n2001:db8:1::/48")]).await;
    let gateway = desk.holder(&key.secret).at("10.0.0.1");
    for (list, status) in [
        ("198.51.100.3", 200),
        ("203.0.113.66, 198.51.100.4", 200),
        ("203.0.113.66, 198.51.100.5, 10.9.9.9, 10.0.0.2", 200),
        ("198.51.100.6:4711", 200),
        ("[2001:db8:1::7]:443", 200),
        ("::ffff:198.51.100.8", 200),
        ("198.51.100.3, 203.0.113.66", 403),
        ("198.51.100.3, 203.0.113.66, 10.0.0.2", 403),
        ("10.0.0.2", 403),
        ("198.51.100.3, ", 400),
    ] {
        for path in ["/gate/authorize?scope=mail:send", "/v1/key"] {
            assert_eq!(forging(&gateway, path, &[("x-forwarded-for", list)]).await.status, status, "{list} on {path}");
        }
    }
    assert_eq!(gateway.asks("").await.status, 403, "a gateway that says nothing speaks for itself");
    desk.flush().await;
    for ip in ["198.51.100.3", "198.51.100.4", "198.51.100.5", "198.51.100.6", "2001:db8:1::7", "198.51.100.8"] {
        let recorded = format!("select count(*) from usage_addresses where key_id = '{}' and ip = '{ip}'", key.id);
        assert_eq!(desk.count(&recorded).await, 1, "{ip}");
    }
    assert_eq!(desk.count("select count(*) from usage_addresses").await, 6);
    let last = format!("select count(*) from api_keys where id = '{}' and last_used_ip = '198.51.100.8'", key.id);
    assert_eq!(desk.count(&last).await, 1);
}

#[tokio::test]
async fn a_gateway_asks_verify_for_its_client() {
    let desk = TestApp::new().await;
    let key = desk.alice().await.key("homely", &[("allowed_ips", "198.51.100.0/28")]).await;
    let gateway = desk.visitor().at("10.0.0.1");
    let ask = |ip: Option<&str>, list: &str| {
        let mut body = json!({ "secret": key.secret });
        if let Some(ip) = ip {
            body["ip"] = ip.into();
        }
        gateway.ask(Method::POST, "/gate/verify").with("x-forwarded-for", list).json(&body)
    };
    assert_eq!(ask(None, "198.51.100.3").send().await.status, 200);
    assert_eq!(ask(None, "203.0.113.9").send().await.status, 403);
    assert_eq!(ask(Some("198.51.100.3"), "203.0.113.9").send().await.status, 200, "what the body says goes first");
    assert_eq!(ask(Some("198.51.100.3"), "nowhere").send().await.status, 400);
}

#[tokio::test]
async fn over_tls_a_credential_in_the_clear_is_refused_and_not_tried() {
    let desk = TestApp::over_https().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let program = desk.holder(&key.secret);
    let proxy = program.at("10.0.0.1");
    let nobody = desk.visitor();
    for path in ["/gate/authorize?scope=mail:send", "/v1/key"] {
        for (who, forged, status, code) in [
            (&proxy, &[("x-forwarded-proto", "https")][..], 200, ""),
            (&proxy, &[], 200, ""),
            (&proxy, &[("x-forwarded-proto", "http")], 403, "https_required"),
            (&proxy, &[("x-forwarded-proto", "http"), ("x-forwarded-for", "127.0.0.1")], 403, "https_required"),
            (&program, &[], 403, "https_required"),
            (&program, &[("x-forwarded-proto", "https")], 403, "https_required"),
            (&desk.holder("nonsense"), &[], 403, "https_required"),
            (&nobody, &[], 401, "unauthorized"),
            (&nobody.at("10.0.0.1"), &[("x-forwarded-proto", "http")], 401, "unauthorized"),
        ] {
            let answer = forging(who, path, forged).await;
            let said = if answer.status == 200 { String::new() } else { answer.code() };
            assert_eq!((answer.status, said.as_str()), (status, code), "{forged:?} from {} on {path}", who.ip);
            assert!(answer.location().is_empty(), "a credential is not sent on");
        }
    }
    desk.flush().await;
    let counted = format!("select count(*) from usage_hours where key_id = '{}' and refused > 0", key.id);
    assert_eq!(desk.count(&counted).await, 0, "what was refused unread was counted");
}

#[tokio::test]
async fn over_tls_verify_takes_no_secret_in_the_clear_either() {
    let desk = TestApp::over_https().await;
    let alice = desk.alice().await;
    let body = json!({ "secret": alice.key("billing", &[]).await.secret });
    for (peer, proto, status) in [
        ("10.0.0.1", "https", 200),
        ("10.0.0.1", "http", 403),
        ("203.0.113.9", "https", 403),
        ("203.0.113.9", "http", 403),
    ] {
        let ask = desk.visitor().at(peer);
        let answer = ask.ask(Method::POST, "/gate/verify").with("x-forwarded-proto", proto).json(&body).send().await;
        assert_eq!(answer.status, status, "{peer} {proto}");
        assert!(status == 200 || answer.code() == "https_required");
    }
}

#[tokio::test]
async fn a_machine_that_talks_to_itself_needs_no_tls() {
    let desk = TestApp::over_https().await;
    let program = desk.holder(&desk.alice().await.key("billing", &[]).await.secret);
    for (peer, host, status) in [
        ("127.0.0.1", "localhost:8080", 200),
        ("127.0.0.53", "127.0.0.53", 200),
        ("::1", "[::1]:8080", 200),
        ("127.0.0.1", "keys.example", 403),
        ("203.0.113.9", "localhost", 403),
        ("203.0.113.9", "127.0.0.1", 403),
        ("127.0.0.1", "localhost.evil.example", 403),
    ] {
        let asks = program.at(peer);
        for path in ["/gate/authorize", "/v1/key"] {
            let answer = asks.ask(Method::GET, path).under_host(host).send().await;
            assert_eq!(answer.status, status, "{host} from {peer} on {path}");
        }
    }
}
