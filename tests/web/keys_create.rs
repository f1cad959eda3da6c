//! Creating a key: what is accepted, what is refused with which words, and that a refusal makes nothing.

use axum::http::Method;
use keydesk::clock::hours;

use crate::support::{Actor, Answer, Field, TestApp, key_path};

const GOOD: [Field<'static>; 5] =
    [("type", "standard"), ("name", "billing"), ("environment", "live"), ("preset", "full"), ("expires", "90")];

/// The good form with some fields changed.
fn form<'a>(changes: &[Field<'a>]) -> Vec<Field<'a>> {
    let kept = GOOD.iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    kept.copied().chain(changes.iter().copied().filter(|(_, value)| *value != "(absent)")).collect()
}

async fn refused(alice: &Actor, changes: &[Field<'_>]) -> Answer {
    let answer = alice.post("/settings/api-keys", &form(changes)).await;
    assert_eq!(answer.status, 422, "{changes:?} {}", answer.text());
    answer.has_heading("There is a problem");
    answer
}

#[tokio::test]
async fn a_key_that_could_be_issued_is_created_sealed() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let page = alice.get("/settings/api-keys/new").await;
    page.has_heading("Create a standard key");
    let answer = alice.post("/settings/api-keys", &form(&[("form_id", &page.value_of("form_id"))])).await;
    assert_eq!(answer.status, 303);
    let created = alice.get(answer.location()).await;
    created.has_heading("Key created");
    created.says("billing is ready. Reveal it when you’re ready to store it.");
    created.says("Standard, all inboxes");
    created.says("Expires 19 Feb 2027 in 90 days");
}

#[tokio::test]
async fn a_name_is_needed_and_may_have_fifty_characters() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let before = (desk.holdings().await, desk.events(&alice).await.len());
    let long = "ü".repeat(51);
    for (name, why) in [
        ("", "Enter a name."),
        ("   ", "Enter a name."),
        (long.as_str(), "Use 50 characters or fewer. This name has 51."),
        ("tab\tbed", "Use letters, digits, spaces and punctuation only."),
        ("bell\u{7}", "Use letters, digits, spaces and punctuation only."),
    ] {
        let answer = refused(&alice, &[("name", name)]).await;
        assert_eq!(answer.field_error("name").as_deref(), Some(why));
        assert_eq!(answer.problems(), [why]);
    }
    assert_eq!((desk.holdings().await, desk.events(&alice).await.len()), before);
    alice.creates(&"ü".repeat(50), &[]).await;
}

#[tokio::test]
async fn a_taken_name_is_refused_until_its_key_is_deleted() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    let before = (desk.holdings().await, desk.events(&alice).await.len());
    for name in ["billing", "Billing", " BILLING "] {
        let answer = refused(&alice, &[("name", name)]).await;
        let said = answer.field_error("name").expect("a reason");
        assert!(
            said.starts_with("A live key named ") && said.ends_with(" already exists. Choose another name."),
            "{said}"
        );
    }
    assert_eq!((desk.holdings().await, desk.events(&alice).await.len()), before);
    alice.creates("billing", &[("environment", "test")]).await;
    desk.bob().await.creates("billing", &[]).await;
    alice.post(&key_path(&id, "delete"), &[("name", "billing")]).await.redirects_to("/settings/api-keys");
    alice.creates("billing", &[]).await;
}

#[tokio::test]
async fn what_was_typed_is_kept_and_every_mistake_is_told() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let answer = refused(
        &alice,
        &[
            ("name", ""),
            ("environment", "staging"),
            ("preset", "custom"),
            ("expires_on", "2026-11-20"),
            ("allowed_ips", "203.0.113.0/24\nelsewhere"),
        ],
    )
    .await;
    assert_eq!(
        answer.problems(),
        [
            "Enter a name.",
            "Choose the environment: Test or Live.",
            "Choose at least one scope. A key with no scopes can’t do anything.",
            "Choose an expiry date after today, 21 Nov 2026.",
            "\"elsewhere\" is not an address. Write one address or CIDR a line, such as 203.0.113.0/24.",
        ]
    );
    let chosen = [("preset", "custom"), ("scopes[]", "mail:read"), ("scopes[]", "domains:read"), ("expires", "365")];
    let answer = refused(
        &alice,
        &[&[("name", "<b>\"x\"</b>".repeat(6).as_str()), ("allowed_ips", "::1")], &chosen[..]].concat(),
    )
    .await;
    assert_eq!(answer.value_of("name"), "<b>\"x\"</b>".repeat(6));
    assert_eq!(answer.chosen("scopes[]"), ["mail:read", "domains:read"]);
    assert_eq!((answer.chosen("preset"), answer.chosen("expires")), (vec!["custom".into()], vec!["365".into()]));
    assert_eq!((answer.value_of("allowed_ips"), answer.value_of("environment")), ("::1".into(), "live".into()));
}

