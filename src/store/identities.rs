//! Identities: who users are at the issuer they sign in with. Known by issuer and subject, never by the address. What an
//! unproven owner left behind goes with the first identity that proves the address.

use super::{
    Act, Db, Tx, audit_events, change, columns, devices, errands, invitations, mailed_links, read, sealed_secrets,
    second_factors, sessions, users, within,
};
use crate::clock::Timestamp;
use crate::model::audit::{Action, Target};
use crate::model::id_token::Identity;
use crate::model::mailed_link::Kind;
use crate::model::user::User;

/// What a user's security page says of their identity.
#[derive(Clone, Debug)]
pub struct Connected {
    pub email: String,
    pub created_at: Timestamp,
}

columns!(Connected { email, created_at });

/// Why an identity was not linked.
#[derive(Debug, thiserror::Error)]
pub enum NotLinked {
    /// It is somebody else's, or they have another one of this issuer.
    #[error("the identity, or its place, is taken")]
    Taken,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Whose identity this is.
pub async fn find_user(db: &Db, identity: &Identity) -> sqlx::Result<Option<User>> {
    const FIND: &str = "select user_id from identities where issuer = $1 and subject = $2";
    let found: Option<(String,)> = read!(db, c => {
        sqlx::query_as(FIND).bind(&identity.issuer).bind(&identity.subject).fetch_optional(c)
    })?;
    match found {
        Some((id,)) => users::find(db, &id).await,
        None => Ok(None),
    }
}

/// The identity that a user has at an issuer.
pub async fn of_user(db: &Db, user_id: &str, issuer: &str) -> sqlx::Result<Option<Connected>> {
    const FIND: &str = "select email, created_at from identities where user_id = $1 and issuer = $2";
    read!(db, c => sqlx::query_as(FIND).bind(user_id).bind(issuer).fetch_optional(c))
}

/// Notes that somebody signs in with it.
pub async fn touch(db: &Db, identity: &Identity, now: Timestamp) -> sqlx::Result<()> {
    const TOUCH: &str = "update identities set last_used_at = $3 where issuer = $1 and subject = $2";
    let mut tx = db.begin().await?;
    change!(&mut tx, sqlx::query(TOUCH).bind(&identity.issuer).bind(&identity.subject).bind(now));
    tx.commit().await
}

/// Links it from inside a session of `user`, whatever its address; if the address is theirs, it is proven by that.
///
/// # Errors
/// [`NotLinked::Taken`] if it is somebody's, or they have one.
pub async fn connect(db: &Db, act: &Act<'_>, user: &User, identity: &Identity) -> Result<(), NotLinked> {
    let mut tx = db.begin_as(act, &user.account_id).await?;
    insert(&mut tx, act, user, identity).await?;
    // To the letter: two addresses that fold alike, such as by a Kelvin sign, can be two people's.
    if identity.email.eq_ignore_ascii_case(&user.email) {
        users::prove(&mut tx, act, user).await?;
    }
    tell(&mut tx, act, user, errands::Kind::IdentityLinked).await?;
    Ok(tx.commit().await?)
}

/// Links it because its verified address is the user's. If nobody had proven the address before, the account may be a
/// stranger's who signed up with it: their password, their sessions and links, their identities and what they left
/// unrevealed are gone with this, and the owner is told.
///
/// # Errors
/// [`NotLinked::Taken`] if a proven owner has another one of this issuer.
pub async fn link_by_address(db: &Db, act: &Act<'_>, user: &User, identity: &Identity) -> Result<(), NotLinked> {
    let mut tx = db.begin_as(act, &user.account_id).await?;
    if users::prove(&mut tx, act, user).await? {
        let had_password = users::remove_password(&mut tx, user, act.at).await?;
        sessions::end_of_user(&mut tx, &user.id, "", act.at).await?;
        devices::forget_of(&mut tx, &user.id, "").await?;
        mailed_links::void(&mut tx, &user.id, Kind::Reset, act.at).await?;
        mailed_links::void(&mut tx, &user.id, Kind::Verify, act.at).await?;
        sealed_secrets::destroy_of_creator(&mut tx, user).await?;
        forget_of(&mut tx, act, user).await?;
        invitations::withdraw_of(&mut tx, act, user).await?;
        second_factors::forget_of(&mut tx, act, user).await?;
        if had_password {
            tell(&mut tx, act, user, errands::Kind::PasswordRemoved).await?;
        }
    }
    insert(&mut tx, act, user, identity).await?;
    tell(&mut tx, act, user, errands::Kind::IdentityLinked).await?;
    Ok(tx.commit().await?)
}

/// Disconnects a user's identity at an issuer, unless it is their only way in. Answers whether it did.
pub async fn disconnect(db: &Db, act: &Act<'_>, user: &User, issuer: &str) -> sqlx::Result<bool> {
    const DELETE: &str = "
        delete from identities
        where user_id = $1
        and issuer = $2
        and exists (select 1 from users where id = $1 and password_hash is not null)
        returning email";
    let mut tx = db.begin_as(act, &user.account_id).await?;
    let deleted: Option<(String,)> =
        within!(&mut tx, c => sqlx::query_as(DELETE).bind(&user.id).bind(issuer).fetch_optional(c))?;
    let Some((email,)) = deleted else { return Ok(false) };
    record(&mut tx, act, user, Action::IdentityUnlinked, &said(issuer, &email)).await?;
    tell(&mut tx, act, user, errands::Kind::IdentityUnlinked).await?;
    tx.commit().await?;
    Ok(true)
}

/// Makes the identity a user's, and records it.
pub(super) async fn insert(tx: &mut Tx, act: &Act<'_>, user: &User, identity: &Identity) -> Result<(), NotLinked> {
    const INSERT: &str = "
        insert into identities (issuer, subject, user_id, email, created_at, last_used_at)
        values ($1, $2, $3, $4, $5, $5)
        on conflict do nothing";
    let Identity { issuer, subject, email } = identity;
    let inserted =
        change!(&mut *tx, sqlx::query(INSERT).bind(issuer).bind(subject).bind(&user.id).bind(email).bind(act.at));
    if inserted == 0 {
        return Err(NotLinked::Taken);
    }
    Ok(record(tx, act, user, Action::IdentityLinked, &said(issuer, email)).await?)
}

/// Forgets every identity of a user whose address somebody else has proven.
pub(super) async fn forget_of(tx: &mut Tx, act: &Act<'_>, user: &User) -> sqlx::Result<()> {
    const DELETE: &str = "delete from identities where user_id = $1 returning issuer, email";
    let forgotten: Vec<(String, String)> = within!(tx, c => sqlx::query_as(DELETE).bind(&user.id).fetch_all(c))?;
    for (issuer, email) in forgotten {
        record(tx, act, user, Action::IdentityUnlinked, &said(&issuer, &email)).await?;
    }
    Ok(())
}

/// As in: `accounts.google.com as ana@halden.example`.
fn said(issuer: &str, email: &str) -> String {
    let host = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
    format!("{host} as {email}")
}

async fn tell(tx: &mut Tx, act: &Act<'_>, user: &User, kind: errands::Kind) -> sqlx::Result<()> {
    let event = format!("{} {}", kind.as_str(), act.entropy.id("evt"));
    errands::put(tx, act, kind, &user.email, &event).await
}

async fn record(tx: &mut Tx, act: &Act<'_>, user: &User, action: Action, detail: &str) -> sqlx::Result<()> {
    let target = Target { id: &user.id, name: &user.email };
    audit_events::record(tx, act, &user.account_id, action, target, detail).await
}
