//! `/api/auth/*`: being somebody for ten minutes, for as long as the session stands.

use std::time::Duration;

use axum::http::Method;
use keydesk::store::sessions;
use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp, token_part};

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

#[tokio::test]
async fn signing_up_and_logging_in_answer_alike() {
    let desk = TestApp::new().await;
    let credentials = json!({ "email": "dana@corvid.example", "password": PASSWORD });
    let joined = desk.visitor().post_json("/api/auth/signup", &credentials).await;
    assert_eq!((joined.status, joined.set_cookies().len()), (201, 0));
    let logged_in = desk.visitor().post_json("/api/auth/login", &credentials).await;
    assert_eq!((logged_in.status, logged_in.set_cookies().len()), (200, 0));
    assert_eq!(joined.plain_json(), logged_in.plain_json());
    insta::assert_snapshot!(logged_in.plain_json(), @r#"
    {
      "expires_at": "2026-11-21T14:15:00Z",
      "refresh_token": "kdrefresh_…",
      "token": "eyJ…",
      "user": {
        "email": "dana@corvid.example",
        "id": "usr_…",
        "isAdmin": false
      }
    }
    "#);
    assert_eq!(desk.holdings().await, [1, 1, 1, 1, 0, 1, 1], "the account has its first key");
}

#[tokio::test]
async fn a_sign_up_that_cannot_be_says_which_field_and_why() {
    let desk = TestApp::new().await;
    desk.alice().await;
    let before = desk.holdings().await;
    for (email, password, field) in [
        ("alice", PASSWORD, "email"),
        ("alice@halden.example", PASSWORD, "email"),
        ("new@halden.example", "short", "password"),
    ] {
        let body = json!({ "email": email, "password": password });
        let answer = desk.visitor().post_json("/api/auth/signup", &body).await;
        assert_eq!((answer.status, &answer.json()["error"]["field"]), (422, &json!(field)), "{email}");
    }
    assert_eq!(desk.holdings().await, before);
}

#[tokio::test]
async fn a_failed_log_in_reads_the_same_for_everybody() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let mut bodies = Vec::new();
    for email in [alice.email.as_str(), "nobody@halden.example", ""] {
        let body = json!({ "email": email, "password": "copper lantern orbis" });
        let answer = desk.visitor().post_json("/api/auth/login", &body).await;
        assert_eq!(answer.status, 401);
        bodies.push(answer.plain_json());
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    insta::assert_snapshot!(bodies[0], @r#"
    {
      "error": {
        "code": "unauthorized",
        "message": "The email or the password is not right.",
        "request_id": "req_…",
        "status": 401,
        "type": "authentication_error"
      }
    }
    "#);
}

#[tokio::test]
async fn a_throttled_log_in_says_when_to_try_again() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let body = json!({ "email": alice.email, "password": "copper lantern orbis" });
    for _ in 0..5 {
        assert_eq!(desk.visitor().post_json("/api/auth/login", &body).await.status, 401);
    }
    let slowed = desk.visitor().post_json("/api/auth/login", &body).await;
    assert_eq!((slowed.status, &slowed.json()["error"]["retryAfter"]), (429, &json!(30)));
    assert_eq!(slowed.header("retry-after"), "30", "as long as it really takes");
}

#[tokio::test]
async fn a_token_opens_the_api_as_far_as_the_role_reaches() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let people = [(alice.clone(), 201), (desk.amir(&alice).await, 403), (desk.mei(&alice).await, 403)];
    for (who, may_create) in people {
        let program = desk.token_of(&who).await;
        let me = program.get("/v1/key").await.json();
        assert_eq!((&me["type"], &me["user"]["email"]), (&json!("session"), &json!(who.email)));
        assert_eq!(me["account_id"], alice.account_id);
        assert_eq!(program.get("/v1/inboxes").await.status, 200);
        let created = program.post_json("/v1/inboxes", &json!({ "name": who.email })).await;
        assert_eq!(created.status, may_create, "{}", who.email);
    }
    assert_eq!(desk.count("select count(*) from inboxes").await, 1);
}

#[tokio::test]
async fn a_token_lasts_ten_minutes_and_a_little_for_slow_clocks() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let program = desk.token_of(&alice).await;
    desk.pass(Duration::from_secs(629));
    assert_eq!(program.get("/v1/key").await.status, 200);
    desk.pass(Duration::from_secs(2));
    let late = program.get("/v1/key").await;
    assert_eq!(late.status, 401);
    assert_eq!(late.header("www-authenticate"), "Bearer realm=\"api\", error=\"invalid_token\"");
}

