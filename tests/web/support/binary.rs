//! The real binary behind real connections, where a test needs a process that can be killed.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use keydesk::product::DEFAULT;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

use super::PASSWORD;
use crate::audit;

/// `keydesk serve`, on a free port. Dropped, it is killed.
pub struct Binary {
    process: Child,
    address: String,
    pub data: TempDir,
    /// Where its database is, if not in its folder.
    database: Option<String>,
}

impl Binary {
    /// Starts with a fresh data folder; no minute of a key is ever spent.
    pub fn start() -> Self {
        Self::start_at(None)
    }

    /// As [`Self::start`], at the database of this URL.
    pub fn start_at(database: Option<String>) -> Self {
        let data = audit::folder("binary-");
        let product = DEFAULT.replace("per_minute = 100", "per_minute = 0");
        std::fs::write(data.path().join("product.toml"), product).expect("a definition");
        let (process, address) = serve(&data, database.as_deref());
        Self { process, address, data, database }
    }

    /// Kills it (`kill -9`), as a power cut would, and starts it again with what lies on disk.
    pub fn kill_and_start_again(&mut self) {
        self.kill();
        (self.process, self.address) = serve(&self.data, self.database.as_deref());
    }

    /// Puts a line of the product definition differently, for the next start.
    pub fn define(&self, line: &str, instead: &str) {
        let file = self.data.path().join("product.toml");
        let before = std::fs::read_to_string(&file).expect("a definition");
        assert_eq!(before.matches(line).count(), 1, "{line} stands once in the definition");
        std::fs::write(&file, before.replace(line, instead)).expect("a definition");
    }

    fn kill(&mut self) {
        self.process.kill().expect("the desk ends");
        self.process.wait().expect("the desk has ended");
    }

    pub async fn connect(&self) -> Connection {
        Connection::over(TcpStream::connect(&self.address).await.expect("a connection"))
    }
}

fn serve(data: &TempDir, database: Option<&str>) -> (Child, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keydesk"));
    if let Some(url) = database {
        command.env("KEYDESK_DATABASE_URL", url);
    }
    let mut process = command
        .env("KEYDESK_LISTEN", "127.0.0.1:0")
        .env("KEYDESK_DATA_DIR", data.path())
        .env("KEYDESK_PRODUCT", data.path().join("product.toml"))
        .env("RUST_LOG", "warn")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut line = String::new();
    let stdout = process.stdout.take().expect("its output");
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    let port = line.trim().rsplit("http://localhost").next().expect("an address");
    (process, format!("127.0.0.1{port}"))
}

impl Drop for Binary {
    fn drop(&mut self) {
        self.kill();
    }
}

/// One keep-alive connection.
pub struct Connection<S: AsyncRead + AsyncWrite = TcpStream> {
    stream: BufStream<S>,
}

/// What it was answered.
pub struct Heard {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub fn over(stream: S) -> Self {
        Self { stream: BufStream::new(stream) }
    }

    /// Sends these bytes and no other.
    pub async fn say(&mut self, bytes: &str) -> std::io::Result<()> {
        self.stream.write_all(bytes.as_bytes()).await?;
        self.stream.flush().await
    }

    /// Waits until the other end hangs up, without a word.
    pub async fn is_hung_up_on(&mut self) -> bool {
        let mut rest = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(20), self.stream.read_to_end(&mut rest)).await;
        // A reset is one too: it had not read everything.
        read.is_ok_and(|_| rest.is_empty())
    }

    /// Whether nothing comes for this long.
    pub async fn hears_nothing_for(&mut self, time: Duration) -> bool {
        tokio::time::timeout(time, self.stream.fill_buf()).await.is_err()
    }

    /// Sends one request; `headers` end with `\r\n` each.
    pub async fn ask(&mut self, line: &str, headers: &str, body: &str) -> Heard {
        self.ask_whoever_lives(line, headers, body).await.expect("an answer")
    }

    /// As [`Self::ask`], of a desk that may be killed meanwhile.
    pub async fn ask_whoever_lives(&mut self, line: &str, headers: &str, body: &str) -> std::io::Result<Heard> {
        let request =
            format!("{line} HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
        self.say(&request).await?;
        self.hear().await
    }

    /// Reads one answer.
    pub async fn hear(&mut self) -> std::io::Result<Heard> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().expect("a length"));
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Ok(Heard { status, head, body: String::from_utf8(body).expect("text") })
    }

    /// Presses the button of a form.
    pub async fn post(&mut self, path: &str, cookie: &str, body: &str) -> Heard {
        let headers = format!(
            "sec-fetch-site: same-origin\r\ncookie: {cookie}\r\ncontent-type: application/x-www-form-urlencoded\r\n"
        );
        self.ask(&format!("POST {path}"), &headers, body).await
    }

    /// Signs up, reveals the first key, and answers the cookie, the key's id and its secret.
    pub async fn sign_up(&mut self) -> (String, String, String) {
        let form = format!("account=Halden&email=alice%40halden.example&password={}", PASSWORD.replace(' ', "+"));
        let signed_up = self.post("/sign-up", "", &form).await;
        let cookie = between(&signed_up.head, "set-cookie: ", ";").to_owned();
        audit::note(cookie.split('=').next_back().expect("a value"));
        let welcome = self.ask("GET /welcome", &format!("cookie: {cookie}\r\n"), "").await;
        let id = between(&welcome.body, "/settings/api-keys/", "/reveal").to_owned();
        let revealed = self.post(&format!("/settings/api-keys/{id}/reveal"), &cookie, "").await;
        let secret = format!("kd_live_{}", between(&revealed.body, ">kd_live_", "<"));
        audit::note(&secret);
        (cookie, id, secret)
    }
}

/// The part of `text` between the first `before` and the next `after`.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    text.split_once(before).and_then(|(_, rest)| rest.split_once(after)).expect("it is there").0
}
