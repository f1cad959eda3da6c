//! Users: people of one account.

use super::{
    Act, Db, Tx, audit_events, change, columns, devices, errands, identities, invitations, is_taken, mailed_links,
    read, sealed_secrets, second_factors, sessions,
};
use crate::clock::Timestamp;
use crate::model::audit::{Action, Target};
use crate::model::mailed_link::Kind;
use crate::model::text::fold;
use crate::model::user::{Role, User};
use crate::store::devices::Shown;

columns!(User { id, account_id, account_name, email, name, role, staff_since, created_at });

/// A user as the team page lists them.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: String,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub last_seen_at: Option<Timestamp>,
    /// Whether they have a second factor.
    pub has_factor: bool,
}

columns!(Person { id, email, name, role, last_seen_at, has_factor });

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
    let mut tx = db.begin_as(act, &user.account_id).await?;
    match insert(&mut tx, user, Some(password_hash)).await {
        Err(error) if is_taken(&error) => return Ok(false),
        done => done?,
    }
    let target = Target { id: &user.id, name: &user.email };
    audit_events::record(&mut tx, act, &user.account_id, Action::UserCreated, target, user.role.in_words()).await?;
    tx.commit().await?;
    Ok(true)
}

struct WithHash {
    id: String,
    account_id: String,
    account_name: String,
    email: String,
    name: String,
    role: Role,
    staff_since: Option<Timestamp>,
    created_at: Timestamp,
    password_hash: Option<String>,
}

columns!(WithHash { id, account_id, account_name, email, name, role, staff_since, created_at, password_hash });

/// The user of an address, unless they were removed, and the hash to test a password against. One query, whether there is
/// such a user or not: a second one for those that exist could be told by the clock.
pub async fn find_by_email(db: &Db, email: &str) -> sqlx::Result<Option<(User, Option<String>)>> {
    const FIND: &str = "
        select u.id, u.account_id, a.name as account_name, u.email, u.name, u.role, u.staff_since, u.created_at,
            u.password_hash
        from users u
        join accounts a on a.id = u.account_id
        where u.email_folded = $1
        and u.removed_at is null";
    let found: Option<WithHash> = read!(db, c => sqlx::query_as(FIND).bind(fold(email)).fetch_optional(c))?;
    Ok(found.map(|found| {
        let WithHash { id, account_id, account_name, email, name, role, staff_since, created_at, password_hash } =
            found;
        (User { id, account_id, account_name, email, name, role, staff_since, created_at }, password_hash)
    }))
}

/// Whether a user signs in with a password. Nobody else can be asked for one.
pub async fn has_password(db: &Db, account_id: &str, id: &str) -> sqlx::Result<bool> {
    const FIND: &str = "select id from users where account_id = $1 and id = $2 and password_hash is not null";
    let found: Option<(String,)> = read!(db, c => sqlx::query_as(FIND).bind(account_id).bind(id).fetch_optional(c))?;
    Ok(found.is_some())
}

/// Everybody who is of an account, administrators first.
pub async fn list(db: &Db, account_id: &str) -> sqlx::Result<Vec<Person>> {
    const LIST: &str = "
        select u.id, u.email, u.name, u.role, u.last_seen_at,
            exists (select 1 from authenticators where user_id = u.id)
                or exists (select 1 from passkeys where user_id = u.id) as has_factor
        from users u
        where u.account_id = $1
        and u.removed_at is null
        order by u.role, u.created_at, u.id";
    read!(db, c => sqlx::query_as(LIST).bind(account_id).fetch_all(c))
}

/// How somebody signs in, for their security page.
#[derive(Clone, Copy, Debug)]
pub struct WaysIn {
    pub has_password: bool,
    pub email_verified_at: Option<Timestamp>,
    pub password_changed_at: Option<Timestamp>,
}

columns!(WaysIn { has_password, email_verified_at, password_changed_at });

pub async fn ways_in(db: &Db, user_id: &str) -> sqlx::Result<WaysIn> {
    const FIND: &str = "
        select password_hash is not null as has_password, email_verified_at, password_changed_at
        from users
        where id = $1";
    read!(db, c => sqlx::query_as(FIND).bind(user_id).fetch_one(c))
}

/// The user of this id, unless they were removed.
pub async fn find(db: &Db, id: &str) -> sqlx::Result<Option<User>> {
    const FIND: &str = "
        select u.id, u.account_id, a.name as account_name, u.email, u.name, u.role, u.staff_since, u.created_at
        from users u
        join accounts a on a.id = u.account_id
        where u.id = $1
        and u.removed_at is null";
    read!(db, c => sqlx::query_as(FIND).bind(id).fetch_optional(c))
}

/// The user of this id in an account.
pub async fn find_in(db: &Db, account_id: &str, id: &str) -> sqlx::Result<Option<User>> {
    Ok(find(db, id).await?.filter(|user| user.account_id == account_id))
}

/// Gives somebody another password. Every session of theirs but `kept` ends with it, and so does every link to a new
/// password.
pub async fn change_password(db: &Db, act: &Act<'_>, user: &User, password_hash: &str, kept: &str) -> sqlx::Result<()> {
    let mut tx = db.begin_as(act, &user.account_id).await?;
    set_password(&mut tx, act, user, password_hash, kept).await?;
    record(&mut tx, act, user, Action::PasswordChanged).await?;
    tx.commit().await
}

