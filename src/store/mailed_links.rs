//! Mailed links: made for a user, used once, void once a newer one of their kind exists.

use super::{Act, Db, Tx, change, read, within};
use crate::clock::Timestamp;
use crate::model::mailed_link::{Kind, Token};
use crate::model::user::User;

/// Remembers a link for `user` and voids the older ones of its kind.
pub async fn keep(db: &Db, act: &Act<'_>, user: &User, kind: Kind, token: &Token) -> sqlx::Result<()> {
    const INSERT: &str = "
        insert into mailed_links (token_hash, kind, user_id, created_at, expires_at)
        values ($1, $2, $3, $4, $5)";
    let mut tx = db.begin_on(&user.account_id).await?;
    void(&mut tx, &user.id, kind, act.at).await?;
    change!(
        &mut tx,
        sqlx::query(INSERT)
            .bind(token.hash())
            .bind(kind.as_str())
            .bind(&user.id)
            .bind(act.at)
            .bind(act.at + kind.lifetime())
    );
    tx.commit().await
}

/// Voids the links of this kind that a user still has.
pub(super) async fn void(tx: &mut Tx, user_id: &str, kind: Kind, now: Timestamp) -> sqlx::Result<()> {
    const VOID: &str = "update mailed_links set used_at = $3 where user_id = $1 and kind = $2 and used_at is null";
    change!(tx, sqlx::query(VOID).bind(user_id).bind(kind.as_str()).bind(now));
    Ok(())
}

/// Whose link this is, if it works.
pub async fn find(db: &Db, kind: Kind, token_hash: &str, now: Timestamp) -> sqlx::Result<Option<String>> {
    const FIND: &str = "
        select user_id
        from mailed_links
        where token_hash = $1
        and kind = $2
        and used_at is null
        and expires_at > $3";
    let found: Option<(String,)> =
        read!(db, c => sqlx::query_as(FIND).bind(token_hash).bind(kind.as_str()).bind(now).fetch_optional(c))?;
    Ok(found.map(|(id,)| id))
}

/// Uses the link, this once. Answers `false` if it does not work any more.
pub(super) async fn consume(
    tx: &mut Tx,
    kind: Kind,
    token_hash: &str,
    user: &User,
    now: Timestamp,
) -> sqlx::Result<bool> {
    const USE: &str = "
        update mailed_links
        set used_at = $4
        where token_hash = $1
        and kind = $2
        and user_id = $3
        and used_at is null
        and expires_at > $4
        returning user_id";
    let consumed: Option<(String,)> = within!(tx, c => {
        sqlx::query_as(USE).bind(token_hash).bind(kind.as_str()).bind(&user.id).bind(now).fetch_optional(c)
    })?;
    Ok(consumed.is_some())
}

/// Forgets links that work no more.
pub async fn sweep(db: &Db, now: Timestamp) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    change!(&mut tx, sqlx::query("delete from mailed_links where expires_at <= $1").bind(now));
    tx.commit().await
}
