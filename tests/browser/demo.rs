//! `keydesk demo`: a desk in use, looked at by each of the people whom it introduces.

use crate::desk::Desk;
use crate::inspector::Inspector;

/// Email and password of the person with that role, as the demo prints them.
pub fn person(desk: &Desk, role: &str) -> (String, String) {
    let log = desk.log();
    let line =
        log.lines().find(|line| line.contains(&format!("({role})"))).expect("the demo has somebody of that role");
    let words: Vec<&str> = line.split_whitespace().collect();
    let email = words.iter().find(|word| word.contains('@')).expect("the line holds an address");
    ((*email).to_owned(), words.last().expect("the line holds a password").to_string())
}

async fn sign_in(desk: &Desk, role: &str) -> Inspector {
    let inspector = Inspector::open(desk).await;
    let (email, password) = person(desk, role);
    inspector.browser.goto("/sign-in").await;
    inspector.browser.sign_in(&email, &password).await;
    inspector
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn the_demo_shows_a_desk_in_use() {
    let desk = Desk::start_demo();
    let mut inspector = sign_in(&desk, "administrator").await;
    inspector.browser.goto("/settings/api-keys").await;
    inspector.look("demo-keys").await;
    assert_eq!(inspector.browser.texts("tbody tr").await.len(), 50);
    inspector.browser.follow("Next").await;
    inspector.browser.see("Showing 51–100 of").await;
    inspector.visit("demo-keys-attention", "/settings/api-keys?status=expiring").await;
    inspector.browser.goto("/settings/api-keys").await;
    inspector.browser.click_first("tbody th a").await;
    inspector.look("demo-key").await;
    let key = inspector.browser.path().await;
    inspector.visit("demo-key-90-days", &format!("{key}?period=90d")).await;
    inspector.visit("demo-delete", &format!("{key}/delete")).await;
    inspector.visit("demo-rotate", &format!("{key}/rotate")).await;
    inspector.visit("demo-inboxes", "/settings/inboxes").await;
    inspector.visit("demo-audit-log", "/settings/audit-log").await;
    inspector.visit("demo-team", "/settings/team").await;
    inspector.done();
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn an_auditor_looks_and_a_member_is_told_whom_to_ask() {
    let desk = Desk::start_demo();
    let mut auditor = sign_in(&desk, "auditor").await;
    auditor.browser.goto("/settings/api-keys").await;
    assert!(!auditor.browser.text().await.contains("Create standard key"));
    auditor.look("demo-keys-of-an-auditor").await;
    auditor.browser.click_first("tbody th a").await;
    assert!(auditor.browser.texts(".head .actions a").await.is_empty());
    auditor.visit("demo-team-of-an-auditor", "/settings/team").await;
    auditor.done();

    let mut member = sign_in(&desk, "member").await;
    assert_eq!(member.browser.path().await, "/settings/inboxes");
    member.look("demo-inboxes-of-a-member").await;
    member.visit("error-403", "/settings/api-keys/new").await;
    assert_eq!(member.browser.status().await, 403);
    assert_eq!(member.browser.heading().await, "Only administrators can create keys");
    member.done();
}
