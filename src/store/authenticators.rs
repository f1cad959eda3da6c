//! Authenticator apps: at most one a user, sealed. Of the codes each is taken once, also by two requests at a time.

use super::{Act, Db, Tx, change, columns, read, recovery_codes, second_factors, within};
use crate::clock::Timestamp;
use crate::model::audit::Action;
use crate::model::user::User;

#[derive(Clone, Debug)]
pub struct Kept {
    pub sealed_secret: String,
    pub created_at: Timestamp,
}

columns!(Kept { sealed_secret, created_at });

/// An app that has shown that it works.
#[derive(Clone, Copy, Debug)]
pub struct Proven<'a> {
    pub sealed_secret: &'a str,
    /// The step of the code that showed it: it is spent.
    pub step: i64,
}

/// The app of a user; none if what it shares with us was lost with the secret file, though it still counts as a factor.
pub async fn find(db: &Db, user_id: &str) -> sqlx::Result<Option<Kept>> {
    const FIND: &str = "
        select sealed_secret, created_at
        from authenticators
        where user_id = $1
        and sealed_secret <> ''";
    read!(db, c => sqlx::query_as(FIND).bind(user_id).fetch_optional(c))
}

/// Keeps the app of a user, in place of the one before. `code_hashes` is their set of recovery codes, if they need one.
pub async fn set(
    db: &Db,
    act: &Act<'_>,
    user: &User,
    proven: Proven<'_>,
    code_hashes: Option<&[String]>,
) -> sqlx::Result<()> {
    const SET: &str = "
        insert into authenticators (user_id, sealed_secret, created_at, last_step, secret_version)
        values ($1, $2, $3, $4, $5)
        on conflict (user_id) do update
        set sealed_secret = excluded.sealed_secret, created_at = excluded.created_at, last_step = excluded.last_step,
            secret_version = excluded.secret_version";
    let mut tx = db.begin_as(act, &user.account_id).await?;
    let version = act.keyring.version();
    let Proven { sealed_secret, step } = proven;
    change!(&mut tx, sqlx::query(SET).bind(&user.id).bind(sealed_secret).bind(act.at).bind(step).bind(version));
    if let Some(hashes) = code_hashes {
        recovery_codes::insert_set(&mut tx, act, user, hashes).await?;
    }
    second_factors::note(&mut tx, act, user, (Action::FactorAdded, "authenticator app")).await?;
    tx.commit().await
}

/// Takes the code of a step, this once. Answers `false` if it, or a newer one, was taken before.
pub async fn take(db: &Db, user_id: &str, step: i64) -> sqlx::Result<bool> {
    const TAKE: &str = "update authenticators set last_step = $2 where user_id = $1 and last_step < $2";
    let mut tx = db.begin().await?;
    let taken = change!(&mut tx, sqlx::query(TAKE).bind(user_id).bind(step));
    tx.commit().await?;
    Ok(taken > 0)
}

/// Removes the app of a user. Answers `false` if there is none.
pub async fn remove(db: &Db, act: &Act<'_>, user: &User) -> sqlx::Result<bool> {
    let mut tx = db.begin_as(act, &user.account_id).await?;
    if second_factors::stays(&mut tx, user).await? {
        return Ok(false);
    }
    if !delete(&mut tx, user).await? {
        return Ok(false);
    }
    second_factors::note(&mut tx, act, user, (Action::FactorRemoved, "authenticator app")).await?;
    recovery_codes::drop_if_last(&mut tx, user).await?;
    tx.commit().await?;
    Ok(true)
}

pub(super) async fn delete(tx: &mut Tx, user: &User) -> sqlx::Result<bool> {
    const DELETE: &str = "delete from authenticators where user_id = $1 returning user_id";
    let deleted: Option<(String,)> = within!(tx, c => sqlx::query_as(DELETE).bind(&user.id).fetch_optional(c))?;
    Ok(deleted.is_some())
}
