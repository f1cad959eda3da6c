//! The real binary with a data directory and a port of its own.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tempfile::TempDir;

use crate::audit;

/// Longer than any start takes, also on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running Keydesk, stopped when dropped.
pub struct Desk {
    process: Child,
    logging: Option<JoinHandle<()>>,
    origin: String,
    home: TempDir,
    /// What it was started with.
    command: Command,
}

impl Desk {
    /// Starts the binary on a free port and returns when it listens.
    pub fn start() -> Self {
        Self::start_with(|_, _| {})
    }

    /// As [`Desk::start`], with what `prepare` adds to the command; it may also put files into the desk's folder.
    pub fn start_with(prepare: impl FnOnce(&mut Command, &Path)) -> Self {
        Self::start_in(audit::folder("desk-"), prepare)
    }

    /// As [`Desk::start`], with one line of the built-in product definition put differently.
    pub fn start_where(line: &str, instead: &str) -> Self {
        let definition = include_str!("../../products/default.toml");
        assert_eq!(definition.matches(line).count(), 1, "{line} stands once in the definition");
        let definition = definition.replace(line, instead);
        Self::start_with(|command, home| {
            let file = home.join("product.toml");
            std::fs::write(&file, definition).expect("a product definition can be written");
            command.env("KEYDESK_PRODUCT", file);
        })
    }

    /// Starts `keydesk demo`. What it says includes the password that it made up, so the secret audit does not keep it.
    pub fn start_demo() -> Self {
        let home = tempfile::tempdir().expect("a folder for the demo can be made");
        Self::start_in(home, |command, home| {
            command.arg("demo").env("TMPDIR", home);
        })
    }

    fn start_in(home: TempDir, prepare: impl FnOnce(&mut Command, &Path)) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keydesk"));
        // A developer's own settings must not reach the desk under test.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"KEYDESK_")) {
            command.env_remove(name);
        }
        prepare(&mut command, home.path());
        command
            .env("KEYDESK_LISTEN", "127.0.0.1:0")
            .env("KEYDESK_DATA_DIR", home.path().join("data"))
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(append(&home.path().join("stderr.log")));
        let process = command.spawn().expect("the keydesk binary starts");
        let mut desk = Self { process, logging: None, origin: String::new(), home, command };
        desk.wait_until_it_listens();
        desk
    }

    /// Kills it (`kill -9`), as a power cut would, and starts it again with what lies on disk, on another port.
    pub fn kill_and_start_again(&mut self) {
        self.end();
        self.process = self.command.spawn().expect("the keydesk binary starts again");
        self.wait_until_it_listens();
    }

    fn wait_until_it_listens(&mut self) {
        let (listening, origin) = mpsc::channel();
        let stdout = BufReader::new(self.process.stdout.take().expect("stdout is piped"));
        let mut log = append(&self.home.path().join("stdout.log"));
        self.logging = Some(thread::spawn(move || {
            for line in stdout.split(b'\n').map_while(Result::ok) {
                if let Some(origin) = announced_origin(&String::from_utf8_lossy(&line)) {
                    // Nobody waits for a second announcement.
                    let _ = listening.send(origin);
                }
                log.write_all(&[&line, b"\n".as_slice()].concat()).expect("the log can be written");
            }
        }));
        match origin.recv_timeout(PATIENCE) {
            Ok(origin) => self.origin = origin,
            Err(error) => panic!("keydesk did not say that it listens ({error}):\n{}", self.log()),
        }
    }

    fn end(&mut self) {
        // It may have ended by itself, which is the test's to notice.
        let _ = self.process.kill();
        let _ = self.process.wait();
        // The secret audit reads the log to its last line.
        if let Some(logging) = self.logging.take() {
            let _ = logging.join();
        }
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The SQLite file.
    pub fn database(&self) -> PathBuf {
        self.home.path().join("data").join("keydesk.db")
    }

    /// Everything it has said so far.
    pub fn log(&self) -> String {
        ["stdout.log", "stderr.log"]
            .map(|name| std::fs::read(self.home.path().join(name)).expect("the log can be read"))
            .map(|log| String::from_utf8_lossy(&log).into_owned())
            .concat()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.end();
    }
}

fn append(path: &Path) -> File {
    let file = File::options().create(true).append(true).open(path);
    file.unwrap_or_else(|error| panic!("{} cannot be made: {error}", path.display()))
}

/// The origin in the line that says it listens, be the log text or JSON.
fn announced_origin(line: &str) -> Option<String> {
    let (said, address) = line.split_once("http://")?;
    let address =
        address.split(|character: char| !character.is_ascii_alphanumeric() && !".:-".contains(character)).next()?;
    said.to_lowercase().contains("listening").then(|| format!("http://{address}"))
}
