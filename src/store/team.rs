//! The team: another role, or none any more. Both happen under the account's lock, where one administrator always stays;
//! both end every session of the person at once, and tell them by mail.

use super::{
    Act, Db, Tx, api_keys, audit_events, change, devices, errands, identities, invitations, mailed_links, read,
    second_factors, sessions, within,
};
use crate::model::api_key::ApiKey;
use crate::model::audit::{Action, Target};
use crate::model::mailed_link::Kind;
use crate::model::text;
use crate::model::user::{Role, User};

/// Why somebody stays as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// They are not of the team any more.
    Gone,
    /// Nobody could manage the account without them.
    LastAdministrator,
    /// Whoever asked has lost the right meanwhile.
    NotAdministrator,
}

/// What becomes of the keys that a leaver created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    Keep,
    Delete,
}

/// Gives somebody another role. Answers whether it is another one.
pub async fn change_role(db: &Db, act: &Act<'_>, person: &User, role: Role) -> sqlx::Result<Result<bool, Refused>> {
    const SET: &str = "update users set role = $3 where account_id = $1 and id = $2";
    let mut tx = db.begin_as(act, &person.account_id).await?;
    let before = match role_now(&mut tx, act, person, role == Role::Administrator).await? {
        Err(refused) => return Ok(Err(refused)),
        Ok(before) if before == role => return Ok(Ok(false)),
        Ok(before) => before,
    };
    sessions::end_of_user(&mut tx, &person.id, "", act.at).await?;
    change!(&mut tx, sqlx::query(SET).bind(&person.account_id).bind(&person.id).bind(role.as_str()));
    if before == Role::Administrator {
        invitations::withdraw_of(&mut tx, act, person).await?;
    }
    let detail = format!("from {before} to {role}");
    record(&mut tx, act, person, (Action::MemberRoleChanged, &detail)).await?;
    errands::put_about(&mut tx, act, errands::Kind::RoleChanged, &person.email, &person.id).await?;
    tx.commit().await?;
    Ok(Ok(true))
}

/// Removes somebody from the account. Their address is free again; what they did stays in the record. Answers how many of
/// the keys that they created were deleted.
pub async fn remove(db: &Db, act: &Act<'_>, person: &User, keys: Keys) -> sqlx::Result<Result<u64, Refused>> {
    const REMOVE: &str = "update users set removed_at = $3, email_folded = id where account_id = $1 and id = $2";
    let mut tx = db.begin_as(act, &person.account_id).await?;
    if let Err(refused) = role_now(&mut tx, act, person, false).await? {
        return Ok(Err(refused));
    }
    sessions::end_of_user(&mut tx, &person.id, "", act.at).await?;
    devices::forget_of(&mut tx, &person.id, "").await?;
    for kind in [Kind::Reset, Kind::Verify] {
        mailed_links::void(&mut tx, &person.id, kind, act.at).await?;
    }
    identities::forget_of(&mut tx, act, person).await?;
    second_factors::forget_silently(&mut tx, person).await?;
    change!(&mut tx, sqlx::query(REMOVE).bind(&person.account_id).bind(&person.id).bind(act.at));
    invitations::withdraw_of(&mut tx, act, person).await?;
    let deleted = match keys {
        Keys::Keep => 0,
        Keys::Delete => delete_keys_of(&mut tx, act, person).await?,
    };
    let detail = match deleted {
        0 => String::new(),
        deleted => format!("with {}", text::count(deleted, "key", "keys")),
    };
    record(&mut tx, act, person, (Action::MemberRemoved, &detail)).await?;
    errands::put_about(&mut tx, act, errands::Kind::Removed, &person.email, &person.id).await?;
    tx.commit().await?;
    Ok(Ok(deleted))
}