#[tokio::test]
async fn scopes_are_chosen_from_those_that_exist() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let before = (desk.holdings().await, desk.events(&alice).await.len());
    for (preset, scope, why) in [
        ("custom", "mail:burn", "There is no scope \"mail:burn\". Choose from the scopes of this product."),
        ("custom", "(absent)", "Choose at least one scope. A key with no scopes can’t do anything."),
        ("(absent)", "(absent)", "Choose at least one scope. A key with no scopes can’t do anything."),
        ("everything", "mail:send", "There is no preset \"everything\". Choose send, read, full or custom."),
    ] {
        let answer = refused(&alice, &[("preset", preset), ("scopes[]", scope)]).await;
        assert_eq!(answer.field_error("scopes").as_deref(), Some(why));
    }
    assert_eq!((desk.holdings().await, desk.events(&alice).await.len()), before);
}

#[tokio::test]
async fn a_preset_is_exactly_its_scopes() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for (preset, scopes) in [
        ("full", vec!["*"]),
        ("send", vec!["mail:send"]),
        ("read", vec!["mail:read", "inboxes:read", "domains:read", "webhooks:read", "suppressions:read", "keys:read"]),
    ] {
        // Scopes count only with `custom`.
        let key = alice.key(preset, &[("preset", preset), ("scopes[]", "mail:write")]).await;
        assert_eq!(desk.holder(&key.secret).get("/v1/key").await.json()["scopes"], serde_json::json!(scopes));
    }
}

#[tokio::test]
async fn a_restricted_key_needs_an_inbox_of_its_own_account() {
    let desk = TestApp::new().await;
    let (alice, bob) = (desk.alice().await, desk.bob().await);
    let (own, foreign) = (alice.inbox("Orders").await, bob.inbox("Parcels").await);
    let gone = alice.inbox("Gone").await;
    alice
        .post(&format!("/settings/inboxes/{gone}/delete"), &[("name", "Gone")])
        .await
        .redirects_to("/settings/inboxes");
    let restricted = [("type", "restricted"), ("preset", "custom"), ("scopes[]", "mail:send")];
    let before = (desk.holdings().await, desk.events(&alice).await.len());
    for inbox in ["", foreign.as_str(), gone.as_str(), "inb_0000000000000000", "bell\u{7}"] {
        let answer = refused(&alice, &[&restricted[..], &[("inbox", inbox)]].concat()).await;
        answer.has_heading("Create a restricted key");
        assert_eq!(answer.field_error("inbox").as_deref(), Some("Choose the inbox this key works with."));
    }
    for scope in ["inboxes:write", "keys:write", "domains:read", "*"] {
        let changes = [("type", "restricted"), ("preset", "custom"), ("inbox", own.as_str()), ("scopes[]", scope)];
        let said = refused(&alice, &changes).await.field_error("scopes").expect("a reason");
        assert_eq!(said, format!("A restricted key can’t hold {scope}. It works with one inbox and nothing else."));
    }
    assert_eq!((desk.holdings().await, desk.events(&alice).await.len()), before);
    alice.restricted_key("orders", &own).await;
}

