//! The password again: who is asked, how it is tested, and how long it holds.

use std::time::Duration;

use axum::http::Method;
use keydesk::clock::hours;
use keydesk::store::sessions::FRESH;

use crate::support::{Actor, Answer, PASSWORD, TestApp, key_path};

const PATH: &str = "/re-authenticate";

impl Actor {
    /// Gives the password again, on the way to `next`.
    pub async fn confirms(&self, next: &str) -> Answer {
        self.post(PATH, &[("next", next), ("email", &self.email), ("password", PASSWORD)]).await
    }
}

impl Answer {
    /// Where the page's form leads afterwards. The theme's form has a field of the same name.
    pub fn leads_to(&self) -> &str {
        let (_, form) = self.html().split_once("action=\"/re-authenticate\"").expect("the form");
        let (_, value) = form.split_once("name=\"next\" value=\"").expect("the field");
        value.split('"').next().unwrap_or_default()
    }
}

/// Whether somebody may do what asks for the password.
async fn is_fresh(who: &Actor, id: &str) -> bool {
    let answer = who.post(&key_path(id, "reveal"), &[]).await;
    match answer.status {
        200 => true,
        303 => {
            answer.redirects_to(&format!("{PATH}?next={}", key_path(id, "")));
            assert_eq!(answer.secrets(), Vec::<String>::new());
            false
        }
        other => panic!("{other}: {}", answer.text()),
    }
}

#[tokio::test]
async fn signing_in_holds_for_five_minutes_to_the_microsecond_and_so_does_the_password() {
    let desk = TestApp::revealing_again().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    assert_eq!(FRESH, Duration::from_secs(300));
    for _ in 0..2 {
        desk.pass(FRESH.saturating_sub(Duration::from_micros(1)));
        assert!(is_fresh(&alice, &id).await, "until its last microsecond");
        desk.pass(Duration::from_micros(1));
        assert!(!is_fresh(&alice, &id).await, "and no longer");
        alice.confirms(&key_path(&id, "")).await.redirects_to(&key_path(&id, ""));
        assert!(is_fresh(&alice, &id).await);
    }
}

#[tokio::test]
async fn being_busy_does_not_keep_anybody_fresh_and_another_browser_is_no_proof() {
    let desk = TestApp::revealing_again().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    for _ in 0..5 {
        desk.pass(Duration::from_secs(60));
        assert_eq!(alice.get("/settings/api-keys").await.status, 200);
    }
    let elsewhere = desk.signed_in(&alice.email).await;
    assert!(!is_fresh(&alice, &id).await);
    assert!(is_fresh(&elsewhere, &id).await);
    elsewhere.confirms("").await.redirects_to("/settings");
    assert!(!is_fresh(&alice, &id).await, "each session proves itself");
}

#[tokio::test]
async fn the_page_says_whose_password_it_wants_and_where_it_leads() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let page = alice.get(&format!("{PATH}?next=/settings/api-keys/key_1")).await;
    assert_eq!((page.status, page.header("cache-control")), (200, "no-store"));
    page.has_heading("Confirm it’s you");
    assert_eq!((page.value_of("email"), page.value_of("password")), (alice.email.clone(), String::new()));
    assert_eq!(page.leads_to(), "/settings/api-keys/key_1");
    assert_eq!(page.link("Cancel").as_deref(), Some("/settings/api-keys/key_1"));
    for part in ["autocomplete=\"current-password\"", "autocomplete=\"username\"", "readonly"] {
        assert!(page.html().contains(part), "{part}");
    }
    let themed = alice.post("/theme", &[("theme", "dark"), ("next", &format!("{PATH}?next=/settings/team"))]).await;
    themed.redirects_to(&format!("{PATH}?next=/settings/team"));
}

#[tokio::test]
async fn a_wrong_password_is_said_beside_its_field_and_recorded_and_changes_nothing() {
    let desk = TestApp::revealing_again().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    desk.pass(FRESH);
    let (before, cookie) = (desk.events(&alice).await.len(), alice.cookie("keydesk"));
    let fields = [("next", "/settings/team"), ("password", "copper lantern orbis")];
    let wrong = alice.post(PATH, &fields).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.html().contains("<title>Error: Confirm it’s you"), "the title says so first");
    assert_eq!(wrong.problems(), ["This isn’t your password. Check it and try again."]);
    assert_eq!(wrong.field_error("password").as_deref(), Some("This isn’t your password. Check it and try again."));
    assert_eq!((wrong.value_of("password").as_str(), wrong.leads_to()), ("", "/settings/team"));
    assert_eq!(alice.cookie("keydesk"), cookie);
    assert!(!is_fresh(&alice, &id).await);
    desk.flush().await;
    assert_eq!(desk.codes_after(&alice, before).await, ["session.refused"]);
    assert_eq!(alice.get("/settings/api-keys").await.status, 200, "the session stands");
}

