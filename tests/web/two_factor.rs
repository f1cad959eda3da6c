//! The second factor: set up, asked for, spent once, and taken away.

use std::time::Duration;

use axum::http::Method;
use keydesk::clock::{Timestamp, hours};
use keydesk::model::recovery_code;
use serde_json::json;
use totp_rs::{Builder, Secret, Totp};

use crate::audit;
use crate::support::mailbox::Mail;
use crate::support::{Actor, Answer, PASSWORD, TestApp};

const SECURITY: &str = "/settings/security";
const MANAGE: &str = "/settings/security/two-factor";
const APP: &str = "/settings/security/two-factor/authenticator";
const CODES: &str = "/settings/security/two-factor/recovery-codes";
const STEP: Duration = Duration::from_secs(30);
const WRONG: &str = "This code isn’t right, or was used before. Wait for the next one and type that.";

/// An authenticator app, as it is on a phone.
pub struct Phone(Totp);

impl Phone {
    fn reads(page: &Answer) -> Self {
        let typed = page.sample().replace(' ', "");
        audit::note(&typed);
        let secret = Secret::try_from_base32(&typed).expect("base32");
        Self(Builder::new().with_secret(secret).build().expect("a legal secret"))
    }

    pub fn code(&self, now: Timestamp) -> String {
        self.0.generate(u64::try_from(now.seconds()).expect("after 1970")).to_string()
    }
}

impl Answer {
    /// What stands in the page's one code sample.
    fn sample(&self) -> String {
        self.codes().into_iter().next().expect("a code on the page")
    }

    /// The recovery codes on the page.
    fn recovery_codes(&self) -> Vec<String> {
        self.has_heading("Keep these recovery codes");
        let codes: Vec<String> = self.sample().split_whitespace().map(str::to_owned).collect();
        for code in &codes {
            audit::note(code);
        }
        assert_eq!(codes.len(), recovery_code::CODES);
        codes
    }
}

impl TestApp {
    /// Sets an app up; answers it and the recovery codes. The code that showed it is spent: its step is over.
    pub async fn sets_up(&self, who: &Actor) -> (Phone, Vec<String>) {
        let page = who.get(APP).await;
        assert_eq!(page.status, 200, "{}", page.text());
        let phone = Phone::reads(&page);
        let fields = [("setup", &*page.value_of("setup")), ("code", &*phone.code(self.app.now()))];
        let codes = who.post(APP, &fields).await.recovery_codes();
        self.pass(STEP);
        (phone, codes)
    }

    /// Somebody who has given their password and is asked for more.
    async fn half_in(&self, email: &str) -> Actor {
        let visitor = self.visitor();
        visitor.post("/sign-in", &[("email", email), ("password", PASSWORD)]).await.redirects_to("/two-factor");
        visitor
    }

    /// The token of a link to a new password.
    async fn asks_for_reset(&self, email: &str) -> String {
        self.visitor().post("/forgot-password", &[("email", email)]).await;
        self.mail().await.iter().rev().find_map(Mail::token).expect("a link")
    }
}

impl Actor {
    /// Presses the button behind the link that sign-up mails.
    async fn proves_the_address(&self, desk: &TestApp) {
        let token = desk.mail().await.iter().find_map(Mail::token).expect("a link");
        self.post("/verify-email", &[("token", &token)]).await.redirects_to(SECURITY);
    }
}

async fn types(who: &Actor, code: &str) -> Answer {
    who.post("/two-factor", &[("code", code)]).await
}

#[tokio::test]
async fn an_app_is_on_only_once_a_code_has_shown_that_it_works() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    alice.get(SECURITY).await.says("Two-factor authentication Off");
    let page = alice.get(APP).await;
    assert!(page.html().contains("<svg class=\"qr\"") && page.html().contains("otpauth://totp/"));
    let setup = page.value_of("setup");
    let again = alice.post(APP, &[("setup", &setup), ("code", "000000")]).await;
    assert_eq!(again.status, 422);
    assert!(again.field_error("code").is_some());
    assert_eq!(again.sample(), page.sample(), "the same app can go on trying");
    desk.signed_in(&alice.email).await;
    let phone = Phone::reads(&again);
    let fields = [("setup", &*again.value_of("setup")), ("code", &*phone.code(desk.app.now()))];
    let codes = alice.post(APP, &fields).await;
    assert_eq!(codes.header("cache-control"), "no-store");
    codes.recovery_codes();
    alice.get(SECURITY).await.says("Authenticator app, added 21 Nov 2026. 10 of 10 recovery codes left.");
    alice.get("/settings/team").await.says("Two-factorOn");
    let letters = desk.mail().await;
    assert!(letters.iter().any(|letter| letter.subject.starts_with("A second factor was added")), "{letters:?}");
}

