//! `/v1/team`: what a session token of an administrator does, and no key ever.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Actor, Answer, TestApp};

const INVITATIONS: &str = "/v1/team/invitations";

impl Actor {
    async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::PATCH, path).json(body).send().await
    }
}

fn code(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["error"]["code"].as_str().unwrap_or_default().to_owned())
}

fn emails(answer: &Answer) -> Vec<String> {
    let rows = answer.json()["data"].as_array().cloned().expect("rows");
    rows.iter().map(|row| row["email"].as_str().expect("an email").to_owned()).collect()
}

#[tokio::test]
async fn people_are_listed_page_by_page_and_nobody_elses() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    desk.bob().await;
    desk.amir(&alice).await;
    desk.mei(&alice).await;
    let token = desk.token_of(&alice).await;
    let all = token.get("/v1/team").await;
    assert_eq!(emails(&all), ["alice@halden.example", "amir@halden.example", "mei@halden.example"]);
    let first = &all.json()["data"][0];
    assert_eq!((&first["role"], &first["two_factor"]), (&json!("administrator"), &json!(false)));
    let page = token.get("/v1/team?limit=2").await;
    let next = page.json()["next"].as_str().expect("a cursor").to_owned();
    assert_eq!(emails(&token.get(&format!("/v1/team?limit=2&after={next}")).await), ["mei@halden.example"]);
    assert_eq!(token.get("/v1/team?after=nonsense").await.status, 400);
}

#[tokio::test]
async fn no_key_manages_people_however_much_it_may() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let mei = desk.mei(&alice).await;
    let key = desk.holder(&alice.key("everything", &[("preset", "full")]).await.secret);
    let invitation = json!({ "email": "ravi@halden.example", "role": "member" });
    for answer in [
        key.get("/v1/team").await,
        key.get(INVITATIONS).await,
        key.post_json(INVITATIONS, &invitation).await,
        key.patch(&format!("/v1/team/{}", mei.user_id), &json!({ "role": "administrator" })).await,
        key.delete(&format!("/v1/team/{}", mei.user_id)).await,
    ] {
        assert_eq!(code(&answer), (403, "session_required".into()));
    }
}

#[tokio::test]
async fn somebody_is_invited_joins_changes_role_and_is_removed() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let token = desk.token_of(&alice).await;
    desk.mail().await;
    let invitation = json!({ "email": "ravi@halden.example", "role": "member" });
    assert_eq!(token.post_json(INVITATIONS, &invitation).await.status, 202);
    assert_eq!(emails(&token.get(INVITATIONS).await), ["ravi@halden.example"]);
    assert!(desk.mail().await.iter().any(|mail| mail.to == "ravi@halden.example"));
    let again = json!({ "email": "alice@halden.example", "role": "member" });
    assert_eq!(token.post_json(INVITATIONS, &again).await.status, 409);
    for wrong in [json!({ "email": "ravi", "role": "member" }), json!({ "email": "r@h.example", "role": "owner" })] {
        assert_eq!(token.post_json(INVITATIONS, &wrong).await.status, 422);
    }
    let id = token.get(INVITATIONS).await.json()["data"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(token.delete(&format!("{INVITATIONS}/{id}")).await.status, 204);
    assert_eq!(token.delete(&format!("{INVITATIONS}/{id}")).await.status, 404);

    let mei = desk.mei(&alice).await;
    let path = format!("/v1/team/{}", mei.user_id);
    assert_eq!(token.patch(&path, &json!({ "role": "auditor" })).await.status, 204);
    assert_eq!(mei.get("/settings/inboxes").await.status, 303, "her session ended with her role");
    assert_eq!(token.patch(&path, &json!({ "role": "owner" })).await.status, 422);
    let since = desk.events(&alice).await.len();
    assert_eq!(token.delete(&format!("{path}?keys=nonsense")).await.status, 400);
    assert_eq!(token.delete(&path).await.status, 204);
    assert_eq!(desk.codes_after(&alice, since).await, ["member.removed"]);
    assert_eq!(token.delete(&path).await.status, 404);
    let own = format!("/v1/team/{}", alice.user_id);
    assert_eq!(token.delete(&own).await.status, 409, "the last administrator stays");
    assert_eq!(token.patch(&own, &json!({ "role": "member" })).await.status, 409);
}

#[tokio::test]
async fn what_hands_the_account_on_asks_for_a_fresh_login() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let mei = desk.mei(&alice).await;
    let token = desk.token_of(&alice).await;
    desk.pass(Duration::from_secs(300));
    let path = format!("/v1/team/{}", mei.user_id);
    for answer in [
        token.patch(&path, &json!({ "role": "auditor" })).await,
        token.delete(&path).await,
        token.post_json(INVITATIONS, &json!({ "email": "ravi@halden.example", "role": "administrator" })).await,
    ] {
        assert_eq!(code(&answer), (403, "reauthentication_required".into()));
    }
    assert_eq!(token.get("/v1/team").await.status, 200);
    let invitation = json!({ "email": "ravi@halden.example", "role": "member" });
    assert_eq!(token.post_json(INVITATIONS, &invitation).await.status, 202);
}

#[tokio::test]
async fn without_session_tokens_the_document_has_no_team() {
    let desk = TestApp::with_product(|product| product.api.session_token = false).await;
    let paths = desk.visitor().get("/openapi.json").await.json()["paths"].clone();
    assert!(paths.as_object().expect("paths").keys().all(|path| !path.contains("/team")));
}
