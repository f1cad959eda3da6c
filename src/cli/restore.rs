//! `keydesk restore FILE`: a backup takes the place of the database, or nothing changes. It says why not in words, and what
//! the way back in time undoes.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::Failure;
use super::backup::Part;
use super::progress::Progress;
use crate::clock::Clock;
use crate::config::Settings;
use crate::model::text::count;
use crate::store::backup::Contents;
use crate::store::file_lock::FileLock;
use crate::store::restore::{self, Label, folder_of};

const POSTGRES: &str = "PostgreSQL restores its own backups, into a database that is empty:

    pg_restore --no-owner --exit-on-error --single-transaction --dbname=\"$KEYDESK_DATABASE_URL\" keydesk.dump";
/// Bytes copied at once.
const BLOCK: usize = 1 << 20;

#[derive(Args)]
pub struct Restore {
    /// A file that `keydesk backup` made.
    file: PathBuf,
    /// Move the database that is there aside. It is not deleted.
    #[arg(long)]
    replace: bool,
}

pub async fn run(settings: &Settings, Restore { file, replace }: &Restore) -> Result<(), Failure> {
    let database = settings.database_file().ok_or(POSTGRES)?;
    if !file.is_file() {
        return Err(format!("there is no file {}", file.display()).into());
    }
    let secret_file = settings.existing_secret_file()?;
    let label = restore::read_label(file, &secret_file).await?;
    settings.make_data_dir()?;
    let had = restore::is_there(&database);
    if had && !replace {
        let database = database.display();
        return Err(
            format!("{database} exists. To put the backup in its place, add --replace: it is moved aside").into()
        );
    }
    let alone = FileLock::alone(&database)?;
    let part = Part::beside(&beside(&database, ".restored"))?;
    copy(file, &part.path)?;
    let contents = restore::prepare(&part.path).await?;
    give_to_owner_of(&folder_of(&database), &part.path)?;
    File::open(&part.path)?.sync_all()?;
    restore::settle(&database, &alone).await?;
    let stamp = Clock::System.now().micros();
    let aside = beside(&database, &format!(".before-restore-{stamp}"));
    restore::put_in_place(&part.path, &database, &aside, &alone)?;
    say(label, &contents);
    if had {
        say_undone(&database, &aside).await;
    }
    Ok(())
}

fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    let (mut source, mut target) = (File::open(from)?, File::options().write(true).open(to)?);
    let (mut done, all) = (0, source.metadata()?.len());
    let mut progress = Progress::of("Restore");
    let mut block = vec![0; BLOCK];
    loop {
        let read = source.read(&mut block)?;
        target.write_all(&block[..read])?;
        done += read as u64;
        progress.tell(done.min(all), all);
        if read == 0 {
            return target.sync_all();
        }
    }
}

/// Whoever restores may be root, and whoever serves may not be.
fn give_to_owner_of(folder: &Path, file: &Path) -> std::io::Result<()> {
    let (owner, now) = (std::fs::metadata(folder)?, std::fs::metadata(file)?);
    if (owner.uid(), owner.gid()) == (now.uid(), now.gid()) {
        return Ok(());
    }
    std::os::unix::fs::chown(file, Some(owner.uid()), Some(owner.gid()))
}

fn say(label: Label, contents: &Contents) {
    let held = |number: i64, one, many| count(number.unsigned_abs(), one, many);
    println!(
        "Restored the backup of {}: {}, {} and {}.",
        label.at,
        held(contents.accounts, "account", "accounts"),
        held(contents.keys, "key", "keys"),
        held(contents.events, "audit event", "audit events"),
    );
    if label.schema < contents.schema {
        println!("Its schema was brought from {} to {}.", label.schema, contents.schema);
    }
    println!("Keys work as they did then. Everybody has to sign in again.");
    println!("A secret that waited to be revealed is not in a backup: rotate such a key.");
}

/// Names what was withdrawn since the backup and is not any more.
async fn say_undone(database: &Path, aside: &Path) {
    println!("What was there is {}.", aside.display());
    match restore::revived(database, aside).await {
        Ok(revived) if revived.is_empty() => {}
        Ok(revived) => {
            println!("Since the backup these were withdrawn, and are as before now. Look at each:");
            for key in revived {
                println!("  {} {} (was {})", key.id, key.name, key.what);
            }
        }
        Err(error) => println!("It cannot be read ({error}), so what was withdrawn since the backup is not known."),
    }
}
