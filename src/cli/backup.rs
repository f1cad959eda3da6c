//! `keydesk backup`: one moment of the database, as a file that nobody else reads. It appears under its name only once it
//! is whole, checked and on disk.

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::Failure;
use super::progress::Progress;
use crate::clock::{Clock, Timestamp};
use crate::config::Settings;
use crate::model::text::count;
use crate::store::backup::{Contents, copy};
use crate::store::file_lock::FileLock;
use crate::store::restore::{folder_of, sync_folder_of};

/// What a person with `PostgreSQL` types instead: its own program is online and consistent, and has to be of the server's
/// version, which no Keydesk can bring along.
const POSTGRES: &str = "PostgreSQL makes its own backups, while Keydesk serves:

    pg_dump --format=custom --file=keydesk.dump \\
      --exclude-table-data=sealed_secrets --exclude-table-data=kept_secrets --exclude-table-data=web_sessions \\
      --exclude-table-data=refresh_tokens --exclude-table-data=oidc_transactions --exclude-table-data=mailed_links \\
      \"$KEYDESK_DATABASE_URL\"

docs/operating.md has the way back.";

#[derive(Args)]
pub struct Backup {
    /// The file to make; - is standard output. Default: a dated one in the folder backups of the data directory.
    file: Option<PathBuf>,
}

pub async fn run(settings: &Settings, Backup { file }: &Backup) -> Result<(), Failure> {
    let now = Clock::System.now();
    let database = settings.database_file().ok_or(POSTGRES)?;
    if !database.exists() {
        return Err(format!("there is no database at {}", database.display()).into());
    }
    let to_output = file.as_deref() == Some(Path::new("-"));
    if to_output && io::stdout().is_terminal() {
        return Err("a backup does not belong on a terminal; send it to a file or a program".into());
    }
    let file = match file {
        Some(file) if !to_output => file.clone(),
        Some(_) => backups(settings)?.join(format!("output-{}.db", now.micros())),
        None => backups(settings)?.join(dated(now)),
    };
    // A restore must not change the file under us.
    let _shared = FileLock::shared(&database)?;
    let part = Part::beside(&file)?;
    let mut progress = Progress::of("Backup");
    let contents = copy(&database, &part.path, now, |done, all| progress.tell(done, all)).await?;
    if to_output {
        io::copy(&mut File::open(&part.path)?, &mut io::stdout().lock())?;
    } else {
        part.becomes(&file)?;
    }
    eprintln!("{}", said(&contents, &file, to_output));
    Ok(())
}

fn said(contents: &Contents, file: &Path, to_output: bool) -> String {
    let held = |number: i64, one, many| count(number.unsigned_abs(), one, many);
    format!(
        "{} holds {}, {} and {}, checked. The secret file is not in it: keep a copy of that elsewhere.",
        if to_output { "The backup".to_owned() } else { file.display().to_string() },
        held(contents.accounts, "account", "accounts"),
        held(contents.keys, "key", "keys"),
        held(contents.events, "audit event", "audit events"),
    )
}

/// In the data directory: a service may write nowhere else.
fn backups(settings: &Settings) -> Result<PathBuf, Failure> {
    use std::os::unix::fs::DirBuilderExt as _;
    let folder = settings.data_dir.join("backups");
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
    Ok(folder)
}

fn dated(now: Timestamp) -> String {
    let stamp: String = now.to_string().chars().filter(char::is_ascii_alphanumeric).take(15).collect();
    format!("keydesk-{stamp}Z.db")
}

/// A file that is not done yet. Dropped, it goes.
pub(super) struct Part {
    pub path: PathBuf,
}

impl Part {
    /// # Errors
    /// If what it will become is there already, or the folder is not ours to write to.
    pub fn beside(file: &Path) -> Result<Self, Failure> {
        if file.exists() {
            return Err(format!("{} exists; nothing was written. Name another file", file.display()).into());
        }
        let mut path = file.as_os_str().to_owned();
        path.push(".part");
        let path = PathBuf::from(path);
        let made = File::options().write(true).create_new(true).mode(0o600).open(&path);
        match made {
            Ok(_) => Ok(Self { path }),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(format!(
                "{} is there: a backup is being made, or one was interrupted. If none runs, delete it",
                path.display()
            )
            .into()),
            Err(error) => Err(format!("cannot write to {}: {error}", folder_of(file).display()).into()),
        }
    }

    /// # Errors
    /// If the disk does not take it; then it is not there.
    pub fn becomes(self, file: &Path) -> io::Result<()> {
        File::open(&self.path)?.sync_all()?;
        std::fs::rename(&self.path, file)?;
        sync_folder_of(file)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Gone already where it became something.
        let _ = std::fs::remove_file(&self.path);
    }
}
