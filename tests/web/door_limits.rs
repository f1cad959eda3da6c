//! Clients that would hold a connection for ever, or want too much over it: each is cut by a limit of its own, and nobody
//! else is.

use std::time::Duration;

use keydesk::web::server::limits::Limits;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{Connection, Doorway, TestApp};

const SHORT: Duration = Duration::from_millis(100);
/// Several times [`SHORT`].
const LONGER: Duration = Duration::from_millis(400);
const ASK: &str = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";

async fn door(limits: Limits) -> Doorway {
    TestApp::new().await.opens(limits).await
}

/// Waits until it is so.
async fn at_last(is_so: impl AsyncFn() -> bool) {
    let waiting = async { while !is_so().await {} };
    timeout(Duration::from_secs(30), waiting).await.expect("it happens some day");
}

/// Whether a whole request is answered.
async fn is_served(client: &mut Connection) -> bool {
    client.ask_whoever_lives("GET /healthz", "", "").await.is_ok_and(|heard| heard.status == 200)
}

#[tokio::test]
async fn whoever_connects_and_says_nothing_is_hung_up_on() {
    let door = door(Limits { first_byte: SHORT, ..Limits::default() }).await;
    assert!(door.connect().await.is_hung_up_on().await);
}

#[tokio::test]
async fn a_head_has_to_come_in_time_however_often_a_byte_of_it_comes() {
    let door = door(Limits { head: SHORT, ..Limits::default() }).await;
    let mut client = door.connect().await;
    client.say("GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-slow: ").await.expect("it listens");
    let dribbling = async { while client.hears_nothing_for(SHORT / 10).await && client.say("x").await.is_ok() {} };
    timeout(Duration::from_secs(20), dribbling).await.expect("it is cut some day");
    assert!(client.is_hung_up_on().await);
}

#[tokio::test]
async fn a_connection_between_two_requests_has_a_limit_of_its_own() {
    let limits = Limits { first_byte: SHORT, head: SHORT, idle: Duration::from_secs(60), ..Limits::default() };
    let patient = door(limits.clone()).await;
    let mut client = patient.connect().await;
    assert!(is_served(&mut client).await);
    assert!(client.hears_nothing_for(LONGER).await, "neither the first byte nor a head is waited for");
    assert!(is_served(&mut client).await, "it is still there");

    let hasty = door(Limits { idle: SHORT, ..limits }).await;
    let mut client = hasty.connect().await;
    assert!(is_served(&mut client).await);
    assert!(client.is_hung_up_on().await);
}

#[tokio::test]
async fn no_limit_of_a_head_or_a_pause_cuts_a_body_on_its_way() {
    let limits = Limits { first_byte: SHORT, head: SHORT, idle: SHORT, ..Limits::default() };
    let door = door(limits).await;
    let mut client = door.connect().await;
    let head = "POST /api/auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{";
    client.say(head).await.expect("it listens");
    assert!(client.hears_nothing_for(LONGER).await);
    client.say("}").await.expect("it listens");
    assert_eq!(client.hear().await.expect("an answer").status, 400);
}

#[tokio::test]
async fn a_second_request_that_comes_with_the_first_is_answered_too() {
    let door = door(Limits { head: SHORT, ..Limits::default() }).await;
    let mut client = door.connect().await;
    client.say(&format!("{ASK}{}", &ASK[..20])).await.expect("it listens");
    assert_eq!(client.hear().await.expect("an answer").status, 200);
    client.say(&ASK[20..]).await.expect("it listens");
    assert_eq!(client.hear().await.expect("an answer").status, 200);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused_by_its_status() {
    let door = door(Limits::default()).await;
    let asks = async |line: &str, headers: String| {
        let heard = door.connect().await.ask_whoever_lives(line, &headers, "").await;
        heard.map(|heard| (heard.status, heard.head.contains("x-request-id: req_"), heard.body))
    };
    let status = async |line: &str, headers| asks(line, headers).await.expect("an answer").0;
    // Two headers come by themselves.
    assert_eq!(status("GET /healthz", "x-many: 1\r\n".repeat(98)).await, 200);
    assert_eq!(status("GET /healthz", "x-many: 1\r\n".repeat(99)).await, 431);
    assert_eq!(status("GET /healthz", format!("x-large: {}\r\n", "x".repeat(15 * 1024))).await, 200);
    assert_eq!(status("GET /healthz", format!("x-large: {}\r\n", "x".repeat(17 * 1024))).await, 431);
    let uri = |length: usize| format!("GET /healthz?{}", "x".repeat(length - "/healthz?".len()));
    assert_eq!(status(&uri(4096), String::new()).await, 200);
    let (status, has_id, body) = asks(&uri(4097), String::new()).await.expect("an answer");
    assert!(status == 414 && has_id && body.contains("uri_too_long"), "{status} {body}");
}

/// 503, with the id that the log knows it by.
#[tokio::test]
async fn an_answer_that_takes_too_long_is_given_up_and_says_so() {
    let door = door(Limits { handler: SHORT, ..Limits::default() }).await;
    let asks = async |path: &str, kind: &str| {
        let mut client = door.connect().await;
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nsec-fetch-site: same-origin\r\ncontent-type: application/{kind}\r\n\
             content-length: 9\r\n\r\n{{"
        );
        client.say(&request).await.expect("it listens");
        let heard = client.hear().await.expect("an answer");
        assert_eq!(heard.status, 503, "{path}");
        let id = heard.head.lines().find_map(|line| line.strip_prefix("x-request-id: ")).expect("an id");
        assert!(heard.body.contains(id) && heard.head.contains("retry-after: 5"), "{path}: {}", heard.head);
        heard.body
    };
    assert!(asks("/sign-in", "x-www-form-urlencoded").await.contains("This took too long"));
    assert!(asks("/api/auth/login", "json").await.contains("overdue"));
    assert!(asks("/gate/verify", "json").await.contains("unavailable"));
}

/// A client with as little room as the kernel gives, which asks and asks and never reads.
async fn deaf_client(door: &Doorway) -> TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    let client = socket.connect(door.address).await.expect("a connection");
    let asks = "GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(300);
    let mut sent = 0;
    while sent < asks.len() {
        client.writable().await.expect("a connection");
        match client.try_write(&asks.as_bytes()[sent..]) {
            Ok(written) => sent += written,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            // It is cut already.
            Err(_) => break,
        }
    }
    client
}

#[tokio::test]
async fn a_client_that_does_not_read_gives_up_its_seat() {
    let door = door(Limits { write_stall: SHORT, connections: 1, ..Limits::default() }).await;
    let deaf = deaf_client(&door).await;
    at_last(async || is_served(&mut door.connect().await).await).await;
    drop(deaf);
}

#[tokio::test]
async fn there_are_so_many_seats_and_no_more() {
    let door = door(Limits { connections_per_address: 2, ..Limits::default() }).await;
    let (mut one, mut other) = (door.connect().await, door.connect().await);
    assert!(is_served(&mut one).await && is_served(&mut other).await);
    assert!(door.connect().await.is_hung_up_on().await);
    drop(one);
    at_last(async || is_served(&mut door.connect().await).await).await;
    assert!(is_served(&mut other).await);
}
