//! Invitations: what the mail says, what the link is worth and to whom, and that it works once.

use std::time::Duration;

use axum::http::Method;
use keydesk::clock::days;
use keydesk::model::user::Role;
use keydesk::store::invitations::Invited;
use keydesk::store::sessions::FRESH;
use keydesk::store::{invitations, users};
use tokio::task::JoinSet;

use crate::support::{Actor, Answer, PASSWORD, TestApp};

const RAVI: &str = "ravi.shah@halden.example";
const TEAM: &str = "/settings/team";

impl TestApp {
    /// An invitation into the account of `administrator`; answers its id.
    pub async fn invited(&self, administrator: &Actor, name: &str) -> String {
        let email = format!("{name}@halden.example");
        let inviter = users::find(&self.app.db, &administrator.user_id).await.expect("a read").expect("a user");
        let author = Self::author();
        let act = self.app.act(&author);
        invitations::invite(&self.app.db, &act, &inviter, &email, Role::Auditor).await.expect("it is invited");
        let open = invitations::list(&self.app.db, &administrator.account_id).await.expect("a read");
        open.into_iter().find(|one| one.email == email).expect("an invitation").id
    }
}

/// Invites and answers the token of the mail.
async fn invites(desk: &TestApp, alice: &Actor, email: &str, role: &str) -> String {
    desk.mail().await;
    alice.post(&format!("{TEAM}/invitations"), &[("email", email), ("role", role)]).await.redirects_to(TEAM);
    desk.mail().await[0].token().expect("a token")
}

async fn joins(visitor: &Actor, token: &str) -> Answer {
    visitor.post("/invitation", &[("token", token), ("name", "Ravi Shah"), ("password", PASSWORD)]).await
}

async fn opens(visitor: &Actor, token: &str) -> Answer {
    visitor.get(&format!("/invitation?token={token}")).await
}

#[tokio::test]
async fn whoever_is_invited_chooses_a_name_and_a_password_and_is_in() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    desk.mail().await;
    let since = desk.events(&alice).await.len();
    let form = alice.get(&format!("{TEAM}/invitations/new")).await;
    assert_eq!((form.chosen("role"), form.value_of("email")), (vec!["member".to_owned()], String::new()));
    alice.post(&format!("{TEAM}/invitations"), &[("email", RAVI), ("role", "auditor")]).await.redirects_to(TEAM);
    let page = alice.get(TEAM).await;
    let flash = "ravi.shah@halden.example is invited as an auditor. The link in the email works for 7 days.";
    assert_eq!(page.flash().as_deref(), Some(flash));
    page.says(
        "ravi.shah@halden.example Invited 21 Nov 2026 · expires in 7 days RoleAuditor Two-factor– Last activeNever",
    );

    let mail = desk.mail().await;
    assert_eq!((mail.len(), mail[0].to.as_str(), mail[0].subject.as_str()), (1, RAVI, "You are invited to Keydesk"));
    assert!(mail[0].text.contains("Alice invited you to join Halden Freight on Keydesk, as an auditor."));
    assert!(mail[0].text.contains("28 Nov 2026, 14:05 UTC"), "{}", mail[0].text);
    assert!(mail[0].link().starts_with("/invitation?token=kdinvite_"));

    let ravi = desk.visitor();
    for _ in 0..2 {
        let page = ravi.get(&mail[0].link()).await;
        assert_eq!(page.status, 200, "opening it uses nothing up");
        page.has_heading("Join Halden Freight");
        page.says("Alice invited you as an auditor.");
        assert_eq!((page.value_of("name"), page.value_of("password")), ("Ravi Shah".into(), String::new()));
    }
    let token = ravi.get(&mail[0].link()).await.value_of("token");
    let refused = ravi.post("/invitation", &[("token", &token), ("name", " "), ("password", "halden freight")]).await;
    assert_eq!(refused.status, 422, "nor does a mistake");
    assert_eq!(refused.field_error("name").as_deref(), Some("Enter a name."));
    assert!(refused.field_error("password").is_some() && refused.html().contains("<title>Error: Join"));
    joins(&ravi, &token).await.redirects_to("/settings/api-keys");
    assert_eq!(ravi.get("/settings/api-keys").await.status, 200);
    assert_eq!(ravi.get("/settings/api-keys/new").await.status, 403, "in the role that was offered");
    assert_eq!(desk.codes_after(&alice, since).await, ["member.invited", "member.joined", "session.created"]);
    assert_eq!(desk.count("select count(*) from users where email_verified_at is not null").await, 1);
    assert_eq!(alice.get(TEAM).await.rows(), ["AAlice You", "RSRavi Shah"]);
    alice
        .get("/settings/audit-log")
        .await
        .says("Joined the team, as an auditor member.joined ravi.shah@halden.example");
    desk.signed_in(RAVI).await;
}

