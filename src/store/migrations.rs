//! The migrations, built into the binary: each runs once, at start, in its own transaction. `migrations/README.md` has their
//! rules.

use std::borrow::Cow;

use sqlx::SqlStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use super::{Engine, OpenError};

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
    (22, "audit names", include_str!("../../migrations/0022_audit_names.sql")),
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
];

impl Engine {
    pub(super) async fn migrate(&self) -> Result<(), OpenError> {
        let migrator = Migrator::with_migrations(self.migrations());
        let done = match self {
            Self::Sqlite { writer, .. } => migrator.run(writer).await,
            Self::Postgres(pool) => migrator.run(pool).await,
        };
        match done {
            Err(sqlx::migrate::MigrateError::VersionMissing(found)) => {
                Err(OpenError::NewerSchema { found, known: newest_schema() })
            }
            done => Ok(done?),
        }
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

/// The schema that this program brings.
pub(super) fn newest_schema() -> i64 {
    let portable = MIGRATIONS.iter().map(|(version, ..)| *version);
    let halves = MIGRATIONS_WITH_HALVES.iter().map(|(version, ..)| *version);
    portable.chain(halves).max().unwrap_or(0)
}
