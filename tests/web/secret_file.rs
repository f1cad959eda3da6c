//! A start without the secret file of its database, or with another: refused in words, and no new one is made in its place.

use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

use crate::commands::{created, finished, folder, keydesk, said};

#[tokio::test]
async fn a_start_under_another_secret_file_or_none_is_refused_in_words() {
    let folder = folder();
    created(folder.path(), "ops@halden.example", "copper lantern orbit\n");
    let data = |name: &str| folder.path().join("data").join(name);
    let start = || said(&finished(keydesk(folder.path(), &[]).spawn().expect("it starts")));
    std::fs::rename(data("secret"), data("kept")).expect("moved away");
    let (fine, _, err) = start();
    assert!(!fine && err.contains("is missing, and the database was made with one"), "{err}");
    assert!(!data("secret").exists(), "none is made in its place");

    let elsewhere = crate::commands::folder();
    created(elsewhere.path(), "ops@halden.example", "copper lantern orbit\n");
    std::fs::copy(elsewhere.path().join("data/secret"), data("secret")).expect("another file");
    let strange = "is not the one that the database was made with";
    for arguments in [&["serve"][..], &["audit", "verify"], &["key", "list", "ops@halden.example"]] {
        let (fine, _, err) = said(&finished(keydesk(folder.path(), arguments).spawn().expect("it starts")));
        assert!(!fine && err.contains(strange), "{arguments:?}: {err}");
    }
    // A database from before this was written down: its record says it.
    let mut connection = SqliteConnectOptions::new().filename(data("keydesk.db")).connect().await.expect("a database");
    sqlx::query("update installation set secret_check = null").execute(&mut connection).await.expect("the change");
    let (fine, _, err) = start();
    assert!(!fine && err.contains(strange), "{err}");
    std::fs::rename(data("kept"), data("secret")).expect("put back");
    let list = keydesk(folder.path(), &["key", "list", "ops@halden.example"]).spawn().expect("it starts");
    assert!(said(&finished(list)).0);
    let (known,): (Option<String>,) =
        sqlx::query_as("select secret_check from installation").fetch_one(&mut connection).await.expect("a row");
    assert!(known.is_some_and(|known| known.len() == 32));
}
