//! API keys: the record. It changes here, by its reveal and by its use, and every change of what it may do records its audit
//! event in the same transaction.

use super::key_filter::gone;
use super::once::{self, Once, Seen};
use super::{
    Act, Db, Tx, api_key_secrets, audit_events, change, columns, is_taken, key_errands, read, sealed_secrets, within,
};
use crate::clock::{Timestamp, hours};
use crate::model::api_key::ApiKey;
use crate::model::audit::{Action, Target};
use crate::model::key_form::NewKey;
use crate::model::seal;
use crate::model::secret::Secret;
use crate::model::text::{fold, until};
use crate::product::Reveal;

columns!(ApiKey {
    id,
    account_id,
    name,
    key_type,
    environment,
    inbox_id,
    inbox_name,
    scopes,
    allowed_ips,
    prefix,
    last4,
    created_at,
    created_by_name,
    expires_at,
    expires_after,
    paused_at,
    deleted_at,
    deleted_by_name,
    rotated_at,
    retires_at,
    sealed_until,
    kept_at,
    revealed_at,
    revealed_by_name,
    revealed_ip,
    last_used_at,
    last_used_ip,
    last_used_agent,
    last_used_route,
});

/// The columns of [`ApiKey`], and the tables they come from.
macro_rules! select_key {
    ($($rest:expr),* $(,)?) => {
        concat!(
            "
        select k.id, k.account_id, k.name, k.key_type, k.environment, k.inbox_id, i.name as inbox_name, k.scopes,
            k.allowed_ips, k.prefix, k.last4, k.created_at, cu.name as created_by_name, k.expires_at, k.expires_after, k.paused_at,
            k.deleted_at, du.name as deleted_by_name, k.rotated_at, k.retires_at, k.sealed_until, s.created_at as kept_at, k.revealed_at,
            ru.name as revealed_by_name, k.revealed_ip, k.last_used_at, k.last_used_ip,
            k.last_used_agent, k.last_used_route
        from api_keys k
        left join inboxes i on i.id = k.inbox_id
        left join users cu on cu.id = k.created_by
        left join users du on du.id = k.deleted_by
        left join users ru on ru.id = k.revealed_by
        left join kept_secrets s on s.key_id = k.id",
            $($rest),*
        )
    };
}
pub(super) use select_key;

/// A key to issue and its secret.
#[derive(Clone, Copy, Debug)]
pub struct Issue<'a> {
    pub new: &'a NewKey,
    pub secret: &'a Secret,
    /// The request that asks for it, so that asking twice issues once.
    pub once: Option<Once<'a>>,
    /// How often a page can show the secret. Over the API it is in the answer, and nowhere else.
    pub reveal: Option<Reveal>,
}

/// A new secret for a key.
#[derive(Clone, Copy, Debug)]
pub struct Rotation<'a> {
    pub secret: &'a Secret,
    /// How long the old one works on, though never beyond the key's own expiry.
    pub grace_hours: u64,
    /// When the key expires from now on.
    pub expires_at: Option<Timestamp>,
    /// The request that asks for it, so that asking twice rotates once.
    pub once: Option<Once<'a>>,
    /// As in [`Issue`].
    pub reveal: Option<Reveal>,
}

/// What became of a key to issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Issued {
    Key(String),
    /// The same request came before; this is the key it made.
    Before(String),
    /// A request with the same idempotency key asked for something else.
    OtherRequest,
    NameTaken,
    LimitReached,
    /// The inbox was deleted while the form was open.
    InboxGone,
}

