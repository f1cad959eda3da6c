//! Accounts: the organisation that keys, inboxes and people belong to.

use super::count::LOOK;
use super::{Act, Db, Tx, audit_events, change, errands, identities, is_taken, read, users};
use crate::model::audit::{Action, Actor, Target};
use crate::model::id_token::Identity;
use crate::model::user::{Role, User};
use crate::store::api_keys::{self, Issue};
use crate::store::identities::NotLinked;

/// Who signs up, and what for.
#[derive(Clone, Copy, Debug)]
pub struct SignUp<'a> {
    pub account_name: &'a str,
    pub email: &'a str,
    pub name: &'a str,
    pub way_in: WayIn<'a>,
}

/// What whoever signs up signs in with from then on.
#[derive(Clone, Copy, Debug)]
pub enum WayIn<'a> {
    /// The hash of a password. The address is theirs to prove.
    Password(&'a str),
    /// Somebody whose issuer has verified the address.
    Identity(&'a Identity),
}

/// What the navigation says beside its entries.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// No more than are counted.
    pub keys: i64,
    pub inboxes: i64,
    pub people: i64,
}

super::columns!(Counts { keys, inboxes, people });

/// Makes the account, its administrator and its first key (if the definition gives one) in one transaction.
///
/// Answers `None` if the address or the identity is taken; then nothing was made.
pub async fn sign_up(
    db: &Db,
    act: &Act<'_>,
    sign_up: SignUp<'_>,
    first_key: Option<Issue<'_>>,
) -> sqlx::Result<Option<User>> {
    let mut tx = db.begin().await?;
    let user = User {
        id: act.entropy.id("usr"),
        account_id: act.entropy.id("acc"),
        account_name: sign_up.account_name.into(),
        email: sign_up.email.into(),
        name: sign_up.name.into(),
        role: Role::Administrator,
        staff_since: None,
        created_at: act.at,
    };
    insert(&mut tx, &user).await?;
    let password_hash = match sign_up.way_in {
        WayIn::Password(hash) => Some(hash),
        WayIn::Identity(_) => None,
    };
    match users::insert(&mut tx, &user, password_hash).await {
        Err(error) if is_taken(&error) => return Ok(None),
        done => done?,
    }
    let actor = if act.actor.kind == "cli" { act.actor.clone() } else { act.actor.as_user(&user, "") };
    let act = Act { actor: &actor, ..*act };
    let account = Target { id: &user.account_id, name: &user.account_name };
    audit_events::record(&mut tx, &act, &user.account_id, Action::AccountCreated, account, "").await?;
    if let Some(issue) = first_key {
        api_keys::insert(&mut tx, &act, &user.account_id, issue).await?;
    }
    match open_way(&mut tx, &act, &user, sign_up.way_in).await {
        Err(NotLinked::Taken) => return Ok(None),
        Err(NotLinked::Database(error)) => return Err(error),
        Ok(()) => {}
    }
    tx.commit().await?;
    Ok(Some(user))
}

async fn open_way(tx: &mut Tx, act: &Act<'_>, user: &User, way_in: WayIn<'_>) -> Result<(), NotLinked> {
    match way_in {
        WayIn::Password(_) => {
            let event = format!("verify_email {}", user.id);
            errands::put(tx, act, errands::Kind::VerifyEmail, &user.email, &event).await?;
        }
        WayIn::Identity(identity) => {
            identities::insert(tx, act, user, identity).await?;
            users::prove(tx, act, user).await?;
        }
    }
    Ok(())
}

async fn insert(tx: &mut Tx, user: &User) -> sqlx::Result<()> {
    const INSERT: &str = "insert into accounts (id, name, created_at) values ($1, $2, $3)";
    change!(tx, sqlx::query(INSERT).bind(&user.account_id).bind(&user.account_name).bind(user.created_at));
    Ok(())
}

pub async fn counts(db: &Db, account_id: &str) -> sqlx::Result<Counts> {
    const COUNTS: &str = "
        select
            (select count(*) from (
                select 1 as one
                from api_keys k
                where k.account_id = $1
                and (case when k.deleted_at is null then 0 else 1 end) = 0
                limit $2
            ) counted) as keys,
            (select count(*) from inboxes where account_id = $1 and deleted_at is null) as inboxes,
            (select count(*) from users where account_id = $1 and removed_at is null) as people";
    read!(db, c => sqlx::query_as(COUNTS).bind(account_id).bind(LOOK).fetch_one(c))
}

/// Records something that changed nothing but must be in the log: a refused reveal.
pub async fn note(db: &Db, act: &Act<'_>, account_id: &str, action: Action, target: Target<'_>) -> sqlx::Result<()> {
    note_with(db, act, account_id, (action, target, "")).await
}

/// Refused sign-ins of somebody we know, in the log of their account.
pub async fn note_refused_sign_in(db: &Db, act: &Act<'_>, user: &User, times: u64) -> sqlx::Result<()> {
    let stranger = Actor { name: "Unknown".into(), kind: "visitor".into(), ..act.actor.clone() };
    let target = Target { id: &user.id, name: &user.email };
    let detail = if times == 1 { String::new() } else { format!("{times} times") };
    let act = Act { actor: &stranger, ..*act };
    note_with(db, &act, &user.account_id, (Action::SessionRefused, target, &detail)).await
}

/// That the audit log was exported, and what of it.
pub async fn note_export(db: &Db, act: &Act<'_>, account_id: &str, detail: &str) -> sqlx::Result<()> {
    let target = Target { id: account_id, name: "Audit log" };
    note_with(db, act, account_id, (Action::AuditExported, target, detail)).await
}

pub(super) async fn note_with(
    db: &Db,
    act: &Act<'_>,
    account_id: &str,
    (action, target, detail): (Action, Target<'_>, &str),
) -> sqlx::Result<()> {
    let mut tx = db.begin_on(account_id).await?;
    audit_events::record(&mut tx, act, account_id, action, target, detail).await?;
    tx.commit().await
}