/// A new password by a mailed link.
#[derive(Clone, Copy, Debug)]
pub struct Reset<'a> {
    pub token_hash: &'a str,
    pub password_hash: &'a str,
    /// The browser that holds the link.
    pub shown: Shown<'a>,
}

/// As [`change_password`], by a mailed link, this once. Answers `false` if the link does not work any more. From then on
/// they are known on the device that is shown, and on no other: whoever reads their mail gets in again however many
/// strangers try, and whoever had the old password is a stranger.
///
/// Whoever holds the link owns the address. If nobody had proven that before, the account may be a stranger's who signed up
/// with it: what they left unrevealed is destroyed, and who they are elsewhere is forgotten.
pub async fn reset_password(db: &Db, act: &Act<'_>, user: &User, reset: Reset<'_>) -> sqlx::Result<bool> {
    let mut tx = db.begin_as(act, &user.account_id).await?;
    if !mailed_links::consume(&mut tx, Kind::Reset, reset.token_hash, user, act.at).await? {
        return Ok(false);
    }
    if mark_proven(&mut tx, user, act.at).await? {
        sealed_secrets::destroy_of_creator(&mut tx, user).await?;
        identities::forget_of(&mut tx, act, user).await?;
        invitations::withdraw_of(&mut tx, act, user).await?;
        second_factors::forget_of(&mut tx, act, user).await?;
    }
    set_password(&mut tx, act, user, reset.password_hash, "").await?;
    devices::introduce(&mut tx, act, user, None, reset.shown).await?;
    record(&mut tx, act, user, Action::PasswordReset).await?;
    tx.commit().await?;
    Ok(true)
}

async fn set_password(tx: &mut Tx, act: &Act<'_>, user: &User, password_hash: &str, kept: &str) -> sqlx::Result<()> {
    const SET: &str = "update users set password_hash = $2, password_changed_at = $3 where id = $1";
    change!(&mut *tx, sqlx::query(SET).bind(&user.id).bind(password_hash).bind(act.at));
    sessions::end_of_user(tx, &user.id, kept, act.at).await?;
    // Whoever had the old password may have signed in with it: their next sign-in is news again.
    devices::forget_of(tx, &user.id, kept).await?;
    mailed_links::void(tx, &user.id, Kind::Reset, act.at).await?;
    let event = format!("password_changed {}", act.entropy.id("evt"));
    errands::put(tx, act, errands::Kind::PasswordChanged, &user.email, &event).await
}

/// Proves somebody's address by a mailed link, this once. Answers `false` if the link does not work any more.
pub async fn prove_email(db: &Db, act: &Act<'_>, user: &User, token_hash: &str) -> sqlx::Result<bool> {
    let mut tx = db.begin_as(act, &user.account_id).await?;
    if !mailed_links::consume(&mut tx, Kind::Verify, token_hash, user, act.at).await? {
        return Ok(false);
    }
    prove(&mut tx, act, user).await?;
    tx.commit().await?;
    Ok(true)
}

/// Notes that the address is theirs, and records it. Answers whether nobody had proven it before.
pub(super) async fn prove(tx: &mut Tx, act: &Act<'_>, user: &User) -> sqlx::Result<bool> {
    let first = mark_proven(tx, user, act.at).await?;
    if first {
        record(tx, act, user, Action::EmailVerified).await?;
    }
    Ok(first)
}

/// Takes somebody's password away. Answers whether they had one.
pub(super) async fn remove_password(tx: &mut Tx, user: &User, now: Timestamp) -> sqlx::Result<bool> {
    const REMOVE: &str = "
        update users
        set password_hash = null, password_changed_at = $2
        where id = $1
        and password_hash is not null";
    Ok(change!(tx, sqlx::query(REMOVE).bind(&user.id).bind(now)) > 0)
}

/// Answers whether nobody had proven the address before.
pub(super) async fn mark_proven(tx: &mut Tx, user: &User, now: Timestamp) -> sqlx::Result<bool> {
    const MARK: &str = "update users set email_verified_at = $2 where id = $1 and email_verified_at is null";
    Ok(change!(tx, sqlx::query(MARK).bind(&user.id).bind(now)) > 0)
}

/// Makes somebody support staff of the platform, or ends it and with it their sessions. Answers `false` if they were so
/// before.
pub async fn set_staff(db: &Db, act: &Act<'_>, user: &User, staff: bool) -> sqlx::Result<bool> {
    const ADD: &str = "update users set staff_since = $2 where id = $1 and staff_since is null and removed_at is null";
    const REMOVE: &str = "update users set staff_since = null where id = $1 and staff_since is not null";
    let mut tx = db.begin_as(act, &user.account_id).await?;
    let changed = if staff {
        change!(&mut tx, sqlx::query(ADD).bind(&user.id).bind(act.at))
    } else {
        sessions::end_of_user(&mut tx, &user.id, "", act.at).await?;
        change!(&mut tx, sqlx::query(REMOVE).bind(&user.id))
    };
    if changed == 0 {
        return Ok(false);
    }
    record(&mut tx, act, user, if staff { Action::StaffAdded } else { Action::StaffRemoved }).await?;
    tx.commit().await?;
    Ok(true)
}

async fn record(tx: &mut Tx, act: &Act<'_>, user: &User, action: Action) -> sqlx::Result<()> {
    let target = Target { id: &user.id, name: &user.email };
    audit_events::record(tx, act, &user.account_id, action, target, "").await
}