#[tokio::test]
async fn a_key_expires_after_today_or_never() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let before = desk.holdings().await;
    let after_today = "Choose an expiry date after today, 21 Nov 2026.";
    for (expires, expires_on, why) in [
        ("90", "2026-11-20", after_today),
        ("90", "2026-11-21", after_today),
        ("90", "1970-01-01", after_today),
        ("0", "", after_today),
        ("-3", "", after_today),
        ("soon", "", after_today),
        ("90", "19.02.2027", "Write the date as year-month-day, such as 2027-02-19."),
        ("90", "2027-02-30", "Write the date as year-month-day, such as 2027-02-19."),
        ("90", "2226-11-21", "Choose an expiry date no later than 20 Nov 2036."),
        ("99999", "", "Choose an expiry date no later than 20 Nov 2036."),
    ] {
        let answer = refused(&alice, &[("expires", expires), ("expires_on", expires_on)]).await;
        assert_eq!(answer.field_error("expires").as_deref(), Some(why), "{expires} {expires_on}");
    }
    assert_eq!(desk.holdings().await, before);
    for (name, expires_on, says) in [("tomorrow", "2026-11-22", "22 Nov 2026"), ("leap", "2028-02-29", "29 Feb 2028")] {
        let id = alice.creates(name, &[("expires", "none"), ("expires_on", expires_on)]).await;
        alice.get(&key_path(&id, "")).await.says(says);
    }
}

#[tokio::test]
async fn an_absurd_number_of_days_is_a_mistake_and_not_a_crash() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let before = desk.holdings().await;
    for days in ["213503982334601", "18446744073709551615", "18446744073709551616"] {
        let answer = refused(&alice, &[("expires", days)]).await;
        assert!(answer.field_error("expires").is_some(), "{days}");
    }
    assert_eq!(desk.holdings().await, before);
}

#[tokio::test]
async fn a_link_to_the_form_may_choose_the_environment() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for (path, chosen) in [("?environment=live", "live"), ("?environment=test", "test"), ("?type=odd", "test")] {
        let page = alice.get(&format!("/settings/api-keys/new{path}")).await;
        assert_eq!(page.chosen("environment"), [chosen], "{path}");
    }
}

#[tokio::test]
async fn an_unknown_type_is_refused() {
    let desk = TestApp::with_product(|product| product.keys.types = vec!["standard".into()]).await;
    let alice = desk.alice().await;
    let before = desk.holdings().await;
    for key_type in ["restricted", "admin", "STANDARD"] {
        let answer = refused(&alice, &[("type", key_type)]).await;
        assert_eq!(answer.problems(), ["Choose the type of key: standard."]);
    }
    assert_eq!(desk.holdings().await, before);
}

#[tokio::test]
async fn the_button_pressed_twice_makes_one_key() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let form_id = alice.get("/settings/api-keys/new").await.value_of("form_id");
    assert!(!form_id.is_empty());
    let fields = form(&[("form_id", &form_id)]);
    let first = alice.post("/settings/api-keys", &fields).await;
    let (second, third) =
        tokio::join!(alice.post("/settings/api-keys", &fields), alice.post("/settings/api-keys", &fields));
    assert_eq!((first.status, second.status, third.status), (303, 303, 303));
    assert!(first.location() == second.location() && first.location() == third.location());
    assert_eq!(desk.count("select count(*) from api_keys").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_button_pressed_twice_at_once_makes_one_key_and_both_answers_lead_to_it() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let form_id = alice.get("/settings/api-keys/new").await.value_of("form_id");
    let mut presses = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (alice, form_id) = (alice.clone(), form_id.clone());
        presses.spawn(async move { alice.post("/settings/api-keys", &form(&[("form_id", &form_id)])).await });
    }
    let answers = presses.join_all().await;
    let mut led_to: Vec<_> = answers.iter().map(|answer| (answer.status, answer.location().to_owned())).collect();
    led_to.dedup();
    assert_eq!(led_to.len(), 1, "{led_to:?}");
    assert_eq!(led_to[0].0, 303);
    assert_eq!(desk.count("select count(*) from api_keys").await, 2);
}

