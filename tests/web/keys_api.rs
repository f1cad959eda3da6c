//! `/v1/keys`: a key makes keys, none wider than itself, and says a secret once.

use serde_json::{Value, json};

use crate::support::{Actor, Answer, TestApp, key_path};
use keydesk::product::KeyAct;

async fn create(maker: &Actor, body: &Value) -> Answer {
    maker.post_json("/v1/keys", body).await
}

/// A desk, its administrator, and a key of theirs with these scopes.
async fn with_key(scopes: &[&str], fields: &[(&str, &str)]) -> (TestApp, Actor, Actor) {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let mut form = vec![("preset", "custom")];
    form.extend(scopes.iter().map(|scope| ("scopes[]", *scope)));
    form.extend(fields);
    let key = alice.key("maker", &form).await;
    let maker = desk.holder(&key.secret);
    (desk, alice, maker)
}

#[tokio::test]
async fn a_made_key_works_and_its_secret_is_said_once() {
    let (desk, alice, maker) = with_key(&["keys:write", "keys:read", "mail:send"], &[]).await;
    let made = create(&maker, &json!({ "name": "worker", "scopes": ["mail:send"] })).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let key = made.json();
    let secret = key["secret"].as_str().expect("a secret");
    let (id, own) = (key["id"].as_str().expect("an id"), desk.holder(secret).get("/v1/key").await.json());
    assert_eq!((own["id"].as_str(), own["environment"].as_str()), (Some(id), Some("live")));
    assert_eq!(own["scopes"], json!(["mail:send"]));
    let again = maker.get(&format!("/v1/keys/{id}")).await;
    assert_eq!((again.status, again.json().get("secret")), (200, None));
    // Nothing waits sealed in the page either.
    assert_eq!(alice.post(&key_path(id, "reveal"), &[]).await.status, 410);
}

#[tokio::test]
async fn no_key_makes_a_wider_one() {
    let (_desk, _, maker) = with_key(&["keys:write", "mail:send"], &[]).await;
    for (scopes, lacking) in [(json!(["*"]), "*"), (json!(["mail:send", "domains:read"]), "domains:read")] {
        let refused = create(&maker, &json!({ "name": "wide", "scopes": scopes })).await;
        assert_eq!((refused.status, refused.json()["error"]["required_scope"].as_str()), (403, Some(lacking)));
    }
    let full = create(&maker, &json!({ "name": "wide", "preset": "full" })).await;
    assert_eq!(full.status, 403);
}

#[tokio::test]
async fn a_rehearsal_key_makes_no_real_ones_and_addresses_are_handed_on() {
    let fields = [("environment", "test"), ("allowed_ips", "203.0.113.0/24")];
    let (_desk, _, maker) = with_key(&["keys:write", "mail:send"], &fields).await;
    let real = json!({ "name": "real", "scopes": ["mail:send"], "environment": "live" });
    assert_eq!(create(&maker, &real).await.status, 403);
    let same = create(&maker, &json!({ "name": "same", "scopes": ["mail:send"] })).await.json();
    assert_eq!((same["environment"].as_str(), &same["allowed_ips"]), (Some("test"), &json!(["203.0.113.0/24"])));
    let elsewhere = json!({ "name": "out", "scopes": ["mail:send"], "allowed_ips": ["198.51.100.0/24"] });
    assert_eq!(create(&maker, &elsewhere).await.status, 403);
    let inside = json!({ "name": "in", "scopes": ["mail:send"], "allowed_ips": ["203.0.113.7"] });
    assert_eq!(create(&maker, &inside).await.json()["allowed_ips"], json!(["203.0.113.7/32"]));
}

#[tokio::test]
async fn rotating_over_the_api_gives_the_new_secret_but_never_a_wider_one() {
    let (desk, alice, maker) = with_key(&["keys:write", "mail:send"], &[]).await;
    let full = alice.creates("full", &[]).await;
    let narrow = create(&maker, &json!({ "name": "narrow", "scopes": ["mail:send"] })).await.json();
    let path = format!("/v1/keys/{}/rotate", narrow["id"].as_str().expect("an id"));
    let rotated = maker.post_json(&path, &json!({ "grace": "1h" })).await;
    assert_eq!(rotated.status, 200, "{}", rotated.text());
    for secret in [&rotated.json()["secret"], &narrow["secret"]] {
        assert_eq!(desk.holder(secret.as_str().expect("a secret")).get("/v1/key").await.status, 200);
    }
    desk.pass(keydesk::clock::hours(1));
    assert_eq!(desk.holder(narrow["secret"].as_str().expect("a secret")).get("/v1/key").await.status, 401);
    assert_eq!(maker.post_json(&path, &json!({ "grace": "2h" })).await.status, 422);
    // Whoever rotates a key holds it: a full-access key is beyond a narrow one.
    let taken = maker.post_json(&format!("/v1/keys/{full}/rotate"), &json!({})).await;
    assert_eq!((taken.status, taken.json()["error"]["required_scope"].as_str()), (403, Some("*")));
}