/// Issues a key. `limit` is the number of keys an account may hold; 0 is no limit.
pub async fn issue(db: &Db, act: &Act<'_>, account_id: &str, issue: Issue<'_>, limit: i64) -> sqlx::Result<Issued> {
    // One more than the limit tells enough.
    const COUNT: &str = "
        select count(*)
        from (select 1 as one from api_keys where account_id = $1 and deleted_at is null limit $2) counted";
    let mut tx = db.begin_as(act, account_id).await?;
    match once::look(&mut tx, account_id, issue.once).await? {
        Seen::Made(id) => return Ok(Issued::Before(id)),
        Seen::Differently => return Ok(Issued::OtherRequest),
        Seen::Never => {}
    }
    if !inbox_stands(&mut tx, account_id, issue.new).await? {
        return Ok(Issued::InboxGone);
    }
    let id = match insert(&mut tx, act, account_id, issue).await {
        Err(error) if is_taken(&error) => return Ok(Issued::NameTaken),
        done => done?,
    };
    // The account is locked: nobody else is counting.
    let (count,): (i64,) = within!(&mut tx, c => sqlx::query_as(COUNT).bind(account_id).bind(limit + 1).fetch_one(c))?;
    if limit > 0 && count > limit {
        return Ok(Issued::LimitReached);
    }
    once::remember(&mut tx, act, account_id, issue.once, &id).await?;
    key_errands::created(&mut tx, act, account_id, &id).await?;
    tx.commit().await?;
    Ok(Issued::Key(id))
}

async fn inbox_stands(tx: &mut Tx, account_id: &str, new: &NewKey) -> sqlx::Result<bool> {
    const FIND: &str = "select id from inboxes where account_id = $1 and id = $2 and deleted_at is null";
    let Some(inbox_id) = &new.inbox_id else { return Ok(true) };
    let found: Option<(String,)> =
        within!(tx, c => sqlx::query_as(FIND).bind(account_id).bind(inbox_id).fetch_optional(c))?;
    Ok(found.is_some())
}

pub(super) async fn insert(tx: &mut Tx, act: &Act<'_>, account_id: &str, issue: Issue<'_>) -> sqlx::Result<String> {
    const INSERT: &str = "
        insert into api_keys (
            id, account_id, name, name_folded, key_type, environment, inbox_id, scopes, allowed_ips,
            prefix, last4, created_at, created_by, expires_at, expires_after, sealed_until
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    let Issue { new, secret, reveal, .. } = issue;
    let id = act.entropy.id("key");
    audit_events::record(tx, act, account_id, Action::KeyCreated, Target { id: &id, name: &new.name }, "").await?;
    change!(
        &mut *tx,
        sqlx::query(INSERT)
            .bind(&id)
            .bind(account_id)
            .bind(&new.name)
            .bind(fold(&new.name))
            .bind(new.key_type.as_str())
            .bind(&new.environment)
            .bind(&new.inbox_id)
            .bind(new.scopes.to_string())
            .bind(new.allowed_ips.to_string())
            .bind(secret.prefix())
            .bind(secret.last4())
            .bind(act.at)
            .bind((act.actor.kind == "user").then_some(&act.actor.id))
            .bind(new.expires_at)
            .bind(new.expires_at.map(|at| at.micros() - act.at.micros()))
            .bind(sealed_until(act, reveal))
    );
    api_key_secrets::insert(tx, act, &id, secret).await?;
    if let Some(reveal) = reveal {
        sealed_secrets::keep(tx, act, (account_id, &id), secret, reveal).await?;
    }
    Ok(id)
}

/// Until when a new secret waits for its one reveal.
fn sealed_until(act: &Act<'_>, reveal: Option<Reveal>) -> Option<Timestamp> {
    (reveal == Some(Reveal::Once)).then_some(act.at + seal::LIFETIME)
}

pub async fn find(db: &Db, account_id: &str, id: &str) -> sqlx::Result<Option<ApiKey>> {
    const FIND: &str = select_key!("\nwhere k.account_id = $1\nand k.id = $2");
    read!(db, c => sqlx::query_as(FIND).bind(account_id).bind(id).fetch_optional(c))
}

/// When the key was used for the first time.
pub async fn first_used_at(db: &Db, account_id: &str, id: &str) -> sqlx::Result<Option<Timestamp>> {
    const FIND: &str = "select first_used_at from api_keys where account_id = $1 and id = $2";
    let found: Option<(Option<Timestamp>,)> =
        read!(db, c => sqlx::query_as(FIND).bind(account_id).bind(id).fetch_optional(c))?;
    Ok(found.and_then(|(at,)| at))
}

/// The restricted keys bound to an inbox.
pub async fn list_of_inbox(db: &Db, account_id: &str, inbox_id: &str) -> sqlx::Result<Vec<ApiKey>> {
    const LIST: &str = select_key!(
        "\nwhere k.account_id = $1\nand k.inbox_id = $2\nand k.deleted_at is null\norder by k.name_folded, k.id"
    );
    read!(db, c => sqlx::query_as(LIST).bind(account_id).bind(inbox_id).fetch_all(c))
}

/// The first key of an account, for the first screen.
pub async fn find_first(db: &Db, account_id: &str) -> sqlx::Result<Option<ApiKey>> {
    const FIND: &str =
        select_key!("\nwhere k.account_id = $1\nand ", gone!(), " = 0\norder by k.created_at, k.id\nlimit 1");
    read!(db, c => sqlx::query_as(FIND).bind(account_id).fetch_optional(c))
}

/// What became of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotated {
    Now,
    /// The same request came before, and rotated it then.
    Before,
    /// A request with the same idempotency key asked for something else.
    OtherRequest,
    /// The key is not any more as it was looked at: deleted, or rotated by somebody else.
    Changed,
}

