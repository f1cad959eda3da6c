//! Least privilege: which scopes nobody used, a draft without them, and the change itself. Fewer work at once; more ask
//! who one is.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::Method;
use keydesk::clock::{days, hours};
use keydesk::gate::Need;
use keydesk::gate::credential::Credential;
use keydesk::product::Route;
use keydesk::store::sessions::FRESH;
use keydesk::store::{api_keys, key_changes};

use crate::support::{Actor, Answer, Key, TestApp, key_path};

const CUSTOM: [(&str, &str); 5] = [
    ("preset", "custom"),
    ("scopes[]", "mail:send"),
    ("scopes[]", "mail:read"),
    ("scopes[]", "domains:read"),
    ("expires", "none"),
];

impl Actor {
    /// Saves other scopes for a key.
    async fn saves_scopes(&self, id: &str, preset: &str, scopes: &[&str]) -> Answer {
        let mut form = vec![("preset", preset)];
        form.extend(scopes.iter().map(|scope| ("scopes[]", *scope)));
        self.post(&key_path(id, "scopes"), &form).await
    }
}

/// The scopes of a key, as the gate tells a gateway.
async fn scopes_of(desk: &TestApp, key: &Key) -> String {
    desk.holder(&key.secret).asks("").await.header("x-keydesk-scopes").to_owned()
}

#[tokio::test]
async fn what_a_request_takes_is_noted_at_every_door() {
    let route =
        |method: &str, path: &str, scope: &str| Route { method: method.into(), path: path.into(), scope: scope.into() };
    let desk = TestApp::with_product(|product| {
        product.routes = vec![route("POST", "/v1/messages", "mail:send"), route("GET", "/v1/ping", "")];
    })
    .await;
    let key = desk.alice().await.key("billing", &[]).await;
    let gateway = desk.holder(&key.secret).at("10.0.0.1");
    for (method, uri) in [("POST", "/v1/messages"), ("GET", "/v1/ping")] {
        let ask = gateway.ask(Method::GET, "/gate/authorize?scope=domains:read");
        let ask = ask.with("x-original-method", method).with("x-original-uri", uri);
        assert_eq!(ask.send().await.status, 200, "{uri}");
    }
    let question = serde_json::json!({ "secret": key.secret, "scope": "mail:read" });
    assert_eq!(desk.visitor().post_json("/gate/verify", &question).await.status, 200);
    assert_eq!(desk.holder(&key.secret).get("/v1/keys").await.status, 200);
    assert_eq!(desk.holder(&key.secret).get("/v1/key").await.status, 200);
    desk.flush().await;
    let noted = format!("select count(*) from usage_scopes where key_id = '{}'", key.id);
    assert_eq!(desk.count(&noted).await, 4);
    for scope in ["mail:send", "domains:read", "mail:read", "keys:read"] {
        assert_eq!(desk.count(&format!("{noted} and scope = '{scope}'")).await, 1, "{scope}");
    }
}

#[tokio::test]
async fn a_refused_request_uses_no_scope_and_no_key_has_more_rows_than_there_are_scopes() {
    let desk = TestApp::with_product(|product| product.rate_limit.per_minute = 0).await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &CUSTOM).await;
    let program = desk.holder(&key.secret);
    for scope in ["mail:write", "odd", "no:such", "*"] {
        assert!(program.asks(&format!("scope={scope}")).await.status >= 400);
    }
    assert_eq!(program.asks("scope=mail:send&inbox=inb_other").await.status, 404);
    desk.flush().await;
    assert_eq!(desk.count("select count(*) from usage_scopes").await, 0);
    let full = alice.key("full", &[]).await;
    for _ in 0..3 {
        for scope in &desk.app.product.scopes {
            assert_eq!(desk.holder(&full.secret).asks(&format!("scope={}", scope.id)).await.status, 200);
        }
        desk.pass(hours(1));
        desk.flush().await;
    }
    let most = i64::try_from(desk.app.product.scopes.len()).expect("a number");
    assert_eq!(desk.count("select count(*) from usage_scopes").await, most);
}