#[tokio::test]
async fn what_is_being_set_up_belongs_to_its_session() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let page = alice.get(APP).await;
    let phone = Phone::reads(&page);
    let elsewhere = desk.signed_in(&alice.email).await;
    let fields = [("setup", &*page.value_of("setup")), ("code", &*phone.code(desk.app.now()))];
    elsewhere.post(APP, &fields).await.redirects_to(APP);
    elsewhere.post(APP, &[("setup", "AAAA"), ("code", "123456")]).await.redirects_to(APP);
    desk.signed_in(&alice.email).await;
}

#[tokio::test]
async fn whoever_has_an_app_is_asked_for_its_code_and_each_code_works_once() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let (phone, _) = desk.sets_up(&alice).await;
    let visitor = desk.half_in(&alice.email).await;
    visitor.get("/settings/api-keys").await.redirects_to("/sign-in?next=%2Fsettings%2Fapi-keys");
    visitor.get("/two-factor").await.has_heading("One more step");
    let wrong = types(&visitor, "123456").await;
    assert_eq!((wrong.status, wrong.field_error("code").as_deref()), (422, Some(WRONG)));
    let code = phone.code(desk.app.now());
    types(&visitor, &format!("{} {}", &code[..3], &code[3..])).await.redirects_to("/settings/api-keys");
    assert_eq!(visitor.get("/settings/api-keys").await.status, 200);
    let second = desk.half_in(&alice.email).await;
    assert_eq!(types(&second, &code).await.status, 422, "a code that was read over a shoulder");
    desk.pass(STEP);
    types(&second, &phone.code(desk.app.now() - STEP)).await.says(WRONG);
    types(&second, &phone.code(desk.app.now())).await.redirects_to("/settings/api-keys");
    desk.flush().await;
    alice.get("/settings/audit-log").await.says("Sign-in refused");
}

#[tokio::test]
async fn the_same_code_at_the_same_moment_lets_one_in() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let (phone, codes) = desk.sets_up(&alice).await;
    for code in [phone.code(desk.app.now()), codes[0].clone()] {
        let (one, other) = (desk.half_in(&alice.email).await, desk.half_in(&alice.email).await);
        let (one, other) = tokio::join!(types(&one, &code), types(&other, &code));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 422]);
    }
}

#[tokio::test]
async fn a_recovery_code_gets_in_once_and_that_is_mailed_and_recorded() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let (_, codes) = desk.sets_up(&alice).await;
    let visitor = desk.half_in(&alice.email).await;
    types(&visitor, &codes[3].to_uppercase().replace('-', " ")).await.redirects_to("/settings/api-keys");
    visitor.get(SECURITY).await.says("9 of 10 recovery codes left.");
    let again = desk.half_in(&alice.email).await;
    assert_eq!(types(&again, &codes[3]).await.status, 422);
    let letters = desk.mail().await;
    assert!(letters.iter().any(|letter| letter.subject.starts_with("A recovery code")), "{letters:?}");
    visitor.get("/settings/audit-log").await.says("Used a recovery code");
}

#[tokio::test]
async fn new_codes_void_the_old_and_nobody_elses_work() {
    let desk = TestApp::new().await;
    let (alice, bob) = (desk.alice().await, desk.bob().await);
    let (_, old) = desk.sets_up(&alice).await;
    let (_, bobs) = desk.sets_up(&bob).await;
    alice.get(CODES).await.says("The 10 that are left stop working at once.");
    let new = alice.post(CODES, &[]).await.recovery_codes();
    let visitor = desk.half_in(&alice.email).await;
    for code in [&old[0], &bobs[0]] {
        assert_eq!(types(&visitor, code).await.status, 422);
    }
    types(&visitor, &new[0]).await.redirects_to("/settings/api-keys");
}

#[tokio::test]
async fn half_a_sign_in_is_nothing_and_does_not_last() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let (phone, _) = desk.sets_up(&alice).await;
    let visitor = desk.half_in(&alice.email).await;
    for path in [SECURITY, MANAGE, APP, "/welcome", "/re-authenticate"] {
        assert_eq!(visitor.get(path).await.status, 303, "{path}");
    }
    desk.pass(Duration::from_secs(600));
    visitor.get("/two-factor").await.redirects_to("/sign-in");
    types(&visitor, &phone.code(desk.app.now())).await.redirects_to("/sign-in");
    desk.visitor().get("/two-factor").await.redirects_to("/sign-in");
}

