//! Sealed secrets: fresh secrets that nobody has revealed yet. A reveal consumes the row, its audit event in the same
//! transaction; whoever comes second finds nothing.

use super::{Act, Db, Tx, audit_events, change, kept_secrets, key_errands, within};
use crate::clock::Timestamp;
use crate::model::api_key::ApiKey;
use crate::model::audit::{Action, Target};
use crate::model::seal::{self, Binding};
use crate::model::secret::Secret;
use crate::model::user::User;
use crate::product::Reveal;

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

/// Keeps a new secret for as many reveals as there may be: one, or any number.
pub(super) async fn keep(
    tx: &mut Tx,
    act: &Act<'_>,
    key: (&str, &str),
    secret: &Secret,
    reveal: Reveal,
) -> sqlx::Result<()> {
    let (account_id, key_id) = key;
    match reveal {
        Reveal::Once => keep_sealed(tx, act, account_id, key_id, secret).await,
        Reveal::Again => kept_secrets::keep(tx, act, account_id, key_id, secret).await,
    }
}

/// Destroys whatever is kept of a key's secret.
pub(super) async fn destroy(tx: &mut Tx, account_id: &str, key_id: &str) -> sqlx::Result<()> {
    const SEALED: &str = "delete from sealed_secrets where account_id = $1 and key_id = $2";
    const KEPT: &str = "delete from kept_secrets where account_id = $1 and key_id = $2";
    for delete in [SEALED, KEPT] {
        change!(&mut *tx, sqlx::query(delete).bind(account_id).bind(key_id));
    }
    Ok(())
}

async fn keep_sealed(tx: &mut Tx, act: &Act<'_>, account_id: &str, key_id: &str, secret: &Secret) -> sqlx::Result<()> {
    const INSERT: &str = "
        insert into sealed_secrets (key_id, account_id, sealed, expires_at, secret_version)
        values ($1, $2, $3, $4, $5)";
    let expires_at = act.at + seal::LIFETIME;
    let binding = Binding { installation_id: act.installation_id, account_id, key_id };
    let sealed = seal::seal(secret, binding, act.keyring, act.entropy);
    let version = act.keyring.version();
    change!(tx, sqlx::query(INSERT).bind(key_id).bind(account_id).bind(sealed).bind(expires_at).bind(version));
    Ok(())
}

/// Shows the secret of `key` to whoever may see it, as often as the product definition says. Where it says once, nothing
/// that was kept for longer is opened, though it may not be destroyed yet.
///
/// # Errors
/// [`RevealError::Gone`] if there is nothing to show, or nothing any more.
pub async fn reveal(db: &Db, act: &Act<'_>, key: &ApiKey, reveal: Reveal) -> Result<Secret, RevealError> {
    match reveal {
        Reveal::Again if key.kept_at.is_some() => kept_secrets::reveal(db, act, key).await,
        // A seal from before the definition changed opens, once.
        Reveal::Again | Reveal::Once => reveal_once(db, act, key).await,
    }
}

/// Takes the sealed secret of `key`: gone if it was taken before, has expired, or never was.
async fn reveal_once(db: &Db, act: &Act<'_>, key: &ApiKey) -> Result<Secret, RevealError> {
    const TAKE: &str = "
        delete from sealed_secrets
        where key_id = $1
        and account_id = $2
        and expires_at > $3
        returning sealed";
    let mut tx = db.begin_as(act, &key.account_id).await?;
    let taken: Option<(String,)> =
        within!(&mut tx, c => sqlx::query_as(TAKE).bind(&key.id).bind(&key.account_id).bind(act.at).fetch_optional(c))?;
    let (sealed,) = taken.ok_or(RevealError::Gone)?;
    mark_revealed(&mut tx, act, key).await?;
    tx.commit().await?;
    let binding = Binding { installation_id: act.installation_id, account_id: &key.account_id, key_id: &key.id };
    Ok(seal::open(&sealed, binding, act.keyring)?)
}

/// Destroys what waits sealed, or is kept, of the keys that `user` created.
pub(super) async fn destroy_of_creator(tx: &mut Tx, user: &User) -> sqlx::Result<()> {
    const SEALED: &str = "
        delete from sealed_secrets
        where account_id = $1
        and key_id in (select id from api_keys where account_id = $1 and created_by = $2)";
    const KEPT: &str = "
        delete from kept_secrets
        where account_id = $1
        and key_id in (select id from api_keys where account_id = $1 and created_by = $2)";
    for statement in [SEALED, KEPT] {
        change!(&mut *tx, sqlx::query(statement).bind(&user.account_id).bind(&user.id));
    }
    Ok(())
}

/// Says in the record and in the log that `key` is revealed, by whom and from where.
pub(super) async fn mark_revealed(tx: &mut Tx, act: &Act<'_>, key: &ApiKey) -> sqlx::Result<()> {
    const MARK: &str =
        "update api_keys set revealed_at = $3, revealed_by = $4, revealed_ip = $5 where account_id = $1 and id = $2";
    change!(
        &mut *tx,
        sqlx::query(MARK).bind(&key.account_id).bind(&key.id).bind(act.at).bind(&act.actor.id).bind(&act.actor.ip)
    );
    let target = Target { id: &key.id, name: &key.name };
    audit_events::record(tx, act, &key.account_id, Action::KeyRevealed, target, "").await?;
    key_errands::revealed(tx, act, &key.account_id, &key.id).await
}

/// Destroys the seals that nobody opened in time.
pub async fn sweep(db: &Db, now: Timestamp) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    change!(&mut tx, sqlx::query("delete from sealed_secrets where expires_at <= $1").bind(now));
    tx.commit().await
}
