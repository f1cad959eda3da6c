//! What a scope brings along: at the gate, in what the gateway is told, and in what a key may give another.

use keydesk::product::Product;
use serde_json::json;

use crate::support::{Actor, TestApp};

/// Writing mail implies reading it, which implies reading domains; webhooks imply each other.
fn implying(product: &mut Product) {
    for (scope, implied) in [
        ("mail:write", "mail:read"),
        ("mail:read", "domains:read"),
        ("webhooks:read", "webhooks:write"),
        ("webhooks:write", "webhooks:read"),
        ("suppressions:write", "keys:read"),
        ("mail:send", "inboxes:write"),
    ] {
        let found = product.scopes.iter_mut().find(|known| known.id == scope).expect("a scope");
        found.implies.push(implied.into());
    }
}

async fn desk() -> (TestApp, Actor) {
    let desk = TestApp::with_product(implying).await;
    let alice = desk.alice().await;
    (desk, alice)
}

async fn holder(desk: &TestApp, alice: &Actor, name: &str, scopes: &[&str]) -> Actor {
    let mut fields = vec![("preset", "custom")];
    fields.extend(scopes.iter().map(|scope| ("scopes[]", *scope)));
    desk.holder(&alice.key(name, &fields).await.secret)
}

#[tokio::test]
async fn a_key_may_what_its_scopes_imply_and_the_gateway_is_told() {
    let (desk, alice) = desk().await;
    for (granted, told, allowed, refused) in [
        ("mail:write", "mail:read mail:write domains:read", "domains:read", "domains:write"),
        ("mail:read", "mail:read domains:read", "domains:read", "mail:write"),
        ("domains:read", "domains:read", "domains:read", "mail:read"),
        ("webhooks:read", "webhooks:read webhooks:write", "webhooks:write", "mail:read"),
    ] {
        let program = holder(&desk, &alice, granted, &[granted]).await;
        let answer = program.asks(&format!("scope={allowed}")).await;
        assert_eq!((answer.status, answer.header("x-keydesk-scopes")), (200, told), "{granted}");
        let lacking = program.asks(&format!("scope={refused}")).await;
        assert_eq!((lacking.status, lacking.required_scope().as_str()), (403, refused), "{granted}");
        let verified = program.post_json("/gate/verify", &json!({ "secret": program.secret })).await;
        let listed: Vec<_> = told.split(' ').collect();
        assert_eq!(verified.json()["scopes"], json!(listed));
    }
    let full = desk.holder(&alice.key("full", &[]).await.secret);
    assert_eq!(full.asks("scope=domains:write").await.header("x-keydesk-scopes"), "*");
}

#[tokio::test]
async fn v1_honours_what_is_implied() {
    let (desk, alice) = desk().await;
    let program = holder(&desk, &alice, "lister", &["suppressions:write"]).await;
    assert_eq!(program.get("/v1/keys").await.status, 200);
    assert_eq!(program.get("/v1/inboxes").await.status, 403);
}

#[tokio::test]
async fn a_bound_key_gains_nothing_by_what_is_implied() {
    let (desk, alice) = desk().await;
    let inbox = alice.inbox("Orders").await;
    let program = desk.holder(&alice.restricted_key("bound", &inbox).await.secret);
    let passed = program.asks("scope=mail:send").await;
    assert_eq!(passed.status, 200);
    let refused = program.asks("scope=inboxes:write").await;
    assert_eq!((refused.status, refused.required_scope().as_str()), (403, "inboxes:write"));
    refused.says("can never hold it.");
    let told = passed.header("x-keydesk-scopes");
    assert!(!told.contains("inboxes:write"), "the gateway is told of {told}, which the gate refuses");
    let verified = program.post_json("/gate/verify", &json!({ "secret": program.secret })).await;
    assert!(!verified.json()["scopes"].to_string().contains("inboxes:write"));
    // What the definition lets no bound key hold does not come to it by the way either.
    let fields = [("type", "restricted"), ("inbox", inbox.as_str()), ("preset", "custom"), ("scopes[]", "mail:write")];
    let reader = desk.holder(&alice.key("reader", &fields).await.secret);
    assert_eq!(reader.asks("scope=mail:read").await.header("x-keydesk-scopes"), "mail:read mail:write");
    let refused = reader.asks("scope=domains:read").await;
    assert_eq!((refused.status, refused.required_scope().as_str()), (403, "domains:read"));
    refused.says("can never hold it.");
    let refused = reader.asks("scope=mail:send").await;
    assert_eq!((refused.status, refused.required_scope().as_str()), (403, "mail:send"));
    refused.says_nothing_of("can never hold it.");
}

#[tokio::test]
async fn a_maker_gives_what_is_implied_and_no_more() {
    let (desk, alice) = desk().await;
    let maker = holder(&desk, &alice, "maker", &["keys:write", "mail:write"]).await;
    let create = async |name: &str, scopes: &[&str]| {
        maker.post_json("/v1/keys", &json!({ "name": name, "scopes": scopes })).await
    };
    for (number, scopes) in
        [&["mail:write"][..], &["mail:read"], &["domains:read"], &["mail:read", "keys:write"]].iter().enumerate()
    {
        let made = create(&format!("made {number}"), scopes).await;
        assert_eq!(made.status, 201, "{scopes:?}: {}", made.text());
    }
    for (scopes, lacking) in [
        (&["mail:send"][..], "mail:send"),
        (&["mail:read", "domains:write"], "domains:write"),
        (&["webhooks:read"], "webhooks:read"),
        (&["suppressions:write"], "suppressions:write"),
        (&["*"], "*"),
    ] {
        let refused = create("wide", scopes).await;
        assert_eq!((refused.status, refused.required_scope().as_str()), (403, lacking), "{scopes:?}");
    }
}

/// A scope that implies more than its maker has is itself wider, though the maker holds its name.
#[tokio::test]
async fn what_a_made_key_may_at_the_gate_its_maker_may_too() {
    let (desk, alice) = desk().await;
    let maker = holder(&desk, &alice, "maker", &["keys:write", "mail:write", "webhooks:read"]).await;
    let offered = ["mail:write", "mail:read", "domains:read", "webhooks:write", "keys:write"];
    let made = maker.post_json("/v1/keys", &json!({ "name": "made", "scopes": offered })).await;
    let made = desk.holder(made.json()["secret"].as_str().expect("a secret"));
    for scope in desk.app.product.scopes.iter().map(|scope| scope.id.as_str()) {
        let [makers, mades] = [maker.asks(&format!("scope={scope}")).await, made.asks(&format!("scope={scope}")).await];
        assert!(mades.status != 200 || makers.status == 200, "{scope}: the made key is wider than its maker");
    }
}
