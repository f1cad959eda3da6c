//! What the old generation of the secret file sealed, sealed anew under the newest: an account at a time, some rows in one
//! transaction. A secret that can be opened is known from then on by the newest generation too, though nobody used it.

use super::api_key_secrets::{self, Rehash};
use super::{Act, Db, Tx, change, columns, read, within};
use crate::model::authenticator::{self, Holder};
use crate::model::envelope::{self, Envelope};
use crate::model::seal::{self, Binding};
use crate::model::secret::Secret;

/// Accounts looked up at once.
const ACCOUNTS_AT_ONCE: i64 = 100;
/// Rows sealed in one transaction: nobody who wants to write waits longer than for these.
const ROWS_AT_ONCE: i64 = 500;

struct Row {
    /// Of the key, or of the user.
    id: String,
    sealed: String,
}

columns!(Row { id, sealed });

struct KeptRow {
    id: String,
    wrapped_key: String,
    sealed: String,
}

columns!(KeptRow { id, wrapped_key, sealed });

/// Seals anew whatever is sealed under an older generation than the newest.
pub(super) async fn all(db: &Db, act: &Act<'_>) -> sqlx::Result<()> {
    const SEALED: &str = "select distinct account_id from sealed_secrets where secret_version < $1 limit $2";
    const KEPT: &str = "select distinct account_id from kept_secrets where secret_version < $1 limit $2";
    const AUTHENTICATORS: &str = "
        select distinct u.account_id
        from authenticators a
        join users u on u.id = a.user_id
        where a.secret_version < $1
        limit $2";
    for (what, statement) in [(What::Sealed, SEALED), (What::Kept, KEPT), (What::Authenticator, AUTHENTICATORS)] {
        loop {
            let accounts: Vec<(String,)> = read!(db, c => sqlx::query_as(statement)
                .bind(act.keyring.version())
                .bind(ACCOUNTS_AT_ONCE)
                .fetch_all(c))?;
            if accounts.is_empty() {
                break;
            }
            for (account_id,) in &accounts {
                let mut tx = db.begin_on(account_id).await?;
                match what {
                    What::Sealed => sealed(&mut tx, act, account_id).await?,
                    What::Kept => kept(&mut tx, act, account_id).await?,
                    What::Authenticator => authenticators(&mut tx, act, account_id).await?,
                }
                tx.commit().await?;
            }
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum What {
    Sealed,
    Kept,
    Authenticator,
}

async fn sealed(tx: &mut Tx, act: &Act<'_>, account_id: &str) -> sqlx::Result<()> {
    const FIND: &str = "
        select key_id as id, sealed
        from sealed_secrets
        where account_id = $1
        and secret_version < $2
        limit $3";
    const KEEP: &str = "update sealed_secrets set sealed = $2, secret_version = $3 where key_id = $1";
    let version = act.keyring.version();
    let rows: Vec<Row> = within!(&mut *tx, c => sqlx::query_as(FIND)
        .bind(account_id)
        .bind(version)
        .bind(ROWS_AT_ONCE)
        .fetch_all(c))?;
    for row in rows {
        let binding = Binding { installation_id: act.installation_id, account_id, key_id: &row.id };
        let mut sealed = row.sealed;
        // One that does not open stays as it is: nothing would open it later either.
        if let Ok(secret) = seal::open(&sealed, binding, act.keyring) {
            sealed = seal::seal(&secret, binding, act.keyring, act.entropy);
            rehash(tx, act, &secret).await?;
        }
        change!(&mut *tx, sqlx::query(KEEP).bind(&row.id).bind(sealed).bind(version));
    }
    Ok(())
}

async fn kept(tx: &mut Tx, act: &Act<'_>, account_id: &str) -> sqlx::Result<()> {
    const FIND: &str = "
        select key_id as id, wrapped_key, sealed
        from kept_secrets
        where account_id = $1
        and secret_version < $2
        limit $3";
    const KEEP: &str = "update kept_secrets set wrapped_key = $2, sealed = $3, secret_version = $4 where key_id = $1";
    let version = act.keyring.version();
    let rows: Vec<KeptRow> = within!(&mut *tx, c => sqlx::query_as(FIND)
        .bind(account_id)
        .bind(version)
        .bind(ROWS_AT_ONCE)
        .fetch_all(c))?;
    for KeptRow { id, wrapped_key, sealed } in rows {
        let binding = Binding { installation_id: act.installation_id, account_id, key_id: &id };
        let mut kept = Envelope { wrapped_key, sealed };
        if let Ok(secret) = envelope::open(&kept, binding, act.keyring) {
            kept = envelope::seal(&secret, binding, act.keyring, act.entropy);
            rehash(tx, act, &secret).await?;
        }
        change!(&mut *tx, sqlx::query(KEEP).bind(&id).bind(kept.wrapped_key).bind(kept.sealed).bind(version));
    }
    Ok(())
}

async fn authenticators(tx: &mut Tx, act: &Act<'_>, account_id: &str) -> sqlx::Result<()> {
    const FIND: &str = "
        select a.user_id as id, a.sealed_secret as sealed
        from authenticators a
        join users u on u.id = a.user_id
        where u.account_id = $1
        and a.secret_version < $2
        limit $3";
    const KEEP: &str = "update authenticators set sealed_secret = $2, secret_version = $3 where user_id = $1";
    let version = act.keyring.version();
    let rows: Vec<Row> = within!(&mut *tx, c => sqlx::query_as(FIND)
        .bind(account_id)
        .bind(version)
        .bind(ROWS_AT_ONCE)
        .fetch_all(c))?;
    for Row { id, sealed } in rows {
        let holder = Holder { installation_id: act.installation_id, user_id: &id, email: "", brand: "" };
        let sealed = authenticator::reseal(&sealed, holder, act.keyring, act.entropy).unwrap_or(sealed);
        change!(&mut *tx, sqlx::query(KEEP).bind(&id).bind(sealed).bind(version));
    }
    Ok(())
}

async fn rehash(tx: &mut Tx, act: &Act<'_>, secret: &Secret) -> sqlx::Result<()> {
    let Some(old) = act.keyring.old() else { return Ok(()) };
    let rehash = Rehash { from: secret.hash(old), to: secret.hash(act.keyring), version: act.keyring.version() };
    api_key_secrets::rehash_within(tx, rehash).await
}
