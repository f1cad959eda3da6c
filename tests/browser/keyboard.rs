//! Keys, inboxes and people, walked with nothing but a keyboard: every control is come to by Tab, and no mouse is moved.
//! The ways in and the other pages are walked so in `keyboard_doors`.

use serde_json::json;

use crate::audit;
use crate::browser::{Browser, Key, View};
use crate::caller::get;
use crate::desk::Desk;
use crate::person::PASSWORD;
use crate::team::mailed;

/// More stops than any page here has before what is looked for.
const MOST_TABS: usize = 150;

/// Whether what has the focus is called so, by itself or by its label.
const IS_CALLED: &str = "
    const focus = document.activeElement ?? document.body;
    const words = focus.ariaLabel ?? focus.labels?.[0]?.textContent ?? focus.textContent;
    return focus !== document.body && words.replace(/\\s+/g, ' ').trim() === arguments[0];
";

/// Walks a flow on a desk, with JavaScript and without, each time as somebody new.
pub async fn walk(desk: &Desk, flow: impl AsyncFn(&Browser, &str)) {
    for view in [View::WIDE, View::WIDE.without_javascript()] {
        // Shown when the flow fails.
        println!("{view:?}");
        let browser = Browser::open(desk.origin(), view).await;
        let script = if view.has_javascript() { "script" } else { "plain" };
        flow(&browser, &format!("ana.{script}@halden.example")).await;
    }
}

/// Presses Tab until what a person calls `label` has the focus.
pub async fn reach(ana: &Browser, label: &str) {
    for _ in 0..MOST_TABS {
        if is_on(ana, label).await {
            return;
        }
        ana.strike(Key::Tab).await;
    }
    panic!("Tab never reaches “{label}” on {}, which reads:\n{}", ana.path().await, ana.text().await);
}

/// As [`reach`], backwards: to what stands before the field that has the focus when its page comes.
pub async fn reach_back(ana: &Browser, label: &str) {
    for _ in 0..MOST_TABS {
        if is_on(ana, label).await {
            return;
        }
        ana.strike_together(&[Key::Shift], Key::Tab).await;
    }
    panic!("Shift and Tab never reach “{label}” on {}, which reads:\n{}", ana.path().await, ana.text().await);
}

async fn is_on(ana: &Browser, label: &str) -> bool {
    ana.run(IS_CALLED, vec![json!(label)]).await == json!(true)
}

/// Enter on the button or link so labelled, which leads to another page.
pub async fn press(ana: &Browser, label: &str) {
    reach(ana, label).await;
    ana.strike_and_leave(Key::Enter).await;
}

/// Enter on what is so labelled and stays on the page.
pub async fn press_here(ana: &Browser, label: &str) {
    reach(ana, label).await;
    ana.strike(Key::Enter).await;
}

