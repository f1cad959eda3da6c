//! Sign-in: who gets in, what everybody else is told alike, and how long it lasts.

use std::time::Duration;

use axum::http::HeaderMap;
use keydesk::clock::{days, hours};

use crate::support::{Answer, PASSWORD, TestApp};

const MINUTE: Duration = Duration::from_secs(60);

fn credentials<'a>(email: &'a str, password: &'a str) -> [(&'a str, &'a str); 2] {
    [("email", email), ("password", password)]
}

#[tokio::test]
async fn a_password_does_not_age_and_a_fresh_desk_has_nobody() {
    let desk = TestApp::new().await;
    assert_eq!(desk.count("select count(*) from users").await, 0);
    let alice = desk.alice().await;
    desk.pass(days(3 * 365));
    desk.signed_in(&alice.email).await;
}

#[tokio::test]
async fn a_browser_gets_a_cookie_and_no_token() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    assert_eq!(alice.cookie("keydesk").expect("a cookie").len(), 22, "128 bits in base64url");
    for path in ["/settings/api-keys", "/settings/security"] {
        let page = alice.get(path).await;
        assert!(!page.html().contains("eyJ") && !page.html().contains("kdrefresh_"), "{path}");
    }
}

#[tokio::test]
async fn everybody_begins_where_their_role_may_look() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let (amir, mei) = (desk.amir(&alice).await, desk.mei(&alice).await);
    for (who, first) in [(&alice, "/settings/api-keys"), (&amir, "/settings/api-keys"), (&mei, "/settings/inboxes")] {
        let visitor = desk.visitor();
        visitor.post("/sign-in", &credentials(&who.email, PASSWORD)).await.redirects_to(first);
        visitor.get("/").await.redirects_to(first);
        assert_eq!(visitor.get(first).await.status, 200);
    }
    let shouting = desk.visitor();
    shouting
        .post("/sign-in", &credentials(" ALICE@HALDEN.EXAMPLE ", PASSWORD))
        .await
        .redirects_to("/settings/api-keys");
}

/// What can be told from an answer, the request id and the typed address aside.
fn told(answer: &Answer, email: &str) -> (u16, String, HeaderMap) {
    let mut headers = answer.headers.clone();
    headers.remove("content-length");
    let id = headers.remove("x-request-id").expect("an id").to_str().expect("text").to_owned();
    (answer.status, answer.html().replace(email, "…").replace(&id, "…"), headers)
}

#[tokio::test]
async fn every_failure_reads_the_same() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let amir = desk.amir(&alice).await;
    desk.database.run(&format!("update users set password_hash = null where id = '{}'", amir.user_id)).await;
    let mei = desk.mei(&alice).await;
    alice.post(&format!("/settings/team/{}/remove", mei.user_id), &[("keys", "keep")]).await;
    let wrong = desk.visitor().post("/sign-in", &credentials(&alice.email, "copper lantern orbis")).await;
    assert_eq!(wrong.status, 422);
    wrong.has_heading("We couldn’t sign you in");
    wrong.says("Check your email and password and try again.");
    assert_eq!(wrong.set_cookies(), Vec::<&str>::new());
    assert_eq!((wrong.value_of("email"), wrong.value_of("password")), (alice.email.clone(), String::new()));
    let wrong = told(&wrong, &alice.email);
    for (email, password) in [
        ("nobody@halden.example", PASSWORD),
        (&amir.email, PASSWORD),
        (&amir.email, ""),
        (&mei.email, PASSWORD),
        ("", ""),
        ("not an address", PASSWORD),
        (&alice.email, &format!("{PASSWORD} ")),
        (&alice.email, &"x".repeat(5000)),
    ] {
        let answer = desk.visitor().post("/sign-in", &credentials(email, password)).await;
        let email = if email.is_empty() { "\u{1}" } else { email };
        let empty_value = answer.html().replace("value=\"\" required", "value=\"…\" required");
        let answer = if email == "\u{1}" { Answer { body: empty_value.into(), ..answer } } else { answer };
        assert_eq!(told(&answer, email), wrong, "{email:?}");
    }
}

#[tokio::test]
async fn after_five_tries_even_the_right_password_has_to_wait() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let intruder = desk.visitor().at("198.51.100.66");
    for _ in 0..5 {
        assert_eq!(intruder.post("/sign-in", &credentials(&alice.email, "a guess of twelve")).await.status, 422);
    }
    for password in ["a guess of twelve", PASSWORD] {
        let slowed = intruder.post("/sign-in", &credentials(&alice.email, password)).await;
        assert_eq!((slowed.status, slowed.header("retry-after")), (429, "30"));
        slowed.has_heading("Too many tries. Wait a minute.");
        slowed.says("paused until 21 Nov 2026, 14:05:30 UTC, 30 seconds from when this page loaded. Your API keys are not affected.");
        assert_eq!(slowed.set_cookies(), Vec::<&str>::new());
    }
    assert_eq!(desk.signed_in(&alice.email).await.get("/settings/api-keys").await.status, 200, "from elsewhere");
    desk.pass(Duration::from_secs(30));
    intruder.post("/sign-in", &credentials(&alice.email, PASSWORD)).await.redirects_to("/settings/api-keys");
}

