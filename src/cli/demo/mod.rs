//! `keydesk demo`: believable data in a throw-away database, served at once. Nothing of it outlives the process.

mod data;
mod refusals;
mod stories;
mod traffic;

use std::path::PathBuf;

use super::serve::{door, open, serve};
use super::{Failure, serve as serving};
use crate::config::Settings;
use crate::entropy::Entropy;

/// A directory that goes with the demo.
struct Scratch(PathBuf);

impl Scratch {
    fn make() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("keydesk-demo-{}", Entropy::System.base62(12)));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, path = %self.0.display(), "The demo's directory could not be removed");
        }
    }
}

/// Fills a fresh database and serves it until told to stop.
pub async fn run(settings: Settings) -> Result<(), Failure> {
    let scratch = Scratch::make()?;
    let settings = Settings { data_dir: scratch.0.clone(), database_url: None, secret_file: None, ..settings };
    let door = door(&settings).await?;
    let app = open(&settings, door.listener.local_addr()?).await?;
    println!("Making believable data: 5 people, 6 inboxes, 300 keys, 90 days of usage …");
    let filled = data::fill(&app);
    let credentials = tokio::select! {
        credentials = filled => credentials?,
        () = serving::told_to_stop() => return Ok(()),
    };
    for (email, role) in &credentials.people {
        println!("Sign in as {email} ({role}), password: {}", credentials.password);
    }
    serve(app, door).await
}