/// The role of `person` now that nobody else can change it, unless something stands in the way.
async fn role_now(
    tx: &mut Tx,
    act: &Act<'_>,
    person: &User,
    stays_administrator: bool,
) -> sqlx::Result<Result<Role, Refused>> {
    const FIND: &str = "select role from users where account_id = $1 and id = $2 and removed_at is null";
    let administrators = administrators(tx, &person.account_id).await?;
    if !may_change(act, &administrators) {
        return Ok(Err(Refused::NotAdministrator));
    }
    let found: Option<(Role,)> =
        within!(tx, c => sqlx::query_as(FIND).bind(&person.account_id).bind(&person.id).fetch_optional(c))?;
    Ok(match found {
        None => Err(Refused::Gone),
        Some(_) if administrators == [person.id.as_str()] && !stays_administrator => Err(Refused::LastAdministrator),
        Some((role,)) => Ok(role),
    })
}

/// The ids of an account's administrators, as they are in a transaction that holds the account's lock.
pub(super) async fn administrators(tx: &mut Tx, account_id: &str) -> sqlx::Result<Vec<String>> {
    const LIST: &str = "
        select id
        from users
        where account_id = $1
        and role = 'administrator'
        and removed_at is null";
    let found: Vec<(String,)> = within!(tx, c => sqlx::query_as(LIST).bind(account_id).fetch_all(c))?;
    Ok(found.into_iter().map(|(id,)| id).collect())
}

/// Whether who acts is still one of them: two who remove each other at the same moment do not both succeed.
pub(super) fn may_change(act: &Act<'_>, administrators: &[String]) -> bool {
    act.actor.kind != "user" || administrators.contains(&act.actor.id)
}

/// The keys that somebody created, those used last first.
pub async fn keys_of(db: &Db, person: &User, limit: i64) -> sqlx::Result<Vec<ApiKey>> {
    const LIST: &str = api_keys::select_key!(
        "\nwhere k.account_id = $1\nand k.created_by = $2\nand k.deleted_at is null",
        "\norder by coalesce(k.last_used_at, 0) desc, k.id\nlimit $3"
    );
    read!(db, c => sqlx::query_as(LIST).bind(&person.account_id).bind(&person.id).bind(limit).fetch_all(c))
}

/// How many keys somebody created that there are.
pub async fn count_keys_of(db: &Db, person: &User) -> sqlx::Result<u64> {
    const COUNT: &str =
        "select count(*) from api_keys where account_id = $1 and created_by = $2 and deleted_at is null";
    let (count,): (i64,) =
        read!(db, c => sqlx::query_as(COUNT).bind(&person.account_id).bind(&person.id).fetch_one(c))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// The name of the account that somebody was removed from.
pub async fn account_left(db: &Db, id: &str) -> sqlx::Result<Option<String>> {
    const FIND: &str = "
        select a.name
        from users u
        join accounts a on a.id = u.account_id
        where u.id = $1
        and u.removed_at is not null";
    let found: Option<(String,)> = read!(db, c => sqlx::query_as(FIND).bind(id).fetch_optional(c))?;
    Ok(found.map(|(name,)| name))
}

async fn delete_keys_of(tx: &mut Tx, act: &Act<'_>, person: &User) -> sqlx::Result<u64> {
    const LIST: &str =
        "select id from api_keys where account_id = $1 and created_by = $2 and deleted_at is null order by id";
    let ids: Vec<(String,)> =
        within!(&mut *tx, c => sqlx::query_as(LIST).bind(&person.account_id).bind(&person.id).fetch_all(c))?;
    let mut deleted = 0;
    for (id,) in ids {
        let key = api_keys::delete_within(tx, act, &person.account_id, &id, "with its creator").await?;
        deleted += u64::from(key.is_some());
    }
    Ok(deleted)
}

async fn record(tx: &mut Tx, act: &Act<'_>, person: &User, (action, detail): (Action, &str)) -> sqlx::Result<()> {
    let target = Target { id: &person.id, name: &person.email };
    audit_events::record(tx, act, &person.account_id, action, target, detail).await
}
