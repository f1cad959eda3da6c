//! Usage: what was counted in memory, written in batches: per key per hour, last use, first request, addresses.

use super::{Db, Tx, change, columns, read};
use crate::clock::Timestamp;
use crate::model::usage::UsageHour;

columns!(UsageHour { hour, ok, refused });

/// What a key was used for since the last flush.
#[derive(Clone, Debug)]
pub struct KeyUse {
    pub key_id: String,
    pub hours: Vec<UsageHour>,
    /// The last request that passed.
    pub last: Option<LastUse>,
    /// The first request of this batch that passed, and when; as JSON.
    pub first_request: Option<(Timestamp, String)>,
    pub addresses: Vec<(String, Timestamp)>,
}

#[derive(Clone, Debug)]
pub struct LastUse {
    pub at: Timestamp,
    pub ip: String,
    pub secret_hash: String,
}

/// One key's counted day, as the list needs it.
#[derive(Clone, Debug)]
pub struct KeyDay {
    pub key_id: String,
    pub day: i64,
    pub ok: i64,
    pub refused: i64,
}

columns!(KeyDay { key_id, day, ok, refused });

/// Writes a batch in one transaction.
pub async fn flush(db: &Db, batch: &[KeyUse]) -> sqlx::Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    for key_use in batch {
        add(&mut tx, key_use).await?;
    }
    tx.commit().await
}

async fn add(tx: &mut Tx, key_use: &KeyUse) -> sqlx::Result<()> {
    const HOUR: &str = "
        insert into usage_hours (key_id, hour, ok, refused, account_id)
        values ($1, $2, $3, $4, (select account_id from api_keys where id = $1))
        on conflict (key_id, hour) do update
        set ok = usage_hours.ok + excluded.ok, refused = usage_hours.refused + excluded.refused, account_id = excluded.account_id";
    const DAY: &str = "
        insert into usage_days (key_id, day, ok, refused, account_id)
        values ($1, $2, $3, $4, (select account_id from api_keys where id = $1))
        on conflict (key_id, day) do update
        set ok = usage_days.ok + excluded.ok, refused = usage_days.refused + excluded.refused, account_id = excluded.account_id";
    const ADDRESS: &str = "
        insert into usage_addresses (key_id, ip, last_seen_at)
        values ($1, $2, $3)
        on conflict (key_id, ip) do update set last_seen_at = excluded.last_seen_at";
    for hour in &key_use.hours {
        change!(&mut *tx, sqlx::query(HOUR).bind(&key_use.key_id).bind(hour.hour).bind(hour.ok).bind(hour.refused));
        change!(
            &mut *tx,
            sqlx::query(DAY).bind(&key_use.key_id).bind(hour.hour.div_euclid(24)).bind(hour.ok).bind(hour.refused)
        );
    }
    for (ip, at) in &key_use.addresses {
        change!(&mut *tx, sqlx::query(ADDRESS).bind(&key_use.key_id).bind(ip).bind(*at));
    }
    match &key_use.last {
        Some(last) => mark_used(tx, key_use, last).await,
        None => Ok(()),
    }
}

async fn mark_used(tx: &mut Tx, key_use: &KeyUse, last: &LastUse) -> sqlx::Result<()> {
    const KEY: &str = "update api_keys set last_used_at = $2, last_used_ip = $3 where id = $1";
    const SECRET: &str = "update api_key_secrets set last_used_at = $2, last_used_ip = $3 where secret_hash = $1";
    const FIRST: &str =
        "update api_keys set first_used_at = $2, first_request = $3 where id = $1 and first_used_at is null";
    change!(&mut *tx, sqlx::query(KEY).bind(&key_use.key_id).bind(last.at).bind(&last.ip));
    change!(&mut *tx, sqlx::query(SECRET).bind(&last.secret_hash).bind(last.at).bind(&last.ip));
    if let Some((at, request)) = &key_use.first_request {
        change!(tx, sqlx::query(FIRST).bind(&key_use.key_id).bind(*at).bind(request));
    }
    Ok(())
}

/// The first request of the account that passed, as JSON.
pub async fn first_request(db: &Db, account_id: &str) -> sqlx::Result<Option<String>> {
    const FIND: &str = "
        select first_request
        from api_keys
        where account_id = $1
        and first_used_at is not null
        order by first_used_at
        limit 1";
    let found: Option<(Option<String>,)> = read!(db, c => sqlx::query_as(FIND).bind(account_id).fetch_optional(c))?;
    Ok(found.and_then(|(request,)| request))
}

/// The hours of one key since `from_hour`.
pub async fn list_hours(db: &Db, account_id: &str, key_id: &str, from_hour: i64) -> sqlx::Result<Vec<UsageHour>> {
    const LIST: &str = "
        select h.hour, h.ok, h.refused
        from usage_hours h
        join api_keys k on k.id = h.key_id
        where k.account_id = $1
        and h.key_id = $2
        and h.hour >= $3
        order by h.hour";
    read!(db, c => sqlx::query_as(LIST).bind(account_id).bind(key_id).bind(from_hour).fetch_all(c))
}

/// The addresses that a key was used from since `since`, the latest first.
pub async fn list_addresses(db: &Db, account_id: &str, key_id: &str, since: Timestamp) -> sqlx::Result<Vec<String>> {
    const LIST: &str = "
        select a.ip
        from usage_addresses a
        join api_keys k on k.id = a.key_id
        where k.account_id = $1
        and a.key_id = $2
        and a.last_seen_at >= $3
        order by a.last_seen_at desc, a.ip
        limit 100";
    let rows: Vec<(String,)> =
        read!(db, c => sqlx::query_as(LIST).bind(account_id).bind(key_id).bind(since).fetch_all(c))?;
    Ok(rows.into_iter().map(|(ip,)| ip).collect())
}
