//! The loss of the secret file, as far as the database is concerned: another becomes the newest, and of every account what
//! nothing opens or knows any more is ended. Its record goes on with an event that vouches for what was before by a digest.
//! Each step is small and may be cut off anywhere: whoever begins again goes on where it was.

use super::secret_rotation::{ACCOUNTS_AT_ONCE, Account, ROWS_AT_ONCE, end_sessions};
use super::{Act, Db, Tx, audit_chain, audit_events, change, columns, read, within};
use crate::model::audit::{Action, Target};
use crate::model::keyring::Keyring;
use crate::model::text::count;

/// What is lost with the file.
#[derive(Clone, Copy, Debug)]
pub struct Losses {
    pub keys: i64,
    pub apps: i64,
}

columns!(Losses { keys, apps });

/// What would be lost: secrets of keys, and authenticator apps.
pub async fn count_losses(db: &Db, act: &Act<'_>) -> sqlx::Result<Losses> {
    const COUNT: &str = "
        select (
                select count(*)
                from api_key_secrets s
                join api_keys k on k.id = s.key_id
                where k.deleted_at is null
                and (s.dies_at is null or s.dies_at > $1)
            ) as keys,
            (select count(*) from authenticators) as apps";
    read!(db, c => sqlx::query_as(COUNT).bind(act.at).fetch_one(c))
}

/// Makes `newest` the newest generation, and every one before it void. Answers its version.
pub async fn begin(db: &Db, newest: &Keyring, act: &Act<'_>) -> sqlx::Result<i64> {
    const FORMER: &str = "
        insert into former_secret_files (version, secret_check, replaced_at)
        select secret_version, coalesce(secret_check, ''), $1
        from installation
        where one = 1";
    const VOID: &str = "update former_secret_files set audit_key = null, retired_at = coalesce(retired_at, $1)";
    const REPLACE: &str = "
        update installation
        set secret_check = $1, secret_version = secret_version + 1
        where one = 1
        returning secret_version";
    let mut tx = db.begin().await?;
    change!(&mut tx, sqlx::query(FORMER).bind(act.at));
    change!(&mut tx, sqlx::query(VOID).bind(act.at));
    let (version,): (i64,) = within!(&mut tx, c => sqlx::query_as(REPLACE).bind(newest.check()).fetch_one(c))?;
    tx.commit().await?;
    Ok(version)
}

/// Ends what was lost of every account, and goes on with its record under the newest generation. Answers how many accounts
/// there were; none if all were before.
///
/// # Errors
/// If the database does not answer; what was done is, and the rest is by trying again.
pub async fn take_over(db: &Db, act: &Act<'_>) -> sqlx::Result<u64> {
    const ACCOUNTS: &str = "
        select id, name
        from accounts
        where audit_version < $1
        order by id
        limit $2";
    let mut taken = 0;
    loop {
        let accounts: Vec<Account> = read!(db, c => sqlx::query_as(ACCOUNTS)
            .bind(act.keyring.version())
            .bind(ACCOUNTS_AT_ONCE)
            .fetch_all(c))?;
        if accounts.is_empty() {
            return Ok(taken);
        }
        for account in &accounts {
            take_over_account(db, act, account).await?;
            taken += 1;
        }
    }
}

async fn take_over_account(db: &Db, act: &Act<'_>, account: &Account) -> sqlx::Result<()> {
    loop {
        let mut tx = db.begin_on(&account.id).await?;
        let ended = end_some(&mut tx, act, &account.id).await?;
        tx.commit().await?;
        if ended == 0 {
            break;
        }
    }
    let (mut digest, last) = audit_chain::digest(db, &account.id).await?;
    let mut tx = db.begin_on(&account.id).await?;
    // What somebody made since: nothing is made behind the event.
    end_some(&mut tx, act, &account.id).await?;
    let events = audit_chain::digest_rest(&mut tx, &account.id, (&mut digest, last)).await?;
    let target = Target { id: &account.id, name: &account.name };
    let before = u64::try_from(events).unwrap_or(0);
    let detail = format!("{} before this stand by {}", count(before, "event", "events"), digest.in_words());
    audit_events::record(&mut tx, act, &account.id, Action::SecretFileLost, target, &detail).await?;
    tx.commit().await
}

/// Ends some of what was lost of an account. Answers how much it was.
async fn end_some(tx: &mut Tx, act: &Act<'_>, account_id: &str) -> sqlx::Result<u64> {
    const SEALED: &str = "
        delete from sealed_secrets
        where key_id in (select s.key_id from sealed_secrets s where s.account_id = $1 limit $2)";
    const KEPT: &str = "
        delete from kept_secrets
        where key_id in (select s.key_id from kept_secrets s where s.account_id = $1 limit $2)";
    // The app stays a factor that nobody has: without it, the password alone would let its owner's thief in.
    const APPS: &str = "
        update authenticators
        set sealed_secret = '', secret_version = $2
        where secret_version < $2
        and user_id in (select id from users where account_id = $1)";
    let mut ended = end_sessions(tx, act, account_id).await? + end_secrets(tx, act, account_id).await?;
    for statement in [SEALED, KEPT] {
        ended += change!(&mut *tx, sqlx::query(statement).bind(account_id).bind(ROWS_AT_ONCE));
    }
    ended += change!(&mut *tx, sqlx::query(APPS).bind(account_id).bind(act.keyring.version()));
    Ok(ended)
}

async fn end_secrets(tx: &mut Tx, act: &Act<'_>, account_id: &str) -> sqlx::Result<u64> {
    const END: &str = "
        update api_key_secrets
        set dies_at = $2, old_hash = null
        where secret_hash in (
            select s.secret_hash
            from api_key_secrets s
            join api_keys k on k.id = s.key_id
            where k.account_id = $1
            and s.pepper_version < $4
            and (s.dies_at is null or s.dies_at > $2)
            limit $3
        )
        returning key_id";
    let version = act.keyring.version();
    let ended: Vec<(String,)> = within!(&mut *tx, c => sqlx::query_as(END)
        .bind(account_id)
        .bind(act.at)
        .bind(ROWS_AT_ONCE)
        .bind(version)
        .fetch_all(c))?;
    for (key_id,) in &ended {
        tx.changes(key_id);
    }
    Ok(ended.len() as u64)
}
