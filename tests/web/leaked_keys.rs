//! A leaked key: whoever holds it has it switched off, at once and once, and its owners are told; nobody else learns
//! anything.

use std::time::Duration;

use axum::http::Method;
use keydesk::clock::days;
use keydesk::product::KeyAct;
use serde_json::{Value, json};

use crate::audit;
use crate::support::{Actor, Answer, TestApp, key_path, logged};

const PAGE: &str = "/report-leaked-key";
const API: &str = "/api/report-leaked-key";
const THANKS: &str = "Thank you. If it is one of ours, it has been switched off.";

async fn works(desk: &TestApp, secret: &str) -> bool {
    desk.holder(secret).get("/v1/key").await.status == 200
}

fn finder(desk: &TestApp) -> Actor {
    desk.visitor().at("192.0.2.77")
}

async fn reports(desk: &TestApp, secret: &str, url: &str) -> Answer {
    finder(desk).post(PAGE, &[("secret", secret), ("url", url)]).await
}

#[tokio::test]
async fn whoever_holds_a_secret_switches_it_off_before_the_answer() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    assert!(works(&desk, &key.secret).await, "the gate remembers it");
    let before = desk.events(&alice).await.len();

    let answer = reports(&desk, &key.secret, "https://ana:hush@git.example/a/.env?token=abc#L3").await;
    answer.redirects_to("/report-leaked-key?reported=yes");
    assert!(!works(&desk, &key.secret).await);
    let thanks = finder(&desk).get(answer.location()).await;
    thanks.has_heading(THANKS);

    let events = desk.events(&alice).await.split_off(before);
    let said: Vec<_> = events.iter().map(|event| (event.action.code(), event.detail.as_str())).collect();
    let seen = "through the page for leaked keys, found at https://git.example/a/.env";
    assert_eq!(said, [("key.exposed", seen), ("key.deleted", "its secret was leaked")]);
    for event in &events {
        assert_eq!((event.actor_kind.as_str(), event.ip.as_str()), ("visitor", "192.0.2.77"));
        assert_eq!((event.target_id.as_str(), event.target_name.as_str()), (key.id.as_str(), "billing"));
        assert!(event.request_id.starts_with("req_"));
    }
    alice.get(&key_path(&key.id, "")).await.says("Deleted");
    let log = alice.get("/settings/audit-log").await;
    log.says("Reported the key as leaked");
    log.says_nothing_of(&key.secret);
}

#[tokio::test]
async fn its_administrators_are_told_once_however_often_it_is_reported() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let (amir, _) = (desk.amir(&alice).await, desk.bob().await);
    let inbox = alice.inbox("Orders").await;
    let key = alice.restricted_key("orders", &inbox).await;
    desk.mail().await;
    for _ in 0..3 {
        reports(&desk, &key.secret, "https://git.example/a").await.redirects_to("/report-leaked-key?reported=yes");
        desk.visitor().post_json(API, &json!({ "secret": key.secret })).await;
    }
    let mails = desk.mail().await;
    let to: Vec<_> = mails.iter().map(|mail| (mail.to.as_str(), mail.subject.as_str())).collect();
    assert_eq!(to, [("alice@halden.example", "Your Keydesk key orders was reported as leaked and switched off")]);
    assert_ne!(amir.email, mails[0].to);
    let mail = &mails[0];
    assert!(mail.text.contains("found at https://git.example/a") && mail.text.contains(&key.id), "{}", mail.text);
    assert!(!mail.text.contains(&key.secret) && !mail.html.contains(&key.secret));
    let form = alice.get(&mail.link()).await;
    form.has_heading("Create a restricted key");
    assert!(form.html().contains(&format!("value=\"{inbox}\" selected")), "filled from the old key");
    let codes: Vec<_> = desk.events(&alice).await.iter().map(|event| event.action.code()).collect();
    assert_eq!(codes.iter().filter(|code| **code == "key.exposed").count(), 1);
}

