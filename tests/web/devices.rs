//! Known devices: who gets in however many strangers try, and what is told by email of a sign-in on another one.

use std::time::Duration;

use keydesk::clock::{days, hours};
use serde_json::json;

use crate::support::{Actor, Answer, PASSWORD, TestApp};

const NEW: &str = "velvet harbour kestrel";
const COOKIE: &str = "keydesk-device";
const DEVICES: &str = "select count(*) from devices";
const FIREFOX: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0";

async fn tries(browser: &Actor, email: &str, password: &str) -> Answer {
    browser.post("/sign-in", &[("email", email), ("password", password)]).await
}

/// A browser nobody knows, at an address of its own.
fn stranger(desk: &TestApp, number: u16) -> Actor {
    let [high, low] = number.to_be_bytes();
    desk.visitor().at(&format!("198.18.{high}.{low}"))
}

/// As many wrong passwords, each from another address. Answers how many of them were tested.
async fn flood(desk: &TestApp, email: &str, times: u16) -> usize {
    let mut tested = 0;
    for number in 0..times {
        let answer = tries(&stranger(desk, number), email, "a guess of twelve").await;
        assert!(matches!(answer.status, 422 | 429), "{}", answer.text());
        tested += usize::from(answer.status == 422);
    }
    tested
}

/// The same person in the same browser, signed out.
async fn signed_out(actor: &Actor) -> Actor {
    actor.post("/sign-out", &[]).await.redirects_to("/sign-in");
    actor.clone()
}

async fn subjects(desk: &TestApp) -> Vec<String> {
    desk.mail().await.into_iter().map(|mail| mail.subject).collect()
}

#[tokio::test]
async fn a_flood_at_an_administrators_address_from_1000_addresses_does_not_keep_them_out_from_their_known_browser() {
    let desk = TestApp::new().await;
    let alice = signed_out(&desk.alice().await).await;
    assert_eq!(flood(&desk, &alice.email, 1000).await, 100, "so many are tested, from wherever");
    assert_eq!(tries(&desk.visitor(), &alice.email, PASSWORD).await.status, 429, "without the cookie");
    tries(&alice, &alice.email, PASSWORD).await.redirects_to("/settings/api-keys");
    let beside_the_flood = signed_out(&alice).await.at("198.18.0.7");
    for number in 0..20 {
        tries(&desk.visitor().at("198.18.0.7"), &format!("guess{number}@halden.example"), PASSWORD).await;
    }
    assert_eq!(tries(&desk.visitor().at("198.18.0.7"), "guess@halden.example", PASSWORD).await.status, 429);
    tries(&beside_the_flood, &alice.email, PASSWORD).await.redirects_to("/settings/api-keys");
}

#[tokio::test]
async fn after_100_failures_a_strangers_right_password_is_not_tested() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    desk.flush().await;
    let since = desk.events(&alice).await.len();
    assert_eq!(flood(&desk, " ALICE@HALDEN.EXAMPLE ", 99).await, 99);
    for number in 200..205 {
        let in_time = tries(&stranger(&desk, number), &alice.email, PASSWORD).await;
        assert_eq!(in_time.status, 303, "a right password uses nothing up");
    }
    assert_eq!(tries(&stranger(&desk, 300), &alice.email, "a guess of twelve").await.status, 422, "the hundredth");
    for (number, password) in [(301, "a guess of twelve"), (302, PASSWORD)] {
        let answer = tries(&stranger(&desk, number), &alice.email, password).await;
        assert_eq!((answer.status, answer.header("retry-after")), (429, "864"));
        assert_eq!(answer.set_cookies(), Vec::<&str>::new());
    }
    let program = json!({ "email": alice.email, "password": PASSWORD });
    let refused = stranger(&desk, 303).post_json("/api/auth/login", &program).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "864"));
    desk.flush().await;
    let events = desk.events(&alice).await.split_off(since);
    let refused = events.iter().filter(|event| event.action.code() == "session.refused").count();
    assert_eq!(refused, 100, "what was not tested did not fail");
    desk.pass(Duration::from_secs(864));
    assert_eq!(tries(&stranger(&desk, 304), &alice.email, PASSWORD).await.status, 303);
}