/// Enter on the sidebar's link to `path`, whose label may end in a count.
pub async fn go(ana: &Browser, path: &str) {
    ana.tab_to(&format!(r#".places a[href="{path}"]"#)).await;
    ana.strike_and_leave(Key::Enter).await;
}

/// Enter on the button of a row's menu: a script opens the menu, and without it the list comes again with it open.
pub async fn open_menu(ana: &Browser, name: &str) {
    let button = format!("Actions for {name}");
    if ana.view().has_javascript() {
        press_here(ana, &button).await;
    } else {
        press(ana, &button).await;
    }
    ana.see("View details").await;
}

/// Types into the field so labelled; Tab has selected what stood there.
pub async fn write(ana: &Browser, label: &str, text: &str) {
    reach(ana, label).await;
    if ana.has_focus("[type=password]").await {
        audit::note(text);
    }
    ana.type_in(text).await;
}

/// Goes into the radio buttons called `name`, and down from the chosen one to `value`.
pub async fn pick(ana: &Browser, name: &str, value: &str) {
    ana.tab_to(&format!(r#"[name="{name}"]"#)).await;
    let wanted = format!(r#"[name="{name}"][value="{value}"]"#);
    for _ in 0..10 {
        if ana.has_focus(&wanted).await {
            break;
        }
        ana.strike(Key::Down).await;
    }
    assert!(ana.is_chosen(name, value).await, "no arrow leads to {name} {value}");
}

/// Space on the check box that `css` selects.
pub async fn tick(ana: &Browser, css: &str) {
    ana.tab_to(css).await;
    ana.strike(Key::Space).await;
}

/// Strikes `key` in the select, and has the list filtered by what that chooses: an arrow on the way is no choice yet, so the
/// page stays until the button is pressed.
pub async fn filter(ana: &Browser, select: &str, key: Key) {
    ana.tab_to(select).await;
    ana.strike(key).await;
    assert!(ana.has_focus(select).await, "an arrow has sent the form");
    press(ana, "Filter").await;
}

/// Signs up and stands on the first screen.
pub async fn join(ana: &Browser, email: &str) {
    ana.goto("/sign-up").await;
    write(ana, "Company or project (optional)", "Halden Freight").await;
    write(ana, "Work email", email).await;
    write(ana, "Password", PASSWORD).await;
    ana.strike_and_leave(Key::Enter).await;
    assert_eq!(ana.path().await, "/welcome", "{}", ana.text().await);
}

/// Signs in from the sign-in page, wherever that leads.
pub async fn sign_in(ana: &Browser, email: &str, password: &str) {
    write(ana, "Email", email).await;
    write(ana, "Password", password).await;
    ana.strike_and_leave(Key::Enter).await;
}

pub async fn sign_out(ana: &Browser) {
    press(ana, "Sign out").await;
    assert_eq!(ana.path().await, "/sign-in");
}

/// Breaks the seal on the page and answers the secret, which has the focus; the script's button copies it.
pub async fn reveal(ana: &Browser) -> String {
    reveal_by(ana, "Reveal once").await
}

/// As [`reveal`], where a key is shown again.
pub async fn reveal_again(ana: &Browser) -> String {
    reveal_by(ana, "Reveal key").await
}

async fn reveal_by(ana: &Browser, button: &str) -> String {
    press(ana, button).await;
    ana.see_focus("textarea.seal-key").await;
    let secret = ana.secret().await;
    if ana.view().has_javascript() {
        press_here(ana, "Copy key").await;
        ana.see("Copied").await;
    }
    secret
}

async fn names(ana: &Browser) -> Vec<String> {
    ana.texts("tbody th > a").await
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn a_key_lives_from_its_creation_to_its_deletion_by_keyboard() {
    walk(&Desk::start(), async |ana, email| {
        join(ana, email).await;
        ana.goto("/settings/api-keys").await;
        press(ana, "Create standard key").await;
        write(ana, "Name", "billing").await;
        pick(ana, "environment", "live").await;
        pick(ana, "preset", "custom").await;
        tick(ana, r#"[value="inboxes:read"]"#).await;
        press(ana, "Create key").await;
        assert_eq!(ana.heading().await, "Key created");
        let old = reveal(ana).await;
        assert_eq!(get(ana.origin(), &old, "/v1/inboxes").await, 200);
        press(ana, "Done, I’ve stored it").await;
        assert_eq!(ana.path().await, "/settings/api-keys");

        press(ana, "billing").await;
        press(ana, "Rename").await;
        write(ana, "Name", "billing-worker").await;
        ana.strike_and_leave(Key::Enter).await;
        ana.see("billing is now called billing-worker.").await;
        assert_eq!(ana.heading().await, "billing-worker");

        press(ana, "Pause").await;
        ana.see("billing-worker is paused.").await;
        assert_eq!(get(ana.origin(), &old, "/v1/key").await, 401);
        press(ana, "Resume").await;
        ana.see("billing-worker is resumed. Requests with it work again.").await;
        assert_eq!(get(ana.origin(), &old, "/v1/key").await, 200);

        press(ana, "Change scopes").await;
        tick(ana, r#"[value="mail:send"]"#).await;
        tick(ana, r#"[value="inboxes:read"]"#).await;
        assert!(ana.is_chosen("scopes[]", "mail:send").await);
        assert!(!ana.is_chosen("scopes[]", "inboxes:read").await);
        press(ana, "Save scopes").await;
        ana.see("billing-worker has other scopes now").await;
        assert_eq!(get(ana.origin(), &old, "/v1/inboxes").await, 403);

        press(ana, "Rotate").await;
        pick(ana, "grace", "7d").await;
        press(ana, "Rotate key").await;
        assert_eq!(ana.heading().await, "New key ready");
        let new = reveal(ana).await;
        assert_ne!(new, old);
        assert_eq!(get(ana.origin(), &old, "/v1/key").await, 200);
        press(ana, "Stop it now").await;
        ana.see("billing-worker now has one key.").await;
        assert_eq!(get(ana.origin(), &old, "/v1/key").await, 401);
        assert_eq!(get(ana.origin(), &new, "/v1/key").await, 200);

        press(ana, "Delete").await;
        write(ana, "Type billing-worker to confirm", "billing").await;
        ana.strike_and_leave(Key::Enter).await;
        assert_eq!(ana.status().await, 422);
        // The mistake leads to its field, which still holds what was typed.
        ana.tab_to(".error-summary a").await;
        ana.strike(Key::Enter).await;
        ana.see_focus("#name").await;
        ana.strike(Key::End).await;
        ana.type_in("-worker").await;
        ana.strike_and_leave(Key::Enter).await;
        ana.see("billing-worker was deleted. Requests using it now fail with 401.").await;
        assert_eq!(get(ana.origin(), &new, "/v1/key").await, 401);
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn an_inbox_and_the_key_restricted_to_it_come_and_go_by_keyboard() {
    walk(&Desk::start(), async |ana, email| {
        join(ana, email).await;
        ana.goto("/settings/inboxes").await;
        for name in ["Orders", "Returns"] {
            press(ana, "Add inbox").await;
            write(ana, "Name", name).await;
            press(ana, "Add inbox").await;
            ana.see(&format!("{name} is ready.")).await;
        }

        go(ana, "/settings/api-keys").await;
        press(ana, "Create restricted key").await;
        write(ana, "Name", "returns-webhook").await;
        reach(ana, "Inbox").await;
        ana.type_in("r").await;
        let inbox = ana.value("inbox").await;
        pick(ana, "environment", "live").await;
        tick(ana, r#"[value="mail:send"]"#).await;
        tick(ana, r#"[value="mail:read"]"#).await;
        press(ana, "Create key").await;
        assert_eq!(ana.heading().await, "Key created", "{}", ana.text().await);
        ana.see("Restricted to Returns").await;
        let secret = reveal(ana).await;
        assert_eq!(get(ana.origin(), &secret, &format!("/v1/inboxes/{inbox}")).await, 200);

        press(ana, "Done, I’ve stored it").await;
        go(ana, "/settings/inboxes").await;
        press(ana, "Delete… Returns").await;
        write(ana, "Type Returns to confirm", "Returns").await;
        press(ana, "Delete inbox and 1 key").await;
        ana.see("Returns was deleted, and with it returns-webhook.").await;
        assert_eq!(get(ana.origin(), &secret, "/v1/key").await, 401);
        assert!(ana.text().await.contains("Orders"));
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn the_list_is_searched_filtered_sorted_and_cleared_by_keyboard() {
    walk(&Desk::start(), async |ana, email| {
        join(ana, email).await;
        for name in ["billing", "orders", "search"] {
            ana.goto("/settings/api-keys/new?type=standard").await;
            write(ana, "Name", name).await;
            ana.strike_and_leave(Key::Enter).await;
            assert_eq!(ana.heading().await, "Key created");
        }
        press(ana, "Reveal later").await;
        if ana.view().has_javascript() {
            ana.type_in("/").await;
            ana.see_focus("#q").await;
        }
        write(ana, "Search keys", "ORD").await;
        ana.strike_and_leave(Key::Enter).await;
        assert_eq!(names(ana).await, ["orders"]);
        write(ana, "Search keys", "payrol").await;
        ana.strike_and_leave(Key::Enter).await;
        press(ana, "Clear search").await;
        assert_eq!(names(ana).await.len(), 4);

        filter(ana, "#f-environment", Key::End).await;
        assert_eq!(names(ana).await, ["first-key"]);
        assert!(ana.is_chosen("environment", "live").await);
        filter(ana, "#f-environment", Key::Home).await;
        press(ana, "Key").await;
        assert_eq!(names(ana).await, ["billing", "first-key", "orders", "search"]);
        press(ana, "Key").await;
        assert_eq!(names(ana).await, ["search", "orders", "first-key", "billing"]);
        assert_eq!(ana.texts("[aria-sort=descending]").await, ["Key"]);

        open_menu(ana, "orders").await;
        if ana.view().has_javascript() {
            ana.strike(Key::Escape).await;
            ana.see_focus(".row-menu > summary").await;
            assert!(!ana.text().await.contains("View details"));
            ana.strike(Key::Enter).await;
            ana.see("View details").await;
        }
        press(ana, "Rename…").await;
        write(ana, "Name", "orders-eu").await;
        press(ana, "Rename key").await;
        ana.see("orders is now called orders-eu.").await;

        press(ana, "API keys").await;
        press(ana, "Select several").await;
        for name in names(ana).await.iter().filter(|name| ["billing", "search"].contains(&name.as_str())) {
            reach(ana, &format!("Select {name}")).await;
            ana.strike(Key::Space).await;
        }
        press(ana, "Delete…").await;
        assert_eq!(ana.heading().await, "Delete 2 keys?");
        write(ana, "Type 2, the number of keys, to confirm", "2").await;
        ana.strike_and_leave(Key::Enter).await;
        ana.see("2 keys were deleted. Requests using them now fail with 401.").await;
        let mut left = names(ana).await;
        left.sort();
        assert_eq!(left, ["first-key", "orders-eu"]);
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn the_shortcut_to_the_search_can_be_turned_off_and_on_again() {
    let desk = Desk::start();
    let browser = Browser::open(desk.origin(), View::WIDE).await;
    join(&browser, "ana@halden.example").await;
    for (turn, leads) in [("Turn off the shortcut", false), ("Turn on the shortcut", true)] {
        browser.goto("/settings/security").await;
        press_here(&browser, turn).await;
        browser.goto("/settings/api-keys").await;
        browser.type_in("/").await;
        assert_eq!(browser.has_focus("#q").await, leads, "after {turn}");
    }
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn a_colleague_is_invited_joins_changes_role_and_leaves_by_keyboard() {
    let desk = Desk::start();
    walk(&desk, async |ana, email| {
        let ravi = format!("ravi.{email}");
        join(ana, email).await;
        ana.goto("/settings/team").await;
        press(ana, "Invite someone").await;
        // Nobody is invited without an address: what was wrong is read first.
        press(ana, "Send invitation").await;
        assert_eq!(ana.status().await, 422);
        write(ana, "Email", &ravi).await;
        pick(ana, "role", "auditor").await;
        press(ana, "Send invitation").await;
        ana.see("is invited as an auditor.").await;
        let link = mailed(&desk, &ravi).await;
        sign_out(ana).await;

        ana.goto(&link).await;
        write(ana, "Your name", "Ravi Shah").await;
        write(ana, "Password", PASSWORD).await;
        press(ana, "Join Halden Freight").await;
        assert_eq!(ana.path().await, "/settings/api-keys");
        sign_out(ana).await;

        sign_in(ana, email, PASSWORD).await;
        go(ana, "/settings/team").await;
        press(ana, "Change role of Ravi Shah").await;
        pick(ana, "role", "member").await;
        press(ana, "Change role").await;
        ana.see("Ravi Shah is now a member.").await;
        press(ana, "Remove… Ravi Shah").await;
        press(ana, "Remove Ravi Shah").await;
        ana.see("Ravi Shah was removed.").await;
        assert!(!ana.text().await.contains(&ravi));
    })
    .await;
}
