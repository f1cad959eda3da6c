//! The team: who may change whom, what a change ends at once, and that somebody always stays who can.

use keydesk::model::user::{Role, User};
use keydesk::product::KeyAct;
use keydesk::store::sessions::FRESH;
use keydesk::store::users;
use serde_json::json;

use crate::support::{Actor, Answer, PASSWORD, TestApp, key_path};

const TEAM: &str = "/settings/team";

impl TestApp {
    /// Somebody who is in the account of `administrator` and never signs in; answers their id.
    pub async fn colleague(&self, administrator: &Actor, name: &str) -> String {
        let of = users::find(&self.app.db, &administrator.user_id).await.expect("a read").expect("a user");
        let (id, email) = (self.app.entropy.id("usr"), format!("{name}@halden.example"));
        let user = User { id: id.clone(), email, name: name.into(), role: Role::Member, ..of };
        let author = Self::author();
        assert!(users::add(&self.app.db, &self.app.act(&author), &user, "none").await.expect("a write"));
        id
    }
}

fn path(of: &Actor, act: &str) -> String {
    format!("{TEAM}/{}/{act}", of.user_id)
}

async fn makes(who: &Actor, whom: &Actor, role: &str) -> Answer {
    who.post(&path(whom, "role"), &[("role", role)]).await
}

async fn removes(who: &Actor, whom: &Actor, keys: &str) -> Answer {
    who.post(&path(whom, "remove"), &[("keys", keys)]).await
}

/// Status of every credential of somebody: a page, the API, a refresh.
async fn credentials(desk: &TestApp, browser: &Actor, granted: &serde_json::Value) -> [u16; 3] {
    let token = desk.holder(granted["token"].as_str().expect("a token"));
    let refresh = json!({ "refresh_token": granted["refresh_token"] });
    [
        browser.get("/settings/security").await.status,
        token.get("/v1/key").await.status,
        desk.visitor().post_json("/api/auth/refresh", &refresh).await.status,
    ]
}

#[tokio::test]
async fn another_role_ends_every_session_at_once_and_is_told_by_mail() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let amir = desk.amir(&alice).await;
    let granted = desk.log_in(&amir.email).await;
    desk.mail().await;
    let page = alice.get(&path(&amir, "role")).await;
    page.has_heading("Change the role of Amir Haddad");
    assert_eq!(page.chosen("role"), ["auditor"]);
    let since = desk.events(&alice).await.len();
    makes(&alice, &amir, "administrator").await.redirects_to(TEAM);
    assert_eq!(alice.get(TEAM).await.flash().as_deref(), Some("Amir Haddad is now an administrator."));
    assert_eq!(credentials(&desk, &amir, &granted).await, [303, 401, 401]);
    assert_eq!(desk.codes_after(&alice, since).await, ["member.role_changed"]);
    alice.get("/settings/audit-log").await.says("Changed the role, from auditor to administrator");
    let mail = desk.mail().await;
    assert_eq!((mail.len(), mail[0].to.as_str()), (1, amir.email.as_str()));
    assert!(mail[0].text.contains("You are now an administrator of Halden Freight on Keydesk."));
    let amir = desk.signed_in(&amir.email).await;
    desk.mail().await;
    assert_eq!(amir.get("/settings/api-keys/new").await.status, 200);
    makes(&alice, &amir, "administrator").await.redirects_to(TEAM);
    assert_eq!(amir.get(TEAM).await.status, 200, "the same role ends nothing");
    assert!(desk.mail().await.is_empty());
}