#[tokio::test]
async fn many_reports_at_once_are_one() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    desk.mail().await;
    let report = || reports(&desk, &key.secret, "");
    let all = tokio::join!(report(), report(), report(), report(), report(), report());
    for answer in [all.0, all.1, all.2, all.3, all.4, all.5] {
        assert_eq!(answer.status, 303);
    }
    assert_eq!(desk.mail().await.len(), 1);
    assert_eq!(desk.count("select count(*) from audit_events where action = 'key.exposed'").await, 1);
    assert_eq!(desk.count("select count(*) from audit_events where action = 'key.deleted'").await, 1);
}

#[tokio::test]
async fn strangers_are_told_the_same_whatever_they_report() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let cast = [
        alice.key("live", &[]).await.secret,
        {
            let paused = alice.key("paused", &[]).await;
            alice.post(&key_path(&paused.id, "pause"), &[]).await;
            paused.secret
        },
        {
            let deleted = alice.key("deleted", &[]).await;
            alice.post(&key_path(&deleted.id, "delete"), &[("name", "deleted")]).await;
            deleted.secret
        },
        keydesk::model::secret::Secret::generate("kd_live_", &desk.app.entropy).reveal().to_owned(),
        keydesk::model::secret::Secret::generate("zz_live_", &desk.app.entropy).reveal().to_owned(),
    ];
    let said = |answer: &Answer| (answer.status, answer.location().to_owned(), answer.body.clone());
    let (mut pages, mut answers) = (Vec::new(), Vec::new());
    for secret in &cast {
        audit::note(secret);
        let page = reports(&desk, secret, "").await;
        assert!(page.set_cookies().iter().all(|cookie| !cookie.contains(secret.as_str())));
        pages.push(said(&page));
        answers.push(said(&desk.visitor().post_json(API, &json!({ "secret": secret })).await));
    }
    assert!(pages.iter().all(|page| *page == pages[0]), "{pages:?}");
    assert!(answers.iter().all(|answer| *answer == answers[0] && answer.0 == 202));
    let body: Value = serde_json::from_slice(&answers[0].2).expect("JSON");
    assert_eq!(body, json!({ "message": THANKS }));
    assert!(!works(&desk, &cast[0]).await);
    let log = logged();
    assert!(cast.iter().all(|secret| !log.contains(secret.as_str())), "a secret is in the log");
}

#[tokio::test]
async fn a_paused_key_cannot_be_resumed_after_it_leaked() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("paused", &[]).await;
    alice.post(&key_path(&key.id, "pause"), &[]).await;
    reports(&desk, &key.secret, "").await;
    alice.post(&key_path(&key.id, "resume"), &[]).await;
    assert!(!works(&desk, &key.secret).await);
    alice.get(&key_path(&key.id, "")).await.says("Deleted");
}

#[tokio::test]
async fn an_old_secret_that_leaks_ends_and_the_new_one_works_on() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("rotated", &[]).await;
    alice.post(&key_path(&key.id, "rotate"), &[("grace", "7d")]).await;
    let new = alice.reveals(&key.id).await;
    assert!(works(&desk, &key.secret).await && works(&desk, &new).await);
    desk.mail().await;
    reports(&desk, &key.secret, "").await;
    assert!(!works(&desk, &key.secret).await && works(&desk, &new).await);
    let mails = desk.mail().await;
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text.contains("Its old secret, from before you rotated it"), "{}", mails[0].text);
    assert_eq!(mails[0].link(), key_path(&key.id, ""));
    let since = desk.events(&alice).await.len() - 2;
    assert_eq!(desk.codes_after(&alice, since).await, ["key.exposed", "key.old_stopped"]);
    reports(&desk, &key.secret, "").await;
    assert!(desk.mail().await.is_empty(), "it was off already");
    reports(&desk, &new, "").await;
    assert!(!works(&desk, &new).await, "the new one leaks by itself");
}

#[tokio::test]
async fn what_expired_or_was_rotated_out_is_left_as_it_was() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let expired = alice.key("expired", &[("expires", "30")]).await;
    let spent = alice.key("spent", &[("expires", "none")]).await;
    alice.post(&key_path(&spent.id, "rotate"), &[("grace", "1h")]).await;
    let current = alice.reveals(&spent.id).await;
    desk.pass(days(31));
    desk.mail().await;
    let before = desk.holdings().await;
    for secret in [&expired.secret, &spent.secret] {
        assert_eq!(reports(&desk, secret, "").await.status, 303);
    }
    assert_eq!(desk.holdings().await, before);
    assert!(desk.mail().await.is_empty() && works(&desk, &current).await);
}