/// Gives the key a new secret, unless it is not any more as `key` says: a button pressed twice rotates once.
pub async fn rotate(db: &Db, act: &Act<'_>, key: &ApiKey, rotation: Rotation<'_>) -> sqlx::Result<Rotated> {
    let mut tx = db.begin_as(act, &key.account_id).await?;
    match once::look(&mut tx, &key.account_id, rotation.once).await? {
        Seen::Made(_) => return Ok(Rotated::Before),
        Seen::Differently => return Ok(Rotated::OtherRequest),
        Seen::Never => {}
    }
    let dies_at = key.old_secret_dies(act.at, hours(rotation.grace_hours));
    if !renew(&mut tx, act, key, rotation, dies_at).await? {
        return Ok(Rotated::Changed);
    }
    api_key_secrets::retire(&mut tx, &key.id, act.at, dies_at).await?;
    api_key_secrets::insert(&mut tx, act, &key.id, rotation.secret).await?;
    sealed_secrets::destroy(&mut tx, &key.account_id, &key.id).await?;
    if let Some(reveal) = rotation.reveal {
        sealed_secrets::keep(&mut tx, act, (&key.account_id, &key.id), rotation.secret, reveal).await?;
    }
    let target = Target { id: &key.id, name: &key.name };
    audit_events::record(&mut tx, act, &key.account_id, Action::KeyRotated, target, &old_key_stops(act.at, dies_at))
        .await?;
    once::remember(&mut tx, act, &key.account_id, rotation.once, &key.id).await?;
    tx.commit().await?;
    Ok(Rotated::Now)
}

/// Writes what a rotation changes in the record. Answers `false` if somebody else has changed it since `key` was read.
async fn renew(
    tx: &mut Tx,
    act: &Act<'_>,
    key: &ApiKey,
    rotation: Rotation<'_>,
    dies_at: Timestamp,
) -> sqlx::Result<bool> {
    const UPDATE: &str = "
        update api_keys
        set prefix = $3, last4 = $4, rotated_at = $5, retires_at = $6, sealed_until = $7, expires_at = $8,
            revealed_at = null, revealed_by = null, revealed_ip = null
        where account_id = $1
        and id = $2
        and deleted_at is null
        and last4 = $9
        and coalesce(rotated_at, 0) = $10";
    let updated = change!(
        tx,
        sqlx::query(UPDATE)
            .bind(&key.account_id)
            .bind(&key.id)
            .bind(rotation.secret.prefix())
            .bind(rotation.secret.last4())
            .bind(act.at)
            .bind((dies_at > act.at).then_some(dies_at))
            .bind(sealed_until(act, rotation.reveal))
            .bind(rotation.expires_at)
            .bind(&key.last4)
            .bind(key.rotated_at.map_or(0, Timestamp::micros))
    );
    if updated > 0 {
        tx.changes(&key.id);
    }
    Ok(updated > 0)
}

