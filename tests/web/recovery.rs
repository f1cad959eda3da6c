//! Getting back in: the answer is the same for everybody, a link works once, and a new password ends every session.

use keydesk::clock::hours;
use serde_json::json;

use crate::support::mailbox::Mail;
use crate::support::{Actor, Answer, PASSWORD, TestApp};

const NEW: &str = "velvet harbour kestrel";

async fn asks(visitor: &Actor, email: &str) -> Answer {
    visitor.post("/forgot-password", &[("email", email)]).await
}

async fn chooses(visitor: &Actor, token: &str, password: &str) -> Answer {
    visitor.post("/reset-password", &[("token", token), ("password", password)]).await
}

#[tokio::test]
async fn somebody_who_forgot_their_password_chooses_another_by_mail() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let api = desk.log_in(&alice.email).await;
    desk.mail().await;
    let visitor = desk.visitor();
    asks(&visitor, "Alice@Halden.example").await.redirects_to("/forgot-password?asked=yes");
    visitor.get("/forgot-password?asked=yes").await.has_heading("Check your email");
    let mail = desk.mail().await;
    assert_eq!((mail.len(), mail[0].to.as_str()), (1, "alice@halden.example"));
    assert_eq!(mail[0].subject, "Choose a new password for Keydesk");
    let page = visitor.get(&mail[0].link()).await;
    page.has_heading("Choose a new password");
    assert_eq!(visitor.get(&mail[0].link()).await.status, 200, "opening it uses nothing up");
    let token = page.value_of("token");
    assert_eq!(chooses(&visitor, &token, "short").await.status, 422, "nor does a password that can't be");
    let since = desk.events(&alice).await.len();
    chooses(&visitor, &token, NEW).await.redirects_to("/sign-in?password=changed");
    visitor.get("/sign-in?password=changed").await.says("Your password was changed. Sign in with the new one.");
    assert_eq!(desk.codes_after(&alice, since).await, ["password.reset"]);
    alice.get("/settings/api-keys").await.redirects_to("/sign-in?next=%2Fsettings%2Fapi-keys");
    let token_of_before = desk.holder(api["token"].as_str().expect("a token"));
    assert_eq!(token_of_before.get("/v1/key").await.status, 401, "its JWT is dead");
    let refresh = json!({ "refresh_token": api["refresh_token"] });
    assert_eq!(visitor.post_json("/api/auth/refresh", &refresh).await.status, 401, "and so is its refresh token");
    let told = desk.mail().await;
    assert_eq!((told.len(), told[0].subject.as_str()), (1, "Your Keydesk password was changed"));
    let elsewhere = desk.visitor().at("198.51.100.5");
    let old = elsewhere.post("/sign-in", &[("email", &alice.email), ("password", PASSWORD)]).await;
    let new = elsewhere.post("/sign-in", &[("email", &alice.email), ("password", NEW)]).await;
    assert_eq!((old.status, new.status), (422, 303));
    let again = chooses(&visitor, &token, NEW).await;
    assert_eq!(again.status, 410);
    again.has_heading("This link doesn’t work any more");
}

#[tokio::test]
async fn nobody_learns_whether_an_address_is_known() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let (amir, mei) = (desk.amir(&alice).await, desk.mei(&alice).await);
    desk.database.run(&format!("update users set password_hash = null where id = '{}'", amir.user_id)).await;
    alice.post(&format!("/settings/team/{}/remove", mei.user_id), &[("keys", "keep")]).await;
    desk.mail().await;
    let mut told = Vec::new();
    for email in [&alice.email, "nobody@halden.example", &amir.email, &mei.email] {
        let answer = asks(&desk.visitor(), email).await;
        let mut headers = answer.headers.clone();
        headers.remove("x-request-id").expect("an id");
        told.push((answer.status, answer.text(), headers));
    }
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
    assert_eq!((told[0].0, told[0].2["location"].to_str().ok()), (303, Some("/forgot-password?asked=yes")));
    let pending = "select count(*) from errands where done_at is null";
    assert_eq!(desk.count(pending).await, 4, "the same is written for all");
    let mut written_to: Vec<String> = desk.mail().await.into_iter().map(|mail| mail.to).collect();
    written_to.sort();
    assert_eq!(written_to, [alice.email, amir.email], "somebody without a password can choose one");
    assert_eq!(desk.count(pending).await, 0);
    let malformed = asks(&desk.visitor(), "alice").await;
    assert_eq!(malformed.problems(), ["Enter an email address, such as ana@example.com."]);
}

#[tokio::test]
async fn nobodys_mailbox_is_filled_from_many_places() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    desk.mail().await;
    for place in 0..9 {
        asks(&desk.visitor().at(&format!("198.51.100.{place}")), &alice.email)
            .await
            .redirects_to("/forgot-password?asked=yes");
    }
    assert_eq!(desk.mail().await.len(), 5);
    desk.pass(hours(1));
    asks(&desk.visitor(), &alice.email).await;
    assert_eq!(desk.mail().await.len(), 1);
}

#[tokio::test]
async fn confirmation_links_fill_nobodys_mailbox_either() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    desk.mail().await;
    for place in 0..10 {
        alice.at(&format!("198.51.100.{place}")).post("/settings/security/verify-email", &[]).await;
    }
    assert_eq!(desk.mail().await.len(), 5);
}

