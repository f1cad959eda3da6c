//! MailKite's session tokens, and that none of its credentials travels in the clear.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use super::{LIST, REQUESTS, the_key};
use crate::products::{desk, works};
use crate::support::{PASSWORD, TestApp};

/// “The dashboard signs in with email + password (or Sign in with Google) to get a short-lived JWT session token.”
#[tokio::test]
async fn signing_in_gets_a_short_lived_jwt() {
    let (desk, alice) = desk("mailkite").await;
    let token = desk.token_of(&alice).await;
    assert_eq!(token.get("/api/domains").await.status, 200);
    desk.pass(Duration::from_secs(11 * 60));
    assert_eq!(token.get("/api/domains").await.status, 401);
}

/// “You can use it against the management API too, but for scripts and agents prefer the mk_live_… key above.”
#[tokio::test]
async fn the_token_works_against_the_management_api() {
    let (desk, alice) = desk("mailkite").await;
    let own = alice.inbox("example.com").await;
    let token = desk.token_of(&alice).await;
    assert_eq!(token.may(&REQUESTS, &own).await, REQUESTS);
    assert_eq!(token.get(&format!("/api/domains/{own}")).await.status, 200);
    assert_eq!(token.post_json("/api/domains", &json!({ "name": "example.org" })).await.status, 201);
}

/// “curl https://api.mailkite.dev/api/auth/login \ -H "Content-Type: application/json" \ -d '{ "email": "you@example.com",
/// "password": "••••••••" }'”
#[tokio::test]
async fn the_login_example_gets_a_token() {
    let (desk, alice) = desk("mailkite").await;
    let body = format!("{{ \"email\": \"{}\", \"password\": \"{PASSWORD}\" }}", alice.email);
    let program = desk.visitor();
    let ask = program.ask(Method::POST, "/api/auth/login").without("sec-fetch-site");
    let answer = ask.raw("application/json", body).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let token = answer.json()["token"].as_str().expect("a token").to_owned();
    assert!(works(&desk, &token, LIST).await);
    let wrong = json!({ "email": alice.email, "password": "not the password" });
    assert_eq!(desk.visitor().post_json("/api/auth/login", &wrong).await.status, 401);
}

/// “{ "token": "eyJhbGci…", "user": { "id": "usr_…", "email": "you@example.com", "isAdmin": false } }”
#[tokio::test]
async fn the_answer_holds_the_token_and_the_user() {
    let (desk, alice) = desk("mailkite").await;
    let granted = desk.log_in(&alice.email).await;
    assert!(granted["token"].as_str().is_some_and(|token| token.starts_with("eyJ") && token.matches('.').count() == 2));
    let user = &granted["user"];
    assert!(user["id"].as_str().is_some_and(|id| id.starts_with("usr_")));
    assert_eq!((&user["email"], &user["isAdmin"]), (&json!(alice.email), &Value::Bool(false)));
}

/// “Send the token on subsequent management requests: curl https://api.mailkite.dev/api/domains \ -H "Authorization: Bearer
/// eyJhbGci…"”
#[tokio::test]
async fn the_token_lists_domains() {
    let (desk, alice) = desk("mailkite").await;
    alice.inbox("example.com").await;
    let token = desk.token_of(&alice).await;
    let listed = token.ask(Method::GET, "/api/domains").send().await;
    assert_eq!((listed.status, listed.json()["data"][0]["name"].as_str()), (200, Some("example.com")));
    assert_eq!(token.through_gate("GET /api/domains").await.status, 200);
}

/// “To create an account programmatically, POST /api/auth/signup with { email, password } — it returns a token too.”
#[tokio::test]
async fn a_program_creates_an_account_and_gets_a_token() {
    let desk = TestApp::of_product("mailkite").await;
    let body = json!({ "email": "agent@example.com", "password": PASSWORD });
    let answer = desk.visitor().post_json("/api/auth/signup", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let token = answer.json()["token"].as_str().expect("a token").to_owned();
    assert!(works(&desk, &token, LIST).await);
    desk.signed_in("agent@example.com").await.get("/welcome").await.says("A live key with full access");
}

/// “All requests must use HTTPS. Requests over plain HTTP are rejected”
#[tokio::test]
async fn plain_http_is_rejected() {
    let desk = TestApp::of_product_over_https("mailkite").await;
    let alice = desk.alice().await;
    let program = desk.holder(&the_key(&alice).await.secret).at("10.0.0.1");
    for path in ["/api/domains", "/gate/authorize"] {
        for (proto, status) in [("http", 403), ("https", 200)] {
            let ask = program.ask(Method::GET, path).with("x-forwarded-proto", proto);
            let answer = ask.with("x-original-method", "GET").with("x-original-uri", "/api/domains").send().await;
            assert_eq!(answer.status, status, "{proto} {path}: {}", answer.text());
            assert_eq!(answer.code() == "https_required", status == 403);
            assert_eq!(answer.location(), "", "refused, not redirected");
        }
    }
    let login = json!({ "email": alice.email, "password": PASSWORD });
    let ask = program.ask(Method::POST, "/api/auth/login").with("x-forwarded-proto", "http").json(&login);
    assert_eq!(ask.send().await.code(), "https_required");
}

/// “(except http://localhost for local webhook testing).”
#[tokio::test]
async fn plain_http_is_fine_on_localhost() {
    let desk = TestApp::of_product_over_https("mailkite").await;
    let secret = the_key(&desk.alice().await).await.secret;
    for (peer, host, status) in [("127.0.0.1", "localhost:8080", 200), ("203.0.113.9", "localhost", 403)] {
        let program = desk.holder(&secret).at(peer);
        let answer = program.ask(Method::GET, "/api/domains").under_host(host).send().await;
        assert_eq!(answer.status, status, "{peer} {host}");
    }
}
