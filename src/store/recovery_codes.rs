//! Recovery codes: a set of hashes a user, each spent once. A new set replaces the old; without a factor there is none.

use super::{Act, Db, Tx, change, second_factors, within};
use crate::model::audit::Action;
use crate::model::user::User;

/// Gives a user another set; the codes they had are void.
pub async fn replace(db: &Db, act: &Act<'_>, user: &User, hashes: &[String]) -> sqlx::Result<()> {
    let mut tx = db.begin_as(act, &user.account_id).await?;
    insert_set(&mut tx, act, user, hashes).await?;
    second_factors::note(&mut tx, act, user, (Action::RecoveryCodesMade, "")).await?;
    tx.commit().await
}

pub(super) async fn insert_set(tx: &mut Tx, act: &Act<'_>, user: &User, hashes: &[String]) -> sqlx::Result<()> {
    const INSERT: &str = "insert into recovery_codes (code_hash, user_id, created_at) values ($1, $2, $3)";
    delete(tx, &user.id).await?;
    for hash in hashes {
        change!(&mut *tx, sqlx::query(INSERT).bind(hash).bind(&user.id).bind(act.at));
    }
    Ok(())
}

/// Spends a code of a user, and tells them. Answers `false` if it is none of theirs, or was spent before.
pub async fn spend(db: &Db, act: &Act<'_>, user: &User, hash: &str) -> sqlx::Result<bool> {
    const SPEND: &str = "
        update recovery_codes
        set spent_at = $3
        where code_hash = $2
        and user_id = $1
        and spent_at is null";
    const LEFT: &str = "select count(*) from recovery_codes where user_id = $1 and spent_at is null";
    let mut tx = db.begin_as(act, &user.account_id).await?;
    if change!(&mut tx, sqlx::query(SPEND).bind(&user.id).bind(hash).bind(act.at)) == 0 {
        return Ok(false);
    }
    let (left,): (i64,) = within!(&mut tx, c => sqlx::query_as(LEFT).bind(&user.id).fetch_one(c))?;
    second_factors::note(&mut tx, act, user, (Action::RecoveryCodeSpent, &format!("{left} left"))).await?;
    tx.commit().await?;
    Ok(true)
}

/// Without a factor, codes that stand in for one open nothing and must not come back with the next.
pub(super) async fn drop_if_last(tx: &mut Tx, user: &User) -> sqlx::Result<()> {
    if second_factors::within(tx, &user.id).await? {
        return Ok(());
    }
    delete(tx, &user.id).await
}

pub(super) async fn delete(tx: &mut Tx, user_id: &str) -> sqlx::Result<()> {
    change!(tx, sqlx::query("delete from recovery_codes where user_id = $1").bind(user_id));
    Ok(())
}
