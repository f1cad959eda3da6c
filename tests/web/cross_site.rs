//! A form is taken only from our own page, and only under our own name.

use axum::http::Method;

use crate::support::{Actor, Ask, TestApp, key_path};

/// What another site would like this browser to do.
fn deletion<'a>(alice: &'a Actor, path: &str) -> Ask<'a> {
    alice.ask(Method::POST, path).form(&[("name", "billing")])
}

#[tokio::test]
async fn a_form_from_another_site_changes_nothing() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let path = key_path(&key.id, "delete");
    let before = (desk.holdings().await, desk.events(&alice).await.len());
    let ours = "http://localhost:8080";
    for site in ["cross-site", "same-site", "none", "", "SAME-ORIGIN"] {
        // Whatever the Origin says: the browser's own word goes first.
        for ask in [deletion(&alice, &path), deletion(&alice, &path).with("origin", ours)] {
            let answer = ask.sent_from(site).send().await;
            assert_eq!(answer.status, 403, "{site:?}");
            answer.has_heading("This form didn’t come from our page");
            answer.says("so nothing was changed");
        }
    }
    for origin in ["null", "http://evil.example", "http://localhost:8080.evil.example", "https://localhost:8080", ""] {
        let answer = deletion(&alice, &path).without("sec-fetch-site").with("origin", origin).send().await;
        assert_eq!(answer.status, 403, "{origin:?}");
    }
    let neither = deletion(&alice, &path).without("sec-fetch-site").send().await;
    assert_eq!(neither.status, 403);
    assert_eq!((desk.holdings().await, desk.events(&alice).await.len()), before);
    assert_eq!(desk.holder(&key.secret).get("/v1/key").await.status, 200);
}

#[tokio::test]
async fn an_older_browser_says_it_by_the_exact_origin() {
    let desk = TestApp::over_https().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    let path = key_path(&id, "delete");
    let other_port = deletion(&alice, &path).without("sec-fetch-site").with("origin", "https://keys.example:8443");
    assert_eq!(other_port.send().await.status, 403);
    let exact = deletion(&alice, &path).without("sec-fetch-site").with("origin", "https://keys.example");
    exact.send().await.redirects_to("/settings/api-keys");
}

#[tokio::test]
async fn every_form_is_guarded_even_those_of_strangers() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let before = desk.holdings().await;
    for path in ["/sign-in", "/sign-up", "/theme"] {
        let visitor = desk.visitor();
        let answer = visitor.ask(Method::POST, path).form(&[]).sent_from("cross-site").send().await;
        assert_eq!((answer.status, answer.set_cookies().len()), (403, 0), "{path}");
    }
    let answer = alice.ask(Method::POST, "/sign-out").form(&[]).sent_from("cross-site").send().await;
    assert_eq!(answer.status, 403);
    assert_eq!(alice.get("/settings/api-keys").await.status, 200, "nobody signs somebody else out");
    assert_eq!(desk.holdings().await, before);
}

#[tokio::test]
async fn looking_is_allowed_from_anywhere() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for site in ["cross-site", "none"] {
        assert_eq!(alice.ask(Method::GET, "/settings/api-keys").sent_from(site).send().await.status, 200);
    }
}

#[tokio::test]
async fn a_name_that_is_not_ours_reaches_nothing() {
    let desk = TestApp::over_https().await;
    let alice = desk.alice().await;
    let before = desk.holdings().await;
    for host in ["evil.example", "keys.example.evil.example", "localhost:8080", "keys.example:8443"] {
        for ask in [
            alice.ask(Method::GET, "/settings/api-keys"),
            alice.ask(Method::POST, "/settings/inboxes").form(&[("name", "x")]),
        ] {
            let answer = ask.under_host(host).send().await;
            assert_eq!(answer.status, 421, "{host}");
            answer.has_heading("This isn’t the address of this desk");
            answer.says_nothing_of("first-key");
        }
    }
    assert_eq!(desk.holdings().await, before);
    assert_eq!(alice.ask(Method::GET, "/settings/api-keys").under_host("KEYS.example").send().await.status, 200);
}
