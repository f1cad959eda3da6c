//! The headers of every kind of answer, and what a browser may keep.

use axum::http::Method;

use crate::support::{Answer, TestApp};

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

async fn answers(desk: &TestApp) -> Vec<(&'static str, Answer)> {
    let alice = desk.alice().await;
    let asset = format!("{}/keydesk.css", keydesk::web::assets::base());
    let program = desk.holder(&alice.key("backend", &[]).await.secret);
    let visitor = desk.visitor();
    vec![
        ("a page", alice.get("/settings/api-keys").await),
        ("a front page", visitor.get("/sign-in").await),
        ("a form's mistakes", visitor.post("/sign-up", &[]).await),
        ("a redirect", visitor.get("/settings/api-keys").await),
        ("a page that is missing", visitor.get("/nothing").await),
        ("a method that is not taken", alice.ask(Method::PUT, "/settings/team").send().await),
        ("a refused form", alice.ask(Method::POST, "/theme").sent_from("cross-site").send().await),
        ("a wrong host", visitor.ask(Method::GET, "/sign-in").under_host("evil.example").send().await),
        ("an asset", visitor.get(&asset).await),
        ("JSON", program.get("/v1/inboxes").await),
        ("a refusal in JSON", visitor.get("/v1/inboxes").await),
        ("a 404 in JSON", visitor.get("/v1/nothing").await),
        ("a key set", visitor.get("/.well-known/jwks.json").await),
        ("a probe", visitor.get("/healthz").await),
    ]
}

#[tokio::test]
async fn every_answer_carries_the_strict_headers() {
    for desk in [TestApp::new().await, TestApp::over_https().await] {
        for (what, answer) in answers(&desk).await {
            assert_eq!(answer.header("content-security-policy"), POLICY, "{what}");
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("x-frame-options", "DENY"),
                ("referrer-policy", "no-referrer"),
                ("cross-origin-opener-policy", "same-origin"),
                ("cross-origin-resource-policy", "same-origin"),
            ] {
                assert_eq!(answer.header(name), value, "{what}: {name}");
            }
            assert!(answer.header("permissions-policy").contains("camera=()"), "{what}");
            let kept = match what {
                "an asset" => "public, max-age=31536000, immutable",
                "a key set" => "public, max-age=30",
                _ => "no-store",
            };
            assert_eq!(answer.header("cache-control"), kept, "{what}");
            let strict = answer.header("strict-transport-security");
            assert_eq!(strict.starts_with("max-age=63072000"), desk.app.is_https(), "{what}: {strict}");
            assert!(answer.header("x-request-id").starts_with("req_"), "{what}");
            for telling in ["server", "x-powered-by", "access-control-allow-origin"] {
                assert_eq!(answer.header(telling), "", "{what}: {telling}");
            }
        }
    }
}

#[tokio::test]
async fn no_page_has_anything_inline_or_from_another_host() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    alice.inbox("Orders").await;
    for path in [
        "/welcome",
        "/settings/api-keys",
        "/settings/api-keys/new",
        "/settings/api-keys/new?type=restricted",
        "/settings/inboxes",
        "/settings/audit-log",
        "/settings/team",
        "/docs",
        "/nothing",
    ] {
        let html = alice.get(path).await.html().to_owned();
        for inline in
            ["<style", " style=", " onclick=", " onload=", "javascript:", "src=\"http", "href=\"http", "src=\"//"]
        {
            assert!(!html.contains(inline), "{path} has {inline}");
        }
        for script in html.split("<script").skip(1) {
            assert!(
                script
                    .split_once('>')
                    .is_some_and(|(tag, rest)| tag.contains("src=\"/static/") && rest.starts_with("</script>")),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn the_request_id_is_ours_whatever_a_client_sends() {
    let desk = TestApp::new().await;
    let visitor = desk.visitor();
    let answer = visitor.ask(Method::GET, "/sign-in").with("x-request-id", "req_forged0000000000").send().await;
    assert_ne!(answer.header("x-request-id"), "req_forged0000000000");
}

#[tokio::test]
async fn two_requests_never_share_an_id() {
    let desk = TestApp::new().await;
    let visitor = desk.visitor();
    let ids: std::collections::BTreeSet<_> =
        [visitor.get("/sign-in").await, visitor.get("/sign-in").await, visitor.get("/v1/key").await]
            .iter()
            .map(|answer| answer.header("x-request-id").to_owned())
            .collect();
    assert_eq!(ids.len(), 3);
}