#[tokio::test]
async fn whose_password_it_is_says_the_session_and_not_the_form() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let (amir, bob) = (desk.amir(&alice).await, desk.bob().await);
    desk.database.run(&format!("update users set password_hash = 'none' where id = '{}'", amir.user_id)).await;
    for other in [&alice, &bob] {
        let answer = amir.post(PATH, &[("email", &other.email), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, 422, "{}", other.email);
    }
}

#[tokio::test]
async fn tries_are_throttled_as_those_of_a_sign_in_and_together_with_them() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for number in 0..5 {
        let answer = match number % 2 {
            0 => alice.post(PATH, &[("password", "a guess of twelve")]).await,
            _ => alice.post("/sign-in", &[("email", &alice.email), ("password", "a guess of twelve")]).await,
        };
        assert_eq!(answer.status, 422);
    }
    let slowed = alice.confirms("/settings").await;
    assert_eq!((slowed.status, slowed.header("retry-after")), (429, "30"));
    desk.pass(Duration::from_secs(30));
    alice.confirms("/settings").await.redirects_to("/settings");
}

#[tokio::test]
async fn the_cookie_is_another_one_afterwards_and_the_old_one_is_worth_nothing() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let (before, stolen) = (alice.cookie("keydesk"), alice.copied());
    let events = desk.events(&alice).await.len();
    alice.confirms("/settings/team").await.redirects_to("/settings/team");
    assert_ne!(alice.cookie("keydesk"), before);
    assert_eq!(alice.get("/settings/api-keys").await.status, 200);
    assert_eq!(stolen.get("/settings/api-keys").await.status, 303);
    assert_eq!(desk.codes_after(&alice, events).await, ["session.confirmed"]);
    alice.get("/settings/audit-log").await.says("Confirmed who they are session.confirmed alice@halden.example");
}

#[tokio::test]
async fn a_remembered_browser_stays_remembered() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let browser = desk.visitor();
    browser.post("/sign-in", &[("email", &alice.email), ("password", PASSWORD), ("remember", "yes")]).await;
    let answer = browser.confirms("/settings").await;
    let cookies = answer.set_cookies();
    assert!(cookies.iter().any(|cookie| cookie.contains("Max-Age=2592000")), "{}", cookies.len());
    desk.pass(hours(13));
    assert_eq!(browser.get("/settings/api-keys").await.status, 200);
}

#[tokio::test]
async fn nobody_is_sent_to_another_site() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for next in ["https://evil.example", "//evil.example", "/\\evil.example", "/%2f%2fevil.example", "javascript:1"] {
        let query: String = percent_encoding::utf8_percent_encode(next, percent_encoding::NON_ALPHANUMERIC).collect();
        let page = alice.get(&format!("{PATH}?next={query}")).await;
        assert_eq!((page.status, page.leads_to()), (200, ""), "{next}");
        assert_eq!(page.link("Cancel").as_deref(), Some("/settings"));
        desk.pass(Duration::from_secs(30));
        alice.confirms(next).await.redirects_to("/settings");
    }
}

#[tokio::test]
async fn whoever_has_no_password_is_told_to_sign_in_again() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    desk.database.run("update users set password_hash = null").await;
    let page = alice.get(PATH).await;
    assert_eq!(page.status, 200);
    page.says("You sign in without a password: sign out, sign in again, and go on within 5 minutes.");
    page.says_nothing_of("type=\"password\"");
    let answer = alice.confirms("/settings").await;
    assert_eq!(answer.status, 422);
    answer.says("You sign in without a password");
}

#[tokio::test]
async fn a_session_that_ended_meanwhile_proves_nothing() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    desk.database.run("update sessions set ended_at = 1").await;
    alice.confirms("/settings").await.redirects_to("/sign-in");
    desk.visitor()
        .get(&format!("{PATH}?next=/settings/team"))
        .await
        .redirects_to("/sign-in?next=%2Fre-authenticate%3Fnext%3D%2Fsettings%2Fteam");
}

#[tokio::test]
async fn another_site_cannot_send_the_form_and_it_takes_no_more_than_a_sign_in() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let fields = [("password", PASSWORD)];
    for site in ["cross-site", "same-site", "none"] {
        assert_eq!(alice.ask(Method::POST, PATH).form(&fields).sent_from(site).send().await.status, 403, "{site}");
    }
    assert_eq!(alice.post(PATH, &[("password", &"x".repeat(9000))]).await.status, 413);
}

#[tokio::test]
async fn a_session_from_before_the_upgrade_counts_from_its_sign_in() {
    let desk = TestApp::revealing_again().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    desk.database.run("update sessions set authenticated_at = null").await;
    assert!(is_fresh(&alice, &id).await);
    desk.pass(FRESH);
    assert!(!is_fresh(&alice, &id).await);
}
