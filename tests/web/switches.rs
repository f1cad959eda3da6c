//! What a definition switches, everywhere at once: who chooses scopes, what can be done to keys and where, how many keys
//! there are, under which path the API answers, and in whose words it refuses.

use keydesk::product::{ExpiryPolicy, KeyAct};
use serde_json::json;

use crate::support::{Field, TestApp, key_path};

#[tokio::test]
async fn where_nobody_chooses_scopes_a_key_may_do_all_that_its_type_can() {
    let desk = TestApp::with_product(|product| {
        product.keys.choose_scopes = false;
        product.presets.clear();
    })
    .await;
    let alice = desk.alice().await;
    let inbox = alice.inbox("Orders").await;
    for key_type in ["standard", "restricted"] {
        let page = alice.get(&format!("/settings/api-keys/new?type={key_type}")).await;
        for word in ["Scopes", "scopes", "Full access", "Read only", "preset"] {
            page.says_nothing_of(word);
        }
    }
    let plain = [("type", "standard"), ("name", "all"), ("environment", "live"), ("expires", "none")];
    let bound: [Field<'_>; 5] = [
        ("type", "restricted"),
        ("name", "one"),
        ("environment", "live"),
        ("inbox", inbox.as_str()),
        ("expires", "none"),
    ];
    for (form, holds) in [(&plain[..], json!(["*"])), (&bound[..], json!(["mail:send", "mail:read", "mail:write"]))] {
        let created = alice.post("/settings/api-keys", form).await;
        let secret = alice.reveals(created.location().rsplit('/').next().expect("an id")).await;
        assert_eq!(desk.holder(&secret).get("/v1/key").await.json()["scopes"], holds);
    }
    let narrower = [&plain[..], &[("name", "less"), ("scopes[]", "mail:send")]].concat();
    let refused = alice.post("/settings/api-keys", &narrower[1..]).await;
    assert_eq!(refused.status, 422, "nobody gets more than they asked for");
    refused.says("Scopes can’t be chosen here: a key may do all that its type can. Leave them out.");
    let over_api = desk.token_of(&alice).await.post_json("/v1/keys", &json!({"name": "x", "preset": "read"})).await;
    assert_eq!((over_api.status, over_api.json()["error"]["field"].as_str()), (422, Some("scopes")));
    let docs = alice.get("/docs").await;
    docs.says("Standard Every inbox of your account, and the whole API, creating and deleting inboxes included.");
    docs.says_nothing_of("Presets");
}

#[tokio::test]
async fn where_there_is_no_full_access_every_scope_is_named() {
    let desk = TestApp::with_product(|product| product.keys.full_access = false).await;
    let alice = desk.alice().await;
    let first = alice.first_key().await;
    let scopes = desk.holder(&alice.reveals(&first).await).get("/v1/key").await.json()["scopes"].clone();
    assert_eq!(scopes.as_array().map(Vec::len), Some(desk.app.product.scopes.len()));
    let page = alice.get("/settings/api-keys/new").await;
    page.says("All scopes all 13 scopes");
    page.says_nothing_of("Full access");
    let fields = [("type", "standard"), ("name", "x"), ("environment", "live"), ("scopes[]", "*"), ("expires", "none")];
    let refused = alice.post("/settings/api-keys", &fields).await;
    assert_eq!(refused.problems(), ["No key may hold *, full access, here. Choose from the scopes of this product."]);
    let token = desk.token_of(&alice).await;
    assert_eq!(token.post_json("/v1/keys", &json!({"name": "x", "scopes": ["*"]})).await.status, 422);
    desk.visitor().get("/docs").await.says_nothing_of("is full access");
    let document = desk.visitor().get("/openapi.json").await.text();
    assert!(!document.contains("\"*\""), "the document offers *");
}

