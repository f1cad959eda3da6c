//! The mail server (`server.py`, with aiosmtpd), as a process that is stopped when it is dropped.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::audit;

/// Longer than the claim of a killed desk lasts, and any pause between two tries that a test waits for.
const PATIENCE: Duration = Duration::from_secs(90);

pub struct Server {
    process: Child,
    lines: Receiver<Value>,
    pub port: u16,
}

impl Server {
    /// Listens on `port`, or on any that is free if it is 0.
    pub fn start(port: u16) -> Self {
        let python = std::env::var_os("KEYDESK_AIOSMTPD").expect("KEYDESK_AIOSMTPD names a python with aiosmtpd");
        let mut process = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mail/server.py"))
            .arg(port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let stdout = BufReader::new(process.stdout.take().expect("stdout is piped"));
        let (say, lines) = channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let Ok(line) = serde_json::from_str(&line) else { continue };
                if say.send(line).is_err() {
                    return;
                }
            }
        });
        let mut server = Self { process, lines, port: 0 };
        server.port = server.hear()["port"].as_u64().and_then(|port| port.try_into().ok()).expect("a port");
        server
    }

    /// What it says next.
    pub fn hear(&mut self) -> Value {
        let said = self.lines.recv_timeout(PATIENCE).expect("the mail server hears of a mail");
        // What a link holds must be in no database and no log.
        let text = said["parts"]["text/plain"].as_str().unwrap_or_default();
        if let Some(token) = text.split("?token=").nth(1).and_then(|rest| rest.split_whitespace().next()) {
            audit::note(token);
        }
        said
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then what it was asked for fails the test.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
