//! Deletion under fire: the real binary, 64 real connections, and not one request let through that starts after the
//! answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::support::Binary;

const CONNECTIONS: usize = 64;
/// Requests that every connection makes before the key is deleted.
const WARM: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_that_starts_after_the_delete_answer_passes_on_64_connections() {
    let desk = Binary::start();
    let mut alice = desk.connect().await;
    let (cookie, id, secret) = alice.sign_up().await;

    let deleted = Arc::new(AtomicBool::new(false));
    let warm = Arc::new((AtomicUsize::new(0), Notify::new()));
    let mut hammers = Vec::new();
    for number in 0..CONNECTIONS {
        let door = if number % 2 == 0 { "GET /gate/authorize?scope=mail:send" } else { "GET /v1/key" };
        let mut connection = desk.connect().await;
        let (deleted, warm) = (deleted.clone(), warm.clone());
        let headers = format!("authorization: Bearer {secret}\r\n");
        hammers.push(tokio::spawn(async move {
            for made in 1.. {
                let after = deleted.load(Ordering::SeqCst);
                let status = connection.ask(door, &headers, "").await.status;
                if after {
                    return status;
                }
                assert!(made > WARM || status == 200, "{door}: {status}");
                if made == WARM && warm.0.fetch_add(1, Ordering::SeqCst) + 1 == CONNECTIONS {
                    warm.1.notify_one();
                }
            }
            unreachable!("the loop ends with the deletion")
        }));
    }
    warm.1.notified().await;
    let answer = alice.post(&format!("/settings/api-keys/{id}/delete"), &cookie, "name=first-key").await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    deleted.store(true, Ordering::SeqCst);
    for hammer in hammers {
        assert_eq!(hammer.await.expect("a connection that holds"), 401);
    }
}
