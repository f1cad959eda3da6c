//! A look at a database from outside: nothing is migrated, nothing written, no file made. For commands that advise
//! before a start, beside a Keydesk that may be running.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use super::migrations::newest_schema;
use super::{BUSY, Db, Engine, OpenError, read};

/// What there is.
pub enum Looked {
    /// A database that this program could serve.
    Ready(Db),
    /// No file.
    Absent,
    /// A database, but none of Keydesk's.
    Foreign,
    /// One that a start would bring up to date first.
    Older { found: i64, known: i64 },
    /// One that a later Keydesk made.
    Newer { found: i64, known: i64 },
}

/// Looks at the database that `url` names.
///
/// # Errors
/// If it cannot be reached.
pub async fn look(url: &str) -> Result<Looked, OpenError> {
    const VERSION: &str = "select coalesce(max(version), 0) from _sqlx_migrations";
    let engine = if let Some(path) = url.strip_prefix("sqlite://") {
        if !Path::new(path).exists() {
            return Ok(Looked::Absent);
        }
        sqlite(Path::new(path))
    } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        postgres(url)?
    } else {
        return Err(OpenError::UnknownScheme);
    };
    let db = Db { engine, changes: Arc::default(), crowded: Arc::default(), lock: None };
    let version: sqlx::Result<(i64,)> = read!(db, c => sqlx::query_as(VERSION).fetch_one(c));
    let found = match version {
        Ok((version,)) => version,
        Err(sqlx::Error::Database(_)) => return Ok(Looked::Foreign),
        Err(error) => return Err(error.into()),
    };
    let known = newest_schema();
    Ok(match found {
        0 => Looked::Foreign,
        _ if found < known => Looked::Older { found, known },
        _ if found > known => Looked::Newer { found, known },
        _ => Looked::Ready(db),
    })
}

fn sqlite(path: &Path) -> Engine {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    // Nobody has it open if there is no log; then even the reader's own bookkeeping files can be done without.
    let is_idle = !Path::new(&log).exists();
    let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(is_idle).busy_timeout(BUSY);
    let readers = SqlitePoolOptions::new().max_connections(1).acquire_timeout(BUSY).connect_lazy_with(options);
    Engine::Sqlite { writer: readers.clone(), readers }
}

fn postgres(url: &str) -> Result<Engine, sqlx::Error> {
    let options = PgConnectOptions::from_str(url)?.options([("default_transaction_read_only", "on")]);
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(BUSY).connect_lazy_with(options);
    Ok(Engine::Postgres(pool))
}
