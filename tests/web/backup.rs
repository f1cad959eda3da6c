//! `keydesk backup`, beside a desk that serves and writes: what it holds, what it does not, and that it is one moment.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use tokio::task::JoinSet;

use crate::audit;
use crate::commands::{created, finished, folder, keydesk, said};
use crate::support::{Binary, Connection};

const WRITERS: usize = 4;

/// The number that `sql` finds in a file that nobody serves.
pub async fn count_in(file: &Path, sql: &str) -> i64 {
    let mut connection =
        SqliteConnectOptions::new().filename(file).read_only(true).immutable(true).connect().await.expect("a database");
    let (found,): (i64,) =
        sqlx::query_as(AssertSqlSafe(sql.to_owned())).fetch_one(&mut connection).await.expect("a count");
    found
}

/// The one backup in the folder for those without a name.
pub fn made(folder: &Path) -> PathBuf {
    let mut made = std::fs::read_dir(folder.join("data/backups")).expect("the folder of backups");
    let one = made.next().expect("a backup").expect("an entry").path();
    assert!(made.next().is_none(), "one only, and nothing half done");
    one
}

/// Creates keys until told to stop; gives their ids.
async fn write(mut program: Connection, secret: String, name: usize, stop: Arc<AtomicBool>) -> Vec<String> {
    let headers = format!("authorization: Bearer {secret}\r\ncontent-type: application/json\r\n");
    let mut told = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let name = format!("key-{name}-{}", told.len());
        let body = json!({ "type": "standard", "name": name, "environment": "live", "preset": "read" });
        let heard = program.ask("POST /v1/keys", &headers, &body.to_string()).await;
        assert_eq!(heard.status, 201, "{}", heard.body);
        let key: Value = serde_json::from_str(&heard.body).expect("JSON");
        audit::note(key["secret"].as_str().expect("a secret"));
        told.push(key["id"].as_str().expect("an id").to_owned());
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_writers_is_one_moment_and_holds_what_was_acknowledged_before_it() {
    let desk = Binary::start();
    let (_, _, secret) = desk.connect().await.sign_up().await;
    let stop = Arc::new(AtomicBool::new(false));
    let before = write(desk.connect().await, secret.clone(), 99, Arc::new(AtomicBool::new(true))).await;
    assert!(before.is_empty());
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(write(desk.connect().await, secret.clone(), writer, stop.clone()));
    }
    let (folder, mut counts) = (folder(), Vec::new());
    for number in 0..3 {
        let copy = folder.path().join(format!("{number}.db"));
        let mut command = keydesk(folder.path(), &["backup", copy.to_str().expect("a path")]);
        let child = command.env("KEYDESK_DATA_DIR", desk.data.path()).spawn().expect("it starts");
        let (fine, _, err) = said(&tokio::task::spawn_blocking(move || finished(child)).await.expect("it ends"));
        assert!(fine && err.contains("checked"), "{err}");
        assert_eq!(std::fs::metadata(&copy).expect("the copy").permissions().mode() & 0o777, 0o600);
        let of_moment = count_in(
            &copy,
            "select count(*) from api_keys k where 1 <> (
                select count(*) from audit_events where target_id = k.id and action = 'key.created')",
        );
        assert_eq!(of_moment.await, 0, "a key and its event come together");
        counts.push(count_in(&copy, "select count(*) from api_keys").await);
        let mut verify = keydesk(folder.path(), &["audit", "verify"]);
        verify
            .env("KEYDESK_DATA_DIR", desk.data.path())
            .env("KEYDESK_DATABASE_URL", format!("sqlite://{}", copy.display()));
        let (fine, out, err) = said(&finished(verify.spawn().expect("it starts")));
        assert!(fine, "{out}{err}");
    }
    stop.store(true, Ordering::SeqCst);
    let mut written = 1;
    while let Some(ids) = writers.join_next().await {
        written += i64::try_from(ids.expect("the writer ends").len()).expect("a number");
    }
    assert!(counts.is_sorted() && counts[0] < counts[2] && counts[2] <= written, "{counts:?} of {written}");
}

#[tokio::test]
async fn a_backup_holds_no_secret_of_a_key_not_even_sealed_and_nothing_to_sign_in_with() {
    let desk = Binary::start();
    let mut browser = desk.connect().await;
    let (cookie, ..) = browser.sign_up().await;
    let form = "type=standard&name=waits&environment=live&preset=read&expires=none";
    assert_eq!(browser.post("/settings/api-keys", &cookie, form).await.status, 303);
    let forgot = browser.post("/forgot-password", "", "email=alice%40halden.example").await;
    assert_eq!(forgot.status, 303, "{}", forgot.body);
    let (folder, served) = (folder(), desk.data.path().join("keydesk.db"));
    let copy = folder.path().join("copy.db");
    let mut command = keydesk(folder.path(), &["backup", copy.to_str().expect("a path")]);
    let (fine, _, err) = said(&finished(command.env("KEYDESK_DATA_DIR", desk.data.path()).spawn().expect("it starts")));
    assert!(fine, "{err}");
    for table in
        ["sealed_secrets", "kept_secrets", "web_sessions", "refresh_tokens", "mailed_links", "oidc_transactions"]
    {
        assert_eq!(count_in(&copy, &format!("select count(*) from {table}")).await, 0, "{table}");
    }
    assert_eq!(count_in(&copy, "select count(*) from sessions where ended_at is null").await, 0);
    let mut beside = SqliteConnectOptions::new().filename(&served).read_only(true).connect().await.expect("the copy");
    let (sealed,): (String,) =
        sqlx::query_as("select sealed from sealed_secrets").fetch_one(&mut beside).await.expect("one waits");
    let raw = std::fs::read(&copy).expect("the backup");
    assert!(!raw.windows(sealed.len()).any(|part| part == sealed.as_bytes()), "overwritten, not only unlinked");
    let secret_file = std::fs::read(desk.data.path().join("secret")).expect("the secret file");
    assert!(!raw.windows(secret_file.len()).any(|part| part == secret_file));
}

#[test]
fn a_backup_is_named_after_its_moment_goes_to_a_program_and_never_over_a_file() {
    let folder = folder();
    created(folder.path(), "ops@halden.example", "copper lantern orbit\n");
    let backup = |arguments: &[&str]| {
        let arguments = [&["backup"], arguments].concat();
        finished(keydesk(folder.path(), &arguments).spawn().expect("it starts"))
    };
    let (fine, out, err) = said(&backup(&[]));
    assert!(fine && out.is_empty(), "{err}");
    assert!(err.contains("Backup: 100 % of") && err.contains("1 account, 1 key"), "{err}");
    let copy = made(folder.path());
    let name = copy.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(name.starts_with("keydesk-20") && name.ends_with("Z.db"), "{name}");

    let piped = backup(&["-"]);
    assert!(piped.status.success() && piped.stdout.starts_with(b"SQLite format 3\0"));
    assert_eq!(made(folder.path()), copy, "no copy stays");

    let (fine, _, err) = said(&backup(&[copy.to_str().expect("a path")]));
    assert!(!fine && err.contains("exists; nothing was written"), "{err}");
    let (fine, _, err) = said(&backup(&["/nowhere/at/all.db"]));
    assert!(!fine && err.contains("cannot write to /nowhere/at"), "{err}");
    let mut command = keydesk(folder.path(), &["backup"]);
    command.env("KEYDESK_DATABASE_URL", "postgres://nobody@127.0.0.1:1/none");
    let (fine, _, err) = said(&finished(command.spawn().expect("it starts")));
    assert!(!fine && err.contains("pg_dump --format=custom"), "{err}");
}
