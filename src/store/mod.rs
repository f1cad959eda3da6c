//! What is remembered, and the only SQL. One text runs on SQLite and `PostgreSQL`: [`read!`] and [`within!`] paste the
//! same sqlx expression into both typed arms. Every change is one transaction that also holds its audit event.

pub mod account_rules;
pub mod account_usage;
pub mod accounts;
pub mod api_key_secrets;
pub mod api_keys;
pub mod audit_chain;
pub mod audit_checkpoints;
pub mod audit_events;
pub mod audit_list;
pub mod audit_names;
pub mod authenticators;
mod away;
pub mod backup;
pub mod changes;
#[cfg(test)]
mod changes_under_loom;
mod column_types;
pub mod count;
mod crowded;
pub mod devices;
pub mod errands;
mod few_keys;
pub mod file_lock;
pub mod identities;
pub mod inboxes;
pub mod installation;
pub mod invitations;
pub mod kept_secrets;
pub mod key_changes;
pub mod key_counts;
pub mod key_days;
pub mod key_errands;
pub mod key_facts;
pub mod key_filter;
mod key_leads;
pub mod key_list;
pub mod key_looks;
pub mod key_notes;
#[cfg(test)]
mod key_plans;
pub mod key_reminders;
mod key_span;
pub mod leaked_keys;
pub mod live_keys;
pub mod look;
pub mod mailed_links;
pub mod many_keys;
pub mod migrations;
pub mod oidc_transactions;
pub mod once;
mod open;
pub mod passkeys;
mod patience;
pub mod recovery_codes;
pub mod refresh_tokens;
pub mod refusals;
mod reseal;
pub mod restore;
pub mod sealed_secrets;
pub mod second_factors;
pub mod secret_loss;
pub mod secret_prefixes;
pub mod secret_rotation;
pub mod session_keys;
pub mod sessions;
pub mod support;
pub mod team;
pub mod usage;
mod usage_flush;
pub mod usage_list;
pub mod usage_roll_up;
pub mod usage_scopes;
pub mod users;
pub mod watch;
pub mod web_sessions;

/// What [`changes`] locks and counts with; its model check has loom's instead.
mod sync {
    pub use std::sync::atomic::{AtomicU64, Ordering};
    pub use std::sync::{Mutex, MutexGuard, PoisonError};
}

use std::sync::Arc;

use sqlx::postgres::PgPool;
use sqlx::sqlite::SqlitePool;
use sqlx::{Postgres, Sqlite, Transaction};

use crate::clock::Timestamp;
use crate::entropy::Entropy;
use crate::model::audit::Actor;
use crate::model::keyring::Keyring;
use audit_checkpoints::Checkpoint;
pub use away::is_away;
use changes::Changes;
use crowded::Crowded;
use file_lock::FileLock;
use open::BUSY;
pub use open::OpenError;

/// The database, and what this process knows of its changes.
#[derive(Clone, Debug)]
pub struct Db {
    pub engine: Engine,
    changes: Arc<Changes>,
    crowded: Arc<Crowded>,
    /// Keeps a restore from the file that is served.
    #[expect(dead_code, reason = "it is held, not read")]
    lock: Option<Arc<FileLock>>,
}

#[derive(Clone, Debug)]
pub enum Engine {
    /// One writer, so that nobody ever waits in vain for a lock, and readers beside it.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres(PgPool),
}

/// A transaction that writes. Dropped without [`Tx::commit`], it never happened.
pub struct Tx {
    connection: TxConnection,
    /// The keys and inboxes that it changes what a verdict takes of.
    changed: Vec<String>,
    changes: Arc<Changes>,
    /// Heads of audit chains that go to the log once they are on disk.
    checkpoints: Vec<Checkpoint>,
}

enum TxConnection {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// What every change carries: who acts, when, and what ids, hashes and MACs are made with.
#[derive(Clone, Copy)]
pub struct Act<'a> {
    pub actor: &'a Actor,
    pub at: Timestamp,
    pub keyring: &'a Keyring,
    pub entropy: &'a Entropy,
    pub installation_id: &'a str,
}

/// Whoever acts may not any more: their session or their key has ended since they were let in. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[error("the session or the key of whoever acts has ended")]
pub struct Ended;

