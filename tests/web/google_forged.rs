//! What comes back from the issuer and is not what it seems: forged tokens, replayed and stolen callbacks.

use serde_json::{Value, json};

use crate::support::{Answer, Forged, Issuer, Signed, TestApp, logged, queried};

async fn desk() -> (TestApp, Issuer) {
    let issuer = Issuer::start().await;
    (TestApp::new().await.offering(&issuer).await, issuer)
}

type Forgery = fn(&mut Forged);

fn claim(forged: &mut Forged, name: &str, value: Value) {
    forged.claims[name] = value;
}

fn later(forged: &mut Forged, name: &str, seconds: i64) {
    forged.claims[name] = json!(forged.claims["iat"].as_i64().expect("a time") + seconds);
}

fn without(forged: &mut Forged, name: &str) {
    forged.claims.as_object_mut().expect("claims").remove(name);
}

const FORGERIES: [(&str, Forgery); 25] = [
    ("a nonce of another sign-in", |forged| claim(forged, "nonce", json!("another"))),
    ("no nonce", |forged| without(forged, "nonce")),
    ("another client's", |forged| claim(forged, "aud", json!("another"))),
    ("for two clients", |forged| claim(forged, "aud", json!(["desk", "another"]))),
    ("for nobody", |forged| claim(forged, "aud", json!([]))),
    ("another party's", |forged| claim(forged, "azp", json!("another"))),
    ("another issuer's", |forged| claim(forged, "iss", json!("https://evil.example"))),
    ("an issuer with a slash more", |forged| {
        let issuer = format!("{}/", forged.claims["iss"].as_str().expect("an issuer"));
        claim(forged, "iss", json!(issuer));
    }),
    ("expired", |forged| later(forged, "exp", -31)),
    ("without an end", |forged| without(forged, "exp")),
    ("an end in words", |forged| claim(forged, "exp", json!("never"))),
    ("of the future", |forged| later(forged, "iat", 31)),
    ("of the past", |forged| later(forged, "iat", -631)),
    ("not yet", |forged| later(forged, "nbf", 31)),
    ("HS256 with the public key", |forged| {
        forged.header["alg"] = json!("HS256");
        forged.signed = Signed::WithThePublicKey;
    }),
    ("ES256 with the public key", |forged| forged.signed = Signed::WithThePublicKey),
    ("no algorithm", |forged| {
        forged.header["alg"] = json!("none");
        forged.signed = Signed::NotAtAll;
    }),
    ("no signature", |forged| forged.signed = Signed::NotAtAll),
    ("RS256 with a key that is none", |forged| forged.header["alg"] = json!("RS256")),
    ("ES384", |forged| forged.header["alg"] = json!("ES384")),
    ("signed by somebody else", |forged| forged.signed = Signed::BySomebodyElse),
    ("a key that nobody knows", |forged| forged.header["kid"] = json!("unknown")),
    ("no key id", |forged| drop(forged.header.as_object_mut().expect("a header").remove("kid"))),
    ("a key of its own", |forged| forged.header["jku"] = json!("https://evil.example/keys")),
    ("nobody", |forged| claim(forged, "sub", json!(""))),
];

const UNVERIFIED: [(&str, Forgery); 6] = [
    ("verified in words", |forged| claim(forged, "email_verified", json!("true"))),
    ("verified in numbers", |forged| claim(forged, "email_verified", json!(1))),
    ("not verified", |forged| claim(forged, "email_verified", json!(false))),
    ("nothing said", |forged| without(forged, "email_verified")),
    ("no address", |forged| without(forged, "email")),
    ("no address that can be one", |forged| claim(forged, "email", json!("ana"))),
];

/// Comes back with a forged token, from an address of one's own.
async fn comes_with(desk: &TestApp, issuer: &Issuer, number: usize, forge: Forgery) -> Answer {
    let visitor = desk.visitor().at(&format!("198.51.100.{number}"));
    let out = visitor.get("/auth/google").await;
    let back = issuer.grants(desk, out.location(), "ana", "alice@halden.example", forge);
    let answer = visitor.get(&back).await;
    assert_eq!(visitor.get("/settings/inboxes").await.status, 303, "nobody is signed in");
    answer
}

#[tokio::test]
async fn a_forged_token_lets_nobody_in() {
    let (desk, issuer) = desk().await;
    desk.alice().await;
    let before = desk.holdings().await;
    for (number, (what, forge)) in FORGERIES.into_iter().enumerate() {
        let answer = comes_with(&desk, &issuer, number, forge).await;
        assert_eq!(answer.status, 403, "{what}: {}", answer.text());
        answer.has_heading(&format!("{} couldn’t sign you in", issuer.name()));
        assert!(answer.link("Sign in another way").is_some(), "{what}");
    }
    for (number, (what, forge)) in UNVERIFIED.into_iter().enumerate() {
        let answer = comes_with(&desk, &issuer, 100 + number, forge).await;
        assert_eq!(answer.status, 403, "{what}: {}", answer.text());
        answer.has_heading(&format!("{} hasn’t confirmed your email", issuer.name()));
    }
    assert_eq!(desk.holdings().await, before);
    assert_eq!(desk.count("select count(*) from identities").await, 0);
    let true_one = comes_with_no_forgery(&desk, &issuer).await;
    true_one.redirects_to("/settings/api-keys");
}

async fn comes_with_no_forgery(desk: &TestApp, issuer: &Issuer) -> Answer {
    let visitor = desk.visitor();
    let out = visitor.get("/auth/google").await;
    visitor.get(&issuer.consents(desk, out.location(), "ana", "alice@halden.example")).await
}

