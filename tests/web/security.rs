//! The security page: a password that is changed, and sessions that end when told.

use serde_json::json;

use crate::support::{PASSWORD, TestApp};

const NEW: &str = "velvet harbour kestrel";

#[tokio::test]
async fn changing_the_password_signs_out_everywhere_else() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let elsewhere = desk.signed_in(&alice.email).await;
    let api = desk.token_of(&alice).await;
    desk.mail().await;
    let cookie = alice.cookie("keydesk");
    let since = desk.events(&alice).await.len();
    let fields = [("current_password", PASSWORD), ("password", NEW)];
    alice.post("/settings/security/password", &fields).await.redirects_to("/settings/security");
    assert_ne!(alice.cookie("keydesk"), cookie, "under a new cookie");
    let page = alice.get("/settings/security").await;
    assert_eq!(page.flash().as_deref(), Some("Your password was changed. Every other device is signed out."));
    page.says("Changed on 21 Nov 2026.");
    assert_eq!(elsewhere.get("/settings/inboxes").await.status, 303);
    assert_eq!(api.get("/v1/key").await.status, 401);
    assert_eq!(desk.codes_after(&alice, since).await, ["password.changed"]);
    assert_eq!(desk.mail().await[0].subject, "Your Keydesk password was changed");
    let old = desk.visitor().post("/sign-in", &[("email", &alice.email), ("password", PASSWORD)]).await;
    let new = desk.visitor().post("/sign-in", &[("email", &alice.email), ("password", NEW)]).await;
    assert_eq!((old.status, new.status), (422, 303));
}

#[tokio::test]
async fn a_password_is_changed_only_by_whoever_knows_it_and_to_one_that_is_any_good() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let elsewhere = desk.signed_in(&alice.email).await;
    for (current, new, field, sentence) in [
        ("not this one at all", NEW, "current_password", "This isn’t your current password. Type it again."),
        (PASSWORD, "tiny", "password", "Use 12 characters or more. This password has 4."),
    ] {
        let fields = [("current_password", current), ("password", new)];
        let answer = alice.post("/settings/security/password", &fields).await;
        assert_eq!(answer.status, 422);
        assert_eq!(answer.field_error(field).as_deref(), Some(sentence));
        assert!(!answer.html().contains(current) && !answer.html().contains(new), "no password comes back");
    }
    assert_eq!(elsewhere.get("/settings/inboxes").await.status, 200, "nothing was half done");
    for _ in 0..4 {
        let fields = [("current_password", "guess after guess"), ("password", NEW)];
        alice.post("/settings/security/password", &fields).await;
    }
    let fields = [("current_password", PASSWORD), ("password", NEW)];
    assert_eq!(alice.post("/settings/security/password", &fields).await.status, 429, "guesses are throttled");
}

#[tokio::test]
async fn a_session_is_ended_from_another() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let granted = desk.log_in(&alice.email).await;
    let program = desk.holder(granted["token"].as_str().expect("a token"));
    desk.pass(std::time::Duration::from_secs(120));
    let phone = desk.signed_in(&alice.email).await.at("198.51.100.63");
    assert_eq!(phone.get("/settings/inboxes").await.status, 200);
    let page = alice.get("/settings/security").await;
    let rows = page.rows();
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert!(rows.iter().any(|row| row.contains("This device")), "{rows:?}");
    assert!(rows.iter().any(|row| row.contains("over the API")), "{rows:?}");
    let ends: Vec<String> = page
        .html()
        .split("/settings/security/sessions/")
        .skip(1)
        .map(|rest| rest.split('/').next().unwrap_or_default().to_owned())
        .filter(|id| id.starts_with("ses_"))
        .collect();
    assert_eq!(ends.len(), 2, "not one's own");
    let since = desk.events(&alice).await.len();
    let bob = desk.bob().await;
    bob.post(&format!("/settings/security/sessions/{}/end", ends[0]), &[]).await.redirects_to("/settings/security");
    assert_eq!((phone.get("/settings/inboxes").await.status, program.get("/v1/key").await.status), (200, 200));
    for id in &ends {
        alice.post(&format!("/settings/security/sessions/{id}/end"), &[]).await.redirects_to("/settings/security");
    }
    assert_eq!((phone.get("/settings/inboxes").await.status, program.get("/v1/key").await.status), (303, 401));
    let refresh = json!({ "refresh_token": granted["refresh_token"] });
    assert_eq!(desk.visitor().post_json("/api/auth/refresh", &refresh).await.status, 401);
    assert_eq!(desk.codes_after(&alice, since).await, ["session.ended", "session.ended"]);
    assert_eq!(alice.get("/settings/security").await.rows().len(), 1);
}

#[tokio::test]
async fn every_other_session_ends_at_once() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let others = [desk.signed_in(&alice.email).await, desk.signed_in(&alice.email).await];
    let bob = desk.bob().await;
    alice.post("/settings/security/sessions/end-others", &[]).await.redirects_to("/settings/security");
    let page = alice.get("/settings/security").await;
    assert_eq!(page.flash().as_deref(), Some("2 other devices are signed out."));
    for other in &others {
        assert_eq!(other.get("/settings/inboxes").await.status, 303);
    }
    assert_eq!(bob.get("/settings/inboxes").await.status, 200);
}

#[tokio::test]
async fn password_managers_find_the_page() {
    let desk = TestApp::new().await;
    desk.visitor().get("/.well-known/change-password").await.redirects_to("/settings/security/password");
}

#[tokio::test]
async fn a_password_field_hides_what_is_typed_and_takes_what_is_pasted() {
    let desk = TestApp::new().await;
    let (alice, visitor) = (desk.alice().await, desk.visitor());
    for page in [
        visitor.get("/sign-in").await,
        visitor.get("/sign-up").await,
        alice.get("/re-authenticate").await,
        alice.get("/settings/security/password").await,
    ] {
        let count = |part: &str| page.html().matches(part).count();
        let fields = count("autocomplete=\"current-password\"") + count("autocomplete=\"new-password\"");
        assert!(fields > 0 && count("type=\"password\"") == fields, "{}", page.text());
        assert!(count("onpaste") == 0 && count("autocomplete=\"off\"") == 0);
    }
}
