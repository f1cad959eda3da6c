//! What the desk logs while the tests run: everything at level debug, kept in memory and, for the secret audit, in a
//! file.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::{Mutex, Once, PoisonError};

use tracing_subscriber::EnvFilter;

use crate::audit;

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log {
    kept: Option<File>,
}

impl Write for &Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(line);
        if let Some(mut kept) = self.kept.as_ref() {
            kept.write_all(line)?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Starts to listen, once per process.
pub fn capture() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let kept = std::env::var_os("KEYDESK_SECRET_AUDIT").map(|_| {
            let file = audit::folder("web-log-").path().join("web.log");
            OpenOptions::new().create(true).append(true).open(file).expect("a log file")
        });
        let filter = EnvFilter::new("debug,sqlx=info");
        let log = std::sync::Arc::new(Log { kept });
        tracing_subscriber::fmt().with_ansi(false).with_env_filter(filter).with_writer(log).init();
    });
}

/// Every line so far, of all tests.
pub fn logged() -> String {
    String::from_utf8_lossy(&LINES.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}
