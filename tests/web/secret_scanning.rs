//! GitHub's secret scanning: what it signs is believed, to the byte, and nothing else is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::Router;
use axum::http::{Method, StatusCode};
use axum::response::IntoResponse as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keydesk::model::key_source::KeySource;
use keydesk::model::keyring::hex;
use keydesk::web::scanning_keys::ScanningKeys;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::support::{Answer, TestApp, logged};

const PATH: &str = "/api/secret-scanning/github";
const KEY_ID: &str = "github-public-key-identifier";
const SIGNATURE: &str = "github-public-key-signature";

/// A scanner and what it signs with.
struct Scanner {
    key: EcdsaKeyPair,
    id: &'static str,
    folder: TempDir,
}

impl Scanner {
    fn new() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
        Self {
            key,
            id: "bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c",
            folder: crate::audit::folder("web-scanner-"),
        }
    }

    fn document(&self) -> String {
        let der = self.key.public_key().as_der().expect("a public key");
        let base64 = STANDARD.encode(der.as_ref());
        let lines: Vec<_> = base64.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line)).collect();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"));
        let other = json!({ "key_identifier": "other", "key": "of another kind", "is_current": false });
        json!({ "public_keys": [other, { "key_identifier": self.id, "key": pem, "is_current": true }] }).to_string()
    }

    fn file(&self) -> KeySource {
        let file = self.folder.path().join("keys.json");
        std::fs::write(&file, self.document()).expect("a file");
        KeySource::File(file)
    }

    fn signs(&self, body: &str) -> String {
        let signature = self.key.sign(&SystemRandom::new(), body.as_bytes()).expect("a signature");
        STANDARD.encode(signature.as_ref())
    }

    async fn sends(&self, desk: &TestApp, body: &str) -> Answer {
        sent(desk, body, self.id, &self.signs(body)).await
    }
}

async fn sent(desk: &TestApp, body: &str, id: &str, signature: &str) -> Answer {
    let scanner = desk.visitor().at("192.0.2.30");
    let ask = scanner.ask(Method::POST, PATH).raw("application/json", body.to_owned());
    ask.with(KEY_ID, id).with(SIGNATURE, signature).send().await
}

async fn works(desk: &TestApp, secret: &str) -> bool {
    desk.holder(secret).get("/v1/key").await.status == 200
}

fn finding(token: &str) -> Value {
    let url = "https://github.com/octocat/Hello-World/blob/12345600b9cbe38a219f39a9941c9319b600c002/foo/bar.txt";
    json!({ "token": token, "type": "keydesk_api_key", "url": url, "source": "content" })
}

