//! The database of one test: a file that goes with it, or a schema of its own on the `PostgreSQL` of
//! `KEYDESK_TEST_DATABASE_URL`. Schemas are left behind for the secret audit, which reads the whole server.

use std::path::PathBuf;

use keydesk::store::{Db, Engine};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use tempfile::TempDir;

use crate::audit;

pub struct TestDatabase {
    pub db: Db,
    /// What `KEYDESK_DATABASE_URL` would be.
    pub url: String,
    folder: Option<TempDir>,
}

/// Where a database can be, and none is yet.
pub struct Place {
    pub url: String,
    folder: Option<TempDir>,
}

impl Place {
    pub async fn fresh(seed: u64) -> Self {
        match std::env::var("KEYDESK_TEST_DATABASE_URL") {
            Ok(server) => Self::schema(&server, seed).await,
            Err(_) => Self::file(),
        }
    }

    fn file() -> Self {
        let folder = audit::folder("web-");
        let url = format!("sqlite://{}", folder.path().join("keydesk.db").display());
        Self { url, folder: Some(folder) }
    }

    async fn schema(server: &str, seed: u64) -> Self {
        let name = format!("web_{}_{seed:016x}", std::process::id());
        let mut connection = PgConnection::connect(server).await.expect("PostgreSQL answers");
        let create = format!("create schema {name}");
        sqlx::query(AssertSqlSafe(create)).execute(&mut connection).await.expect("a fresh schema");
        connection.close().await.expect("a goodbye");
        let glue = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{glue}options=-c%20search_path%3D{name}");
        Self { url, folder: None }
    }
}

impl TestDatabase {
    pub async fn fresh(seed: u64) -> Self {
        Self::at(Place::fresh(seed).await).await
    }

    /// Opens what lies there, as a start does.
    pub async fn at(place: Place) -> Self {
        let Place { url, folder } = place;
        Self { db: Db::open(&url).await.expect("the database opens"), url, folder }
    }

    /// The same database as another process opens it: nothing that is done here is noted there.
    pub async fn opened_elsewhere(&self) -> Db {
        Db::open(&self.url).await.expect("the database opens again")
    }

    /// Runs a change that no page offers.
    pub async fn run(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match &self.db.engine {
            Engine::Sqlite { writer, .. } => drop(sqlx::query(sql).execute(writer).await.expect("the change")),
            Engine::Postgres(pool) => drop(sqlx::query(sql).execute(pool).await.expect("the change")),
        }
        self.db.changes().note_all();
    }

    /// Takes the triggers off that keep the audit events as they are, as whoever holds the database can.
    pub async fn allow_tampering(&self) {
        let triggers: &[&str] = match &self.db.engine {
            Engine::Sqlite { .. } => &[
                "drop trigger audit_events_are_not_updated",
                "drop trigger audit_events_are_not_deleted",
                "drop trigger audit_events_are_not_replaced",
            ],
            Engine::Postgres(_) => &["drop trigger audit_events_are_not_changed on audit_events"],
        };
        for trigger in triggers {
            self.run(trigger).await;
        }
    }

    /// Why the database refuses a change.
    pub async fn refusal(&self, sql: &str) -> String {
        let sql = AssertSqlSafe(sql.to_owned());
        let error = match &self.db.engine {
            Engine::Sqlite { writer, .. } => sqlx::query(sql).execute(writer).await.err(),
            Engine::Postgres(pool) => sqlx::query(sql).execute(pool).await.err(),
        };
        error.expect("a refusal").to_string()
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self.db.engine, Engine::Postgres(_))
    }

    pub async fn count(&self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        let counted: sqlx::Result<(i64,)> = match &self.db.engine {
            Engine::Sqlite { writer, .. } => sqlx::query_as(sql).fetch_one(writer).await,
            Engine::Postgres(pool) => sqlx::query_as(sql).fetch_one(pool).await,
        };
        counted.expect("a count").0
    }

    /// A text that a query finds.
    pub async fn text(&self, sql: &str) -> String {
        let sql = AssertSqlSafe(sql.to_owned());
        let found: sqlx::Result<(String,)> = match &self.db.engine {
            Engine::Sqlite { writer, .. } => sqlx::query_as(sql).fetch_one(writer).await,
            Engine::Postgres(pool) => sqlx::query_as(sql).fetch_one(pool).await,
        };
        found.expect("a text").0
    }

    /// Everything that lies at rest: the bytes of the database file and its log, or every row of every table as text.
    pub async fn raw(&self) -> Vec<u8> {
        match &self.db.engine {
            Engine::Sqlite { .. } => {
                self.files().iter().flat_map(|file| std::fs::read(file).expect("a file")).collect()
            }
            Engine::Postgres(pool) => {
                let tables = "select tablename from pg_tables where schemaname = current_schema()";
                let tables = sqlx::query(tables).fetch_all(pool).await.expect("the tables");
                let mut raw = Vec::new();
                for table in tables {
                    let rows = format!("select t::text from {} t", table.get::<String, _>(0));
                    let rows = sqlx::query(AssertSqlSafe(rows)).fetch_all(pool).await.expect("its rows");
                    raw.extend(rows.iter().flat_map(|row| row.get::<String, _>(0).into_bytes()));
                }
                raw
            }
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let Some(folder) = &self.folder else { return Vec::new() };
        let entries = std::fs::read_dir(folder.path()).expect("the folder");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }
}
