//! Users: people of one account.

use super::{Act, Db, Tx, audit_events, change, columns, is_taken, read};
use crate::clock::Timestamp;
use crate::model::audit::{Action, Target};
use crate::model::text::fold;
use crate::model::user::{Role, User};

columns!(User { id, account_id, account_name, email, name, role, staff_since, created_at });

/// A user as the team page lists them.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: String,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub last_seen_at: Option<Timestamp>,
}

columns!(Person { id, email, name, role, last_seen_at });

pub(super) async fn insert(tx: &mut Tx, user: &User, password_hash: Option<&str>) -> sqlx::Result<()> {
    const INSERT: &str = "
        insert into users (id, account_id, email, email_folded, name, role, password_hash, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)";
    change!(
        tx,
        sqlx::query(INSERT)
            .bind(&user.id)
            .bind(&user.account_id)
            .bind(&user.email)
            .bind(fold(&user.email))
            .bind(&user.name)
            .bind(user.role.as_str())
            .bind(password_hash)
            .bind(user.created_at)
    );
    Ok(())
}

/// Adds a user to an account that exists. Answers `false` if the address is taken.
pub async fn add(db: &Db, act: &Act<'_>, user: &User, password_hash: &str) -> sqlx::Result<bool> {
    let mut tx = db.begin_on(&user.account_id).await?;
    match insert(&mut tx, user, Some(password_hash)).await {
        Err(error) if is_taken(&error) => return Ok(false),
        done => done?,
    }
    let target = Target { id: &user.id, name: &user.email };
    audit_events::record(&mut tx, act, &user.account_id, Action::UserCreated, target, user.role.in_words()).await?;
    tx.commit().await?;
    Ok(true)
}

/// The user of an address, and the hash to test a password against.
pub async fn find_by_email(db: &Db, email: &str) -> sqlx::Result<Option<(User, Option<String>)>> {
    const FIND: &str = "
        select u.id, u.account_id, a.name as account_name, u.email, u.name, u.role, u.staff_since, u.created_at
        from users u
        join accounts a on a.id = u.account_id
        where u.email_folded = $1";
    const HASH: &str = "select password_hash from users where id = $1";
    let found: Option<User> = read!(db, c => sqlx::query_as(FIND).bind(fold(email)).fetch_optional(c))?;
    let Some(user) = found else { return Ok(None) };
    let (hash,): (Option<String>,) = read!(db, c => sqlx::query_as(HASH).bind(&user.id).fetch_one(c))?;
    Ok(Some((user, hash)))
}

/// Whether a user signs in with a password. Nobody else can be asked for one.
pub async fn has_password(db: &Db, account_id: &str, id: &str) -> sqlx::Result<bool> {
    const FIND: &str = "select id from users where account_id = $1 and id = $2 and password_hash is not null";
    let found: Option<(String,)> = read!(db, c => sqlx::query_as(FIND).bind(account_id).bind(id).fetch_optional(c))?;
    Ok(found.is_some())
}

/// Everybody of an account, administrators first.
pub async fn list(db: &Db, account_id: &str) -> sqlx::Result<Vec<Person>> {
    const LIST: &str = "
        select id, email, name, role, last_seen_at
        from users
        where account_id = $1
        order by role, created_at, id";
    read!(db, c => sqlx::query_as(LIST).bind(account_id).fetch_all(c))
}
