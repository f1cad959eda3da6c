//! Mailosaur: standard keys and server-restricted ones, made, revealed and deleted by administrators in the dashboard.

mod standard_and_restricted;

use keydesk::clock::days;
use serde_json::json;

use super::{ACTS, KEYS, desk, works};
use crate::support::{Actor, TestApp, key_path};

const LIST: &str = "GET /api/servers";

/// Every way in which somebody could manage keys.
async fn may_manage(actor: &Actor, id: &str) -> Vec<&'static str> {
    let name = [("name", "ci"), ("type", "standard")];
    let mut done = Vec::new();
    for (what, answer) in [
        ("create", actor.post(KEYS, &name).await),
        ("reveal", actor.post(&key_path(id, "reveal"), &[]).await),
        ("delete", actor.post(&key_path(id, "delete"), &name).await),
    ] {
        assert!(matches!(answer.status, 200 | 303 | 403), "{what}: {} {}", answer.status, answer.text());
        if answer.status != 403 {
            done.push(what);
        }
    }
    done
}

/// “You must be an Account Administrator to manage API keys.” “Only Account Administrators can create, reveal, and delete
/// API keys.”
#[tokio::test]
async fn only_account_administrators_manage_keys() {
    let (desk, alice) = desk("mailosaur").await;
    let key = alice.makes("ci-old", &[]).await;
    for other in [desk.amir(&alice).await, desk.mei(&alice).await] {
        assert_eq!(may_manage(&other, &key.id).await, [""; 0], "{}", other.email);
        assert_eq!(other.get("/settings/api-keys/new").await.status, 403, "{}", other.email);
    }
    let key = alice.makes("ci", &[]).await;
    alice.deletes(&key, "ci").await;
    let key = alice.makes("ci", &[]).await;
    assert!(works(&desk, &key.secret, LIST).await, "the name is free again");
}

/// “There is no limit on the number of API keys you can create.”
#[tokio::test]
async fn there_is_no_limit_on_the_number_of_keys() {
    let (desk, alice) = desk("mailosaur").await;
    assert_eq!(desk.holdings().await[1], 0, "a sign-up issues none");
    for number in 0..60 {
        let made = alice.fills_in(&format!("ci-{number}"), &[]).await;
        assert_eq!(made.status, 303, "{number}: {}", made.text());
    }
    alice.get(KEYS).await.says("of 60 keys");
    desk.visitor().get("/docs").await.says("As many as you need.");
}

/// “API keys do not expire.”
#[tokio::test]
async fn keys_do_not_expire() {
    let (desk, alice) = desk("mailosaur").await;
    let page = alice.get("/settings/api-keys/new").await;
    assert!(!page.html().contains("name=\"expires"), "{}", page.text());
    page.says_nothing_of("Expir");
    assert_eq!(alice.fills_in("ci", &[("expires", "30")]).await.status, 422);
    let key = alice.makes("ci", &[]).await;
    assert!(desk.holder(&key.secret).get("/api/key").await.json()["expires_at"].is_null());
    desk.pass(days(3650));
    assert!(works(&desk, &key.secret, LIST).await);
    desk.visitor().get("/docs").await.says("Keys don’t expire. They work until you delete them.");
}

/// “They remain active until you delete them.”
#[tokio::test]
async fn they_remain_active_until_they_are_deleted() {
    let (desk, alice) = desk("mailosaur").await;
    let key = alice.makes("ci", &[]).await;
    assert_eq!(alice.is_offered(&key.id).await, ["delete"], "no pause, no rotation");
    assert!(works(&desk, &key.secret, LIST).await);
    alice.deletes(&key, "ci").await;
    assert!(!works(&desk, &key.secret, LIST).await);
}

/// “API keys cannot be renamed.”
#[tokio::test]
async fn keys_cannot_be_renamed() {
    let (_desk, alice) = desk("mailosaur").await;
    let key = alice.makes("ci", &[]).await;
    let page = alice.get(&key_path(&key.id, "")).await;
    assert!(!page.text().contains("Rename"), "{}", page.text());
    let renamed = alice.post(&key_path(&key.id, "rename"), &[("name", "other")]).await;
    assert!((400..500).contains(&renamed.status), "{}", renamed.status);
    assert_eq!(alice.get(KEYS).await.rows(), ["ci"]);
}

/// “To change a key's name, delete it and create a new one.”
#[tokio::test]
async fn another_name_takes_another_key() {
    let (_desk, alice) = desk("mailosaur").await;
    let key = alice.makes("ci", &[]).await;
    alice.deletes(&key, "ci").await;
    alice.makes("continuous-integration", &[]).await;
    assert_eq!(alice.get(KEYS).await.rows(), ["continuous-integration"]);
}