#[tokio::test]
async fn keys_are_listed_and_deleted_within_the_account_only() {
    let (desk, _, maker) = with_key(&["keys:read", "keys:write"], &[]).await;
    let listed = maker.get("/v1/keys?limit=1").await.json();
    let first = listed["data"][0]["id"].as_str().expect("a key").to_owned();
    assert_eq!(listed["next"].as_str(), Some(first.as_str()));
    let rest = maker.get(&format!("/v1/keys?after={first}")).await.json();
    assert_eq!((rest["data"].as_array().map(Vec::len), rest["next"].as_str()), (Some(1), None));
    assert_eq!(maker.get("/v1/keys?limit=101").await.status, 400);

    let bob = desk.bob().await;
    let foreign = bob.first_key().await;
    for answer in [
        maker.get(&format!("/v1/keys/{foreign}")).await,
        maker.delete(&format!("/v1/keys/{foreign}")).await,
        maker.post_json(&format!("/v1/keys/{foreign}/rotate"), &json!({})).await,
    ] {
        assert_eq!(answer.status, 404, "{}", answer.text());
    }
    let gone = create(&maker, &json!({ "name": "gone", "scopes": ["keys:read"] })).await.json();
    let path = format!("/v1/keys/{}", gone["id"].as_str().expect("an id"));
    assert_eq!(maker.delete(&path).await.status, 204);
    assert_eq!(maker.delete(&path).await.status, 404);
    assert_eq!(desk.holder(gone["secret"].as_str().expect("a secret")).get("/v1/key").await.status, 401);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_and_nothing_is_made() {
    let (_desk, alice, maker) = with_key(&["keys:write", "mail:send"], &[]).await;
    let before = alice.get("/settings/api-keys").await.rows();
    let fine = json!({ "name": "fine", "scopes": ["mail:send"] });
    for (change, status) in [
        (json!({ "name": "" }), 422),
        (json!({ "name": "x".repeat(51) }), 422),
        (json!({ "scopes": [] }), 422),
        (json!({ "scopes": ["mail:sned"] }), 422),
        (json!({ "type": "restricted" }), 422),
        (json!({ "expires_at": "2020-01-01T00:00:00Z" }), 422),
        (json!({ "expires_at": "tomorrow" }), 422),
        (json!({ "allowed_ips": ["home"] }), 422),
        (json!({ "inbox": "inb_0000000000000000" }), 422),
        (json!({ "inbox": "" }), 422),
        (json!({ "preset": "send", "scopes": ["mail:sned"] }), 422),
        (json!({ "allowed_ips": ["203.0.113.7\n203.0.113.8"] }), 422),
        (json!({ "allowed_ips": [""] }), 422),
        (json!({ "name": "maker" }), 409),
        (json!({ "account_id": "acc_other" }), 400),
        (json!({ "scopes": "mail:send" }), 400),
    ] {
        let mut body = fine.clone();
        body.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
        let answer = create(&maker, &body).await;
        assert_eq!(answer.status, status, "{change}: {}", answer.text());
        assert!(answer.json()["error"]["message"].as_str().is_some_and(|message| !message.is_empty()));
    }
    assert_eq!(alice.get("/settings/api-keys").await.rows(), before);
}

#[tokio::test]
async fn where_the_definition_says_so_keys_are_deleted_in_the_page_only() {
    let desk = TestApp::with_product(|product| product.keys.over_api.retain(|act| *act != KeyAct::Delete)).await;
    let alice = desk.alice().await;
    let key = alice.key("maker", &[]).await;
    let maker = desk.holder(&key.secret);
    assert_eq!(maker.delete(&format!("/v1/keys/{}", key.id)).await.status, 403);
    assert_eq!(maker.get("/v1/key").await.status, 200);
}

#[tokio::test]
async fn an_auditors_session_token_reads_keys_and_changes_none() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let amir = desk.token_of(&desk.amir(&alice).await).await;
    assert_eq!(amir.get("/v1/keys").await.status, 200);
    assert_eq!(create(&amir, &json!({ "name": "no", "scopes": ["mail:send"] })).await.status, 403);
    let mei = desk.token_of(&desk.mei(&alice).await).await;
    assert_eq!(mei.get("/v1/keys").await.status, 403);
}

