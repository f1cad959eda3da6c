//! A request that is held open outlives nobody: who is let in before the body arrives may have lost the right when it does.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::Method;
use keydesk::clock::days;
use keydesk::store::web_sessions::WebSessions;
use tokio::sync::{Notify, mpsc};
use tower_sessions::SessionStore as _;
use tower_sessions::session::{Id, Record};

use crate::support::{Actor, Answer, TestApp, key_path};

/// A body that comes when it is told to, and says when somebody waits for more of it than has come.
fn slow_body() -> (mpsc::UnboundedSender<Bytes>, Arc<Notify>, Body) {
    let (send, mut parts) = mpsc::unbounded_channel::<Bytes>();
    let hungry = Arc::new(Notify::new());
    let says = hungry.clone();
    let stream = futures_util::stream::poll_fn(move |context| {
        let part = parts.poll_recv(context);
        if part.is_pending() {
            says.notify_one();
        }
        part.map(|part| part.map(Ok::<_, std::io::Error>))
    });
    (send, hungry, Body::from_stream(stream))
}

/// Sends the first half of a body, does something, and sends the second.
async fn between(
    who: &Actor,
    path: &str,
    kind: &str,
    (first, second): (&str, &str),
    what: impl AsyncFnOnce(),
) -> Answer {
    let (send, hungry, body) = slow_body();
    // Before anybody asks: a request that waits for the first half waits for the second, too.
    send.send(first.to_owned().into()).expect("a body");
    let request = tokio::spawn({
        let (who, path, kind) = (who.clone(), path.to_owned(), kind.to_owned());
        async move { who.ask(Method::POST, &path).raw(&kind, body).send().await }
    });
    hungry.notified().await;
    what().await;
    let _ = send.send(second.to_owned().into());
    drop(send);
    request.await.expect("an answer")
}

#[tokio::test]
async fn a_key_is_not_made_for_somebody_who_is_removed_meanwhile() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let program = desk.token_of(&alice).await;
    let body = (r#"{"type":"standard","name":"late","environment":"live","#, r#""preset":"full"}"#);
    let made = between(&program, "/v1/keys", "application/json", body, async || {
        desk.database.run("update sessions set ended_at = 1").await;
    })
    .await;
    assert_eq!(made.status, 401, "{}", made.text());
    assert_eq!(desk.count("select count(*) from api_keys where name = 'late'").await, 0);
}

#[tokio::test]
async fn a_deleted_key_makes_no_other_however_slowly_it_asks() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("maker", &[("preset", "full")]).await;
    let program = desk.holder(&key.secret);
    let body = (r#"{"type":"standard","name":"late","environment":"live","#, r#""preset":"full"}"#);
    let made = between(&program, "/v1/keys", "application/json", body, async || {
        alice.post(&key_path(&key.id, "delete"), &[("name", "maker")]).await;
    })
    .await;
    assert_eq!(made.status, 401, "{}", made.text());
    assert_eq!(desk.count("select count(*) from api_keys where name = 'late'").await, 0);
}

#[tokio::test]
async fn a_form_that_arrives_after_the_sign_out_leads_to_the_sign_in() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let inbox = ("name=", "Late");
    let kind = "application/x-www-form-urlencoded";
    let made = between(&alice, "/settings/inboxes", kind, inbox, async || {
        desk.database.run("update sessions set ended_at = 1").await;
    })
    .await;
    made.redirects_to("/sign-in");
    assert_eq!(desk.count("select count(*) from inboxes").await, 0);
}

/// Ten seconds by the clock on the wall: what is waited for is the answer.
#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let desk = TestApp::new().await;
    let visitor = desk.visitor();
    let waits = async |path: &str, kind: &str| {
        let (send, _, body) = slow_body();
        send.send("{".into()).expect("somebody reads");
        let answer = visitor.ask(Method::POST, path).raw(kind, body).send();
        let answer = tokio::time::timeout(Duration::from_secs(60), answer).await.expect("an answer in time");
        assert_eq!(answer.status, 408, "{path}");
        drop(send);
    };
    tokio::join!(waits("/sign-in", "application/x-www-form-urlencoded"), waits("/api/auth/login", "application/json"),);
}

#[tokio::test]
async fn a_session_record_that_was_taken_back_is_not_written_again() {
    let desk = TestApp::new().await;
    let store = WebSessions { db: desk.app.db.clone(), clock: desk.app.clock.clone() };
    let expiry_date = (desk.app.now() + days(1)).date_time();
    let mut record = Record { id: Id::default(), data: std::collections::HashMap::new(), expiry_date };
    store.create(&mut record).await.expect("kept");
    store.delete(&record.id).await.expect("taken back");
    store.save(&record).await.expect("a late save is no error");
    assert!(store.load(&record.id).await.expect("a read").is_none());
}