#[tokio::test]
async fn what_a_stranger_asked_for_ends_with_the_first_proof() {
    let desk = TestApp::new().await;
    let squatter = desk.alice().await;
    let fields = [("email", "accomplice@elsewhere.example"), ("role", "administrator")];
    squatter.post("/settings/team/invitations", &fields).await.redirects_to("/settings/team");
    let invitation = desk.mail().await.into_iter().find(|mail| mail.to.starts_with("accomplice")).expect("a mail");
    asks(&desk.visitor(), &squatter.email).await;
    let token = desk.mail().await.iter().find_map(Mail::token).expect("a token");
    chooses(&desk.visitor(), &token, NEW).await.redirects_to("/sign-in?password=changed");
    assert_eq!(desk.visitor().get(&invitation.link()).await.status, 410);
}

#[tokio::test]
async fn a_link_is_void_after_an_hour_or_once_a_newer_one_was_sent() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    desk.mail().await;
    let visitor = desk.visitor();
    asks(&visitor, &alice.email).await;
    let first = desk.mail().await[0].token().expect("a token");
    asks(&visitor, &alice.email).await;
    let second = desk.mail().await[0].token().expect("a token");
    assert_eq!(chooses(&visitor, &first, NEW).await.status, 410, "a newer one was sent");
    desk.pass(hours(1));
    assert_eq!(chooses(&visitor, &second, NEW).await.status, 410, "its hour is over");
    for token in ["", "kdreset_x", &second.replace("kdreset_", "kdverify_")] {
        assert_eq!(visitor.get(&format!("/reset-password?token={token}")).await.status, 410);
    }
}

#[tokio::test]
async fn a_link_that_two_press_at_once_works_once() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    desk.mail().await;
    asks(&desk.visitor(), &alice.email).await;
    let token = desk.mail().await[0].token().expect("a token");
    let (one, other) = (desk.visitor().at("198.51.100.1"), desk.visitor().at("198.51.100.2"));
    let answers = tokio::join!(chooses(&one, &token, NEW), chooses(&other, &token, "another lantern orbit"));
    let mut statuses = [answers.0.status, answers.1.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 410]);
}

#[tokio::test]
async fn asking_and_choosing_are_throttled_before_anything_is_hashed() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    desk.mail().await;
    let visitor = desk.visitor().at("198.51.100.7");
    for _ in 0..5 {
        assert_eq!(asks(&visitor, &alice.email).await.status, 303);
    }
    let stopped = asks(&visitor, &alice.email).await;
    assert_eq!(stopped.status, 429);
    assert!(!stopped.header("retry-after").is_empty());
    assert_eq!(stopped.link("Try again").as_deref(), Some("/forgot-password"));
    assert_eq!(asks(&desk.visitor(), &alice.email).await.status, 303, "nobody else is");
}

#[tokio::test]
async fn what_a_stranger_left_behind_an_unproven_address_goes_with_its_first_proof() {
    let desk = TestApp::new().await;
    let squatter = desk.alice().await;
    let first = squatter.first_key().await;
    desk.mail().await;
    asks(&desk.visitor(), &squatter.email).await;
    let token = desk.mail().await[0].token().expect("a token");
    assert_eq!(desk.count("select count(*) from sealed_secrets").await, 1);
    chooses(&desk.visitor(), &token, NEW).await.redirects_to("/sign-in?password=changed");
    assert_eq!(desk.count("select count(*) from sealed_secrets").await, 0);
    assert_eq!(desk.count("select count(*) from users where email_verified_at is not null").await, 1);
    let owner = desk.visitor();
    owner.post("/sign-in", &[("email", &squatter.email), ("password", NEW)]).await;
    assert_eq!(owner.post(&format!("/settings/api-keys/{first}/reveal"), &[]).await.status, 410);
}

#[tokio::test]
async fn whoever_signed_up_confirms_the_address_by_mail() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let mail = desk.mail().await;
    assert_eq!((mail.len(), mail[0].subject.as_str()), (1, "Confirm your email address for Keydesk"));
    assert!(desk.mail().await.is_empty(), "once");
    alice.get("/settings/security").await.says("Not confirmed");
    let (link, token) = (mail[0].link(), mail[0].token().expect("a token"));
    let stranger = desk.visitor().get(&link).await;
    assert!(stranger.location().starts_with("/sign-in?next=%2Fverify-email"), "{}", stranger.location());
    let bob = desk.bob().await;
    assert_eq!(bob.get(&link).await.status, 410, "it is for somebody else");
    assert_eq!(bob.post("/verify-email", &[("token", &token)]).await.status, 410);
    alice.get(&link).await.has_heading("Confirm alice@halden.example");
    let since = desk.events(&alice).await.len();
    alice.post("/verify-email", &[("token", &token)]).await.redirects_to("/settings/security");
    alice.get("/settings/security").await.says("alice@halden.example, confirmed on 21 Nov 2026.");
    assert_eq!(desk.codes_after(&alice, since).await, ["email.verified"]);
    assert_eq!(alice.post("/verify-email", &[("token", &token)]).await.status, 410);
}

#[tokio::test]
async fn another_confirmation_link_voids_the_first() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let first = desk.mail().await[0].token().expect("a token");
    alice.post("/settings/security/verify-email", &[]).await.redirects_to("/settings/security");
    let second = desk.mail().await[0].token().expect("a token");
    assert_eq!(alice.post("/verify-email", &[("token", &first)]).await.status, 410);
    alice.post("/verify-email", &[("token", &second)]).await.redirects_to("/settings/security");
}
