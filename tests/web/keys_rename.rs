//! Another name: the key goes on as it was, and the log says both names.

use keydesk::product::KeyAct;

use crate::support::{TestApp, key_path};

#[tokio::test]
async fn a_renamed_key_keeps_its_id_secret_and_history() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    assert_eq!(desk.holder(&key.secret).get("/v1/key").await.json()["name"], "billing");
    let (page, since) = (key_path(&key.id, "rename"), desk.events(&alice).await.len());
    assert_eq!(alice.get(&page).await.value_of("name"), "billing");
    alice.post(&page, &[("name", " billing-eu ")]).await.redirects_to(&key_path(&key.id, ""));
    let shown = alice.get(&key_path(&key.id, "")).await;
    shown.has_heading("billing-eu");
    assert_eq!(shown.flash().as_deref(), Some("billing is now called billing-eu."));
    assert_eq!(desk.holder(&key.secret).get("/v1/key").await.json()["name"], "billing-eu");
    assert_eq!(desk.codes_after(&alice, since).await, ["key.renamed"]);
    alice.get("/settings/audit-log").await.says("Renamed the key, was billing");
    alice.creates("billing", &[]).await;
}

#[tokio::test]
async fn a_name_that_cannot_be_changes_nothing_and_stays_in_its_field() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    alice.creates("Reports", &[]).await;
    let (page, since) = (key_path(&id, "rename"), desk.events(&alice).await.len());
    let long = "n".repeat(51);
    for (name, mistake) in [
        ("", "Enter a name."),
        ("reports", "A live key named reports already exists. Choose another name."),
        (long.as_str(), "Use 50 characters or fewer. This name has 51."),
    ] {
        let answer = alice.post(&page, &[("name", name)]).await;
        assert_eq!(answer.status, 422, "{name}");
        assert_eq!(answer.problems(), [mistake]);
        assert_eq!(answer.field_error("name").as_deref(), Some(mistake));
        assert_eq!(answer.value_of("name"), name);
    }
    alice.post(&page, &[("name", "billing")]).await.redirects_to(&key_path(&id, ""));
    assert_eq!(desk.codes_after(&alice, since).await, Vec::<&str>::new(), "the same name is no news");
    alice.post(&page, &[("name", "BILLING")]).await.redirects_to(&key_path(&id, ""));
    alice.get(&key_path(&id, "")).await.says("BILLING is ready.");
}

#[tokio::test]
async fn a_product_without_renaming_has_no_page_for_it() {
    let desk = TestApp::with_product(|product| product.keys.in_page.retain(|act| *act != KeyAct::Rename)).await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    let page = key_path(&id, "rename");
    assert_eq!((alice.get(&page).await.status, alice.post(&page, &[("name", "x")]).await.status), (404, 404));
    alice.reveals(&id).await;
    let shown = alice.get(&key_path(&id, "")).await;
    shown.has_heading("billing");
    shown.says_nothing_of("Rename");
    alice.get("/settings/api-keys").await.says_nothing_of("Rename");
    alice.get("/docs").await.says("Keys can’t be renamed. To change a name, delete the key and create another.");
}

#[tokio::test]
async fn a_deleted_key_keeps_the_name_it_had() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    alice.post(&key_path(&id, "delete"), &[("name", "billing")]).await.redirects_to("/settings/api-keys");
    assert_eq!(alice.post(&key_path(&id, "rename"), &[("name", "other")]).await.status, 404);
    assert_eq!(alice.post(&key_path(&id, "pause"), &[]).await.status, 404);
}
