//! The rules that an account makes for itself, beside the one for second factors: how long new keys may live.

use super::{Act, Db, audit_events, change, columns, read};
use crate::clock::Timestamp;
use crate::model::audit::{Action, Target};
use crate::model::key_lifetime::KeyLifetime;
use crate::model::user::User;

struct Row {
    longest_key_days: Option<i64>,
    key_expiry_required_at: Option<Timestamp>,
}

columns!(Row { longest_key_days, key_expiry_required_at });

pub async fn key_lifetime(db: &Db, account_id: &str) -> sqlx::Result<KeyLifetime> {
    const FIND: &str = "select longest_key_days, key_expiry_required_at from accounts where id = $1";
    let row: Row = read!(db, c => sqlx::query_as(FIND).bind(account_id).fetch_one(c))?;
    Ok(KeyLifetime {
        longest_days: row.longest_key_days.and_then(|days| u64::try_from(days).ok()),
        expiry_required: row.key_expiry_required_at.is_some(),
    })
}

/// Makes it the rule for keys from now on; those that there are keep their expiry. `said` is how the record puts it.
pub async fn set_key_lifetime(db: &Db, act: &Act<'_>, by: &User, rule: KeyLifetime, said: &str) -> sqlx::Result<()> {
    const SET: &str = "
        update accounts
        set longest_key_days = $2,
            key_expiry_required_at = case when $3 then coalesce(key_expiry_required_at, $4) end
        where id = $1";
    let longest = rule.longest_days.and_then(|days| i64::try_from(days).ok());
    let mut tx = db.begin_as(act, &by.account_id).await?;
    change!(&mut tx, sqlx::query(SET).bind(&by.account_id).bind(longest).bind(rule.expiry_required).bind(act.at));
    let target = Target { id: &by.account_id, name: &by.account_name };
    audit_events::record(&mut tx, act, &by.account_id, Action::RuleChanged, target, said).await?;
    tx.commit().await
}
