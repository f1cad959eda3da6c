//! Usage of an account as a whole: its sums by hour and day, refusals by reason, and the keys that were used most. The
//! sums are written with the counts of the keys, so a page reads at most a row per bucket and reason.

use super::usage::Sums;
use super::usage_flush::{OfRows, add_up, flat, write};
use super::usage_list::Interval;
use super::{Db, Tx, columns, read};
use crate::clock::Timestamp;

/// Requests of one hour or day that passed, or were refused for one reason.
#[derive(Clone, Debug)]
pub struct Sum {
    pub bucket: i64,
    /// Empty for requests that passed.
    pub reason: String,
    pub count: i64,
}

columns!(Sum { bucket, reason, count });

/// A key, and how often it was used.
#[derive(Clone, Debug)]
pub struct UsedKey {
    pub key_id: String,
    pub name: String,
    pub deleted_at: Option<Timestamp>,
    pub ok: i64,
    pub refused: i64,
    /// How many keys were used at all.
    pub keys: i64,
}

columns!(UsedKey { key_id, name, deleted_at, ok, refused, keys });

pub(super) async fn add(tx: &mut Tx, sums: &Sums<'_>) -> sqlx::Result<()> {
    const HOURS: OfRows = add_up!("account_usage_hours", "account_id", "hour");
    const DAYS: OfRows = add_up!("account_usage_days", "account_id", "day");
    write(tx, HOURS, &flat(sums)).await?;
    let mut days = Sums::new();
    for ((account_id, hour, reason), count) in sums {
        *days.entry((*account_id, hour.div_euclid(24), *reason)).or_default() += count;
    }
    write(tx, DAYS, &flat(&days)).await
}

/// The sums of an account since an hour or a day.
pub async fn list(db: &Db, account_id: &str, since: (Interval, i64)) -> sqlx::Result<Vec<Sum>> {
    const HOURS: &str = "
        select u.hour as bucket, u.reason, u.count
        from account_usage_hours u
        where u.account_id = $1
        and u.hour >= $2
        order by u.hour, u.reason";
    const DAYS: &str = "
        select u.day as bucket, u.reason, u.count
        from account_usage_days u
        where u.account_id = $1
        and u.day >= $2
        order by u.day, u.reason";
    let (interval, from) = since;
    let list = if interval == Interval::Hour { HOURS } else { DAYS };
    read!(db, c => sqlx::query_as(list).bind(account_id).bind(from).fetch_all(c))
}

macro_rules! most_used {
    ($table:literal, $bucket:literal) => {
        concat!(
            "
        select t.key_id, k.name, k.deleted_at, t.ok, t.refused, t.keys
        from (
            select u.key_id, cast(sum(u.ok) as bigint) as ok, cast(sum(u.refused) as bigint) as refused,
                count(*) over () as keys
            from ",
            $table,
            " u
            where u.account_id = $1
            and u.",
            $bucket,
            " >= $2
            group by u.key_id
            order by sum(u.ok) + sum(u.refused) desc, u.key_id
            limit $3
        ) t
        join api_keys k on k.id = t.key_id
        where k.account_id = $1
        order by t.ok + t.refused desc, t.key_id"
        )
    };
}

/// The keys of an account that were used most since an hour or a day. Reads a row per key and bucket.
pub async fn most_used(db: &Db, account_id: &str, since: (Interval, i64), limit: i64) -> sqlx::Result<Vec<UsedKey>> {
    let (interval, from) = since;
    let list = match interval {
        Interval::Hour => most_used!("usage_hours", "hour"),
        Interval::Day => most_used!("usage_days", "day"),
    };
    read!(db, c => sqlx::query_as(list).bind(account_id).bind(from).bind(limit).fetch_all(c))
}
