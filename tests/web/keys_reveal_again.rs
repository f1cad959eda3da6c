//! Where the product shows a key again: kept in an envelope, opened under a password and in the log, and gone when the key
//! is, or when the product goes back to showing keys once.

use axum::http::Method;
use keydesk::clock::days;
use keydesk::product::{KeyAct, Product, Reveal};
use keydesk::store::sessions::FRESH;
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{Actor, Answer, TestApp, key_path, logged};

pub const ONLY_TIME: &str = "only time";

pub fn again(product: &mut Product) {
    product.keys.reveal = Reveal::Again;
}

impl TestApp {
    /// How many envelopes lie there for a key.
    pub async fn kept(&self, id: &str) -> i64 {
        self.count(&format!("select count(*) from kept_secrets where key_id = '{id}'")).await
    }
}

pub async fn reveal(who: &Actor, id: &str) -> Answer {
    who.post(&key_path(id, "reveal"), &[]).await
}

/// Nothing was shown, and the log says that it was asked for.
pub async fn is_refused(desk: &TestApp, who: &Actor, id: &str, sentence: &str) {
    let before = desk.events(who).await.len();
    let answer = reveal(who, id).await;
    assert_eq!(answer.status, 410, "{}", answer.text());
    assert_eq!(answer.secrets(), Vec::<String>::new());
    answer.says(sentence);
    assert_eq!(desk.codes_after(who, before).await, ["key.reveal_refused"]);
}

#[tokio::test]
async fn a_key_is_revealed_whenever_somebody_needs_to_copy_it_again() {
    let desk = TestApp::revealing_again().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    let created = alice.get(&key_path(&id, "")).await;
    created.has_heading("Key created");
    created.says("Reveal key");
    created.says("You can reveal this key whenever you need to copy it.");
    created.says_nothing_of("one time");
    created.says_nothing_of("24 hours");
    assert_eq!(created.secrets(), Vec::<String>::new());

    let before = desk.events(&alice).await.len();
    let first = reveal(&alice, &id).await;
    assert_eq!((first.status, first.header("cache-control"), first.location()), (200, "no-store", ""));
    first.has_heading("Copy your key now");
    first.says("You can reveal this key again whenever you need it. Every reveal is recorded in the audit log.");
    first.says_nothing_of(ONLY_TIME);
    let secret = first.secrets()[0].clone();
    assert_eq!(desk.holder(&secret).get("/v1/key").await.status, 200);
    desk.pass(FRESH / 2);
    assert_eq!(reveal(&alice, &id).await.secrets()[0], secret);
    assert_eq!(desk.codes_after(&alice, before).await, ["key.revealed", "key.revealed"]);

    let detail = alice.get(&key_path(&id, "")).await;
    detail.has_heading("billing");
    detail.says("Reveal key");
    detail.says("Revealed 21 Nov 2026, 14:07 UTC by Alice");
    detail.says_nothing_of(&secret);
}

#[tokio::test]
async fn after_five_minutes_it_asks_for_the_password_and_comes_back_to_the_key() {
    let desk = TestApp::revealing_again().await;
    let alice = desk.alice().await;
    let (id, first) = (alice.creates("billing", &[]).await, alice.first_key().await);
    desk.pass(FRESH);
    let before = desk.events(&alice).await.len();
    let stale = reveal(&alice, &id).await;
    stale.redirects_to(&format!("/re-authenticate?next={}", key_path(&id, "")));
    assert_eq!((stale.secrets().len(), stale.header("cache-control")), (0, "no-store"));
    let welcome = [("from", "welcome")];
    alice.post(&key_path(&first, "reveal"), &welcome).await.redirects_to("/re-authenticate?next=/welcome");
    assert_eq!(desk.events(&alice).await.len(), before, "nothing was shown");

    let page = alice.get(stale.location()).await;
    alice.confirms(page.leads_to()).await.redirects_to(&key_path(&id, ""));
    assert!(reveal(&alice, &id).await.secrets()[0].starts_with("kd_live_"));
    let shown = alice.post(&key_path(&first, "reveal"), &welcome).await;
    shown.has_heading("Welcome to Keydesk");
    shown.says_nothing_of(ONLY_TIME);
    assert_eq!(shown.secrets().len(), 1);
    let after = alice.get("/welcome").await;
    after.says("You can reveal it again whenever you need it.");
    after.says("Your key is revealed. Make a request with it and see it arrive here.");
}

