//! What comes with a verdict: the identity, the request id, the minute, and what nginx can carry.

use std::collections::HashSet;
use std::time::Duration;

use axum::http::{Method, Request};
use keydesk::web::peer::Peer;
use serde_json::Value;

use crate::support::{Actor, Answer, IDENTITY, TestApp, key_path};

/// The clock stands at the full minute; this is the next one.
const NEXT_MINUTE: &str = "1795269960";

/// A desk whose keys may be used `per_minute` times, and a program with a key of it.
async fn with_key(per_minute: u32) -> (TestApp, Actor, Actor) {
    let desk = TestApp::with_product(|product| product.rate_limit.per_minute = per_minute).await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[("preset", "send")]).await;
    let program = desk.holder(&key.secret);
    (desk, alice, program)
}

/// Limit, remaining and reset; empty where nothing is counted.
fn minute(answer: &Answer) -> [&str; 3] {
    ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"].map(|name| answer.header(name))
}

#[tokio::test]
async fn on_200_the_whole_identity_is_there_once_and_nothing_of_the_clients_own() {
    let (_desk, _, program) = with_key(0).await;
    let forged = "forged-by-the-client";
    let mut ask =
        program.ask(Method::GET, "/gate/authorize").with("x-request-id", forged).with("x-ratelimit-limit", forged);
    for name in IDENTITY {
        ask = ask.with(name, forged);
    }
    let answer = ask.send().await;
    assert_eq!(answer.status, 200);
    for name in IDENTITY {
        assert_eq!(answer.headers.get_all(name).iter().count(), 1, "{name}");
    }
    assert_eq!(answer.header("x-keydesk-inbox"), "", "there, and empty");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(!format!("{:?}", answer.headers).contains(forged), "{:?}", answer.headers);
}

#[tokio::test]
async fn every_answer_has_a_request_id_of_its_own() {
    let (desk, _, program) = with_key(0).await;
    let mut ids = HashSet::new();
    for query in ["", "scope=mail:send", "scope=mail:read", "scope=odd", "scope=", "mode=nginx&scope=mail:read"] {
        for asks in [&program, &desk.visitor(), &desk.holder("nonsense")] {
            let answer = asks.asks(query).await;
            let id = answer.header("x-request-id");
            assert!(id.starts_with("req_"), "{id:?}");
            if answer.status != 200 {
                assert_eq!(answer.json()["error"]["request_id"], id);
            }
            assert!(ids.insert(id.to_owned()), "{id} came twice");
        }
    }
}

#[tokio::test]
async fn a_minute_counts_down_to_429_and_the_next_is_fresh() {
    let (desk, _, program) = with_key(3).await;
    desk.pass(Duration::from_secs(18));
    for remaining in ["2", "1", "0"] {
        let answer = program.asks("").await;
        assert_eq!((answer.status, minute(&answer)), (200, ["3", remaining, NEXT_MINUTE]));
        assert!(!answer.headers.contains_key("retry-after"));
    }
    let answer = program.asks("").await;
    assert_eq!((answer.status, answer.code().as_str()), (429, "rate_limit_exceeded"));
    assert_eq!((answer.header("retry-after"), &answer.json()["error"]["retryAfter"]), ("42", &Value::from(42)));
    assert_eq!(minute(&answer), ["3", "0", NEXT_MINUTE]);
    answer.says("Retry after 42 seconds.");
    desk.pass(Duration::from_micros(41_999_999));
    assert_eq!(program.asks("").await.header("retry-after"), "1", "never 0");
    desk.pass(Duration::from_micros(1));
    let fresh = program.asks("").await;
    assert_eq!((fresh.status, minute(&fresh)), (200, ["3", "2", "1795270020"]));
}

