//! Sealed secrets: fresh secrets that nobody has revealed yet. A reveal consumes the row, its audit event in the same
//! transaction; whoever comes second finds nothing.

use super::{Act, Db, Tx, audit_events, change, within};
use crate::clock::Timestamp;
use crate::model::api_key::ApiKey;
use crate::model::audit::{Action, Target};
use crate::model::seal::{self, Binding};
use crate::model::secret::Secret;
use crate::model::user::User;

/// Why there is nothing to reveal.
#[derive(Debug, thiserror::Error)]
pub enum RevealError {
    #[error("the secret is not sealed any more")]
    Gone,
    #[error(transparent)]
    Broken(#[from] seal::Broken),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

pub(super) async fn keep_sealed(
    tx: &mut Tx,
    act: &Act<'_>,
    account_id: &str,
    key_id: &str,
    secret: &Secret,
) -> sqlx::Result<()> {
    const INSERT: &str = "insert into sealed_secrets (key_id, account_id, sealed, expires_at) values ($1, $2, $3, $4)";
    let binding = Binding { installation_id: act.installation_id, account_id, key_id };
    let sealed = seal::seal(secret, binding, act.keyring, act.entropy);
    change!(tx, sqlx::query(INSERT).bind(key_id).bind(account_id).bind(sealed).bind(act.at + seal::LIFETIME));
    Ok(())
}

/// Takes the sealed secret of `key`, this once.
///
/// # Errors
/// [`RevealError::Gone`] if it was taken before, has expired, or never was.
pub async fn reveal(db: &Db, act: &Act<'_>, key: &ApiKey) -> Result<Secret, RevealError> {
    const TAKE: &str = "
        delete from sealed_secrets
        where key_id = $1
        and account_id = $2
        and expires_at > $3
        returning sealed";
    const MARK: &str =
        "update api_keys set revealed_at = $3, revealed_by = $4, revealed_ip = $5 where account_id = $1 and id = $2";
    let mut tx = db.begin_on(&key.account_id).await?;
    let taken: Option<(String,)> =
        within!(&mut tx, c => sqlx::query_as(TAKE).bind(&key.id).bind(&key.account_id).bind(act.at).fetch_optional(c))?;
    let (sealed,) = taken.ok_or(RevealError::Gone)?;
    change!(
        &mut tx,
        sqlx::query(MARK).bind(&key.account_id).bind(&key.id).bind(act.at).bind(&act.actor.id).bind(&act.actor.ip)
    );
    audit_events::record(
        &mut tx,
        act,
        &key.account_id,
        Action::KeyRevealed,
        Target { id: &key.id, name: &key.name },
        "",
    )
    .await?;
    tx.commit().await?;
    let binding = Binding { installation_id: act.installation_id, account_id: &key.account_id, key_id: &key.id };
    Ok(seal::open(&sealed, binding, act.keyring)?)
}

/// Destroys what waits sealed of the keys that `user` created.
pub(super) async fn destroy_of_creator(tx: &mut Tx, user: &User) -> sqlx::Result<()> {
    const DESTROY: &str = "
        delete from sealed_secrets
        where account_id = $1
        and key_id in (select id from api_keys where account_id = $1 and created_by = $2)";
    change!(tx, sqlx::query(DESTROY).bind(&user.account_id).bind(&user.id));
    Ok(())
}

/// Destroys the seals that nobody opened in time.
pub async fn sweep(db: &Db, now: Timestamp) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    change!(&mut tx, sqlx::query("delete from sealed_secrets where expires_at <= $1").bind(now));
    tx.commit().await
}
