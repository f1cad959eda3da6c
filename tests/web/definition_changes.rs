//! A definition that changes under an existing database: what was issued under the old one keeps its verdicts, its
//! headers and its pages, on every node.

use std::time::Duration;

use keydesk::entropy::Entropy;
use keydesk::model::secret::Secret;
use keydesk::product::{ExpiryPolicy, Product};
use keydesk::store::secret_prefixes;

use crate::support::{IDENTITY, TestApp, key_path};

/// Another product: prefix, environments, types, scopes and policies of the built-in one are gone.
fn another(product: &mut Product) {
    product.keys.prefix = "mp".into();
    product.keys.types = vec!["restricted".into()];
    product.keys.full_access = false;
    product.keys.limit = 2;
    product.environments.retain(|environment| environment.id == "live");
    product.environments[0].id = "prod".into();
    product.scopes.retain(|scope| !scope.id.starts_with("mail:r") && !scope.id.starts_with("domains:"));
    product.expiry.policy = ExpiryPolicy::Required;
    product.sign_up_key = None;
}

fn identity(answer: &crate::support::Answer) -> Vec<String> {
    IDENTITY.iter().map(|name| answer.header(name).to_owned()).collect()
}

#[tokio::test]
async fn every_key_keeps_its_verdicts_its_headers_and_its_pages() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let inbox = alice.inbox("Orders").await;
    let custom = |scope| [("preset", "custom"), ("scopes", scope), ("environment", "live")];
    let keys = [
        alice.key("full", &[("preset", "full"), ("environment", "test")]).await,
        alice.key("reader", &custom("mail:read")).await,
        alice.key("domains", &custom("domains:write")).await,
        alice.restricted_key("bound", &inbox).await,
    ];
    let mut before = Vec::new();
    for key in &keys {
        before.push(identity(&desk.holder(&key.secret).asks("").await));
    }
    for change in [
        (|product: &mut Product| product.keys.prefix = "mp".into()) as fn(&mut Product),
        |product| product.environments.clear(),
        |product| product.keys.types = vec!["restricted".into()],
        |product| product.scopes.retain(|scope| scope.id.starts_with("keys:")),
        another,
    ] {
        let after = desk.started_again(change).await;
        let alice = after.signed_in("alice@halden.example").await;
        let list = alice.get("/settings/api-keys").await;
        assert_eq!(list.status, 200);
        for (key, before) in keys.iter().zip(&before) {
            let program = after.holder(&key.secret);
            let passed = program.asks("").await;
            assert_eq!((passed.status, &identity(&passed)), (200, before));
            let own = program.get("/v1/key").await;
            assert_eq!((own.status, own.json()["id"].as_str()), (200, Some(key.id.as_str())), "{}", own.text());
            assert_eq!(alice.get(&key_path(&key.id, "")).await.status, 200);
            assert_eq!(alice.get(&key_path(&key.id, "delete")).await.status, 200);
            assert!(list.html().contains(&key.id));
        }
    }
}

#[tokio::test]
async fn a_scope_that_is_gone_is_still_there_for_who_holds_it() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let reader = alice.key("reader", &[("preset", "custom"), ("scopes", "mail:read")]).await;
    let other = alice.key("other", &[("preset", "custom"), ("scopes", "domains:read")]).await;
    let after = desk.started_again(|product| product.scopes.retain(|scope| scope.id != "mail:read")).await;
    assert_eq!(after.holder(&reader.secret).asks("scope=mail:read").await.status, 200);
    assert_eq!(after.holder(&reader.secret).asks("scope=mail:write").await.status, 403);
    assert_eq!(after.holder(&other.secret).asks("scope=mail:read").await.status, 400);
    let verify = |secret: &str| serde_json::json!({ "secret": secret, "scope": "mail:read" });
    assert_eq!(after.visitor().post_json("/gate/verify", &verify(&reader.secret)).await.status, 200);
    assert_eq!(after.visitor().post_json("/gate/verify", &verify(&other.secret)).await.status, 422);
}

#[tokio::test]
async fn a_key_of_an_environment_that_is_gone_can_be_rotated_and_works_on() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[("preset", "full"), ("environment", "test")]).await;
    let change = |product: &mut Product| {
        product.keys.prefix = "mp".into();
        product.environments.retain(|environment| environment.id == "live");
    };
    let after = desk.started_again(change).await;
    let alice = after.signed_in("alice@halden.example").await;
    alice.post(&key_path(&key.id, "rotate"), &[("grace", "24h")]).await;
    let secret = alice.reveals(&key.id).await;
    assert!(secret.starts_with("mp_test_"), "its environment is what it was");
    for secret in [&secret, &key.secret] {
        assert_eq!(after.holder(secret).asks("").await.status, 200);
    }
}

#[tokio::test]
async fn an_old_secret_belongs_into_no_address_either() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let after = desk.started_again(|product| product.keys.prefix = "mp".into()).await;
    let alice = after.signed_in("alice@halden.example").await;
    for part in [&key.secret[..], &key.secret[..40]] {
        let last4 = &part[part.len() - 4..];
        let answer = alice.get(&format!("/settings/api-keys?q={part}")).await;
        answer.redirects_to(&format!("/settings/api-keys?q={last4}"));
    }
}

#[tokio::test]
async fn a_node_learns_of_another_nodes_prefix_within_a_second_and_reads_nothing_for_garbage() {
    let desk = TestApp::new().await;
    desk.alice().await;
    let older = desk.started_again(|_| {}).await;
    let newer = desk.started_again(|product| product.keys.prefix = "mp".into()).await;
    let alice = newer.signed_in("alice@halden.example").await;
    let key = alice.key("new", &[]).await;
    assert!(key.secret.starts_with("mp_"));
    assert_eq!(older.holder(&key.secret).asks("").await.status, 200, "the first question reads the list again");

    let newest = desk.started_again(|product| product.keys.prefix = "kq".into()).await;
    let alice = newest.signed_in("alice@halden.example").await;
    let key = alice.key("newest", &[]).await;
    let at_once = older.holder(&key.secret).asks("").await.status;
    assert_eq!(at_once, 401, "it was read within this second");
    older.pass(Duration::from_secs(1));
    assert_eq!(older.holder(&key.secret).asks("").await.status, 200);

    older.pass(Duration::from_secs(1));
    older.app.db.close().await;
    let foreign = Secret::generate("zz_", &Entropy::seeded(9));
    let typo = foreign.reveal().replace("zz_", "zy_");
    for garbage in ["zz_live_x", &typo, "kd_live_short"] {
        assert_eq!(older.holder(garbage).asks("").await.status, 401, "nothing is read for {garbage}");
    }
    for _ in 0..2 {
        assert_eq!(older.holder(foreign.reveal()).asks("").await.status, 503, "nobody is called unknown");
    }
}

#[tokio::test]
async fn every_prefix_that_was_ever_issued_is_remembered() {
    let desk = TestApp::new().await;
    desk.started_again(|product| product.keys.prefix = "mp".into()).await;
    let last = desk.started_again(|product| product.environments.clear()).await;
    let known = ["kd_live_", "kd_test_", "kd_", "mp_live_", "mp_test_"];
    let mut listed = secret_prefixes::list(&last.app.db).await.expect("the list");
    listed.sort();
    let mut all = last.app.gate.prefixes.all();
    all.sort();
    assert_eq!(listed, all);
    assert!(known.iter().all(|prefix| all.iter().any(|known| known == prefix)), "{all:?}");
    assert_eq!(all.len(), known.len());
}