#[tokio::test]
async fn whoever_is_held_off_is_told_the_way_in_and_not_whether_the_address_is_known() {
    let desk = TestApp::new().await;
    desk.alice().await;
    let mut told = Vec::new();
    for email in ["alice@halden.example", "nobody@halden.example"] {
        assert_eq!(flood(&desk, email, 101).await, 100);
        let answer = tries(&stranger(&desk, 500), email, PASSWORD).await;
        answer.has_heading("Too many tries for this email");
        answer.says("Sign in on one of those, or reset the password by email");
        assert_eq!(answer.link("Reset the password").as_deref(), Some("/forgot-password"));
        let mut headers = answer.headers.clone();
        let id = headers.remove("x-request-id").expect("an id").to_str().expect("text").to_owned();
        told.push((answer.status, answer.html().replace(&id, "…"), headers));
    }
    assert_eq!(told[0], told[1]);
}

#[tokio::test]
async fn a_mailed_link_lets_its_holder_in_during_a_flood_and_makes_their_browser_known() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    desk.mail().await;
    flood(&desk, &alice.email, 101).await;
    let browser = desk.visitor();
    for _ in 0..6 {
        tries(&browser, &alice.email, "a guess of twelve").await;
    }
    browser.post("/forgot-password", &[("email", &alice.email)]).await.redirects_to("/forgot-password?asked=yes");
    let token = desk.mail().await[0].token().expect("a token");
    let done = browser.post("/reset-password", &[("token", &token), ("password", NEW)]).await;
    done.redirects_to("/sign-in?password=changed");
    assert_eq!(desk.count(DEVICES).await, 1, "this one, and none of before");
    assert_eq!(tries(&alice, &alice.email, NEW).await.status, 429, "her browser of before is a stranger's now");
    tries(&browser, &alice.email, NEW).await.redirects_to("/settings/api-keys");
    assert_eq!(subjects(&desk).await, ["Your Keydesk password was changed"], "the sign-in that followed is no news");
}

#[tokio::test]
async fn a_known_browser_has_a_few_tries_of_its_own() {
    let desk = TestApp::new().await;
    let alice = signed_out(&desk.alice().await).await;
    for number in 0..5 {
        assert_eq!(
            tries(&alice.at(&format!("198.51.100.{number}")), &alice.email, "a guess of twelve").await.status,
            422
        );
    }
    let slowed = tries(&alice.at("198.51.100.9"), &alice.email, PASSWORD).await;
    assert_eq!((slowed.status, slowed.header("retry-after")), (429, "30"), "wherever it is");
    let other = desk.visitor();
    assert_eq!(tries(&other, &alice.email, PASSWORD).await.status, 303, "they are its own");
    desk.pass(Duration::from_secs(30));
    assert_eq!(tries(&alice, &alice.email, PASSWORD).await.status, 303);
}

#[tokio::test]
async fn a_device_is_known_only_to_whom_it_belongs() {
    let desk = TestApp::new().await;
    let (alice, bob) = (desk.alice().await, desk.bob().await);
    flood(&desk, &alice.email, 101).await;
    assert_eq!(tries(&bob.at("198.51.100.7"), &alice.email, PASSWORD).await.status, 429);
    for value in ["", "x", "kddevice_", &"9".repeat(3000), &format!("kddevice_{}", "0".repeat(43))] {
        let browser = desk.visitor().at("198.51.100.8");
        browser.set_cookie(COOKIE, value);
        assert_eq!(tries(&browser, &alice.email, PASSWORD).await.status, 429, "{value}");
    }
    let program = json!({ "email": alice.email, "password": PASSWORD });
    assert_eq!(alice.post_json("/api/auth/login", &program).await.status, 429, "what a program sends is no cookie");
}

#[tokio::test]
async fn a_planted_cookie_is_replaced_and_worth_nothing_to_who_planted_it() {
    let desk = TestApp::new().await;
    let (alice, bob) = (desk.alice().await, desk.bob().await);
    let planted = bob.cookie(COOKIE).expect("a cookie");
    let victim = desk.visitor();
    victim.set_cookie(COOKIE, &planted);
    tries(&victim, &alice.email, PASSWORD).await.redirects_to("/settings/api-keys");
    assert_ne!(victim.cookie(COOKIE), Some(planted));
    flood(&desk, &alice.email, 101).await;
    assert_eq!(tries(&bob.at("198.51.100.7"), &alice.email, PASSWORD).await.status, 429);
}