#[tokio::test]
async fn a_token_names_its_key_and_its_claims_are_complete() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let granted = desk.log_in(&alice.email).await;
    let (header, claims) = (token_part(text(&granted["token"]), 0), token_part(text(&granted["token"]), 1));
    let keys = desk.visitor().get("/.well-known/jwks.json").await.json();
    assert_eq!(header, json!({ "alg": "EdDSA", "typ": "keydesk-session+jwt", "kid": keys["keys"][0]["kid"] }));
    assert_eq!((&keys["keys"][0]["kty"], &keys["keys"][0]["d"]), (&json!("OKP"), &Value::Null));
    assert_eq!((text(&claims["iss"]), text(&claims["sub"])), ("http://localhost:8080", alice.user_id.as_str()));
    assert_eq!(claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat), Some(600));
    for claim in ["aud", "sid", "ver", "nbf", "jti", "amr", "auth_time"] {
        assert!(!claims[claim].is_null(), "{claim}");
    }
    assert_eq!(claims["amr"], json!(["pwd"]));
}

#[tokio::test]
async fn a_token_says_when_whoever_it_is_last_proved_it_and_how_they_signed_in() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let granted = desk.log_in(&alice.email).await;
    let proven = |token: &Value| token_part(text(token), 1)["auth_time"].as_i64().expect("a time");
    assert_eq!(proven(&granted["token"]), desk.app.now().seconds());
    desk.pass(Duration::from_secs(300));
    let claims = token_part(text(&granted["token"]), 1);
    let session = sessions::find(&desk.app.db, text(&claims["sid"]), desk.app.now());
    let session = session.await.expect("a read").expect("the session stands");
    let actor = TestApp::author();
    assert!(sessions::confirm(&desk.app.db, &desk.app.act(&actor), &session).await.expect("a write"));
    let confirmed_at = desk.app.now().seconds();
    desk.database.run("update sessions set amr = 'pwd otp mfa'").await;
    desk.pass(Duration::from_secs(300));
    let refresh = json!({ "refresh_token": granted["refresh_token"] });
    let renewed = desk.visitor().post_json("/api/auth/refresh", &refresh).await.json();
    assert_eq!(proven(&renewed["token"]), confirmed_at, "a refresh proves nothing, and forgets nothing");
    assert_eq!(token_part(text(&renewed["token"]), 1)["amr"], json!(["pwd", "otp", "mfa"]));
}

#[tokio::test]
async fn a_product_may_keep_session_tokens_out_of_its_api() {
    let desk = TestApp::with_product(|product| product.api.session_token = false).await;
    let alice = desk.alice().await;
    assert_eq!(desk.token_of(&alice).await.get("/v1/key").await.status, 401);
}

#[tokio::test]
async fn logging_out_ends_token_and_refresh_token_at_once() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let (mine, other) = (desk.log_in(&alice.email).await, desk.log_in(&alice.email).await);
    let refresh = json!({ "refresh_token": mine["refresh_token"] });
    let out = desk.visitor().post_json("/api/auth/logout", &refresh).await;
    assert_eq!((out.status, out.body.len()), (204, 0));
    assert_eq!(desk.holder(text(&mine["token"])).get("/v1/key").await.status, 401);
    assert_eq!(desk.visitor().post_json("/api/auth/refresh", &refresh).await.status, 401);
    assert_eq!(desk.visitor().post_json("/api/auth/logout", &refresh).await.status, 204, "again is no news");
    assert_eq!(desk.holder(text(&other["token"])).get("/v1/key").await.status, 200, "another session goes on");
    assert_eq!(alice.get("/settings/api-keys").await.status, 200, "and so does the browser");
}

#[tokio::test]
async fn a_body_is_json_of_known_fields_and_bounded() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let before = desk.events(&alice).await.len();
    let good = json!({ "email": alice.email, "password": PASSWORD });
    for path in ["/api/auth/signup", "/api/auth/login"] {
        let nobody = desk.visitor();
        let form = nobody.post(path, &[("email", &alice.email), ("password", PASSWORD)]).await;
        assert_eq!((form.status, &form.json()["error"]["code"]), (415, &json!("unsupported_media_type")));
        let none = nobody.ask(Method::POST, path).send().await;
        assert_eq!(none.status, 415);
        let mut unknown = good.clone();
        unknown["isAdmin"] = json!(true);
        let unknown = nobody.post_json(path, &unknown).await;
        assert_eq!(unknown.status, 400);
        unknown.says("unknown field `isAdmin`");
        let large = json!({ "email": alice.email, "password": "x".repeat(8 * 1024) });
        assert_eq!(nobody.post_json(path, &large).await.status, 413);
        let broken = nobody
            .ask(Method::POST, path)
            .raw("application/json", format!("{{\"password\":\"{PASSWORD}\""))
            .send()
            .await;
        assert_eq!(broken.status, 400);
        broken.says_nothing_of(PASSWORD);
    }
    assert_eq!(desk.events(&alice).await.len(), before);
    let nobody = desk.visitor();
    let typed = nobody.ask(Method::POST, "/api/auth/login").raw("Application/JSON; charset=utf-8", good.to_string());
    assert_eq!(typed.send().await.status, 200);
}
