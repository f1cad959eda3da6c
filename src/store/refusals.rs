//! Refused requests by their id, for thirty days and no more than so many rows: a flood at one account displaces that
//! account's own, and never the disk.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Db, change, columns, read};
use crate::clock::{Timestamp, days};

const KEPT: Duration = days(30);
/// Rows of one account, and of nobody.
const MOST_OF_ONE: i64 = 10_000;
/// Rows in all, but for those that come between two sweeps.
const MOST: i64 = 200_000;
/// Rows deleted in one transaction.
const CHUNK: i64 = 1000;

/// A request that was refused.
#[derive(Clone, Debug)]
pub struct Refused {
    pub request_id: String,
    pub at: Timestamp,
    pub reason: String,
    /// Empty where nobody was known.
    pub account_id: String,
    /// Empty where it was a session, or nobody.
    pub key_id: String,
    /// Of the secret that came, if it is one of the key.
    pub last4: String,
    pub method: String,
    pub path: String,
    pub ip: String,
    pub user_agent: String,
    /// What the request took, with a space between two.
    pub scopes: String,
    pub inboxes: String,
    /// What the key had instead, or the rule that the request met; moments in microseconds.
    pub had: String,
}

columns!(Refused {
    request_id,
    at,
    reason,
    account_id,
    key_id,
    last4,
    method,
    path,
    ip,
    user_agent,
    scopes,
    inboxes,
    had,
});

/// Writes a batch, and how many of each hour are not in it, in one transaction.
pub async fn write(db: &Db, batch: &[Refused], not_kept: &BTreeMap<i64, i64>) -> sqlx::Result<()> {
    const INSERT: &str = "
        insert into refusals (
            request_id, at, reason, account_id, key_id, last4, method, path, ip, user_agent, scopes, inboxes, had
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        on conflict do nothing";
    const NOT_KEPT: &str = "
        insert into refusals_not_kept (hour, count)
        values ($1, $2)
        on conflict (hour) do update set count = refusals_not_kept.count + excluded.count";
    let mut tx = db.begin().await?;
    for refused in batch {
        change!(
            &mut tx,
            sqlx::query(INSERT)
                .bind(&refused.request_id)
                .bind(refused.at)
                .bind(&refused.reason)
                .bind(&refused.account_id)
                .bind(&refused.key_id)
                .bind(&refused.last4)
                .bind(&refused.method)
                .bind(&refused.path)
                .bind(&refused.ip)
                .bind(&refused.user_agent)
                .bind(&refused.scopes)
                .bind(&refused.inboxes)
                .bind(&refused.had)
        );
    }
    for (hour, count) in not_kept {
        change!(&mut tx, sqlx::query(NOT_KEPT).bind(*hour).bind(*count));
    }
    tx.commit().await
}

/// The newest refusals of a key.
pub async fn list_of_key(db: &Db, account_id: &str, key_id: &str, limit: i64) -> sqlx::Result<Vec<Refused>> {
    const LIST: &str = "
        select request_id, at, reason, account_id, key_id, last4, method, path, ip, user_agent, scopes, inboxes, had
        from refusals
        where account_id = $1
        and key_id = $2
        order by at desc, request_id
        limit $3";
    read!(db, c => sqlx::query_as(LIST).bind(account_id).bind(key_id).bind(limit).fetch_all(c))
}

/// Refused requests since `since` that were not kept one by one.
pub async fn count_not_kept(db: &Db, since: Timestamp) -> sqlx::Result<i64> {
    const COUNT: &str = "select cast(coalesce(sum(count), 0) as bigint) from refusals_not_kept where hour >= $1";
    let (count,): (i64,) = read!(db, c => sqlx::query_as(COUNT).bind(since.hour()).fetch_one(c))?;
    Ok(count)
}

/// Forgets what is older than thirty days, and the oldest of what is too much.
pub async fn sweep(db: &Db, now: Timestamp) -> sqlx::Result<()> {
    const OLD_COUNTS: &str = "delete from refusals_not_kept where hour < $1";
    while delete_oldest(db, now - KEPT, CHUNK).await? > 0 {}
    for (account_id, count) in owners(db).await? {
        let mut beyond = count - MOST_OF_ONE;
        while beyond > 0 {
            let chunk = beyond.min(CHUNK);
            delete_oldest_of(db, &account_id, chunk).await?;
            beyond -= chunk;
        }
    }
    let mut beyond = owners(db).await?.iter().map(|(_, count)| count).sum::<i64>() - MOST;
    while beyond > 0 {
        let chunk = beyond.min(CHUNK);
        delete_oldest(db, now, chunk).await?;
        beyond -= chunk;
    }
    let mut tx = db.begin().await?;
    change!(&mut tx, sqlx::query(OLD_COUNTS).bind((now - KEPT).hour()));
    tx.commit().await
}

async fn owners(db: &Db) -> sqlx::Result<Vec<(String, i64)>> {
    const OWNERS: &str = "select account_id, count(*) from refusals group by account_id";
    read!(db, c => sqlx::query_as(OWNERS).fetch_all(c))
}

async fn delete_oldest(db: &Db, before: Timestamp, most: i64) -> sqlx::Result<u64> {
    const DELETE: &str = "
        delete from refusals
        where request_id in (select request_id from refusals where at < $1 order by at limit $2)";
    let mut tx = db.begin().await?;
    let deleted = change!(&mut tx, sqlx::query(DELETE).bind(before).bind(most));
    tx.commit().await?;
    Ok(deleted)
}

async fn delete_oldest_of(db: &Db, account_id: &str, most: i64) -> sqlx::Result<()> {
    const DELETE: &str = "
        delete from refusals
        where request_id in (select request_id from refusals where account_id = $1 order by at limit $2)";
    let mut tx = db.begin().await?;
    change!(&mut tx, sqlx::query(DELETE).bind(account_id).bind(most));
    tx.commit().await
}
