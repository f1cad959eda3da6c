//! Keydesk as a gateway's operator runs it: the real binary, trusting the gateway's address, with routes in its product
//! definition and keys made over its API.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::audit;
use crate::gateway::lonely_address;
use crate::wire::{CLIENT, Client};

/// What the product's API is, in these tests.
const ROUTES: &str = r#"
[[routes]]
method = "GET"
path = "/v1/inboxes"
scope = "inboxes:read"
[[routes]]
method = "PUT"
path = "/v1/inboxes/{inbox}"
scope = "inboxes:write"
[[routes]]
method = "GET"
path = "/v1/inboxes/{inbox}/messages"
scope = "mail:read"
[[routes]]
method = "GET"
path = "/v1/files/{*rest}"
scope = "mail:read"
[[routes]]
method = "POST"
path = "/v1/messages"
scope = "mail:send"
"#;

/// A Keydesk, stopped when dropped.
pub struct Desk {
    process: Option<Child>,
    pub address: SocketAddr,
    public_url: Option<&'static str>,
    home: TempDir,
}

/// What its account holds.
pub struct Keys {
    /// Everything.
    pub full: String,
    pub full_id: String,
    /// `mail:read` alone.
    pub reader: String,
    /// Bound to [`Keys::inbox`].
    pub bound: String,
    /// From nowhere near.
    pub distant: String,
    /// From the client's own address.
    pub near: String,
    pub deleted: String,
    pub inbox: String,
    pub other_inbox: String,
}

impl Desk {
    /// `per_minute`: the requests that a key may make in one; 0 is no limit.
    pub fn start(per_minute: u32, public_url: Option<&'static str>) -> Self {
        let home = audit::folder("gateway-desk-");
        let product = include_str!("../../products/default.toml")
            .replace("per_minute = 100", &format!("per_minute = {per_minute}"))
            .replace("\n[[samples]]\nid = \"curl\"", &format!("{ROUTES}\n[[samples]]\nid = \"curl\""));
        assert!(product.contains(ROUTES), "the default definition has other samples now");
        std::fs::write(home.path().join("product.toml"), product).expect("a definition can be written");
        let mut desk = Self { process: None, address: lonely_address(), public_url, home };
        desk.resume();
        desk
    }

    /// Starts it, with what it knew before if it was stopped; returns when it listens.
    pub fn resume(&mut self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keydesk"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"KEYDESK_")) {
            command.env_remove(name);
        }
        if let Some(url) = self.public_url {
            command.env("KEYDESK_PUBLIC_URL", url);
        }
        let log = File::options().create(true).append(true).open(self.home.path().join("stderr.log"));
        let mut process = command
            .env("KEYDESK_LISTEN", self.address.to_string())
            .env("KEYDESK_DATA_DIR", self.home.path().join("data"))
            .env("KEYDESK_PRODUCT", self.home.path().join("product.toml"))
            .env("KEYDESK_TRUSTED_PROXIES", "127.0.0.1")
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.expect("a log can be made"))
            .spawn()
            .expect("the keydesk binary starts");
        let stdout = process.stdout.take().expect("stdout is piped");
        self.process = Some(process);
        let mut said = String::new();
        BufReader::new(stdout).read_line(&mut said).expect("keydesk says something");
        assert!(said.contains("listening"), "keydesk did not start: {said}");
    }

    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("the desk can be ended");
            process.wait().expect("the desk has ended");
        }
    }

    /// Signs up and makes the keys.
    pub async fn keys(&self) -> Keys {
        let credentials = json!({ "email": "ada@example.com", "password": "correct horse battery staple 42" });
        audit::note("correct horse battery staple 42");
        let token = self.call("POST /api/auth/signup", "", &credentials).await["token"].clone();
        let token = token.as_str().expect("a token");
        audit::note(token);
        let inbox =
            async |name: &str| self.call("POST /v1/inboxes", token, &json!({ "name": name })).await["id"].clone();
        let (inbox, other) = (inbox("support").await, inbox("billing").await);
        let key = async |name: &str, mut more: Json| {
            more["name"] = name.into();
            more["environment"] = "live".into();
            let made = self.call("POST /v1/keys", token, &more).await;
            let secret = made["secret"].as_str().expect("a secret").to_owned();
            (secret, made["id"].as_str().expect("an id").to_owned())
        };
        let (full, full_id) = key("full", json!({ "preset": "full" })).await;
        let reader = key("reader", json!({ "scopes": ["mail:read"] })).await.0;
        let bound = json!({ "type": "restricted", "inbox": inbox, "scopes": ["mail:read"] });
        let bound = key("bound", bound).await.0;
        let distant = key("distant", json!({ "preset": "full", "allowed_ips": ["198.51.100.0/24"] })).await.0;
        let near = key("near", json!({ "preset": "full", "allowed_ips": [CLIENT.to_string()] })).await.0;
        let (deleted, id) = key("deleted", json!({ "preset": "full" })).await;
        self.call(&format!("DELETE /v1/keys/{id}"), token, &Json::Null).await;
        let text = |id: Json| id.as_str().expect("an id").to_owned();
        Keys { full, full_id, reader, bound, distant, near, deleted, inbox: text(inbox), other_inbox: text(other) }
    }

    async fn call(&self, line: &str, token: &str, body: &Json) -> Json {
        let bearer = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
        let headers = format!("{bearer}Content-Type: application/json\r\n");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut client = Client::connect(self.address).await.expect("a connection");
        // Without TLS and a gateway, a key may only go to the machine itself.
        client.host = "localhost";
        let answer = client.ask(line, &headers, &body).await;
        assert!((200..300).contains(&answer.status()), "{line}: {answer:?}");
        audit::note_secrets_in(&answer.body);
        answer.json()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.stop();
    }
}
