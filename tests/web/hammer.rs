//! Deletion under fire: the real binary, 64 real connections, and not one request let through that starts after the
//! answer.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use keydesk::product::DEFAULT;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::audit;
use crate::support::PASSWORD;

const CONNECTIONS: usize = 64;
/// Requests that every connection makes before the key is deleted.
const WARM: usize = 5;

struct Desk {
    process: Child,
    address: String,
    _data: tempfile::TempDir,
}

impl Desk {
    fn start() -> Self {
        let data = audit::folder("hammer-");
        // No minute is ever spent: what is refused here is refused because the key is gone.
        let product = data.path().join("product.toml");
        std::fs::write(&product, DEFAULT.replace("per_minute = 100", "per_minute = 0")).expect("a definition");
        let mut process = Command::new(env!("CARGO_BIN_EXE_keydesk"))
            .env("KEYDESK_LISTEN", "127.0.0.1:0")
            .env("KEYDESK_DATA_DIR", data.path())
            .env("KEYDESK_PRODUCT", product)
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("its output");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let address = line.trim().rsplit("http://localhost").next().map(|port| format!("127.0.0.1{port}"));
        Self { process, address: address.expect("an address"), _data: data }
    }

    async fn connect(&self) -> Connection {
        Connection { stream: BufStream::new(TcpStream::connect(&self.address).await.expect("a connection")) }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.process.kill().expect("the desk ends");
        self.process.wait().expect("the desk has ended");
    }
}

/// One keep-alive connection.
struct Connection {
    stream: BufStream<TcpStream>,
}

struct Heard {
    status: u16,
    head: String,
    body: String,
}

impl Connection {
    async fn ask(&mut self, line: &str, headers: &str, body: &str) -> Heard {
        let request =
            format!("{line} HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
        self.stream.write_all(request.as_bytes()).await.expect("a request");
        self.stream.flush().await.expect("a request");
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(self.stream.read_line(&mut head).await.expect("a head") > 0, "cut off after {head:?}");
        }
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().expect("a length"));
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.expect("a body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Heard { status, head, body: String::from_utf8(body).expect("text") }
    }

    async fn post(&mut self, path: &str, cookie: &str, body: &str) -> Heard {
        let headers = format!(
            "sec-fetch-site: same-origin\r\ncookie: {cookie}\r\ncontent-type: application/x-www-form-urlencoded\r\n"
        );
        self.ask(&format!("POST {path}"), &headers, body).await
    }
}

/// The part of `text` between the first `before` and the next `after`.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    text.split_once(before).and_then(|(_, rest)| rest.split_once(after)).expect("it is there").0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_that_starts_after_the_delete_answer_passes_on_64_connections() {
    let desk = Desk::start();
    let mut alice = desk.connect().await;
    let form = format!("account=Halden&email=alice%40halden.example&password={}", PASSWORD.replace(' ', "+"));
    let signed_up = alice.post("/sign-up", "", &form).await;
    let cookie = between(&signed_up.head, "set-cookie: ", ";").to_owned();
    audit::note(cookie.split('=').next_back().expect("a value"));
    let welcome = alice.ask("GET /welcome", &format!("cookie: {cookie}\r\n"), "").await;
    let id = between(&welcome.body, "/settings/api-keys/", "/reveal").to_owned();
    let revealed = alice.post(&format!("/settings/api-keys/{id}/reveal"), &cookie, "").await;
    let secret = format!("kd_live_{}", between(&revealed.body, ">kd_live_", "<"));
    audit::note(&secret);

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
