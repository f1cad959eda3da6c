//! How far something long has come, on standard error: one line that moves at a terminal, and a line for each tenth where
//! nobody watches.

use std::io::{IsTerminal as _, Write as _, stderr};

use crate::model::text;

pub struct Progress {
    what: &'static str,
    moves: bool,
    tenth: u64,
}

impl Progress {
    pub fn of(what: &'static str) -> Self {
        Self { what, moves: stderr().is_terminal(), tenth: 0 }
    }

    /// Bytes that are done, of all.
    pub fn tell(&mut self, done: u64, all: u64) {
        let tenth = (done * 10).checked_div(all).unwrap_or(10);
        let line = format!("{}: {} % of {} MiB", self.what, percent(done, all), text::thousands(all >> 20));
        if self.moves {
            // A terminal that was closed must not stop what is told of.
            let _ = write!(stderr(), "\r{line}\u{1b}[K{}", if done == all { "\n" } else { "" });
        } else if tenth > self.tenth {
            let _ = writeln!(stderr(), "{line}");
        }
        self.tenth = tenth;
    }
}

fn percent(done: u64, all: u64) -> u64 {
    (done * 100).checked_div(all).unwrap_or(100)
}