#[tokio::test]
async fn with_the_seal_of_a_single_reveal_nobody_is_asked_for_a_password() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    desk.pass(FRESH);
    assert_eq!(reveal(&alice, &id).await.status, 200);
    assert_eq!(desk.count("select count(*) from kept_secrets").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reveals_at_once_all_succeed_and_are_all_in_the_log() {
    let desk = TestApp::revealing_again().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    let before = desk.events(&alice).await.len();
    let mut reveals = JoinSet::new();
    for _ in 0..20 {
        let (alice, id) = (alice.clone(), id.clone());
        reveals.spawn(async move { reveal(&alice, &id).await });
    }
    let answers = reveals.join_all().await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.secrets() == answers[0].secrets()));
    assert_eq!(desk.codes_after(&alice, before).await, ["key.revealed"; 20]);
}

#[tokio::test]
async fn only_an_administrator_of_the_account_reveals() {
    let desk = TestApp::revealing_again().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    let (amir, mei, bob) = (desk.amir(&alice).await, desk.mei(&alice).await, desk.bob().await);
    for (who, status) in [(&amir, 403), (&mei, 403), (&bob, 404)] {
        let answer = reveal(who, &id).await;
        assert_eq!((answer.status, answer.secrets().len()), (status, 0), "{}", who.email);
    }
    desk.visitor().post(&key_path(&id, "reveal"), &[]).await.redirects_to("/sign-in");
    for method in [Method::GET, Method::HEAD] {
        assert_eq!(alice.ask(method, &key_path(&id, "reveal")).send().await.status, 405);
    }
    let seen = amir.get(&key_path(&id, "")).await;
    seen.has_heading("billing");
    seen.says_nothing_of("Reveal key");
    amir.get("/settings/api-keys").await.says_nothing_of("Reveal key");
    desk.pass(FRESH);
    assert_eq!(reveal(&bob, &id).await.status, 404, "nobody learns by a redirect that the key exists");
}

#[tokio::test]
async fn the_list_leads_to_the_keys_that_can_be_revealed() {
    let desk = TestApp::revealing_again().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    let list = alice.get("/settings/api-keys").await;
    let opened = alice.get(&format!("/settings/api-keys?menu={id}")).await;
    assert!(opened.hrefs().contains(&format!("api-keys/{id}#reveal")), "{:?}", opened.hrefs());
    assert!(alice.get(&key_path(&id, "")).await.html().contains("id=\"reveal\""), "it leads to the button");
    list.says_nothing_of("Not revealed");
    let form = alice.get("/settings/api-keys/new").await;
    form.says("You reveal it whenever you need to copy it");
    form.says_nothing_of("You reveal it once");
    let plain = TestApp::new().await;
    let alice = plain.alice().await;
    alice.get("/settings/api-keys").await.says_nothing_of("Reveal key");
    alice.get("/settings/api-keys/new").await.says("You reveal it once");
}

#[tokio::test]
async fn a_key_that_nobody_revealed_for_a_day_has_its_own_page_and_can_still_be_revealed() {
    let desk = TestApp::revealing_again().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    desk.pass(days(400));
    desk.sweep().await;
    let alice = desk.signed_in(&alice.email).await;
    let page = alice.get(&key_path(&id, "")).await;
    page.has_heading("Recent activity");
    page.says("Reveal key");
    assert_eq!(reveal(&alice, &id).await.status, 200);
}

#[tokio::test]
async fn what_is_kept_goes_with_the_key_its_inbox_or_its_secret() {
    let desk = TestApp::revealing_again().await;
    let alice = desk.alice().await;
    let inbox = alice.inbox("Orders").await;
    let (deleted, rotated) = (alice.key("deleted", &[]).await, alice.key("rotated", &[]).await);
    let bound = alice.restricted_key("bound", &inbox).await;
    for key in [&deleted, &rotated, &bound] {
        assert_eq!(desk.kept(&key.id).await, 1);
    }
    alice.post(&key_path(&deleted.id, "delete"), &[("name", "deleted")]).await.redirects_to("/settings/api-keys");
    let delete = format!("/settings/inboxes/{inbox}/delete");
    alice.post(&delete, &[("name", "Orders")]).await.redirects_to("/settings/inboxes");
    for key in [&deleted, &bound] {
        assert_eq!(desk.kept(&key.id).await, 0);
        is_refused(&desk, &alice, &key.id, "This key is deleted, and what we kept of it is destroyed.").await;
        alice.get(&key_path(&key.id, "")).await.says_nothing_of("Reveal key");
    }
    alice.post(&key_path(&rotated.id, "rotate"), &[("grace", "24h")]).await;
    alice.get(&key_path(&rotated.id, "")).await.has_heading("New key ready");
    let new = alice.reveals(&rotated.id).await;
    assert_ne!(new, rotated.secret);
    assert_eq!((desk.kept(&rotated.id).await, alice.reveals(&rotated.id).await), (1, new));
}