#[tokio::test]
async fn what_a_product_does_not_do_to_keys_has_no_page_button_or_endpoint() {
    let desk = TestApp::with_product(|product| {
        product.keys.in_page = vec![KeyAct::Rename];
        product.keys.over_api.clear();
    })
    .await;
    let alice = desk.alice().await;
    let id = alice.first_key().await;
    for (act, form) in [("rotate", ("grace", "0")), ("delete", ("name", "first-key"))] {
        let path = key_path(&id, act);
        assert_eq!((alice.get(&path).await.status, alice.post(&path, &[form]).await.status), (404, 404), "{act}");
    }
    let fields = [("type", "standard"), ("name", "x"), ("environment", "live"), ("preset", "full")];
    assert_eq!(alice.get("/settings/api-keys/new").await.status, 404);
    assert_eq!(alice.post("/settings/api-keys", &fields).await.status, 404);
    let list = alice.get("/settings/api-keys").await;
    let secret = alice.reveals(&id).await;
    let page = alice.get(&key_path(&id, "")).await;
    for word in ["Create a", "Rotate…", "Delete…", "Pause"] {
        list.says_nothing_of(word);
        page.says_nothing_of(word);
    }
    assert!(page.link("Rotate").is_none() && page.link("Delete").is_none());
    let program = desk.holder(&secret);
    let create = program.post_json("/v1/keys", &json!({"name": "x", "scopes": ["mail:send"]})).await;
    let rotate = program.post_json(&format!("/v1/keys/{id}/rotate"), &json!({})).await;
    let delete = program.delete(&format!("/v1/keys/{id}")).await;
    for (answer, past) in [(create, "created"), (rotate, "rotated"), (delete, "deleted")] {
        assert_eq!(answer.status, 403);
        assert_eq!(answer.json()["error"]["message"], format!("Keys can’t be {past} over the API here."));
    }
    assert_eq!(program.get("/v1/keys").await.status, 200, "who may look may look");
    let docs = desk.visitor().get("/docs").await;
    docs.says("Administrators rename keys under Settings → API keys. None of this can be done over the API.");
    for part in ["POST /v1/keys", "DELETE /v1/keys", "/rotate"] {
        docs.says_nothing_of(part);
    }
    let paths = desk.visitor().get("/openapi.json").await.json()["paths"].clone();
    assert!(paths["/v1/keys"]["post"].is_null() && paths["/v1/keys/{id}"]["delete"].is_null());
    assert!(paths["/v1/keys/{id}/rotate"].is_null() && !paths["/v1/keys"]["get"].is_null());
}

#[tokio::test]
async fn a_name_need_not_be_typed_where_the_definition_does_not_ask() {
    let desk = TestApp::with_product(|product| product.keys.confirm_by_name = false).await;
    let alice = desk.alice().await;
    let id = alice.creates("billing", &[]).await;
    let page = alice.get(&key_path(&id, "delete")).await;
    page.has_heading("Delete billing?");
    page.says_nothing_of("to confirm");
    alice.post(&key_path(&id, "delete"), &[]).await.redirects_to("/settings/api-keys");
}

#[tokio::test]
async fn with_one_key_the_way_leads_straight_to_it() {
    let desk = TestApp::with_product(|product| {
        product.keys.limit = 1;
        product.keys.in_page = vec![KeyAct::Rotate];
    })
    .await;
    let alice = desk.alice().await;
    let id = alice.first_key().await;
    alice.get("/settings/api-keys").await.redirects_to(&key_path(&id, ""));
    alice.reveals(&id).await;
    let page = alice.get(&key_path(&id, "")).await;
    assert!(page.link("Rotate").is_some());
    page.says("API key");
    alice.get("/settings/team").await.says("Only administrators can reveal and rotate keys.");
    for word in ["API keys", "Delete", "Rename", "Pause", "Create a"] {
        page.says_nothing_of(word);
    }
}

#[tokio::test]
async fn the_api_answers_below_the_products_own_path_too() {
    let desk = TestApp::with_product(|product| {
        product.api.path = "/api/v2".into();
        product.words.api_name = "servers".into();
    })
    .await;
    let alice = desk.alice().await;
    let inbox = alice.inbox("Orders").await;
    let key = alice.key("billing", &[]).await;
    let program = desk.holder(&key.secret);
    for path in ["/api/v2/key", "/v1/key", "/api/v2/servers", "/v1/servers", "/v1/inboxes", "/api/v2/inboxes"] {
        assert_eq!(program.get(path).await.status, 200, "{path}");
    }
    assert_eq!(program.get(&format!("/api/v2/servers/{inbox}")).await.json()["name"], "Orders");
    let nowhere = program.get("/api/v2/nowhere").await;
    assert_eq!((nowhere.status, nowhere.code().as_str()), (404, "not_found"));
    assert_eq!(desk.visitor().get("/api/v2/key").await.status, 401);
    let docs = desk.visitor().get("/docs").await;
    docs.says("GET /api/v2/servers List inboxes");
    docs.says("curl http://localhost:8080/api/v2/servers");
    let paths = desk.visitor().get("/openapi.json").await.json()["paths"].clone();
    assert!(!paths["/api/v2/servers"]["get"].is_null() && paths["/v1/key"].is_null());
}

