//! `keydesk restore`: everybody's keys work again, nobody is signed in, and whatever cannot be restored is refused in words
//! with nothing changed.

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use tempfile::TempDir;

use crate::audit;
use crate::backup::made;
use crate::commands::{Serving, created, finished, folder, keydesk, said};

const EMAIL: &str = "ops@halden.example";

/// A desk with one key and a backup of it.
struct Kept {
    folder: TempDir,
    secret: String,
    backup: PathBuf,
}

impl Kept {
    fn new() -> Self {
        let folder = folder();
        created(folder.path(), EMAIL, "copper lantern orbit\n");
        let secret = new_key(folder.path(), "billing");
        let (fine, _, err) = run(folder.path(), &["backup"]);
        assert!(fine, "{err}");
        let backup = made(folder.path());
        Self { folder, secret, backup }
    }

    fn restore(&self, more: &[&str]) -> (bool, String, String) {
        self.restore_from(&self.backup, more)
    }

    fn restore_from(&self, backup: &Path, more: &[&str]) -> (bool, String, String) {
        run(self.folder.path(), &[&["restore", backup.to_str().expect("a path")], more].concat())
    }

    fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join("data").join(name)
    }

    fn serve(&self) -> Serving {
        Serving::start(&mut keydesk(self.folder.path(), &[]), self.folder.path())
    }

    /// Whether the gate lets `secret` through.
    fn works(&self, secret: &str) -> bool {
        let desk = self.serve();
        let (status, body) = desk.ask("POST /gate/verify", &format!(r#"{{"secret":"{secret}"}}"#));
        assert!([200, 401].contains(&status), "{body}");
        assert!(desk.stop());
        status == 200
    }

    /// Changes a copy of the backup, as no Keydesk would.
    async fn forged(&self, statement: &str) -> PathBuf {
        let forged = self.folder.path().join("forged.db");
        std::fs::copy(&self.backup, &forged).expect("a copy");
        let mut connection = SqliteConnectOptions::new().filename(&forged).connect().await.expect("a database");
        sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.expect("the change");
        sqlx::Connection::close(connection).await.expect("a goodbye");
        forged
    }
}

fn run(folder: &Path, arguments: &[&str]) -> (bool, String, String) {
    said(&finished(keydesk(folder, arguments).spawn().expect("it starts")))
}

/// Creates a key with every scope, and gives its secret.
fn new_key(folder: &Path, name: &str) -> String {
    let (fine, out, err) = run(folder, &["key", "create", EMAIL, name, "--preset", "full"]);
    assert!(fine, "{err}");
    let secret = out.split_whitespace().find(|word| word.starts_with("kd_")).expect("a secret").to_owned();
    audit::note(&secret);
    secret
}

fn id_of(kept: &Kept, name: &str) -> String {
    let (_, out, _) = run(kept.folder.path(), &["key", "list", EMAIL]);
    let line = out.lines().find(|line| line.contains(name)).expect("the key");
    line.split_whitespace().next().expect("its id").to_owned()
}

#[test]
fn after_a_restore_every_key_of_the_backup_works_and_what_was_withdrawn_since_is_named() {
    let kept = Kept::new();
    let later = new_key(kept.folder.path(), "later");
    let id = id_of(&kept, "billing");
    assert!(run(kept.folder.path(), &["key", "delete", EMAIL, &id]).0);
    assert!(!kept.works(&kept.secret) && kept.works(&later));

    let (fine, out, err) = kept.restore(&["--replace"]);
    assert!(fine, "{err}");
    assert!(out.starts_with("Restored the backup of 20") && out.contains("1 account, 2 keys"), "{out}");
    assert!(out.contains("Everybody has to sign in again."), "{out}");
    assert!(out.contains(&format!("{id} billing (was deleted)")), "{out}");
    assert!(kept.works(&kept.secret) && !kept.works(&later));
    assert!(run(kept.folder.path(), &["audit", "verify"]).0);
    let aside = std::fs::read_dir(kept.data("")).expect("the data").map(|entry| entry.expect("an entry").file_name());
    assert!(aside.into_iter().any(|name| name.to_string_lossy().starts_with("keydesk.db.before-restore-")));
}

#[test]
fn a_lost_database_comes_back() {
    let kept = Kept::new();
    for file in ["keydesk.db", "keydesk.db-wal", "keydesk.db-shm"] {
        let _ = std::fs::remove_file(kept.data(file));
    }
    let (fine, _, err) = kept.restore(&[]);
    assert!(fine, "{err}");
    assert!(kept.works(&kept.secret));
}

#[test]
fn a_damaged_database_and_its_log_are_moved_aside() {
    let kept = Kept::new();
    std::fs::write(kept.data("keydesk.db"), "a disk that died").expect("a file");
    std::fs::write(kept.data("keydesk.db-wal"), "its log").expect("a file");
    assert!(!kept.restore(&[]).0);
    let (fine, out, err) = kept.restore(&["--replace"]);
    assert!(fine, "{err}");
    assert!(out.contains("It cannot be read"), "{out}");
    assert!(kept.works(&kept.secret));
}

#[tokio::test]
async fn what_cannot_be_restored_is_refused_in_words_and_nothing_changes() {
    let kept = Kept::new();
    let files = || {
        let entries = std::fs::read_dir(kept.data("")).expect("the data").map(|entry| entry.expect("an entry").path());
        let logs = ["-wal", "-shm"];
        let mut files: Vec<_> =
            entries.filter(|file| !logs.iter().any(|log| file.to_string_lossy().ends_with(log))).collect();
        files.sort();
        files.iter().map(|file| (file.clone(), std::fs::read(file).unwrap_or_default())).collect::<Vec<_>>()
    };
    let before = files();
    let refused = |backup: &Path, more: &[&str], why: &str| {
        let (fine, out, err) = kept.restore_from(backup, more);
        assert!(!fine && out.is_empty() && err.contains(why), "{why}: {err}");
        assert_eq!(files(), before, "{why}");
    };
    refused(&kept.backup, &[], "add --replace");
    refused(Path::new("/nowhere"), &["--replace"], "there is no file /nowhere");
    let garbage = kept.folder.path().join("garbage");
    std::fs::write(&garbage, vec![7; 8192]).expect("a file");
    refused(&garbage, &["--replace"], "no database of Keydesk's");
    let newer = kept.forged("insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (9999, 'x', true, x'', 0)");
    refused(&newer.await, &["--replace"], "written by a newer Keydesk (schema 9999;");
    refused(&kept.forged("update installation set backup_at = null").await, &["--replace"], "no backup");
    let cut = kept.forged("drop trigger audit_events_are_not_deleted").await;
    let mut connection = SqliteConnectOptions::new().filename(&cut).connect().await.expect("a database");
    sqlx::query("delete from audit_events where seq = 2").execute(&mut connection).await.expect("the change");
    drop(connection);
    refused(&cut, &["--replace"], "is not as long as they say");
    let whole = std::fs::read(&kept.backup).expect("the backup");
    let half = kept.folder.path().join("half.db");
    std::fs::write(&half, &whole[..whole.len() / 2]).expect("a file");
    let (fine, _, err) = kept.restore_from(&half, &["--replace"]);
    assert!(!fine, "{err}");
    assert_eq!(files(), before, "{err}");

    let desk = kept.serve();
    let (fine, _, err) = kept.restore(&["--replace"]);
    assert!(!fine && err.contains("a Keydesk has the database open; stop it first"), "{err}");
    assert!(desk.stop());
    // A program that knows nothing of our lock has it open.
    let mut other = SqliteConnectOptions::new().filename(kept.data("keydesk.db")).connect().await.expect("a database");
    sqlx::query("select * from accounts").fetch_all(&mut other).await.expect("it reads");
    let (fine, _, err) = kept.restore(&["--replace"]);
    assert!(!fine && err.contains("stop it first"), "{err}");
}

#[test]
fn a_backup_is_restored_only_under_the_secret_file_that_it_was_made_with() {
    let kept = Kept::new();
    std::fs::rename(kept.data("secret"), kept.data("kept")).expect("moved away");
    let (fine, _, err) = kept.restore(&["--replace"]);
    assert!(!fine && err.contains("is missing, and the database was made with one"), "{err}");
    let elsewhere = folder();
    created(elsewhere.path(), EMAIL, "copper lantern orbit\n");
    std::fs::copy(elsewhere.path().join("data/secret"), kept.data("secret")).expect("another file");
    let (fine, _, err) = kept.restore(&["--replace"]);
    assert!(!fine && err.contains("made with another secret file"), "{err}");
    std::fs::rename(kept.data("kept"), kept.data("secret")).expect("put back");
    assert!(kept.restore(&["--replace"]).0 && kept.works(&kept.secret));
}
