//! The chromedriver behind a browser, and the DevTools commands that it passes on.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use axum::http::Method;
use fantoccini::wd::WebDriverCompatibleCommand;
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use url::{ParseError, Url};

use crate::browser::PATIENCE;

/// A chromedriver on a port of its own.
pub struct Driver {
    process: Child,
    pub port: u16,
    _scratch: TempDir,
}

/// It takes a port that is free for one family of addresses, and ends if somebody has it for the other.
const TRIES: usize = 5;

impl Driver {
    pub fn start() -> Self {
        (0..TRIES).find_map(|_| Self::try_to_start()).expect("chromedriver says its port")
    }

    /// Starts one; none if it ended before it listened.
    fn try_to_start() -> Option<Self> {
        let scratch = tempfile::tempdir().expect("a folder for Chromium can be made");
        let process = Command::new("chromedriver")
            .arg("--port=0")
            // The profile and whatever else Chromium leaves behind goes with the driver.
            .env("TMPDIR", scratch.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts: run ./scripts/test");
        // From here on a panic drops the driver, and with it the process.
        let mut driver = Self { process, port: 0, _scratch: scratch };
        let (started, port) = mpsc::channel();
        let stdout = BufReader::new(driver.process.stdout.take().expect("stdout is piped"));
        // Read to its end, or the driver would block on a full pipe.
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let port = line.split_once("started successfully on port ").map(|(_, port)| port.trim_end_matches('.'));
                if let Some(port) = port.and_then(|port| port.parse().ok()) {
                    let _ = started.send(port);
                }
            }
        });
        driver.port = port.recv_timeout(PATIENCE).ok()?;
        Some(driver)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A command of the DevTools protocol, which chromedriver passes on.
#[derive(Debug)]
pub struct DevTools {
    pub command: &'static str,
    pub parameters: Json,
}

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base_url: &Url, session_id: Option<&str>) -> Result<Url, ParseError> {
        base_url.join(&format!("session/{}/goog/cdp/execute", session_id.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "cmd": self.command, "params": self.parameters }).to_string()))
    }
}

/// A device that holds passkeys and has verified its user: what a laptop with a fingerprint reader is to Chromium.
#[derive(Debug)]
pub struct AddAuthenticator;

impl WebDriverCompatibleCommand for AddAuthenticator {
    fn endpoint(&self, base_url: &Url, session_id: Option<&str>) -> Result<Url, ParseError> {
        base_url.join(&format!("session/{}/webauthn/authenticator", session_id.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let authenticator = json!({
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": true,
            "hasUserVerification": true,
            "isUserVerified": true,
        });
        (Method::POST, Some(authenticator.to_string()))
    }
}
