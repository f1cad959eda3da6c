//! What is answered before hyper is what hyper's way would have answered, in its order, whatever comes before, behind and between
//! the bytes of a request. `te` sends a request hyper's way and says nothing to anybody.

use std::collections::BTreeSet;
use std::time::Duration;

use httparse::Header;
use keydesk::web::gate::{Head, respond_from_memory};
use keydesk::web::peer::Peer;
use keydesk::web::server::limits::Limits;
use keydesk::web::server::wire::Wire;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::support::{Cast, Connection, Dice, Doorway, Heard, Key, TestApp};

const SHORT: Duration = Duration::from_millis(100);
const LONGER: Duration = Duration::from_millis(400);
/// Less than any limit of a connection, so that none of their timers stands in for whoever should have woken it.
const PATIENCE: Duration = Duration::from_secs(8);

/// An answer, its line and headers in their order, without what differs from request to request.
fn whole(heard: &Heard) -> String {
    let id = heard.head.lines().find_map(|line| line.strip_prefix("x-request-id: ")).expect("an id");
    let constant = |line: &&str| !line.starts_with("date: ") && !line.starts_with("x-ratelimit-remaining: ");
    let lines: Vec<&str> = heard.head.lines().filter(constant).collect();
    assert!(lines.len() + 2 >= heard.head.lines().count() && heard.head.contains("\r\ndate: "), "{}", heard.head);
    format!("{}\n{}", lines.join("\n"), heard.body).replace(id, "req_…")
}

/// A question as some gateway puts it, without the end of its head.
fn question(dice: &Dice, cast: &Cast) -> String {
    const QUERIES: [&str; 12] = [
        "",
        "?",
        "?scope=mail:send",
        "?scope=mail%3Asend&mode=nginx",
        "?scope=keys:read",
        "?scope=nobody:knows",
        "?scope=a&scope=b",
        "?token=x",
        "?mode=nginx",
        "?inbox=inb_0123456789abcdef",
        "?inbox=OWN&scope=mail:read",
        "?inbox=OTHER",
    ];
    const HEADERS: [&str; 10] = [
        "",
        "User-Agent: curl/8.5\r\n",
        "X-Forwarded-For: 198.51.100.3\r\n",
        "X-FORWARDED-FOR: garbage\r\n",
        "x-forwarded-for: 198.51.100.3\r\nX-Forwarded-For: 198.51.100.4\r\n",
        "X_Forwarded_For: 198.51.100.3\r\n",
        "X-Original-Method: GET\r\nX-Original-URI: /v1/inboxes\r\n",
        "X-Original-URI: /v1/inboxes\r\n",
        "x-odd: \u{e9}\r\nuser-agent: \u{e9}\r\n",
        "Connection: keep-alive\r\nContent-Length: 0\r\n",
    ];
    let (_, secret) = dice.pick(&cast.credentials);
    let credential = match dice.below(12) {
        0 => String::new(),
        1 => format!("Authorization: Basic {secret}\r\n"),
        2 => format!("Authorization: Bearer {secret}\r\nauthorization: Bearer {secret}\r\n"),
        3 => format!("AUTHORIZATION: bearer {}0\r\n", &secret[..secret.len() - 1]),
        _ => format!("authorization: Bearer {secret}\r\n"),
    };
    let query = dice.pick(&QUERIES).replace("OWN", &cast.own).replace("OTHER", &cast.other);
    format!("GET /gate/authorize{query} HTTP/1.1\r\nHost: localhost\r\n{}{credential}", dice.pick(&HEADERS))
}

#[tokio::test]
async fn both_ways_give_one_answer() {
    let desk = TestApp::remembering(1000).await;
    let cast = desk.cast().await;
    let door = desk.opens(Limits::default()).await;
    let (mut express, mut hyper, dice) = (door.connect().await, door.connect().await, Dice::seeded(80));
    let mut statuses = BTreeSet::new();
    for draw in 0..300 {
        let asked = question(&dice, &cast);
        let says = async |connection: &mut Connection, end: &str| {
            connection.say(&format!("{asked}{end}\r\n")).await.expect("it listens");
            connection.hear().await.expect("an answer")
        };
        // The first of them may ask the database.
        says(&mut hyper, "te: x\r\n").await;
        let (one, other) = (says(&mut hyper, "te: x\r\n").await, says(&mut express, "").await);
        assert_eq!(whole(&other), whole(&one), "draw {draw}: {asked}");
        statuses.insert(one.status);
    }
    assert!(statuses.is_superset(&[200, 400, 401, 403, 404].into()), "{statuses:?}");
}