#[tokio::test]
async fn where_nobody_can_make_another_key_it_stays_to_be_rotated() {
    let desk = TestApp::with_product(|product| {
        product.keys.in_page = vec![KeyAct::Rotate];
        product.keys.over_api = vec![];
    })
    .await;
    let alice = desk.alice().await;
    let id = alice.first_key().await;
    let secret = alice.reveals(&id).await;
    assert!(works(&desk, &secret).await);
    desk.mail().await;
    reports(&desk, &secret, "").await;
    assert!(!works(&desk, &secret).await);
    let mails = desk.mail().await;
    assert!(mails[0].text.contains("Rotate the key for a new secret"), "{}", mails[0].text);
    assert_eq!(mails[0].link(), key_path(&id, ""));
    let page = alice.get(&key_path(&id, "")).await;
    page.says("To be rotated");
    page.says(
        "This key waits to be rotated. Its secret leaked or was lost, and requests with it fail with 401. Rotate it",
    );
    alice.post(&key_path(&id, "rotate"), &[("grace", "0")]).await;
    let new = alice.reveals(&id).await;
    assert!(works(&desk, &new).await && !works(&desk, &secret).await);
    alice.get(&key_path(&id, "")).await.says_nothing_of("waits to be rotated");
}

#[tokio::test]
async fn the_mail_advises_nothing_that_the_product_does_not_offer() {
    let desk = TestApp::with_product(|product| product.keys.in_page.retain(|act| *act != KeyAct::Rotate)).await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    desk.mail().await;
    reports(&desk, &key.secret, "").await;
    let mail = desk.mail().await.remove(0);
    assert!(mail.text.contains("Create another key, and put it where this one was."), "{}", mail.text);
    assert!(!mail.text.to_lowercase().contains("rotat"), "{}", mail.text);
    alice.get(&mail.link()).await.has_heading("Create a standard key");

    for (over_api, advice) in [
        (
            vec![KeyAct::Create, KeyAct::Rotate],
            "Rotate the key over the API for a new secret, and put it where the old one was.",
        ),
        (vec![KeyAct::Create], "Create another key over the API, and put it where this one was."),
        (vec![], "It can’t be replaced here: ask Keydesk for another key."),
    ] {
        let desk = TestApp::with_product(|product| {
            product.keys.in_page = vec![];
            product.keys.over_api = over_api;
        })
        .await;
        let alice = desk.alice().await;
        let id = alice.first_key().await;
        let secret = alice.reveals(&id).await;
        desk.mail().await;
        reports(&desk, &secret, "").await;
        assert!(!works(&desk, &secret).await);
        let mail = desk.mail().await.remove(0);
        assert!(mail.text.contains(advice), "{}", mail.text);
        assert!(mail.text.contains("See the key:") && !mail.text.contains("Rotate the key:"), "{}", mail.text);
        assert_eq!(mail.link(), key_path(&id, ""));
    }
}

#[tokio::test]
async fn what_is_pasted_may_be_a_file_but_not_a_part_of_a_key() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let (one, two) = (alice.key("one", &[]).await.secret, alice.key("two", &[]).await.secret);
    let part = &one[..one.len() - 1];
    audit::note(part);
    for wrong in ["", "nothing of the kind", part] {
        let answer = reports(&desk, wrong, "").await;
        assert_eq!(answer.status, 422);
        let error = answer.field_error("secret").expect("an error");
        assert_eq!(error, "This is not a whole key. Paste all of it, with its beginning, such as kd_live_.");
        assert!(wrong.is_empty() || !answer.html().contains(wrong), "it is not said again");
        assert_eq!(answer.value_of("secret"), "");
    }
    assert!(works(&desk, &one).await);
    let file = format!("# production\nONE='{one}'\nexport TWO={two}&x=1\n");
    assert_eq!(reports(&desk, &file, "").await.status, 303);
    assert!(!works(&desk, &one).await && !works(&desk, &two).await);
}

