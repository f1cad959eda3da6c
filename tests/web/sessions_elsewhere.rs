//! Two processes on one database: what ends a session on the one has ended it on the other with its next use, cookie,
//! session token and refresh token alike.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Actor, PASSWORD, TestApp};

/// Somebody in a browser and with a program, both of whom the other process knows.
struct Signed {
    browser: Actor,
    program: Actor,
    granted: Value,
}

impl Signed {
    async fn of(email: &str, here: &TestApp, there: &TestApp) -> Self {
        // So many sign-ins in one minute would be too many.
        here.pass(Duration::from_secs(60));
        there.pass(Duration::from_secs(60));
        let browser = here.signed_in(email).await;
        let granted = here.log_in(email).await;
        let program = here.holder(granted["token"].as_str().expect("a token")).before(there);
        let signed = Self { browser: browser.before(there), program, granted };
        assert_eq!(signed.statuses().await, [200, 200], "both are in");
        signed
    }

    async fn statuses(&self) -> [u16; 2] {
        [self.browser.get("/settings/security").await.status, self.program.get("/v1/key").await.status]
    }

    async fn is_out(&self, there: &TestApp, why: &str) {
        assert_eq!(self.statuses().await, [303, 401], "{why}");
        let refresh = json!({ "refresh_token": self.granted["refresh_token"] });
        let refreshed = there.visitor().post_json("/api/auth/refresh", &refresh).await;
        assert_eq!(refreshed.status, 401, "{why}");
    }
}

#[tokio::test]
async fn what_ends_on_one_node_has_ended_on_the_other_with_its_next_use() {
    let here = TestApp::new().await;
    let there = here.started_again(|_| {}).await;
    let alice = here.alice().await;
    let mei = here.mei(&alice).await;
    let person = format!("/settings/team/{}", mei.user_id);

    let signed = Signed::of(&mei.email, &here, &there).await;
    mei.post("/settings/security/sessions/end-others", &[]).await.redirects_to("/settings/security");
    signed.is_out(&there, "all others ended").await;

    let signed = Signed::of(&mei.email, &here, &there).await;
    let fields = [("current_password", PASSWORD), ("password", "velvet harbour kestrel")];
    mei.post("/settings/security/password", &fields).await.redirects_to("/settings/security");
    signed.is_out(&there, "another password").await;
    let fields = [("current_password", "velvet harbour kestrel"), ("password", PASSWORD)];
    mei.post("/settings/security/password", &fields).await.redirects_to("/settings/security");

    let signed = Signed::of(&mei.email, &here, &there).await;
    alice.post(&format!("{person}/role"), &[("role", "auditor")]).await.redirects_to("/settings/team");
    signed.is_out(&there, "another role").await;

    let signed = Signed::of(&mei.email, &here, &there).await;
    alice.post(&format!("{person}/remove"), &[("keys", "keep")]).await.redirects_to("/settings/team");
    signed.is_out(&there, "removed").await;

    let signed = Signed::of(&alice.email, &here, &there).await;
    let token = json!({ "refresh_token": signed.granted["refresh_token"] });
    here.visitor().post_json("/api/auth/logout", &token).await;
    let cookie = signed.browser.before(&here);
    cookie.post("/sign-out", &[]).await.redirects_to("/sign-in");
    signed.is_out(&there, "signed out").await;
}