impl Ended {
    /// Whether this is why there was no transaction.
    pub fn is_why(error: &sqlx::Error) -> bool {
        matches!(error, sqlx::Error::AnyDriverError(cause) if cause.is::<Self>())
    }
}

/// The secret file was replaced, and this process does not know the new one: nothing of the account is changed by it.
#[derive(Debug, thiserror::Error)]
#[error("the secret file was replaced: copy it here from where that was done, and restart")]
pub struct Superseded;

impl Superseded {
    /// Whether this is why nothing was changed.
    pub fn is_why(error: &sqlx::Error) -> bool {
        matches!(error, sqlx::Error::AnyDriverError(cause) if cause.is::<Self>())
    }
}

/// Runs one sqlx expression on a reading connection of either database.
macro_rules! read {
    ($db:expr, $connection:ident => $query:expr) => {
        match &$db.engine {
            $crate::store::Engine::Sqlite { readers: $connection, .. } => $query.await,
            $crate::store::Engine::Postgres($connection) => $crate::store::patience::in_time($query).await,
        }
    };
}

/// Runs one sqlx expression inside a transaction of either database.
macro_rules! within {
    ($tx:expr, $connection:ident => $query:expr) => {
        match &mut $tx.connection {
            $crate::store::TxConnection::Sqlite(tx) => {
                let $connection = &mut **tx;
                $query.await
            }
            $crate::store::TxConnection::Postgres(tx) => {
                let $connection = &mut **tx;
                $crate::store::patience::in_time($query).await
            }
        }
    };
}

/// Runs one writing statement inside a transaction and gives the number of rows it changed; returns on error.
macro_rules! change {
    ($tx:expr, $query:expr) => {
        match &mut $tx.connection {
            $crate::store::TxConnection::Sqlite(tx) => $query.execute(&mut **tx).await?.rows_affected(),
            $crate::store::TxConnection::Postgres(tx) => {
                $crate::store::patience::in_time($query.execute(&mut **tx)).await?.rows_affected()
            }
        }
    };
}

/// Reads a struct from a row by the names of its fields, on both databases.
macro_rules! columns {
    ($type:ty { $($field:ident),* $(,)? }) => {
        impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for $type
        where
            &'static str: sqlx::ColumnIndex<R>,
            String: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
            i64: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
            bool: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
        {
            fn from_row(row: &'r R) -> sqlx::Result<Self> {
                Ok(Self { $($field: row.try_get(stringify!($field))?),* })
            }
        }
    };
}

pub(crate) use {change, columns, read, within};

impl Db {
    /// What is known of changed keys.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Whether other nodes can have it too.
    pub fn is_shared(&self) -> bool {
        matches!(self.engine, Engine::Postgres(_))
    }

    /// Begins a transaction that writes. On SQLite it holds the one writer from its first moment (`begin immediate`),
    /// so it cannot fail half way because somebody else wrote meanwhile.
    pub async fn begin(&self) -> sqlx::Result<Tx> {
        let connection = match &self.engine {
            Engine::Sqlite { writer, .. } => TxConnection::Sqlite(writer.begin_with("begin immediate").await?),
            Engine::Postgres(pool) => TxConnection::Postgres(patience::in_time(pool.begin()).await?),
        };
        Ok(Tx { connection, changed: Vec::new(), changes: self.changes.clone(), checkpoints: Vec::new() })
    }

    /// As [`Db::begin`], with the account's row locked first. Whatever changes an account begins here, so that no two
    /// of them can each hold what the other waits for.
    async fn begin_on(&self, account_id: &str) -> sqlx::Result<Tx> {
        const LOCK: &str = "select id from accounts where id = $1 for no key update";
        let mut tx = self.begin().await?;
        if let TxConnection::Postgres(postgres) = &mut tx.connection {
            patience::in_time(sqlx::query(LOCK).bind(account_id).execute(&mut **postgres)).await?;
        }
        Ok(tx)
    }