#[tokio::test]
async fn a_keys_page_names_what_nobody_used_and_its_draft_leaves_it_out() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &CUSTOM).await;
    let page = key_path(&key.id, "");
    alice.get(&page).await.says_nothing_of("Unused scopes");
    desk.holder(&key.secret).asks("scope=mail:send").await;
    desk.flush().await;
    let young = alice.get(&page).await;
    young.has_heading("Unused scopes");
    young.says("2 scopes were granted and not used since 21 Nov 2026. mail:read domains:read");

    desk.pass(days(25));
    desk.holder(&key.secret).asks("scope=domains:read").await;
    desk.flush().await;
    desk.pass(days(6));
    let alice = desk.signed_in(&alice.email).await;
    let old = alice.get(&page).await;
    old.says("2 scopes were granted and not used in 30 days. mail:send mail:read");
    let draft = old.link("Draft narrower scopes").expect("a way to the draft");
    assert_eq!(draft, format!("{}?draft=unused", key_path(&key.id, "scopes")));
    let form = alice.get(&draft).await;
    form.says("Nothing is changed yet.");
    assert_eq!(form.chosen("preset"), ["custom"]);
    assert_eq!(form.chosen("scopes[]"), ["domains:read"]);
    let whole = alice.get(&key_path(&key.id, "scopes")).await;
    assert_eq!(whole.chosen("scopes[]"), ["mail:read", "mail:send", "domains:read"], "as the matrix has them");
    whole.says_nothing_of("A draft.");
    assert_eq!(scopes_of(&desk, &key).await, "mail:send mail:read domains:read", "a draft changes nothing");

    // What nobody used at all has no draft: no key is without scopes.
    desk.pass(days(31));
    let alice = desk.signed_in(&alice.email).await;
    let idle = alice.get(&page).await;
    idle.says("3 scopes were granted and not used in 30 days. Nothing else was used either");
    assert_eq!(idle.link("Draft narrower scopes"), None);
    let amir = desk.amir(&alice).await;
    let seen = amir.get(&page).await;
    seen.has_heading("Unused scopes");
    assert_eq!((seen.link("Draft narrower scopes"), seen.link("Change scopes")), (None, None));
}

#[tokio::test]
async fn the_draft_of_a_key_with_full_access_is_what_it_used() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("full", &[("expires", "none")]).await;
    for scope in ["mail:send", "domains:read"] {
        desk.holder(&key.secret).asks(&format!("scope={scope}")).await;
    }
    desk.flush().await;
    let path = key_path(&key.id, "scopes");
    assert_eq!(alice.get(&path).await.chosen("preset"), ["full"]);
    let draft = alice.get(&format!("{path}?draft=unused")).await;
    assert_eq!(draft.chosen("preset"), ["custom"]);
    assert_eq!(draft.chosen("scopes[]"), ["mail:send", "domains:read"]);
    // A preset that is just that is offered as one.
    let sender = alice.key("sender", &[("expires", "none")]).await;
    desk.holder(&sender.secret).asks("scope=mail:send").await;
    desk.flush().await;
    let draft = alice.get(&format!("{}?draft=unused", key_path(&sender.id, "scopes"))).await;
    assert_eq!(draft.chosen("preset"), ["send"]);
}

#[tokio::test]
async fn narrowing_works_with_the_answer_without_a_password_and_is_in_the_record() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &CUSTOM).await;
    let program = desk.holder(&key.secret);
    assert_eq!(program.asks("scope=mail:read").await.status, 200);
    desk.pass(FRESH);
    let since = desk.events(&alice).await.len();
    alice.saves_scopes(&key.id, "custom", &["mail:send"]).await.redirects_to(&key_path(&key.id, ""));
    assert_eq!(program.asks("scope=mail:read").await.status, 403);
    assert_eq!(program.asks("scope=mail:send").await.status, 200);
    assert_eq!(scopes_of(&desk, &key).await, "mail:send");
    let events = desk.events(&alice).await;
    let said: Vec<_> = events[since..].iter().map(|event| (event.action.code(), event.detail.as_str())).collect();
    assert_eq!(said, [("key.scopes_changed", "removed mail:read and domains:read")]);
    assert_eq!(events[since].target_id, key.id);
    let page = alice.get(&key_path(&key.id, "")).await;
    assert_eq!(page.flash().as_deref(), Some("billing has other scopes now: removed mail:read and domains:read."));
    page.says("Changed the scopes, removed mail:read and domains:read");

    // The same again is no news.
    alice.saves_scopes(&key.id, "custom", &["mail:send"]).await.redirects_to(&key_path(&key.id, ""));
    assert_eq!(desk.events(&alice).await.len(), since + 1);
}