/// “The new API key is displayed. Click Reveal key to see its value, then copy and store it securely.”
#[tokio::test]
async fn a_new_key_is_displayed_masked_with_reveal_key_beside_it() {
    let (desk, alice) = desk("mailosaur").await;
    let created = alice.fills_in("ci", &[]).await;
    assert_eq!(created.status, 303);
    let page = alice.get(created.location()).await;
    page.says("ci");
    page.says("Reveal key");
    assert_eq!(page.secrets(), [""; 0], "masked");
    let id = created.location().rsplit('/').next().expect("an id");
    let secret = alice.reveals(id).await;
    assert!(secret.starts_with("msr_") && secret.matches('_').count() == 1, "{secret}");
    assert!(works(&desk, &secret, LIST).await);
}

/// “Use this when you need to copy a key value again.”
#[tokio::test]
async fn a_key_is_revealed_as_often_as_it_is_needed() {
    let (desk, alice) = desk("mailosaur").await;
    let key = alice.makes("ci", &[]).await;
    assert_eq!(alice.reveals(&key.id).await, key.secret);
    desk.pass(days(400));
    let alice = desk.signed_in(&alice.email).await;
    assert_eq!(alice.reveals(&key.id).await, key.secret, "a year later");
    let shown = alice.get(&key_path(&key.id, "")).await;
    shown.says_nothing_of(&key.secret);
    shown.says("Reveal key");
}

/// “Find the API key you want to reveal.” “Click Reveal key (or the eye icon) next to the key.”
#[tokio::test]
async fn every_key_of_the_list_leads_to_reveal_key() {
    let (_desk, alice) = desk("mailosaur").await;
    let key = alice.makes("ci", &[]).await;
    let list = alice.get(KEYS).await;
    assert_eq!(list.rows(), ["ci"]);
    list.says("Reveal key");
    assert!(list.html().contains(&key.id));
}

/// “Before deleting a key, confirm that no active integrations depend on it and consider creating a replacement key to avoid
/// downtime.”
#[tokio::test]
async fn the_delete_page_says_what_still_depends_on_the_key() {
    let (desk, alice) = desk("mailosaur").await;
    let key = alice.makes("ci", &[]).await;
    desk.holder(&key.secret).at("198.51.100.80").get("/api/servers").await;
    desk.flush().await;
    let page = alice.get(&key_path(&key.id, "delete")).await;
    page.says("In use right now.");
    page.says("from 198.51.100.80");
    assert!(!page.html().contains("/rotate"), "a replacement is a new key: {}", page.text());
    page.says("Replacing it? Create the new key first");
}

/// “Open the Actions dropdown next to the key and select Delete.”
#[tokio::test]
async fn the_actions_of_a_key_lead_to_delete() {
    let (_desk, alice) = desk("mailosaur").await;
    let key = alice.makes("ci", &[]).await;
    let list = alice.get(KEYS).await;
    assert!(list.html().contains("Actions for ci"));
    list.says_nothing_of("Rotate");
    let opened = alice.get(&format!("{KEYS}?menu={}", key.id)).await;
    assert!(opened.hrefs().contains(&format!("api-keys/{}/delete", key.id)), "{:?}", opened.hrefs());
}

/// “In the confirmation dialog, type the name of the API key.” “Click Delete to confirm.”
#[tokio::test]
async fn whoever_deletes_a_key_types_its_name() {
    let (desk, alice) = desk("mailosaur").await;
    let key = alice.makes("ci-eu", &[]).await;
    let page = alice.get(&key_path(&key.id, "delete")).await;
    page.says("Type ci-eu to confirm");
    page.says("Delete key");
    for typed in ["", "ci", "CI-EU"] {
        let refused = alice.post(&key_path(&key.id, "delete"), &[("name", typed)]).await;
        assert_eq!(refused.status, 422, "{typed:?}");
    }
    assert!(works(&desk, &key.secret, LIST).await);
    alice.deletes(&key, "ci-eu").await;
}

/// “The key is immediately revoked. Any API requests using this key will receive an authentication error.”
#[tokio::test]
async fn a_deleted_key_gets_an_authentication_error_at_once() {
    let (desk, alice) = desk("mailosaur").await;
    let key = alice.makes("ci", &[]).await;
    assert!(works(&desk, &key.secret, LIST).await, "the gate knows it now");
    alice.deletes(&key, "ci").await;
    let answer = desk.holder(&key.secret).get("/api/servers").await;
    assert_eq!((answer.status, &answer.json()["error"]["type"]), (401, &json!("authentication_error")));
    assert!(!works(&desk, &key.secret, LIST).await);
}