/// Asks the gate itself, as [`whole`] of what it writes; none if it takes more than memory.
fn from_memory(door: &Doorway, secret: &str) -> Option<String> {
    let bearer = format!("Bearer {secret}");
    let headers = [Header { name: "Authorization", value: bearer.as_bytes() }];
    let head = Head { method: "GET", path: "/gate/authorize", query: "scope=mail:send", headers: &headers[..] };
    let (peer, mut wire) = (Peer::at(([127, 0, 0, 1], 1).into()), Wire::default());
    let answered = respond_from_memory(&door.desk.app, (head, peer), &mut wire);
    let written = String::from_utf8(wire.rest().to_vec()).expect("text");
    assert_eq!(answered, !written.is_empty());
    let (head, body) = written.split_once("\r\n\r\n")?;
    Some(whole(&Heard { status: 0, head: format!("{head}\r\n\r\n"), body: body.into() }))
}

#[tokio::test]
async fn what_takes_the_database_leaves_no_trace_and_what_does_not_is_answered() {
    let desk = TestApp::remembering(1000).await;
    let key = desk.alice().await.key("billing", &[]).await;
    let door = desk.opens(Limits::default()).await;
    let meters = || {
        let meters = &door.desk.app.gate.meters;
        (meters.reads.get(), meters.verdicts().map(|(_, count)| count).sum::<u64>())
    };
    let before = meters();
    assert_eq!(from_memory(&door, &key.secret), None);
    assert_eq!(meters(), before, "nothing is asked, and nothing is counted");
    assert!(from_memory(&door, "kd_live_garbage").is_some_and(|answer| answer.starts_with("HTTP/1.1 401 ")));
    let mut connection = door.connect().await;
    let asked = format!(
        "GET /gate/authorize?scope=mail:send HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n",
        key.secret
    );
    for _ in 0..2 {
        connection.say(&asked).await.expect("it listens");
        let heard = connection.hear().await.expect("an answer");
        assert_eq!(from_memory(&door, &key.secret), Some(whole(&heard)));
    }
    assert_eq!(meters(), (before.0 + 1, before.1 + 5), "each of them once");
}

/// One request of a stream, and the status and key id that its answer has.
fn one_of(dice: &Dice, keys: &[Key]) -> (String, (u16, String)) {
    let key = dice.pick(keys);
    let passes = || (200, key.id.clone());
    let way = if dice.one_in(6) { "te: x\r\n" } else { "" };
    let asks = |line: &str, credential: &str| format!("{line} HTTP/1.1\r\nhost: a\r\n{credential}{way}\r\n");
    let bearer = format!("authorization: Bearer {}\r\n", key.secret);
    match dice.below(8) {
        0 => (asks("GET /gate/authorize", ""), (401, String::new())),
        1 => (asks("GET /gate/authorize?scope=a&scope=a", &bearer), (400, String::new())),
        _ => (asks("GET /gate/authorize?scope=mail:send", &bearer), passes()),
    }
}