    /// As [`Db::begin_on`], for somebody whose session, or program whose key, has let them in: a request can be held open
    /// for longer than that.
    ///
    /// # Errors
    /// [`Ended`] inside if it has ended meanwhile.
    async fn begin_as(&self, act: &Act<'_>, account_id: &str) -> sqlx::Result<Tx> {
        const SESSION: &str = "select id from sessions where id = $1 and ended_at is null";
        const KEY: &str = "select id from api_keys where id = $1 and deleted_at is null";
        let mut tx = self.begin_on(account_id).await?;
        let actor = act.actor;
        let (statement, id) = match actor.kind.as_str() {
            "user" if !actor.session_id.is_empty() => (SESSION, &actor.session_id),
            "key" => (KEY, &actor.id),
            _ => return Ok(tx),
        };
        let stands: Option<(String,)> = within!(&mut tx, c => sqlx::query_as(statement).bind(id).fetch_optional(c))?;
        if stands.is_some() { Ok(tx) } else { Err(sqlx::Error::AnyDriverError(Box::new(Ended))) }
    }

    /// The installation's id, made on the first start.
    pub async fn installation_id(&self, entropy: &Entropy, now: Timestamp) -> sqlx::Result<String> {
        const INSERT: &str = "insert into installation (one, id, created_at) values (1, $1, $2) on conflict do nothing";
        const FIND: &str = "select id from installation where one = 1";
        let mut tx = self.begin().await?;
        change!(&mut tx, sqlx::query(INSERT).bind(entropy.id("ins")).bind(now));
        tx.commit().await?;
        let (id,): (String,) = read!(self, c => sqlx::query_as(FIND).fetch_one(c))?;
        Ok(id)
    }

    /// The pools of connections: what each is called, its connections, and those of them that are free.
    pub fn pools(&self) -> Vec<(&'static str, u32, usize)> {
        match &self.engine {
            Engine::Sqlite { writer, readers } => {
                vec![("writer", writer.size(), writer.num_idle()), ("readers", readers.size(), readers.num_idle())]
            }
            Engine::Postgres(pool) => vec![("all", pool.size(), pool.num_idle())],
        }
    }

    /// Whether a query comes back.
    pub async fn answers(&self) -> bool {
        let one: sqlx::Result<(i64,)> = read!(self, c => sqlx::query_as("select cast(1 as bigint)").fetch_one(c));
        one.is_ok()
    }

    /// Empties SQLite's write-ahead log, which still holds what was deleted, unless somebody is reading it just now.
    /// `PostgreSQL` recycles its own.
    pub async fn empty_log(&self) -> sqlx::Result<()> {
        if let Engine::Sqlite { writer, .. } = &self.engine {
            sqlx::query("pragma wal_checkpoint(truncate)").execute(writer).await?;
        }
        Ok(())
    }

    /// Closes every connection; SQLite checkpoints its write-ahead log.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Engine::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// Says that the transaction changes what a verdict takes of a key or an inbox. Whoever changes one says so.
    fn changes(&mut self, id: &str) {
        self.changed.push(id.to_owned());
    }

    /// Makes it so. On return it is on disk, and no gate of this process remembers what it changed; those of others learn
    /// of it within a second.
    ///
    /// In a task of its own: a browser that hangs up must not stop it between the commit and the note, which would leave a
    /// deleted key in memory.
    pub async fn commit(self) -> sqlx::Result<()> {
        let Self { mut connection, changed, changes, checkpoints } = self;
        let committing = tokio::spawn(async move {
            if let TxConnection::Postgres(tx) = &mut connection {
                watch::tell_others(tx, &changed).await?;
            }
            let done = match connection {
                TxConnection::Sqlite(tx) => tx.commit().await,
                TxConnection::Postgres(tx) => tx.commit().await,
            };
            // An error may hide a commit that happened; noting one that did not costs a read.
            if !changed.is_empty() {
                changes.note(&changed);
            }
            if done.is_ok() {
                checkpoints.iter().for_each(Checkpoint::say);
            }
            done
        });
        // Only the end of the runtime keeps a task from finishing. One that takes too long goes on without us.
        patience::in_time(async { committing.await.unwrap_or(Err(sqlx::Error::PoolClosed)) }).await
    }
}

/// Whether a write failed because such a row is there already.
fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

/// A `like` pattern for texts that contain `part`, its own wildcards made plain (`escape '\'`).
fn containing(part: &str) -> String {
    format!("%{}%", part.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}
