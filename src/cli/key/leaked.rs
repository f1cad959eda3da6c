//! `keydesk key leaked`: switches off what stands in a text, such as the output of a scanner or a log, and says what it did
//! by key id: no secret is repeated.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::cli::Failure;
use crate::cli::serve::open;
use crate::config::Settings;
use crate::model::audit::Actor;
use crate::model::secret::Presented;
use crate::model::sighting::{Channel, Sighting};
use crate::model::text;
use crate::store::leaked_keys::Reported;
use crate::store::secret_prefixes;
use crate::web::{App, leaks};

/// Characters that are read at once.
const PIECE: usize = 64 * 1024;
/// More characters than a secret has: what may begin in one piece and end in the next.
const OVERLAP: usize = 256;

pub async fn run(settings: &Settings, file: &Path, url: &str) -> Result<(), Failure> {
    let text: Box<dyn Read> = if file.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?)
    };
    let app = open(settings, settings.listen).await?;
    let tally = stop_all(&app, text, &Sighting::new(Channel::CommandLine, url)).await?;
    app.db.close().await;
    tally.say()
}

/// What became of the secrets of a text.
#[derive(Default)]
struct Tally {
    /// By hash: a scanner says the same one often.
    seen: HashSet<String>,
    found: u64,
    unknown: u64,
}

async fn stop_all(app: &App, text: impl Read, sighting: &Sighting) -> Result<Tally, Failure> {
    let prefixes = secret_prefixes::list(&app.db).await?;
    let actor = Actor::machine("cli", "Command line");
    let (mut tally, mut text) = (Tally::default(), BufReader::new(text));
    let mut piece = Zeroizing::new(Vec::with_capacity(PIECE + OVERLAP));
    loop {
        if text.by_ref().take(PIECE as u64).read_to_end(&mut piece)? == 0 {
            return Ok(tally);
        }
        // A secret is ASCII; whatever is not is no part of one.
        let read = Zeroizing::new(String::from_utf8_lossy(&piece).into_owned());
        for leaked in Presented::all_within(&read, &prefixes) {
            if tally.seen.insert(leaked.hash(&app.keyring).to_string()) {
                tally.note(&leaks::stop(app, &actor, leaked, sighting).await?);
            }
        }
        let rest = piece.len().saturating_sub(OVERLAP);
        piece.drain(..rest);
    }
}

impl Tally {
    fn note(&mut self, reported: &Reported) {
        match reported {
            Reported::Unknown => {
                self.unknown += 1;
                return;
            }
            Reported::Deleted(id) => println!("{id} was switched off: it is deleted"),
            Reported::Stopped(id) => println!("{id} was switched off: it works again once it is rotated"),
            Reported::OldStopped(id) => println!("{id}: its old secret was switched off; the new one keeps working"),
            Reported::Dead(id) => println!("{id} was off already"),
        }
        self.found += 1;
    }

    fn say(&self) -> Result<(), Failure> {
        if self.unknown > 0 {
            let unknown = text::count(self.unknown, "text", "texts");
            eprintln!("{unknown} with our prefix and a right checksum: no key of this installation");
        }
        if self.found == 0 { Err("no key of this installation was found".into()) } else { Ok(()) }
    }
}