#[tokio::test]
async fn whoever_is_removed_is_out_at_once_and_their_address_is_free_again() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let amir = desk.amir(&alice).await;
    let granted = desk.log_in(&amir.email).await;
    desk.mail().await;
    desk.visitor().post("/forgot-password", &[("email", &amir.email)]).await;
    let reset = desk.mail().await.pop().expect("a mail").link();
    assert_eq!(desk.visitor().get(&reset).await.status, 200);
    let since = desk.events(&alice).await.len();
    removes(&alice, &amir, "keep").await.redirects_to(TEAM);
    assert_eq!(credentials(&desk, &amir, &granted).await, [303, 401, 401]);
    assert_eq!(desk.visitor().get(&reset).await.status, 410);
    let page = alice.get(TEAM).await;
    assert_eq!(page.flash().as_deref(), Some("Amir Haddad was removed."));
    assert_eq!(page.rows(), ["AAlice You"]);
    assert_eq!(desk.codes_after(&alice, since).await, ["member.removed"]);
    let mail = desk.mail().await;
    assert_eq!((mail.len(), mail[0].subject.as_str()), (1, "You were removed from Halden Freight"));
    for act in ["role", "remove"] {
        assert_eq!(alice.get(&path(&amir, act)).await.status, 404, "{act}");
    }
    let again = [("account", "Amir’s own"), ("email", amir.email.as_str()), ("password", PASSWORD)];
    desk.visitor().post("/sign-up", &again).await.redirects_to("/welcome");
    alice.get("/settings/audit-log").await.says("Amir Haddad");
}

#[tokio::test]
async fn a_leaver_is_told_what_a_stranger_is_told() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let amir = desk.amir(&alice).await;
    removes(&alice, &amir, "keep").await.redirects_to(TEAM);
    desk.mail().await;
    let shape = |answer: Answer, email: &str| {
        let names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
        let body = answer.html().replace(email, "somebody").replace(answer.header("x-request-id"), "");
        (answer.status, names, answer.location().to_owned(), body)
    };
    for form in ["/sign-in", "/forgot-password"] {
        let (gone, nobody) = (desk.visitor().at("198.51.100.1"), desk.visitor().at("198.51.100.2"));
        let fields = |email| [("email", email), ("password", PASSWORD)];
        let gone = gone.post(form, &fields(amir.email.as_str())).await;
        let nobody = nobody.post(form, &fields("nobody@halden.example")).await;
        assert_eq!(shape(gone, &amir.email), shape(nobody, "nobody@halden.example"), "{form}");
    }
    let body = |email: &str| json!({ "email": email, "password": PASSWORD });
    let gone = desk.visitor().post_json("/api/auth/login", &body(&amir.email)).await;
    let nobody = desk.visitor().post_json("/api/auth/login", &body("nobody@halden.example")).await;
    assert_eq!(gone.status, 401);
    assert_eq!(shape(gone, &amir.email), shape(nobody, "nobody@halden.example"));
    let since = desk.events(&alice).await.len();
    desk.flush().await;
    assert_eq!(desk.codes_after(&alice, since).await, [""; 0], "no refused sign-in of theirs");
    assert!(desk.mail().await.is_empty());
    assert_eq!(desk.count("select count(*) from sessions where ended_at is null").await, 1);
}

#[tokio::test]
async fn what_becomes_of_their_keys_is_asked_and_keeping_is_the_default() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for (choice, status) in [("keep", 200), ("delete", 401)] {
        let leaver = desk.signed_in_as_administrator(&alice, &format!("leaver.{choice}@halden.example")).await;
        let key = leaver.key(&format!("used {choice}"), &[]).await;
        leaver.creates(&format!("idle {choice}"), &[]).await;
        assert_eq!(desk.holder(&key.secret).get("/v1/key").await.status, 200);
        let page = alice.get(&path(&leaver, "remove")).await;
        assert_eq!(page.chosen("keys"), ["keep"]);
        page.says("What becomes of the 2 keys that they created");
        page.says("Last used less than a minute ago.");
        page.says("Never used.");
        let since = desk.events(&alice).await.len();
        removes(&alice, &leaver, choice).await.redirects_to(TEAM);
        assert_eq!(desk.holder(&key.secret).get("/v1/key").await.status, status, "{choice}");
        let codes = desk.codes_after(&alice, since).await;
        let expected: &[_] = match choice {
            "keep" => &["member.removed"],
            _ => &["key.deleted", "key.deleted", "member.removed"],
        };
        assert_eq!(codes, expected);
    }
    let said = alice.get(TEAM).await.flash();
    assert!(said.is_some_and(|said| said.ends_with("was removed, and with them 2 keys.")));
    assert_eq!(desk.count("select count(*) from api_keys where deleted_at is null").await, 3);
}