#[tokio::test]
async fn widening_asks_who_one_is_and_keeps_the_choice_meanwhile() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &CUSTOM).await;
    desk.pass(FRESH);
    let since = desk.events(&alice).await.len();
    for (preset, scopes) in [("custom", &["mail:send", "mail:write"][..]), ("full", &[]), ("read", &[])] {
        let asked = alice.saves_scopes(&key.id, preset, scopes).await;
        assert_eq!(asked.status, 303);
        assert!(asked.location().starts_with("/re-authenticate?next="), "{preset}: {}", asked.location());
    }
    assert_eq!(scopes_of(&desk, &key).await, "mail:send mail:read domains:read");
    assert_eq!(desk.events(&alice).await.len(), since, "nothing happened");

    let asked = alice.saves_scopes(&key.id, "custom", &["mail:send", "mail:write"]).await;
    let form = alice.get(asked.location()).await;
    let back = keydesk_decoded(form.leads_to());
    let returned = alice.confirms(&back).await;
    let form = alice.get(returned.location()).await;
    assert_eq!(
        (form.chosen("preset"), form.chosen("scopes[]")),
        (vec!["custom".to_owned()], vec!["mail:write".to_owned(), "mail:send".to_owned()])
    );
    alice.saves_scopes(&key.id, "custom", &["mail:send", "mail:write"]).await.redirects_to(&key_path(&key.id, ""));
    assert_eq!(scopes_of(&desk, &key).await, "mail:send mail:write");
    let events = desk.events(&alice).await;
    let last = events.last().expect("an event");
    assert_eq!(last.detail, "removed mail:read and domains:read, added mail:write");
    alice.saves_scopes(&key.id, "full", &[]).await.redirects_to(&key_path(&key.id, ""));
    assert_eq!(scopes_of(&desk, &key).await, "*");
    alice.saves_scopes(&key.id, "read", &[]).await.redirects_to(&key_path(&key.id, ""));
    assert!(
        desk.events(&alice)
            .await
            .last()
            .is_some_and(|event| event.detail.starts_with("removed full access, added mail:read"))
    );
}

/// A path as it stood in an attribute.
fn keydesk_decoded(text: &str) -> String {
    text.replace("&#38;", "&").replace("&amp;", "&")
}

#[tokio::test]
async fn a_mistake_is_a_page_and_nothing_goes_beyond_the_definition() {
    let desk = TestApp::with_product(|product| product.keys.full_access = false).await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &CUSTOM).await;
    let before = scopes_of(&desk, &key).await;
    for (preset, scopes, sentence) in [
        ("custom", &[][..], "Choose at least one scope. A key with no scopes can’t do anything."),
        ("", &[], "Choose at least one scope. A key with no scopes can’t do anything."),
        ("custom", &["mail:sned"], "There is no scope \"mail:sned\". Choose from the scopes of this product."),
        ("custom", &["*"], "No key may hold *, full access, here. Choose from the scopes of this product."),
        ("root", &[], "There is no preset \"root\". Choose send, read, full or custom."),
    ] {
        let again = alice.saves_scopes(&key.id, preset, scopes).await;
        assert_eq!(again.status, 422, "{sentence}");
        assert_eq!(again.field_error("scopes").as_deref(), Some(sentence));
        assert_eq!(again.problems(), [sentence]);
        assert!(again.html().contains("<title>Error: "));
    }
    assert_eq!(scopes_of(&desk, &key).await, before);
}

#[tokio::test]
async fn a_restricted_key_keeps_to_its_binding() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let inbox = alice.inbox("Orders").await;
    let key = alice.restricted_key("bound", &inbox).await;
    let form = alice.get(&key_path(&key.id, "scopes")).await;
    assert!(!form.html().contains("value=\"domains:read\""), "nothing that it can never hold is offered");
    for scope in ["domains:read", "keys:write", "inboxes:write", "*"] {
        let answer = alice.saves_scopes(&key.id, "custom", &["mail:send", scope]).await;
        assert_eq!(answer.status, 422, "{scope}");
    }
    alice.saves_scopes(&key.id, "custom", &["mail:send", "mail:read"]).await.redirects_to(&key_path(&key.id, ""));
    assert_eq!(scopes_of(&desk, &key).await, "mail:send mail:read");
    desk.holder(&key.secret).asks(&format!("scope=mail:read&inbox={inbox}")).await;
    desk.flush().await;
    let draft = alice.get(&format!("{}?draft=unused", key_path(&key.id, "scopes"))).await;
    assert_eq!(draft.chosen("scopes[]"), ["mail:read"]);
}

