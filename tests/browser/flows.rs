//! The desk as people walk it, wide and on a phone, with JavaScript and without.

use axum::http::Method;
use serde_json::json;

use crate::browser::{Browser, Key, View};
use crate::caller::{add_inbox, call, get};
use crate::desk::Desk;
use crate::person::PASSWORD;

/// Walks a flow once for each width, with JavaScript and without, each time as somebody new.
pub async fn walk(flow: impl AsyncFn(&Browser, &str)) {
    walk_at(&Desk::start(), flow).await;
}

/// As [`walk`], at a desk of another product.
pub async fn walk_at(desk: &Desk, flow: impl AsyncFn(&Browser, &str)) {
    walk_with(&[View::WIDE, View::WIDE.without_javascript()], desk, flow).await;
}

/// As [`walk_at`], only without JavaScript.
pub async fn walk_without_javascript(desk: &Desk, flow: impl AsyncFn(&Browser, &str)) {
    walk_with(&[View::WIDE.without_javascript()], desk, flow).await;
}

async fn walk_with(scripts: &[View], desk: &Desk, flow: impl AsyncFn(&Browser, &str)) {
    for script in scripts {
        let mut browser = Browser::open(desk.origin(), *script).await;
        for view in [View::WIDE, View::PHONE] {
            browser.look(view).await;
            // Shown when the flow fails.
            println!("{:?}", browser.view());
            let device = if view.is_phone() { "phone" } else { "desk" };
            let script = if browser.view().has_javascript() { "script" } else { "plain" };
            flow(&browser, &format!("ana.{device}.{script}@halden.example")).await;
            browser.forget().await;
        }
    }
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn a_newcomer_reveals_the_first_key_once_and_sees_the_first_request_arrive() {
    walk(async |ana, email| {
        ana.goto("/").await;
        assert_eq!(ana.path().await, "/sign-in");
        ana.follow("Create an account").await;
        ana.fill("account", "Halden Freight").await;
        ana.fill("email", email).await;
        ana.fill("password", PASSWORD).await;
        ana.press("Create account").await;

        assert_eq!(ana.path().await, "/welcome");
        assert_eq!(ana.heading().await, "Welcome to Keydesk");
        ana.see("Sealed").await;
        ana.see("Waiting for your first request.").await;
        assert!(ana.texts("textarea").await.is_empty());

        let secret = ana.reveal().await;
        assert!(secret.starts_with("kd_live_") && secret.len() == 57, "this is no secret");
        ana.see("This is the only time you’ll see this key.").await;
        let has_script = ana.view().has_javascript();
        if has_script {
            ana.click("Copy key").await;
            ana.see("Copied").await;
            assert!(ana.texts(".seal-env").await.is_empty());
        } else {
            assert_eq!(ana.texts(".seal-env code").await, [format!("KEYDESK_API_KEY={secret}")]);
        }

        assert_eq!(get(ana.origin(), &secret, "/v1/inboxes").await, 200);
        if !has_script {
            ana.follow_until("Check now", "First request received").await;
        }
        ana.see("First request received").await;
        ana.see("GET").await;
        ana.see("200 OK").await;
        if has_script {
            assert_eq!(ana.secret().await, secret, "the panel came without a new page");
        }
        ana.follow("Go to API keys").await;
        assert_eq!(ana.path().await, "/settings/api-keys");
        assert!(!ana.text().await.contains(&secret));
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn a_key_restricted_to_one_inbox_opens_that_inbox_and_nothing_else() {
    walk(async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        let first = ana.reveal().await;
        let other = add_inbox(ana.origin(), &first, "Support").await;

        ana.goto("/settings/inboxes").await;
        ana.follow("Add inbox").await;
        ana.press("Add inbox").await;
        assert_eq!(ana.status().await, 422);
        ana.fill("name", "Orders").await;
        ana.press("Add inbox").await;
        ana.see("Orders is ready.").await;
        let (_, inboxes) = call(ana.origin(), &first, Method::GET, "/v1/inboxes", None).await;
        let inboxes = inboxes["data"].as_array().expect("a list of inboxes");
        let own = inboxes.iter().find(|inbox| inbox["name"] == "Orders").expect("the API knows the inbox");
        let own = own["id"].as_str().expect("an inbox has an id");

        ana.goto("/settings/api-keys").await;
        ana.follow("Create restricted key").await;
        ana.fill("name", "orders-webhook").await;
        ana.choose("inbox", own).await;
        ana.choose("environment", "live").await;
        ana.choose("scopes[]", "mail:read").await;
        ana.choose("scopes[]", "mail:send").await;
        ana.press("Create key").await;
        assert_eq!(ana.heading().await, "Key created");
        ana.see("Restricted to Orders").await;
        let secret = ana.reveal().await;
        assert_eq!(ana.heading().await, "Copy your key now");

        let orders = format!("/v1/inboxes/{own}");
        assert_eq!(get(ana.origin(), &secret, &orders).await, 200);
        assert_eq!(get(ana.origin(), &secret, &format!("/v1/inboxes/{other}")).await, 404);
        let body = Some(json!({ "name": "Third" }));
        let (status, refusal) = call(ana.origin(), &secret, Method::POST, "/v1/inboxes", body).await;
        assert_eq!(status, 403);
        assert_eq!(refusal["error"]["required_scope"], "inboxes:write");

        ana.follow("Done, I’ve stored it").await;
        ana.see("orders-webhook").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn mistakes_in_a_form_lead_to_their_fields_and_keep_the_answers() {
    walk(async |ana, email| {
        ana.goto("/sign-up").await;
        ana.fill("account", "Halden Freight").await;
        ana.fill("email", "ana at halden").await;
        ana.fill("password", "short").await;
        ana.press("Create account").await;
        assert_eq!(ana.status().await, 422);
        assert!(ana.title().await.starts_with("Error: "));
        assert_eq!(ana.texts(".error-summary li").await.len(), 2);
        assert_eq!(ana.value("account").await, "Halden Freight");
        assert_eq!(ana.value("email").await, "ana at halden");
        assert_eq!(ana.value("password").await, "");

        ana.sign_up("Halden Freight", email).await;
        ana.goto("/settings/api-keys/new?type=standard").await;
        let name = "production-backend-for-the-warehouse-of-halden-freight";
        ana.fill("name", name).await;
        ana.choose("environment", "live").await;
        ana.choose("preset", "custom").await;
        ana.click("Choose another date").await;
        ana.fill("expires_on", "2020-01-31").await;
        ana.press("Create key").await;

        assert_eq!(ana.status().await, 422);
        assert!(ana.title().await.starts_with("Error: "));
        if ana.view().has_javascript() {
            ana.see_focus(".error-summary").await;
        }
        let mistakes = ana.texts(".error-summary li").await;
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
        assert_eq!(mistakes[0], "Use 50 characters or fewer. This name has 54.");
        assert_eq!(mistakes[1], "Choose at least one scope. A key with no scopes can’t do anything.");
        assert!(mistakes[2].starts_with("Choose an expiry date after today, "), "{}", mistakes[2]);
        for (number, mistake) in mistakes.iter().enumerate() {
            assert_eq!(&ana.texts(".field .error").await[number], mistake);
        }
        assert_eq!(ana.value("name").await, name);
        assert!(ana.is_chosen("environment", "live").await);
        assert!(ana.is_chosen("preset", "custom").await);
        assert_eq!(ana.value("expires_on").await, "2020-01-31");

        ana.click(&mistakes[0]).await;
        ana.see_focus("#name").await;
        ana.click(&mistakes[1]).await;
        ana.strike(Key::Tab).await;
        ana.see_focus("[name=preset]:checked").await;
        ana.click(&mistakes[2]).await;
        ana.see_focus("[name=expires_on]").await;

        ana.fill("name", "production-backend").await;
        ana.choose("scopes[]", "mail:send").await;
        ana.fill("expires_on", "2027-01-31").await;
        ana.press("Create key").await;
        assert_eq!(ana.heading().await, "Key created");
        ana.see("31 Jan 2027").await;

        ana.goto("/settings/api-keys/new?type=standard").await;
        ana.fill("name", "production-backend").await;
        ana.choose("environment", "live").await;
        ana.press("Create key").await;
        ana.see("A live key named production-backend already exists. Choose another name.").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn the_list_is_searched_filtered_and_sorted_and_says_so_in_its_address() {
    walk(async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        let inbox = add_inbox(ana.origin(), &ana.reveal().await, "Orders").await;
        ana.create_key("billing-worker", "full").await;
        ana.create_restricted_key("Orders webhook", &inbox, &["mail:read"]).await;
        let names = async || ana.texts("tbody th > a").await;

        ana.goto("/settings/api-keys").await;
        assert_eq!(names().await[0], "first-key", "the one in use comes first");
        assert_eq!(names().await.len(), 3);

        ana.fill("q", "ORDERS").await;
        ana.press("Filter").await;
        assert_eq!(names().await, ["Orders webhook"]);
        assert_eq!(ana.path().await.split('?').next(), Some("/settings/api-keys"));
        assert_eq!(ana.value("q").await, "ORDERS");

        ana.fill("q", "payrol").await;
        ana.press("Filter").await;
        ana.see("No keys match “payrol”").await;
        ana.follow("Clear search").await;

        if ana.view().has_javascript() {
            ana.choose_and_leave("type", "restricted").await;
        } else {
            ana.choose("type", "restricted").await;
            ana.press("Filter").await;
        }
        assert_eq!(names().await, ["Orders webhook"]);
        assert!(ana.path().await.contains("type=restricted"));
        assert!(ana.is_chosen("type", "restricted").await);

        ana.goto("/settings/api-keys").await;
        ana.follow_starting("Not revealed").await;
        assert_eq!(ana.path().await, "/settings/api-keys?status=unrevealed");
        assert_eq!(names().await.len(), 2);
        ana.press("Filter").await;
        assert!(ana.path().await.contains("status=unrevealed"), "filtering stays on the tab");

        ana.goto("/settings/api-keys?sort=name").await;
        assert_eq!(names().await, ["billing-worker", "first-key", "Orders webhook"]);
        if !ana.view().is_phone() {
            ana.follow("Key").await;
            assert_eq!(names().await, ["Orders webhook", "first-key", "billing-worker"]);
            assert_eq!(ana.texts("[aria-sort=descending]").await, ["Key"]);
        }
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn a_row_menu_opens_by_keyboard_and_closes_on_escape() {
    walk(async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        ana.goto("/settings/api-keys").await;
        let scripted = ana.view().has_javascript();
        ana.tab_to(if scripted { ".row-menu > summary" } else { ".c-menu > button" }).await;
        assert!(!ana.text().await.contains("View details"));
        ana.strike(Key::Enter).await;
        ana.see("View details").await;
        if !scripted {
            ana.tab_to(".row-menu > summary").await;
        }
        if ana.view().has_javascript() {
            ana.strike(Key::Tab).await;
            ana.strike(Key::Escape).await;
            ana.see_focus(".row-menu > summary").await;
            assert!(!ana.text().await.contains("View details"));
            ana.strike(Key::Enter).await;
            ana.see("View details").await;
        }
        ana.strike(Key::Tab).await;
        ana.strike_and_leave(Key::Enter).await;
        assert_eq!(ana.heading().await, "Key created", "a sealed key's own page offers to reveal it");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn a_key_is_deleted_by_its_exact_name_and_that_is_said_once() {
    walk(async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        let secret = ana.reveal().await;
        assert_eq!(get(ana.origin(), &secret, "/v1/key").await, 200);

        ana.goto("/settings/api-keys").await;
        ana.open_menu("first-key").await;
        ana.follow("Delete…").await;
        assert_eq!(ana.heading().await, "Delete first-key?");
        // Use is written down once a second.
        ana.reload_until("In use right now.").await;
        ana.fill("name", "First-Key").await;
        ana.press("Delete key").await;
        assert_eq!(ana.status().await, 422);
        ana.see("The name doesn’t match. Type first-key exactly, with the hyphen.").await;
        assert_eq!(ana.value("name").await, "First-Key");
        assert_eq!(get(ana.origin(), &secret, "/v1/key").await, 200);

        ana.fill("name", " first-key ").await;
        ana.press("Delete key").await;
        assert_eq!(get(ana.origin(), &secret, "/v1/key").await, 401);
        assert_eq!(ana.path().await, "/settings/api-keys");
        ana.see("first-key was deleted. Requests using it now fail with 401.").await;
        ana.reload().await;
        assert!(!ana.text().await.contains("was deleted"), "a flash is shown once");

        ana.goto("/settings/api-keys?status=deleted").await;
        assert_eq!(ana.texts("tbody th > a").await, ["first-key"]);
        ana.follow("first-key").await;
        ana.see("Deleted").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn a_key_that_was_revealed_says_by_whom_when_it_is_asked_again() {
    walk(async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        ana.create_key("billing-worker", "send").await;
        let secret = ana.reveal().await;
        ana.back().await;
        assert!(!ana.text().await.contains(&secret));
        if ana.texts("button").await.iter().any(|label| label == "Reveal once") {
            ana.press("Reveal once").await;
            assert_eq!(ana.status().await, 410);
        }
        ana.see("Revealed by").await;
        ana.see("It can’t be shown again.").await;
        assert!(!ana.text().await.contains(&secret));
        assert_eq!(get(ana.origin(), &secret, "/v1/key").await, 200, "it works all the same");

        ana.goto("/welcome").await;
        let first = ana.reveal().await;
        ana.goto("/settings/inboxes").await;
        ana.back().await;
        assert!(!ana.source().await.contains(&first), "the back button shows a revealed secret");

        ana.goto("/welcome").await;
        ana.create_key("nightly-report", "send").await;
        let third = ana.reveal().await;
        ana.reload().await;
        assert_eq!(ana.status().await, 410);
        ana.see("It can’t be shown again.").await;
        assert!(!ana.source().await.contains(&third));
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn a_rotated_key_has_two_secrets_until_the_old_one_is_stopped() {
    walk(async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        let old = ana.reveal().await;
        ana.goto("/settings/api-keys").await;
        ana.open_menu("first-key").await;
        ana.follow("Rotate…").await;
        ana.choose("grace", "7d").await;
        ana.press("Rotate key").await;
        assert_eq!(ana.heading().await, "New key ready");
        let new = ana.reveal().await;
        assert_ne!(new, old);
        assert_eq!(get(ana.origin(), &old, "/v1/key").await, 200);
        assert_eq!(get(ana.origin(), &new, "/v1/key").await, 200);

        ana.press("Stop it now").await;
        ana.see("first-key now has one key.").await;
        assert_eq!(get(ana.origin(), &old, "/v1/key").await, 401);
        assert_eq!(get(ana.origin(), &new, "/v1/key").await, 200);
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn deleting_an_inbox_names_the_keys_that_die_with_it() {
    walk(async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        let first = ana.reveal().await;
        let inbox = add_inbox(ana.origin(), &first, "Orders").await;
        ana.create_restricted_key("orders-webhook", &inbox, &["mail:read"]).await;
        let bound = ana.reveal().await;
        assert_eq!(get(ana.origin(), &bound, "/v1/key").await, 200);

        ana.goto("/settings/inboxes").await;
        ana.follow("Delete… Orders").await;
        ana.see("1 key is deleted with it.").await;
        ana.see("orders-webhook").await;
        ana.fill("name", "orders").await;
        ana.press("Delete inbox and 1 key").await;
        assert_eq!(ana.status().await, 422);
        assert_eq!(get(ana.origin(), &bound, "/v1/key").await, 200);

        ana.fill("name", "Orders").await;
        ana.press("Delete inbox and 1 key").await;
        ana.see("Orders was deleted").await;
        assert_eq!(get(ana.origin(), &bound, "/v1/key").await, 401);
        assert_eq!(get(ana.origin(), &first, "/v1/key").await, 200);
        ana.goto("/settings/api-keys?status=deleted").await;
        assert_eq!(ana.texts("tbody th > a").await, ["orders-webhook"]);
    })
    .await;
}
