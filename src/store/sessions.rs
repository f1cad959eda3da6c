//! Sessions: the authority on whether a cookie, a session token or a refresh token still means somebody. Ending one
//! ends every credential of it on its next use.

use std::time::Duration;

use super::devices::{self, Shown};
use super::{Act, Db, Tx, audit_events, change, columns, read};
use crate::clock::{Timestamp, days, hours};
use crate::model::audit::{Action, Target};
use crate::model::text;
use crate::model::user::{Role, User};

/// Beyond this without a request, a session that is not remembered has ended.
pub const IDLE: Duration = Duration::from_secs(30 * 60);
pub const ABSOLUTE: Duration = hours(12);
pub const REMEMBERED: Duration = days(30);
/// For this long after signing in, or giving the password again, somebody may do what asks for it.
pub const FRESH: Duration = Duration::from_secs(5 * 60);
/// Last use is written at most this often.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// What signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Browser { remembered: bool },
    Api,
}

/// A session that stands, and whose it is.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: String,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    /// When whoever it is last proved it.
    pub authenticated_at: Timestamp,
    pub remembered: bool,
    /// How they proved who they are (`amr`, RFC 8176), blanks between.
    pub amr: String,
    /// Whether the account asks them for a second factor that they have not set up.
    pub owes_factor: bool,
    pub user: User,
}

impl Session {
    /// Whether whoever it is proved it a moment ago: somebody else may sit there since.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now.since(self.authenticated_at) < FRESH
    }
}

struct Row {
    session_id: String,
    session_created_at: Timestamp,
    last_seen_at: Timestamp,
    authenticated_at: Timestamp,
    remembered: bool,
    amr: String,
    owes_factor: bool,
    id: String,
    account_id: String,
    account_name: String,
    email: String,
    name: String,
    role: Role,
    staff_since: Option<Timestamp>,
    created_at: Timestamp,
}

columns!(Row {
    session_id,
    session_created_at,
    last_seen_at,
    authenticated_at,
    remembered,
    amr,
    owes_factor,
    id,
    account_id,
    account_name,
    email,
    name,
    role,
    staff_since,
    created_at,
});

/// What a session starts with.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    pub kind: Kind,
    /// How they proved who they are.
    pub amr: &'a str,
    /// What they sign in with; it is known to be theirs from then on.
    pub shown: Option<Shown<'a>>,
}

/// A session that has just started.
#[derive(Clone, Debug)]
pub struct Started {
    pub id: String,
    /// Nobody had signed in as this user on the device that was shown.
    pub on_new_device: bool,
}

/// Starts a session for `user` and records the sign-in.
pub async fn start(db: &Db, act: &Act<'_>, user: &User, opening: Opening<'_>) -> sqlx::Result<Started> {
    const INSERT: &str = "
        insert into sessions (
            id, user_id, kind, created_at, last_seen_at, authenticated_at, expires_at, remembered, ip, user_agent, amr
        )
        values ($1, $2, $3, $4, $4, $4, $5, $6, $7, $8, $9)";
    let Opening { kind, amr, shown } = opening;
    let id = act.entropy.id("ses");
    let remembered = kind != Kind::Browser { remembered: false };
    let expires_at = act.at + if remembered { REMEMBERED } else { ABSOLUTE };
    let actor = act.actor.as_user(user, &id);
    let mut tx = db.begin_on(&user.account_id).await?;
    change!(
        &mut tx,
        sqlx::query(INSERT)
            .bind(&id)
            .bind(&user.id)
            .bind(if kind == Kind::Api { "api" } else { "browser" })
            .bind(act.at)
            .bind(expires_at)
            .bind(remembered)
            .bind(&actor.ip)
            .bind(&actor.user_agent)
            .bind(amr)
    );
    change!(&mut tx, sqlx::query("update users set last_seen_at = $2 where id = $1").bind(&user.id).bind(act.at));
    let target = Target { id: &user.id, name: &user.email };
    audit_events::record(&mut tx, &Act { actor: &actor, ..*act }, &user.account_id, Action::SessionCreated, target, "")
        .await?;
    let on_new_device = match shown {
        Some(shown) => devices::meet(&mut tx, act, user, &id, shown).await?,
        None => false,
    };
    tx.commit().await?;
    Ok(Started { id, on_new_device })
}

/// The session of this id, if it stands: not ended, not past its end, not idle for too long.
pub async fn find(db: &Db, id: &str, now: Timestamp) -> sqlx::Result<Option<Session>> {
    const FIND: &str = "
        select s.id as session_id, s.created_at as session_created_at, s.last_seen_at,
            coalesce(s.authenticated_at, s.created_at) as authenticated_at, s.remembered, s.amr,
            a.two_factor_required_at is not null
                and s.created_at >= a.two_factor_required_at
                and not exists (select 1 from authenticators where user_id = u.id)
                and not exists (select 1 from passkeys where user_id = u.id) as owes_factor,
            u.id, u.account_id, a.name as account_name, u.email, u.name, u.role, u.staff_since, u.created_at
        from sessions s
        join users u on u.id = s.user_id
        join accounts a on a.id = u.account_id
        where s.id = $1
        and u.removed_at is null
        and s.ended_at is null
        and s.expires_at > $2
        and (s.remembered or s.last_seen_at > $3)";
    let row: Option<Row> = read!(db, c => sqlx::query_as(FIND).bind(id).bind(now).bind(now - IDLE).fetch_optional(c))?;
    Ok(row.map(|row| Session {
        id: row.session_id,
        created_at: row.session_created_at,
        last_seen_at: row.last_seen_at,
        authenticated_at: row.authenticated_at,
        remembered: row.remembered,
        amr: row.amr,
        owes_factor: row.owes_factor,
        user: User {
            id: row.id,
            account_id: row.account_id,
            account_name: row.account_name,
            email: row.email,
            name: row.name,
            role: row.role,
            staff_since: row.staff_since,
            created_at: row.created_at,
        },
    }))
}

