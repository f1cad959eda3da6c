//! Proving who one is, with nothing but a keyboard: by a passkey, at an issuer, and by the password again before a key
//! is revealed again.

use crate::browser::{Browser, Key, View};
use crate::database::age_proofs;
use crate::desk::Desk;
use crate::driver::AddAuthenticator;
use crate::issuer::Issuer;
use crate::keyboard::{
    go, join, open_menu, press, reach_back, reveal, reveal_again, sign_in, sign_out, tick, walk, write,
};
use crate::person::PASSWORD;
use crate::reveal_again::desk as desk_that_reveals_again;
use crate::two_factor::recovery_codes;

/// Adds a passkey from the page of Security, and stands on the page that lists it.
async fn add_passkey(ana: &Browser, name: &str) {
    go(ana, "/settings/security").await;
    press(ana, "Set up two-factor").await;
    press(ana, "Add a passkey").await;
    // It has a name already, which Tab selects.
    assert_eq!(ana.value("name").await, "Chrome on Linux");
    write(ana, "Name", name).await;
    press(ana, "Add passkey").await;
    assert_eq!(ana.heading().await, "Keep these recovery codes");
    recovery_codes(ana).await;
    press(ana, "I have kept them").await;
    assert_eq!(ana.heading().await, "Two-factor authentication");
}

/// Shows the passkey on the page so headed. The field for a code has the focus there; the button stands above it.
async fn use_passkey(ana: &Browser, heading: &str) {
    assert_eq!(ana.heading().await, heading);
    ana.see_focus("#code").await;
    reach_back(ana, "Use a passkey").await;
    ana.strike_and_leave(Key::Enter).await;
}

/// Signs in at the issuer's pages and lets the desk know who it is. Their fields have no labels.
async fn consent(ana: &Browser, email: &str) {
    ana.tab_to("[name=login]").await;
    ana.type_in(email).await;
    ana.tab_to("[name=password]").await;
    ana.type_in("no matter").await;
    press(ana, "Sign-in").await;
    press(ana, "Continue").await;
}

/// Only with JavaScript: a passkey is made and shown by the browser's script. What the pages say without it stands in
/// `two_factor`.
#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn a_passkey_is_added_signs_in_confirms_and_is_removed_by_keyboard() {
    let desk = Desk::start();
    let ana = Browser::open(desk.origin(), View::WIDE).await;
    ana.client.issue_cmd(AddAuthenticator).await.expect("Chromium has a virtual authenticator");
    let email = "ana@halden.example";
    join(&ana, email).await;
    add_passkey(&ana, "Work laptop").await;
    ana.see("Work laptop").await;
    ana.see("Never used.").await;
    go(&ana, "/settings/security").await;
    ana.see("1 passkey. 10 of 10 recovery codes left.").await;

    sign_out(&ana).await;
    press(&ana, "Sign in with a passkey").await;
    assert_eq!(ana.heading().await, "API keys");
    assert!(!ana.is_kept_signed_in().await);
    sign_out(&ana).await;
    tick(&ana, "[name=remember]").await;
    press(&ana, "Sign in with a passkey").await;
    assert_eq!(ana.heading().await, "API keys");
    assert!(ana.is_kept_signed_in().await, "the box of the password's form is for the passkey too");
    // Beside the password it is the second step.
    sign_out(&ana).await;
    sign_in(&ana, email, PASSWORD).await;
    use_passkey(&ana, "One more step").await;
    assert_eq!(ana.heading().await, "API keys");

    go(&ana, "/settings/security").await;
    press(&ana, "Manage two-factor").await;
    ana.see("Last used").await;
    // The form that was open for too long asks who it is, and comes again.
    press(&ana, "Add a passkey").await;
    age_proofs(&desk).await;
    press(&ana, "Add passkey").await;
    use_passkey(&ana, "Confirm it’s you").await;
    assert_eq!(ana.heading().await, "Add a passkey");
    go(&ana, "/settings/security").await;
    press(&ana, "Manage two-factor").await;

    age_proofs(&desk).await;
    press(&ana, "Remove Work laptop").await;
    use_passkey(&ana, "Confirm it’s you").await;
    press(&ana, "Remove Work laptop").await;
    ana.see("Work laptop was removed. Two-factor is off.").await;

    sign_out(&ana).await;
    press(&ana, "Sign in with a passkey").await;
    ana.see("This passkey doesn’t open an account here.").await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn somebody_signs_up_and_in_again_at_an_issuer_by_keyboard() {
    let issuer = Issuer::start();
    let desk = issuer.desk();
    let words = format!("Continue with {}", issuer.name());
    walk(&desk, async |ana, email| {
        ana.goto("/sign-in").await;
        press(ana, &words).await;
        consent(ana, email).await;
        assert_eq!(ana.path().await, "/welcome", "{}", ana.text().await);
        reveal(ana).await;
        ana.goto("/settings/security").await;
        ana.see(&format!("{email} can sign in with {}. It’s your only way in", issuer.name())).await;
        sign_out(ana).await;

        ana.goto("/settings/api-keys?status=active").await;
        assert!(ana.path().await.starts_with("/sign-in?next="), "{}", ana.path().await);
        press(ana, &words).await;
        assert_eq!(ana.path().await, "/settings/api-keys?status=active", "{}", ana.text().await);
        ana.see("first-key").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn an_account_elsewhere_is_connected_and_disconnected_by_keyboard() {
    let issuer = Issuer::start();
    let desk = issuer.desk();
    walk(&desk, async |ana, email| {
        let private = format!("private.{email}");
        join(ana, email).await;
        go(ana, "/settings/security").await;
        press(ana, &format!("Connect {}", issuer.name())).await;
        consent(ana, &private).await;
        assert_eq!(ana.path().await, "/settings/security", "{}", ana.text().await);
        ana.see(&format!("{private} can sign in with {}.", issuer.name())).await;
        press(ana, &format!("Disconnect {}", issuer.name())).await;
        ana.see("Sign in with your password from now on.").await;
        ana.see("Connect it, and sign in without a password.").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn a_key_is_revealed_again_after_the_password_by_keyboard() {
    let desk = desk_that_reveals_again();
    walk(&desk, async |ana, email| {
        join(ana, email).await;
        ana.see("You can reveal this key whenever you need to copy it.").await;
        let secret = reveal_again(ana).await;
        ana.see("You can reveal this key again whenever you need it.").await;

        ana.goto("/settings/api-keys").await;
        open_menu(ana, "first-key").await;
        press(ana, "Reveal key").await;
        assert_eq!(ana.heading().await, "first-key");
        assert!(!ana.source().await.contains(&secret));
        age_proofs(&desk).await;
        press(ana, "Reveal key").await;
        assert_eq!(ana.heading().await, "Confirm it’s you");
        ana.see_focus("#password").await;
        write(ana, "Password", "copper lantern orbits").await;
        ana.strike_and_leave(Key::Enter).await;
        ana.see("This isn’t your password. Check it and try again.").await;
        write(ana, "Password", PASSWORD).await;
        press(ana, "Confirm").await;
        assert_eq!(ana.heading().await, "first-key", "back on the page of the button");
        assert_eq!(reveal_again(ana).await, secret);
        press(ana, "Done, I’ve stored it").await;
        assert_eq!(ana.path().await, "/settings/api-keys");
        go(ana, "/settings/audit-log").await;
        let events = ana.texts(".c-what").await;
        let reveals = events.iter().filter(|event| event.starts_with("Revealed the key"));
        assert_eq!(reveals.count(), 2, "every reveal is recorded: {events:?}");
    })
    .await;
}