#[tokio::test]
async fn a_refused_request_is_told_where_its_minute_stands_and_spends_nothing() {
    let (_desk, _, program) = with_key(3).await;
    for _ in 0..5 {
        let refused = program.asks("scope=mail:read").await;
        assert_eq!((refused.status, minute(&refused)), (403, ["3", "3", NEXT_MINUTE]));
    }
    let bad = program.asks("scope=odd").await;
    assert_eq!((bad.status, minute(&bad)), (400, ["3", "3", NEXT_MINUTE]));
    assert_eq!(minute(&program.asks("").await), ["3", "2", NEXT_MINUTE]);
}

#[tokio::test]
async fn all_doors_and_both_secrets_of_a_key_spend_one_minute() {
    let desk = TestApp::with_product(|product| product.rate_limit.per_minute = 6).await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    alice.post(&key_path(&key.id, "rotate"), &[("grace", "7d")]).await;
    let (old, new) = (desk.holder(&key.secret), desk.holder(&alice.reveals(&key.id).await));
    let verify = |of: &Actor| serde_json::json!({ "secret": of.secret });
    let answers = [
        old.asks("").await,
        new.asks("").await,
        old.get("/v1/key").await,
        new.get("/v1/inboxes").await,
        desk.visitor().post_json("/gate/verify", &verify(&old)).await,
        desk.visitor().post_json("/gate/verify", &verify(&new)).await,
    ];
    for (answer, remaining) in answers.iter().zip(["5", "4", "3", "2", "1", "0"]) {
        assert_eq!((answer.status, minute(answer)), (200, ["6", remaining, NEXT_MINUTE]));
    }
    for spent in [
        old.asks("").await,
        new.asks("").await,
        old.get("/v1/key").await,
        new.get("/v1/nowhere").await,
        desk.visitor().post_json("/gate/verify", &verify(&new)).await,
    ] {
        if spent.status == 404 {
            continue; // A path that does not exist asks nobody's key.
        }
        assert_eq!((spent.status, spent.header("retry-after"), minute(&spent)[1]), (429, "60", "0"));
    }
}

#[tokio::test]
async fn without_a_limit_nothing_is_said_of_minutes() {
    let (desk, alice, program) = with_key(0).await;
    assert_eq!(minute(&program.asks("").await), ["", "", ""]);
    assert_eq!(minute(&program.get("/v1/key").await), ["", "", ""]);
    let limited = TestApp::new().await;
    let token = limited.token_of(&limited.alice().await).await;
    assert_eq!(minute(&token.asks("").await), ["", "", ""], "people are not counted");
    assert_eq!(minute(&desk.token_of(&alice).await.get("/v1/key").await), ["", "", ""]);
}

#[tokio::test]
async fn nginx_gets_a_status_that_it_knows_and_the_answer_in_headers() {
    let (desk, alice, program) = with_key(1).await;
    let inbox = alice.inbox("Orders").await;
    let bound = desk.holder(&alice.restricted_key("bound", &inbox).await.secret);
    assert_eq!(program.asks("mode=nginx").await.status, 200);
    for (asks, query, nginx, status) in [
        (&desk.visitor(), "", 401, 401),
        (&desk.holder("nonsense"), "", 401, 401),
        (&bound, "&scope=mail:read", 403, 403),
        (&bound, "&inbox=inb_other", 403, 404),
        (&program, "", 403, 429),
        (&program, "&scope=mail:sned", 400, 400),
    ] {
        let answer = asks.asks(&format!("mode=nginx{query}")).await;
        assert_eq!((answer.status, answer.header("x-keydesk-status")), (nginx, status.to_string().as_str()), "{query}");
        let said = answer.header("x-keydesk-error");
        assert!(said.is_ascii() && !said.is_empty());
        let said: Value = serde_json::from_str(said).expect("JSON");
        assert_eq!((&said, &said["error"]["status"]), (&answer.json(), &Value::from(status)));
        let plain = asks.asks(query.trim_start_matches('&')).await;
        assert_eq!(
            (plain.status, plain.code(), plain.required_scope()),
            (status, answer.code(), answer.required_scope())
        );
        for header in ["www-authenticate", "retry-after", "x-ratelimit-remaining"] {
            assert_eq!(plain.header(header), answer.header(header), "{header}");
        }
        assert!(!plain.headers.contains_key("x-keydesk-status") && !plain.headers.contains_key("x-keydesk-error"));
    }
    let passed = bound.asks("mode=nginx&scope=mail:send").await;
    assert!(passed.status == 200 && !passed.headers.contains_key("x-keydesk-status"));
}

