//! An account with more keys than a page would want to count: what is said of them, and that each is found all the same.

use crate::keys_list::ids;
use crate::support::{Actor, TestApp, key_path};

const LIST: &str = "/settings/api-keys";

/// Fills the account with 3,000 keys that were never used, made one after another until now, the last one first in every
/// list.
async fn many(desk: &TestApp, alice: &Actor) {
    let fill = format!(
        "insert into api_keys (id, account_id, name, name_folded, key_type, environment, scopes, allowed_ips, prefix,
            last4, created_at, paused_at)
         with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 3000)
         select 'key_' || (1000000000000000 + n), '{}', 'worker ' || n, 'worker ' || n, 'standard', 'live', '*', '',
            'kd_live_', 'aaaa', {} + n, case when n in (20, 2000) then 1 end
         from numbers",
        alice.account_id,
        desk.app.now().micros() - 10_000
    );
    desk.database.run(&fill).await;
}

#[tokio::test]
async fn more_than_a_thousand_keys_are_said_to_be_more() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    many(&desk, &alice).await;
    let page = alice.get(LIST).await;
    for words in ["Showing 1–50 of 1,000+ keys", "All 1,000+", "Paused 2", "400+ keys have full access"] {
        page.says(words);
    }
    assert!(page.link("API keys1,000+").is_some(), "{}", page.text());
    let second = alice.get(&page.link("Next").expect("more")).await;
    second.says("Showing 51–100 of 1,000+ keys");
    // What is deep in the list is not counted to.
    let deep = alice.get(&format!("{LIST}?sort=name&after=key_1000000000002000")).await;
    deep.says("Showing 50 of 1,000+ keys");
    assert_eq!(ids(&alice.get(&deep.link("Previous").expect("less")).await).len(), 50);
}

#[tokio::test]
async fn the_few_that_are_looked_for_are_found_among_many() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let inbox = alice.inbox("Orders").await;
    let bound = alice.restricted_key("Zürich-Audit", &inbox).await.id;
    let sends = alice.creates("mailer", &[("preset", "send"), ("environment", "test")]).await;
    many(&desk, &alice).await;
    for asked in
        ["q=rich-au", "q=Z%C3%9CR", "type=restricted", &format!("inbox={inbox}"), "type=restricted&status=active"]
    {
        let page = alice.get(&format!("{LIST}?{asked}&sort=name")).await;
        assert_eq!(ids(&page), std::slice::from_ref(&bound), "{asked}");
        page.says("Showing 1–1 of 1 key");
    }
    assert_eq!(ids(&alice.get(&format!("{LIST}?environment=test")).await), std::slice::from_ref(&sends));
    assert_eq!(ids(&alice.get(&format!("{LIST}?q=worker+2000")).await), ["key_1000000000002000"]);
    let paused = alice.get(&format!("{LIST}?status=paused&sort=name")).await;
    assert_eq!(ids(&paused), ["key_1000000000000020", "key_1000000000002000"]);
    let none = alice.get(&format!("{LIST}?q=worker+zero")).await;
    none.has_heading("No keys match “worker zero”");
    assert_eq!(none.link("Look further"), None);
}

#[tokio::test]
async fn a_key_is_found_by_what_it_is_called_now_and_ends_with_now() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("importer", &[]).await;
    many(&desk, &alice).await;
    let found = async |q: &str| ids(&alice.get(&format!("{LIST}?q={q}")).await);
    alice.post(&key_path(&key.id, "rename"), &[("name", "exporter")]).await;
    assert_eq!((found("importer").await.len(), found("exporter").await), (0, vec![key.id.clone()]));
    let old = &key.secret[key.secret.len() - 4..];
    assert_eq!(found(old).await, [key.id.as_str()]);
    alice.post(&key_path(&key.id, "rotate"), &[("grace", "0")]).await;
    let new = alice.reveals(&key.id).await;
    assert_eq!(found(&new[new.len() - 4..]).await, [key.id.as_str()]);
    assert_eq!(found(old).await.len(), 0);
}

#[tokio::test]
async fn a_look_that_finds_nothing_in_a_thousand_keys_says_that_there_are_more_to_look_at() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let first = alice.first_key().await;
    many(&desk, &alice).await;
    // Two letters are too few to be looked up, and only the key that came with the account has them: the last by name.
    let mut page = alice.get(&format!("{LIST}?q=ir&sort=-name")).await;
    let mut looks = 1;
    while let Some(next) = page.link("Look further") {
        page.has_heading("No keys match so far");
        page = alice.get(&next).await;
        looks += 1;
    }
    assert_eq!((looks, ids(&page)), (4, vec![first]), "{}", page.text());
    page.says("Showing 1 of 1+ keys");
}

#[tokio::test]
async fn more_keys_that_expire_soon_than_a_look_reaches_stand_in_the_order_of_their_end() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    many(&desk, &alice).await;
    let end = desk.app.now().micros() + 86_400_000_000;
    // The last so many of them end, one after the other, and were used one after the other.
    let expire = async |keys: u64| {
        let from = 1_000_000_000_003_000 - keys;
        let ends = format!(
            "update api_keys set last_used_at = created_at,
                expires_at = case when id > 'key_{from}' then {end} + cast(substr(id, 5) as bigint) % 10000 end
             where name_folded like 'worker %'"
        );
        desk.database.run(&ends).await;
    };
    let (last_used, soonest) = ("key_1000000000003000", "key_1000000000001901");
    for (keys, sort, first) in [(900, "", last_used), (1_100, "", soonest), (1_100, "-last_used", last_used)] {
        expire(keys).await;
        let page = alice.get(&format!("{LIST}?status=expiring&sort={sort}")).await;
        assert_eq!((ids(&page).len(), ids(&page)[0].as_str()), (50, first), "{keys}, {sort}");
    }
}
