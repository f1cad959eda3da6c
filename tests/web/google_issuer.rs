//! An issuer that hangs, floods, redirects, talks nonsense, or changes its keys: the desk asks no more than it must,
//! waits no longer than it should, and lets nobody in.

use std::time::Duration;

use crate::google::signs_in;
use crate::support::{Answer, Issuer, Manner, TestApp};

const CONFIGURATION: &str = "/.well-known/openid-configuration";
const ANA: &str = "ana@harbour.example";

async fn desk() -> (TestApp, Issuer) {
    let issuer = Issuer::start().await;
    (TestApp::new().await.offering(&issuer).await, issuer)
}

fn fails_closed(answer: &Answer, issuer: &Issuer) {
    assert_eq!(answer.status, 503, "{}", answer.text());
    answer.has_heading(&format!("{} doesn’t answer right now", issuer.name()));
    assert_eq!(answer.link("Sign in another way").as_deref(), Some("/sign-in"));
}

#[tokio::test]
async fn an_issuer_that_misbehaves_lets_nobody_in() {
    for manner in [Manner::Hangs, Manner::Floods, Manner::Redirects, Manner::Breaks, Manner::Babbles] {
        let (desk, issuer) = desk().await;
        issuer.behaves(CONFIGURATION, manner);
        fails_closed(&desk.visitor().get("/auth/google").await, &issuer);
        assert_eq!(desk.count("select count(*) from oidc_transactions").await, 0, "{manner:?}");
        for door in ["/token", "/keys"] {
            let issuer = Issuer::start().await;
            let desk = desk.offering(&issuer).await;
            issuer.behaves(door, manner);
            let answer = signs_in(&desk, &issuer, &desk.visitor(), "ana", ANA).await;
            assert!(matches!(answer.status, 403 | 503), "{door} {manner:?}: {}", answer.status);
            answer.says("Nothing was changed.");
            assert_eq!(issuer.asked("/elsewhere"), 0, "{door} {manner:?} leads nowhere");
            assert_eq!(desk.count("select count(*) from users").await, 0, "{door} {manner:?}");
        }
    }
}

#[tokio::test]
async fn nobody_is_at_home() {
    let (desk, _) = desk().await;
    let gone = Issuer::start().await;
    let mut provider = gone.provider();
    provider.issuer = "http://127.0.0.1:1".into();
    let desk = desk.offering_at(provider).await;
    let answer = desk.visitor().get("/auth/google").await;
    assert_eq!(answer.status, 503);
    answer.has_heading("127.0.0.1:1 doesn’t answer right now");
}

#[tokio::test]
async fn an_issuer_that_names_another_or_a_place_in_the_clear_is_not_followed() {
    for (member, value) in [
        ("issuer", "https://evil.example"),
        ("token_endpoint", "http://evil.example/token"),
        ("jwks_uri", "file:///etc/passwd"),
        ("authorization_endpoint", "javascript:alert(1)"),
        ("token_endpoint", "https://somebody@evil.example/token"),
    ] {
        let (desk, issuer) = desk().await;
        issuer.claims(member, value);
        fails_closed(&desk.visitor().get("/auth/google").await, &issuer);
    }
}

#[tokio::test]
async fn keys_are_kept_an_hour_and_a_new_one_is_asked_for_once_a_minute() {
    let (desk, issuer) = desk().await;
    let comes = async || signs_in(&desk, &issuer, &desk.visitor(), "ana", ANA).await.status;
    assert_eq!((comes().await, comes().await), (303, 303));
    assert_eq!((issuer.asked(CONFIGURATION), issuer.asked("/keys")), (1, 1), "remembered");
    issuer.changes_its_key("second");
    assert_eq!((comes().await, comes().await), (403, 403), "not asked again within a minute");
    assert_eq!(issuer.asked("/keys"), 1);
    desk.pass(Duration::from_secs(60));
    assert_eq!((comes().await, comes().await), (303, 303));
    assert_eq!(issuer.asked("/keys"), 2);
    desk.pass(Duration::from_secs(3600));
    issuer.behaves("/keys", Manner::Breaks);
    assert_eq!(comes().await, 503, "an old key is not good enough");
    assert_eq!(issuer.asked(CONFIGURATION), 2);
}