#[tokio::test]
async fn a_password_changed_meanwhile_ends_half_a_sign_in() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let (phone, _) = desk.sets_up(&alice).await;
    let thief = desk.half_in(&alice.email).await;
    desk.pass(Duration::from_secs(1));
    let fields = [("current_password", PASSWORD), ("password", "nine quiet harbours")];
    alice.post("/settings/security/password", &fields).await.redirects_to(SECURITY);
    types(&thief, &phone.code(desk.app.now())).await.redirects_to("/sign-in");
}

#[tokio::test]
async fn guessing_codes_is_slow_from_one_place_and_from_everywhere() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let (phone, _) = desk.sets_up(&alice).await;
    let visitor = desk.half_in(&alice.email).await;
    for _ in 0..5 {
        assert_eq!(types(&visitor, "123456").await.status, 422);
    }
    let right = phone.code(desk.app.now());
    assert_eq!(types(&visitor, &right).await.status, 429, "and the right one is not tested");
    let mut tried = 5;
    for place in 0..20 {
        let elsewhere = desk.visitor().at(&format!("198.51.100.{place}"));
        elsewhere.post("/sign-in", &[("email", &alice.email), ("password", PASSWORD)]).await;
        if types(&elsewhere, "123456").await.status == 429 {
            break;
        }
        tried += 1;
    }
    assert_eq!(tried, 10, "ten from everywhere, then one every two minutes");
    alice.post("/sign-out", &[]).await.redirects_to("/sign-in");
    let fields = [("email", &*alice.email), ("password", PASSWORD)];
    alice.post("/sign-in", &fields).await.redirects_to("/two-factor");
    types(&alice, &right).await.redirects_to("/settings/api-keys");
    desk.pass(Duration::from_secs(120));
    let owner = desk.half_in(&alice.email).await;
    types(&owner, &phone.code(desk.app.now())).await.redirects_to("/settings/api-keys");
}

#[tokio::test]
async fn adding_and_removing_ask_who_it_is_and_the_last_one_takes_the_codes_with_it() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let (phone, codes) = desk.sets_up(&alice).await;
    desk.pass(Duration::from_secs(300));
    let asked = "/re-authenticate?next=/settings/security/two-factor";
    for (method, path) in [(Method::GET, APP), (Method::POST, APP), (Method::GET, CODES), (Method::POST, CODES)] {
        alice.ask(method, path).send().await.redirects_to(&format!("/re-authenticate?next={path}"));
    }
    alice.post(&format!("{APP}/remove"), &[]).await.redirects_to(asked);
    let code = phone.code(desk.app.now());
    alice.post("/re-authenticate", &[("next", MANAGE), ("code", &code)]).await.redirects_to(MANAGE);
    alice.post(&format!("{APP}/remove"), &[]).await.redirects_to(MANAGE);
    let flash = alice.get(MANAGE).await.flash();
    assert!(flash.is_some_and(|said| said.contains("Two-factor is off.")));
    desk.signed_in(&alice.email).await;
    let letters = desk.mail().await;
    assert!(letters.iter().any(|letter| letter.subject.contains("was removed")), "{letters:?}");
    // Another app, another set: the old codes are gone for good.
    desk.sets_up(&alice).await;
    let visitor = desk.half_in(&alice.email).await;
    assert_eq!(types(&visitor, &codes[0]).await.status, 422);
}

#[tokio::test]
async fn a_program_sends_the_code_with_the_password() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let (phone, codes) = desk.sets_up(&alice).await;
    let log_in = async |code: Option<&str>| {
        let mut body = json!({ "email": alice.email, "password": PASSWORD });
        if let Some(code) = code {
            body["code"] = code.into();
        }
        desk.visitor().post_json("/api/auth/login", &body).await
    };
    let without = log_in(None).await;
    assert_eq!((without.status, without.json()["error"]["code"].as_str()), (401, Some("second_factor_required")));
    assert_eq!(log_in(Some("000000")).await.status, 401);
    let granted = log_in(Some(&phone.code(desk.app.now()))).await;
    assert_eq!(granted.status, 200, "{}", granted.text());
    assert_eq!(log_in(Some(&phone.code(desk.app.now()))).await.status, 401, "used before");
    assert_eq!(log_in(Some(&codes[0])).await.status, 200);
    let body = json!({ "email": alice.email, "password": "another one entirely", "code": codes[1] });
    let wrong = desk.visitor().at("198.51.100.7").post_json("/api/auth/login", &body).await;
    assert_eq!(wrong.json()["error"]["code"], "unauthorized");
}

