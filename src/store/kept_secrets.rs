//! Kept secrets: those that the page can show again, where the product definition says so. Every reveal is one
//! transaction with its audit event and consumes nothing; a key that is rotated or deleted keeps none of its old secret.

use super::sealed_secrets::{RevealError, mark_revealed};
use super::{Act, Db, Tx, audit_events, change, columns, read, within};
use crate::model::api_key::ApiKey;
use crate::model::audit::{Action, Target};
use crate::model::envelope::{self, Envelope};
use crate::model::seal::Binding;
use crate::model::secret::Secret;
use crate::model::text::count;

/// Accounts looked up at once by [`destroy_some`].
const ACCOUNTS_AT_ONCE: i64 = 100;
/// Secrets destroyed in one transaction: nobody who wants to write waits longer than for these.
const SECRETS_AT_ONCE: i64 = 5_000;

columns!(Envelope { wrapped_key, sealed });

pub(super) async fn keep(
    tx: &mut Tx,
    act: &Act<'_>,
    account_id: &str,
    key_id: &str,
    secret: &Secret,
) -> sqlx::Result<()> {
    const INSERT: &str = "
        insert into kept_secrets (key_id, account_id, wrapped_key, sealed, created_at, secret_version)
        values ($1, $2, $3, $4, $5, $6)";
    let binding = Binding { installation_id: act.installation_id, account_id, key_id };
    let Envelope { wrapped_key, sealed } = envelope::seal(secret, binding, act.keyring, act.entropy);
    let version = act.keyring.version();
    change!(
        tx,
        sqlx::query(INSERT).bind(key_id).bind(account_id).bind(wrapped_key).bind(sealed).bind(act.at).bind(version)
    );
    Ok(())
}

/// Opens what is kept of `key`. It is opened before the reveal is recorded, and shown only after: there is no reveal in
/// the log that showed nothing, and none shown that is not in the log.
///
/// # Errors
/// [`RevealError::Gone`] if nothing is kept.
pub async fn reveal(db: &Db, act: &Act<'_>, key: &ApiKey) -> Result<Secret, RevealError> {
    const FIND: &str = "select wrapped_key, sealed from kept_secrets where account_id = $1 and key_id = $2";
    let mut tx = db.begin_as(act, &key.account_id).await?;
    let found: Option<Envelope> =
        within!(&mut tx, c => sqlx::query_as(FIND).bind(&key.account_id).bind(&key.id).fetch_optional(c))?;
    let envelope = found.ok_or(RevealError::Gone)?;
    let binding = Binding { installation_id: act.installation_id, account_id: &key.account_id, key_id: &key.id };
    let secret = envelope::open(&envelope, binding, act.keyring)?;
    mark_revealed(&mut tx, act, key).await?;
    tx.commit().await?;
    Ok(secret)
}

struct Account {
    id: String,
    name: String,
}

columns!(Account { id, name });

/// Destroys kept secrets of some accounts, each in a transaction of its own with its audit event, and says whether there
/// may be more. Stopped half way, it goes on where it was.
pub async fn destroy_some(db: &Db, act: &Act<'_>) -> sqlx::Result<bool> {
    const ACCOUNTS: &str = "
        select a.id, a.name
        from accounts a
        where a.id in (select distinct s.account_id from kept_secrets s order by s.account_id limit $1)
        order by a.id";
    let accounts: Vec<Account> = read!(db, c => sqlx::query_as(ACCOUNTS).bind(ACCOUNTS_AT_ONCE).fetch_all(c))?;
    for account in &accounts {
        destroy_of(db, act, account).await?;
    }
    // Emptied once, at the end: it waits for whoever reads.
    if (1..ACCOUNTS_AT_ONCE).contains(&i64::try_from(accounts.len()).unwrap_or(i64::MAX)) {
        db.empty_log().await?;
    }
    Ok(!accounts.is_empty())
}

async fn destroy_of(db: &Db, act: &Act<'_>, account: &Account) -> sqlx::Result<()> {
    const DELETE: &str = "
        delete from kept_secrets
        where account_id = $1
        and key_id in (select s.key_id from kept_secrets s where s.account_id = $1 order by s.key_id limit $2)";
    let mut tx = db.begin_as(act, &account.id).await?;
    let destroyed = change!(&mut tx, sqlx::query(DELETE).bind(&account.id).bind(SECRETS_AT_ONCE));
    // Another node may have been here first.
    if destroyed == 0 {
        return Ok(());
    }
    let target = Target { id: &account.id, name: &account.name };
    let detail = format!("those of {}", count(destroyed, "key", "keys"));
    audit_events::record(&mut tx, act, &account.id, Action::SecretsDestroyed, target, &detail).await?;
    tx.commit().await
}
