//! Passkeys: public keys by which a device vouches for its user. The counter of one only ever goes up.

use super::{Act, Db, Tx, change, columns, is_taken, read, recovery_codes, second_factors, within};
use crate::clock::Timestamp;
use crate::model::audit::Action;
use crate::model::user::User;

/// Passkeys that one user may have.
pub const MOST: usize = 20;

#[derive(Clone, Debug)]
pub struct Passkey {
    pub id: String,
    pub user_id: String,
    /// What the crate that verifies it keeps, as JSON.
    pub credential: String,
    pub name: String,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

columns!(Passkey { id, user_id, credential, name, created_at, last_used_at });

/// One that a device has just made.
#[derive(Clone, Copy, Debug)]
pub struct Fresh<'a> {
    pub credential_id: &'a str,
    pub credential: &'a str,
    pub name: &'a str,
}

pub async fn list(db: &Db, user_id: &str) -> sqlx::Result<Vec<Passkey>> {
    const LIST: &str = "
        select id, user_id, credential, name, created_at, last_used_at
        from passkeys
        where user_id = $1
        order by created_at, id";
    read!(db, c => sqlx::query_as(LIST).bind(user_id).fetch_all(c))
}

pub async fn find(db: &Db, credential_id: &str) -> sqlx::Result<Option<Passkey>> {
    const FIND: &str = "
        select id, user_id, credential, name, created_at, last_used_at
        from passkeys
        where credential_id = $1";
    read!(db, c => sqlx::query_as(FIND).bind(credential_id).fetch_optional(c))
}

/// Adds one. `code_hashes` is the user's set of recovery codes, if they need one. Answers `false` if somebody has it.
pub async fn add(
    db: &Db,
    act: &Act<'_>,
    user: &User,
    fresh: Fresh<'_>,
    code_hashes: Option<&[String]>,
) -> sqlx::Result<bool> {
    let mut tx = db.begin_as(act, &user.account_id).await?;
    match insert(&mut tx, act, user, fresh).await {
        Err(error) if is_taken(&error) => return Ok(false),
        done => done?,
    }
    if let Some(hashes) = code_hashes {
        recovery_codes::insert_set(&mut tx, act, user, hashes).await?;
    }
    second_factors::note(&mut tx, act, user, (Action::FactorAdded, &format!("passkey {}", fresh.name))).await?;
    tx.commit().await?;
    Ok(true)
}

async fn insert(tx: &mut Tx, act: &Act<'_>, user: &User, fresh: Fresh<'_>) -> sqlx::Result<()> {
    const INSERT: &str = "
        insert into passkeys (id, user_id, credential_id, credential, name, created_at)
        values ($1, $2, $3, $4, $5, $6)";
    let Fresh { credential_id, credential, name } = fresh;
    change!(
        tx,
        sqlx::query(INSERT)
            .bind(act.entropy.id("pk"))
            .bind(&user.id)
            .bind(credential_id)
            .bind(credential)
            .bind(name)
            .bind(act.at)
    );
    Ok(())
}

/// Notes a use. Of two at a time, which may be one proof sent twice, the second answers `false`.
pub async fn used(db: &Db, passkey: &Passkey, credential: &str, now: Timestamp) -> sqlx::Result<bool> {
    const USED: &str = "
        update passkeys
        set credential = $3, last_used_at = $4
        where id = $1
        and credential = $2
        and coalesce(last_used_at, 0) = $5";
    let mut tx = db.begin().await?;
    let used = change!(
        &mut tx,
        sqlx::query(USED)
            .bind(&passkey.id)
            .bind(&passkey.credential)
            .bind(credential)
            .bind(now)
            .bind(passkey.last_used_at.unwrap_or_default())
    );
    tx.commit().await?;
    Ok(used > 0)
}

/// Removes one of a user. Answers its name, or nothing if there is none.
pub async fn remove(db: &Db, act: &Act<'_>, user: &User, id: &str) -> sqlx::Result<Option<String>> {
    const DELETE: &str = "delete from passkeys where user_id = $1 and id = $2 returning name";
    let mut tx = db.begin_as(act, &user.account_id).await?;
    if second_factors::stays(&mut tx, user).await? {
        return Ok(None);
    }
    let deleted: Option<(String,)> =
        within!(&mut tx, c => sqlx::query_as(DELETE).bind(&user.id).bind(id).fetch_optional(c))?;
    let Some((name,)) = deleted else { return Ok(None) };
    second_factors::note(&mut tx, act, user, (Action::FactorRemoved, &format!("passkey {name}"))).await?;
    recovery_codes::drop_if_last(&mut tx, user).await?;
    tx.commit().await?;
    Ok(Some(name))
}

pub(super) async fn delete_all(tx: &mut Tx, user_id: &str) -> sqlx::Result<u64> {
    Ok(change!(tx, sqlx::query("delete from passkeys where user_id = $1").bind(user_id)))
}
