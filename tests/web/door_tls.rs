//! TLS without a gateway in front: the certificate that is given is shown, a renewed one after it, and what comes over it
//! did not travel in the clear.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use keydesk::web::server::certificate::Certificate;
use keydesk::web::server::limits::Limits;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::support::{Connection, Doorway, TestApp};

/// The files of a certificate, which somebody may renew.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn paths(&self) -> [PathBuf; 2] {
        ["certificate.pem", "key.pem"].map(|name| self.folder.path().join(name))
    }

    /// Writes a new certificate with its key, and gives what a client that trusts it needs.
    fn renew(&self) -> CertificateDer<'static> {
        use std::os::unix::fs::PermissionsExt;
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let [certificate, key] = self.paths();
        std::fs::write(certificate, made.cert.pem()).expect("a file");
        std::fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
        std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).expect("permissions");
        made.cert.der().clone()
    }

    fn open(&self) -> Arc<Certificate> {
        let [certificate, key] = self.paths();
        Arc::new(Certificate::open(certificate, key).expect("a certificate"))
    }
}

/// A client that trusts `root` and nobody else.
async fn client(door: &Doorway, root: &CertificateDer<'static>) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).expect("a root");
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().expect("versions");
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = "localhost".try_into().expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, door.stream().await).await
}

#[tokio::test]
async fn a_key_that_comes_over_our_own_tls_did_not_travel_in_the_clear() {
    let desk = TestApp::over_https().await;
    let alice = desk.alice().await;
    let key = alice.key("over TLS", &[]).await;
    let asks = format!("authorization: Bearer {}\r\n", key.secret);
    let files = Files::new();
    let root = files.renew();
    let encrypted = desk.opens_with(Limits::default(), Some(files.open())).await;
    let stream = client(&encrypted, &root).await.expect("a handshake");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let mut connection = Connection::over(stream);
    // By another name than this machine's: nothing but the TLS speaks for it.
    for door in ["GET /gate/authorize", "GET /v1/key"] {
        let heard = connection.ask(door, &asks, "").await;
        assert_eq!(heard.status, 200, "{door}: {}", heard.body);
    }
    assert!(TcpStream::connect(encrypted.address).await.is_ok(), "a client that speaks no TLS harms nobody");
    assert_eq!(connection.ask("GET /healthz", "", "").await.status, 200);
}

#[tokio::test]
async fn whoever_asks_over_tls_and_does_not_read_is_cut() {
    let desk = TestApp::over_https().await;
    let key = desk.alice().await.key("over TLS", &[]).await;
    let files = Files::new();
    let root = files.renew();
    let limits = Limits { write_stall: Duration::from_millis(100), ..Limits::default() };
    let door = desk.opens_with(limits, Some(files.open())).await;
    let mut connection = Connection::over(client(&door, &root).await.expect("a handshake"));
    let asked = format!("GET /gate/authorize HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\r\n", key.secret);
    let asking = async { while connection.say(&asked.repeat(100)).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(20), asking).await.expect("it is cut some day");
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_to_whoever_comes_next() {
    let files = Files::new();
    let first = files.renew();
    let certificate = files.open();
    let door = TestApp::new().await.opens_with(Limits::default(), Some(certificate.clone())).await;
    let mut before = Connection::over(client(&door, &first).await.expect("a handshake"));
    assert_eq!(before.ask("GET /healthz", "", "").await.status, 200);
    assert!(!certificate.is_rewritten());

    let [_, key] = files.paths();
    let kept = std::fs::read(&key).expect("a file");
    let second = files.renew();
    std::fs::write(&key, kept).expect("a file");
    assert!(certificate.is_rewritten() && certificate.renew().is_err(), "half a renewal is none");
    assert!(client(&door, &first).await.is_ok() && client(&door, &second).await.is_err());

    let third = files.renew();
    assert!(certificate.is_rewritten() && certificate.renew().is_ok() && !certificate.is_rewritten());
    assert!(client(&door, &third).await.is_ok() && client(&door, &first).await.is_err());
    assert_eq!(before.ask("GET /healthz", "", "").await.status, 200, "whoever was there stays");
}

#[tokio::test]
async fn a_handshake_has_to_come_in_time() {
    let files = Files::new();
    files.renew();
    let limits = Limits { handshake: Duration::from_millis(100), ..Limits::default() };
    let door = TestApp::new().await.opens_with(limits, Some(files.open())).await;
    assert!(door.connect().await.is_hung_up_on().await);
}
