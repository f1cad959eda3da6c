//! Signing in elsewhere: as somebody new, as somebody known, and as somebody whose address is known.

use axum::http::Method;
use keydesk::clock::Timestamp;

use crate::support::{Actor, Answer, Issuer, PASSWORD, TestApp};

const ANA: &str = "ana@harbour.example";

async fn desk() -> (TestApp, Issuer) {
    let issuer = Issuer::start().await;
    (TestApp::new().await.offering(&issuer).await, issuer)
}

/// Sets out for the issuer, consents there, and comes back.
pub async fn signs_in(desk: &TestApp, issuer: &Issuer, somebody: &Actor, subject: &str, email: &str) -> Answer {
    let out = somebody.get("/auth/google").await;
    assert_eq!(out.status, 303, "{}", out.text());
    somebody.get(&issuer.consents(desk, out.location(), subject, email)).await
}

/// `alice`, who confirmed her address by mail.
async fn proven(desk: &TestApp) -> Actor {
    let alice = desk.alice().await;
    let token = desk.mail().await[0].token().expect("a token");
    alice.post("/verify-email", &[("token", &token)]).await.redirects_to("/settings/security");
    alice
}

#[tokio::test]
async fn an_issuer_is_one_factor_and_the_other_is_still_asked_for() {
    let (desk, issuer) = desk().await;
    let alice = proven(&desk).await;
    signs_in(&desk, &issuer, &desk.visitor(), "alice", &alice.email).await.redirects_to("/settings/api-keys");
    let (phone, _) = desk.sets_up(&alice).await;
    let visitor = desk.visitor();
    signs_in(&desk, &issuer, &visitor, "alice", &alice.email).await.redirects_to("/two-factor");
    visitor.get("/settings/api-keys").await.redirects_to("/sign-in?next=%2Fsettings%2Fapi-keys");
    visitor.post("/two-factor", &[("code", &phone.code(desk.app.now()))]).await.redirects_to("/settings/api-keys");
}

#[tokio::test]
async fn another_site_leads_nobody_to_the_issuer() {
    let (desk, _) = desk().await;
    let led = desk.visitor().ask(Method::GET, "/auth/google").sent_from("cross-site").send().await;
    led.redirects_to("/sign-in");
}