#[tokio::test]
async fn an_unverified_address_does_not_help_somebody_known_either() {
    let (desk, issuer) = desk().await;
    comes_with_no_forgery(&desk, &issuer).await.redirects_to("/welcome");
    for (number, (what, forge)) in UNVERIFIED.into_iter().enumerate() {
        assert_eq!(comes_with(&desk, &issuer, number, forge).await.status, 403, "{what}");
    }
}

#[tokio::test]
async fn a_callback_works_once_in_the_browser_that_set_out_and_for_ten_minutes() {
    let (desk, issuer) = desk().await;
    let ana = desk.visitor();
    let back = |link: &str| issuer.consents(&desk, link, "ana", "ana@harbour.example");
    let over = async |answer: Answer| {
        assert_eq!(answer.status, 400);
        answer.has_heading("This sign-in is over");
    };
    let out = ana.get("/auth/google").await;
    let theirs = back(out.location());
    over(desk.visitor().get(&theirs).await).await;
    let stranger = desk.visitor();
    stranger.get("/auth/google").await;
    over(stranger.get(&theirs).await).await;
    let wrong = theirs.replace("state=", "state=x");
    over(ana.get(&wrong).await).await;
    over(ana.get("/auth/google/callback").await).await;
    assert_eq!(issuer.asked("/token"), 0, "the issuer is not asked");
    let replayed = ana.copied();
    ana.get(&theirs).await.redirects_to("/welcome");
    assert_eq!(ana.cookie("keydesk-google"), None);
    over(replayed.get(&theirs).await).await;
    assert_eq!(issuer.asked("/token"), 1);

    let late = desk.visitor();
    let theirs = back(late.get("/auth/google").await.location());
    desk.pass(std::time::Duration::from_secs(600));
    over(late.get(&theirs).await).await;
    desk.sweep().await;
    assert_eq!(desk.count("select count(*) from oidc_transactions").await, 0);
}

#[tokio::test]
async fn a_callback_that_two_bring_at_once_works_once() {
    let (desk, issuer) = desk().await;
    let ana = desk.visitor();
    let out = ana.get("/auth/google").await;
    let back = issuer.consents(&desk, out.location(), "ana", "ana@harbour.example");
    let other = ana.copied();
    let answers = tokio::join!(ana.get(&back), other.get(&back));
    let mut statuses = [answers.0.status, answers.1.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 400]);
}

#[tokio::test]
async fn what_the_issuer_says_of_a_failure_is_not_shown() {
    let (desk, issuer) = desk().await;
    let sentence = "Call+555-0100+to+unlock+your+account";
    for (query, heading) in [
        ("error=access_denied", format!("You didn’t sign in with {}", issuer.name())),
        ("error=server_error", format!("{} couldn’t sign you in", issuer.name())),
        ("code=made-up", format!("{} couldn’t sign you in", issuer.name())),
        ("code=x&iss=https%3A%2F%2Fevil.example", format!("{} couldn’t sign you in", issuer.name())),
    ] {
        let ana = desk.visitor();
        let out = ana.get("/auth/google").await;
        let state = out.location().split("state=").nth(1).expect("a state").split('&').next().expect("a state");
        let answer =
            ana.get(&format!("/auth/google/callback?{query}&error_description={sentence}&state={state}")).await;
        assert_eq!(answer.status, 403, "{query}");
        answer.has_heading(&heading);
        answer.says_nothing_of("555-0100");
    }
    assert!(!logged().contains("555-0100"), "nor logged");
}

#[tokio::test]
async fn the_way_there_carries_what_it_must_and_leaves_nothing_readable_behind() {
    let (desk, issuer) = desk().await;
    let ana = desk.visitor();
    let out = ana.get("/auth/google").await;
    let there = out.location();
    assert!(there.starts_with(&format!("{}/authorize?", issuer.url())), "{there}");
    let part = |name: &str| queried(there, name);
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "desk"),
        ("redirect_uri", "http://localhost:8080/auth/google/callback"),
        ("scope", "openid email"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(part(name), value, "{name}");
    }
    let cookie = ana.cookie("keydesk-google").expect("a cookie");
    let parts = [part("state"), part("nonce"), cookie];
    assert!(parts.iter().all(|part| part.len() == 43), "{parts:?}");
    let line = out.set_cookies().into_iter().find(|line| line.starts_with("keydesk-google=")).expect("a cookie");
    assert!(line.ends_with("; HttpOnly; SameSite=Lax; Path=/; Max-Age=600"), "{line}");
    let raw = desk.database.raw().await;
    let lies_there = |part: &str| raw.windows(part.len()).any(|window| window == part.as_bytes());
    assert!(parts.iter().all(|part| !lies_there(part) && !logged().contains(part)), "nothing lies in the clear");

    let over_tls = TestApp::over_https().await.offering(&issuer).await;
    let out = over_tls.visitor().get("/auth/google").await;
    let line = out.set_cookies().into_iter().find(|line| line.contains("google=")).expect("a cookie").to_owned();
    assert!(line.starts_with("__Host-keydesk-google=") && line.ends_with("; Secure"), "{line}");
    assert_eq!(queried(out.location(), "redirect_uri"), "https://keys.example/auth/google/callback");
}

#[tokio::test]
async fn setting_out_is_throttled() {
    let (desk, _) = desk().await;
    let visitor = desk.visitor().at("198.51.100.77");
    let mut statuses = Vec::new();
    for _ in 0..21 {
        statuses.push(visitor.get("/auth/google").await.status);
    }
    assert_eq!((statuses[19], statuses[20]), (303, 429));
    assert_eq!(desk.count("select count(*) from oidc_transactions").await, 20);
}