/// Notes that the session was used, at most once a minute.
pub async fn touch(db: &Db, session: &Session, now: Timestamp) -> sqlx::Result<()> {
    if now.since(session.last_seen_at) < TOUCH_EVERY {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    change!(&mut tx, sqlx::query("update sessions set last_seen_at = $2 where id = $1").bind(&session.id).bind(now));
    change!(&mut tx, sqlx::query("update users set last_seen_at = $2 where id = $1").bind(&session.user.id).bind(now));
    tx.commit().await
}

/// Notes that whoever is signed in has just proved it again. Answers `false` if the session has ended meanwhile.
pub async fn confirm(db: &Db, act: &Act<'_>, session: &Session) -> sqlx::Result<bool> {
    const CONFIRM: &str =
        "update sessions set authenticated_at = $3 where id = $1 and user_id = $2 and ended_at is null";
    let user = &session.user;
    let mut tx = db.begin_on(&user.account_id).await?;
    let confirmed = change!(&mut tx, sqlx::query(CONFIRM).bind(&session.id).bind(&user.id).bind(act.at));
    if confirmed == 0 {
        return Ok(false);
    }
    let target = Target { id: &user.id, name: &user.email };
    audit_events::record(&mut tx, act, &user.account_id, Action::SessionConfirmed, target, "").await?;
    tx.commit().await?;
    Ok(true)
}

/// Ends a session; every credential of it is refused from now on.
pub async fn end(db: &Db, act: &Act<'_>, session: &Session) -> sqlx::Result<()> {
    end_because(db, act, session, "").await
}

/// As [`end`], and the record says why.
pub(super) async fn end_because(db: &Db, act: &Act<'_>, session: &Session, why: &str) -> sqlx::Result<()> {
    const END: &str = "update sessions set ended_at = $2 where id = $1 and ended_at is null";
    let mut tx = db.begin_on(&session.user.account_id).await?;
    let ended = change!(&mut tx, sqlx::query(END).bind(&session.id).bind(act.at));
    if ended > 0 {
        let target = Target { id: &session.user.id, name: &session.user.email };
        audit_events::record(&mut tx, act, &session.user.account_id, Action::SessionEnded, target, why).await?;
    }
    tx.commit().await
}

/// Ends every session of a user but `kept`, as part of what is the reason for it.
pub(super) async fn end_of_user(tx: &mut Tx, user_id: &str, kept: &str, now: Timestamp) -> sqlx::Result<u64> {
    const END: &str = "update sessions set ended_at = $3 where user_id = $1 and id <> $2 and ended_at is null";
    Ok(change!(tx, sqlx::query(END).bind(user_id).bind(kept).bind(now)))
}

/// Ends every session of mine but this one. Answers how many.
pub async fn end_others(db: &Db, act: &Act<'_>, mine: &Session) -> sqlx::Result<u64> {
    let user = &mine.user;
    let mut tx = db.begin_on(&user.account_id).await?;
    let ended = end_of_user(&mut tx, &user.id, &mine.id, act.at).await?;
    devices::forget_of(&mut tx, &user.id, &mine.id).await?;
    if ended > 0 {
        let target = Target { id: &user.id, name: &user.email };
        let detail = format!("all others, {}", text::count(ended, "session", "sessions"));
        audit_events::record(&mut tx, act, &user.account_id, Action::SessionEnded, target, &detail).await?;
    }
    tx.commit().await?;
    Ok(ended)
}

/// Ends one session of a user. Answers `false` if it is none of theirs, or has ended.
pub async fn end_one(db: &Db, act: &Act<'_>, user: &User, id: &str) -> sqlx::Result<bool> {
    const END: &str = "update sessions set ended_at = $3 where id = $1 and user_id = $2 and ended_at is null";
    let mut tx = db.begin_on(&user.account_id).await?;
    let ended = change!(&mut tx, sqlx::query(END).bind(id).bind(&user.id).bind(act.at));
    if ended > 0 {
        devices::forget_one(&mut tx, &user.id, id).await?;
        let target = Target { id: &user.id, name: &user.email };
        audit_events::record(&mut tx, act, &user.account_id, Action::SessionEnded, target, "from another").await?;
    }
    tx.commit().await?;
    Ok(ended > 0)
}

/// A session as its owner lists it.
#[derive(Clone, Debug)]
pub struct Listed {
    pub id: String,
    pub kind: String,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub ip: String,
    pub user_agent: String,
}

columns!(Listed { id, kind, created_at, last_seen_at, ip, user_agent });

/// The session of this id, whether it stands or not, unless whose it is was removed.
pub async fn find_listed(db: &Db, id: &str) -> sqlx::Result<Option<Listed>> {
    const FIND: &str = "
        select s.id, s.kind, s.created_at, s.last_seen_at, s.ip, s.user_agent
        from sessions s
        join users u on u.id = s.user_id
        where s.id = $1
        and u.removed_at is null";
    read!(db, c => sqlx::query_as(FIND).bind(id).fetch_optional(c))
}

/// The sessions of a user that stand, the latest used first.
pub async fn list(db: &Db, user_id: &str, now: Timestamp) -> sqlx::Result<Vec<Listed>> {
    const LIST: &str = "
        select id, kind, created_at, last_seen_at, ip, user_agent
        from sessions
        where user_id = $1
        and ended_at is null
        and expires_at > $2
        and (remembered or last_seen_at > $3)
        order by last_seen_at desc, id
        limit 200";
    read!(db, c => sqlx::query_as(LIST).bind(user_id).bind(now).bind(now - IDLE).fetch_all(c))
}
