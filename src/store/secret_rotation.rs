//! The replacement of the secret file, as far as the database is concerned: another generation becomes the newest, every
//! account's record goes on under it, what was sealed is sealed anew, and at last the old one stops counting. Each step is
//! small and may be cut off anywhere: whoever begins again goes on where it was.

use super::installation::{FORMER_FILES, FormerFile};
use super::{Act, Db, Tx, audit_events, change, columns, read, reseal, within};
use crate::clock::Timestamp;
use crate::model::audit::{Action, Target};
use crate::model::audit_keys::{keep, keep_on};
use crate::model::keyring::Keyring;
use crate::model::seal::Broken;

/// Accounts looked up at once.
pub(super) const ACCOUNTS_AT_ONCE: i64 = 100;
/// Rows changed in one transaction: nobody who wants to write waits longer than for these.
pub(super) const ROWS_AT_ONCE: i64 = 1_000;

/// Why the newest secret file did not become another.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    #[error("somebody else replaced the secret file meanwhile")]
    Changed,
    #[error("the key of an earlier secret file does not open: the table former_secret_files was changed")]
    Broken(#[from] Broken),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

pub(super) struct Account {
    pub id: String,
    pub name: String,
}

columns!(Account { id, name });

/// A key whose secret was not used since the secret file was replaced.
#[derive(Clone, Debug)]
pub struct Unused {
    pub secret_hash: String,
    pub key_id: String,
    pub account_id: String,
    pub account_name: String,
    pub name: String,
    pub last4: String,
    pub last_used_at: Option<Timestamp>,
}

columns!(Unused { secret_hash, key_id, account_id, account_name, name, last4, last_used_at });

/// Makes `newest` the newest generation in the place of `old`, which goes on counting. Answers the newest's version.
///
/// # Errors
/// If `old` is not the newest any more; then nothing was changed.
pub async fn begin(db: &Db, old: &Keyring, newest: &Keyring, act: &Act<'_>) -> Result<i64, RotationError> {
    const REPLACE: &str = "
        update installation
        set secret_check = $2, secret_version = secret_version + 1
        where one = 1
        and secret_check = $1
        and not exists (select 1 from former_secret_files where retired_at is null)
        returning secret_version";
    const FORMER: &str = "
        insert into former_secret_files (version, secret_check, audit_key, replaced_at)
        values ($1, $2, $3, $4)";
    let mut tx = db.begin().await?;
    let replaced: Option<(i64,)> = within!(&mut tx, c => sqlx::query_as(REPLACE)
        .bind(old.check())
        .bind(newest.check())
        .fetch_optional(c))?;
    let Some((version,)) = replaced else { return Err(RotationError::Changed) };
    keep_formers(&mut tx, old, newest, act).await?;
    let kept = keep(old, newest, act.entropy);
    change!(&mut tx, sqlx::query(FORMER).bind(old.version()).bind(old.check()).bind(kept).bind(act.at));
    tx.commit().await?;
    Ok(version)
}

/// Encrypts the audit keys of earlier generations under the newest.
async fn keep_formers(tx: &mut Tx, old: &Keyring, newest: &Keyring, act: &Act<'_>) -> Result<(), RotationError> {
    const KEEP: &str = "update former_secret_files set audit_key = $2 where version = $1";
    let formers: Vec<FormerFile> = within!(&mut *tx, c => sqlx::query_as(FORMER_FILES).fetch_all(c))?;
    for former in formers {
        if let Some(kept) = former.audit_key {
            let kept = keep_on(former.version, &kept, [old, newest], act.entropy)?;
            change!(&mut *tx, sqlx::query(KEEP).bind(former.version).bind(kept));
        }
    }
    Ok(())
}

/// Ends every session, goes on with every account's record under the newest generation, and seals anew what the old one
/// sealed. A node that knows only the old one changes nothing of an account from then on. Answers whether anything was left
/// to be done.
///
/// # Errors
/// If the database does not answer; what was done is, and the rest is by trying again.
pub async fn take_over(db: &Db, act: &Act<'_>) -> sqlx::Result<bool> {
    const ACCOUNTS: &str = "
        select id, name
        from accounts
        where audit_version < $1
        and id > $2
        order by id
        limit $3";
    let (mut last, mut any) = (String::new(), false);
    loop {
        let accounts: Vec<Account> = read!(db, c => sqlx::query_as(ACCOUNTS)
            .bind(act.keyring.version())
            .bind(&last)
            .bind(ACCOUNTS_AT_ONCE)
            .fetch_all(c))?;
        for account in &accounts {
            take_over_account(db, act, account).await?;
            any = true;
        }
        let Some(account) = accounts.into_iter().next_back() else { break };
        last = account.id;
    }
    // Only now: nobody seals anything under the old generation any more.
    reseal::all(db, act).await?;
    Ok(end_older_sessions(db, act).await? || any)
}

/// Ends the sessions from before in accounts that a node which started meanwhile went on with. Answers whether there were any.
async fn end_older_sessions(db: &Db, act: &Act<'_>) -> sqlx::Result<bool> {
    const END: &str = "
        update sessions
        set ended_at = $1
        where id in (
            select id
            from sessions
            where ended_at is null
            and created_at < (select max(replaced_at) from former_secret_files)
            limit $2
        )";
    let mut any = false;
    loop {
        let mut tx = db.begin().await?;
        let ended = change!(&mut tx, sqlx::query(END).bind(act.at).bind(ROWS_AT_ONCE));
        tx.commit().await?;
        if ended == 0 {
            return Ok(any);
        }
        any = true;
    }
}

/// Ends some of an account's sessions, and says how many.
pub(super) async fn end_sessions(tx: &mut Tx, act: &Act<'_>, account_id: &str) -> sqlx::Result<u64> {
    const END: &str = "
        update sessions
        set ended_at = $2
        where id in (
            select s.id
            from sessions s
            join users u on u.id = s.user_id
            where u.account_id = $1
            and s.ended_at is null
            limit $3
        )";
    Ok(change!(tx, sqlx::query(END).bind(account_id).bind(act.at).bind(ROWS_AT_ONCE)))
}

async fn take_over_account(db: &Db, act: &Act<'_>, account: &Account) -> sqlx::Result<()> {
    loop {
        let mut tx = db.begin_on(&account.id).await?;
        let ended = end_sessions(&mut tx, act, &account.id).await?;
        tx.commit().await?;
        if ended == 0 {
            break;
        }
    }
    let mut tx = db.begin_on(&account.id).await?;
    // What began since: nothing begins behind the event.
    end_sessions(&mut tx, act, &account.id).await?;
    let target = Target { id: &account.id, name: &account.name };
    let detail = "every session was ended";
    audit_events::record(&mut tx, act, &account.id, Action::SecretFileRotated, target, detail).await?;
    tx.commit().await
}

/// How many secrets that work are known by the old generation alone.
pub async fn count_unused(db: &Db, act: &Act<'_>) -> sqlx::Result<u64> {
    const COUNT: &str = "
        select count(*)
        from api_key_secrets s
        join api_keys k on k.id = s.key_id
        where s.pepper_version < $1
        and (s.dies_at is null or s.dies_at > $2)
        and k.deleted_at is null
        and (k.expires_at is null or k.expires_at > $2)";
    let version = act.keyring.version();
    let (unused,): (i64,) = read!(db, c => sqlx::query_as(COUNT).bind(version).bind(act.at).fetch_one(c))?;
    Ok(u64::try_from(unused).unwrap_or(0))
}

/// Some of them, those with a hash behind `after`; none if there are no more.
pub async fn list_unused(db: &Db, act: &Act<'_>, after: &str) -> sqlx::Result<Vec<Unused>> {
    const LIST: &str = "
        select s.secret_hash, s.key_id, k.account_id, a.name as account_name, k.name, s.last4, s.last_used_at
        from api_key_secrets s
        join api_keys k on k.id = s.key_id
        join accounts a on a.id = k.account_id
        where s.pepper_version < $1
        and (s.dies_at is null or s.dies_at > $2)
        and k.deleted_at is null
        and (k.expires_at is null or k.expires_at > $2)
        and s.secret_hash > $3
        order by s.secret_hash
        limit $4";
    let version = act.keyring.version();
    read!(db, c => sqlx::query_as(LIST).bind(version).bind(act.at).bind(after).bind(ROWS_AT_ONCE).fetch_all(c))
}

/// Says that the old generation does not count any more: a node that starts from now on does not know it.
pub async fn end_old(db: &Db, act: &Act<'_>) -> sqlx::Result<()> {
    const END: &str = "update former_secret_files set retired_at = $1 where retired_at is null";
    let mut tx = db.begin().await?;
    change!(&mut tx, sqlx::query(END).bind(act.at));
    tx.commit().await
}

/// Ends what is known by the old generation alone: each key goes on once it is rotated. Answers how many there were.
///
/// # Errors
/// If the database does not answer; what was done is, and the rest is by trying again.
pub async fn stop_unused(db: &Db, act: &Act<'_>) -> sqlx::Result<u64> {
    let mut stopped = 0;
    loop {
        let page = list_unused(db, act, "").await?;
        if page.is_empty() {
            return Ok(stopped);
        }
        for unused in &page {
            stopped += u64::from(stop(db, act, unused).await?);
        }
    }
}

/// Ends one of them, unless it was used meanwhile.
async fn stop(db: &Db, act: &Act<'_>, unused: &Unused) -> sqlx::Result<bool> {
    const END: &str = "
        update api_key_secrets
        set dies_at = $2
        where secret_hash = $1
        and pepper_version < $3
        and (dies_at is null or dies_at > $2)";
    let mut tx = db.begin_on(&unused.account_id).await?;
    let version = act.keyring.version();
    if change!(&mut tx, sqlx::query(END).bind(&unused.secret_hash).bind(act.at).bind(version)) == 0 {
        return Ok(false);
    }
    tx.changes(&unused.key_id);
    let target = Target { id: &unused.key_id, name: &unused.name };
    let detail =
        format!("…{} was not used since it was replaced; the key works again once it is rotated", unused.last4);
    audit_events::record(&mut tx, act, &unused.account_id, Action::SecretFileRetired, target, &detail).await?;
    tx.commit().await?;
    Ok(true)
}

/// Forgets what nodes that knew the old generation alone found secrets by.
pub async fn forget_old_hashes(db: &Db) -> sqlx::Result<()> {
    const FORGET: &str = "
        update api_key_secrets
        set old_hash = null
        where secret_hash in (select secret_hash from api_key_secrets where old_hash is not null limit $1)";
    loop {
        let mut tx = db.begin().await?;
        let forgotten = change!(&mut tx, sqlx::query(FORGET).bind(ROWS_AT_ONCE));
        tx.commit().await?;
        if forgotten == 0 {
            return Ok(());
        }
    }
}
