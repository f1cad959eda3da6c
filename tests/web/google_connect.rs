//! Connecting an account elsewhere to somebody who is signed in, and disconnecting it.

use std::time::Duration;

use axum::http::Method;

use crate::google::signs_in;
use crate::support::{Actor, Answer, Issuer, PASSWORD, TestApp};

const CONNECT: &str = "/settings/security/google/connect";
const DISCONNECT: &str = "/settings/security/google/disconnect";
/// Longer than a proof of who somebody is lasts.
const A_WHILE: Duration = Duration::from_secs(6 * 60);

async fn desk() -> (TestApp, Issuer) {
    let issuer = Issuer::start().await;
    (TestApp::new().await.offering(&issuer).await, issuer)
}

async fn connects(desk: &TestApp, issuer: &Issuer, somebody: &Actor, subject: &str, email: &str) -> Answer {
    let out = somebody.get(CONNECT).await;
    assert!(out.location().starts_with(issuer.url()), "{} {}", out.status, out.location());
    somebody.get(&issuer.consents(desk, out.location(), subject, email)).await
}

#[tokio::test]
async fn somebody_connects_whichever_account_is_theirs_and_disconnects_it() {
    let (desk, issuer) = desk().await;
    let alice = desk.alice().await;
    desk.mail().await;
    let since = desk.events(&alice).await.len();
    let page = alice.get("/settings/security").await;
    assert_eq!(page.link(&format!("Connect {}", issuer.name())).as_deref(), Some(CONNECT));
    connects(&desk, &issuer, &alice, "a-1", "alice@private.example").await.redirects_to("/settings/security");
    let page = alice.get("/settings/security").await;
    page.says(&format!("{} is connected. You can sign in with it from now on.", issuer.name()));
    page.says(&format!("alice@private.example can sign in with {}.", issuer.name()));
    page.says("Not confirmed");
    assert_eq!(desk.mail().await[0].subject, "Another way to sign in to Keydesk");
    let elsewhere = desk.visitor();
    signs_in(&desk, &issuer, &elsewhere, "a-1", "alice@private.example").await.redirects_to("/settings/api-keys");

    alice.post(DISCONNECT, &[]).await.redirects_to("/settings/security");
    alice.get("/settings/security").await.says("Sign in with your password from now on.");
    assert_eq!(desk.codes_after(&alice, since).await, ["identity.linked", "session.created", "identity.unlinked"]);
    let answer = signs_in(&desk, &issuer, &desk.visitor(), "a-1", "alice@private.example").await;
    answer.redirects_to("/welcome");
    assert_eq!(desk.count("select count(*) from accounts").await, 2, "a stranger from now on");
}

#[tokio::test]
async fn an_account_with_the_same_address_confirms_it() {
    let (desk, issuer) = desk().await;
    let alice = desk.alice().await;
    connects(&desk, &issuer, &alice, "a-1", "ALICE@halden.example").await.redirects_to("/settings/security");
    alice.get("/settings/security").await.says("alice@halden.example, confirmed on 21 Nov 2026.");
    desk.signed_in(&alice.email).await;
    assert_eq!(desk.count("select count(*) from sealed_secrets").await, 1, "who is signed in loses nothing");
}

#[tokio::test]
async fn both_ask_for_the_password_again() {
    let (desk, issuer) = desk().await;
    let alice = desk.alice().await;
    desk.pass(A_WHILE);
    alice.get(CONNECT).await.redirects_to("/re-authenticate?next=/settings/security");
    alice.post("/re-authenticate", &[("password", PASSWORD)]).await.redirects_to("/settings");
    connects(&desk, &issuer, &alice, "a-1", "a@private.example").await.redirects_to("/settings/security");
    desk.pass(A_WHILE);
    alice.post(DISCONNECT, &[]).await.redirects_to("/re-authenticate?next=/settings/security");
    assert_eq!(desk.count("select count(*) from identities").await, 1);
}