/// The same, that ends what is answered before hyper.
fn one_of_hypers(dice: &Dice) -> (String, (u16, String)) {
    let asks =
        |line: &str, body: &str| format!("{line} HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    // A body that looks like a request is none.
    let body = "GET /gate/authorize HTTP/1.1\r\nhost: a\r\n\r\n";
    match dice.below(3) {
        0 => (asks("GET /healthz", ""), (200, String::new())),
        1 => (asks("POST /gate/authorize", body), (401, String::new())),
        _ => (asks("GET /gate/authorize", body), (401, String::new())),
    }
}

#[tokio::test]
async fn answers_come_in_the_order_of_the_requests_however_their_bytes_come() {
    let desk = TestApp::remembering(1000).await;
    let alice = desk.alice().await;
    let mut keys = Vec::new();
    for name in ["one", "two", "three", "four", "five"] {
        keys.push(alice.key(name, &[]).await);
    }
    let door = desk.opens(Limits::default()).await;
    let dice = Dice::seeded(81);
    for round in 0..40 {
        // Every key has to be read again.
        door.desk.app.db.changes().note_all();
        let mut stream: Vec<_> = (0..30).map(|_| one_of(&dice, &keys)).collect();
        if dice.one_in(2) {
            stream.insert(dice.below(30), one_of_hypers(&dice));
        }
        let bytes: String = stream.iter().map(|(asked, _)| asked.as_str()).collect();
        let most = *dice.pick(&[7, 40, 150, 3000]);
        let (socket, mut writing) = door.stream().await.into_split();
        let telling = async {
            let mut rest = bytes.as_bytes();
            while !rest.is_empty() {
                let (some, others) = rest.split_at((1 + dice.below(most)).min(rest.len()));
                writing.write_all(some).await.expect("it listens");
                tokio::task::yield_now().await;
                rest = others;
            }
            writing
        };
        let mut connection = Connection::over(tokio::io::join(socket, tokio::io::sink()));
        let hearing = async {
            for (asked, (status, id)) in &stream {
                let heard = timeout(PATIENCE, connection.hear()).await.expect("in time").expect("an answer");
                let told = heard.head.lines().find_map(|line| line.strip_prefix("x-keydesk-key-id: "));
                assert_eq!((heard.status, told.unwrap_or_default()), (*status, id.as_str()), "round {round}: {asked}");
            }
        };
        let (_writing, ()) = tokio::join!(telling, hearing);
    }
}

/// A door that remembers a key, and the request that asks with it.
async fn remembered(limits: Limits) -> (Doorway, String) {
    let desk = TestApp::remembering(1000).await;
    let key = desk.alice().await.key("billing", &[]).await;
    let door = desk.opens(limits).await;
    assert_eq!(door.desk.holder(&key.secret).asks("").await.status, 200);
    assert_eq!(door.desk.app.gate.remembered().keys, 1);
    (door, format!("GET /gate/authorize HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\r\n", key.secret))
}

#[tokio::test]
async fn whoever_has_said_all_is_still_answered() {
    let (door, asked) = remembered(Limits::default()).await;
    let mut stream = door.stream().await;
    stream.write_all(asked.as_bytes()).await.expect("it listens");
    stream.shutdown().await.expect("a connection");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.matches("HTTP/1.1").count() == 1, "{answer}");
}

#[tokio::test]
async fn a_head_that_dribbles_and_a_pause_that_lasts_are_cut_here_too() {
    let (door, asked) = remembered(Limits { head: SHORT, ..Limits::default() }).await;
    let mut client = door.connect().await;
    client.say(&asked[..60]).await.expect("it listens");
    assert!(client.is_hung_up_on().await);

    let limits = Limits { first_byte: SHORT, head: SHORT, idle: Duration::from_secs(60), ..Limits::default() };
    let (patient, asked) = remembered(limits.clone()).await;
    let mut client = patient.connect().await;
    for _ in 0..3 {
        client.say(&asked).await.expect("it listens");
        assert_eq!(client.hear().await.expect("an answer").status, 200);
        assert!(client.hears_nothing_for(LONGER).await, "neither the first byte nor a head is waited for");
    }
    let (hasty, asked) = remembered(Limits { idle: SHORT, ..limits }).await;
    let mut client = hasty.connect().await;
    for _ in 0..2 {
        client.say(&asked).await.expect("it listens");
        assert_eq!(client.hear().await.expect("an answer").status, 200);
    }
    assert!(client.is_hung_up_on().await);
}

#[tokio::test]
async fn whoever_asks_and_asks_and_does_not_read_is_cut() {
    let (door, asked) = remembered(Limits { write_stall: SHORT, ..Limits::default() }).await;
    let mut client = door.connect().await;
    let many = asked.repeat(100);
    let asking = async { while client.say(&many).await.is_ok() {} };
    timeout(PATIENCE, asking).await.expect("it is cut some day");
}

#[tokio::test]
async fn no_answer_overtakes_one_that_waits_to_be_sent() {
    let (door, asked) = remembered(Limits::default()).await;
    let fresh = door.desk.bob().await.key("fresh", &[]).await;
    let unread = format!("GET /gate/authorize HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\r\n", fresh.secret);
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    let (reading, mut writing) = socket.connect(door.address).await.expect("a connection").into_split();
    let many = asked.repeat(200);
    // Until nobody takes any more of it: then answers wait for room.
    let mut sent = 0;
    while let Ok(written) = timeout(SHORT, writing.write(&many.as_bytes()[sent % many.len()..])).await {
        sent += written.expect("it listens");
    }
    let rest = format!("{}{unread}{asked}", &many[sent % many.len()..]);
    let before = sent.next_multiple_of(many.len()) / asked.len();
    let mut connection = Connection::over(tokio::io::join(reading, tokio::io::sink()));
    let telling = async { writing.write_all(rest.as_bytes()).await.expect("it listens") };
    let hearing = async {
        let mut ids = Vec::new();
        for _ in 0..before + 2 {
            let heard = timeout(PATIENCE, connection.hear()).await.expect("in time").expect("an answer");
            ids.push(heard.head.lines().find_map(|line| line.strip_prefix("x-keydesk-key-id: ")).map(str::to_owned));
        }
        ids
    };
    let ((), ids) = tokio::join!(telling, hearing);
    let of_fresh = ids.iter().position(|id| id.as_deref() == Some(&fresh.id));
    assert_eq!(of_fresh, Some(before), "of {}", ids.len());
    assert!(ids[..before].iter().chain(&ids[before + 1..]).all(|id| id == &ids[0]));
}

