//! Mail through a real SMTP server: each letter arrives once and whole, also when the server was away or turned it away
//! at first, and when the desk was killed between. The server comes from PyPI, so `cargo test` leaves these tests out and
//! `./scripts/test` runs them.

#[path = "../browser/audit.rs"]
#[expect(dead_code, reason = "the browser tests look for secrets in pages")]
mod audit;
#[path = "../browser/desk.rs"]
#[expect(dead_code, reason = "the browser tests start the desk in more ways")]
mod desk;
mod server;

use axum::body::Body;
use axum::http::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use desk::Desk;
use server::Server;

const PASSWORD: &str = "copper lantern orbit";

async fn post(desk: &Desk, path: &str, kind: &str, body: &str) -> u16 {
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{}{path}", desk.origin()))
        .header("content-type", kind)
        .header("sec-fetch-site", "same-origin")
        .body(Body::from(body.to_owned()))
        .expect("a request");
    Client::builder(TokioExecutor::new()).build_http().request(request).await.expect("an answer").status().as_u16()
}

async fn sign_up(desk: &Desk, email: &str) {
    audit::note(PASSWORD);
    let body = format!(r#"{{"email":"{email}","password":"{PASSWORD}"}}"#);
    assert_eq!(post(desk, "/api/auth/signup", "application/json", &body).await, 201);
}

async fn forget(desk: &Desk, email: &str) {
    let body = format!("email={}", email.replace('@', "%40"));
    assert_eq!(post(desk, "/forgot-password", "application/x-www-form-urlencoded", &body).await, 303);
}

fn start(port: u16) -> Desk {
    Desk::start_with(|command, _| {
        command
            .env("KEYDESK_SMTP_URL", format!("smtp://127.0.0.1:{port}"))
            .env("KEYDESK_MAIL_FROM", "Halden Keys <keys@halden.example>");
    })
}

#[tokio::test]
#[ignore = "needs aiosmtpd: run ./scripts/test"]
async fn a_letter_arrives_as_text_and_html_from_the_address_that_was_set() {
    let mut server = Server::start(0);
    let desk = start(server.port);
    sign_up(&desk, "ana@halden.example").await;
    let mail = server.hear();
    assert_eq!((&mail["from"], &mail["to"][0]), (&"keys@halden.example".into(), &"ana@halden.example".into()));
    assert_eq!(mail["type"], "multipart/alternative");
    assert_eq!(mail["headers"]["from"], "Halden Keys <keys@halden.example>");
    assert_eq!(mail["headers"]["subject"], "Confirm your email address for Keydesk");
    let id = mail["headers"]["message-id"].as_str().expect("an id");
    assert!(id.starts_with("<err_") && id.ends_with("@halden.example>"), "{id}");
    let link = format!("{}/verify-email?token=kdverify_", desk.origin());
    for part in ["text/plain", "text/html"] {
        assert!(mail["parts"][part].as_str().is_some_and(|text| text.contains(&link)), "{part}: {mail}");
    }
    assert!(!desk.log().contains("kdverify_"), "with a mail server nothing is printed");
}

#[tokio::test]
#[ignore = "needs aiosmtpd: run ./scripts/test"]
async fn a_letter_that_is_turned_away_is_sent_again_and_arrives_once() {
    let mut server = Server::start(0);
    let desk = start(server.port);
    sign_up(&desk, "later@halden.example").await;
    assert_eq!(server.hear()["turned_away"], "later@halden.example");
    assert_eq!(server.hear()["to"][0], "later@halden.example");
    // Whatever came twice would come before this one.
    sign_up(&desk, "next@halden.example").await;
    assert_eq!(server.hear()["to"][0], "next@halden.example");
}

#[tokio::test]
#[ignore = "needs aiosmtpd: run ./scripts/test"]
async fn what_was_asked_for_while_the_mail_server_was_away_survives_a_kill() {
    let server = Server::start(0);
    let port = server.port;
    drop(server);
    let mut desk = start(port);
    sign_up(&desk, "ana@halden.example").await;
    forget(&desk, "ana@halden.example").await;
    forget(&desk, "nobody@halden.example").await;
    desk.kill_and_start_again();
    let mut server = Server::start(port);
    let mut subjects: Vec<String> =
        (0..2).map(|_| server.hear()["headers"]["subject"].as_str().expect("a subject").to_owned()).collect();
    subjects.sort();
    assert_eq!(subjects, ["Choose a new password for Keydesk", "Confirm your email address for Keydesk"]);
    sign_up(&desk, "next@halden.example").await;
    assert_eq!(server.hear()["to"][0], "next@halden.example", "nothing came twice, and nobody got a mail");
}
