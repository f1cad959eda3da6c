//! Hours that are over for long become days: each key's day keeps its sums, and its hours go. A chunk is one transaction
//! over a bounded number of keys, so nobody waits long for the database, and a kill between two chunks loses nothing.

use super::{Db, Tx, change, read, within};

/// Keys whose day is rolled up at once.
const KEYS_AT_ONCE: i64 = 100;

/// Rolls up some of the hours before `before`, a number of hours that begins a day. Answers whether there may be more.
pub async fn roll_up_some(db: &Db, before: i64) -> sqlx::Result<bool> {
    const OLDEST: &str = "
        select a.id, (select min(h.hour) from usage_hours h where h.account_id = a.id)
        from accounts a
        where exists (select 1 from usage_hours h where h.account_id = a.id and h.hour < $1)
        order by a.id
        limit 1";
    let oldest: Option<(String, i64)> = read!(db, c => sqlx::query_as(OLDEST).bind(before).fetch_optional(c))?;
    let Some((account_id, hour)) = oldest else { return Ok(false) };
    let day = hour.div_euclid(24);
    let mut tx = db.begin().await?;
    for key_id in keys_of_day(&mut tx, &account_id, day).await? {
        roll_up(&mut tx, &key_id, day).await?;
    }
    forget_account_hours(&mut tx, &account_id, day).await?;
    tx.commit().await?;
    Ok(true)
}

async fn keys_of_day(tx: &mut Tx, account_id: &str, day: i64) -> sqlx::Result<Vec<String>> {
    const LIST: &str = "
        select distinct h.key_id
        from usage_hours h
        where h.account_id = $1
        and h.hour >= $2
        and h.hour < $3
        order by h.key_id
        limit $4";
    let found: Vec<(String,)> = within!(tx, c => sqlx::query_as(LIST)
        .bind(account_id)
        .bind(day * 24)
        .bind((day + 1) * 24)
        .bind(KEYS_AT_ONCE)
        .fetch_all(c))?;
    Ok(found.into_iter().map(|(id,)| id).collect())
}

/// The day is counted with its hours; where an older version beside this one counted only the hours, it is made up for.
async fn roll_up(tx: &mut Tx, key_id: &str, day: i64) -> sqlx::Result<()> {
    const DAY: &str = "
        insert into usage_days (key_id, day, ok, refused, account_id, ok_old)
        select h.key_id, $2, cast(sum(h.ok) as bigint), cast(sum(h.refused) as bigint), max(h.account_id),
            cast(sum(h.ok_old) as bigint)
        from usage_hours h
        where h.key_id = $1
        and h.hour >= $3
        and h.hour < $4
        group by h.key_id
        on conflict (key_id, day) do update
        set ok = excluded.ok, refused = excluded.refused, ok_old = excluded.ok_old
        where excluded.ok + excluded.refused > usage_days.ok + usage_days.refused";
    const REASONS: &str = "
        insert into usage_refusal_days (key_id, day, reason, count)
        select r.key_id, $2, r.reason, cast(sum(r.count) as bigint)
        from usage_refusals r
        where r.key_id = $1
        and r.hour >= $3
        and r.hour < $4
        group by r.key_id, r.reason
        on conflict (key_id, day, reason) do update
        set count = excluded.count
        where excluded.count > usage_refusal_days.count";
    const FORGET_HOURS: &str = "delete from usage_hours where key_id = $1 and hour >= $2 and hour < $3";
    const FORGET_REASONS: &str = "delete from usage_refusals where key_id = $1 and hour >= $2 and hour < $3";
    let (first, next) = (day * 24, (day + 1) * 24);
    for keep in [DAY, REASONS] {
        change!(&mut *tx, sqlx::query(keep).bind(key_id).bind(day).bind(first).bind(next));
    }
    for forget in [FORGET_HOURS, FORGET_REASONS] {
        change!(&mut *tx, sqlx::query(forget).bind(key_id).bind(first).bind(next));
    }
    Ok(())
}

/// The account's hours up to the end of `day`; its days have them.
async fn forget_account_hours(tx: &mut Tx, account_id: &str, day: i64) -> sqlx::Result<()> {
    const FORGET: &str = "delete from account_usage_hours where account_id = $1 and hour < $2";
    change!(tx, sqlx::query(FORGET).bind(account_id).bind((day + 1) * 24));
    Ok(())
}
