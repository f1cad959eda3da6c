//! What needs attention: each sentence counts exactly the keys that its list shows, in a population that chance made.

use std::collections::BTreeSet;

use keydesk::clock::{Timestamp, days};
use keydesk::model::api_key::ApiKey;
use keydesk::store::api_keys;

use crate::keys_list::{ids, issued};
use crate::support::{Actor, Dice, TestApp};

const LIST: &str = "/settings/api-keys";
const KEYS: usize = 130;

/// Keys of every age and state, some by people who left.
async fn population(desk: &TestApp, alice: &Actor, seed: u64) -> Vec<ApiKey> {
    let dice = Dice::seeded(seed);
    let now = desk.app.now();
    let left = desk.colleague(alice, "left").await;
    let here = desk.colleague(alice, "here").await;
    desk.database.run(&format!("update users set removed_at = 1 where id = '{left}'")).await;
    let mut ids = vec![alice.first_key().await];
    for number in 0..KEYS {
        let id = issued(desk, alice, &format!("key {number}"), None).await;
        let ago = |dice: &Dice, most: usize| (now - days(dice.below(most) as u64)).micros().to_string();
        let maybe = |some: String, dice: &Dice, times: usize| if dice.one_in(times) { some } else { "null".into() };
        let ahead = (now + days(dice.below(40) as u64)).micros().to_string();
        let set = [
            ("created_at", ago(&dice, 200)),
            ("last_used_at", maybe(ago(&dice, 200), &dice, 2)),
            ("expires_at", maybe(if dice.one_in(5) { ago(&dice, 20) } else { ahead }, &dice, 2)),
            ("rotated_at", maybe(ago(&dice, 150), &dice, 3)),
            ("retires_at", maybe((now + days(1)).micros().to_string(), &dice, 8)),
            ("paused_at", maybe("1".into(), &dice, 8)),
            ("deleted_at", maybe("1".into(), &dice, 8)),
            ("revealed_at", maybe("1".into(), &dice, 2)),
            ("scopes", dice.pick(&["'*'", "'mail:send'", "'mail:send mail:read'"]).to_string()),
            ("created_by", dice.pick(&[format!("'{left}'"), format!("'{here}'"), "null".into()]).clone()),
        ];
        let set: Vec<_> = set.iter().map(|(column, value)| format!("{column} = {value}")).collect();
        desk.database.run(&format!("update api_keys set {} where id = '{id}'", set.join(", "))).await;
        ids.push(id);
    }
    let mut keys = Vec::new();
    for id in ids {
        keys.push(api_keys::find(&desk.app.db, &alice.account_id, &id).await.expect("a read").expect("a key"));
    }
    keys
}

/// Every key of a list, read page by page.
async fn walked(alice: &Actor, path: &str) -> BTreeSet<String> {
    let mut page = alice.get(path).await;
    let mut all = BTreeSet::new();
    loop {
        assert_eq!(page.status, 200, "{path}");
        for id in ids(&page) {
            assert!(all.insert(id), "{path} shows a key twice");
        }
        match page.link("Next") {
            Some(next) => page = alice.get(&next).await,
            None => return all,
        }
    }
}

/// What each status means, said once more.
fn is(status: &str, key: &ApiKey, by_leavers: &BTreeSet<String>, now: Timestamp) -> bool {
    key.status(now).verifies()
        && match status {
            "expiring" => key.expires_at.is_some_and(|at| at <= now + days(14)),
            "unused" => key.last_used_at.unwrap_or(key.created_at) <= now - days(90),
            "unrevealed" => key.is_unrevealed(),
            "never-used" => key.last_used_at.is_none() && key.created_at <= now - days(7),
            "rotation-due" => key.rotation_due(days(90)).is_some_and(|at| at <= now),
            "full-access" => key.scopes.is_full_access(),
            "owner-left" => by_leavers.contains(&key.id),
            other => panic!("{other}"),
        }
}

const SENTENCES: [(&str, &str); 7] = [
    ("expiring", "keys expire within 14 days"),
    ("unused", "keys unused for 90 days"),
    ("unrevealed", "keys were never revealed"),
    ("never-used", "keys were never used"),
    ("rotation-due", "keys are due for rotation"),
    ("full-access", "keys have full access"),
    ("owner-left", "keys belong to someone who left"),
];

#[tokio::test]
async fn every_sentence_counts_the_keys_that_its_list_shows_and_no_other() {
    for seed in 1..=3 {
        let desk = TestApp::new().await;
        let (alice, bob) = (desk.alice().await, desk.bob().await);
        let keys = population(&desk, &alice, seed).await;
        let by_leavers = of_leavers(&desk).await;
        let page = alice.get(LIST).await;
        for (status, words) in SENTENCES {
            let expected: BTreeSet<String> = keys
                .iter()
                .filter(|key| is(status, key, &by_leavers, desk.app.now()))
                .map(|key| key.id.clone())
                .collect();
            assert!(expected.len() > 1, "chance {seed} makes too few that are {status}");
            let sentence = format!("{} {words}", expected.len());
            let href = page.link(&sentence).unwrap_or_else(|| panic!("no {sentence:?} in {}", page.text()));
            assert_eq!(href, format!("{LIST}?status={status}"));
            assert_eq!(walked(&alice, &href).await, expected, "chance {seed}, {status}");
            alice.get(&href).await.says(&format!("of {} keys", expected.len()));
            // Narrowed, the sentences are still about the whole account.
            assert_eq!(alice.get(&format!("{href}&q=key+1")).await.link(&sentence), Some(href));
        }
        assert!(bob.get(LIST).await.link("1 key has full access").is_some(), "everybody has their own");
    }
}

#[tokio::test]
async fn a_definition_without_rotation_or_a_choice_of_scopes_asks_for_neither() {
    let desk = TestApp::with_product(|product| {
        product.rotation.recommended_days = 0;
        product.keys.choose_scopes = false;
    })
    .await;
    let alice = desk.alice().await;
    desk.database.run("update api_keys set created_at = 1").await;
    let page = alice.get(LIST).await;
    page.says("1 key was never used");
    page.says_nothing_of("due for rotation");
    page.says_nothing_of("full access");
    assert_eq!(ids(&alice.get(&format!("{LIST}?status=rotation-due")).await).len(), 0);
}

async fn of_leavers(desk: &TestApp) -> BTreeSet<String> {
    const OF: &str = "from api_keys where created_by in (select id from users where removed_at is not null)";
    let mut found = BTreeSet::new();
    for offset in 0..desk.count(&format!("select count(*) {OF}")).await {
        found.insert(desk.database.text(&format!("select id {OF} order by id limit 1 offset {offset}")).await);
    }
    found
}
