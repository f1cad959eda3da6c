//! Deletion: what will break is said before, the name is typed, and from the answer on nothing gets through.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::task::JoinSet;

use crate::support::{TestApp, key_path};

#[tokio::test]
async fn the_page_says_who_still_calls_with_the_key() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    alice.inbox("Orders").await;
    let key = alice.key("billing", &[]).await;
    alice.get(&key_path(&key.id, "delete")).await.says("Never used since it was created less than a day ago.");
    for address in ["198.51.100.80", "198.51.100.81"] {
        assert_eq!(desk.holder(&key.secret).at(address).get("/v1/inboxes").await.status, 200);
    }
    desk.flush().await;
    let page = alice.get(&key_path(&key.id, "delete")).await;
    page.has_heading("Delete billing?");
    page.says("In use right now. Last request less than a minute ago; 2 in the last 24 hours, from 198.51.100.80 and 198.51.100.81.");
    page.says("Live, standard, full access on every inbox.");
    page.says("Type billing to confirm");
    let long_ago = 94_u64 * 86_400 * 1_000_000;
    desk.database
        .run(&format!("update api_keys set last_used_at = last_used_at - {long_ago} where id = '{}'", key.id))
        .await;
    desk.database.run("update usage_hours set hour = hour - 94 * 24").await;
    alice.get(&key_path(&key.id, "delete")).await.says("Not used for 94 days. Last request on 19 Aug 2026.");

    alice.post(&key_path(&key.id, "pause"), &[]).await;
    assert_eq!(desk.holder(&key.secret).get("/v1/inboxes").await.status, 401);
    desk.flush().await;
    let said = "Still called. 1 request with it was refused in the last 24 hours; the last one that passed was on 19 Aug 2026.";
    alice.get(&key_path(&key.id, "delete")).await.says(said);
}

#[tokio::test]
async fn another_name_than_the_exact_one_deletes_nothing() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("production-backend", &[]).await;
    let before = (desk.holdings().await, desk.events(&alice).await.len());
    for typed in ["", "production backend", "Production-Backend", "production-backen", "first-key"] {
        let answer = alice.post(&key_path(&key.id, "delete"), &[("name", typed)]).await;
        assert_eq!(answer.status, 422, "{typed:?}");
        let why = "The name doesn’t match. Type production-backend exactly, with the hyphen.";
        assert_eq!(answer.field_error("name").as_deref(), Some(why));
        assert_eq!(answer.value_of("name"), typed);
    }
    assert_eq!((desk.holdings().await, desk.events(&alice).await.len()), before);
    assert_eq!(desk.holder(&key.secret).get("/v1/key").await.status, 200);
}

#[tokio::test]
async fn a_deleted_key_stops_at_once_and_its_tombstone_stays() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    alice.post(&key_path(&key.id, "delete"), &[("name", "billing")]).await.redirects_to("/settings/api-keys");
    assert_eq!(desk.holder(&key.secret).get("/v1/key").await.status, 401);

    let list = alice.get("/settings/api-keys").await;
    let said = "billing was deleted. Requests using it now fail with 401. View in audit log";
    assert_eq!(list.flash().as_deref(), Some(said));
    assert_eq!(list.link("View in audit log"), Some(format!("/settings/audit-log?target={}", key.id)));
    assert_eq!(list.rows(), ["first-key"]);
    assert_eq!(alice.get("/settings/api-keys").await.flash(), None, "said once");

    let tombstone = alice.get(&key_path(&key.id, "")).await;
    assert_eq!(tombstone.status, 200);
    tombstone.has_heading("billing");
    tombstone.says("Deleted 21 Nov 2026, 14:05 UTC by Alice");
    tombstone.says_nothing_of("/rotate");
    tombstone.says_nothing_of("/delete");
    assert_eq!(alice.get("/settings/api-keys?status=deleted").await.rows(), ["billing"]);
}

#[tokio::test]
async fn a_key_is_deleted_once() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let path = key_path(&key.id, "delete");
    alice.post(&path, &[("name", "billing")]).await.redirects_to("/settings/api-keys");
    let before = desk.events(&alice).await.len();
    assert_eq!(alice.post(&path, &[("name", "billing")]).await.status, 404);
    assert_eq!(alice.get(&path).await.status, 404);
    assert_eq!(desk.events(&alice).await.len(), before);
}

#[tokio::test]
async fn a_retiring_secret_dies_with_its_key() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    alice.post(&key_path(&key.id, "rotate"), &[("grace", "7d")]).await;
    let new = alice.reveals(&key.id).await;
    alice.post(&key_path(&key.id, "delete"), &[("name", "billing")]).await.redirects_to("/settings/api-keys");
    for secret in [&key.secret, &new] {
        assert_eq!(desk.holder(secret).get("/v1/key").await.status, 401);
    }
}

/// The promise of design section 3, under load: no request that starts after the delete answer passes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_64_connections_hammer_a_key_none_that_starts_after_the_delete_answer_passes() {
    let desk = TestApp::with_product(|product| product.rate_limit.per_minute = 0).await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let answered = Arc::new(AtomicBool::new(false));
    let passed = Arc::new(AtomicU64::new(0));
    let mut hammers = JoinSet::new();
    for _ in 0..64 {
        let (program, answered, passed) = (desk.holder(&key.secret), answered.clone(), passed.clone());
        hammers.spawn(async move {
            let mut refused = 0;
            // A few more than one after the answer, so that a cache filled meanwhile would show.
            while refused < 5 {
                let started_after = answered.load(Ordering::SeqCst);
                let status = program.get("/v1/key").await.status;
                assert!(matches!(status, 200 | 401), "{status}");
                assert!(!(started_after && status == 200), "a request that started after the answer passed");
                passed.fetch_add(u64::from(status == 200), Ordering::SeqCst);
                refused += u32::from(started_after);
                tokio::task::yield_now().await;
            }
        });
    }
    while passed.load(Ordering::SeqCst) < 64 {
        tokio::task::yield_now().await;
    }
    alice.post(&key_path(&key.id, "delete"), &[("name", "billing")]).await.redirects_to("/settings/api-keys");
    answered.store(true, Ordering::SeqCst);
    hammers.join_all().await;
}