#[tokio::test]
async fn a_reset_password_does_not_get_around_it() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    alice.proves_the_address(&desk).await;
    let (phone, _) = desk.sets_up(&alice).await;
    let token = desk.asks_for_reset(&alice.email).await;
    let fields = [("token", &*token), ("password", "nine quiet harbours")];
    let visitor = desk.visitor();
    assert_eq!(visitor.post("/reset-password", &fields).await.status, 303);
    let fields = [("email", &*alice.email), ("password", "nine quiet harbours")];
    visitor.post("/sign-in", &fields).await.redirects_to("/two-factor");
    types(&visitor, &phone.code(desk.app.now())).await.redirects_to("/settings/api-keys");
}

#[tokio::test]
async fn whoever_proves_an_address_first_does_not_meet_a_strangers_factor() {
    let desk = TestApp::new().await;
    let stranger = desk.alice().await;
    desk.sets_up(&stranger).await;
    let token = desk.asks_for_reset(&stranger.email).await;
    let owner = desk.visitor();
    let fields = [("token", &*token), ("password", "nine quiet harbours")];
    assert_eq!(owner.post("/reset-password", &fields).await.status, 303);
    let fields = [("email", &*stranger.email), ("password", "nine quiet harbours")];
    owner.post("/sign-in", &fields).await.redirects_to("/settings/api-keys");
}

#[tokio::test]
async fn new_recovery_codes_are_told_by_mail() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    desk.sets_up(&alice).await;
    desk.mail().await;
    alice.post(CODES, &[]).await.recovery_codes();
    assert_eq!(desk.mail().await.len(), 1);
}

#[tokio::test]
async fn a_password_alone_does_not_confirm_whoever_has_a_factor() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let (phone, codes) = desk.sets_up(&alice).await;
    desk.pass(Duration::from_secs(300));
    let page = alice.get("/re-authenticate?next=/settings/team").await;
    assert!(!page.html().contains("type=\"password\""), "{}", page.text());
    let refused = alice.post("/re-authenticate", &[("next", MANAGE), ("password", PASSWORD)]).await;
    assert_eq!(refused.status, 422);
    alice.get(CODES).await.redirects_to(&format!("/re-authenticate?next={CODES}"));
    let code = phone.code(desk.app.now());
    alice.post("/re-authenticate", &[("next", MANAGE), ("code", &code)]).await.redirects_to(MANAGE);
    assert_eq!(alice.get(CODES).await.status, 200);
    desk.pass(Duration::from_secs(300));
    alice.post("/re-authenticate", &[("next", MANAGE), ("code", &codes[0])]).await.redirects_to(MANAGE);
}

#[tokio::test]
async fn nonsense_for_a_passkey_is_refused_and_nothing_is_under_way_for_long() {
    let desk = TestApp::over_https().await;
    let alice = desk.alice().await;
    let page = alice.get("/settings/security/two-factor/passkeys").await;
    assert_eq!(page.status, 200, "{}", page.text());
    page.says("Passkeys need JavaScript, which is off.");
    let options = alice.post("/settings/security/two-factor/passkeys/options", &[]).await.json();
    assert_eq!(options["publicKey"]["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(options["publicKey"]["authenticatorSelection"]["userVerification"], "required");
    assert_ne!(options["publicKey"]["user"]["id"], alice.user_id);
    for credential in ["", "{}", "{\"id\":\"x\"}", &"x".repeat(10_000)] {
        let fields = [("name", "Laptop"), ("credential", credential)];
        assert_eq!(alice.post("/settings/security/two-factor/passkeys", &fields).await.status, 422);
    }
    let visitor = desk.visitor();
    let asked = visitor.post("/two-factor/passkey/options", &[]).await.json();
    assert_eq!(asked["publicKey"]["userVerification"], "required");
    assert_eq!(asked["publicKey"]["allowCredentials"], json!([]), "nobody learns whose passkeys there are");
    let nonsense = [("credential", "{}"), ("next", "/settings/team")];
    visitor.post("/two-factor/passkey", &nonsense).await.redirects_to("/sign-in?next=/settings/team&passkey=refused");
    desk.pass(hours(1));
    assert_eq!(alice.post("/re-authenticate/passkey/options", &[]).await.status, 303);
}
