//! The account's rule on how long new keys may live, in the page and over the API alike.

use keydesk::store::sessions::FRESH;
use percent_encoding::percent_decode_str;
use serde_json::json;

use crate::support::{Actor, TestApp};

const RULE: &str = "/settings/security/rules/key-lifetime";
const SECURITY: &str = "/settings/security";

async fn rules(who: &Actor, fields: &[(&str, &str)]) {
    who.post(RULE, fields).await.redirects_to(SECURITY);
}

#[tokio::test]
async fn a_rule_holds_for_new_keys_and_leaves_the_others() {
    let desk = TestApp::new().await;
    let (alice, bob) = (desk.alice().await, desk.bob().await);
    alice.get(SECURITY).await.says("“No expiry” is allowed.");
    let before = alice.creates("before", &[("expires", "none")]).await;
    rules(&alice, &[("longest", "30")]).await;
    alice.get(SECURITY).await.says("New keys may last up to 30 days. Each must expire.");
    let form = alice.get("/settings/api-keys/new?type=standard").await;
    form.says_nothing_of("No expiry");
    assert_eq!(form.chosen("expires"), ["30"]);
    for (field, value) in [("expires", "none"), ("expires", "90"), ("expires_on", "2027-03-01")] {
        let fields =
            [("type", "standard"), ("name", "late"), ("environment", "live"), ("preset", "read"), (field, value)];
        let refused = alice.post("/settings/api-keys", &fields).await;
        assert_eq!(refused.status, 422, "{field} {value}");
        assert!(refused.field_error("expires").is_some(), "{field} {value}");
    }
    let token = desk.token_of(&alice).await;
    let asked = |expires_at: Option<&str>| {
        let mut body = json!({ "type": "standard", "name": "api", "environment": "live", "preset": "read" });
        if let Some(at) = expires_at {
            body["expires_at"] = at.into();
        }
        body
    };
    let late = token.post_json("/v1/keys", &asked(Some("2027-06-01T00:00:00Z"))).await;
    assert_eq!(late.status, 422, "{}", late.text());
    let soon = token.post_json("/v1/keys", &asked(Some("2026-12-01T00:00:00Z"))).await;
    assert_eq!(soon.status, 201, "{}", soon.text());
    alice.get(&format!("/settings/api-keys/{before}")).await.says("Expires No expiry");
    bob.creates("bobs", &[("expires", "none")]).await;
    alice.get("/settings/audit-log").await.says("Changed an account rule");
}

#[tokio::test]
async fn whoever_is_asked_who_they_are_finds_their_choice_again() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    rules(&alice, &[("longest", "7")]).await;
    desk.pass(FRESH);
    for (choice, chosen, endless) in [
        (&[("longest", "30")][..], "30", 0),
        (&[("longest", "90"), ("endless", "yes")], "90", 1),
        (&[("longest", "")], "", 0),
        (&[("longest", ""), ("endless", "yes")], "", 1),
    ] {
        let asked = alice.post(RULE, choice).await;
        let back = asked.location().strip_prefix("/re-authenticate?next=").expect("a question");
        let back = percent_decode_str(back).decode_utf8_lossy();
        assert!(back.starts_with(RULE), "{back}");
        let form = alice.get(&back).await;
        assert_eq!((form.chosen("longest"), form.chosen("endless").len()), (vec![chosen.to_owned()], endless));
    }
    alice.get(SECURITY).await.says("New keys may last up to 7 days.");
    let form = alice.get(&format!("{RULE}?longest=8")).await;
    assert_eq!(form.chosen("longest"), ["7"], "no rule can be so");
}

#[tokio::test]
async fn what_is_no_choice_is_refused_and_the_rule_can_be_lifted() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let refused = alice.post(RULE, &[("longest", "9999")]).await;
    assert_eq!((refused.status, refused.field_error("longest").as_deref()), (422, Some("Choose one of these.")));
    rules(&alice, &[("longest", "7")]).await;
    rules(&alice, &[("longest", ""), ("endless", "yes")]).await;
    alice.creates("again", &[("expires", "none")]).await;
}