#[tokio::test]
async fn an_address_that_tries_many_accounts_is_slowed_down_whether_they_exist_or_not() {
    let desk = TestApp::new().await;
    let intruder = desk.visitor().at("2001:db8:1:2::66");
    for number in 0..20 {
        let email = format!("guess{number}@halden.example");
        assert_eq!(intruder.post("/sign-in", &credentials(&email, PASSWORD)).await.status, 422);
    }
    let neighbour = intruder.at("2001:db8:1:2:ffff::1");
    let slowed = neighbour.post("/sign-in", &credentials("guess20@halden.example", PASSWORD)).await;
    assert_eq!((slowed.status, slowed.header("retry-after")), (429, "3"));
    desk.pass(Duration::from_secs(3));
    let after = neighbour.post("/sign-in", &credentials("guess20@halden.example", PASSWORD)).await;
    assert_eq!(after.status, 422);
}

#[tokio::test]
async fn signing_in_replaces_the_cookie_that_somebody_planted() {
    let desk = TestApp::new().await;
    let (alice, bob) = (desk.alice().await, desk.bob().await);
    let planted = bob.cookie("keydesk").expect("a cookie");
    let victim = desk.visitor();
    victim.set_cookie("keydesk", &planted);
    victim.post("/sign-in", &credentials(&alice.email, PASSWORD)).await.redirects_to("/settings/api-keys");
    assert_ne!(victim.cookie("keydesk"), Some(planted.clone()));
    victim.get("/settings/api-keys").await.says("Halden Freight");
    let intruder = desk.visitor();
    intruder.set_cookie("keydesk", &planted);
    intruder.get("/settings/api-keys").await.redirects_to("/sign-in?next=%2Fsettings%2Fapi-keys");
}

#[tokio::test]
async fn a_cookie_that_is_not_ours_is_nobodys() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let genuine = alice.cookie("keydesk").expect("a cookie");
    for value in
        ["x", "AAAAAAAAAAAAAAAAAAAAAA", "%00", "../../etc", &genuine[1..], &format!("{genuine}x"), &"9".repeat(3000)]
    {
        let browser = desk.visitor();
        browser.set_cookie("keydesk", value);
        assert_eq!(browser.get("/settings/api-keys").await.status, 303, "{value}");
        browser.set_cookie("keydesk", value);
        assert_eq!(browser.get("/sign-in").await.status, 200, "{value}");
    }
    assert_eq!(alice.get("/settings/api-keys").await.status, 200);
}

#[tokio::test]
async fn the_cookie_is_for_this_host_and_no_script() {
    let plain = TestApp::new().await;
    let tls = TestApp::over_https().await;
    for (desk, name, secure) in [(&plain, "keydesk", false), (&tls, "__Host-keydesk", true)] {
        let alice = desk.alice().await;
        for (remember, age) in [("", None), ("yes", Some("Max-Age=2592000"))] {
            let fields = [("email", alice.email.as_str()), ("password", PASSWORD), ("remember", remember)];
            let answer = desk.visitor().post("/sign-in", &fields).await;
            let cookies = answer.set_cookies();
            let line = cookies.iter().find(|line| line.starts_with(&format!("{name}="))).expect("a cookie");
            let parts: Vec<&str> = line.split("; ").collect();
            for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
                assert!(parts.contains(&attribute), "{attribute}: {parts:?}");
            }
            assert_eq!(parts.contains(&"Secure"), secure, "{parts:?}");
            assert!(!parts.iter().any(|part| part.starts_with("Domain")), "{parts:?}");
            assert_eq!(parts.iter().find(|part| part.starts_with("Max-Age")).copied(), age);
        }
    }
}

#[tokio::test]
async fn a_remembered_browser_stays_remembered_when_a_page_changes_its_session() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let browser = desk.visitor();
    let fields = [("email", alice.email.as_str()), ("password", PASSWORD), ("remember", "yes")];
    browser.post("/sign-in", &fields).await.redirects_to("/settings/api-keys");
    let answers =
        [browser.post("/settings/inboxes", &[("name", "Orders")]).await, browser.get("/settings/inboxes").await];
    for cookie in answers.iter().flat_map(Answer::set_cookies) {
        assert!(
            cookie.contains("Max-Age="),
            "this would end with the browser: {}",
            cookie.split_once(';').expect("attributes").1
        );
    }
}

