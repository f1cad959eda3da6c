//! The rule that everybody has a second factor: who is asked, when, and that nobody gets around it afterwards.

use std::time::Duration;

use serde_json::json;

use crate::support::{PASSWORD, TestApp};

const SECURITY: &str = "/settings/security";
const MANAGE: &str = "/settings/security/two-factor";
const APP: &str = "/settings/security/two-factor/authenticator";
const RULE: &str = "/settings/security/rules/two-factor";

#[tokio::test]
async fn the_rule_asks_whoever_has_none_at_their_next_sign_in_and_nobody_before() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let mei = desk.mei(&alice).await;
    desk.sets_up(&alice).await;
    alice.get(SECURITY).await.says("1 of 2 people would be asked to set it up at their next sign-in.");
    desk.pass(Duration::from_secs(1));
    alice.post(RULE, &[("rule", "perhaps")]).await.redirects_to(RULE);
    let page = alice.get(RULE).await;
    page.has_heading("Turn on “Require two-factor for everyone”?");
    page.says("1 of 2 people would be asked to set it up at their next sign-in.");
    alice.post(RULE, &[("rule", "on")]).await.redirects_to(SECURITY);
    alice.get(RULE).await.says("On. 1 of 2 people will be asked to set it up at their next sign-in.");
    assert_eq!(mei.get("/settings/inboxes").await.status, 200, "nobody is signed out");
    desk.pass(Duration::from_secs(1));
    let again = desk.signed_in(&mei.email).await;
    for path in ["/settings/inboxes", "/settings", "/settings/security/password", SECURITY] {
        again.get(path).await.redirects_to(MANAGE);
    }
    again.get(MANAGE).await.says("asks everybody for two-factor");
    let body = json!({ "email": mei.email, "password": PASSWORD });
    let refused = desk.visitor().post_json("/api/auth/login", &body).await;
    assert_eq!((refused.status, refused.json()["error"]["code"].as_str()), (403, Some("second_factor_missing")));
    desk.sets_up(&again).await;
    assert_eq!(again.get("/settings/inboxes").await.status, 200);
    again.post(&format!("{APP}/remove"), &[]).await.redirects_to(MANAGE);
    let flash = again.get(MANAGE).await.flash();
    assert!(flash.is_some_and(|said| said.contains("Add another one before you remove this.")));
    let page = alice.get(RULE).await;
    page.has_heading("Turn off “Require two-factor for everyone”?");
    page.says("On. Everybody has it: 2 people.");
    alice.get("/settings/audit-log").await.says("Changed an account rule");
    alice.post(RULE, &[("rule", "off")]).await.redirects_to(SECURITY);
    again.post(&format!("{APP}/remove"), &[]).await.redirects_to(MANAGE);
    again.get(SECURITY).await.says("Two-factor authentication Off");
}

#[tokio::test]
async fn a_program_whose_owner_owes_a_factor_is_refused() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let (phone, _) = desk.sets_up(&alice).await;
    alice.post(RULE, &[("rule", "on")]).await.redirects_to(SECURITY);
    let body = json!({ "email": alice.email, "password": PASSWORD, "code": phone.code(desk.app.now()) });
    let granted = desk.visitor().post_json("/api/auth/login", &body).await.json();
    let program = desk.holder(granted["token"].as_str().expect("a token"));
    assert_eq!(program.get("/v1/key").await.status, 200);
    desk.database.run("delete from authenticators").await;
    assert_eq!(program.get("/v1/key").await.status, 401);
}

#[tokio::test]
async fn where_it_is_required_two_removals_at_once_leave_one() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    desk.sets_up(&alice).await;
    let passkey = format!(
        "insert into passkeys (id, user_id, credential_id, credential, name, created_at)
        values ('pk_0000000000000000', '{}', 'x', '{{}}', 'Laptop', 1)",
        alice.user_id
    );
    desk.database.run(&passkey).await;
    alice.post(RULE, &[("rule", "on")]).await.redirects_to(SECURITY);
    let (app, passkey) = (format!("{APP}/remove"), format!("{MANAGE}/passkeys/pk_0000000000000000/remove"));
    tokio::join!(alice.post(&app, &[]), alice.post(&passkey, &[]));
    let left = "select (select count(*) from authenticators) + (select count(*) from passkeys)";
    assert_eq!(desk.count(left).await, 1);
}