#[tokio::test]
async fn one_browser_is_known_to_everybody_who_shares_it() {
    let desk = TestApp::new().await;
    let (alice, bob) = (desk.alice().await, desk.bob().await);
    desk.mail().await;
    let shared = signed_out(&alice).await;
    tries(&shared, &bob.email, PASSWORD).await.redirects_to("/settings/api-keys");
    assert_eq!(subjects(&desk).await, ["New sign-in to Keydesk"], "bob had not used it");
    for email in [&alice.email, &bob.email, &alice.email] {
        tries(&signed_out(&shared).await, email, PASSWORD).await.redirects_to("/settings/api-keys");
    }
    assert_eq!(subjects(&desk).await, Vec::<String>::new());
    assert_eq!(desk.count("select count(distinct token_hash) from devices").await, 2);
}

#[tokio::test]
async fn the_cookie_lasts_a_year_for_this_host_and_no_script() {
    let (plain, tls) = (TestApp::new().await, TestApp::over_https().await);
    for (desk, name, secure) in [(&plain, COOKIE, false), (&tls, "__Host-keydesk-device", true)] {
        let alice = desk.alice().await;
        let value = alice.cookie(name).expect("a cookie");
        assert!(value.starts_with("kddevice_") && value.len() == "kddevice_".len() + 43);
        let again = tries(&signed_out(&alice).await, &alice.email, PASSWORD).await;
        let cookies = again.set_cookies();
        let line = cookies.iter().find(|line| line.starts_with(&format!("{name}="))).expect("it is given again");
        let attributes = line.split_once("; ").expect("attributes").1;
        let end = if secure { "; Secure" } else { "" };
        assert_eq!(attributes, format!("HttpOnly; SameSite=Lax; Path=/; Max-Age=31536000{end}"));
        assert_eq!(alice.cookie(name), Some(value.clone()), "the same, for another year");
        assert_eq!(desk.count("select count(*) from devices where length(token_hash) = 64").await, 1);
        let raw = desk.database.raw().await;
        assert!(!raw.windows(value.len()).any(|part| part == value.as_bytes()));
    }
}

#[tokio::test]
async fn a_device_is_forgotten_after_a_year_without_a_sign_in() {
    let desk = TestApp::new().await;
    let alice = signed_out(&desk.alice().await).await;
    desk.pass(days(364));
    tries(&alice, &alice.email, PASSWORD).await.redirects_to("/settings/api-keys");
    desk.pass(days(365));
    let late = signed_out(&desk.signed_in(&alice.email).await).await;
    flood(&desk, &alice.email, 101).await;
    assert_eq!(tries(&alice, &alice.email, PASSWORD).await.status, 429);
    assert_eq!(desk.count(DEVICES).await, 2);
    desk.sweep().await;
    assert_eq!(desk.count(DEVICES).await, 1);
    tries(&late, &alice.email, PASSWORD).await.redirects_to("/settings/api-keys");
}

#[tokio::test]
async fn the_20_devices_used_last_are_known() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let program = json!({ "email": alice.email, "password": PASSWORD });
    for number in 0..21 {
        desk.pass(Duration::from_secs(60));
        let answer = stranger(&desk, number).post_json("/api/auth/login", &program).await;
        assert_eq!(answer.status, 200);
    }
    assert_eq!(desk.count("select count(*) from devices where kind = 'program'").await, 20);
    assert_eq!(
        desk.count("select count(*) from devices where kind = 'browser'").await,
        1,
        "programs push out no browser"
    );
    for _ in 0..20 {
        desk.pass(Duration::from_secs(60));
        desk.signed_in(&alice.email).await;
    }
    assert_eq!(desk.count("select count(*) from devices where kind = 'browser'").await, 20);
    flood(&desk, &alice.email, 101).await;
    assert_eq!(tries(&alice, &alice.email, PASSWORD).await.status, 429, "the one unused longest is not");
}

#[tokio::test]
async fn what_somebody_does_against_strangers_makes_other_devices_strangers() {
    let change = [("current_password", PASSWORD), ("password", NEW)];
    for (path, fields) in
        [("/settings/security/password", &change[..]), ("/settings/security/sessions/end-others", &[])]
    {
        let desk = TestApp::new().await;
        let alice = desk.alice().await;
        let other = desk.signed_in(&alice.email).await;
        desk.signed_in(&alice.email).await;
        desk.mail().await;
        assert_eq!(desk.count(DEVICES).await, 3);
        alice.post(path, fields).await.redirects_to("/settings/security");
        assert_eq!(desk.count(DEVICES).await, 1, "{path}: her own stays");
        desk.mail().await;
        let password = if fields.is_empty() { PASSWORD } else { NEW };
        tries(&signed_out(&alice).await, &alice.email, password).await.redirects_to("/settings/api-keys");
        assert_eq!(subjects(&desk).await, Vec::<String>::new());
        tries(&other, &alice.email, password).await.redirects_to("/settings/api-keys");
        assert_eq!(subjects(&desk).await, ["New sign-in to Keydesk"], "{path}");
    }
}

