//! The ways in, and the pages beside those of keys and people, walked with nothing but a keyboard.

use crate::browser::Key;
use crate::caller::get;
use crate::desk::Desk;
use crate::keyboard::{filter, go, join, pick, press, press_here, reach, reveal, sign_in, sign_out, tick, walk, write};
use crate::person::PASSWORD;
use crate::recovery::mailed_link;
use crate::support::{failing, staffed};
use crate::two_factor::{Phone, recovery_codes};

const NEW: &str = "velvet harbour kestrel";
const THANKS: &str = "Thank you. If it is one of ours, it has been switched off.";

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn an_address_is_confirmed_and_a_password_changed_forgotten_and_chosen_again_by_keyboard() {
    let desk = Desk::start();
    walk(&desk, async |ana, email| {
        join(ana, email).await;
        ana.goto(&mailed_link(&desk, email, "Confirm your email").await).await;
        press(ana, "Confirm this address").await;
        ana.see(&format!("{email} is confirmed.")).await;
        press(ana, "Change password").await;
        write(ana, "Current password", PASSWORD).await;
        write(ana, "New password", NEW).await;
        press(ana, "Change password").await;
        ana.see("Your password was changed. Every other device is signed out.").await;
        sign_out(ana).await;

        sign_in(ana, email, PASSWORD).await;
        assert_eq!(ana.status().await, 422, "the old password opens nothing");
        press(ana, "Forgot password?").await;
        write(ana, "Email", email).await;
        press(ana, "Send the link").await;
        assert_eq!(ana.heading().await, "Check your email");
        ana.goto(&mailed_link(&desk, email, "Choose a new password").await).await;
        write(ana, "New password", PASSWORD).await;
        press(ana, "Change password").await;
        ana.see("Your password was changed. Sign in with the new one.").await;

        write(ana, "Email", email).await;
        write(ana, "Password", PASSWORD).await;
        tick(ana, "[name=remember]").await;
        assert!(ana.is_chosen("remember", "yes").await);
        press(ana, "Sign in").await;
        assert_eq!(ana.heading().await, "API keys");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn an_authenticator_app_is_set_up_asked_for_and_removed_by_keyboard() {
    walk(&Desk::start(), async |ana, email| {
        join(ana, email).await;
        go(ana, "/settings/security").await;
        press(ana, "Set up two-factor").await;
        press(ana, "Set up an authenticator app").await;
        let phone = Phone::reads(ana).await;
        write(ana, "Type the six digits that the app shows", "12").await;
        ana.strike_and_leave(Key::Enter).await;
        assert_eq!(ana.status().await, 422);
        write(ana, "Type the six digits that the app shows", &phone.code(0)).await;
        press(ana, "Turn on").await;
        assert_eq!(ana.heading().await, "Keep these recovery codes");
        let codes = recovery_codes(ana).await;
        press(ana, "I have kept them").await;
        ana.see("10 of 10 left.").await;

        for code in [phone.code(1), codes[0].clone()] {
            sign_out(ana).await;
            sign_in(ana, email, PASSWORD).await;
            assert_eq!(ana.heading().await, "One more step");
            ana.see_focus("#code").await;
            ana.type_in(&code).await;
            ana.strike_and_leave(Key::Enter).await;
            assert_eq!(ana.heading().await, "API keys", "{}", ana.text().await);
        }
        go(ana, "/settings/security").await;
        ana.see("9 of 10 recovery codes left.").await;
        press(ana, "Manage two-factor").await;
        press(ana, "Remove the app").await;
        ana.see("Two-factor is off.").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn usage_is_shown_for_another_period_and_as_a_table_by_keyboard() {
    walk(&Desk::start(), async |ana, email| {
        join(ana, email).await;
        let secret = reveal(ana).await;
        assert_eq!(get(ana.origin(), &secret, "/v1/key").await, 200);
        ana.goto("/settings/usage?period=24h").await;
        // Use is written down once a second.
        ana.reload_until("Show as a table").await;
        press(ana, "7 days").await;
        assert_eq!(ana.texts(".periods [aria-current]").await, ["7 days"]);
        press_here(ana, "Show as a table").await;
        ana.find(".chart details[open] table").await;
        assert_eq!(ana.texts(".chart details[open] tbody tr").await.len(), 7);
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn the_audit_log_is_searched_and_filtered_by_keyboard() {
    walk(&Desk::start(), async |ana, email| {
        let targets = async || ana.texts(".c-target").await;
        join(ana, email).await;
        go(ana, "/settings/audit-log").await;
        assert!(targets().await.iter().any(|target| target != "first-key"), "there is something to leave out");
        write(ana, "Search events", "first-key").await;
        ana.strike_and_leave(Key::Enter).await;
        let found = targets().await;
        assert!(!found.is_empty() && found.iter().all(|target| target == "first-key"), "{found:?}");

        filter(ana, "#f-range", Key::Down).await;
        assert!(ana.is_chosen("range", "24h").await);
        assert_eq!(targets().await, found, "all of it is of today");
        filter(ana, "#f-actor", Key::End).await;
        assert!(ana.is_chosen("actor", "system").await);
        ana.see("No events match “first-key”").await;
        press(ana, "Clear filters").await;
        assert!(targets().await.len() > found.len());
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn support_finds_a_failing_request_by_keyboard() {
    let desk = staffed().await;
    walk(&desk, async |priya, email| {
        let (id, _) = failing(priya, email).await;
        press(priya, "Support").await;
        write(priya, "Request ID or key", &id).await;
        priya.strike_and_leave(Key::Enter).await;
        assert_eq!(priya.heading().await, "Why this request failed");
        let sentence = priya.texts(".letter").await.join(" ");
        assert!(sentence.starts_with(&format!("Your request {id} (GET /v1/keys, ")), "{sentence}");
        if priya.view().has_javascript() {
            press_here(priya, "Copy").await;
            priya.see("Copied").await;
        }
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn whoever_found_a_key_switches_it_off_by_keyboard() {
    walk(&Desk::start(), async |ana, email| {
        join(ana, email).await;
        let secret = reveal(ana).await;
        assert_eq!(get(ana.origin(), &secret, "/v1/key").await, 200);
        ana.forget().await;
        ana.goto("/report-leaked-key").await;
        write(ana, "The key", &secret[..secret.len() - 1]).await;
        press(ana, "Switch it off").await;
        assert_eq!(ana.status().await, 422);
        write(ana, "The key", &format!("KEY={secret}")).await;
        write(ana, "Where you found it (optional)", "https://git.example/a/.env").await;
        press(ana, "Switch it off").await;
        assert_eq!(ana.heading().await, THANKS);
        assert_eq!(get(ana.origin(), &secret, "/v1/key").await, 401);
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn the_longest_key_lifetime_is_ruled_by_keyboard() {
    walk(&Desk::start(), async |ana, email| {
        join(ana, email).await;
        ana.goto("/settings/api-keys/new?type=standard").await;
        ana.see("No expiry").await;
        go(ana, "/settings/security").await;
        press(ana, "Change the longest key lifetime").await;
        pick(ana, "longest", "90").await;
        reach(ana, "Allow “No expiry”").await;
        ana.strike(Key::Space).await;
        press(ana, "Save rule").await;
        ana.see("The rule is changed. New keys may last up to 90 days. Each must expire.").await;
        go(ana, "/settings/api-keys").await;
        press(ana, "Create standard key").await;
        assert!(!ana.text().await.contains("No expiry"));
        let offered = ana.texts(".choice:has([name=expires])").await;
        assert_eq!(offered.len(), 2, "30 and 90 days are offered still: {offered:?}");
    })
    .await;
}