#[tokio::test]
async fn a_form_that_was_open_too_long_or_in_another_session_is_shown_again() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let theirs = desk.signed_in(&alice.email).await.get("/settings/api-keys/new").await.value_of("form_id");
    let browser = desk.visitor();
    let fields = [("email", alice.email.as_str()), ("password", crate::support::PASSWORD), ("remember", "yes")];
    browser.post("/sign-in", &fields).await.redirects_to("/settings/api-keys");
    let old = browser.get("/settings/api-keys/new").await.value_of("form_id");
    desk.pass(hours(12) + std::time::Duration::from_secs(1));
    let before = desk.holdings().await;
    for form_id in [old.as_str(), &theirs, "made.up.0", "x"] {
        let answer = browser.post("/settings/api-keys", &form(&[("form_id", form_id)])).await;
        assert_eq!(answer.status, 422);
        answer.has_heading("Press the button again");
        answer.says("This page was open too long to submit safely. Nothing was changed.");
        assert_eq!(answer.value_of("name"), "billing");
        assert_eq!(desk.holdings().await, before);
        if form_id == old {
            let fresh = answer.value_of("form_id");
            assert_ne!(fresh, old);
        }
    }
    let fresh = browser.get("/settings/api-keys/new").await.value_of("form_id");
    assert_eq!(browser.post("/settings/api-keys", &form(&[("form_id", &fresh)])).await.status, 303);
}

#[tokio::test]
async fn a_body_that_is_not_a_form_of_ours_is_refused_with_a_page() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let before = (desk.holdings().await, desk.events(&alice).await.len());
    let form = "application/x-www-form-urlencoded";
    let base = "type=standard&environment=live&preset=full&name=billing";
    let large = format!("{base}&padding=");
    let large = format!("{large}{}", "x".repeat(64 * 1024 + 1 - large.len()));
    assert_eq!(large.len(), 64 * 1024 + 1);
    for (kind, body, status, heading) in [
        (form, format!("{base}%ff%fe").into_bytes(), 400, "That didn’t arrive in one piece"),
        (form, format!("{base}%00").into_bytes(), 400, "That didn’t arrive in one piece"),
        (form, [base.as_bytes(), &b"\xff\xfe"[..]].concat(), 400, "That didn’t arrive in one piece"),
        (form, large.clone().into_bytes(), 413, "That’s too much for one form"),
        ("application/json", b"{}".to_vec(), 400, "That didn’t arrive in one piece"),
        ("multipart/form-data; boundary=x", b"--x--".to_vec(), 400, "That didn’t arrive in one piece"),
    ] {
        let answer = alice.ask(Method::POST, "/settings/api-keys").raw(kind, body).send().await;
        assert_eq!(answer.status, status, "{kind}");
        answer.has_heading(heading);
    }
    assert_eq!((desk.holdings().await, desk.events(&alice).await.len()), before);
    let whole = alice.ask(Method::POST, "/settings/api-keys").raw(form, large[..64 * 1024].to_owned()).send().await;
    assert_eq!(whole.status, 303, "64 KiB exactly is allowed");
}

#[tokio::test]
async fn an_account_holds_no_more_keys_than_the_product_allows() {
    let desk = TestApp::with_product(|product| product.keys.limit = 1).await;
    let alice = desk.alice().await;
    let before = (desk.holdings().await, desk.events(&alice).await.len());
    let answer = refused(&alice, &[]).await;
    assert_eq!(answer.problems(), ["This account may hold 1 key. Delete one first."]);
    assert_eq!((desk.holdings().await, desk.events(&alice).await.len()), before);
    let first = alice.first_key().await;
    alice.post(&key_path(&first, "delete"), &[("name", "first-key")]).await.redirects_to("/settings/api-keys");
    alice.creates("billing", &[]).await;
}

#[tokio::test]
async fn a_product_without_environments_asks_for_none() {
    let desk = TestApp::with_product(|product| {
        product.environments.clear();
        product.sign_up_key = None;
    })
    .await;
    let alice = desk.alice().await;
    let page = alice.get("/settings/api-keys/new").await;
    page.says_nothing_of("Environment");
    let answer = alice.post("/settings/api-keys", &form(&[("environment", "(absent)")])).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let id = answer.location().rsplit('/').next().expect("an id").to_owned();
    let secret = alice.reveals(&id).await;
    assert!(secret.starts_with("kd_") && secret.matches('_').count() == 1);
    assert_eq!(desk.holder(&secret).get("/v1/key").await.json()["environment"], "");
    refused(&alice, &[("environment", "live"), ("name", "other")]).await;
}
