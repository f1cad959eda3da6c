//! The real binary with a data directory and a port of its own.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::audit;

/// Longer than any start takes, also on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running Keydesk, stopped when dropped.
pub struct Desk {
    process: Child,
    origin: String,
    home: TempDir,
}

impl Desk {
    /// Starts the binary on a free port and returns when it listens.
    pub fn start() -> Self {
        let home = audit::folder("desk-");
        let mut command = Command::new(env!("CARGO_BIN_EXE_keydesk"));
        // A developer's own settings must not reach the desk under test.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"KEYDESK_")) {
            command.env_remove(name);
        }
        let mut process = command
            .env("KEYDESK_LISTEN", "127.0.0.1:0")
            .env("KEYDESK_DATA_DIR", home.path().join("data"))
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(create(&home.path().join("stderr.log")))
            .spawn()
            .expect("the keydesk binary starts");

        let (listening, address) = mpsc::channel();
        let stdout = BufReader::new(process.stdout.take().expect("stdout is piped"));
        let mut log = create(&home.path().join("stdout.log"));
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if let Some(address) = listening_address(&line) {
                    // Nobody waits for a second announcement.
                    let _ = listening.send(address);
                }
                writeln!(log, "{line}").expect("the log can be written");
            }
        });

        // From here on a panic drops the desk, and with it the process.
        let mut desk = Self { process, origin: String::new(), home };
        match address.recv_timeout(PATIENCE) {
            Ok(address) => desk.origin = format!("http://{address}"),
            Err(_) => panic!("keydesk never said that it listens:\n{}", desk.log()),
        }
        desk
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Everything it has said so far.
    pub fn log(&self) -> String {
        ["stdout.log", "stderr.log"]
            .map(|name| std::fs::read_to_string(self.home.path().join(name)).expect("the log can be read"))
            .concat()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // It may have ended by itself, which is the test's to notice.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn create(path: &Path) -> File {
    File::create(path).unwrap_or_else(|error| panic!("{} cannot be made: {error}", path.display()))
}

/// The address in the line that says it listens, in the text format of the log and in the JSON one.
fn listening_address(line: &str) -> Option<String> {
    if !line.to_lowercase().contains("listening") {
        return None;
    }
    let (_, after) = line.split_once("127.0.0.1:")?;
    let port: String = after.chars().take_while(char::is_ascii_digit).collect();
    Some(format!("127.0.0.1:{port}"))
}
