//! `kill -9` under writers: what was acknowledged is there, and every change has its event as every event has its change.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::audit;
use crate::commands::{finished, keydesk, said};
use crate::support::{Binary, Connection, TestApp};

const WRITERS: usize = 8;
const KILLS: usize = 6;
/// Acknowledged changes after which a round ends.
const A_ROUND: usize = 60;

/// What one writer was told.
#[derive(Default)]
struct Told {
    created: Vec<String>,
    deleted: Vec<String>,
}

/// Creates keys and deletes every second one, until nobody answers any more.
async fn write(mut program: Connection, secret: String, name: String, acknowledged: Arc<AtomicUsize>) -> Told {
    let headers = format!("authorization: Bearer {secret}\r\ncontent-type: application/json\r\n");
    let mut told = Told::default();
    for number in 0.. {
        let body = json!({
            "type": "standard", "name": format!("{name}-{number}"), "environment": "live", "preset": "read",
        });
        let Ok(heard) = program.ask_whoever_lives("POST /v1/keys", &headers, &body.to_string()).await else {
            break;
        };
        assert_eq!(heard.status, 201, "{}", heard.body);
        let key: Value = serde_json::from_str(&heard.body).expect("JSON");
        audit::note(key["secret"].as_str().expect("a secret"));
        let id = key["id"].as_str().expect("an id").to_owned();
        told.created.push(id.clone());
        acknowledged.fetch_add(1, Ordering::SeqCst);
        if number % 2 == 0 {
            continue;
        }
        let Ok(heard) = program.ask_whoever_lives(&format!("DELETE /v1/keys/{id}"), &headers, "").await else {
            break;
        };
        assert_eq!(heard.status, 204, "{}", heard.body);
        told.deleted.push(id);
        acknowledged.fetch_add(1, Ordering::SeqCst);
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_outlives_a_kill_and_no_change_is_without_its_event() {
    let shared = TestApp::new().await;
    let mut desk = Binary::start_at(Some(shared.database.url.clone()));
    let (_, _, secret) = desk.connect().await.sign_up().await;
    let mut told = Told::default();
    for round in 0..KILLS {
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let name = format!("key-{round}-{writer}");
            writers.spawn(write(desk.connect().await, secret.clone(), name, acknowledged.clone()));
        }
        let enough = async {
            // Each round ends somewhere else in what is being done.
            while acknowledged.load(Ordering::SeqCst) < A_ROUND + 7 * round {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(60), enough).await.expect("the writers are answered");
        desk.kill_and_start_again();
        while let Some(one) = writers.join_next().await {
            let one = one.expect("the writer ends");
            told.created.extend(one.created);
            told.deleted.extend(one.deleted);
        }
    }
    assert!(told.created.len() > KILLS * A_ROUND / 3 && !told.deleted.is_empty());
    for id in &told.created {
        assert_eq!(shared.count(&format!("select count(*) from api_keys where id = '{id}'")).await, 1, "{id} is lost");
    }
    for id in &told.deleted {
        let gone = format!("select count(*) from api_keys where id = '{id}' and deleted_at is not null");
        assert_eq!(shared.count(&gone).await, 1, "{id} came back");
    }
    for without in [
        "select count(*) from api_keys k where 1 <> (
            select count(*) from audit_events where target_id = k.id and action = 'key.created')",
        "select count(*) from api_keys k where k.deleted_at is not null and 1 <> (
            select count(*) from audit_events where target_id = k.id and action = 'key.deleted')",
        "select count(*) from audit_events e where e.action = 'key.created'
            and not exists (select 1 from api_keys where id = e.target_id)",
        "select count(*) from audit_events e where e.action = 'key.deleted'
            and not exists (select 1 from api_keys where id = e.target_id and deleted_at is not null)",
        "select count(*) from api_keys k where not exists (select 1 from api_key_secrets where key_id = k.id)
            and k.deleted_at is null",
    ] {
        assert_eq!(shared.count(without).await, 0, "{without}");
    }
    let mut verify = keydesk(desk.data.path(), &["audit", "verify"]);
    verify.env("KEYDESK_DATABASE_URL", &shared.database.url).env("KEYDESK_DATA_DIR", desk.data.path());
    let (fine, out, err) = said(&finished(verify.spawn().expect("it starts")));
    assert!(fine, "{out}{err}");
}
