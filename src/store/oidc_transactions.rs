//! Sign-ins on their way to the issuer and back. Each comes back once: what a callback takes is gone before the issuer is
//! asked anything.

use super::{Act, Db, change, columns, within};
use crate::clock::Timestamp;
use crate::model::oidc_transaction::{Fresh, LIFETIME, hash};

/// What a callback takes.
#[derive(Clone, Debug)]
pub struct Taken {
    pub nonce_hash: String,
    pub sealed_verifier: String,
    pub next: String,
    /// The session that it is to be connected to; empty for a sign-in.
    pub session_id: String,
}

columns!(Taken { nonce_hash, sealed_verifier, next, session_id });

/// Remembers a sign-in that begins, for the session it is to be connected to, or none.
pub async fn begin(db: &Db, act: &Act<'_>, fresh: &Fresh, next: &str, session_id: &str) -> sqlx::Result<()> {
    const INSERT: &str = "
        insert into oidc_transactions (
            browser_hash, state_hash, nonce_hash, sealed_verifier, next, session_id, created_at, expires_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8)";
    let mut tx = db.begin().await?;
    change!(
        &mut tx,
        sqlx::query(INSERT)
            .bind(hash(&fresh.browser))
            .bind(hash(&fresh.state))
            .bind(hash(&fresh.nonce))
            .bind(fresh.sealed_verifier(act.installation_id, act.keyring, act.entropy))
            .bind(next)
            .bind(session_id)
            .bind(act.at)
            .bind(act.at + LIFETIME)
    );
    tx.commit().await
}

/// Takes the sign-in that this browser began and this state belongs to, this once.
pub async fn take(db: &Db, browser_hash: &str, state: &str, now: Timestamp) -> sqlx::Result<Option<Taken>> {
    const TAKE: &str = "
        delete from oidc_transactions
        where browser_hash = $1
        and state_hash = $2
        and expires_at > $3
        returning nonce_hash, sealed_verifier, next, session_id";
    let mut tx = db.begin().await?;
    let taken: Option<Taken> = within!(&mut tx, c => {
        sqlx::query_as(TAKE).bind(browser_hash).bind(hash(state)).bind(now).fetch_optional(c)
    })?;
    tx.commit().await?;
    Ok(taken)
}

/// Forgets those that nobody came back from.
pub async fn sweep(db: &Db, now: Timestamp) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    change!(&mut tx, sqlx::query("delete from oidc_transactions where expires_at <= $1").bind(now));
    tx.commit().await
}
