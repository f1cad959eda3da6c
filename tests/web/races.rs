//! The same button pressed by many at once: once is enough, and the record stays whole.

use std::collections::BTreeMap;

use keydesk::clock::hours;
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{Actor, Answer, PASSWORD, TestApp, key_path};

const AT_ONCE: usize = 12;

/// How many answers of each status `ask` gets when it is asked many times at once.
async fn at_once<F>(ask: impl Fn(usize) -> F) -> (BTreeMap<u16, usize>, Vec<Answer>)
where
    F: Future<Output = Answer> + Send + 'static,
{
    let mut asked = JoinSet::new();
    for number in 0..AT_ONCE {
        asked.spawn(ask(number));
    }
    let answers = asked.join_all().await;
    let mut statuses = BTreeMap::new();
    for answer in &answers {
        *statuses.entry(answer.status).or_default() += 1;
    }
    (statuses, answers)
}

async fn pressed(actor: &Actor, path: &str, fields: &[(&'static str, String)]) -> BTreeMap<u16, usize> {
    let ask = |_| {
        let (actor, path, fields) = (actor.clone(), path.to_owned(), fields.to_vec());
        async move {
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            actor.post(&path, &fields).await
        }
    };
    at_once(ask).await.0
}

fn once(good: u16, otherwise: u16) -> BTreeMap<u16, usize> {
    BTreeMap::from([(good, 1), (otherwise, AT_ONCE - 1)])
}

async fn assert_whole(desk: &TestApp, of: &Actor) {
    let mut previous = String::new();
    for (index, event) in desk.events(of).await.iter().enumerate() {
        assert_eq!(usize::try_from(event.seq), Ok(index + 1), "a gap in the record");
        assert_eq!(event.chained(&previous, &desk.app.keyring), event.mac, "event {} is not chained", event.seq);
        previous.clone_from(&event.mac);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_address_signs_up_once() {
    let desk = TestApp::new().await;
    let ask = |number: usize| {
        let visitor = desk.visitor().at(&format!("198.51.100.{number}"));
        async move { visitor.post("/sign-up", &[("email", "alice@halden.example"), ("password", PASSWORD)]).await }
    };
    let (statuses, _) = at_once(ask).await;
    assert_eq!(statuses, once(303, 422));
    assert_eq!(desk.holdings().await, [1, 1, 1, 1, 0, 1, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_name_is_given_once() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let named = |name: &str| ("name", name.to_owned());
    assert_eq!(pressed(&alice, "/settings/inboxes", &[named("Orders")]).await, once(303, 422));
    let form = [named("billing"), ("environment", "live".into()), ("preset", "full".into())];
    assert_eq!(pressed(&alice, "/settings/api-keys", &form).await, once(303, 422));
    assert_eq!(desk.holdings().await, [2, 2, 2, 2, 1, 1, 1]);
    assert_whole(&desk, &alice).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_number_of_keys_is_never_exceeded() {
    let desk = TestApp::with_product(|product| product.keys.limit = 3).await;
    let alice = desk.alice().await;
    let ask = |number: usize| {
        let alice = alice.clone();
        async move {
            let name = format!("key {number}");
            alice.post("/settings/api-keys", &[("name", &name), ("environment", "live"), ("preset", "full")]).await
        }
    };
    let (statuses, _) = at_once(ask).await;
    assert_eq!(statuses, BTreeMap::from([(303, 2), (422, AT_ONCE - 2)]));
    assert_eq!(desk.count("select count(*) from api_keys where deleted_at is null").await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_and_an_inbox_are_deleted_once() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let inbox = alice.inbox("Orders").await;
    alice.restricted_key("orders", &inbox).await;
    let id = alice.creates("billing", &[]).await;
    let before = desk.events(&alice).await.len();
    pressed(&alice, &key_path(&id, "delete"), &[("name", "billing".into())]).await;
    pressed(&alice, &format!("/settings/inboxes/{inbox}/delete"), &[("name", "Orders".into())]).await;
    let mut codes = desk.codes_after(&alice, before).await;
    codes.sort_unstable();
    assert_eq!(codes, ["inbox.deleted", "key.deleted", "key.deleted"]);
    assert_whole(&desk, &alice).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_that_many_rotate_at_once_has_two_secrets_and_no_more() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let before = desk.events(&alice).await.len();
    let last4 = alice.get(&key_path(&key.id, "rotate")).await.value_of("last4");
    pressed(&alice, &key_path(&key.id, "rotate"), &[("grace", "24h".into()), ("last4", last4)]).await;
    let new = alice.reveals(&key.id).await;
    for secret in [&key.secret, &new] {
        assert_eq!(desk.holder(secret).get("/v1/key").await.status, 200);
    }
    assert_eq!(desk.count(&format!("select count(*) from sealed_secrets where key_id = '{}'", key.id)).await, 0);
    let current = format!("select count(*) from api_key_secrets where key_id = '{}' and dies_at is null", key.id);
    assert_eq!(desk.count(&current).await, 1);
    let codes = desk.codes_after(&alice, before).await;
    let rotations = codes.iter().filter(|code| **code == "key.rotated").count();
    let secrets = desk.count(&format!("select count(*) from api_key_secrets where key_id = '{}'", key.id)).await;
    assert_eq!(usize::try_from(secrets), Ok(rotations + 1), "a secret for each rotation that is in the record");
    assert_whole(&desk, &alice).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_key_outlives_the_inbox_that_it_is_bound_to() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for round in 0..4 {
        let inbox = alice.inbox(&format!("Orders {round}")).await;
        let ask = |number: usize| {
            let (alice, inbox) = (alice.clone(), inbox.clone());
            async move {
                if number == AT_ONCE / 2 {
                    let path = format!("/settings/inboxes/{inbox}/delete");
                    return alice.post(&path, &[("name", &format!("Orders {round}"))]).await;
                }
                let name = format!("key {round} {number}");
                let scopes = [("preset", "custom"), ("scopes[]", "mail:send"), ("environment", "live")];
                let bound = [("type", "restricted"), ("inbox", inbox.as_str()), ("name", name.as_str())];
                alice.post("/settings/api-keys", &[&bound[..], &scopes[..]].concat()).await
            }
        };
        let (statuses, _) = at_once(ask).await;
        assert!(statuses.keys().all(|status| matches!(status, 303 | 422)), "{statuses:?}");
    }
    let outlived = "select count(*) from api_keys k join inboxes i on i.id = k.inbox_id
                    where i.deleted_at is not null and k.deleted_at is null";
    assert_eq!(desk.count(outlived).await, 0);
    assert_whole(&desk, &alice).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_who_refresh_with_one_token_at_once_get_one_successor() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let granted = desk.log_in(&alice.email).await;
    let ask = |_| {
        let (program, body) = (desk.visitor(), json!({ "refresh_token": granted["refresh_token"] }));
        async move { program.post_json("/api/auth/refresh", &body).await }
    };
    let (statuses, answers) = at_once(ask).await;
    assert_eq!(statuses, BTreeMap::from([(200, AT_ONCE)]), "nobody is signed out");
    let mut successors: Vec<String> = answers.iter().map(|answer| answer.json()["refresh_token"].to_string()).collect();
    successors.sort();
    successors.dedup();
    assert_eq!(successors.len(), 1);
    assert_eq!(desk.count("select count(*) from refresh_tokens").await, 2, "one spent, one to spend");
    assert_whole(&desk, &alice).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_from_everywhere_are_all_counted() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[("expires", "none")]).await;
    for _ in 0..3 {
        let ask = |number: usize| {
            let program = desk.holder(&key.secret).at(&format!("198.51.100.{number}"));
            async move { program.get("/v1/key").await }
        };
        let (statuses, ()) = (at_once(ask).await.0, desk.flush().await);
        assert_eq!(statuses, BTreeMap::from([(200, AT_ONCE)]));
        desk.pass(hours(1));
    }
    let sum = format!("select cast(sum(ok) as bigint) from usage_hours where key_id = '{}'", key.id);
    assert_eq!(desk.count(&sum).await, 3 * 12);
    assert_eq!(desk.count(&sum.replace("hours", "days")).await, 3 * 12);
}