#[tokio::test]
async fn a_link_works_once_and_afterwards_says_whom_to_ask() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let token = invites(&desk, &alice, RAVI, "member").await;
    joins(&desk.visitor(), &token).await.redirects_to("/settings/inboxes");
    for answer in [opens(&desk.visitor(), &token).await, joins(&desk.visitor(), &token).await] {
        assert_eq!(answer.status, 410);
        answer.has_heading("This invitation doesn’t work any more");
        answer.says("Ask Alice of Halden Freight for another.");
    }
    for token in ["", "kdinvite_x", &token.replace("kdinvite_", "kdreset_")] {
        let answer = opens(&desk.visitor(), token).await;
        assert_eq!(answer.status, 410);
        answer.says("Ask whoever invited you for another.");
    }
}

#[tokio::test]
async fn a_link_is_void_after_seven_days_once_withdrawn_or_once_a_newer_one_was_sent() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let first = invites(&desk, &alice, RAVI, "member").await;
    let id = desk.database.text("select id from invitations").await;
    desk.pass(days(6));
    let alice = desk.signed_in(&alice.email).await;
    alice.post(&format!("{TEAM}/invitations/{id}/send-again"), &[]).await.redirects_to(TEAM);
    let second = desk.mail().await[0].token().expect("a token");
    assert_eq!(opens(&desk.visitor(), &first).await.status, 410, "a newer one was sent");
    desk.pass(days(7).saturating_sub(Duration::from_micros(1)));
    assert_eq!(opens(&desk.visitor(), &second).await.status, 200, "seven days from then");
    desk.pass(Duration::from_micros(1));
    assert_eq!(joins(&desk.visitor(), &second).await.status, 410);
    let alice = desk.signed_in(&alice.email).await;
    alice.get(TEAM).await.says("· expired 4 Dec 2026");

    let third = invites(&desk, &alice, RAVI, "auditor").await;
    assert_eq!(
        alice.get(TEAM).await.text().matches(RAVI).count(),
        4,
        "what was said, and one row: its name and two buttons"
    );
    let id = desk.database.text("select id from invitations where withdrawn_at is null").await;
    assert_eq!(opens(&desk.visitor(), &third).await.status, 200);
    alice.post(&format!("{TEAM}/invitations/{id}/withdraw"), &[]).await.redirects_to(TEAM);
    let answer = joins(&desk.visitor(), &third).await;
    assert_eq!(answer.status, 410);
    answer.says("Ask Alice of Halden Freight for another.");
    for act in ["send-again", "withdraw"] {
        assert_eq!(alice.post(&format!("{TEAM}/invitations/{id}/{act}"), &[]).await.status, 404, "{act}");
    }
    assert_eq!(desk.count("select count(*) from users").await, 1);
}

#[tokio::test]
async fn what_was_withdrawn_before_its_mail_left_is_not_sent() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    desk.mail().await;
    let id = desk.invited(&alice, "ravi").await;
    alice.post(&format!("{TEAM}/invitations/{id}/withdraw"), &[]).await.redirects_to(TEAM);
    assert!(desk.mail().await.is_empty());
}

#[tokio::test]
async fn whoever_has_an_account_is_told_what_to_do_and_keeps_the_link() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let bob = desk.bob().await;
    let token = invites(&desk, &alice, "Bob@brill.example", "auditor").await;
    for answer in [opens(&desk.visitor(), &token).await, joins(&desk.visitor(), &token).await] {
        assert_eq!(answer.status, 409);
        answer.has_heading("You have an account already");
        answer.says("ask Alice of Halden Freight to invite you at another address.");
        answer.says("remove you from it. Then open this link again: it works until 28 Nov 2026, 14:05 UTC.");
    }
    desk.database
        .run(&format!("update users set removed_at = 1, email_folded = id where id = '{}'", bob.user_id))
        .await;
    joins(&desk.visitor(), &token).await.redirects_to("/settings/api-keys");

    let token = invites(&desk, &alice, "amir@halden.example", "auditor").await;
    desk.amir(&alice).await;
    let answer = opens(&desk.visitor(), &token).await;
    assert_eq!(answer.status, 409);
    answer.has_heading("You are in the team already");
}