#[tokio::test]
async fn head_and_post_are_answered_as_get_is() {
    let (desk, _, program) = with_key(0).await;
    for asks in [&program, &desk.visitor()] {
        for query in ["scope=mail:send", "scope=mail:read", "scope="] {
            let path = format!("/gate/authorize?{query}");
            let get = asks.get(&path).await;
            let post = asks.ask(Method::POST, &path).raw("text/plain", "x".repeat(100_000)).send().await;
            assert_eq!(post.whole(), get.whole());
            let mut head = asks.head(&path).await;
            assert!(head.body.is_empty());
            head.body = post.body.clone();
            let of = |answer: &Answer| (answer.refusal().0, answer.header("www-authenticate").to_owned());
            assert_eq!(of(&head), of(&get));
            assert!(IDENTITY.iter().all(|name| head.header(name) == get.header(name)));
        }
    }
}

#[tokio::test]
async fn another_method_is_405_and_says_which_there_are() {
    let (_desk, _, program) = with_key(0).await;
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS, Method::TRACE] {
        let answer = program.ask(method.clone(), "/gate/authorize").send().await;
        assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD, POST"), "{method}");
        assert_eq!(answer.code(), "method_not_allowed");
        assert!(answer.header("x-request-id").starts_with("req_"));
    }
    for method in [Method::GET, Method::HEAD, Method::PUT] {
        let answer = program.ask(method.clone(), "/gate/verify").send().await;
        assert_eq!((answer.status, answer.header("allow")), (405, "POST"), "{method}");
    }
}

#[tokio::test]
async fn what_could_be_read_as_no_right_is_400_even_for_a_key_that_may_all() {
    let desk = TestApp::new().await;
    let program = desk.holder(&desk.alice().await.key("full", &[]).await.secret);
    for query in [
        "scope=",
        "scope",
        "inbox=",
        "scope=mail:send&scope=mail:send",
        "scope=mail:send&scope=mail:read",
        "inbox=a&inbox=b",
        "mode=nginx&mode=nginx",
        "mode=caddy",
        "mode=",
        "scopes=mail:send",
        "SCOPE=mail:send",
        "scope=mail%20send",
        "scope=mail:send+mail:read",
        "scope=mail:send%00",
        "scope=mail:send%0a",
        "scope=%ff",
        "%73cope=mail:send",
        "x=1",
        "=",
        "scope=mail:sned",
        "scope=mail:send;scope=mail:read",
    ] {
        let answer = program.asks(query).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_request"), "{query}");
    }
    for query in ["", "&", "scope=mail%3Asend", "scope=mail:send&"] {
        assert_eq!(program.asks(query).await.status, 200, "{query}");
    }
    assert_eq!(program.asks("inbox=a&scope=mail:send").await.status, 404, "a good question, about nobody's inbox");
}

/// A verdict from memory is one small allocation away from an answer: what a query needs is boxed beside it.
#[tokio::test]
async fn a_verdict_carries_no_room_for_the_database() {
    let desk = TestApp::new().await;
    let (head, ()) = Request::get("/gate/authorize").body(()).expect("a request").into_parts();
    let verdict = keydesk::web::gate::respond(&desk.app, &head, Peer::of(&head.extensions));
    let bytes = size_of_val(&verdict);
    assert!(bytes <= 2048, "{bytes} bytes");
    assert_eq!(verdict.await.status(), 401);
}