impl TestApp {
    /// Another administrator of the account of `first`.
    async fn signed_in_as_administrator(&self, first: &Actor, email: &str) -> Actor {
        let author = Self::author();
        let of = users::find(&self.app.db, &first.user_id).await.expect("a read").expect("a user");
        let hash = self.app.passwords.hash(PASSWORD.to_owned().into()).await.expect("a hash");
        let user = User { id: self.app.entropy.id("usr"), email: email.into(), name: "Tomas Lind".into(), ..of };
        assert!(users::add(&self.app.db, &self.app.act(&author), &user, &hash).await.expect("a write"));
        self.signed_in(email).await
    }

    async fn administrators(&self) -> i64 {
        self.count("select count(*) from users where role = 'administrator' and removed_at is null").await
    }
}

#[tokio::test]
async fn the_last_administrator_stays_and_nobody_leaves_by_accident() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let why = "Alice is the only administrator of Halden Freight. Make somebody else one first.";
    for refused in [makes(&alice, &alice, "member").await, removes(&alice, &alice, "delete").await] {
        assert_eq!((refused.status, refused.problems()), (422, vec![why.to_owned()]));
    }
    assert_eq!(desk.count("select count(*) from api_keys where deleted_at is null").await, 1, "nothing half done");
    let tomas = desk.signed_in_as_administrator(&alice, "tomas@halden.example").await;
    let nonsense = makes(&alice, &tomas, "owner").await;
    assert_eq!((nonsense.status, nonsense.problems()), (422, vec!["Choose a role.".to_owned()]));
    alice
        .get(&path(&alice, "role"))
        .await
        .says("This is you. In another role you can’t change keys or people any more");
    alice.get(&path(&alice, "remove")).await.says("This is you. You leave at once, and can’t come back unless");
    alice.get(&path(&tomas, "role")).await.says_nothing_of("This is you.");
    makes(&alice, &alice, "auditor").await.redirects_to("/sign-in");
    assert_eq!(alice.get(TEAM).await.status, 303, "signed out");
    let alice = desk.signed_in(&alice.email).await;
    let denied = alice.get(&path(&tomas, "role")).await;
    assert_eq!(denied.status, 403);
    denied.says("Only administrators can change the team");
    denied.says("Ask Tomas Lind to change the team or change your role.");
    removes(&tomas, &tomas, "keep").await.says("Tomas Lind is the only administrator");
    makes(&tomas, &alice, "administrator").await.redirects_to(TEAM);
    removes(&tomas, &tomas, "keep").await.redirects_to("/sign-in");
    assert_eq!(tomas.get(TEAM).await.status, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_last_two_administrators_who_change_each_other_at_once_leave_one() {
    for round in 0..6 {
        let desk = TestApp::new().await;
        let alice = desk.alice().await;
        let tomas = desk.signed_in_as_administrator(&alice, "tomas@halden.example").await;
        let press = |who: &Actor, whom: &Actor, remove: bool| {
            let (who, whom) = (who.clone(), whom.clone());
            tokio::spawn(async move {
                if remove { removes(&who, &whom, "keep").await } else { makes(&who, &whom, "member").await }
            })
        };
        let both = match round % 3 {
            0 => [press(&alice, &tomas, false), press(&tomas, &alice, false)],
            1 => [press(&alice, &alice, false), press(&tomas, &tomas, true)],
            _ => [press(&alice, &tomas, true), press(&tomas, &alice, true)],
        };
        for answer in both {
            let answer = answer.await.expect("an answer");
            assert!(matches!(answer.status, 303 | 404 | 403 | 422), "{}", answer.text());
        }
        assert_eq!(desk.administrators().await, 1, "round {round}");
    }
}

#[tokio::test]
async fn roles_and_removals_ask_for_the_password_before_the_page_and_before_the_act() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let mei = desk.mei(&alice).await;
    desk.pass(FRESH);
    let before = desk.holdings().await;
    for act in ["role", "remove"] {
        let here = path(&mei, act);
        let asked = format!("/re-authenticate?next={here}");
        alice.get(&here).await.redirects_to(&asked);
        let choice = if act == "role" { "%3Frole%3Dauditor" } else { "" };
        alice.post(&here, &[("role", "auditor")]).await.redirects_to(&format!("{asked}{choice}"));
    }
    assert_eq!(desk.holdings().await, before);
    assert_eq!(desk.count("select count(*) from users where role = 'member'").await, 1);
    let chosen = format!("{}?role=auditor", path(&mei, "role"));
    alice.confirms(&chosen).await.redirects_to(&chosen);
    let form = alice.get(&chosen).await;
    assert_eq!(form.chosen("role"), ["auditor"], "the choice is there still");
    makes(&alice, &mei, "auditor").await.redirects_to(TEAM);
}

