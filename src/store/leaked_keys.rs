//! Leaked keys: whoever holds a secret may report it, and it stops at once, in one transaction with what the audit log and
//! the account's administrators are told. Reported again it does nothing more.

use super::{
    Act, Db, Tx, api_key_secrets, api_keys, audit_events, columns, errands, key_facts, read, sealed_secrets, within,
};
use crate::model::api_key::Status;
use crate::model::audit::{Action, Target};
use crate::model::key_facts::KeyFacts;
use crate::model::secret::{Presented, SecretHash};
use crate::model::sighting::Sighting;

/// Why the key was deleted or stopped, for the log.
const WHY: &str = "its secret was leaked";

/// What becomes of a key whose current secret leaked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// It is deleted; its owner makes another.
    Delete,
    /// It stays without a secret until it is rotated, where nobody can make another.
    Rotate,
}

/// What a report did. A key goes by its id, never by its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reported {
    /// Never one of this installation's.
    Unknown,
    /// One that did not work any more.
    Dead(String),
    Deleted(String),
    /// The key has no secret until it is rotated.
    Stopped(String),
    /// It was the old one of a key that was rotated; the new one keeps working.
    OldStopped(String),
}

impl Reported {
    /// Whether this very report stopped a secret that worked.
    pub fn stopped_one(&self) -> bool {
        matches!(self, Self::Deleted(_) | Self::Stopped(_) | Self::OldStopped(_))
    }
}

/// Stops a leaked secret. On return it is on disk, and no gate of this process lets it through.
///
/// # Errors
/// If the database does not answer; then nothing was half done.
pub async fn report(
    db: &Db,
    act: &Act<'_>,
    leaked: Presented<'_>,
    sighting: &Sighting,
    remedy: Remedy,
) -> sqlx::Result<Reported> {
    let Some((hash, found)) = find(db, act, leaked).await? else { return Ok(Reported::Unknown) };
    let mut tx = db.begin_on(&found.account_id).await?;
    // Now that nobody else changes it: it may have been rotated meanwhile.
    let Some(key) = key_facts::find_within(&mut tx, &hash).await? else { return Ok(Reported::Unknown) };
    if key.is_spent(act.at) || matches!(key.status(act.at), Status::Deleted | Status::Expired) {
        return Ok(Reported::Dead(key.id));
    }
    let target = Target { id: &key.id, name: &key.name };
    audit_events::record(&mut tx, act, &key.account_id, Action::KeyExposed, target, &sighting.in_words()).await?;
    let reported = stop(&mut tx, act, &key, remedy).await?;
    for email in administrators(&mut tx, &key.account_id).await? {
        errands::put_about(&mut tx, act, errands::Kind::KeyExposed, &email, &key.id).await?;
    }
    tx.commit().await?;
    Ok(reported)
}

async fn find(db: &Db, act: &Act<'_>, leaked: Presented<'_>) -> sqlx::Result<Option<(SecretHash, KeyFacts)>> {
    for hash in leaked.hashes(act.keyring) {
        if let Some(found) = key_facts::find(db, &hash).await? {
            return Ok(Some((hash, found)));
        }
    }
    Ok(None)
}

async fn stop(tx: &mut Tx, act: &Act<'_>, key: &KeyFacts, remedy: Remedy) -> sqlx::Result<Reported> {
    let (account_id, id) = (&key.account_id, &key.id);
    if key.dies_at.is_some() {
        let target = Target { id, name: &key.name };
        api_keys::stop_old_within(tx, act, account_id, target, WHY).await?;
        return Ok(Reported::OldStopped(id.clone()));
    }
    match remedy {
        Remedy::Delete => {
            api_keys::delete_within(tx, act, account_id, id, WHY).await?;
            Ok(Reported::Deleted(id.clone()))
        }
        Remedy::Rotate => {
            tx.changes(id);
            api_key_secrets::end_current(tx, id, act.at).await?;
            sealed_secrets::destroy(tx, account_id, id).await?;
            Ok(Reported::Stopped(id.clone()))
        }
    }
}

async fn administrators(tx: &mut Tx, account_id: &str) -> sqlx::Result<Vec<String>> {
    const LIST: &str = "
        select email
        from users
        where account_id = $1
        and role = 'administrator'
        and removed_at is null
        order by id";
    let rows: Vec<(String,)> = within!(tx, c => sqlx::query_as(LIST).bind(account_id).fetch_all(c))?;
    Ok(rows.into_iter().map(|(email,)| email).collect())
}

/// What a mail says of a key that leaked.
#[derive(Clone, Debug)]
pub struct Exposure {
    pub key_id: String,
    pub key_name: String,
    /// Where it was seen, in the words of the audit log.
    pub seen: String,
    pub is_deleted: bool,
    /// Whether the key has a secret that does not end.
    pub has_secret: bool,
}

columns!(Exposure { key_id, key_name, seen, is_deleted, has_secret });

/// The last time that a secret of this key was reported.
///
/// # Errors
/// If the database does not answer.
pub async fn last_exposure(db: &Db, key_id: &str) -> sqlx::Result<Option<Exposure>> {
    const FIND: &str = "
        select k.id as key_id, k.name as key_name, e.detail as seen,
            k.deleted_at is not null as is_deleted,
            exists (select 1 from api_key_secrets s where s.key_id = k.id and s.dies_at is null) as has_secret
        from api_keys k
        join audit_events e on e.account_id = k.account_id and e.target_id = k.id
        where k.id = $1
        and e.action = 'key.exposed'
        order by e.seq desc
        limit 1";
    read!(db, c => sqlx::query_as(FIND).bind(key_id).fetch_optional(c))
}
