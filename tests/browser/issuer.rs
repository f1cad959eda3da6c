//! The real issuer beside a desk, from npm, and what people do there.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use tempfile::TempDir;

use crate::audit;
use crate::browser::{Browser, PATIENCE};
use crate::desk::Desk;

const CLIENT_SECRET: &str = "the secret of the desk at the issuer";

/// Ends when dropped.
pub struct Issuer {
    process: Child,
    url: String,
    /// Not the desk's own folder, where the secret audit looks for what must not lie there.
    folder: TempDir,
}

impl Issuer {
    pub fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/issuer.mjs");
        let process = Command::new("node")
            .arg(script)
            .env("CLIENT_SECRET", CLIENT_SECRET)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node starts: run ./scripts/test");
        // From here on a panic drops the issuer, and with it the process.
        let folder = tempfile::tempdir().expect("a folder can be made");
        let mut issuer = Self { process, url: String::new(), folder };
        let (started, url) = mpsc::channel();
        let stdout = BufReader::new(issuer.process.stdout.take().expect("stdout is piped"));
        // Read to its end, or the issuer would block on a full pipe.
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if let Some(url) = line.strip_prefix("The issuer is ") {
                    let _ = started.send(url.to_owned());
                }
            }
        });
        issuer.url = url.recv_timeout(PATIENCE).expect("the issuer says its address: run ./scripts/test");
        issuer
    }

    /// What the desk calls it.
    pub fn name(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// A desk where people can sign in with it.
    pub fn desk(&self) -> Desk {
        audit::note(CLIENT_SECRET);
        Desk::start_with(|command, _| {
            let file = self.folder.path().join("client-secret");
            std::fs::write(&file, CLIENT_SECRET).expect("a secret can be written");
            command
                .env("KEYDESK_GOOGLE_ISSUER", &self.url)
                .env("KEYDESK_GOOGLE_CLIENT_ID", "desk")
                .env("KEYDESK_GOOGLE_CLIENT_SECRET_FILE", file);
        })
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Browser {
    /// Signs in at the issuer's page and lets the desk know who it is.
    pub async fn consent(&self, email: &str) {
        self.fill("login", email).await;
        self.fill("password", "no matter").await;
        self.press("Sign-in").await;
        self.press("Continue").await;
    }
}