#[tokio::test]
async fn a_form_with_mistakes_says_them_and_keeps_what_was_typed() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let path = format!("{TEAM}/invitations");
    let both = alice.post(&path, &[("email", "ravi"), ("role", "owner")]).await;
    assert_eq!(both.status, 422);
    assert_eq!(both.problems(), ["Enter an email address, such as ana@example.com.", "Choose a role."]);
    assert_eq!(both.value_of("email"), "ravi");
    let here = alice.post(&path, &[("email", "ALICE@halden.example"), ("role", "member")]).await;
    assert_eq!(here.problems(), ["ALICE@halden.example is in the team already."]);
    for _ in 0..5 {
        alice.post(&path, &[("email", RAVI), ("role", "member")]).await.redirects_to(TEAM);
    }
    assert_eq!(alice.post(&path, &[("email", RAVI), ("role", "member")]).await.status, 429, "a mailbox is not flooded");
}

#[tokio::test]
async fn inviting_an_administrator_asks_for_the_password_and_comes_back_to_the_form_as_it_was() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    desk.pass(FRESH);
    let fields = [("email", RAVI), ("role", "administrator")];
    let answer = alice.post(&format!("{TEAM}/invitations"), &fields).await;
    let next = "/settings/team/invitations/new?email=ravi.shah%40halden.example&role=administrator";
    assert!(answer.location().starts_with("/re-authenticate?next=/settings/team/invitations/new%3F"));
    alice.confirms(next).await.redirects_to(next);
    let form = alice.get(next).await;
    assert_eq!((form.value_of("email"), form.chosen("role")), (RAVI.into(), vec!["administrator".to_owned()]));
    alice.post(&format!("{TEAM}/invitations"), &fields).await.redirects_to(TEAM);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_link_that_many_press_at_once_works_once() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let token = invites(&desk, &alice, RAVI, "member").await;
    let mut pressed = JoinSet::new();
    for number in 0..6 {
        let (visitor, token) = (desk.visitor().at(&format!("198.51.100.{number}")), token.clone());
        pressed.spawn(async move { joins(&visitor, &token).await.status });
    }
    let mut statuses = pressed.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 410, 410, 410, 410, 410]);
    assert_eq!(desk.count("select count(*) from users").await, 2);
}

#[tokio::test]
async fn neither_a_mail_in_waiting_nor_the_database_holds_a_link() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let token = invites(&desk, &alice, RAVI, "member").await;
    let raw = desk.database.raw().await;
    let random = token.trim_start_matches("kdinvite_");
    assert_eq!(random.len(), 43);
    assert!(!raw.windows(random.len()).any(|part| part == random.as_bytes()));
}

#[tokio::test]
async fn another_site_cannot_send_the_form_and_it_takes_no_more_than_a_sign_in() {
    let desk = TestApp::new().await;
    let visitor = desk.visitor();
    for site in ["cross-site", "same-site", "none"] {
        let answer = visitor.ask(Method::POST, "/invitation").form(&[("token", "x")]).sent_from(site).send().await;
        assert_eq!(answer.status, 403, "{site}");
    }
    assert_eq!(visitor.post("/invitation", &[("password", &"x".repeat(9000))]).await.status, 413);
}

/// They were let in, and lost the role before the transaction began.
#[tokio::test]
async fn whoever_is_no_administrator_any_more_invites_nobody_sends_nothing_again_and_withdraws_nothing() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let amir = desk.amir(&alice).await;
    let id = desk.invited(&alice, "ravi").await;
    let user = users::find(&desk.app.db, &amir.user_id).await.expect("a read").expect("Amir");
    let author = TestApp::author().as_user(&user, "");
    let (db, act) = (&desk.app.db, desk.app.act(&author));
    let (holdings, events) = (desk.holdings().await, desk.events(&alice).await.len());
    let invited = invitations::invite(db, &act, &user, "mei@halden.example", Role::Auditor).await;
    assert!(matches!(invited, Ok(Invited::NotAdministrator)));
    assert_eq!(invitations::send_again(db, &act, &alice.account_id, &id).await.expect("an answer"), None);
    assert_eq!(invitations::withdraw(db, &act, &alice.account_id, &id).await.expect("an answer"), None);
    assert_eq!((desk.holdings().await, desk.events(&alice).await.len()), (holdings, events));
}