#[tokio::test]
async fn without_a_client_id_nobody_is_offered_to_sign_in_elsewhere() {
    let desk = TestApp::new().await;
    let (alice, visitor) = (desk.alice().await, desk.visitor());
    for page in [
        visitor.get("/sign-in").await,
        visitor.get("/sign-up").await,
        visitor.post("/sign-up", &[]).await,
        alice.get("/settings/security").await,
    ] {
        page.says_nothing_of("Continue with");
        page.says_nothing_of("/google");
    }
    for path in ["/auth/google", "/auth/google/callback", "/settings/security/google/connect"] {
        assert_eq!(alice.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn somebody_new_signs_up_and_signs_in_again_without_a_password() {
    let (desk, issuer) = desk().await;
    let ana = desk.visitor();
    let words = format!("Continue with {}", issuer.name());
    for page in ["/sign-up", "/sign-in", "/sign-in?next=/settings/inboxes"] {
        assert!(ana.get(page).await.link(&words).is_some_and(|link| link.starts_with("/auth/google")), "{page}");
    }
    signs_in(&desk, &issuer, &ana, "ana-1", ANA).await.redirects_to("/welcome");
    assert_eq!(desk.holdings().await, [1, 1, 1, 1, 0, 1, 1], "an account with its first key");
    assert!(desk.mail().await.is_empty(), "the address is proven already");
    ana.get("/welcome").await.says("Sealed");
    let page = ana.get("/settings/security").await;
    page.says("ana@harbour.example, confirmed on 21 Nov 2026.");
    page.says(&format!("ana@harbour.example can sign in with {}. It’s your only way in", issuer.name()));
    let mut of = ana.clone();
    of.account_id = desk.database.text("select account_id from users").await;
    assert_eq!(
        desk.codes_after(&of, 0).await,
        ["account.created", "key.created", "identity.linked", "email.verified", "session.created"]
    );

    ana.post("/sign-out", &[]).await.redirects_to("/sign-in");
    // The subject is who she is; the address may change hands.
    let again = signs_in(&desk, &issuer, &ana, "ana-1", "ana@married.example").await;
    again.redirects_to("/settings/api-keys");
    ana.get("/settings/security").await.says("ana@harbour.example, confirmed");
    assert_eq!(desk.count("select count(*) from users").await, 1);
    let password = desk.visitor().post("/sign-in", &[("email", ANA), ("password", PASSWORD)]).await;
    assert_eq!(password.status, 422, "she has none");
}

#[tokio::test]
async fn a_private_address_names_the_account_by_its_person() {
    let (desk, issuer) = desk().await;
    signs_in(&desk, &issuer, &desk.visitor(), "jo", "jo.marsh@gmail.com").await.redirects_to("/welcome");
    assert_eq!(desk.database.text("select name from accounts").await, "Jo Marsh");
}

#[tokio::test]
async fn it_leads_back_to_where_somebody_wanted_to_go_and_to_no_other_site() {
    let (desk, issuer) = desk().await;
    signs_in(&desk, &issuer, &desk.visitor(), "ana", ANA).await.redirects_to("/welcome");
    for (next, leads_to) in [
        ("/settings/inboxes", "/settings/inboxes"),
        ("%2Fsettings%2Fapi-keys%3Fstatus%3Dactive", "/settings/api-keys?status=active"),
        ("/verify-email%3Ftoken%3Dkdverify_x", "/settings/api-keys"),
        ("//evil.example", "/settings/api-keys"),
        ("https://evil.example", "/settings/api-keys"),
        ("/%5Cevil.example", "/settings/api-keys"),
    ] {
        let ana = desk.visitor();
        let out = ana.get(&format!("/auth/google?next={next}")).await;
        ana.get(&issuer.consents(&desk, out.location(), "ana", ANA)).await.redirects_to(leads_to);
        ana.get(&format!("/auth/google?next={next}")).await.redirects_to(leads_to);
    }
}

#[tokio::test]
async fn an_address_that_both_sides_know_to_be_theirs_is_linked_and_nothing_is_lost() {
    let (desk, issuer) = desk().await;
    let alice = proven(&desk).await;
    let since = desk.events(&alice).await.len();
    let elsewhere = desk.visitor();
    signs_in(&desk, &issuer, &elsewhere, "alice", "Alice@Halden.example").await.redirects_to("/settings/api-keys");
    assert_eq!(desk.codes_after(&alice, since).await, ["identity.linked", "session.created"]);
    assert_eq!(alice.get("/settings/inboxes").await.status, 200, "she stays signed in");
    assert_eq!(desk.count("select count(*) from sealed_secrets").await, 1);
    let mut subjects: Vec<String> = desk.mail().await.into_iter().map(|mail| mail.subject).collect();
    subjects.sort();
    assert_eq!(subjects, ["Another way to sign in to Keydesk", "New sign-in to Keydesk"]);
    desk.signed_in(&alice.email).await;
}

#[tokio::test]
async fn what_a_stranger_left_behind_an_unproven_address_goes_when_its_owner_comes() {
    let (desk, issuer) = desk().await;
    let squatter = desk.alice().await;
    let api = desk.token_of(&squatter).await;
    desk.mail().await;
    squatter.post("/forgot-password", &[("email", &squatter.email)]).await;
    let reset = desk.mail().await[0].token().expect("a token");
    let since = desk.events(&squatter).await.len();
    let owner = desk.visitor();
    signs_in(&desk, &issuer, &owner, "the owner", &squatter.email).await.redirects_to("/settings/api-keys");
    assert_eq!(squatter.get("/settings/inboxes").await.status, 303, "signed out");
    assert_eq!(api.get("/v1/key").await.status, 401, "here too");
    let password = desk.visitor().post("/sign-in", &[("email", &squatter.email), ("password", PASSWORD)]).await;
    assert_eq!(password.status, 422, "the password is gone");
    let link = desk.visitor().post("/reset-password", &[("token", &reset), ("password", PASSWORD)]).await;
    assert_eq!(link.status, 410, "and so is the link to another");
    assert_eq!(desk.count("select count(*) from sealed_secrets").await, 0, "what was not revealed never will be");
    owner.get("/settings/security").await.says("You sign in without one.");
    let codes = desk.codes_after(&squatter, since).await;
    assert_eq!(codes[..3], ["email.verified", "identity.linked", "session.created"], "{codes:?}");
    let subjects: Vec<String> = desk.mail().await.into_iter().map(|mail| mail.subject).collect();
    assert_eq!(subjects.len(), 3, "{subjects:?}");
    assert!(subjects.contains(&"The password of your Keydesk account was removed".to_owned()), "{subjects:?}");
}

/// Signs up with somebody else's address, and connects an account of their own.
async fn squats(desk: &TestApp, issuer: &Issuer) -> Actor {
    let squatter = desk.alice().await;
    let out = squatter.get("/settings/security/google/connect").await;
    let back = issuer.consents(desk, out.location(), "the squatter", "squatter@elsewhere.example");
    squatter.get(&back).await.redirects_to("/settings/security");
    desk.mail().await;
    squatter
}

#[tokio::test]
async fn a_strangers_own_identity_goes_too_whichever_way_the_owner_comes() {
    for by_mail in [false, true] {
        let (desk, issuer) = desk().await;
        let squatter = squats(&desk, &issuer).await;
        if by_mail {
            squatter.post("/forgot-password", &[("email", &squatter.email)]).await;
            let token = desk.mail().await[0].token().expect("a token");
            let fields = [("token", token.as_str()), ("password", "velvet harbour kestrel")];
            desk.visitor().post("/reset-password", &fields).await.redirects_to("/sign-in?password=changed");
        } else {
            let owner = desk.visitor();
            signs_in(&desk, &issuer, &owner, "the owner", &squatter.email).await.redirects_to("/settings/api-keys");
        }
        let codes: Vec<_> = desk.events(&squatter).await.iter().map(|event| event.action.code()).collect();
        assert!(codes.contains(&"identity.unlinked"), "{codes:?}");
        assert_eq!(desk.count("select count(*) from identities where subject = 'the squatter'").await, 0);
        let answer = signs_in(&desk, &issuer, &desk.visitor(), "the squatter", "squatter@elsewhere.example").await;
        answer.redirects_to("/welcome");
        assert_eq!(desk.count("select count(*) from accounts").await, 2, "an account of their own, at last");
    }
}

#[tokio::test]
async fn an_address_that_changed_hands_at_the_issuer_lets_nobody_in() {
    let (desk, issuer) = desk().await;
    let alice = proven(&desk).await;
    signs_in(&desk, &issuer, &desk.visitor(), "alice", &alice.email).await.redirects_to("/settings/api-keys");
    let before = desk.holdings().await;
    for (subject, email) in [
        ("her successor", alice.email.as_str()),
        // U+212A folds to k: another address, which somebody else may own.
        ("a homograph", "bo\u{212A}@brill.example"),
    ] {
        if subject == "a homograph" {
            desk.visitor()
                .post("/sign-up", &[("account", "B"), ("email", "bok@brill.example"), ("password", PASSWORD)])
                .await
                .redirects_to("/welcome");
        }
        let people = desk.count("select count(*) from users").await;
        let stranger = desk.visitor();
        let answer = signs_in(&desk, &issuer, &stranger, subject, email).await;
        assert_eq!(answer.status, 409, "{subject}");
        answer.has_heading(&format!("This {} account can’t be used here", issuer.name()));
        answer.says("sign in that way");
        assert_eq!(stranger.get("/settings/inboxes").await.status, 303);
        assert_eq!(desk.count("select count(*) from users").await, people);
    }
    assert_eq!(desk.holdings().await[5], before[5] + 1, "only the other sign-up");
    assert_eq!(desk.count("select count(*) from identities").await, 1);
    desk.flush().await;
    assert_eq!(desk.codes_after(&alice, 0).await.last(), Some(&"session.refused"), "she can see that somebody tried");
}

#[tokio::test]
async fn each_use_is_noted() {
    let (desk, issuer) = desk().await;
    signs_in(&desk, &issuer, &desk.visitor(), "ana", ANA).await.redirects_to("/welcome");
    desk.pass(std::time::Duration::from_secs(3600));
    signs_in(&desk, &issuer, &desk.visitor(), "ana", ANA).await.redirects_to("/settings/api-keys");
    let used = Timestamp::from_micros(desk.count("select last_used_at from identities").await);
    assert_eq!(used, desk.app.now());
}

#[tokio::test]
async fn somebody_who_was_removed_signs_up_anew_with_the_same_identity() {
    let (desk, issuer) = desk().await;
    let alice = desk.alice().await;
    let mei = desk.mei(&alice).await;
    let elsewhere = desk.visitor();
    signs_in(&desk, &issuer, &elsewhere, "mei", &mei.email).await.redirects_to("/settings/inboxes");
    alice
        .post(&format!("/settings/team/{}/remove", mei.user_id), &[("keys", "keep")])
        .await
        .redirects_to("/settings/team");
    assert_eq!(elsewhere.get("/settings/inboxes").await.status, 303, "the session is over");
    signs_in(&desk, &issuer, &elsewhere, "mei", &mei.email).await.redirects_to("/welcome");
    elsewhere.get("/settings/team").await.says_nothing_of(&alice.email);
    alice.get("/settings/team").await.says_nothing_of(&mei.email);
}