#[tokio::test]
async fn people_and_invitations_of_another_account_are_nowhere() {
    let desk = TestApp::new().await;
    let (alice, bob) = (desk.alice().await, desk.bob().await);
    let invited = desk.invited(&bob, "ravi").await;
    let (before, since) = (desk.holdings().await, desk.events(&bob).await.len());
    for act in ["role", "remove"] {
        alice.get(&path(&bob, act)).await.has_heading("There’s nobody here");
        let fields = [("role", "member"), ("keys", "delete")];
        assert_eq!(alice.post(&path(&bob, act), &fields).await.status, 404, "{act}");
    }
    for act in ["send-again", "withdraw"] {
        assert_eq!(alice.post(&format!("{TEAM}/invitations/{invited}/{act}"), &[]).await.status, 404, "{act}");
    }
    alice.get(TEAM).await.says_nothing_of("ravi@halden.example");
    assert_eq!(desk.holdings().await, before);
    assert_eq!(desk.events(&bob).await.len(), since);
    assert_eq!(bob.get(TEAM).await.status, 200, "and is still signed in");
}

#[tokio::test]
async fn an_auditor_looks_and_finds_no_button() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    desk.invited(&alice, "ravi").await;
    let page = desk.amir(&alice).await.get(TEAM).await;
    page.says("ravi@halden.example Invited 21 Nov 2026");
    for act in ["Invite someone", "Change role", "Remove…", "Send again", "Withdraw"] {
        page.says_nothing_of(act);
    }
}

#[tokio::test]
async fn the_invitations_of_whoever_may_invite_no_more_are_void() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for leaves in [false, true] {
        let tomas = desk.signed_in_as_administrator(&alice, &format!("tomas.{leaves}@halden.example")).await;
        desk.mail().await;
        let fields = [("email", "second@tomas.example"), ("role", "administrator")];
        tomas.post(&format!("{TEAM}/invitations"), &fields).await.redirects_to(TEAM);
        let link = desk.mail().await[0].link();
        let since = desk.events(&alice).await.len();
        if leaves { removes(&alice, &tomas, "keep").await } else { makes(&alice, &tomas, "member").await }
            .redirects_to(TEAM);
        let answer = desk.visitor().get(&link).await;
        assert_eq!(answer.status, 410);
        answer.says("Ask an administrator of Halden Freight for another.");
        assert_eq!(desk.codes_after(&alice, since).await[0], "invitation.withdrawn");
    }
}

#[tokio::test]
async fn a_key_of_a_leaver_still_says_who_made_it() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let tomas = desk.signed_in_as_administrator(&alice, "tomas@halden.example").await;
    let id = tomas.creates("billing", &[]).await;
    removes(&alice, &tomas, "keep").await.redirects_to(TEAM);
    alice.get(&key_path(&id, "")).await.says("Tomas Lind");
}

#[tokio::test]
async fn where_nobody_deletes_keys_those_of_a_leaver_stay() {
    let desk = TestApp::with_product(|product| product.keys.in_page.retain(|act| *act != KeyAct::Delete)).await;
    let alice = desk.alice().await;
    let tomas = desk.signed_in_as_administrator(&alice, "tomas@halden.example").await;
    let key = tomas.key("billing", &[]).await;
    let page = alice.get(&path(&tomas, "remove")).await;
    page.says("What they created keeps working: 1 key.");
    assert_eq!(page.chosen("keys"), [""; 0]);
    removes(&alice, &tomas, "delete").await.redirects_to(TEAM);
    assert_eq!(desk.holder(&key.secret).get("/v1/key").await.status, 200);
}
