//! One key without JavaScript, by ordinary clicks, wide and on a phone: another name, a pause, other scopes. What
//! becomes of it is read on its page and in its row of the list.

use crate::browser::Browser;
use crate::caller::get;
use crate::database::age_proofs;
use crate::desk::Desk;
use crate::flows::walk_without_javascript;
use crate::person::PASSWORD;

const LIST: &str = "/settings/api-keys";

async fn names(ana: &Browser) -> Vec<String> {
    ana.texts("tbody th > a").await
}

/// What the list says of the key so named.
async fn row(ana: &Browser, name: &str) -> String {
    ana.goto(LIST).await;
    let rows = ana.texts("tbody tr").await;
    let found = rows.iter().find(|row| row.starts_with(name));
    found.unwrap_or_else(|| panic!("no {name} in {rows:?}")).clone()
}

/// What a program that lists the inboxes with the secret is answered.
async fn lists_inboxes(ana: &Browser, secret: &str) -> u16 {
    get(ana.origin(), secret, "/v1/inboxes").await
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn a_key_is_renamed_from_its_row_and_takes_no_name_of_another() {
    walk_without_javascript(&Desk::start(), async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        ana.create_key("billing", "send").await;
        ana.create_key("orders", "send").await;
        ana.goto(LIST).await;
        ana.open_menu("orders").await;
        ana.follow("Rename…").await;
        assert_eq!(ana.heading().await, "Rename orders");
        assert_eq!(ana.value("name").await, "orders");
        ana.fill("name", "billing").await;
        ana.press("Rename key").await;
        assert_eq!(ana.status().await, 422);
        ana.see("A test key named billing already exists. Choose another name.").await;
        assert_eq!(ana.value("name").await, "billing", "what was typed is there still");

        ana.fill("name", "orders-eu").await;
        ana.press("Rename key").await;
        ana.see("orders is now called orders-eu.").await;
        ana.see("orders-eu is ready.").await;
        ana.goto(LIST).await;
        let mut all = names(ana).await;
        all.sort();
        assert_eq!(all, ["billing", "first-key", "orders-eu"]);
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn a_key_is_paused_and_resumed_and_its_row_says_so() {
    walk_without_javascript(&Desk::start(), async |ana, email| {
        let standing = async || ana.texts(".head .pill").await;
        ana.sign_up("Halden Freight", email).await;
        let secret = ana.reveal().await;
        assert!(row(ana, "first-key").await.contains("Active"));
        ana.follow("first-key").await;
        assert_eq!(standing().await, ["Active"]);
        ana.press("Pause").await;
        ana.see("first-key is paused. Requests with it fail with 401 until you resume it.").await;
        assert_eq!(standing().await, ["Paused"]);
        assert_eq!(get(ana.origin(), &secret, "/v1/key").await, 401);

        assert!(row(ana, "first-key").await.contains("Paused"));
        ana.follow_starting("Paused").await;
        assert_eq!(ana.path().await, "/settings/api-keys?status=paused");
        assert_eq!(names(ana).await, ["first-key"]);
        ana.follow("first-key").await;
        ana.press("Resume").await;
        ana.see("first-key is resumed. Requests with it work again.").await;
        assert_eq!(standing().await, ["Active"]);
        assert_eq!(get(ana.origin(), &secret, "/v1/key").await, 200);
        assert!(row(ana, "first-key").await.contains("Active"));
        assert!(!ana.text().await.contains("Paused"), "no key is paused any more");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn a_key_gets_more_scopes_after_the_password_and_fewer_at_once() {
    let desk = Desk::start();
    walk_without_javascript(&desk, async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        ana.create_key("billing", "send").await;
        let key = ana.path().await;
        let secret = ana.reveal().await;
        age_proofs(&desk).await;
        ana.goto(&key).await;
        ana.follow("Change scopes").await;
        assert_eq!(ana.heading().await, "Scopes of billing");
        assert!(ana.is_chosen("preset", "send").await);
        ana.choose("preset", "custom").await;
        ana.choose("scopes[]", "inboxes:read").await;
        ana.press("Save scopes").await;

        assert_eq!(ana.heading().await, "Confirm it’s you");
        ana.fill("password", PASSWORD).await;
        ana.press("Confirm").await;
        assert_eq!(ana.heading().await, "Scopes of billing");
        for scope in ["mail:send", "inboxes:read"] {
            assert!(ana.is_chosen("scopes[]", scope).await, "{scope} was chosen before the password was asked for");
        }
        assert_eq!(lists_inboxes(ana, &secret).await, 403, "nothing is changed yet");
        ana.press("Save scopes").await;
        ana.see("billing has other scopes now: added inboxes:read.").await;
        assert_eq!(ana.texts(".facts code.scope").await, ["mail:send", "inboxes:read"]);
        assert_eq!(lists_inboxes(ana, &secret).await, 200);

        age_proofs(&desk).await;
        ana.follow("Change scopes").await;
        ana.choose("preset", "send").await;
        ana.press("Save scopes").await;
        ana.see("billing has other scopes now: removed inboxes:read.").await;
        assert_eq!(ana.texts(".facts code.scope").await, ["mail:send"]);
        assert_eq!(lists_inboxes(ana, &secret).await, 403);
    })
    .await;
}
