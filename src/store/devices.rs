//! Known devices: browsers and programs that somebody signed in with. Met as a session starts, in its transaction; the
//! first sign-in on another one is told by email. What a user does against strangers who know the password, they forget.

use super::{Act, Db, Tx, change, errands, read, within};
use crate::clock::Timestamp;
use crate::model::known_device::{LIFETIME, mark_of_program};
use crate::model::text::fold;
use crate::model::user::User;

/// Devices of a kind that a user is known by; beyond it the one unused longest is forgotten.
const MOST: i64 = 20;

/// What comes to a sign-in.
#[derive(Clone, Copy, Debug)]
pub enum Shown<'a> {
    Browser {
        /// The hash of what its cookie holds, if it has one.
        hash: Option<&'a str>,
        /// The hash of what it gets if it is new to whoever signs in. Never what it came with: that may have been planted
        /// by somebody who kept a copy.
        fresh_hash: &'a str,
    },
    /// It carries no cookie.
    Program,
}

impl Shown<'_> {
    fn kind(self) -> &'static str {
        match self {
            Self::Browser { .. } => "browser",
            Self::Program => "program",
        }
    }
}

/// Notes that `user` starts a session on what is shown. Answers whether it is new to them; unless it is the first session
/// that they ever had, they are told.
pub(super) async fn meet(
    tx: &mut Tx,
    act: &Act<'_>,
    user: &User,
    session_id: &str,
    shown: Shown<'_>,
) -> sqlx::Result<bool> {
    const EARLIER: &str = "select id from sessions where user_id = $1 and id <> $2 limit 1";
    if greet(tx, act, user, session_id, shown).await? {
        return Ok(false);
    }
    introduce(tx, act, user, Some(session_id), shown).await?;
    let earlier: Option<(String,)> =
        within!(&mut *tx, c => sqlx::query_as(EARLIER).bind(&user.id).bind(session_id).fetch_optional(c))?;
    if earlier.is_some() {
        errands::put_about(tx, act, errands::Kind::NewDevice, &user.email, session_id).await?;
    }
    Ok(true)
}

/// Notes that a known device was used. Answers `false` if it is not known.
async fn greet(tx: &mut Tx, act: &Act<'_>, user: &User, session_id: &str, shown: Shown<'_>) -> sqlx::Result<bool> {
    const TOUCH: &str = "
        update devices
        set last_seen_at = $3, session_id = $4
        where token_hash = $1
        and user_id = $2
        and last_seen_at > $5";
    let hash = match shown {
        Shown::Browser { hash: None, .. } => return Ok(false),
        Shown::Browser { hash: Some(hash), .. } => hash.to_owned(),
        Shown::Program => mark_of_program(&act.actor.user_agent, &act.actor.ip),
    };
    let oldest = act.at - LIFETIME;
    let known = change!(tx, sqlx::query(TOUCH).bind(hash).bind(&user.id).bind(act.at).bind(session_id).bind(oldest));
    Ok(known > 0)
}

/// Makes what is shown a device of `user`. Whoever else is known by this browser stays so, by what it holds from now on.
pub(super) async fn introduce(
    tx: &mut Tx,
    act: &Act<'_>,
    user: &User,
    session_id: Option<&str>,
    shown: Shown<'_>,
) -> sqlx::Result<()> {
    const HAND_OVER: &str = "update devices set token_hash = $2 where token_hash = $1";
    const INSERT: &str = "
        insert into devices (token_hash, user_id, kind, created_at, last_seen_at, user_agent, session_id)
        values ($1, $2, $3, $4, $4, $5, $6)
        on conflict (token_hash, user_id) do update
        set created_at = excluded.created_at, last_seen_at = excluded.last_seen_at, session_id = excluded.session_id";
    let hash = match shown {
        Shown::Browser { hash, fresh_hash } => {
            if let Some(old) = hash {
                change!(&mut *tx, sqlx::query(HAND_OVER).bind(old).bind(fresh_hash));
            }
            fresh_hash.to_owned()
        }
        Shown::Program => mark_of_program(&act.actor.user_agent, &act.actor.ip),
    };
    change!(
        &mut *tx,
        sqlx::query(INSERT)
            .bind(hash)
            .bind(&user.id)
            .bind(shown.kind())
            .bind(act.at)
            .bind(&act.actor.user_agent)
            .bind(session_id)
    );
    forget_beyond_most(tx, &user.id, shown.kind()).await
}

async fn forget_beyond_most(tx: &mut Tx, user_id: &str, kind: &str) -> sqlx::Result<()> {
    const FORGET: &str = "
        delete from devices
        where user_id = $1
        and kind = $2
        and token_hash not in (
            select token_hash
            from devices
            where user_id = $1
            and kind = $2
            order by last_seen_at desc, created_at desc, token_hash
            limit $3
        )";
    change!(tx, sqlx::query(FORGET).bind(user_id).bind(kind).bind(MOST));
    Ok(())
}

/// Forgets every device of a user but the one that the session `kept` was started on.
pub(super) async fn forget_of(tx: &mut Tx, user_id: &str, kept: &str) -> sqlx::Result<()> {
    const FORGET: &str = "delete from devices where user_id = $1 and (session_id is null or session_id <> $2)";
    change!(tx, sqlx::query(FORGET).bind(user_id).bind(kept));
    Ok(())
}

/// Forgets the device that a session of a user was started on.
pub(super) async fn forget_one(tx: &mut Tx, user_id: &str, session_id: &str) -> sqlx::Result<()> {
    change!(
        tx,
        sqlx::query("delete from devices where user_id = $1 and session_id = $2").bind(user_id).bind(session_id)
    );
    Ok(())
}

/// Whether the browser that holds this token is known to be used by whoever signs in with `email`. Starts at the token, so
/// that it takes as long for an address that nobody has.
pub async fn is_known(db: &Db, token_hash: &str, email: &str, now: Timestamp) -> sqlx::Result<bool> {
    const FIND: &str = "
        select d.user_id
        from devices d
        join users u on u.id = d.user_id
        where d.token_hash = $1
        and d.kind = 'browser'
        and d.last_seen_at > $3
        and u.email_folded = $2
        and u.removed_at is null";
    let found: Option<(String,)> = read!(db, c => {
        sqlx::query_as(FIND).bind(token_hash).bind(fold(email)).bind(now - LIFETIME).fetch_optional(c)
    })?;
    Ok(found.is_some())
}

/// Forgets the devices that nobody has signed in with for so long.
pub async fn sweep(db: &Db, now: Timestamp) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    change!(&mut tx, sqlx::query("delete from devices where last_seen_at <= $1").bind(now - LIFETIME));
    tx.commit().await
}
