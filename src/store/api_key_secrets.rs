//! The hashes of secrets: one per key, and an old one while it retires. Never a secret itself.

use super::{Act, Db, Tx, change, columns, read, secret_prefixes};
use crate::clock::Timestamp;
use crate::model::secret::{Secret, SecretHash};

/// A secret that was found by its hash under the old generation of the secret file, and has one under the newest.
#[derive(Clone, Copy, Debug)]
pub struct Rehash {
    pub from: SecretHash,
    pub to: SecretHash,
    /// The newest generation.
    pub version: i64,
}

/// The old secret of a key that was rotated, while it still works.
#[derive(Clone, Debug)]
pub struct OldSecret {
    pub last4: String,
    pub dies_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub last_used_ip: Option<String>,
    /// Requests since the rotation, with the old secret and with the new one.
    pub requests: i64,
    pub new_requests: i64,
}

columns!(OldSecret { last4, dies_at, last_used_at, last_used_ip, requests, new_requests });

pub(super) async fn insert(tx: &mut Tx, act: &Act<'_>, key_id: &str, secret: &Secret) -> sqlx::Result<()> {
    const INSERT: &str = "
        insert into api_key_secrets (secret_hash, key_id, pepper_version, last4, created_at, old_hash)
        values ($1, $2, $3, $4, $5, $6)";
    let hash = secret.hash(act.keyring);
    // For nodes that were not restarted since the secret file was replaced.
    let old_hash = act.keyring.old().map(|old| secret.hash(old).to_string());
    secret_prefixes::note(tx, secret.prefix(), act.at).await?;
    change!(
        tx,
        sqlx::query(INSERT)
            .bind(hash.to_string())
            .bind(key_id)
            .bind(act.keyring.version())
            .bind(secret.last4())
            .bind(act.at)
            .bind(old_hash)
    );
    Ok(())
}

/// Knows secrets by the newest generation from now on. Each in a transaction of its own where others change the same rows
/// beside us: nobody waits for two of them.
pub async fn rehash(db: &Db, rehashes: &[Rehash]) -> sqlx::Result<()> {
    let at_once = if db.is_shared() { 1 } else { rehashes.len().max(1) };
    for some in rehashes.chunks(at_once) {
        let mut tx = db.begin().await?;
        for rehash in some {
            rehash_within(&mut tx, *rehash).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

pub(super) async fn rehash_within(tx: &mut Tx, rehash: Rehash) -> sqlx::Result<()> {
    const REHASH: &str = "
        update api_key_secrets
        set secret_hash = $2, old_hash = $1, pepper_version = $3
        where secret_hash = $1
        and pepper_version < $3";
    let Rehash { from, to, version } = rehash;
    change!(tx, sqlx::query(REHASH).bind(from.to_string()).bind(to.to_string()).bind(version));
    Ok(())
}

/// Lets the current secret die at `dies_at`. One that is retiring already ends now: never more than two work.
pub(super) async fn retire(tx: &mut Tx, key_id: &str, now: Timestamp, dies_at: Timestamp) -> sqlx::Result<()> {
    const RETIRE: &str = "update api_key_secrets set dies_at = $2 where key_id = $1 and dies_at is null";
    end_retiring(tx, key_id, now).await?;
    change!(tx, sqlx::query(RETIRE).bind(key_id).bind(dies_at));
    Ok(())
}

/// Ends the grace of a retiring secret now.
pub(super) async fn end_retiring(tx: &mut Tx, key_id: &str, now: Timestamp) -> sqlx::Result<()> {
    const END: &str = "update api_key_secrets set dies_at = $2 where key_id = $1 and dies_at > $2";
    change!(tx, sqlx::query(END).bind(key_id).bind(now));
    Ok(())
}

/// Ends the current secret now: the key has none that works until it is rotated.
pub(super) async fn end_current(tx: &mut Tx, key_id: &str, now: Timestamp) -> sqlx::Result<()> {
    const END: &str = "update api_key_secrets set dies_at = $2 where key_id = $1 and dies_at is null";
    change!(tx, sqlx::query(END).bind(key_id).bind(now));
    Ok(())
}

/// Whether the key has a secret that does not end. Without one it waits to be rotated: the last one leaked, or was lost.
pub async fn has_current(db: &Db, account_id: &str, id: &str) -> sqlx::Result<bool> {
    const ASK: &str = "
        select exists (
            select 1
            from api_key_secrets s
            join api_keys k on k.id = s.key_id
            where k.account_id = $1
            and k.id = $2
            and s.dies_at is null
        )";
    let (has,): (bool,) = read!(db, c => sqlx::query_as(ASK).bind(account_id).bind(id).fetch_one(c))?;
    Ok(has)
}

/// The old secret of a key, while its grace lasts.
pub async fn find_old(db: &Db, account_id: &str, id: &str, now: Timestamp) -> sqlx::Result<Option<OldSecret>> {
    const FIND: &str = "
        select s.last4, s.dies_at, s.last_used_at, s.last_used_ip, s.used_retiring as requests,
            coalesce((select n.used from api_key_secrets n where n.key_id = k.id and n.dies_at is null), 0) as new_requests
        from api_key_secrets s
        join api_keys k on k.id = s.key_id
        where k.account_id = $1
        and k.id = $2
        and s.dies_at > $3
        order by s.dies_at desc
        limit 1";
    read!(db, c => sqlx::query_as(FIND).bind(account_id).bind(id).bind(now).fetch_optional(c))
}