#[tokio::test]
async fn where_nobody_chooses_scopes_there_is_no_such_page_nor_for_a_deleted_key() {
    let desk = TestApp::of_product("mailosaur").await;
    let alice = desk.alice().await;
    let id = alice.key("ci", &[("environment", ""), ("preset", "")]).await.id;
    let path = key_path(&id, "scopes");
    assert_eq!((alice.get(&path).await.status, alice.post(&path, &[("preset", "read")]).await.status), (404, 404));
    alice.get(&key_path(&id, "")).await.says_nothing_of("Change scopes");

    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("gone", &[]).await;
    alice.post(&key_path(&key.id, "delete"), &[("name", "gone")]).await.redirects_to("/settings/api-keys");
    assert_eq!(alice.get(&key_path(&key.id, "scopes")).await.status, 404);
    assert_eq!(alice.saves_scopes(&key.id, "read", &[]).await.status, 404);
    assert_eq!(desk.bob().await.saves_scopes(&key.id, "read", &[]).await.status, 404);
}

#[tokio::test]
async fn what_was_looked_at_is_what_is_changed() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &CUSTOM).await;
    let stale = api_keys::find(&desk.app.db, &alice.account_id, &key.id).await.expect("a read").expect("a key");
    alice.saves_scopes(&key.id, "custom", &["mail:send"]).await.redirects_to(&key_path(&key.id, ""));
    let author = TestApp::author();
    let wider = "mail:send mail:read".parse().expect("scopes");
    let changed = key_changes::change_scopes(&desk.app.db, &desk.app.act(&author), &stale, &wider).await;
    assert_eq!(changed.expect("an answer"), None, "narrower than it was, wider than it is");
    assert_eq!(scopes_of(&desk, &key).await, "mail:send");
}

/// No verdict that begins after the answer gives the removed scope, whatever was in flight.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_that_starts_after_the_answer_has_a_scope_that_was_taken_away() {
    let desk = TestApp::forgetful(0).await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &CUSTOM).await;
    let taken = AtomicUsize::new(0);
    let judged = AtomicUsize::new(0);
    let find = async || api_keys::find(&desk.app.db, &alice.account_id, &key.id).await.expect("a read").expect("a key");
    let author = TestApp::author();
    let change = async |scopes: &str| {
        let scopes = scopes.parse().expect("scopes");
        let changed = key_changes::change_scopes(&desk.app.db, &desk.app.act(&author), &find().await, &scopes).await;
        assert!(changed.expect("a write").is_some());
    };
    // An odd number: taken away, and answered.
    let changes = async {
        for _ in 0..60 {
            change("mail:send").await;
            taken.fetch_add(1, Ordering::SeqCst);
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            taken.fetch_add(1, Ordering::SeqCst);
            change("mail:send mail:read").await;
        }
        judged.store(usize::MAX, Ordering::SeqCst);
    };
    let judge = async || {
        let need = Need { scope: Some("mail:read"), inbox_id: None };
        let source = "203.0.113.9".parse().expect("an address");
        let mut refused = 0;
        while judged.load(Ordering::SeqCst) != usize::MAX {
            let before = taken.load(Ordering::SeqCst);
            let credential = Credential::bearer(&key.secret);
            let verdict =
                desk.app.gate.decide(credential, source, Ok([need]), desk.app.now()).await.expect("a verdict");
            let after = taken.load(Ordering::SeqCst);
            if !before.is_multiple_of(2) && before == after {
                assert!(verdict.refusal.is_some(), "a scope that was taken away let a request through");
            }
            refused += usize::from(verdict.refusal.is_some());
            tokio::task::yield_now().await;
        }
        refused
    };
    let ((), one, two) = tokio::join!(changes, judge(), judge());
    assert!(one + two > 0, "somebody looked while it was taken away");
}