#[tokio::test]
async fn a_paused_key_and_an_expired_one_can_be_revealed() {
    let desk = TestApp::revealing_again().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[("expires", "30")]).await;
    desk.database.run(&format!("update api_keys set paused_at = 1 where id = '{}'", key.id)).await;
    assert_eq!(alice.reveals(&key.id).await, key.secret);
    desk.pass(days(31));
    assert_eq!(desk.signed_in(&alice.email).await.reveals(&key.id).await, key.secret);
}

#[tokio::test]
async fn a_key_made_or_rotated_over_the_api_is_not_kept_and_the_page_says_what_to_do() {
    let desk = TestApp::revealing_again().await;
    let alice = desk.alice().await;
    let token = desk.token_of(&alice).await;
    let body = json!({ "name": "made", "scopes": ["mail:send"] });
    let made = token.post_json("/v1/keys", &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(desk.kept(&id).await, 0);
    is_refused(&desk, &alice, &id, "We don’t keep this key: it was made over the API").await;
    let page = alice.get(&key_path(&id, "")).await;
    page.says_nothing_of("Reveal key");
    page.says("It isn’t kept here. Rotate it to get a key that can be revealed.");

    let key = alice.key("page", &[]).await;
    let rotated = token.post_json(&format!("/v1/keys/{}/rotate", key.id), &json!({ "grace": "0" })).await;
    assert_eq!(rotated.status, 200, "{}", rotated.text());
    assert_eq!(desk.kept(&key.id).await, 0, "the old secret is not shown for the new one");
    is_refused(&desk, &alice, &key.id, "Rotate it here to get one that can.").await;
}

#[tokio::test]
async fn an_envelope_moved_to_another_key_opens_nothing_and_is_not_called_a_reveal() {
    let desk = TestApp::revealing_again().await;
    let (alice, bob) = (desk.alice().await, desk.bob().await);
    let (one, other) = (alice.key("one", &[]).await, bob.key("other", &[]).await);
    let events = desk.events(&bob).await.len();
    for columns in ["wrapped_key", "sealed", "wrapped_key, sealed"] {
        let whole = format!("(select wrapped_key, sealed from kept_secrets where key_id = '{}')", one.id);
        let moved = columns.split(", ").map(|column| format!("{column} = (select {column} from {whole} one)"));
        let moved = moved.collect::<Vec<_>>().join(", ");
        desk.database.run(&format!("update kept_secrets set {moved} where key_id = '{}'", other.id)).await;
        let answer = reveal(&bob, &other.id).await;
        assert_eq!((answer.status, answer.secrets().len()), (500, 0), "{columns}");
    }
    assert_eq!(desk.events(&bob).await.len(), events);
    let stolen = format!("update kept_secrets set account_id = '{}' where key_id = '{}'", bob.account_id, one.id);
    desk.database.run(&stolen).await;
    assert_eq!(reveal(&bob, &one.id).await.status, 404);
    assert_eq!(reveal(&alice, &one.id).await.status, 410, "and it is not Alice's any more");
}

#[tokio::test]
async fn under_another_secret_file_nothing_opens_and_the_log_says_it_once_without_a_plaintext() {
    let before = TestApp::revealing_again().await;
    let alice = before.alice().await;
    let key = alice.key("billing", &[]).await;
    let desk = before.restarted(again, [43; 32]).await;
    let answer = reveal(&alice.before(&desk), &key.id).await;
    assert_eq!((answer.status, answer.secrets().len()), (500, 0));
    answer.has_heading("Something broke on our side");
    let request = answer.header("x-request-id").to_owned();
    let log = logged();
    let said: Vec<&str> =
        log.lines().filter(|line| line.contains(&request) && line.contains("does not open under")).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(!log.contains(&key.secret[8..]));
}

/// Mailosaur's way: keys are created, revealed and deleted, and nothing else.
#[tokio::test]
async fn where_keys_are_not_rotated_nobody_is_told_to() {
    let desk = TestApp::with_product(|product| {
        product.keys.reveal = Reveal::Again;
        product.keys.in_page = vec![KeyAct::Create, KeyAct::Delete];
    })
    .await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    assert_eq!(alice.reveals(&key.id).await, key.secret);
    let made = desk.token_of(&alice).await.post_json("/v1/keys", &json!({ "name": "made", "scopes": ["*"] })).await;
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    let refused = reveal(&alice, &id).await;
    assert_eq!(refused.status, 410);
    refused.says("We don’t keep this key: it was made over the API, or before keys could be revealed again. Create another key here: that one can.");
    for page in [refused, alice.get(&key_path(&id, "")).await, alice.get(&key_path(&key.id, "")).await] {
        page.says_nothing_of("/rotate");
        page.says_nothing_of("Rotate it");
    }
}
