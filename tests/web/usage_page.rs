//! Usage as people look at it: of one key and of the account, by hours and by days, with the reasons of refusals and
//! the keys that were used most; and as a table, for whoever does not see the chart.

use std::time::Duration;

use keydesk::store::usage::{self, KeyUse};

use crate::keys_list::issued;
use crate::support::{Actor, Answer, TestApp, key_path};

const PAGE: &str = "/settings/usage";

/// Counts requests with a key so many hours ago.
async fn count(desk: &TestApp, of: &Actor, id: &str, ago: i64, ok: i64, refused: &[(&'static str, i64)]) {
    let mut counted = KeyUse::of(&of.account_id, id, String::new());
    counted.count(desk.app.now().hour() - ago, ok, refused);
    usage::flush(&desk.app.db, std::iter::once(&counted)).await.expect("the database takes the counts");
}

/// The requests of the chart's table, added up, and its number of rows.
fn table(page: &Answer) -> (u64, usize) {
    let (_, rows) = page.html().split_once("Show as a table").expect("the chart's table");
    let rows = rows.split_once("</table>").expect("its end").0;
    let cells: Vec<&str> = rows.split("<span class=\"lbl\">Requests</span>").skip(1).collect();
    let number = |cell: &&str| cell.split('<').next().expect("text").replace(',', "").parse::<u64>().expect("a number");
    (cells.iter().map(number).sum(), cells.len())
}

#[tokio::test]
async fn a_period_counts_what_lies_in_it_in_the_chart_and_in_its_table_of_key_and_account() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let id = alice.key("billing", &[]).await.id;
    let bob = desk.bob().await;
    count(&desk, &bob, &bob.first_key().await, 0, 100_000, &[("key_paused", 9)]).await;
    // It is 14:05: 23 hours ago is yesterday.
    for (ago, ok) in
        [(0, 1), (23, 10), (24, 100), (6 * 24, 1000), (7 * 24, 10_000), (89 * 24, 50_000), (90 * 24, 700_000)]
    {
        count(&desk, &alice, &id, ago, ok, &[]).await;
    }
    for (period, rows, total) in [("24h", 24, 11), ("7d", 7, 1111), ("30d", 30, 11_111), ("90d", 90, 61_111)] {
        for path in [key_path(&id, ""), PAGE.to_owned()] {
            let page = alice.get(&format!("{path}?period={period}")).await;
            assert_eq!(table(&page), (total, rows), "{path} {period}");
            page.says(&format!("Requests {}", keydesk::model::text::thousands(total)));
            assert!(page.html().contains("role=\"img\" aria-label=\"Requests each"), "the chart says what it shows");
            assert!(!page.html().contains("<script>"), "{path}");
        }
    }
    let default = alice.get(PAGE).await;
    assert_eq!(table(&default), (11_111, 30));
    assert_eq!(table(&alice.get(&format!("{PAGE}?period=1000d")).await), (11_111, 30));
    assert_eq!(default.link("90 days").as_deref(), Some("?period=90d"));
    assert_eq!(default.link("Usage").as_deref(), Some(PAGE), "it has its place in the navigation");
}

#[tokio::test]
async fn refusals_are_told_apart_by_their_reason() {
    let desk = TestApp::with_product(|product| product.rate_limit.per_minute = 3).await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[("preset", "send")]).await;
    let quiet = alice.get(PAGE).await;
    quiet.says("No request was refused.");
    quiet.says("No key was used in this time.");
    let program = desk.holder(&key.secret);
    for _ in 0..6 {
        program.asks("scope=mail:read").await;
    }
    for _ in 0..5 {
        program.asks("scope=mail:send").await;
    }
    desk.flush().await;
    desk.pass(Duration::from_secs(60));
    for period in ["24h", "30d"] {
        for path in [key_path(&key.id, ""), PAGE.to_owned()] {
            let page = alice.get(&format!("{path}?period={period}")).await;
            page.says("Scope not granted scope_missing 6 75%");
            page.says("Over the rate limit rate_limited 2 25%");
            page.says("Refused 8");
        }
    }
}