#[tokio::test]
async fn a_device_that_is_signed_out_from_another_and_those_of_whoever_is_removed_are_forgotten() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let mei = desk.mei(&alice).await;
    desk.signed_in(&mei.email).await;
    let page = mei.get("/settings/security").await;
    let end = page.html().split("action=\"").find(|rest| rest.contains("/end\"")).expect("a button");
    mei.post(end.split('"').next().expect("a path"), &[]).await.redirects_to("/settings/security");
    let hers = format!("select count(*) from devices where user_id = '{}'", mei.user_id);
    assert_eq!(desk.count(&hers).await, 1);
    alice.post(&format!("/settings/team/{}/remove", mei.user_id), &[("keys", "keep")]).await;
    assert_eq!(desk.count(&hers).await, 0);
}

#[tokio::test]
async fn a_sign_in_on_another_device_is_told_by_mail_once() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    assert_eq!(subjects(&desk).await, ["Confirm your email address for Keydesk"], "a sign-up is no news");
    desk.mei(&alice).await;
    assert_eq!(subjects(&desk).await, Vec::<String>::new(), "nor is anybody's first sign-in");
    desk.pass(hours(1));
    let phone = desk.visitor().at("2001:db8::7").calling_itself(FIREFOX);
    tries(&phone, &alice.email, PASSWORD).await.redirects_to("/settings/api-keys");
    let mail = desk.mail().await;
    assert_eq!((mail.len(), mail[0].to.as_str()), (1, alice.email.as_str()));
    assert_eq!(mail[0].subject, "New sign-in to Keydesk");
    for part in ["Firefox on macOS, from 2001:db8::7, on 21 Nov 2026, 15:05 UTC.", "change your password"] {
        assert!(mail[0].text.contains(part) && mail[0].html.contains(part), "{part}: {}", mail[0].text);
    }
    assert_eq!(mail[0].link(), "/settings/security");
    for browser in [&phone, &alice, &phone.at("198.51.100.7")] {
        tries(&signed_out(browser).await, &alice.email, PASSWORD).await.redirects_to("/settings/api-keys");
    }
    assert_eq!(subjects(&desk).await, Vec::<String>::new(), "both are known, wherever they are");
}

#[tokio::test]
async fn a_program_that_logs_in_every_minute_is_told_of_once() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    desk.mail().await;
    let body = json!({ "email": alice.email, "password": PASSWORD });
    let program = |ip: &str, agent: &str| desk.visitor().at(ip).calling_itself(agent);
    let logs_in = async |ip, agent| {
        desk.pass(Duration::from_secs(60));
        assert_eq!(program(ip, agent).post_json("/api/auth/login", &body).await.status, 200);
        desk.mail().await
    };
    let first = logs_in("2001:db8:1:2::7", "curl/8.14").await;
    assert_eq!(first.len(), 1);
    assert!(first[0].text.contains("curl, over the API, from 2001:db8:1:2::7"), "{}", first[0].text);
    for _ in 0..3 {
        assert_eq!(logs_in("2001:db8:1:2:ffff::1", "curl/8.15").await.len(), 0, "its network, another version");
    }
    assert_eq!(logs_in("2001:db8:1:3::7", "curl/8.14").await.len(), 1, "another network");
    assert_eq!(logs_in("2001:db8:1:2::7", "acme/1.0").await.len(), 1, "another program");

    let body = json!({ "email": "carol@dunmore.example", "password": PASSWORD });
    assert_eq!(program("198.51.100.7", "curl/8.14").post_json("/api/auth/signup", &body).await.status, 201);
    assert_eq!(subjects(&desk).await, ["Confirm your email address for Keydesk"]);
    assert_eq!(program("198.51.100.7", "curl/8.14").post_json("/api/auth/login", &body).await.status, 200);
    assert_eq!(subjects(&desk).await, Vec::<String>::new());
}

#[tokio::test]
async fn nothing_is_told_to_whoever_was_removed_meanwhile() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let mei = desk.mei(&alice).await;
    desk.mail().await;
    desk.signed_in(&mei.email).await;
    alice.post(&format!("/settings/team/{}/remove", mei.user_id), &[("keys", "keep")]).await;
    assert_eq!(subjects(&desk).await, ["You were removed from Halden Freight"]);
}
