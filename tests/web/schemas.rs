//! Older schemas, with rows, as a Keydesk of their time left them: each is brought to the newest with everything in it.
//! `scripts/schema` writes them; `migrations/README.md` says when.

use std::collections::BTreeMap;
use std::path::Path;

use keydesk::entropy::Entropy;
use keydesk::model::keyring::Keyring;
use keydesk::store::installation;
use keydesk::store::migrations::newest_schema;
use keydesk::store::{Db, OpenError};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

use crate::commands::{finished, folder, keydesk, said};
use crate::support::{PASSWORD, SECRET_FILE, TestApp, TestDatabase};

const OLDER: [&str; 1] = ["0018"];

fn fixture(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/web/schemas").join(name);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// A database as it lay there, not opened by this Keydesk yet; and what its keys' secrets are.
async fn of_schema(version: &str) -> (TestDatabase, BTreeMap<String, String>) {
    let database = TestDatabase::empty().await;
    let engine = if database.is_postgres_by_url() { "postgres" } else { "sqlite" };
    let sql = AssertSqlSafe(fixture(&format!("{version}.{engine}.sql")));
    if let Some(path) = database.url.strip_prefix("sqlite://") {
        let mut connection = SqliteConnection::connect(&format!("sqlite://{path}?mode=rwc")).await.expect("a file");
        sqlx::raw_sql(sql).execute(&mut connection).await.expect("the fixture");
        connection.close().await.expect("a goodbye");
    } else {
        let mut connection = PgConnection::connect(&database.url).await.expect("a schema");
        sqlx::raw_sql(sql).execute(&mut connection).await.expect("the fixture");
        connection.close().await.expect("a goodbye");
    }
    let secrets = serde_json::from_str(&fixture(&format!("{version}.{engine}.json"))).expect("secrets");
    (database, secrets)
}