#[tokio::test]
async fn the_keys_used_most_come_first_each_with_its_share_and_the_way_to_its_page() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let mut ids = Vec::new();
    for number in 1..=12 {
        let id = alice.creates(&format!("key {number}"), &[]).await;
        count(&desk, &alice, &id, 3, number * 10, &[]).await;
        ids.push(id);
    }
    count(&desk, &alice, &ids[0], 3, 0, &[("key_deleted", 220)]).await;
    desk.database.run(&format!("update api_keys set deleted_at = 1 where id = '{}'", ids[0])).await;
    let page = alice.get(&format!("{PAGE}?period=7d")).await;
    let rows = page.rows();
    let named: Vec<_> = rows.iter().filter(|row| row.starts_with("key ")).cloned().collect();
    assert_eq!(named[..3], ["key 1 Deleted", "key 12", "key 11"], "{rows:?}");
    assert_eq!(named.len(), 10);
    page.says("Keys used 12");
    page.says("key 1 Deleted Requests230 Refused220 Share23%");
    page.says("key 12 Requests120 Refused0 Share12%");
    assert_eq!(page.link("key 12"), Some(format!("/settings/api-keys/{}?period=7d", ids[11])));

    // Few keys are looked up each time.
    count(&desk, &alice, &ids[4], 0, 5000, &[]).await;
    let soon = alice.get(&format!("{PAGE}?period=7d")).await;
    assert_eq!(first(&soon), "key 5");
    soon.says_nothing_of("again after a minute");
}

/// The key that was used most.
fn first(page: &Answer) -> String {
    page.rows().into_iter().find(|row| row.starts_with("key ")).expect("a key")
}

#[tokio::test]
async fn the_order_of_many_keys_is_remembered_for_a_minute_and_the_sums_are_not() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let mut ids = Vec::new();
    for number in 0..51 {
        let id = issued(&desk, &alice, &format!("key {number}"), None).await;
        count(&desk, &alice, &id, 3, 100 - number, &[]).await;
        ids.push(id);
    }
    let path = format!("{PAGE}?period=7d");
    let page = alice.get(&path).await;
    assert_eq!(first(&page), "key 0");
    page.says("Keys used 51");
    count(&desk, &alice, &ids[50], 0, 5000, &[]).await;
    desk.pass(Duration::from_secs(59));
    let soon = alice.get(&path).await;
    soon.says("Requests 8,825");
    soon.says("and again after a minute");
    assert_eq!(first(&soon), "key 0");
    desk.pass(Duration::from_secs(1));
    assert_eq!(first(&alice.get(&path).await), "key 50");
}

#[tokio::test]
async fn an_account_sees_its_own_usage_and_an_auditor_all_of_it() {
    let desk = TestApp::new().await;
    let (alice, bob) = (desk.alice().await, desk.bob().await);
    let id = alice.creates("halden-project", &[]).await;
    count(&desk, &alice, &id, 0, 4321, &[("rate_limited", 17)]).await;
    let foreign = bob.get(PAGE).await;
    for part in ["halden-project", "4,321", "rate_limited"] {
        foreign.says_nothing_of(part);
    }
    let amir = desk.amir(&alice).await;
    let page = amir.get(PAGE).await;
    page.says("halden-project");
    assert_eq!(page.link("Usage").as_deref(), Some(PAGE));
    let mei = desk.mei(&alice).await;
    let refused = mei.get(PAGE).await;
    assert_eq!(refused.status, 403);
    refused.says("Only administrators and auditors can see usage");
    assert_eq!(mei.get("/settings/inboxes").await.link("Usage"), None);
}

#[tokio::test]
async fn where_nothing_was_requested_a_sentence_stands_in_place_of_a_chart() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let id = alice.key("billing", &[]).await.id;
    for path in [key_path(&id, ""), PAGE.to_owned()] {
        let page = alice.get(&path).await;
        page.says("No requests in this period.");
        page.says_nothing_of("Show as a table");
    }
}
