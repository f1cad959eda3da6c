//! A node: the real binary on the installation's `PostgreSQL`, as an operator starts it beside another.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use serde_json::{Value as Json, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tempfile::TempDir;

use crate::audit;
use crate::wire::{Client, Message};

const PASSWORD: &str = "correct horse battery staple 42";
pub const PUBLIC_URL: &str = "http://localhost:8080";

/// What all nodes share: a database of their own, the secret file, the product definition.
pub struct Installation {
    home: TempDir,
    /// What `KEYDESK_DATABASE_URL` would be.
    pub database: String,
    pub redis: Option<String>,
}

/// Stopped when dropped.
pub struct Node {
    process: Child,
    pub address: SocketAddr,
}

/// A key that works.
pub struct Key {
    pub id: String,
    pub secret: String,
}

/// Where the tests' `PostgreSQL` is.
fn server() -> String {
    std::env::var("KEYDESK_TEST_DATABASE_URL").expect("KEYDESK_TEST_DATABASE_URL: run scripts/test postgres")
}

/// A port of a loopback address that nobody else in these tests uses, so that it stays free until it is listened on.
fn lonely_address() -> SocketAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let host = Ipv4Addr::new(127, 98, NEXT.fetch_add(1, Ordering::Relaxed), 1);
    let listener = TcpListener::bind((host, 0)).expect("a port is free");
    listener.local_addr().expect("the listener has an address")
}

impl Installation {
    /// `per_minute`: the requests that a key may make in one; 0 is no limit.
    pub async fn new(per_minute: u32, redis: Option<String>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        // A database, not a schema: what one installation says to its nodes goes to the whole database.
        let name = format!("nodes_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::connect(&server()).await.expect("PostgreSQL answers");
        let create = AssertSqlSafe(format!("create database {name}"));
        sqlx::query(create).execute(&mut connection).await.expect("a fresh database");
        connection.close().await.expect("a goodbye");
        let (before, _) = server().rsplit_once('/').map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a database");
        let home = audit::folder("nodes-");
        let product = include_str!("../../products/default.toml")
            .replace("per_minute = 100", &format!("per_minute = {per_minute}"));
        std::fs::write(home.path().join("product.toml"), product).expect("a definition can be written");
        let mut secret = File::options();
        let secret = secret.write(true).create_new(true).mode(0o600).open(home.path().join("secret"));
        secret.and_then(|mut file| file.write_all(&[42; 32])).expect("a secret file can be written");
        Self { home, database: format!("{before}/{name}"), redis }
    }

    pub fn node(&self, name: &str) -> Node {
        self.node_at(name, &self.database)
    }

    /// A node that reaches the database at another URL.
    pub fn node_at(&self, name: &str, database: &str) -> Node {
        let address = lonely_address();
        let mut command = Command::new(env!("CARGO_BIN_EXE_keydesk"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"KEYDESK_")) {
            command.env_remove(name);
        }
        if let Some(redis) = &self.redis {
            command.env("KEYDESK_REDIS_URL", redis);
        }
        let mut process = command
            .env("KEYDESK_LISTEN", address.to_string())
            .env("KEYDESK_PUBLIC_URL", PUBLIC_URL)
            .env("KEYDESK_DATABASE_URL", database)
            .env("KEYDESK_DATA_DIR", self.home.path().join(name))
            .env("KEYDESK_SECRET_FILE", self.home.path().join("secret"))
            .env("KEYDESK_PRODUCT", self.home.path().join("product.toml"))
            .env("RUST_LOG", "info,sqlx=warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(self.log(name)).expect("a log can be made"))
            .spawn()
            .expect("the keydesk binary starts");
        let mut stdout = BufReader::new(process.stdout.take().expect("stdout is piped"));
        let mut said = String::new();
        stdout.read_line(&mut said).expect("keydesk says something");
        assert!(said.contains("listening"), "keydesk did not start: {}", self.logged(name));
        // Nobody reads the mail, and nobody may wait for somebody to.
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).for_each(drop));
        Node { process, address }
    }

    fn log(&self, name: &str) -> std::path::PathBuf {
        self.home.path().join(format!("{name}.log"))
    }

    /// What the node of this name logged so far.
    pub fn logged(&self, name: &str) -> String {
        std::fs::read_to_string(self.log(name)).expect("a log")
    }

    /// Runs a statement on the installation's database.
    pub async fn run(&self, sql: &'static str) {
        let mut connection = PgConnection::connect(&self.database).await.expect("PostgreSQL answers");
        sqlx::query(sql).execute(&mut connection).await.expect("the statement runs");
        connection.close().await.expect("a goodbye");
    }
}

impl Node {
    pub async fn connect(&self) -> Client {
        let mut client = Client::connect(self.address).await.expect("a connection");
        // Without TLS and a gateway, a key may only go to the machine itself.
        client.host = "localhost";
        client
    }

    /// What the gate says of a secret.
    pub async fn judges(&self, secret: &str) -> Message {
        self.connect().await.ask("GET /gate/authorize", &bearer(secret), "").await
    }

    /// Signs up and gives the token.
    pub async fn sign_up(&self) -> String {
        let credentials = json!({ "email": "ada@example.com", "password": PASSWORD });
        audit::note(PASSWORD);
        let granted = self.call("POST /api/auth/signup", "", &credentials).await;
        audit::note(granted["refresh_token"].as_str().expect("a token"));
        let token = granted["token"].as_str().expect("a token").to_owned();
        audit::note(&token);
        token
    }

    /// Signs in by the page, and gives the cookies.
    pub async fn sign_in(&self) -> String {
        let form = format!("email=ada%40example.com&password={}", PASSWORD.replace(' ', "+"));
        let answer = self.press("/sign-in", "", &form).await;
        assert_eq!(answer.status(), 303, "{answer:?}");
        let pairs = answer.all("set-cookie");
        let pairs: Vec<_> = pairs.iter().filter_map(|cookie| cookie.split(';').next()).collect();
        pairs.iter().filter_map(|pair| Some(pair.split_once('=')?.1)).for_each(audit::note);
        pairs.join("; ")
    }

    /// Presses the button of a form.
    pub async fn press(&self, path: &str, cookie: &str, form: &str) -> Message {
        let headers = format!(
            "Sec-Fetch-Site: same-origin\r\nCookie: {cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        );
        let answer = self.connect().await.ask(&format!("POST {path}"), &headers, form).await;
        audit::note_secrets_in(&answer.body);
        answer
    }

    pub async fn key(&self, token: &str, name: &str) -> Key {
        let made = json!({ "name": name, "environment": "live", "preset": "full" });
        let made = self.call("POST /v1/keys", token, &made).await;
        let text = |field: &str| made[field].as_str().expect("it is there").to_owned();
        Key { id: text("id"), secret: text("secret") }
    }

    pub async fn delete(&self, token: &str, key: &Key) {
        self.call(&format!("DELETE /v1/keys/{}", key.id), token, &Json::Null).await;
    }

    async fn call(&self, line: &str, token: &str, body: &Json) -> Json {
        let credential = if token.is_empty() { String::new() } else { bearer(token) };
        let headers = format!("{credential}Content-Type: application/json\r\n");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.connect().await.ask(line, &headers, &body).await;
        assert!((200..300).contains(&answer.status()), "{line}: {answer:?}");
        audit::note_secrets_in(&answer.body);
        answer.json()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended by itself; then what it was asked for fails the test.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn bearer(secret: &str) -> String {
    format!("Authorization: Bearer {secret}\r\n")
}
