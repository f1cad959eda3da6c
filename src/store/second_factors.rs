//! What somebody proves beside their password: an app, passkeys, and recovery codes that stand in for them. And the
//! account's rule that everybody needs one.

use super::{
    Act, Db, Tx, audit_events, authenticators, change, columns, devices, errands, passkeys, read, recovery_codes,
    sessions, within,
};
use crate::clock::Timestamp;
use crate::model::audit::{Action, Target};
use crate::model::user::User;

/// What a user has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Factors {
    pub app_since: Option<Timestamp>,
    pub passkeys: i64,
    pub codes_left: i64,
}

columns!(Factors { app_since, passkeys, codes_left });

impl Factors {
    pub fn any(self) -> bool {
        self.app_since.is_some() || self.passkeys > 0
    }

    /// Whether it is the only one, so that removing it turns two-factor off.
    pub fn single(self) -> bool {
        i64::from(self.app_since.is_some()) + self.passkeys == 1
    }
}

const OF_USER: &str = "
    select (select created_at from authenticators where user_id = $1) as app_since,
        (select count(*) from passkeys where user_id = $1) as passkeys,
        (select count(*) from recovery_codes where user_id = $1 and spent_at is null) as codes_left";

pub async fn of(db: &Db, user_id: &str) -> sqlx::Result<Factors> {
    read!(db, c => sqlx::query_as(OF_USER).bind(user_id).fetch_one(c))
}

/// Whether there is one left, as it is in a transaction.
pub(super) async fn within(tx: &mut Tx, user_id: &str) -> sqlx::Result<bool> {
    let factors: Factors = within!(tx, c => sqlx::query_as(OF_USER).bind(user_id).fetch_one(c))?;
    Ok(factors.any())
}

/// Whether the account's rule keeps the only one that a user has, now that nobody else can change either.
pub(super) async fn stays(tx: &mut Tx, user: &User) -> sqlx::Result<bool> {
    const RULE: &str = "select id from accounts where id = $1 and two_factor_required_at is not null";
    let required: Option<(String,)> =
        within!(&mut *tx, c => sqlx::query_as(RULE).bind(&user.account_id).fetch_optional(c))?;
    let factors: Factors = within!(tx, c => sqlx::query_as(OF_USER).bind(&user.id).fetch_one(c))?;
    Ok(required.is_some() && factors.single())
}

/// Records a change of somebody's factors and tells them by mail, whoever did it.
pub(super) async fn note(
    tx: &mut Tx,
    act: &Act<'_>,
    user: &User,
    (action, detail): (Action, &str),
) -> sqlx::Result<()> {
    let target = Target { id: &user.id, name: &user.email };
    audit_events::record(tx, act, &user.account_id, action, target, detail).await?;
    let kind = match action {
        Action::FactorAdded => errands::Kind::FactorAdded,
        Action::FactorRemoved => errands::Kind::FactorRemoved,
        Action::RecoveryCodesMade => errands::Kind::RecoveryCodesMade,
        Action::RecoveryCodeSpent => errands::Kind::RecoveryCodeSpent,
        _ => return Ok(()),
    };
    errands::put_about(tx, act, kind, &user.email, detail).await
}

/// Forgets every factor of a user: of somebody who never owned the address, or at the word of whoever runs the desk.
/// Answers whether there was one.
pub(super) async fn forget_of(tx: &mut Tx, act: &Act<'_>, user: &User) -> sqlx::Result<bool> {
    let any = forget_silently(tx, user).await?;
    if any {
        note(tx, act, user, (Action::FactorRemoved, "every second factor")).await?;
    }
    Ok(any)
}

/// As [`forget_of`], as part of their removal: the record and the mail say that already.
pub(super) async fn forget_silently(tx: &mut Tx, user: &User) -> sqlx::Result<bool> {
    let app = authenticators::delete(tx, user).await?;
    let passkeys = passkeys::delete_all(tx, &user.id).await?;
    recovery_codes::delete(tx, &user.id).await?;
    Ok(app || passkeys > 0)
}

/// As [`forget_of`], for whoever lost them all.
pub async fn forget(db: &Db, act: &Act<'_>, user: &User) -> sqlx::Result<bool> {
    let mut tx = db.begin_as(act, &user.account_id).await?;
    let any = forget_of(&mut tx, act, user).await?;
    // Whoever has the lost device may be signed in with it.
    sessions::end_of_user(&mut tx, &user.id, "", act.at).await?;
    devices::forget_of(&mut tx, &user.id, "").await?;
    tx.commit().await?;
    Ok(any)
}

/// The account's rule, and how many of its people it would ask.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    pub required_at: Option<Timestamp>,
    pub people: i64,
    /// Those who have no second factor.
    pub without: i64,
}

columns!(Rule { required_at, people, without });

pub async fn rule(db: &Db, account_id: &str) -> sqlx::Result<Rule> {
    const FIND: &str = "
        select (select two_factor_required_at from accounts where id = $1) as required_at,
            count(*) as people,
            coalesce(cast(sum(
                case
                when exists (select 1 from authenticators where user_id = u.id)
                or exists (select 1 from passkeys where user_id = u.id)
                then 0 else 1 end
            ) as bigint), 0) as without
        from users u
        where u.account_id = $1
        and u.removed_at is null";
    read!(db, c => sqlx::query_as(FIND).bind(account_id).fetch_one(c))
}

/// Asks everybody of the account for a second factor from their next sign-in on, or ends that. Answers `false` if it was
/// so before.
pub async fn require(db: &Db, act: &Act<'_>, by: &User, required: bool) -> sqlx::Result<bool> {
    const TURN_ON: &str =
        "update accounts set two_factor_required_at = $2 where id = $1 and two_factor_required_at is null";
    const TURN_OFF: &str =
        "update accounts set two_factor_required_at = null where id = $1 and two_factor_required_at is not null";
    let mut tx = db.begin_as(act, &by.account_id).await?;
    let changed = if required {
        change!(&mut tx, sqlx::query(TURN_ON).bind(&by.account_id).bind(act.at))
    } else {
        change!(&mut tx, sqlx::query(TURN_OFF).bind(&by.account_id))
    };
    if changed == 0 {
        return Ok(false);
    }
    let target = Target { id: &by.account_id, name: &by.account_name };
    let detail = if required { "two-factor for everyone" } else { "two-factor for everyone no longer" };
    audit_events::record(&mut tx, act, &by.account_id, Action::RuleChanged, target, detail).await?;
    tx.commit().await?;
    Ok(true)
}
