//! The migrations, built into the binary: each runs once, at start, in its own transaction. `migrations/README.md` has their
//! rules.

use std::borrow::Cow;
use std::time::Duration;

use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::PgPool;
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{AssertSqlSafe, Connection as _, SqlStr};

use super::{BUSY, Engine, OpenError};

/// Where it is written down which migrations were taken.
const TABLE: &str = "_sqlx_migrations";
/// How long a start waits for another one's migrations.
const LONGEST_MIGRATION: Duration = Duration::from_secs(3600);

const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "the desk", include_str!("../../migrations/0001_the_desk.sql")),
    (2, "the gate", include_str!("../../migrations/0002_the_gate.sql")),
    (3, "usage of an account", include_str!("../../migrations/0003_usage_of_an_account.sql")),
    (4, "secret prefixes", include_str!("../../migrations/0004_secret_prefixes.sql")),
    (5, "reveal again", include_str!("../../migrations/0005_reveal_again.sql")),
    (6, "mail", include_str!("../../migrations/0006_mail.sql")),
    (7, "google", include_str!("../../migrations/0007_google.sql")),
    (8, "team", include_str!("../../migrations/0008_team.sql")),
    (9, "second factor", include_str!("../../migrations/0009_second_factor.sql")),
    (10, "session keys", include_str!("../../migrations/0010_session_keys.sql")),
    (11, "devices", include_str!("../../migrations/0011_devices.sql")),
    (13, "usage in sums", include_str!("../../migrations/0013_usage_in_sums.sql")),
    (14, "used scopes", include_str!("../../migrations/0014_used_scopes.sql")),
    (15, "key lifetime", include_str!("../../migrations/0015_key_lifetime.sql")),
    (16, "refusals", include_str!("../../migrations/0016_refusals.sql")),
    (18, "notes and reminders", include_str!("../../migrations/0018_notes_and_reminders.sql")),
    (21, "secret check", include_str!("../../migrations/0021_secret_check.sql")),
    (22, "audit names", include_str!("../../migrations/0022_audit_names.sql")),
    (24, "secret generations", include_str!("../../migrations/0024_secret_generations.sql")),
];

/// What has no portable text: version, name, the whole for SQLite and the whole for `PostgreSQL`.
const MIGRATIONS_WITH_HALVES: &[(i64, &str, &str, &str)] = &[
    (
        12,
        "audit append only",
        concat!(
            include_str!("../../migrations/0012_audit_append_only.sql"),
            include_str!("../../migrations/0012_audit_append_only.sqlite.sql")
        ),
        concat!(
            include_str!("../../migrations/0012_audit_append_only.sql"),
            include_str!("../../migrations/0012_audit_append_only.postgres.sql")
        ),
    ),
    (
        23,
        "orders of keys",
        concat!(
            include_str!("../../migrations/0023_orders_of_keys.sql"),
            include_str!("../../migrations/0023_orders_of_keys.sqlite.sql")
        ),
        concat!(
            include_str!("../../migrations/0023_orders_of_keys.sql"),
            include_str!("../../migrations/0023_orders_of_keys.postgres.sql")
        ),
    ),
    (
        25,
        "keys by the million",
        concat!(
            include_str!("../../migrations/0025_keys_by_the_million.sql"),
            include_str!("../../migrations/0025_keys_by_the_million.sqlite.sql")
        ),
        concat!(
            include_str!("../../migrations/0025_keys_by_the_million.sql"),
            include_str!("../../migrations/0025_keys_by_the_million.postgres.sql")
        ),
    ),
];

impl Engine {
    /// Takes every migration that is missing, and gives their versions. Of several that start at once, one does it.
    pub(super) async fn migrate(&self) -> Result<Vec<i64>, OpenError> {
        let mut migrator = Migrator::with_migrations(self.migrations());
        migrator.set_locking(false);
        let done = match self {
            Self::Sqlite { writer, .. } => migrate_sqlite(writer, &migrator).await,
            Self::Postgres(pool) => migrate_postgres(pool, &migrator).await,
        };
        done.map_err(|error| match error {
            MigrateError::VersionMissing(found) => OpenError::NewerSchema { found, known: newest_schema() },
            error => error.into(),
        })
    }

    /// Every migration in its order, as this database takes it.
    fn migrations(&self) -> Vec<Migration> {
        let portable = MIGRATIONS.iter().map(|(version, name, sql)| (*version, *name, *sql));
        let halves = MIGRATIONS_WITH_HALVES.iter().map(|(version, name, sqlite, postgres)| match self {
            Self::Sqlite { .. } => (*version, *name, *sqlite),
            Self::Postgres(_) => (*version, *name, *postgres),
        });
        let mut all: Vec<_> = portable.chain(halves).collect();
        all.sort_unstable_by_key(|(version, ..)| *version);
        let migration = |(version, name, sql)| {
            Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, SqlStr::from_static(sql), false)
        };
        all.into_iter().map(migration).collect()
    }
}

/// All that is missing in one transaction, which whoever starts at the same time waits for.
async fn migrate_sqlite(writer: &SqlitePool, migrator: &Migrator) -> Result<Vec<i64>, MigrateError> {
    let mut connection = writer.acquire().await?;
    wait_for_lock(&mut connection, LONGEST_MIGRATION).await?;
    let mut tx = connection.begin_with("begin immediate").await?;
    let done = bring_up(&mut *tx, migrator).await;
    if done.is_ok() {
        tx.commit().await?;
    } else {
        tx.rollback().await?;
    }
    wait_for_lock(&mut connection, BUSY).await?;
    done
}

async fn wait_for_lock(connection: &mut SqliteConnection, most: Duration) -> sqlx::Result<()> {
    let wait = format!("pragma busy_timeout = {}", most.as_millis());
    sqlx::query(AssertSqlSafe(wait)).execute(connection).await?;
    Ok(())
}

/// Each in a transaction of its own, under a lock (`pg_advisory_lock`) that whoever starts at the same time waits for.
async fn migrate_postgres(pool: &PgPool, migrator: &Migrator) -> Result<Vec<i64>, MigrateError> {
    let mut connection = pool.acquire().await?;
    connection.lock().await?;
    let done = bring_up(&mut *connection, migrator).await;
    connection.unlock().await?;
    done
}

async fn bring_up<C: Migrate>(connection: &mut C, migrator: &Migrator) -> Result<Vec<i64>, MigrateError> {
    connection.ensure_migrations_table(TABLE).await?;
    let before: Vec<i64> =
        connection.list_applied_migrations(TABLE).await?.iter().map(|applied| applied.version).collect();
    migrator.run_direct(None, connection, false).await?;
    Ok(migrator.iter().map(|migration| migration.version).filter(|version| !before.contains(version)).collect())
}

/// What a migration is called.
pub fn name_of(version: i64) -> &'static str {
    let portable = MIGRATIONS.iter().map(|(version, name, _)| (*version, *name));
    let halves = MIGRATIONS_WITH_HALVES.iter().map(|(version, name, ..)| (*version, *name));
    portable.chain(halves).find(|(known, _)| *known == version).map_or("", |(_, name)| name)
}

/// The schema that this program brings.
pub fn newest_schema() -> i64 {
    let portable = MIGRATIONS.iter().map(|(version, ..)| *version);
    let halves = MIGRATIONS_WITH_HALVES.iter().map(|(version, ..)| *version);
    portable.chain(halves).max().unwrap_or(0)
}
