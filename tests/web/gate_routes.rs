//! Rights from the definition's routes: a trusted gateway says which request it asks about, and what that takes is
//! looked up. What two servers could read in two ways is denied.

use axum::http::Method;
use keydesk::product::Route;

use crate::support::{Actor, Answer, TestApp};

const ROUTES: [(&str, &str, &str); 8] = [
    ("GET", "/v1/messages", "mail:read"),
    ("POST", "/v1/messages", "mail:send"),
    ("GET", "/v1/messages/{id}", "mail:read"),
    ("DELETE", "/v1/messages/{id}", "mail:write"),
    ("GET", "/v1/inboxes/{inbox}/messages", "mail:read"),
    ("POST", "/v1/inboxes/{inbox}/messages", "mail:send"),
    ("GET", "/files/{*rest}", "domains:read"),
    ("GET", "/v1/ping", ""),
];

async fn desk() -> (TestApp, Actor) {
    let route = |(method, path, scope): (&str, &str, &str)| Route {
        method: method.into(),
        path: path.into(),
        scope: scope.into(),
    };
    let desk = TestApp::with_product(|product| {
        product.routes = ROUTES.map(route).into();
        product.rate_limit.per_minute = 0;
    })
    .await;
    let alice = desk.alice().await;
    (desk, alice)
}

async fn forwarded(gateway: &Actor, family: &str, method: &str, uri: &str) -> Answer {
    let (m, u) = (format!("x-{family}-method"), format!("x-{family}-uri"));
    gateway.ask(Method::GET, "/gate/authorize").with(&m, method).with(&u, uri).send().await
}

/// `200`, or the code of the refusal and the scope that it names.
fn said(answer: &Answer) -> String {
    if answer.status == 200 {
        "200".into()
    } else {
        format!("{} {}", answer.code(), answer.required_scope()).trim().into()
    }
}

#[tokio::test]
async fn a_route_says_what_a_request_takes() {
    let (desk, alice) = desk().await;
    let inbox = alice.inbox("Orders").await;
    let other = format!("/v1/inboxes/{}/messages", alice.inbox("Invoices").await);
    let own = format!("/v1/inboxes/{inbox}/messages");
    let escaped = own.replace('_', "%5F");
    let gateway = |secret: &str| desk.holder(secret).at("10.0.0.1");
    let sender = gateway(&alice.key("sender", &[("preset", "send")]).await.secret);
    let bound = gateway(&alice.restricted_key("bound", &inbox).await.secret);
    for (method, uri, for_sender, for_bound) in [
        ("POST", "/v1/messages", "200", "200"),
        ("POST", "/v1/messages?to=/v1/ping", "200", "200"),
        ("GET", "/v1/messages", "forbidden mail:read", "forbidden mail:read"),
        ("HEAD", "/v1/messages", "forbidden mail:read", "forbidden mail:read"),
        ("GET", "/v1/ping", "200", "200"),
        ("HEAD", "/v1/ping", "200", "200"),
        ("POST", own.as_str(), "200", "200"),
        ("POST", &escaped, "200", "200"),
        ("POST", other.as_str(), "200", "not_found"),
        ("POST", "/v1/inboxes/inb_nobodys/messages", "not_found", "not_found"),
        ("GET", &own, "forbidden mail:read", "forbidden mail:read"),
        ("GET", &other, "forbidden mail:read", "not_found"),
        ("DELETE", "/v1/messages/m_1", "forbidden mail:write", "forbidden mail:write"),
        ("GET", "/files/a/b/c.txt", "forbidden domains:read", "forbidden domains:read"),
        ("PUT", "/v1/messages", "route_unknown", "route_unknown"),
        ("HEAD", "/v1/nowhere", "route_unknown", "route_unknown"),
    ] {
        for family in ["original", "forwarded"] {
            let [one, other] =
                [forwarded(&sender, family, method, uri).await, forwarded(&bound, family, method, uri).await];
            assert_eq!(
                (said(&one).as_str(), said(&other).as_str()),
                (for_sender, for_bound),
                "{family} {method} {uri}"
            );
        }
    }
}

#[tokio::test]
async fn what_two_servers_could_read_in_two_ways_is_denied() {
    let (desk, alice) = desk().await;
    let full = desk.holder(&alice.key("full", &[]).await.secret).at("10.0.0.1");
    assert_eq!(forwarded(&full, "original", "GET", "/v1/messages").await.status, 200);
    for uri in [
        "/v1/messages/",
        "//v1/messages",
        "/v1//messages",
        "/v1/./messages",
        "/v1/x/../messages",
        "/v1/messages/..",
        "/v1/%2e/messages",
        "/v1/x/%2e%2e/messages",
        "/v1/x/.%2E/messages",
        "/v1%2fmessages",
        "/v1%2Fmessages",
        "/v1/messages%2fm_1",
        "/v1/messages/a%2f..%2fb",
        "/v1%5cmessages",
        "/v1\\messages",
        "/v1/messages\\m_1",
        "/v1/messages%00",
        "/v1/messages/m%00",
        "/v1/messages/m%0a",
        "/v1/messages;a=b",
        "/v1;a/messages",
        "/v1/messages%3ba",
        "/v1/messages#a",
        "/v1/messages%23a",
        "/v1/messages%3fa",
        "/v1/messages/m%252f1",
        "/v1/messages/m%25",
        "/v1/messages/m%",
        "/v1/messages/%zz",
        "/v1/messages/%ff",
        "/v1/messages/%c0%ae",
        "/files/a//b",
        "/files/a/../b",
        "/files/",
        "/files",
        "http://api.example/v1/messages",
        "https://api.example",
        "*",
        "",
        "v1/messages",
        "?/v1/messages",
        "/v1/messagesX",
        "/v1/messag",
        "/V1/messages",
        "/v1/Messages",
        "/v10/messages",
        "/v1",
        "/",
        "/v1/messages/m_1/more",
        " /v1/messages",
        "/v1/messages ",
    ] {
        let answer = forwarded(&full, "original", "GET", uri).await;
        assert_eq!((answer.status, said(&answer).as_str()), (403, "route_unknown"), "{uri:?}");
        answer.says_nothing_of("WWW-Authenticate");
    }
    for method in ["get", "Get", "OPTIONS", "TRACE", "CONNECT", "FETCH", "", "GET,POST", "GET POST"] {
        let answer = forwarded(&full, "original", method, "/v1/messages").await;
        assert_eq!(said(&answer), "route_unknown", "{method:?}");
    }
    let answer = forwarded(&full, "original", "GET", "/v1/messages/é").await;
    assert_eq!(answer.status, 400, "no plain text");
}

