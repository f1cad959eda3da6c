//! Older schemas, with rows, as a Keydesk of their time left them: each is brought to the newest with everything in it.
//! `scripts/schema` writes them; `migrations/README.md` says when.

use std::collections::BTreeMap;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use keydesk::model::secret_file::SecretFile;
use keydesk::store::migrations::newest_schema;
use keydesk::store::{Db, OpenError, installation};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use tempfile::TempDir;

use crate::commands::{finished, folder, keydesk, said};
use crate::support::{PASSWORD, Place, SECRET_FILE, TestApp};

const OLDER: [&str; 1] = ["0018"];

/// A database as it lay there, which this Keydesk has not opened yet.
struct Old {
    place: Place,
    dump: String,
    /// Of its keys, by what became of them.
    secrets: BTreeMap<String, String>,
}

impl Old {
    async fn of(version: &str, seed: u64) -> Self {
        let place = Place::fresh(seed).await;
        let engine = if place.url.starts_with("sqlite://") { "sqlite" } else { "postgres" };
        let dump = fixture(&format!("{version}.{engine}.sql"));
        run(&place.url, dump.clone()).await;
        let secrets = serde_json::from_str(&fixture(&format!("{version}.{engine}.json"))).expect("secrets");
        Self { place, dump, secrets }
    }
}

/// Rows by table.
fn rows_of(dump: &str) -> BTreeMap<&str, i64> {
    let mut rows = BTreeMap::new();
    for line in dump.lines().filter_map(|line| line.strip_prefix("INSERT INTO ")) {
        let table = line.split([' ', '(']).next().expect("a table").trim_matches('"');
        if !table.starts_with("sqlite_") && !table.starts_with("_sqlx") {
            *rows.entry(table).or_default() += 1;
        }
    }
    rows
}

fn fixture(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/web/schemas").join(name);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

async fn run(url: &str, sql: String) {
    let sql = AssertSqlSafe(sql);
    if url.starts_with("sqlite://") {
        let path = url.trim_start_matches("sqlite://");
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        // A dump brings its rows in no order.
        let mut connection = options.foreign_keys(false).connect().await.expect("a file");
        sqlx::raw_sql(sql).execute(&mut connection).await.expect("the statements");
        connection.close().await.expect("a goodbye");
    } else {
        let mut connection = PgConnection::connect(url).await.expect("a schema");
        sqlx::raw_sql(sql).execute(&mut connection).await.expect("the statements");
        connection.close().await.expect("a goodbye");
    }
}

/// A place to type commands from, with the secret file of the fixtures.
fn desk_folder() -> TempDir {
    let folder = folder();
    std::fs::create_dir(folder.path().join("data")).expect("a folder");
    let secret = folder.path().join("data/secret");
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(secret);
    std::io::Write::write_all(&mut file.expect("a file"), &SECRET_FILE).expect("a secret file");
    folder
}

fn typed(folder: &TempDir, url: &str, arguments: &[&str]) -> (bool, String, String) {
    let mut command = keydesk(folder.path(), arguments);
    command.env("KEYDESK_DATABASE_URL", url);
    said(&finished(command.spawn().expect("it starts")))
}

#[tokio::test]
async fn every_older_schema_is_brought_to_the_newest_with_everything_in_it() {
    for (version, seed) in OLDER.into_iter().zip(0x5eed_0000..) {
        let old = Old::of(version, seed).await;
        let (rows, url) = (rows_of(&old.dump), old.place.url.clone());
        assert!(rows.len() > 15, "{rows:?}");
        let desk = TestApp::at(old.place).await;
        // What was recorded there was recorded that day.
        desk.pass(Duration::from_secs(24 * 3600));
        for (table, count) in rows {
            assert_eq!(desk.count(&format!("select count(*) from {table}")).await, count, "{version}: {table}");
        }
        for (what, secret) in &old.secrets {
            let expected = if ["deleted", "paused"].contains(&what.as_str()) { 401 } else { 200 };
            assert_eq!(desk.holder(secret).get("/v1/key").await.status, expected, "{version}: {what}");
        }
        let stranger = installation::recognise(&desk.app.db, &SecretFile::parse(&[7; 32]).expect("a file")).await;
        assert!(stranger.is_err(), "{version}: its record says whose it is");
        let own = SecretFile::parse(&SECRET_FILE).expect("a file");
        installation::recognise(&desk.app.db, &own).await.expect("its own secret file");
        let form = [("email", "alice@halden.example"), ("password", PASSWORD)];
        desk.visitor().post("/sign-in", &form).await.redirects_to("/settings/api-keys");
        let folder = desk_folder();
        let (fine, out, err) = typed(&folder, &url, &["audit", "verify"]);
        assert!(fine, "{version}: {out}{err}");
    }
}

#[tokio::test]
async fn migrate_says_what_it_does_and_check_whether_there_is_anything_to_do() {
    let old = Old::of(OLDER[0], 0x5eed_1000).await;
    let (folder, url) = (desk_folder(), &old.place.url);
    let newest = newest_schema();
    let (fine, _, err) = typed(&folder, url, &["migrate", "--check"]);
    assert!(!fine && err.contains(&format!("has the schema 18, and this Keydesk brings {newest}")), "{err}");
    let (fine, out, err) = typed(&folder, url, &["migrate"]);
    assert!(fine, "{err}");
    assert!(out.contains("0021 secret check") && out.ends_with(&format!("the schema {newest} now.")), "{out}");
    assert!(typed(&folder, url, &["migrate"]).1.contains("already; nothing was changed"));
    assert!(typed(&folder, url, &["migrate", "--check"]).0);

    let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
        values (9999, 'what is to come', true, '', 0)";
    run(url, newer.to_owned()).await;
    let sentence = format!("written by a newer Keydesk (schema 9999; this one knows {newest})");
    for arguments in [&["migrate"][..], &["serve"]] {
        let (fine, _, err) = typed(&folder, url, arguments);
        assert!(!fine && err.contains(&sentence), "{err}");
    }
    assert!(matches!(Db::open(url).await, Err(OpenError::NewerSchema { found: 9999, .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_starts_at_once_migrate_once() {
    let place = Place::fresh(0x5eed_2000).await;
    let starts: Vec<_> = (0..4)
        .map(|_| {
            let url = place.url.clone();
            tokio::spawn(async move { Db::open_telling(&url).await })
        })
        .collect();
    let mut brought = Vec::new();
    for start in starts {
        let (db, versions) = start.await.expect("it ends").expect("it opens");
        brought.push(versions);
        db.close().await;
    }
    brought.sort();
    assert!(brought[..3].iter().all(Vec::is_empty), "{brought:?}");
    assert_eq!(brought[3].last(), Some(&newest_schema()));
}