#[tokio::test]
async fn nobody_loses_their_only_way_in() {
    let (desk, issuer) = desk().await;
    let ana = desk.visitor();
    signs_in(&desk, &issuer, &ana, "ana", "ana@harbour.example").await.redirects_to("/welcome");
    let page = ana.get("/settings/security").await;
    page.says("It’s your only way in: choose a password before you disconnect it.");
    page.says_nothing_of("Disconnect");
    ana.post(DISCONNECT, &[]).await.redirects_to("/settings/security");
    assert_eq!(desk.count("select count(*) from identities").await, 1);
    ana.post("/forgot-password", &[("email", "ana@harbour.example")]).await;
    let token = desk.mail().await[0].token().expect("a token");
    ana.post("/reset-password", &[("token", &token), ("password", PASSWORD)]).await;
    let ana = desk.signed_in("ana@harbour.example").await;
    ana.post(DISCONNECT, &[]).await.redirects_to("/settings/security");
    assert_eq!(desk.count("select count(*) from identities").await, 0);
}

#[tokio::test]
async fn another_site_leads_nobody_into_connecting() {
    let (desk, _) = desk().await;
    let alice = desk.alice().await;
    for site in ["cross-site", "same-site", "none"] {
        let answer = alice.ask(Method::GET, CONNECT).sent_from(site).send().await;
        assert_eq!(answer.status, 403, "{site}");
        assert!(answer.set_cookies().iter().all(|cookie| !cookie.contains("google")), "{site}");
    }
    assert_eq!(alice.ask(Method::GET, CONNECT).without("sec-fetch-site").send().await.status, 403);
    assert_eq!(desk.count("select count(*) from oidc_transactions").await, 0);
    desk.visitor().get(CONNECT).await.redirects_to("/sign-in?next=%2Fsettings%2Fsecurity%2Fgoogle%2Fconnect");
}

#[tokio::test]
async fn only_the_session_that_set_out_is_connected() {
    let (desk, issuer) = desk().await;
    let alice = desk.alice().await;
    let out = alice.get(CONNECT).await;
    let back = issuer.consents(&desk, out.location(), "a-1", "a@private.example");
    alice.post("/settings/security/sessions/end-others", &[]).await;
    alice.post("/sign-out", &[]).await;
    let answer = alice.get(&back).await;
    assert_eq!(answer.status, 400);
    answer.has_heading("This sign-in is over");

    let bob = desk.bob().await;
    let alice = desk.signed_in("alice@halden.example").await;
    let out = alice.get(CONNECT).await;
    let back = issuer.consents(&desk, out.location(), "a-1", "a@private.example");
    bob.set_cookie("keydesk-google", &alice.cookie("keydesk-google").expect("a cookie"));
    assert_eq!(bob.get(&back).await.status, 400, "somebody else is signed in here");
    assert_eq!(desk.count("select count(*) from identities").await, 0);
}

#[tokio::test]
async fn an_account_that_is_somebody_elses_stays_theirs_and_one_is_enough() {
    let (desk, issuer) = desk().await;
    let (alice, bob) = (desk.alice().await, desk.bob().await);
    connects(&desk, &issuer, &alice, "a-1", "a@private.example").await.redirects_to("/settings/security");
    for (who, subject) in [(&bob, "a-1"), (&alice, "a-2")] {
        let answer = connects(&desk, &issuer, who, subject, "x@private.example").await;
        assert_eq!(answer.status, 409);
        answer.has_heading(&format!("This {} account can’t be connected", issuer.name()));
        assert!(answer.hrefs().contains(&"/settings/security".to_owned()));
    }
    assert_eq!(desk.count("select count(*) from identities").await, 1);
}

#[tokio::test]
async fn whoever_stops_there_or_is_refused_there_is_told_that_nothing_is_connected() {
    let (desk, issuer) = desk().await;
    let alice = desk.alice().await;
    let name = issuer.name();
    for (error, heading) in [
        ("access_denied", format!("You didn’t connect {name}")),
        ("server_error", format!("{name} couldn’t be connected")),
    ] {
        let out = alice.get(CONNECT).await;
        let state = out.location().split("state=").nth(1).expect("a state").split('&').next().expect("a state");
        let answer = alice.get(&format!("/auth/google/callback?error={error}&state={state}")).await;
        assert_eq!(answer.status, 403, "{error}");
        answer.has_heading(&heading);
    }
    assert_eq!(desk.count("select count(*) from identities").await, 0);
}