#[tokio::test]
async fn what_is_said_twice_in_two_ways_or_half_is_400() {
    let (desk, alice) = desk().await;
    let full = desk.holder(&alice.key("full", &[]).await.secret).at("10.0.0.1");
    let (get, uri) = ("GET", "/v1/ping");
    for headers in [
        &[("x-original-uri", uri)][..],
        &[("x-original-method", get)],
        &[("x-forwarded-uri", uri)],
        &[("x-forwarded-method", get)],
        &[("x-original-method", get), ("x-forwarded-uri", uri)],
        &[("x-original-method", get), ("x-original-uri", uri), ("x-original-uri", uri)],
        &[("x-original-method", get), ("x-original-method", "POST"), ("x-original-uri", uri)],
        &[("x-original-method", get), ("x-original-uri", uri), ("x-forwarded-method", get), ("x-forwarded-uri", uri)],
        &[("x-original-method", get), ("x-original-uri", uri), ("x-forwarded-uri", "/v1/messages")],
        &[("x_forwarded_uri", uri)],
        &[("x_original_uri", uri), ("x-original-method", get), ("x-original-uri", uri)],
        &[("x-forwarded.method", get)],
        &[("x_keydesk_key_id", "key_1")],
        &[("x-forwarded-for", "198.51.100.3"), ("x-forwarded-for", "198.51.100.3")],
        &[("x-forwarded-for", "unknown")],
        &[("x-forwarded-for", "")],
        &[("x-forwarded-proto", "https"), ("x-forwarded-proto", "https")],
        &[("x-forwarded-proto", "ftp")],
        &[("x-forwarded-proto", "https,http")],
    ] {
        let ask = full.ask(Method::GET, "/gate/authorize");
        let answer = headers.iter().fold(ask, |ask, (name, value)| ask.with(name, value)).send().await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_request"), "{headers:?}");
        assert!(answer.header("x-request-id").starts_with("req_"));
        let ask = full.ask(Method::GET, "/v1/key");
        let answer = headers.iter().fold(ask, |ask, (name, value)| ask.with(name, value)).send().await;
        if headers.len() == 1 || answer.status != 200 {
            assert_eq!(answer.status, 400, "{headers:?} on /v1");
            assert!(answer.header("x-request-id").starts_with("req_"), "{headers:?} on /v1 has no request id");
        }
    }
}

#[tokio::test]
async fn with_routes_a_request_that_nobody_describes_is_denied() {
    let (desk, alice) = desk().await;
    let full = desk.holder(&alice.key("full", &[]).await.secret);
    for peer in [full.at("10.0.0.1"), full.at("203.0.113.9")] {
        assert_eq!(said(&peer.asks("").await), "route_unknown");
        assert_eq!(said(&peer.asks("mode=nginx").await), "route_unknown");
        assert_eq!(
            said(&peer.asks("scope=mail:send").await),
            "200",
            "the gateway's own configuration says what it takes"
        );
    }
    let stranger = forwarded(&full.at("203.0.113.9"), "original", "GET", "/v1/ping").await;
    assert_eq!(said(&stranger), "route_unknown", "a stranger describes nothing");
    let nobody = forwarded(&desk.visitor().at("10.0.0.1"), "original", "GET", "/v1/nowhere").await;
    assert_eq!(nobody.status, 401, "who has no credential learns no routes");
}

#[tokio::test]
async fn a_right_in_the_query_comes_on_top_of_the_route() {
    let (desk, alice) = desk().await;
    let sender = desk.holder(&alice.key("sender", &[("preset", "send")]).await.secret).at("10.0.0.1");
    let both = |query: &str, uri: &str| {
        let ask = sender.ask(Method::GET, &format!("/gate/authorize?{query}"));
        ask.with("x-original-method", "GET").with("x-original-uri", uri)
    };
    assert_eq!(said(&both("scope=mail:read", "/v1/ping").send().await), "forbidden mail:read");
    let chosen = both("scope=mail:send", "/v1/messages").send().await;
    assert_eq!(said(&chosen), "forbidden mail:read", "nobody chooses their own right");
    assert_eq!(said(&both("scope=mail:send", "/v1/nowhere").send().await), "route_unknown");
    assert_eq!(said(&both("scope=mail:send", "/v1/ping").send().await), "200");
}
