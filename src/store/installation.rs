//! What this installation is known by: its id, and the check value of the secret file that it was made with. A start with
//! another secret file would refuse every key and break every audit chain, so it is refused itself.

use super::{Db, audit_chain, change, read};
use crate::model::keyring::Keyring;

/// Why a secret file does not belong here.
#[derive(Debug, thiserror::Error)]
pub enum Stranger {
    #[error("the database was made with another secret file")]
    OtherFile,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Whether anything was made with a secret file already.
pub async fn has_secret(db: &Db) -> sqlx::Result<bool> {
    Ok(secret_check(db).await?.is_some() || audit_chain::next_account(db, "").await?.is_some())
}

/// Takes the secret file that `keyring` is derived from for the one of this database, if none is known yet.
///
/// # Errors
/// [`Stranger::OtherFile`] if another is, or what was recorded was recorded under another.
pub async fn recognise(db: &Db, keyring: &Keyring) -> Result<(), Stranger> {
    const KEEP: &str = "update installation set secret_check = $1 where one = 1 and secret_check is null";
    let check = keyring.check();
    if secret_check(db).await?.is_none() {
        // A database from before this was written down says by its record whose it is.
        if !audit_chain::any_head_is_of(db, keyring).await? {
            return Err(Stranger::OtherFile);
        }
        let mut tx = db.begin().await?;
        change!(&mut tx, sqlx::query(KEEP).bind(&check));
        tx.commit().await?;
    }
    // Another node may have been first.
    match secret_check(db).await? {
        Some(known) if known == check => Ok(()),
        _ => Err(Stranger::OtherFile),
    }
}

/// As [`recognise`], of a database that nothing may be written to.
///
/// # Errors
/// As [`recognise`].
pub async fn compare(db: &Db, keyring: &Keyring) -> Result<(), Stranger> {
    match secret_check(db).await? {
        Some(known) if known != keyring.check() => Err(Stranger::OtherFile),
        _ => Ok(()),
    }
}

async fn secret_check(db: &Db) -> sqlx::Result<Option<String>> {
    const FIND: &str = "select secret_check from installation where one = 1";
    let found: Option<(Option<String>,)> = read!(db, c => sqlx::query_as(FIND).fetch_optional(c))?;
    Ok(found.and_then(|(check,)| check))
}
