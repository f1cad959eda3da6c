//! `keydesk audit verify`: whether the audit log is what was recorded. It walks the chain of every account and names the
//! first bad event of each; it changes nothing, and holds a page of events at a time.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::{Failure, secret_file};
use crate::config::Settings;
use crate::model::audit_chain::{Bad, Flaw, Head, Walk};
use crate::model::audit_keys::AuditKeys;
use crate::model::text;
use crate::store::audit_checkpoints::Checkpoint;
use crate::store::look::{Looked, look};
use crate::store::{Db, audit_chain, installation};

const EARLIER_KEYS: &str = "the keys of earlier secret files do not open: the table former_secret_files was changed, so nothing recorded under them can be checked";
/// Events between two words of progress.
const STEP: u64 = 100_000;

#[derive(Subcommand)]
pub enum Audit {
    /// Check the audit log of every account against its chain, and name the first bad event of each.
    Verify {
        /// Logs of Keydesk, written with --log-format json: their checkpoints show a tail that was cut off.
        #[arg(long, value_name = "FILE", num_args = 1..)]
        checkpoints: Vec<PathBuf>,
    },
}

pub async fn run(settings: &Settings, audit: Audit) -> Result<(), Failure> {
    let Audit::Verify { checkpoints } = audit;
    let seen = Seen::read(&checkpoints)?;
    let db = opened(settings).await?;
    let file = settings.existing_secret_file()?;
    let recognised = installation::compare(&db, &file).await.map_err(|why| secret_file::refused(why, settings))?;
    let formers = installation::formers(&db).await?;
    let keys = AuditKeys::open(&recognised.keyring, &formers).map_err(|_| EARLIER_KEYS)?;
    let any_lost = formers.iter().any(|former| former.audit_key.is_none());
    let mut tally = Tally { seen, any_lost, ..Tally::default() };
    tally.take(&db, &keys).await?;
    db.close().await;
    tally.say()
}

/// The database as it is: a check must not change what it checks.
async fn opened(settings: &Settings) -> Result<Db, Failure> {
    match look(&settings.database_url()).await? {
        Looked::Ready(db) => Ok(db),
        Looked::Absent | Looked::Foreign => Err("there is no database of Keydesk's to check".into()),
        Looked::Older { found, known } => Err(format!(
            "the database has the schema {found}, and this Keydesk brings {known}. Start it once, then check."
        )
        .into()),
        Looked::Newer { found, known } => {
            Err(format!("the database has the schema {found}; this Keydesk knows only {known}").into())
        }
    }
}

/// The checkpoints of each account, in their order.
#[derive(Default)]
struct Seen {
    of: BTreeMap<String, Vec<Head>>,
    count: u64,
}

impl Seen {
    fn read(files: &[PathBuf]) -> Result<Self, Failure> {
        let mut seen = Self::default();
        for file in files {
            let before = seen.count;
            seen.add(file)?;
            if seen.count == before {
                return Err(format!(
                    "{} holds no checkpoint. Is it the log of a Keydesk that runs with KEYDESK_LOG_FORMAT=json?",
                    file.display()
                )
                .into());
            }
        }
        for heads in seen.of.values_mut() {
            heads.sort_unstable_by_key(|head| head.seq);
            heads.dedup();
        }
        Ok(seen)
    }

    fn add(&mut self, file: &Path) -> Result<(), Failure> {
        let failed = |error: std::io::Error| format!("cannot read {}: {error}", file.display());
        let lines = BufReader::new(File::open(file).map_err(failed)?);
        for (number, line) in lines.split(b'\n').enumerate() {
            match Checkpoint::in_line(&String::from_utf8_lossy(&line.map_err(failed)?)) {
                Ok(None) => {}
                Ok(Some(Checkpoint { account_id, seq, mac })) => {
                    self.of.entry(account_id).or_default().push(Head { seq, mac });
                    self.count += 1;
                }
                Err(_) => eprintln!(
                    "keydesk: line {} of {} is a checkpoint that cannot be read; it was passed over",
                    number + 1,
                    file.display()
                ),
            }
        }
        Ok(())
    }
}

/// What the walk found.
#[derive(Default)]
struct Tally {
    seen: Seen,
    /// Whether a secret file was lost: its accounts have events without a key.
    any_lost: bool,
    accounts: u64,
    events: u64,
    bad: u64,
}

impl Tally {
    async fn take(&mut self, db: &Db, keys: &AuditKeys) -> sqlx::Result<()> {
        let mut last = String::new();
        while let Some(account_id) = audit_chain::next_account(db, &last).await? {
            let checkpoints = self.seen.of.remove(&account_id).unwrap_or_default();
            let mut walk = Walk::new(&account_id, keys, &checkpoints);
            if self.any_lost {
                walk = walk.with_loss(audit_chain::last_loss(db, &account_id).await?);
            }
            let walked = audit_chain::walk(db, walk, |events| self.pass(events)).await?;
            self.accounts += 1;
            if let Err(bad) = walked {
                self.name(&bad);
            }
            last = account_id;
        }
        for account_id in std::mem::take(&mut self.seen.of).into_keys() {
            self.accounts += 1;
            self.name(&Bad { account_id, seq: 1, event_id: String::new(), flaw: Flaw::AccountGone });
        }
        Ok(())
    }

    fn pass(&mut self, events: usize) {
        let before = self.events / STEP;
        self.events += events as u64;
        if self.events / STEP > before {
            eprintln!("{} so far", text::count(self.events, "event", "events"));
        }
    }

    fn name(&mut self, bad: &Bad) {
        self.bad += 1;
        println!("{bad}");
    }

    fn say(&self) -> Result<(), Failure> {
        let accounts = text::count(self.accounts, "account", "accounts");
        if self.bad > 0 {
            let do_not = if self.bad == 1 { "does not" } else { "do not" };
            return Err(format!("{} of {accounts} {do_not} verify", text::thousands(self.bad)).into());
        }
        let events = text::count(self.events, "event", "events");
        let against = match self.seen.count {
            0 => String::new(),
            count => format!(", against {}", text::count(count, "checkpoint", "checkpoints")),
        };
        println!("The audit log is what was recorded: {events} of {accounts}{against}.");
        if self.any_lost {
            println!(
                "A secret file was lost: what was recorded before is as it was when that was recorded, and no key vouches for it earlier."
            );
        }
        Ok(())
    }
}