#[tokio::test]
async fn a_key_of_an_earlier_definition_is_switched_off_too() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let old = alice.key("old", &[]).await;
    let desk = desk.restarted(|product| product.keys.prefix = "zz".into(), crate::support::SECRET_FILE).await;
    reports(&desk, &old.secret, "").await;
    assert!(!works(&desk, &old.secret).await);
}

#[tokio::test]
async fn reports_are_throttled_by_source_and_sign_ins_are_not_in_their_way() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let visitor = desk.visitor().at("192.0.2.1");
    let reports = async |from: &Actor| from.post(PAGE, &[("secret", "x")]).await;
    for _ in 0..20 {
        assert_eq!(reports(&visitor).await.status, 422);
    }
    let paused = reports(&visitor).await;
    assert_eq!((paused.status, paused.header("retry-after")), (429, "3"));
    paused.says("Too many reports came from your network. Try again in 3 seconds.");
    let answer = visitor.post_json(API, &json!({ "secret": key.secret })).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "3"));
    assert!(works(&desk, &key.secret).await, "a throttled report is not looked at");
    assert_eq!(reports(&desk.visitor().at("192.0.2.2")).await.status, 422);
    assert_eq!(desk.signed_in(&alice.email).await.at("192.0.2.1").get("/settings/api-keys").await.status, 200);
    desk.pass(Duration::from_secs(3));
    assert_eq!(visitor.post_json(API, &json!({ "secret": key.secret })).await.status, 202);
    assert!(!works(&desk, &key.secret).await);
}

#[tokio::test]
async fn a_report_comes_from_our_own_page_or_as_json_and_over_tls() {
    let desk = TestApp::over_https().await;
    let visitor = desk.visitor();
    let form = |site: &str| visitor.ask(Method::POST, PAGE).sent_from(site).form(&[("secret", "x")]);
    assert_eq!(form("cross-site").send().await.status, 403);
    let json = json!({ "secret": "x" });
    assert_eq!(visitor.post_json(API, &json).await.status, 403, "in the clear");
    let desk = TestApp::new().await;
    let visitor = desk.visitor();
    assert_eq!(visitor.post(API, &[("secret", "x")]).await.status, 415);
    for bad in [json!({}), json!([]), json!({ "secret": 1 }), json!({ "secret": "x", "who": "me" })] {
        assert_eq!(visitor.post_json(API, &bad).await.status, 400, "{bad}");
    }
    assert_eq!(visitor.post_json(API, &json!({ "secret": "x".repeat(70_000) })).await.status, 413);
    assert_eq!(visitor.get(&format!("{PAGE}?secret=x")).await.status, 200, "a query is not a report");
}

#[tokio::test]
async fn security_txt_leads_to_the_page_and_is_true_for_less_than_a_year() {
    let desk = TestApp::new().await;
    let answer = desk.visitor().get("/.well-known/security.txt").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/plain; charset=utf-8"));
    let fields = |answer: &Answer| -> Vec<(String, String)> {
        let lines = answer.html().lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.into(), value.into())).collect()
    };
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let own = field("Contact", "http://localhost:8080/report-leaked-key");
    assert_eq!(
        fields(&answer),
        [
            own.clone(),
            field("Expires", "2027-05-20T00:00:00Z"),
            field("Preferred-Languages", "en"),
            field("Canonical", "http://localhost:8080/.well-known/security.txt"),
        ]
    );
    let desk = desk.with_contact("mailto:security@keys.example").await;
    let said = fields(&desk.visitor().get("/.well-known/security.txt").await);
    assert_eq!(said[..2], [field("Contact", "mailto:security@keys.example"), own]);
}

#[tokio::test]
async fn the_page_is_found_from_the_docs_by_everybody() {
    let desk = TestApp::new().await;
    for reader in [desk.visitor(), desk.alice().await] {
        let docs = reader.get("/docs").await;
        assert_eq!(docs.link("Report a leaked key").as_deref(), Some(PAGE));
        let page = reader.get(PAGE).await;
        page.has_heading("Report a leaked key");
        assert!(page.html().contains("autocomplete=\"off\"") && !page.html().contains("<script>"));
    }
}
