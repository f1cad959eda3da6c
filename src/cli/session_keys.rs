//! `keydesk session-keys rotate`: another key for session tokens. The desk that serves learns of it by itself, on every
//! node.

use clap::Subcommand;

use super::Failure;
use super::serve::open;
use crate::clock::Timestamp;
use crate::config::Settings;
use crate::model::session_key::Generation;
use crate::store::session_keys::{self, Takeover};

#[derive(Subcommand)]
pub enum SessionKeys {
    /// Sign session tokens with a new key: published at once, it signs a minute later, and the old one verifies for 15
    /// minutes more.
    Rotate {
        /// Sign with the new key at once and drop every other: who holds a session token has to refresh it.
        #[arg(long)]
        now: bool,
    },
}

pub async fn run(settings: &Settings, SessionKeys::Rotate { now }: SessionKeys) -> Result<(), Failure> {
    let app = open(settings, settings.listen).await?;
    let takeover = if now { Takeover::Now } else { Takeover::Announced };
    let generations = session_keys::rotate(&app.db, takeover, app.now()).await?;
    app.tokens.know(&generations);
    let keys = app.tokens.generations();
    // The audit log is an account's, and this is no account's own; so the log of the process is what is left of it.
    if let Some((kid, newest)) = keys.first() {
        tracing::info!(%kid, generation = newest.number, at_once = now, "The session-token key was rotated");
    }
    if now {
        println!("Every other key was dropped. Programs have to refresh their session tokens.");
    }
    for line in said(&keys) {
        println!("{line}");
    }
    app.db.close().await;
    Ok(())
}

/// What holds from now on, a line each, the newest key first.
fn said(keys: &[(String, Generation)]) -> Vec<String> {
    let newer = std::iter::once(None).chain(keys.iter().map(|(_, key)| Some(key.signs_from)));
    let line = |((kid, key), newer): (&(String, Generation), Option<Timestamp>)| {
        let signs = match newer {
            None => format!("signs from {}", key.signs_from),
            Some(newer) => format!("signs until {newer}"),
        };
        let verifies = match key.verifies_until {
            None => "verifies until it is rotated".to_owned(),
            Some(until) => format!("verifies until {until}"),
        };
        format!("Key {kid} (generation {}): {signs}, {verifies}.", key.number)
    };
    keys.iter().zip(newer).map(line).collect()
}
