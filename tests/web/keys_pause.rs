//! Pause and resume: a paused key is refused at once, everywhere, and goes on as it was.

use keydesk::clock::days;
use keydesk::product::KeyAct;

use crate::support::{TestApp, key_path};

#[tokio::test]
async fn a_paused_key_is_refused_with_the_answer_and_works_again_once_it_is_resumed() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let program = desk.holder(&key.secret);
    assert_eq!(program.get("/v1/key").await.status, 200);
    let since = desk.events(&alice).await.len();
    alice.post(&key_path(&key.id, "pause"), &[]).await.redirects_to(&key_path(&key.id, ""));
    assert_eq!((program.get("/v1/key").await.status, program.get("/gate/authorize").await.status), (401, 401));
    let page = alice.get(&key_path(&key.id, "")).await;
    page.says("Paused");
    assert_eq!(page.flash().as_deref(), Some("billing is paused. Requests with it fail with 401 until you resume it."));
    alice.get("/settings/api-keys?status=paused").await.says("billing");
    alice.post(&key_path(&key.id, "pause"), &[]).await.redirects_to(&key_path(&key.id, ""));
    alice.post(&key_path(&key.id, "resume"), &[]).await.redirects_to(&key_path(&key.id, ""));
    let resumed = alice.get(&key_path(&key.id, "")).await;
    assert_eq!(resumed.flash().as_deref(), Some("billing is resumed. Requests with it work again."));
    assert_eq!((program.get("/v1/key").await.status, program.get("/gate/authorize").await.status), (200, 200));
    alice.post(&key_path(&key.id, "resume"), &[]).await.redirects_to(&key_path(&key.id, ""));
    assert_eq!(desk.codes_after(&alice, since).await, ["key.paused", "key.resumed"], "twice is no news");
}

#[tokio::test]
async fn what_expired_is_not_paused() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[("expires", "30")]).await;
    alice.get(&key_path(&key.id, "")).await.says("Pause");
    desk.pass(days(31));
    let alice = desk.signed_in(&alice.email).await;
    let page = alice.get(&key_path(&key.id, "")).await;
    page.says("Expired");
    page.says_nothing_of("Pause");
}

#[tokio::test]
async fn a_product_without_pausing_has_no_button_for_it_and_yet_resumes_what_was_paused() {
    let desk = TestApp::with_product(|product| product.keys.in_page.retain(|act| *act != KeyAct::Pause)).await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    alice.get(&key_path(&key.id, "")).await.says_nothing_of("Pause");
    assert_eq!(alice.post(&key_path(&key.id, "pause"), &[]).await.status, 404);
    desk.database.run(&format!("update api_keys set paused_at = 1 where id = '{}'", key.id)).await;
    assert_eq!(desk.holder(&key.secret).get("/v1/key").await.status, 401);
    alice.get(&key_path(&key.id, "")).await.says("Resume");
    alice.post(&key_path(&key.id, "resume"), &[]).await.redirects_to(&key_path(&key.id, ""));
    assert_eq!(desk.holder(&key.secret).get("/v1/key").await.status, 200);
}
