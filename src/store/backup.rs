//! A copy of an SQLite database while it is served: one moment of it, whole, and without what a backup may not hold. Left
//! out are the sealed and kept secrets of keys, whatever a session, a refresh or a mailed link is known by, and with them
//! every session: a backup and the secret file together show no secret of a key and let nobody in.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::time::{MissedTickBehavior, interval};

use super::migrations::newest_schema;
use super::{BUSY, OpenError};
use crate::clock::Timestamp;

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(250);

/// Why there is no backup, or none to be trusted.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{0}")]
    Open(#[from] OpenError),
    #[error("the database cannot be copied: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the file is no database of Keydesk's")]
    Foreign,
    #[error(
        "the database has the schema {found}, and this Keydesk brings {known}. Back it up with the Keydesk that served it."
    )]
    Older { found: i64, known: i64 },
    #[error("the copy is damaged ({0}); do not trust the disk it lies on")]
    Damaged(String),
}

/// What a copy holds, by its own word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    pub schema: i64,
    pub installation_id: String,
    pub accounts: i64,
    pub keys: i64,
    pub events: i64,
}

/// Copies the database at `from` to `to`, an empty file that is the caller's own, and gives what the copy holds. Whoever
/// writes meanwhile is not kept waiting. `tell` hears how many bytes of how many are written.
///
/// # Errors
/// If it cannot be copied, or the copy is not what it was copied from.
pub async fn copy(
    from: &Path,
    to: &Path,
    now: Timestamp,
    mut tell: impl FnMut(u64, u64),
) -> Result<Contents, BackupError> {
    let mut source = reading(from).await?;
    match schema_of(&mut source).await? {
        found if found > newest_schema() => return Err(OpenError::NewerSchema { found, known: newest_schema() }.into()),
        found if found < newest_schema() => return Err(BackupError::Older { found, known: newest_schema() }),
        _ => {}
    }
    let bytes = u64::try_from(size(&mut source).await?).unwrap_or(0);
    vacuum(&mut source, to, bytes, &mut tell).await?;
    leave_out(to, now).await?;
    let contents = examine(to).await?;
    let found: (String,) = sqlx::query_as("select id from installation").fetch_one(&mut source).await?;
    source.close().await?;
    if contents.installation_id != found.0 {
        return Err(BackupError::Damaged("it is of another installation".into()));
    }
    tell(bytes, bytes);
    Ok(contents)
}

/// Copies what is there at one moment, page by page, without what is deleted.
async fn vacuum(
    source: &mut SqliteConnection,
    to: &Path,
    bytes: u64,
    tell: &mut impl FnMut(u64, u64),
) -> sqlx::Result<()> {
    let target = to.display().to_string();
    let mut copying = std::pin::pin!(sqlx::query("vacuum into $1").bind(target).execute(source));
    let mut telling = interval(TELL_EVERY);
    telling.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            copied = &mut copying => return copied.map(drop),
            _ = telling.tick() => tell(std::fs::metadata(to).map_or(0, |file| file.len()).min(bytes), bytes),
        }
    }
}

async fn reading(path: &Path) -> sqlx::Result<SqliteConnection> {
    SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(BUSY).connect().await
}

/// The schema of a database; 0 where it is none of ours.
pub(super) async fn schema_of(connection: &mut SqliteConnection) -> Result<i64, BackupError> {
    const VERSION: &str = "select coalesce(max(version), 0) from _sqlx_migrations";
    match sqlx::query_as(VERSION).fetch_one(connection).await {
        Ok((0,)) | Err(sqlx::Error::Database(_)) => Err(BackupError::Foreign),
        Ok((version,)) => Ok(version),
        Err(error) => Err(error.into()),
    }
}

/// Bytes that are not free for something else.
async fn size(connection: &mut SqliteConnection) -> sqlx::Result<i64> {
    const SIZE: &str = "
        select (p.page_count - f.freelist_count) * s.page_size
        from pragma_page_count p, pragma_freelist_count f, pragma_page_size s";
    let (bytes,): (i64,) = sqlx::query_as(SIZE).fetch_one(connection).await?;
    Ok(bytes)
}

/// Takes out of the copy what a backup does not hold, and overwrites it.
async fn leave_out(copy: &Path, now: Timestamp) -> sqlx::Result<()> {
    const EMPTIED: [&str; 6] = [
        "delete from sealed_secrets",
        "delete from kept_secrets",
        "delete from web_sessions",
        "delete from refresh_tokens",
        "delete from oidc_transactions",
        // One that was used since would work again.
        "delete from mailed_links",
    ];
    const END: &str = "update sessions set ended_at = $1 where ended_at is null";
    const MARK: &str = "update installation set backup_at = $1 where one = 1";
    let mut connection = SqliteConnectOptions::new()
        .filename(copy)
        // The copy is nobody's yet: if this fails, all of it goes.
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Full)
        .pragma("secure_delete", "on")
        .connect()
        .await?;
    for statement in EMPTIED {
        sqlx::query(statement).execute(&mut connection).await?;
    }
    for statement in [END, MARK] {
        sqlx::query(statement).bind(now).execute(&mut connection).await?;
    }
    connection.close().await
}

/// Reads a whole copy, and says what it holds.
///
/// # Errors
/// If a page, a reference or the end of an audit chain is not what it must be.
pub async fn examine(copy: &Path) -> Result<Contents, BackupError> {
    const HEADS: &str = "
        select count(*)
        from accounts a
        where a.audit_seq <> coalesce((select max(e.seq) from audit_events e where e.account_id = a.id), 0)
        or a.audit_seq <> (select count(*) from audit_events e where e.account_id = a.id)";
    const CONTENTS: &str = "
        select (select id from installation where one = 1),
            (select count(*) from accounts),
            (select count(*) from api_keys where deleted_at is null),
            (select count(*) from audit_events)";
    let mut connection = SqliteConnectOptions::new().filename(copy).read_only(true).immutable(true).connect().await?;
    let schema = schema_of(&mut connection).await?;
    let (whole,): (String,) =
        sqlx::query_as("select integrity_check from pragma_integrity_check limit 1").fetch_one(&mut connection).await?;
    let (strays,): (i64,) =
        sqlx::query_as("select count(*) from pragma_foreign_key_check").fetch_one(&mut connection).await?;
    let (heads,): (i64,) = sqlx::query_as(HEADS).fetch_one(&mut connection).await?;
    if whole != "ok" {
        return Err(BackupError::Damaged(whole));
    } else if strays > 0 {
        return Err(BackupError::Damaged(format!("{strays} rows refer to none")));
    } else if heads > 0 {
        return Err(BackupError::Damaged(format!("the audit log of {heads} accounts is not as long as they say")));
    }
    let (installation_id, accounts, keys, events) = sqlx::query_as(CONTENTS).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(Contents { schema, installation_id, accounts, keys, events })
}
