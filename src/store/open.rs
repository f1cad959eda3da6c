//! How the database is opened: which of the two it is, with what settings and how many connections. What is opened is up to
//! date, or the program does not start and says why.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use tokio::time::{sleep, timeout};

use super::changes::Changes;
use super::file_lock::FileLock;
use super::{Db, Engine};

/// Read-only connections to SQLite; two cores do not keep more of them busy.
const SQLITE_READERS: u32 = 4;
/// What the writer keeps of the file, in KiB and negative, as SQLite wants it: the pages of a transaction of usage, so that none
/// of them is written twice.
const WRITER_CACHE: &str = "-8192";
/// Pages of the write-ahead log, of 4 KiB, before they are copied into the file: a page that is written again and again is
/// copied once.
const CHECKPOINT_EVERY: &str = "4000";
const POSTGRES_CONNECTIONS: u32 = 16;
/// How long a request waits for a connection, or for a lock on the file, before it is told that the database is away.
pub(super) const BUSY: Duration = Duration::from_secs(5);
const BEFORE_ANOTHER_TRY: Duration = Duration::from_millis(20);

/// Why the database could not be opened, in words for whoever starts Keydesk.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("KEYDESK_DATABASE_URL must start with sqlite:// or postgres://")]
    UnknownScheme,
    #[error("cannot open the database: {0}")]
    Connect(#[from] sqlx::Error),
    #[error("cannot bring the database up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error(
        "the database was written by a newer Keydesk (schema {found}; this one knows {known}). Start the newer version, or restore a backup."
    )]
    NewerSchema { found: i64, known: i64 },
    #[error("a restore is putting the database in place; start again once it is done")]
    Restoring,
    #[error("a Keydesk has the database open; stop it first")]
    InUse,
}

impl Db {
    /// Opens the database and brings its schema up to date.
    ///
    /// # Errors
    /// If it cannot be reached, is newer than this program, or a migration fails; then nothing of that migration stays.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let (db, brought) = Self::open_telling(url).await?;
        if let (Some(first), Some(last)) = (brought.first(), brought.last()) {
            tracing::info!(first, last, "The schema of the database was brought up to date");
        }
        Ok(db)
    }

    /// As [`Db::open`], with the migrations that it took.
    ///
    /// # Errors
    /// As [`Db::open`].
    pub async fn open_telling(url: &str) -> Result<(Self, Vec<i64>), OpenError> {
        let changes: Arc<Changes> = Arc::default();
        let (engine, lock) = if let Some(path) = url.strip_prefix("sqlite://") {
            let lock = FileLock::shared(Path::new(path))?;
            (Engine::open_sqlite(Path::new(path), &changes).await?, Some(Arc::new(lock)))
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            (Engine::Postgres(postgres_pool(url)?), None)
        } else {
            return Err(OpenError::UnknownScheme);
        };
        let brought = engine.migrate().await?;
        Ok((Self { engine, changes, crowded: Arc::default(), lock }, brought))
    }
}

impl Engine {
    pub(super) async fn open_sqlite(path: &Path, changes: &Arc<Changes>) -> Result<Self, sqlx::Error> {
        create_private(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            // A key that was shown must survive the power cut that follows.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            // A consumed seal is overwritten, not just unlinked.
            .pragma("secure_delete", "on");
        let pool =
            |most: u32| SqlitePoolOptions::new().max_connections(most).acquire_timeout(BUSY).test_before_acquire(false);
        let changes = changes.clone();
        let writing = options
            .clone()
            .pragma("cache_size", WRITER_CACHE)
            .pragma("wal_autocheckpoint", CHECKPOINT_EVERY)
            // What undoes a statement of many rows, should one of them fail: no file is made for it.
            .pragma("temp_store", "memory");
        let writer = pool(1).before_acquire(move |connection, _| Box::pin(can_begin(connection, changes.clone())));
        let writer = connected(writer, &writing).await?;
        let readers = pool(SQLITE_READERS).connect_lazy_with(options.read_only(true));
        Ok(Self::Sqlite { writer, readers })
    }
}

/// Connects, also while somebody else starts on the same new file: SQLite waits for a lock, but not for the one that makes
/// the file keep a write-ahead log.
async fn connected(pool: SqlitePoolOptions, options: &SqliteConnectOptions) -> sqlx::Result<SqlitePool> {
    let mut locked = sqlx::Error::PoolTimedOut;
    let trying = async {
        loop {
            match pool.clone().connect_with(options.clone()).await {
                Err(error) if is_locked(&error) => locked = error,
                done => return done,
            }
            sleep(BEFORE_ANOTHER_TRY).await;
        }
    };
    let done = timeout(BUSY, trying).await;
    done.unwrap_or(Err(locked))
}

fn is_locked(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: &str = "5";
    error.as_database_error().is_some_and(|error| error.code().as_deref() == Some(SQLITE_BUSY))
}

/// Whether a transaction can begin on `connection`. On a full disk SQLite ends one by itself, and its driver goes on
/// counting it as open: without another connection nothing would be written any more.
async fn can_begin(connection: &mut SqliteConnection, changes: Arc<Changes>) -> sqlx::Result<bool> {
    if !connection.is_in_transaction() {
        return Ok(true);
    }
    // One that was given up may be ending just now.
    connection.ping().await?;
    if connection.is_in_transaction() {
        // Another connection cannot tell what other processes wrote before it.
        changes.note_all();
    }
    Ok(!connection.is_in_transaction())
}

/// Makes the database file readable by its owner only; SQLite gives its log the same mode.
fn create_private(path: &Path) -> Result<(), sqlx::Error> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    Ok(())
}

fn postgres_pool(url: &str) -> Result<PgPool, sqlx::Error> {
    let options = PgConnectOptions::from_str(url)?.options([("synchronous_commit", "on")]);
    Ok(PgPoolOptions::new().max_connections(POSTGRES_CONNECTIONS).acquire_timeout(BUSY).connect_lazy_with(options))
}
