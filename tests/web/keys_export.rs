//! The list of keys as a file: what the filters match, whole, harmless in a spreadsheet, without a secret, and recorded.

use axum::http::Method;

use crate::support::{Answer, TestApp, key_path};

const CSV: &str = "/settings/api-keys.csv";

/// The rows under the headings.
fn rows(answer: &Answer) -> Vec<Vec<String>> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut reader = csv::Reader::from_reader(answer.body.as_ref());
    let headings = reader.headers().expect("headings").iter().collect::<Vec<_>>().join(" ");
    assert!(headings.starts_with("id name status environment type inbox_id"), "{headings}");
    reader.records().map(|row| row.expect("a row").iter().map(str::to_owned).collect()).collect()
}

fn names(answer: &Answer) -> Vec<String> {
    rows(answer).into_iter().map(|row| row[1].clone()).collect()
}

#[tokio::test]
async fn the_file_holds_facts_of_every_key_the_newest_first_and_no_secret() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key =
        alice.key("billing", &[("preset", "custom"), ("scopes[]", "mail:send"), ("allowed_ips", "192.0.2.7")]).await;
    let file = alice.get(CSV).await;
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"api-keys-2026-11-21.csv\"");
    assert_eq!(file.secrets(), Vec::<String>::new());
    let rows = rows(&file);
    let mut named: Vec<_> = rows.iter().map(|row| row[1].as_str()).collect();
    named.sort_unstable();
    assert_eq!(named, ["billing", "first-key"]);
    let row = rows.iter().find(|row| row[1] == "billing").expect("its row");
    let last4 = &key.secret[key.secret.len() - 4..];
    let begin =
        [&key.id, "billing", "active", "live", "standard", "", "", "mail:send", "192.0.2.7/32", "kd_live_", last4];
    assert_eq!(row[..11], begin);
    assert_eq!((row[11].as_str(), row[12].as_str()), ("2026-11-21T14:05:00Z", "Alice"));
}

#[tokio::test]
async fn the_file_follows_the_filters_and_the_choice_and_is_itself_recorded() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let (billing, orders) = (alice.key("billing", &[]).await, alice.key("orders", &[]).await);
    alice.post(&key_path(&billing.id, "delete"), &[("name", "billing")]).await.redirects_to("/settings/api-keys");
    let list = alice.get("/settings/api-keys?status=deleted&sort=name").await;
    assert_eq!(list.link("Export the whole list").as_deref(), Some("/settings/api-keys.csv?status=deleted"));
    let since = desk.events(&alice).await.len();
    assert_eq!(names(&alice.get(&format!("{CSV}?status=deleted")).await), ["billing"]);
    assert_eq!(names(&alice.get(&format!("{CSV}?q=orders")).await), ["orders"]);
    let both = format!("{CSV}?key={}&key={}", orders.id, billing.id);
    assert_eq!(names(&desk.amir(&alice).await.get(&both).await), ["billing", "orders"]);
    assert_eq!(alice.ask(Method::HEAD, CSV).send().await.status, 200);
    let events = desk.events(&alice).await.split_off(since);
    let told: Vec<_> = events.iter().filter(|event| event.action.code() == "keys.exported").collect();
    let said: Vec<_> = told.iter().map(|event| event.sentence()).collect();
    let expected = [
        "Exported the list of keys, 1 key as CSV, only status deleted",
        "Exported the list of keys, 1 key as CSV, only search orders",
        "Exported the list of keys, 2 keys as CSV, only selected",
    ];
    assert_eq!(said, expected);
    assert_eq!(told[2].actor_role, "auditor");
}

#[tokio::test]
async fn a_name_is_no_formula_and_a_secret_in_the_search_stays_out_of_address_and_log() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("=HYPERLINK(\"https://evil.example\")", &[]).await;
    assert_eq!(names(&alice.get(&format!("{CSV}?q=hyper")).await), ["'=HYPERLINK(\"https://evil.example\")"]);
    let since = desk.events(&alice).await.len();
    let last4 = &key.secret[key.secret.len() - 4..];
    alice.get(&format!("{CSV}?q={}", key.secret)).await.redirects_to(&format!("{CSV}?q={last4}"));
    assert_eq!(desk.events(&alice).await.len(), since);
}

#[tokio::test]
async fn a_list_of_many_pieces_leaves_whole_and_in_order() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let fill = format!(
        "insert into api_keys (id, account_id, name, name_folded, key_type, environment, scopes, allowed_ips, prefix,
            last4, created_at)
         with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 1203)
         select 'key_' || (1000000000000000 + n), '{}', 'key ' || n, 'key ' || n, 'standard', 'live', '*', '',
            'kd_live_', 'aaaa', {} - n
         from numbers",
        alice.account_id,
        desk.app.now().micros()
    );
    desk.database.run(&fill).await;
    let names = names(&alice.get(CSV).await);
    assert_eq!((names.len(), names[0].as_str()), (1204, "first-key"));
    let expected: Vec<String> = (1..=1203).map(|number| format!("key {number}")).collect();
    assert_eq!(names[1..], expected);
}