#[tokio::test]
async fn what_keydesk_calls_inboxes_read_the_definition_calls_by_its_own_name() {
    let desk = TestApp::with_product(|product| {
        product.words.api_name = "mailboxes".into();
        for scope in &mut product.scopes {
            scope.id = scope.id.replace("inboxes:", "mailboxes:");
        }
    })
    .await;
    let alice = desk.alice().await;
    let inbox = alice.inbox("Orders").await;
    let fields = [("preset", "custom"), ("scopes[]", "mailboxes:read")];
    let reader = desk.holder(&alice.key("reader", &fields).await.secret);
    assert_eq!(reader.get("/v1/mailboxes").await.status, 200);
    let refused = reader.post_json("/v1/mailboxes", &json!({"name": "x"})).await;
    assert_eq!((refused.status, refused.required_scope().as_str()), (403, "mailboxes:write"));
    let bound = desk.holder(&alice.restricted_key("bound", &inbox).await.secret);
    assert_eq!(bound.get("/v1/mailboxes").await.json()["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(bound.get("/gate/authorize?scope=mailboxes:read").await.status, 200);
    assert_eq!(bound.get("/gate/authorize?scope=mailboxes:write").await.status, 403);
    desk.visitor().get("/docs").await.says("POST /v1/mailboxes Create an inbox mailboxes:write");
}

#[tokio::test]
async fn refusals_are_in_the_products_words() {
    let desk = TestApp::with_product(|product| {
        product.errors.unauthorized = Some("No such key".into());
        product.errors.missing_scope = Some("Lacking: {scope}".into());
        product.errors.not_found = Some("Nothing there".into());
        product.errors.rate_limited = Some("Slow down for {seconds} s".into());
        product.rate_limit.per_minute = 1;
    })
    .await;
    let alice = desk.alice().await;
    let reader = desk.holder(&alice.key("reader", &[("preset", "read")]).await.secret);
    let stranger = desk.holder("kd_live_nobody");
    let verify = stranger.post_json("/gate/verify", &json!({"secret": "kd_live_nobody"})).await;
    let missing = reader.get("/gate/authorize?scope=mail:send").await;
    let nowhere = reader.get("/v1/keys/key_0000000000000000").await;
    for (answer, message) in [
        (stranger.get("/v1/key").await, "No such key"),
        (stranger.get("/gate/authorize").await, "No such key"),
        (verify, "No such key"),
        (missing, "Lacking: mail:send"),
        (nowhere, "Nothing there"),
        (reader.get("/gate/authorize").await, "Slow down for 60 s"),
    ] {
        assert_eq!(answer.json()["error"]["message"], message);
    }
    let docs = desk.visitor().get("/docs").await;
    for sentence in ["No such key", "Lacking: mail:write", "Nothing there", "Slow down for 23 s"] {
        docs.says(sentence);
    }
}

#[tokio::test]
async fn no_key_lives_longer_than_the_definition_allows() {
    let desk = TestApp::with_product(|product| {
        product.expiry.policy = ExpiryPolicy::Required;
        product.expiry.max_days = Some(90);
    })
    .await;
    let alice = desk.alice().await;
    alice.get("/settings/api-keys/new").await.says_nothing_of("1 year");
    let form =
        |on| [("type", "standard"), ("name", "x"), ("environment", "live"), ("preset", "full"), ("expires_on", on)];
    let refused = alice.post("/settings/api-keys", &form("2027-02-20")).await;
    assert_eq!(refused.problems(), ["Choose an expiry date no later than 19 Feb 2027."]);
    assert_eq!(alice.post("/settings/api-keys", &form("2027-02-19")).await.status, 303);
}

#[tokio::test]
async fn a_secret_past_its_recommended_age_is_said_to_be_due() {
    let desk = TestApp::with_product(|product| product.rotation.recommended_days = 30).await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[("expires", "none")]).await;
    alice.get(&key_path(&key.id, "")).await.says("Rotated Never due in 30 days");
    desk.pass(keydesk::clock::days(31));
    let alice = desk.signed_in(&alice.email).await;
    alice.get(&key_path(&key.id, "")).await.says("Rotated Never due since 21 Dec 2026");
    desk.visitor().get("/docs").await.says("Rotate every 30 days.");
}