#[tokio::test]
async fn what_is_signed_is_believed_and_each_token_answered() {
    let scanner = Scanner::new();
    let desk = TestApp::new().await.taking_findings(scanner.file()).await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let stranger = keydesk::model::secret::Secret::generate("kd_live_", &desk.app.entropy).reveal().to_owned();
    crate::audit::note(&stranger);
    desk.mail().await;
    let body = json!([finding(&key.secret), finding(&stranger), finding("nothing of ours")]).to_string();
    let answer = scanner.sends(&desk, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let fed_back = |token: &str, label: &str| json!({ "token_hash": hex(&Sha256::digest(token)), "token_type": "keydesk_api_key", "label": label });
    let expected = json!([
        fed_back(&key.secret, "true_positive"),
        fed_back(&stranger, "false_positive"),
        fed_back("nothing of ours", "false_positive"),
    ]);
    assert_eq!(answer.json(), expected);
    assert!(!works(&desk, &key.secret).await);
    let exposed = desk.events(&alice).await.into_iter().find(|event| event.action.code() == "key.exposed");
    let exposed = exposed.expect("an event");
    assert_eq!((exposed.actor_kind.as_str(), exposed.actor_name.as_str()), ("system", "GitHub secret scanning"));
    let place = "https://github.com/octocat/Hello-World/blob/12345600b9cbe38a219f39a9941c9319b600c002/foo/bar.txt";
    assert_eq!(exposed.detail, format!("by GitHub secret scanning, found at {place} in content"));
    assert_eq!(desk.mail().await.len(), 1);

    // Replayed, it says the same and does nothing.
    let events = desk.events(&alice).await.len();
    let again = scanner.sends(&desk, &body).await;
    assert_eq!((again.status, again.json()), (200, expected));
    assert_eq!((desk.events(&alice).await.len(), desk.mail().await.len()), (events, 0));
    assert!(!logged().contains(&key.secret) && !logged().contains(&stranger));
}

#[tokio::test]
async fn whatever_is_not_signed_to_the_byte_is_refused() {
    let (scanner, other) = (Scanner::new(), Scanner::new());
    let desk = TestApp::new().await.taking_findings(scanner.file()).await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let body = json!([finding(&key.secret)]).to_string();
    let signature = scanner.signs(&body);
    let changed = body.replace("content", "commits");
    let parsed: Value = serde_json::from_str(&body).expect("JSON");
    let reserialised = serde_json::to_string_pretty(&parsed).expect("JSON");
    let mut bent = STANDARD.decode(&signature).expect("base64");
    *bent.last_mut().expect("a byte") ^= 1;
    let unpadded = signature.trim_end_matches('=').to_owned() + "!";
    for (what, body, id, signature) in [
        ("another key", &body, scanner.id, other.signs(&body)),
        ("another id", &body, "other", signature.clone()),
        ("an unknown id", &body, "made up", signature.clone()),
        ("a changed body", &changed, scanner.id, signature.clone()),
        ("a body written anew", &reserialised, scanner.id, signature.clone()),
        ("a bent signature", &body, scanner.id, STANDARD.encode(&bent)),
        ("no base64", &body, scanner.id, unpadded),
        ("nothing", &body, scanner.id, String::new()),
    ] {
        let answer = sent(&desk, body, id, &signature).await;
        assert_eq!(
            (answer.status, answer.json()["error"]["code"].as_str()),
            (403, Some("signature_refused")),
            "{what}"
        );
    }
    let visitor = desk.visitor().at("192.0.2.31");
    let bare = || visitor.ask(Method::POST, PATH).raw("application/json", body.clone());
    assert_eq!(bare().send().await.status, 403, "no headers");
    assert_eq!(bare().with(KEY_ID, scanner.id).send().await.status, 403, "no signature");
    assert_eq!(bare().with(SIGNATURE, &signature).send().await.status, 403, "no key id");
    let typed = visitor.ask(Method::POST, PATH).raw("text/plain", body.clone());
    assert_eq!(typed.with(KEY_ID, scanner.id).with(SIGNATURE, &signature).send().await.status, 415);
    assert!(works(&desk, &key.secret).await, "nothing of that was believed");
    assert_eq!(scanner.sends(&desk, &body).await.status, 200);
    assert!(!works(&desk, &key.secret).await);
}

#[tokio::test]
async fn a_signed_body_still_has_to_be_one_and_not_a_huge_one() {
    let scanner = Scanner::new();
    let desk = TestApp::new().await.taking_findings(scanner.file()).await;
    for (body, status) in [
        ("[]", 200),
        ("{}", 400),
        ("", 400),
        ("[{\"token\":1,\"type\":\"x\"}]", 400),
        ("[{\"token\":\"x\",\"type\":\"x\",\"url\":null,\"source\":null,\"new\":\"of theirs\"}]", 200),
    ] {
        assert_eq!(scanner.sends(&desk, body).await.status, status, "{body}");
    }
    let huge = format!("[{}]", "\"x\",".repeat(20_000));
    assert_eq!(scanner.sends(&desk, &huge).await.status, 413);
}

#[tokio::test]
async fn it_is_off_unless_it_is_set() {
    let scanner = Scanner::new();
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let answer = scanner.sends(&desk, &json!([finding(&key.secret)]).to_string()).await;
    let nowhere = desk.visitor().post_json("/api/nowhere", &json!({})).await;
    assert_eq!((answer.status, nowhere.status), (404, 404));
    assert_eq!(answer.json()["error"]["message"], nowhere.json()["error"]["message"], "as if it was not there");
    assert!(works(&desk, &key.secret).await);
}

#[tokio::test]
async fn whoever_is_not_believed_has_so_many_tries_and_the_scanner_as_many_as_it_likes() {
    let scanner = Scanner::new();
    let desk = TestApp::new().await.taking_findings(scanner.file()).await;
    for _ in 0..25 {
        assert_eq!(scanner.sends(&desk, "[]").await.status, 200);
    }
    for _ in 0..20 {
        assert_eq!(sent(&desk, "[]", scanner.id, "AA==").await.status, 403);
    }
    let paused = sent(&desk, "[]", scanner.id, "AA==").await;
    assert_eq!((paused.status, paused.header("retry-after")), (429, "3"));
    assert_eq!(scanner.sends(&desk, "[]").await.status, 200);
}

#[tokio::test]
async fn keys_are_fetched_once_an_hour_and_for_an_unknown_one_once_a_minute() {
    let scanner = Scanner::new();
    let (asked, breaks) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let (document, counted, broken) = (scanner.document(), asked.clone(), breaks.clone());
    let answer = move || {
        counted.fetch_add(1, Ordering::SeqCst);
        let status = if broken.load(Ordering::SeqCst) { StatusCode::BAD_GATEWAY } else { StatusCode::OK };
        std::future::ready((status, document.clone()).into_response())
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}/keys", listener.local_addr().expect("an address"));
    let site = Router::new().route("/keys", axum::routing::get(answer));
    tokio::spawn(async { axum::serve(listener, site).await });
    let desk = TestApp::new().await.taking_findings(url.parse().expect("an address")).await;
    let asked = || asked.load(Ordering::SeqCst);
    assert_eq!(asked(), 0, "nobody came");
    let genuine = async || scanner.sends(&desk, "[]").await.status;
    let unknown = async || sent(&desk, "[]", "made up", &scanner.signs("[]")).await.status;
    let together = tokio::join!(genuine(), genuine(), genuine());
    assert_eq!((together, asked()), ((200, 200, 200), 1), "whoever comes meanwhile waits");
    assert_eq!((unknown().await, unknown().await, asked()), (403, 403, 1));
    desk.pass(Duration::from_secs(60));
    assert_eq!((unknown().await, unknown().await, genuine().await, asked()), (403, 403, 200, 2));
    desk.pass(Duration::from_secs(3600));
    breaks.store(true, Ordering::SeqCst);
    assert_eq!((genuine().await, genuine().await, asked()), (503, 503, 3), "an old key is not good enough");
    breaks.store(false, Ordering::SeqCst);
    desk.pass(Duration::from_secs(60));
    assert_eq!((genuine().await, asked()), (200, 4));
}

#[test]
fn a_file_that_has_no_keys_refuses_the_start() {
    let folder = crate::audit::folder("web-scanner-");
    let file = folder.path().join("keys.json");
    let opened = || ScanningKeys::open(KeySource::File(file.clone())).map(|_| ()).map_err(|error| error.to_string());
    assert!(opened().expect_err("no file").contains("cannot read"));
    for bad in ["", "[]", "{\"public_keys\":[]}", "{\"public_keys\":[{\"key_identifier\":\"a\",\"key\":\"b\"}]}"] {
        std::fs::write(&file, bad).expect("a file");
        assert!(opened().expect_err(bad).contains("SECRET_SCANNING_KEYS: what is there is not"), "{bad}");
    }
    std::fs::write(&file, Scanner::new().document()).expect("a file");
    assert_eq!(opened(), Ok(()));
}