/// “This action cannot be undone. A deleted key cannot be restored.”
#[tokio::test]
async fn a_deleted_key_cannot_be_restored() {
    let (desk, alice) = desk("mailosaur").await;
    let key = alice.makes("ci", &[]).await;
    alice.get(&key_path(&key.id, "delete")).await.says("can’t be restored");
    alice.deletes(&key, "ci").await;
    for act in ACTS.into_iter().chain(["resume", "restore"]) {
        let refused = alice.post(&key_path(&key.id, act), &[("name", "ci"), ("grace", "0")]).await;
        assert!((400..500).contains(&refused.status), "{act}: {}", refused.status);
    }
    let revealed = alice.post(&key_path(&key.id, "reveal"), &[]).await;
    assert!((400..500).contains(&revealed.status), "{}", revealed.status);
    assert_eq!(revealed.secrets(), [""; 0]);
    assert!(!works(&desk, &key.secret, LIST).await);
}

/// “API keys cannot be deleted via the API. You must use the dashboard.”
#[tokio::test]
async fn keys_cannot_be_deleted_via_the_api() {
    let (desk, alice) = desk("mailosaur").await;
    let key = alice.makes("ci", &[]).await;
    let program = desk.holder(&key.secret);
    for path in ["/api/keys", "/v1/keys"] {
        let one = format!("{path}/{}", key.id);
        for refused in [
            program.delete(&one).await,
            program.post_json(&format!("{one}/rotate"), &json!({})).await,
            program.post_json(path, &json!({ "name": "made" })).await,
        ] {
            assert!(matches!(refused.status, 403 | 404), "{} {}", refused.status, refused.text());
        }
    }
    assert!(works(&desk, &key.secret, LIST).await);
    assert_eq!(alice.get(KEYS).await.rows(), ["ci"]);
    desk.visitor().get("/docs").await.says_nothing_of("DELETE /api/keys");
}

/// “Keep keys secret. Do not commit API keys to version control or share them in plain text.”
#[tokio::test]
async fn no_page_shows_a_key_that_nobody_asked_to_reveal() {
    let (desk, alice) = desk("mailosaur").await;
    let key = alice.makes("ci", &[]).await;
    let own = key_path(&key.id, "");
    for path in [KEYS, &own, "/welcome", "/docs", "/settings/audit-log", "/settings/inboxes"] {
        alice.get(path).await.says_nothing_of(&key.secret);
    }
    let raw = desk.database.raw().await;
    assert!(!raw.windows(key.secret.len()).any(|bytes| bytes == key.secret.as_bytes()), "sealed at rest");
    let docs = desk.visitor().get("/docs").await;
    docs.says("Keep them out of your source.");
    docs.says("MAILOSAUR_API_KEY");
}

/// “Use server-restricted keys where possible to limit the blast radius if a key is compromised.”
#[tokio::test]
async fn the_page_of_a_standard_key_points_to_restricted_ones() {
    let (_desk, alice) = desk("mailosaur").await;
    let page = alice.get("/settings/api-keys/new?type=standard").await;
    assert_eq!(page.link("server-restricted key").as_deref(), Some("/settings/api-keys/new?type=restricted"));
}

/// “Rotate keys regularly. Delete old keys and create new ones periodically.”
#[tokio::test]
async fn old_keys_are_replaced_by_new_ones() {
    let (desk, alice) = desk("mailosaur").await;
    let old = alice.makes("ci-2025", &[]).await;
    let new = alice.makes("ci-2026", &[]).await;
    assert!(works(&desk, &old.secret, LIST).await && works(&desk, &new.secret, LIST).await, "no downtime");
    alice.deletes(&old, "ci-2025").await;
    assert!(!works(&desk, &old.secret, LIST).await && works(&desk, &new.secret, LIST).await);
}

/// “Delete unused keys to reduce your attack surface.”
#[tokio::test]
async fn unused_keys_are_pointed_out() {
    let (desk, alice) = desk("mailosaur").await;
    alice.makes("forgotten", &[]).await;
    desk.pass(days(91));
    let alice = desk.signed_in(&alice.email).await;
    alice.get(KEYS).await.says("1 key unused for 90 days");
    assert_eq!(alice.get("/settings/api-keys?status=unused").await.rows(), ["forgotten"]);
}

/// “In the API, inboxes are referred to as "servers".”
#[tokio::test]
async fn in_the_api_inboxes_are_servers() {
    let desk = TestApp::of_product("mailosaur").await;
    let alice = desk.alice().await;
    alice.inbox("Orders").await;
    let key = alice.makes("ci", &[]).await;
    let listed = desk.holder(&key.secret).get("/api/servers").await.json();
    assert_eq!(listed["data"][0]["name"], "Orders");
    let docs = desk.visitor().get("/docs").await;
    docs.has_heading("Mailosaur API");
    docs.says("In the API, inboxes are called servers.");
    docs.says("curl http://localhost:8080/api/servers");
    for sample in ["fetch(\"http://localhost:8080/api/servers\"", "urllib.request.urlopen"] {
        docs.says(sample);
    }
}
