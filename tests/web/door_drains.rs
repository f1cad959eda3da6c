//! A stop: load balancers hear of it first, requests in flight are finished, and no client holds it up.

use std::time::Duration;

use keydesk::web::server::limits::Limits;
use tokio::time::timeout;

use crate::support::TestApp;

const LONG: Duration = Duration::from_secs(20);
/// The head of a request whose body is to come. A server that asks for it has the request in hand.
const BEGINNING: &str = "POST /api/auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                         content-length: 2\r\nexpect: 100-continue\r\n\r\n";

#[tokio::test]
async fn a_load_balancer_hears_of_a_stop_while_everybody_is_still_served() {
    let delay = Limits { drain_delay: Duration::from_secs(3600), ..Limits::default() };
    let mut door = TestApp::new().await.opens(delay).await;
    let mut kept = door.connect().await;
    let heard = kept.ask("GET /readyz", "", "").await;
    assert!(heard.status == 200 && !heard.head.contains("connection: close"));
    door.stop();
    while door.connect().await.ask("GET /readyz", "", "").await.status == 200 {}
    let new = door.connect().await.ask("GET /healthz", "", "").await;
    assert_eq!(new.status, 200, "whoever comes is still taken");
    let heard = kept.ask("GET /healthz", "", "").await;
    assert!(heard.status == 200 && heard.head.contains("connection: close"), "and told to come elsewhere next time");
    assert!(kept.is_hung_up_on().await);
}

#[tokio::test]
async fn a_request_in_flight_is_finished() {
    let mut door = TestApp::new().await.opens(Limits::default()).await;
    let mut client = door.connect().await;
    client.say(BEGINNING).await.expect("it listens");
    assert_eq!(client.hear().await.expect("an answer").status, 100);
    door.stop();
    while !door.desk.app.is_draining() {
        tokio::task::yield_now().await;
    }
    client.say("{}").await.expect("it listens");
    let heard = client.hear().await.expect("an answer");
    assert!(heard.status == 400 && heard.head.contains("connection: close"), "{}", heard.head);
    timeout(LONG, door.has_stopped()).await.expect("and then it stops");
}

#[tokio::test]
async fn no_client_holds_up_a_stop() {
    let drain = Duration::from_millis(800);
    let mut door = TestApp::new().await.opens(Limits { drain, ..Limits::default() }).await;
    let (mut silent, mut slow, mut idle, mut busy) =
        (door.connect().await, door.connect().await, door.connect().await, door.connect().await);
    assert_eq!(idle.ask("GET /healthz", "", "").await.status, 200);
    slow.say("GET /healthz HTTP/1.1\r\nx-slow: ").await.expect("it listens");
    busy.say(BEGINNING).await.expect("it listens");
    assert_eq!(busy.hear().await.expect("an answer").status, 100);
    door.stop();
    assert!(idle.is_hung_up_on().await && silent.is_hung_up_on().await);
    timeout(LONG, door.has_stopped()).await.expect("it stops all the same");
}

#[tokio::test]
async fn whoever_was_taken_in_right_before_a_stop_is_answered() {
    let mut door = TestApp::new().await.opens(Limits::default()).await;
    let mut client = door.connect().await;
    // One after the other: this one is accepted when the next is answered.
    assert_eq!(door.connect().await.ask("GET /healthz", "", "").await.status, 200);
    door.stop();
    let heard = client.ask("GET /healthz", "", "").await;
    assert!(heard.status == 200 && heard.head.contains("connection: close"), "{}", heard.head);
    timeout(LONG, door.has_stopped()).await.expect("it stops");
}