#[tokio::test]
async fn half_an_hour_without_a_request_ends_a_session() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for _ in 0..3 {
        desk.pass((30 * MINUTE).saturating_sub(Duration::from_micros(1)));
        assert_eq!(alice.get("/settings/api-keys").await.status, 200, "each request starts the half hour anew");
    }
    desk.pass(30 * MINUTE);
    alice.get("/settings/api-keys").await.redirects_to("/sign-in?next=%2Fsettings%2Fapi-keys");
}

#[tokio::test]
async fn twelve_hours_end_a_session_however_busy() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for _ in 0..35 {
        desk.pass(20 * MINUTE);
        assert_eq!(alice.get("/settings/api-keys").await.status, 200);
    }
    desk.pass(20 * MINUTE);
    assert_eq!(alice.get("/settings/api-keys").await.status, 303);
}

#[tokio::test]
async fn a_remembered_session_lasts_thirty_days_and_no_longer() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let browser = desk.visitor();
    let fields = [("email", alice.email.as_str()), ("password", PASSWORD), ("remember", "yes")];
    browser.post("/sign-in", &fields).await.redirects_to("/settings/api-keys");
    desk.pass(days(30).saturating_sub(MINUTE));
    desk.sweep().await;
    assert_eq!(browser.get("/settings/api-keys").await.status, 200);
    desk.pass(MINUTE);
    assert_eq!(browser.get("/settings/api-keys").await.status, 303);
}

#[tokio::test]
async fn signing_out_ends_the_session_and_not_only_the_cookie() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let (elsewhere, stolen) = (desk.signed_in(&alice.email).await, alice.copied());
    let out = alice.post("/sign-out", &[]).await;
    out.redirects_to("/sign-in");
    assert_eq!(out.header("clear-site-data"), "\"cache\", \"storage\"");
    assert_eq!(alice.cookie("keydesk"), None);
    assert_eq!(stolen.get("/settings/api-keys").await.status, 303, "a copy of the cookie is worth nothing");
    assert_eq!(elsewhere.get("/settings/api-keys").await.status, 200, "another browser is another session");
}

#[tokio::test]
async fn the_page_that_somebody_wanted_opens_after_signing_in() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let browser = desk.visitor();
    let away = browser.get("/settings/api-keys?status=active&q=a+b").await;
    assert_eq!(away.status, 303);
    let page = browser.get(away.location()).await;
    assert_eq!(page.value_of("next"), "/settings/api-keys?status=active&q=a+b");
    let fields = [("email", alice.email.as_str()), ("password", PASSWORD), ("next", &page.value_of("next"))];
    browser.post("/sign-in", &fields).await.redirects_to("/settings/api-keys?status=active&q=a+b");
}

#[tokio::test]
async fn nobody_is_sent_to_another_site_after_signing_in() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for (number, next) in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/%2f%2fevil.example",
        "/%5Cevil.example",
        "javascript:alert(1)",
        "evil.example",
        "/\t/evil.example",
    ]
    .iter()
    .enumerate()
    {
        let query: String = percent_encoding::utf8_percent_encode(next, percent_encoding::NON_ALPHANUMERIC).collect();
        let page = desk.visitor().get(&format!("/sign-in?next={query}")).await;
        assert_eq!((page.status, page.value_of("next")), (200, String::new()), "{next:?}");
        let browser = desk.visitor().at(&format!("198.51.100.{number}"));
        let fields = [("email", alice.email.as_str()), ("password", PASSWORD), ("next", next)];
        browser.post("/sign-in", &fields).await.redirects_to("/settings/api-keys");
    }
}

#[tokio::test]
async fn the_database_knows_only_the_hash_of_a_cookie() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let cookie = alice.cookie("keydesk").expect("a cookie");
    assert_eq!(desk.count("select count(*) from web_sessions where length(id_hash) = 64").await, 1);
    let raw = desk.database.raw().await;
    assert!(!raw.windows(cookie.len()).any(|part| part == cookie.as_bytes()));
}

#[tokio::test]
async fn another_role_is_felt_on_the_next_request() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let token = desk.token_of(&alice).await;
    assert_eq!(alice.get("/settings/api-keys/new").await.status, 200);
    desk.database.run(&format!("update users set role = 'member' where id = '{}'", alice.user_id)).await;
    assert_eq!(alice.get("/settings/api-keys/new").await.status, 403);
    assert_eq!(token.post_json("/v1/inboxes", &serde_json::json!({ "name": "Orders" })).await.status, 403);
    desk.pass(hours(13));
    assert_eq!(alice.get("/settings/api-keys/new").await.status, 303);
}
