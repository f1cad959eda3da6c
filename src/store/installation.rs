//! What this installation is known by: its id, and the check values of its secret files. A start with another secret file
//! would refuse every key and break every audit chain, so it is refused itself; while there are two generations, the database
//! says which of them is the newest.

use super::{Db, audit_chain, change, columns, read};
use crate::clock::Timestamp;
use crate::model::audit_keys::Former;
use crate::model::keyring::Keyring;
use crate::model::secret_file::SecretFile;

/// Why a secret file does not belong here.
#[derive(Debug, thiserror::Error)]
pub enum Stranger {
    #[error("the database was made with another secret file")]
    OtherFile,
    #[error("it was replaced since")]
    FormerFile,
    #[error("the generation before the newest is missing from the secret file, and still counts")]
    OldHalfMissing,
    #[error("the loss of the secret file is not recorded in every account yet")]
    LossUnfinished,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// How far the replacement of the secret file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is one generation.
    One,
    /// The file has a new generation, which the database does not know yet.
    Begun,
    /// There are two, and what was made with either counts.
    Two,
    /// The file has an old generation, which does not count any more.
    HalfRetired,
}

/// The keys that count, of a secret file that belongs here.
#[derive(Debug)]
pub struct Recognised {
    pub keyring: Keyring,
    pub standing: Standing,
}

/// A secret file of the past.
pub(super) struct FormerFile {
    pub version: i64,
    secret_check: String,
    pub audit_key: Option<String>,
    retired_at: Option<Timestamp>,
}

columns!(FormerFile { version, secret_check, audit_key, retired_at });

/// Whether anything was made with a secret file already.
pub async fn has_secret(db: &Db) -> sqlx::Result<bool> {
    let (check, _) = known(db).await?;
    Ok(check.is_some() || audit_chain::next_account(db, "").await?.is_some())
}

/// Takes the secret file for the one of this database, if none is known yet, and answers the keys of it that count.
///
/// # Errors
/// [`Stranger`] if another is, or what was recorded was recorded under another.
pub async fn recognise(db: &Db, file: &SecretFile) -> Result<Recognised, Stranger> {
    const KEEP: &str = "update installation set secret_check = $1 where one = 1 and secret_check is null";
    if known(db).await?.0.is_none() {
        let keyring = file.newest();
        // A database from before this was written down says by its record whose it is.
        if !audit_chain::any_head_is_of(db, &keyring).await? {
            return Err(Stranger::OtherFile);
        }
        let mut tx = db.begin().await?;
        change!(&mut tx, sqlx::query(KEEP).bind(keyring.check()));
        tx.commit().await?;
    }
    // Another node may have been first.
    compare(db, file).await
}

/// As [`recognise`], of a database that nothing may be written to.
///
/// # Errors
/// As [`recognise`].
pub async fn compare(db: &Db, file: &SecretFile) -> Result<Recognised, Stranger> {
    let formers = former_files(db).await?;
    let (Some(check), version) = known(db).await? else {
        return Ok(Recognised { keyring: file.newest(), standing: Standing::One });
    };
    let (newest, old) = (file.newest().of_version(version), file.before());
    if newest.check() != check {
        return match old {
            Some(old) if old.check() == check => {
                Ok(Recognised { keyring: old.of_version(version), standing: Standing::Begun })
            }
            _ if formers.iter().any(|former| former.secret_check == newest.check()) => Err(Stranger::FormerFile),
            _ => Err(Stranger::OtherFile),
        };
    }
    // An account's record must not go on before it says so.
    let is_after_loss = formers.last().is_some_and(|former| former.audit_key.is_none());
    if is_after_loss && is_some_account_behind(db, version).await? {
        return Err(Stranger::LossUnfinished);
    }
    let counting = formers.iter().find(|former| former.retired_at.is_none());
    match (old, counting) {
        (None, None) => Ok(Recognised { keyring: newest, standing: Standing::One }),
        (Some(_), None) => Ok(Recognised { keyring: newest, standing: Standing::HalfRetired }),
        (Some(old), Some(former)) if old.check() == former.secret_check => {
            let keyring = newest.beside(old.of_version(former.version));
            Ok(Recognised { keyring, standing: Standing::Two })
        }
        (_, Some(_)) => Err(Stranger::OldHalfMissing),
    }
}

async fn is_some_account_behind(db: &Db, version: i64) -> sqlx::Result<bool> {
    const FIND: &str = "select id from accounts where audit_version < $1 limit 1";
    let found: Option<(String,)> = read!(db, c => sqlx::query_as(FIND).bind(version).fetch_optional(c))?;
    Ok(found.is_some())
}

/// The newest keys of a secret file alone, where its old half is gone for good or was never there.
///
/// # Errors
/// If the database does not answer.
pub async fn newest_alone(db: &Db, file: &SecretFile) -> sqlx::Result<Keyring> {
    Ok(file.newest().of_version(known(db).await?.1))
}

/// The generations of the past, the oldest first.
pub async fn formers(db: &Db) -> sqlx::Result<Vec<Former>> {
    let known = |file: FormerFile| Former {
        version: file.version,
        is_retired: file.retired_at.is_some(),
        audit_key: file.audit_key,
    };
    Ok(former_files(db).await?.into_iter().map(known).collect())
}

async fn former_files(db: &Db) -> sqlx::Result<Vec<FormerFile>> {
    read!(db, c => sqlx::query_as(FORMER_FILES).fetch_all(c))
}

pub(super) const FORMER_FILES: &str = "
    select version, secret_check, audit_key, retired_at
    from former_secret_files
    order by version";

/// The check value of the newest secret file, and its version.
async fn known(db: &Db) -> sqlx::Result<(Option<String>, i64)> {
    const FIND: &str = "select secret_check, secret_version from installation where one = 1";
    let found: Option<(Option<String>, i64)> = read!(db, c => sqlx::query_as(FIND).fetch_optional(c))?;
    Ok(found.unwrap_or((None, 1)))
}
