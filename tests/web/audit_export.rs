//! The audit log as a file: what the filters match and nothing newer, harmless in a spreadsheet, and itself recorded.

use axum::http::Method;
use serde_json::Value;

use crate::support::{Actor, Answer, TestApp, key_path};

const CSV: &str = "/settings/audit-log.csv";
const LINES: &str = "/settings/audit-log.jsonl";

/// The rows under the headings.
fn rows(answer: &Answer) -> Vec<Vec<String>> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut reader = csv::Reader::from_reader(answer.body.as_ref());
    let headings = reader.headers().expect("headings").iter().collect::<Vec<_>>().join(" ");
    assert!(headings.starts_with("time event_id action sentence actor_kind"), "{headings}");
    reader.records().map(|row| row.expect("a row").iter().map(str::to_owned).collect()).collect()
}

fn lines(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.html().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// As many events as a busy year leaves; nobody checks their chain here.
async fn fill(desk: &TestApp, of: &Actor, events: usize) {
    let fill = format!(
        "insert into audit_events (account_id, seq, id, at, action, actor_kind, actor_id, actor_name, actor_role,
            session_id, ip, user_agent, request_id, target_id, target_name, detail, mac)
         with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < {events})
         select a.id, a.audit_seq + n, 'evt_' || (1000000000000000 + n), {}, 'key.renamed', 'user', '{}', 'Alice', '',
            '', '', '', '', '', 'target ' || n, '', ''
         from numbers
         join accounts a on a.id = '{}'",
        desk.app.now().micros(),
        of.user_id,
        of.account_id
    );
    desk.database.run(&fill).await;
    let head = format!("update accounts set audit_seq = audit_seq + {events} where id = '{}'", of.account_id);
    desk.database.run(&head).await;
}

#[tokio::test]
async fn the_file_holds_every_event_once_the_newest_first_and_its_name_says_when() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    fill(&desk, &alice, 1203).await;
    let recorded: Vec<String> = desk.events(&alice).await.into_iter().rev().map(|event| event.id).collect();
    assert!(recorded.len() > 1203);
    let file = alice.get(CSV).await;
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"audit-log-2026-11-21.csv\"");
    assert_eq!(file.header("cache-control"), "no-store");
    let exported: Vec<String> = rows(&file).into_iter().map(|row| row[1].clone()).collect();
    assert_eq!(exported, recorded, "and not the export itself");
    let file = alice.get(LINES).await;
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"audit-log-2026-11-21.jsonl\"");
    let events = lines(&file);
    assert_eq!(events.len(), recorded.len() + 1, "with the export before it");
    assert_eq!(events[0]["action"], "audit.exported");
}

#[tokio::test]
async fn an_export_is_recorded_with_what_it_holds_before_it_begins() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let amir = desk.amir(&alice).await;
    let key = alice.key("billing", &[]).await;
    let before = desk.events(&alice).await.len();
    alice.ask(Method::HEAD, CSV).send().await;
    assert_eq!(desk.events(&alice).await.len(), before, "whoever only asks takes nothing away");
    amir.get(&format!("{LINES}?action=key.created&target={}&q=bill", key.id)).await;
    let event = desk.events(&alice).await.pop().expect("an event");
    assert_eq!((event.action.code(), event.actor_id.as_str()), ("audit.exported", amir.user_id.as_str()));
    let said = format!(
        "Exported the audit log, 1 event as JSON Lines, only search bill, action key.created, target {}",
        key.id
    );
    assert_eq!(event.sentence(), said);
    alice.get(CSV).await;
    let event = desk.events(&alice).await.pop().expect("an event");
    assert_eq!(event.detail, format!("{} events as CSV", before + 1));
    alice.get("/settings/audit-log").await.says("as CSV audit.exported Audit log");
}

#[tokio::test]
async fn the_page_says_how_much_there_is_and_its_links_follow_the_filters() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    alice.post(&key_path(&key.id, "delete"), &[("name", "billing")]).await;
    let page = alice.get("/settings/audit-log?action=key.created&range=30d").await;
    page.says("2 events match, and an export holds all of them");
    let path = page.link("Export CSV").expect("a link");
    assert_eq!(path, format!("{CSV}?action=key.created&range=30d"));
    let exported = rows(&alice.get(&path).await);
    assert!(exported.len() == 2 && exported.iter().all(|row| row[2] == "key.created"), "{exported:?}");
    assert_eq!(lines(&alice.get(&page.link("Export JSON").expect("a link")).await).len(), 2);
    fill(&desk, &alice, 10_500).await;
    let page = alice.get("/settings/audit-log?action=key.renamed").await;
    page.says("More than 10,000 events match, and an export holds all of them");
    let all = desk.events(&alice).await.len();
    let all = format!("{},{:03} events match", all / 1000, all % 1000);
    alice.get("/settings/audit-log").await.says(&all);
    assert_eq!(rows(&alice.get(&format!("{CSV}?action=key.renamed")).await).len(), 10_500);
}

#[tokio::test]
async fn nothing_in_a_spreadsheet_runs() {
    let desk = TestApp::new().await;
    let mut alice = desk.alice().await;
    alice.user_agent = "=HYPERLINK(\"http://evil.example\";\"x\")".into();
    for name in ["@SUM(A1:A2)", "+1+1", "-1"] {
        alice.post("/settings/inboxes", &[("name", name)]).await;
    }
    let exported = rows(&alice.get(CSV).await);
    let made: Vec<&Vec<String>> = exported.iter().filter(|row| row[2] == "inbox.created").collect();
    assert_eq!(made.len(), 3);
    assert!(made.iter().all(|row| row[9] == "'=HYPERLINK(\"http://evil.example\";\"x\")"), "{made:?}");
    let names: Vec<&str> = made.iter().map(|row| row[12].as_str()).collect();
    assert_eq!(names, ["'-1", "'+1+1", "'@SUM(A1:A2)"]);
    assert!(exported.iter().flatten().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])));
    let as_it_is = lines(&alice.get(&format!("{LINES}?action=inbox.created")).await);
    assert_eq!(as_it_is[0]["target"]["name"], "-1", "a program gets what was recorded");
}

#[tokio::test]
async fn a_line_is_what_the_api_says_of_the_event() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    alice.key("billing", &[]).await;
    let by_api = desk.token_of(&alice).await.get("/v1/audit-events?limit=100").await.json();
    assert_eq!(&Value::Array(lines(&alice.get(LINES).await)), &by_api["data"]);
}

#[tokio::test]
async fn nobody_takes_away_the_log_of_another_account() {
    let desk = TestApp::new().await;
    let (alice, bob) = (desk.alice().await, desk.bob().await);
    let key = alice.key("billing", &[]).await;
    for query in ["", &format!("?target={}", key.id), "?q=billing", "?q=Halden"] {
        for path in [CSV, LINES] {
            let file = bob.get(&format!("{path}{query}")).await;
            assert_eq!(file.status, 200);
            let text = file.html().to_lowercase();
            assert!(!text.contains("halden") && !text.contains("alice"), "{query}: {text}");
            assert!(query.is_empty() || !text.contains("key.created"), "{query}: {text}");
        }
    }
}
