//! The prefixes that secrets of this installation ever had. One is added when a node starts with it or a key is issued
//! with it, and never taken away. They belong to the installation, not to an account.

use super::{Db, Tx, change, read};
use crate::clock::Timestamp;

/// All of them, the oldest first.
///
/// # Errors
/// If the database does not answer.
pub async fn list(db: &Db) -> sqlx::Result<Vec<String>> {
    const LIST: &str = "
        select prefix
        from secret_prefixes
        order by first_issued_at, prefix";
    let rows: Vec<(String,)> = read!(db, c => sqlx::query_as(LIST).fetch_all(c))?;
    Ok(rows.into_iter().map(|(prefix,)| prefix).collect())
}

/// Adds those that are new, in one transaction.
///
/// # Errors
/// If the database does not answer.
pub async fn add(db: &Db, prefixes: &[String], now: Timestamp) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    for prefix in prefixes {
        note(&mut tx, prefix, now).await?;
    }
    tx.commit().await
}

/// Adds one beside the key that is issued with it.
pub(super) async fn note(tx: &mut Tx, prefix: &str, at: Timestamp) -> sqlx::Result<()> {
    const INSERT: &str = "
        insert into secret_prefixes (prefix, first_issued_at)
        values ($1, $2)
        on conflict do nothing";
    change!(tx, sqlx::query(INSERT).bind(prefix).bind(at));
    Ok(())
}
