//! Putting a backup in the place of a database. Everything is tried on a copy beside it: that the backup is whole, that it
//! belongs to the secret file, that its schema can be brought up to date. Only then it takes the place, in one step.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions as _, Connection as _};

use super::backup::{BackupError, Contents, examine, schema_of};
use super::file_lock::{FileLock, beside};
use super::migrations::newest_schema;
use super::{Engine, OpenError};
use crate::clock::Timestamp;
use crate::model::secret_file::SecretFile;

/// What belongs to a database beside its file.
const LOGS: [&str; 3] = ["-wal", "-shm", "-journal"];
/// Keys that are named after a restore.
const MOST_NAMED: i64 = 100;

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("{0}")]
    Backup(#[from] BackupError),
    #[error("{0}")]
    Open(#[from] OpenError),
    #[error("{0}")]
    Database(#[from] sqlx::Error),
    #[error("{0}")]
    File(#[from] io::Error),
    #[error("the file is a database of Keydesk's, but no backup: it does not come from keydesk backup")]
    NoBackup,
    #[error("the backup was made with another secret file; restore that one first, or no key would work")]
    OtherSecretFile,
    #[error("the backup was written by a newer Keydesk (schema {found}; this one knows {known}); restore it with that")]
    Newer { found: i64, known: i64 },
}

/// What a backup says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    pub at: Timestamp,
    pub schema: i64,
}

/// Reads the label of a backup, and whether this Keydesk may restore it under this secret file.
///
/// # Errors
/// If it may not, in words.
pub async fn read_label(backup: &Path, file: &SecretFile) -> Result<Label, RestoreError> {
    const LABEL: &str = "select backup_at, secret_check from installation where one = 1";
    let mut connection = SqliteConnectOptions::new().filename(backup).read_only(true).immutable(true).connect().await?;
    let (found, known) = (schema_of(&mut connection).await?, newest_schema());
    if found > known {
        return Err(RestoreError::Newer { found, known });
    }
    let label: Result<(Option<Timestamp>, Option<String>), _> = sqlx::query_as(LABEL).fetch_one(&mut connection).await;
    let Ok((Some(at), check)) = label else { return Err(RestoreError::NoBackup) };
    // Of a backup from before the file was replaced, the old half is what it was made with.
    let generations = [Some(file.newest()), file.before()];
    if !generations.into_iter().flatten().any(|generation| check.as_deref() == Some(&*generation.check())) {
        return Err(RestoreError::OtherSecretFile);
    }
    Ok(Label { at, schema: found })
}

/// Makes a copy of a backup ready to be served, and says what it holds.
///
/// # Errors
/// If it is damaged, or cannot be brought up to date.
pub async fn prepare(copy: &Path) -> Result<Contents, RestoreError> {
    examine(copy).await?;
    let engine = Engine::open_sqlite(copy, &Arc::default()).await?;
    engine.migrate().await?;
    let Engine::Sqlite { writer, readers } = engine else { return Err(OpenError::UnknownScheme.into()) };
    sqlx::query("update installation set backup_at = null").execute(&writer).await?;
    readers.close().await;
    writer.close().await;
    Ok(examine(copy).await?)
}

/// Whether anything of a database lies there.
pub fn is_there(database: &Path) -> bool {
    database.exists() || LOGS.iter().any(|log| beside(database, log).exists())
}

/// Writes the log of a database into its file.
///
/// # Errors
/// If any other program has it open, be it one that knows nothing of our lock.
pub async fn settle(database: &Path, _alone: &FileLock) -> Result<(), RestoreError> {
    if !database.exists() {
        return Ok(());
    }
    // Refused while anybody else has it open.
    let options = SqliteConnectOptions::new().filename(database).journal_mode(SqliteJournalMode::Delete);
    match options.busy_timeout(Duration::ZERO).connect().await {
        Err(sqlx::Error::Database(error)) if error.message().contains("locked") => Err(OpenError::InUse.into()),
        // A damaged one is why somebody restores. It is moved aside as it lies.
        Err(sqlx::Error::Database(_)) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(connection) => Ok(connection.close().await?),
    }
}

/// Puts `copy` in the place of the database. What was there goes to `aside`; at no moment there is nothing.
///
/// # Errors
/// If the folder does not let it.
pub fn put_in_place(copy: &Path, database: &Path, aside: &Path, _alone: &FileLock) -> io::Result<()> {
    if database.exists() {
        std::fs::hard_link(database, aside)?;
    }
    // A log that stays would be taken for the new file's own.
    for log in LOGS {
        match std::fs::rename(beside(database, log), beside(aside, log)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    std::fs::rename(copy, database)?;
    sync_folder_of(database)
}

/// Makes what was renamed in a folder outlive a power cut.
///
/// # Errors
/// If the folder cannot be opened.
pub fn sync_folder_of(file: &Path) -> io::Result<()> {
    File::open(folder_of(file))?.sync_all()
}

/// The folder that a file lies in.
pub fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// A key that works again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revived {
    pub id: String,
    pub name: String,
    pub what: &'static str,
}

/// Keys that were deleted, paused or rotated in the database that went aside and are as before in the one in its place.
///
/// # Errors
/// If one of them cannot be read.
pub async fn revived(database: &Path, aside: &Path) -> sqlx::Result<Vec<Revived>> {
    const REVIVED: &str = "
        select k.id, k.name,
            case when o.deleted_at is not null then 1 when o.paused_at is not null then 2 else 3 end
        from api_keys k
        join aside.api_keys o on o.id = k.id
        where k.deleted_at is null
        and (
            o.deleted_at is not null
            or (o.paused_at is not null and k.paused_at is null)
            or coalesce(o.rotated_at, 0) > coalesce(k.rotated_at, 0)
        )
        order by k.account_id, k.id
        limit $1";
    let mut connection = SqliteConnectOptions::new().filename(database).read_only(true).connect().await?;
    sqlx::query("attach $1 as aside").bind(aside.display().to_string()).execute(&mut connection).await?;
    let rows: Vec<(String, String, i64)> = sqlx::query_as(REVIVED).bind(MOST_NAMED).fetch_all(&mut connection).await?;
    let revived = |(id, name, what)| Revived {
        id,
        name,
        what: match what {
            1 => "deleted",
            2 => "paused",
            _ => "rotated",
        },
    };
    Ok(rows.into_iter().map(revived).collect())
}
