//! Sign-up: an account, its administrator and the first key, or a page that says what to change.

use crate::support::{PASSWORD, TestApp};

const GOOD: [(&str, &str); 3] =
    [("account", "Halden Freight"), ("email", "alice@halden.example"), ("password", PASSWORD)];

#[tokio::test]
async fn whoever_signs_up_lands_on_the_first_screen_with_a_sealed_key() {
    let desk = TestApp::new().await;
    let visitor = desk.visitor();
    visitor.get("/sign-up").await.has_heading("Create your account");
    visitor.post("/sign-up", &GOOD).await.redirects_to("/welcome");
    let page = visitor.get("/welcome").await;
    assert_eq!(page.status, 200);
    page.has_heading("Welcome to Keydesk");
    page.says("A live key with full access, named first-key.");
    page.says("Halden Freight");
    page.says("Alice Administrator");
    assert_eq!(page.secrets(), Vec::<String>::new());
    assert_eq!(desk.holdings().await, [1, 1, 1, 1, 0, 1, 1]);
}

#[tokio::test]
async fn the_account_may_go_unnamed() {
    let desk = TestApp::new().await;
    let visitor = desk.visitor();
    visitor.post("/sign-up", &[("email", "bob@brill.example"), ("password", PASSWORD)]).await.redirects_to("/welcome");
    visitor.get("/welcome").await.says("Brill Settings");
}

#[tokio::test]
async fn a_taken_address_is_refused_in_any_case_of_letters() {
    let desk = TestApp::new().await;
    desk.alice().await;
    let before = desk.holdings().await;
    for email in ["alice@halden.example", "ALICE@halden.example", " Alice@Halden.Example "] {
        let answer = desk.visitor().post("/sign-up", &[("email", email), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, 422, "{email}");
        let why = "Somebody already signs in with this email. Sign in instead.";
        assert_eq!(answer.field_error("email").as_deref(), Some(why));
        assert_eq!(answer.problems(), [why]);
        assert_eq!(answer.value_of("email"), email);
        assert_eq!(answer.set_cookies(), Vec::<&str>::new());
    }
    assert_eq!(desk.holdings().await, before);
}

#[tokio::test]
async fn what_cannot_be_an_address_is_refused() {
    let desk = TestApp::new().await;
    let long = format!("{}@halden.example", "a".repeat(250));
    for email in ["", "alice", "alice@", "@halden.example", "a b@halden.example", "alice@halden.example\u{7}", &long] {
        let answer = desk.visitor().post("/sign-up", &[("email", email), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, 422, "{email:?}");
        let why = "Enter an email address, such as ana@example.com.";
        assert_eq!(answer.field_error("email").as_deref(), Some(why), "{email:?}");
    }
    assert_eq!(desk.holdings().await, [0; 7]);
}

#[tokio::test]
async fn a_password_that_is_short_or_guessable_is_refused_with_the_reason_and_not_repeated() {
    let desk = TestApp::new().await;
    let long = "correct horse battery staple ".repeat(9);
    for (password, why) in [
        ("", "Use 12 characters or more. This password has 0."),
        ("short", "Use 12 characters or more. This password has 5."),
        (long.as_str(), "Use 256 characters or fewer. This password has 261."),
        ("passwordpassword", "This password is easy to guess."),
        ("haldenfreight", "This password is easy to guess."),
        ("keydeskkeydesk", "This password is easy to guess."),
    ] {
        let fields = [("account", "Halden Freight"), ("email", "alice@halden.example"), ("password", password)];
        let answer = desk.visitor().post("/sign-up", &fields).await;
        assert_eq!(answer.status, 422, "{password:?}");
        let said = answer.field_error("password").expect("a reason");
        assert!(said.starts_with(why), "{said}");
        assert_eq!(answer.value_of("password"), "");
        assert_eq!((answer.value_of("account"), answer.value_of("email")), (fields[0].1.into(), fields[1].1.into()));
    }
    assert_eq!(desk.holdings().await, [0; 7]);
}

#[tokio::test]
async fn every_mistake_is_told_at_once() {
    let desk = TestApp::new().await;
    let fields = [("account", &*"x".repeat(81)), ("email", "alice"), ("password", "short")];
    let answer = desk.visitor().post("/sign-up", &fields).await;
    assert_eq!(
        answer.problems(),
        [
            "Use 80 characters or fewer. This name has 81.",
            "Enter an email address, such as ana@example.com.",
            "Use 12 characters or more. This password has 5.",
        ]
    );
}

#[tokio::test]
async fn a_product_without_a_sign_up_key_issues_none() {
    let desk = TestApp::with_product(|product| product.sign_up_key = None).await;
    let alice = desk.alice().await;
    assert_eq!(desk.holdings().await, [0, 0, 0, 0, 0, 1, 1]);
    alice.get("/welcome").await.says("You have no key yet.");
    alice.get("/settings/api-keys").await.has_heading("No API keys yet");
}

#[tokio::test]
async fn whoever_is_signed_in_needs_no_sign_up() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    alice.get("/sign-up").await.redirects_to("/settings/api-keys");
    alice.get("/sign-in").await.redirects_to("/settings/api-keys");
}

#[tokio::test]
async fn a_flood_of_sign_ups_from_one_address_is_slowed_down() {
    let desk = TestApp::new().await;
    for _ in 0..20 {
        assert_eq!(desk.visitor().post("/sign-up", &[("email", "alice")]).await.status, 422);
    }
    let slowed = desk.visitor().post("/sign-up", &GOOD).await;
    assert_eq!((slowed.status, slowed.header("retry-after")), (429, "3"));
    assert_eq!(desk.holdings().await, [0; 7]);
    desk.visitor().at("198.51.100.9").post("/sign-up", &GOOD).await.redirects_to("/welcome");
}

#[tokio::test]
async fn what_somebody_calls_themselves_is_text_and_never_markup() {
    let desk = TestApp::new().await;
    let visitor = desk.visitor();
    let account = "<script>alert(1)</script>\"'&";
    let fields = [("account", account), ("email", "eve@halden.example"), ("password", PASSWORD)];
    let mistake = visitor.post("/sign-up", &[("account", account), ("email", "x")]).await;
    assert_eq!(mistake.value_of("account"), account);
    visitor.post("/sign-up", &fields).await.redirects_to("/welcome");
    let page = visitor.get("/settings/api-keys").await;
    assert!(!page.html().contains("<script>alert") && page.text().contains(account));
}