#[tokio::test]
async fn a_stop_is_told_to_whoever_is_answered_here() {
    let delay = Limits { drain_delay: Duration::from_secs(3600), ..Limits::default() };
    let (mut door, asked) = remembered(delay).await;
    let mut client = door.connect().await;
    for _ in 0..2 {
        client.say(&asked).await.expect("it listens");
        assert!(!client.hear().await.expect("an answer").head.contains("connection: close"));
    }
    door.stop();
    while !door.desk.app.is_draining() {
        tokio::task::yield_now().await;
    }
    client.say(&asked).await.expect("it listens");
    let heard = client.hear().await.expect("an answer");
    assert!(heard.status == 200 && heard.head.contains("connection: close"), "{}", heard.head);
    assert!(client.is_hung_up_on().await);
}

/// Some questions, one behind the other, of which somebody changed a few bytes.
fn mangled(dice: &Dice, asked: &str) -> Vec<u8> {
    const ODD: [&[u8]; 20] = [
        b"\r",
        b"\n",
        b"\0",
        b" ",
        b"\t",
        b":",
        b"\r\n",
        b"\r\n\r\n",
        b"\n\n",
        b"#",
        b"%",
        b"\xe9",
        b"/",
        b"x",
        b"0",
        b"\r\n ",
        b"\r\ncontent-length: 5\r\n",
        b"\r\nTransfer-Encoding: chunked\r\n",
        b"\r\nconnection: close\r\n",
        b"\r\nexpect: 100-continue\r\n",
    ];
    let mut bytes = asked.repeat(1 + dice.below(3)).into_bytes();
    for _ in 0..=dice.below(3) {
        let at = dice.below(bytes.len());
        let until = at + dice.below(3).min(bytes.len() - at);
        let odd: &[u8] = if dice.one_in(4) { b"" } else { dice.pick::<&[u8]>(&ODD) };
        bytes.splice(at..until, odd.iter().copied());
    }
    bytes
}

/// Every answer to these bytes until the connection ends, without what differs from request to request.
async fn answers(mut stream: TcpStream, bytes: &[u8]) -> Vec<String> {
    // Whoever is refused may be cut before all is sent.
    let _ = stream.write_all(bytes).await;
    let mut heard = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut heard)).await.expect("it ends in time");
    drop(read);
    let differs =
        |line: &&str| !["date: ", "x-request-id: ", "x-ratelimit-"].iter().any(|start| line.starts_with(start));
    let heard = String::from_utf8_lossy(&heard).replace("\r\n", "\n");
    let said = |answer: &str| {
        let id = answer.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap_or("no id");
        answer.lines().filter(differs).collect::<Vec<_>>().join("\n").replace(id, "req_…")
    };
    heard.split("HTTP/1.1 ").skip(1).map(said).collect()
}

/// Hyper reads every byte of a connection whose first request is none of the gate's.
#[tokio::test]
async fn whatever_comes_ends_where_it_ends_for_hyper() {
    const LAST: &str = "GET /gate/authorize HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    const HYPERS: &str = "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n";
    let (door, asked) = remembered(Limits { head: SHORT, idle: SHORT, handler: SHORT, ..Limits::default() }).await;
    let dice = Dice::seeded(82);
    let (mut ends, mut passed) = (BTreeSet::new(), 0);
    for draw in 0..600 {
        let mut bytes = mangled(&dice, &asked);
        bytes.extend_from_slice(LAST.as_bytes());
        let behind = [HYPERS.as_bytes(), &bytes].concat();
        let (express, hyper) =
            tokio::join!(answers(door.stream().await, &bytes), answers(door.stream().await, &behind));
        assert_eq!(express, hyper[1..], "draw {draw}: {:?}", String::from_utf8_lossy(&bytes));
        ends.insert(express.last().and_then(|answer| answer.get(..3)).unwrap_or_default().to_owned());
        passed += express.iter().filter(|answer| answer.starts_with("200")).count();
    }
    assert!(passed > 200 && ends.is_superset(&["400", "401"].map(str::to_owned).into()), "{passed} {ends:?}");
}