#[tokio::test]
async fn no_key_makes_or_takes_over_one_that_outlives_it() {
    let (desk, alice, maker) = with_key(&["keys:write", "mail:send"], &[("expires", "30")]).await;
    let made = create(&maker, &json!({ "name": "heir", "scopes": ["mail:send"] })).await.json();
    assert_eq!(made["expires_at"].as_str(), Some("2026-12-21T14:05:00Z"), "its maker's own");
    let later = json!({ "name": "later", "scopes": ["mail:send"], "expires_at": "2027-01-01T00:00:00Z" });
    assert_eq!(create(&maker, &later).await.status, 403);
    let lasting = alice.key("lasting", &[("preset", "send"), ("expires", "none")]).await;
    let taken = maker.post_json(&format!("/v1/keys/{}/rotate", lasting.id), &json!({})).await;
    assert_eq!(taken.status, 403, "{}", taken.text());
    assert_eq!(desk.holder(&lasting.secret).get("/v1/key").await.status, 200);
}

#[tokio::test]
async fn an_expired_key_is_renewed_in_the_page_and_not_over_the_api() {
    let (desk, alice, maker) = with_key(&["keys:write", "mail:send"], &[("expires", "none")]).await;
    let key = alice.key("short", &[("preset", "send"), ("expires", "30")]).await;
    desk.pass(keydesk::clock::days(31));
    let refused = maker.post_json(&format!("/v1/keys/{}/rotate", key.id), &json!({})).await;
    assert_eq!(refused.status, 409, "{}", refused.text());
    let alice = desk.signed_in(&alice.email).await;
    alice.post(&key_path(&key.id, "rotate"), &[("grace", "0")]).await;
    let secret = alice.reveals(&key.id).await;
    assert_eq!(desk.holder(&secret).get("/v1/key").await.status, 200);
}

#[tokio::test]
async fn a_restricted_key_takes_a_maker_that_sees_inboxes() {
    let (desk, alice, maker) = with_key(&["keys:write", "mail:send"], &[]).await;
    let inbox = alice.inbox("Orders").await;
    let body = json!({ "name": "bound", "type": "restricted", "inbox": inbox, "scopes": ["mail:send"] });
    let refused = create(&maker, &body).await;
    assert_eq!((refused.status, refused.json()["error"]["required_scope"].as_str()), (403, Some("inboxes:read")));
    let full = alice.key("full", &[]).await;
    assert_eq!(create(&desk.holder(&full.secret), &body).await.status, 201);
}

#[tokio::test]
async fn a_mistake_is_named_by_the_field_that_was_sent() {
    let (_desk, _, maker) = with_key(&["keys:write", "mail:send"], &[]).await;
    let past = json!({ "name": "", "scopes": ["mail:send"], "expires_at": "2020-01-01T00:00:00Z" });
    let errors = create(&maker, &past).await.json()["error"]["errors"].clone();
    let fields: Vec<_> = errors.as_array().expect("mistakes").iter().map(|mistake| mistake["field"].clone()).collect();
    assert_eq!(fields, ["name", "expires_at"]);
}

#[tokio::test]
async fn a_deleted_key_is_not_there_any_more() {
    let (_desk, _, maker) = with_key(&["keys:read", "keys:write"], &[]).await;
    let gone = create(&maker, &json!({ "name": "gone", "scopes": ["keys:read"] })).await.json();
    let path = format!("/v1/keys/{}", gone["id"].as_str().expect("an id"));
    assert_eq!(maker.get(&path).await.status, 200);
    assert_eq!(maker.delete(&path).await.status, 204);
    assert_eq!(maker.get(&path).await.status, 404);
    assert_eq!(maker.post_json(&format!("{path}/rotate"), &json!({})).await.status, 404);
}

#[tokio::test]
async fn a_body_is_an_object_and_nothing_that_could_be_read_as_one() {
    let (desk, _, maker) = with_key(&["keys:write", "mail:send"], &[]).await;
    let list = json!(["worker", null, null, null, null, ["mail:send"], null, []]);
    assert_eq!(create(&maker, &list).await.status, 400);
    let login = json!(["alice@halden.example", crate::support::PASSWORD]);
    assert_eq!(desk.visitor().post_json("/api/auth/login", &login).await.status, 400);
}
