//! What goes wrong says so in a page of its own: what happened, who can help, and the request id.

use axum::http::Method;

use crate::support::{Answer, TestApp};

fn shows_its_request_id(page: &Answer) {
    page.says(&format!("Request {}", page.header("x-request-id")));
    assert!(page.header("x-request-id").starts_with("req_"));
}

#[tokio::test]
async fn whoever_may_not_is_told_whom_to_ask() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let mei = desk.mei(&alice).await;
    let page = mei.get("/settings/api-keys").await;
    assert_eq!(page.status, 403);
    page.has_heading("Only administrators and auditors can see keys");
    page.says("You’re signed in as Mei Tan, a member of Halden Freight. Ask Alice to change your role.");
    shows_its_request_id(&page);
    let amir = desk.amir(&alice).await;
    let page = amir.get("/settings/api-keys/new").await;
    page.says(
        "You’re signed in as Amir Haddad, an auditor of Halden Freight. Ask Alice to create the key or change your role.",
    );
    page.says("Sign in as someone else");
}

#[tokio::test]
async fn a_path_that_does_not_exist_is_a_page() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for actor in [&alice, &desk.visitor()] {
        for path in ["/nothing", "/settings/nothing", "/static/x/y/z", "/settings/api-keys/a/b/c"] {
            let page = actor.get(path).await;
            assert_eq!((page.status, page.header("content-type")), (404, "text/html; charset=utf-8"), "{path}");
            page.has_heading("There’s no page here");
            shows_its_request_id(&page);
        }
    }
}

#[tokio::test]
async fn a_key_that_is_unknown_or_somebody_elses_is_the_same_page() {
    let desk = TestApp::new().await;
    let (alice, bob) = (desk.alice().await, desk.bob().await);
    let theirs = bob.creates("parcels", &[]).await;
    let mut pages = Vec::new();
    for id in [theirs.as_str(), "key_0000000000000000", "nonsense", "%00", "%E2%82%AC"] {
        for act in ["", "/rotate", "/delete"] {
            let page = alice.get(&format!("/settings/api-keys/{id}{act}")).await;
            assert_eq!(page.status, 404, "{id}{act}");
            page.has_heading("There’s no key here");
            pages.push(page.html().replace(page.header("x-request-id"), ""));
        }
    }
    pages.dedup();
    assert_eq!(pages.len(), 1);
}

#[tokio::test]
async fn an_id_that_is_not_text_is_answered_like_any_other_mistake() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for path in ["/settings/api-keys/%ff%fe", "/settings/inboxes/%ff%fe/delete", "/static/%ff/%fe"] {
        let page = alice.get(path).await;
        assert!(matches!(page.status, 400 | 404), "{path}: {}", page.status);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
        shows_its_request_id(&page);
    }
    let program = desk.holder(&alice.key("backend", &[]).await.secret);
    for path in ["/v1/inboxes/%ff%fe", "/v1/%ff"] {
        let answer = program.get(path).await;
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
        assert_eq!(answer.json()["error"]["request_id"], answer.header("x-request-id"), "{path}");
    }
}

/// `PostgreSQL` takes no NUL in a text; SQLite does.
#[tokio::test]
async fn a_nul_character_anywhere_is_a_mistake_and_not_a_crash() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let program = desk.holder(&alice.key("backend", &[]).await.secret);
    let get = [
        "/settings/api-keys?q=%00",
        "/settings/api-keys?inbox=a%00b",
        "/settings/api-keys?status=%00&sort=%00&type=%00&scope=%00&environment=%00",
        "/settings/api-keys?after=%00",
        "/settings/audit-log?target=%00",
        "/settings/inboxes?after=%00",
        "/settings/inboxes/%00/delete",
        "/settings/api-keys/new?inbox=%00&environment=%00",
        "/sign-in?next=%00",
    ];
    for path in get {
        let page = alice.get(path).await;
        assert!(page.status < 500, "{path}: {}", page.status);
    }
    for path in ["/v1/inboxes/%00", "/v1/inboxes?after=%00", "/v1/inboxes?limit=%00"] {
        let answer = program.get(path).await;
        assert!(answer.status < 500, "{path}: {}", answer.status);
    }
    for (path, fields) in [
        ("/sign-in", [("email", "a\0@b.example"), ("password", "x\0")]),
        ("/sign-up", [("email", "a\0@b.example"), ("password", "x\0")]),
        ("/settings/api-keys", [("name", "x"), ("inbox", "\0")]),
        ("/settings/inboxes", [("name", "\0"), ("x", "\0")]),
    ] {
        let page = alice.post(path, &fields).await;
        assert!(page.status < 500, "{path}: {}", page.status);
    }
    let body = serde_json::json!({ "email": "a\0@b.example", "password": "x\0" });
    for path in ["/api/auth/login", "/api/auth/signup"] {
        let answer = desk.visitor().post_json(path, &body).await;
        assert!(answer.status < 500, "{path}: {}", answer.status);
    }
}

#[tokio::test]
async fn a_page_that_only_takes_a_button_says_so() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for (method, path, allow) in [
        (Method::GET, "/sign-out", "POST"),
        (Method::GET, "/theme", "POST"),
        (Method::DELETE, "/sign-in", "GET,HEAD,POST"),
        (Method::PUT, "/settings/team", "GET,HEAD"),
    ] {
        let page = alice.ask(method, path).send().await;
        assert_eq!((page.status, page.header("allow")), (405, allow), "{path}");
        page.has_heading("This page can’t be opened that way");
        shows_its_request_id(&page);
    }
}

#[tokio::test]
async fn the_theme_is_remembered_and_leads_back_to_where_it_was_chosen() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let dark = alice.post("/theme", &[("theme", "dark"), ("next", "/settings/team")]).await;
    dark.redirects_to("/settings/team");
    assert!(dark.set_cookies()[0].starts_with("theme=dark; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"));
    assert!(alice.get("/settings/team").await.html().contains("data-theme=\"dark\""));
    let away = alice.post("/theme", &[("theme", "light"), ("next", "https://evil.example")]).await;
    away.redirects_to("/");
    alice.post("/theme", &[("theme", "system")]).await.redirects_to("/");
    assert_eq!(alice.cookie("theme"), None);
    assert!(!alice.get("/settings/team").await.html().contains("data-theme"));
}
