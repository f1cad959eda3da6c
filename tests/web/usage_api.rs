//! `GET /v1/usage`: every counted hour of the account, once, and nobody else's.

use keydesk::clock::hours;
use serde_json::{Value, json};

use crate::support::{Actor, TestApp};

/// Three keys that are used once in each of five hours; the clock stands in the last of them, at 18:05.
async fn in_use(desk: &TestApp, who: &Actor) -> Vec<String> {
    let mut keys = Vec::new();
    for name in ["one", "two", "three"] {
        keys.push(who.key(name, &[("expires", "none")]).await);
    }
    for hour in 0..5 {
        if hour > 0 {
            desk.pass(hours(1));
        }
        for key in &keys {
            desk.holder(&key.secret).get("/v1/key").await;
        }
    }
    desk.flush().await;
    keys.into_iter().map(|key| key.id).collect()
}

async fn reader(desk: &TestApp, who: &Actor) -> Actor {
    let fields = [("preset", "custom"), ("scopes[]", "keys:read"), ("expires", "none")];
    desk.holder(&who.key("reader", &fields).await.secret)
}

#[tokio::test]
async fn counts_are_read_newest_first_and_each_once() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let reader = reader(&desk, &alice).await;
    let keys = in_use(&desk, &alice).await;
    let whole = reader.get("/v1/usage").await.json();
    assert_eq!(whole["next"], Value::Null);
    let whole = whole["data"].as_array().expect("rows").clone();
    assert_eq!(whole.len(), 15);
    let froms: Vec<_> = whole.iter().map(|row| row["from"].as_str().expect("a moment")).collect();
    assert!(froms.is_sorted_by(|one, next| one >= next), "{froms:?}");
    assert_eq!((froms[0], froms[14]), ("2026-11-21T18:00:00Z", "2026-11-21T14:00:00Z"));
    assert!(whole.iter().all(|row| row["ok"] == 1 && row["refused"] == 0));
    for limit in [1, 2, 4, 15] {
        assert_eq!(reader.walks(&format!("/v1/usage?limit={limit}")).await, whole, "{limit} at a time");
    }
    let of_two = reader.walks(&format!("/v1/usage?limit=2&key={}", keys[1])).await;
    assert_eq!(of_two.len(), 5);
    assert!(of_two.iter().all(|row| row["key_id"] == keys[1].as_str()));
}

#[tokio::test]
async fn an_hour_counts_where_it_begins_and_days_add_up() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let reader = reader(&desk, &alice).await;
    let keys = in_use(&desk, &alice).await;
    for (window, hours) in [
        ("from=2026-11-21T16:00:00Z", 3),
        ("from=2026-11-21T15:59:59Z", 3),
        ("from=2026-11-21T16:00:01Z", 2),
        ("to=2026-11-21T16:00:00Z", 2),
        ("to=2026-11-21T16:00:01Z", 3),
        ("from=2026-11-21T17:00:00%2B01:00&to=2026-11-21T18:00:00%2B01:00", 1),
        ("from=2026-11-21T18:00:00Z&to=2026-11-21T15:00:00Z", 0),
    ] {
        let rows = reader.walks(&format!("/v1/usage?limit=2&key={}&{window}", keys[0])).await;
        assert_eq!(rows.len(), hours, "{window}");
        let rows = reader.walks(&format!("/v1/usage?limit=2&{window}")).await;
        assert_eq!(rows.len(), 3 * hours, "{window}");
    }
    let days = reader.walks("/v1/usage?limit=2&interval=day").await;
    assert_eq!(days.len(), 3);
    assert!(days.iter().all(|day| day["from"] == "2026-11-21T00:00:00Z" && day["ok"] == 5));
}

#[tokio::test]
async fn refused_requests_and_deleted_keys_are_counted_too() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("gone", &[("preset", "send")]).await;
    desk.holder(&key.secret).get("/v1/inboxes").await;
    alice.post(&crate::support::key_path(&key.id, "delete"), &[("name", "gone")]).await;
    desk.flush().await;
    let rows = reader(&desk, &alice).await.get("/v1/usage").await.json()["data"].clone();
    assert_eq!(rows, json!([{ "key_id": key.id, "from": "2026-11-21T14:00:00Z", "ok": 0, "ok_old": 0, "refused": 1 }]));
}

#[tokio::test]
async fn nobody_reads_the_usage_of_another_account() {
    let desk = TestApp::new().await;
    let (alice, bob) = (desk.alice().await, desk.bob().await);
    let bobs = reader(&desk, &bob).await;
    let keys = in_use(&desk, &alice).await;
    let cursor = format!("498690_{}", keys[0]);
    for query in ["", &format!("?key={}", keys[0]), &format!("?after={cursor}"), "?interval=day"] {
        assert_eq!(bobs.get(&format!("/v1/usage{query}")).await.json(), json!({ "data": [], "next": null }), "{query}");
    }
}

#[tokio::test]
async fn whoever_may_not_read_keys_may_not_read_their_usage() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let inbox = alice.inbox("Orders").await;
    let restricted = desk.holder(&alice.restricted_key("orders", &inbox).await.secret);
    let sender = desk.holder(&alice.key("sender", &[("preset", "send")]).await.secret);
    for path in ["/v1/usage", "/v1/audit-events"] {
        for refused in [restricted.get(path).await, sender.get(path).await] {
            assert_eq!((refused.status, &refused.json()["error"]["required_scope"]), (403, &json!("keys:read")));
        }
    }
}

#[tokio::test]
async fn what_a_list_cannot_be_asked_for_is_said_in_words() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let reader = reader(&desk, &alice).await;
    for (path, why) in [
        ("/v1/usage?limit=0", "limit is a number from 1 to 100."),
        ("/v1/usage?limit=", "limit is a number from 1 to 100."),
        ("/v1/usage?key=inb_0000000000000000", "key is an id that begins with key_"),
        ("/v1/usage?key=key_1", "key is an id that begins with key_"),
        ("/v1/usage?from=yesterday", "from is a moment in RFC 3339"),
        ("/v1/usage?to=", "to is a moment in RFC 3339"),
        ("/v1/usage?interval=minute", "interval is hour or day."),
        ("/v1/usage?after=key_0000000000000000", "after is what the page before said as next."),
        ("/v1/usage?after=1_key_1", "after is what the page before said as next."),
        ("/v1/usage?after=%00", "The query holds what is not valid text."),
        ("/v1/audit-events?after=-1", "after is what the page before said as next."),
        ("/v1/audit-events?target=%FF", "The query holds what is not valid text."),
        ("/v1/audit-events?target=Key_0000000000000000", "target is an id"),
        ("/v1/keys?after=inb_0000000000000000", "after is an id that begins with key_"),
    ] {
        let answer = reader.get(path).await;
        assert_eq!(answer.status, 400, "{path}");
        answer.says(why);
    }
}