fn old_key_stops(now: Timestamp, dies_at: Timestamp) -> String {
    if dies_at <= now { "old key stopped at once".into() } else { format!("old key stops {}", until(dies_at, now)) }
}

/// Ends the grace of the old secret now. Answers `false` if there was none to end.
pub async fn stop_old(db: &Db, act: &Act<'_>, key: &ApiKey) -> sqlx::Result<bool> {
    let mut tx = db.begin_as(act, &key.account_id).await?;
    let stopped = stop_old_within(&mut tx, act, &key.account_id, Target { id: &key.id, name: &key.name }, "").await?;
    tx.commit().await?;
    Ok(stopped)
}

pub(super) async fn stop_old_within(
    tx: &mut Tx,
    act: &Act<'_>,
    account_id: &str,
    key: Target<'_>,
    detail: &str,
) -> sqlx::Result<bool> {
    const UPDATE: &str = "update api_keys set retires_at = $3 where account_id = $1 and id = $2 and retires_at > $3 and deleted_at is null";
    let updated = change!(&mut *tx, sqlx::query(UPDATE).bind(account_id).bind(key.id).bind(act.at));
    if updated > 0 {
        tx.changes(key.id);
        api_key_secrets::end_retiring(tx, key.id, act.at).await?;
        audit_events::record(tx, act, account_id, Action::KeyOldStopped, key, detail).await?;
    }
    Ok(updated > 0)
}

/// Deletes a key for good; its record stays as a tombstone. Answers `false` if it was deleted before.
pub async fn delete(db: &Db, act: &Act<'_>, key: &ApiKey) -> sqlx::Result<bool> {
    let mut tx = db.begin_as(act, &key.account_id).await?;
    let deleted = delete_within(&mut tx, act, &key.account_id, &key.id, "").await?;
    tx.commit().await?;
    Ok(deleted.is_some())
}

/// Deletes every key bound to an inbox and answers their names.
pub(super) async fn delete_of_inbox(
    tx: &mut Tx,
    act: &Act<'_>,
    account_id: &str,
    inbox_id: &str,
) -> sqlx::Result<Vec<String>> {
    const BOUND: &str =
        "select id from api_keys where account_id = $1 and inbox_id = $2 and deleted_at is null order by id";
    let bound: Vec<(String,)> =
        within!(&mut *tx, c => sqlx::query_as(BOUND).bind(account_id).bind(inbox_id).fetch_all(c))?;
    let mut names = Vec::with_capacity(bound.len());
    for (id,) in bound {
        names.extend(delete_within(tx, act, account_id, &id, "with its inbox").await?);
    }
    names.sort();
    Ok(names)
}

pub(super) async fn delete_within(
    tx: &mut Tx,
    act: &Act<'_>,
    account_id: &str,
    id: &str,
    detail: &str,
) -> sqlx::Result<Option<String>> {
    const DELETE: &str = "
        update api_keys
        set deleted_at = $3, deleted_by = $4, retires_at = null
        where account_id = $1
        and id = $2
        and deleted_at is null
        returning name";
    let by = (act.actor.kind == "user").then_some(&act.actor.id);
    let deleted: Option<(String,)> = within!(&mut *tx, c => sqlx::query_as(DELETE).bind(account_id).bind(id).bind(act.at).bind(by).fetch_optional(c))?;
    let Some((name,)) = deleted else { return Ok(None) };
    tx.changes(id);
    sealed_secrets::destroy(tx, account_id, id).await?;
    audit_events::record(tx, act, account_id, Action::KeyDeleted, Target { id, name: &name }, detail).await?;
    Ok(Some(name))
}
