//! Writes what was counted in memory, in batches: per key per hour and day, refusals by reason, last use, first request,
//! addresses, scopes; and the sums of the accounts beside it, in the same transaction. A statement takes the rows of all its
//! keys at once, as JSON: a statement a row costs more than the row.

use std::collections::BTreeMap;

use serde::Serialize;

use super::usage::{KeyUse, LastUse, Sums};
use super::{Db, Tx, TxConnection, account_usage, change, usage_scopes, within};
use crate::clock::Timestamp;
use crate::model::usage::UsageHour;

/// One statement in the words of each database: SQLite's, and `PostgreSQL`'s. `e.value` is a row, an array in JSON.
pub(super) type OfRows = [&'static str; 2];

/// Puts a source of rows between the beginning and the end of a statement.
macro_rules! of_rows {
    ($before:expr, $after:expr) => {
        [
            concat!($before, " from json_each($1) e where true ", $after),
            concat!($before, " from json_array_elements(cast($1 as json)) e (value) where true ", $after),
        ]
    };
}

/// Adds up what was counted of a key or an account, for one reason, in a bucket of a table.
macro_rules! add_up {
    ($table:literal, $of:literal, $bucket:literal) => {
        $crate::store::usage_flush::of_rows!(
            concat!(
                "
        insert into ",
                $table,
                " (",
                $of,
                ", ",
                $bucket,
                ", reason, count)
        select e.value ->> 0, cast(e.value ->> 1 as bigint), e.value ->> 2, cast(e.value ->> 3 as bigint)"
            ),
            concat!(
                "
        on conflict (",
                $of,
                ", ",
                $bucket,
                ", reason) do update
        set count = ",
                $table,
                ".count + excluded.count"
            )
        )
    };
}

/// Adds up the requests of a key in a bucket of a table. A row's account stays as it is: of what an update names, SQLite rewrites
/// every index.
macro_rules! add_requests {
    ($table:literal, $bucket:literal) => {
        of_rows!(
            concat!(
                "
        insert into ",
                $table,
                " (key_id, ",
                $bucket,
                ", ok, refused, account_id, ok_old)
        select e.value ->> 0, cast(e.value ->> 1 as bigint), cast(e.value ->> 2 as bigint),
            cast(e.value ->> 3 as bigint), e.value ->> 4, cast(e.value ->> 5 as bigint)"
            ),
            concat!(
                "
        on conflict (key_id, ",
                $bucket,
                ") do update
        set ok = ",
                $table,
                ".ok + excluded.ok, refused = ",
                $table,
                ".refused + excluded.refused, ok_old = ",
                $table,
                ".ok_old + excluded.ok_old"
            )
        )
    };
}

/// Marks secrets as used; what is said of each, from rows in JSON.
macro_rules! mark_secrets {
    ($said:literal, $grouped:literal) => {
        of_rows!(
            concat!(
                "
        update api_key_secrets
        set last_used_at = u.at, last_used_ip = u.ip, used = used + u.passed, used_retiring = used_retiring + u.retiring
        from (
            select ",
                $said
            ),
            concat!($grouped, ") u where api_key_secrets.secret_hash = u.hash")
        )
    };
}
pub(super) use {add_up, of_rows};

/// What is counted of a key, an hour or day, and a reason.
type Counts<'a> = BTreeMap<(&'a str, i64, &'a str), i64>;

/// Requests of a bucket: passed, refused, and passed with a retiring secret; and the account.
#[derive(Default)]
struct Bucket<'a> {
    ok: i64,
    refused: i64,
    ok_old: i64,
    account_id: &'a str,
}

/// Runs a statement with these rows, if there are any.
pub(super) async fn write(tx: &mut Tx, statement: OfRows, rows: &[impl Serialize]) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let [sqlite, postgres] = statement;
    let statement = if matches!(tx.connection, TxConnection::Sqlite(_)) { sqlite } else { postgres };
    let rows = serde_json::to_string(rows).map_err(|error| sqlx::Error::Encode(error.into()))?;
    change!(tx, sqlx::query(statement).bind(&rows));
    Ok(())
}

/// Writes a batch in one transaction: the keys in the batch's order, which is that of their ids, then their accounts in the
/// order of theirs.
pub async fn flush(db: &Db, batch: impl Iterator<Item = &KeyUse>) -> sqlx::Result<()> {
    let batch: Vec<&KeyUse> = batch.collect();
    let mut sums = Sums::new();
    for key_use in &batch {
        key_use.add_to(&mut sums);
    }
    let mut tx = db.begin().await?;
    add_counts(&mut tx, &batch).await?;
    add_refusals(&mut tx, &batch).await?;
    add_addresses(&mut tx, &batch).await?;
    usage_scopes::add(&mut tx, &batch).await?;
    mark_used(&mut tx, &batch).await?;
    mark_secrets_used(&mut tx, &batch).await?;
    mark_first_used(&mut tx, &batch).await?;
    account_usage::add(&mut tx, &sums).await?;
    tx.commit().await
}

/// Also what keeps two nodes that write the same keys from waiting for one another: each key has a row of this, and rows are
/// written in the order of the ids.
async fn add_counts(tx: &mut Tx, batch: &[&KeyUse]) -> sqlx::Result<()> {
    const HOURS: OfRows = add_requests!("usage_hours", "hour");
    const DAYS: OfRows = add_requests!("usage_days", "day");
    for (statement, hours) in [(HOURS, 1), (DAYS, 24)] {
        let mut buckets = BTreeMap::<(&str, i64), Bucket<'_>>::new();
        for key_use in batch {
            for UsageHour { hour, ok, refused } in key_use.hours() {
                let bucket = buckets.entry((&key_use.key_id, hour.div_euclid(hours))).or_default();
                bucket.ok += ok;
                bucket.refused += refused;
                bucket.ok_old += key_use.ok_old.get(&hour).copied().unwrap_or(0);
                bucket.account_id = &key_use.account_id;
            }
        }
        let row = |((key_id, at), bucket): (_, Bucket<'_>)| {
            (key_id, at, bucket.ok, bucket.refused, bucket.account_id.to_owned(), bucket.ok_old)
        };
        write(tx, statement, &buckets.into_iter().map(row).collect::<Vec<(&str, i64, i64, i64, String, i64)>>())
            .await?;
    }
    Ok(())
}

async fn add_refusals(tx: &mut Tx, batch: &[&KeyUse]) -> sqlx::Result<()> {
    const HOURS: OfRows = add_up!("usage_refusals", "key_id", "hour");
    const DAYS: OfRows = add_up!("usage_refusal_days", "key_id", "day");
    for (statement, hours) in [(HOURS, 1), (DAYS, 24)] {
        let mut counts = Counts::new();
        for key_use in batch {
            for ((hour, reason), count) in &key_use.refused {
                *counts.entry((&key_use.key_id, hour.div_euclid(hours), reason)).or_default() += count;
            }
        }
        write(tx, statement, &flat(&counts)).await?;
    }
    Ok(())
}

pub(super) fn flat<'a>(counts: &Counts<'a>) -> Vec<(&'a str, i64, &'a str, i64)> {
    counts.iter().map(|((of, bucket, reason), count)| (*of, *bucket, *reason, *count)).collect()
}

async fn add_addresses(tx: &mut Tx, batch: &[&KeyUse]) -> sqlx::Result<()> {
    const ADD: OfRows = of_rows!(
        "
        insert into usage_addresses (key_id, ip, last_seen_at)
        select e.value ->> 0, e.value ->> 1, cast(e.value ->> 2 as bigint)",
        "on conflict (key_id, ip) do update set last_seen_at = excluded.last_seen_at"
    );
    let seen = batch
        .iter()
        .flat_map(|key_use| key_use.addresses.iter().map(|(ip, at)| ((key_use.key_id.as_str(), ip.as_str()), *at)));
    write(tx, ADD, &latest(seen)).await
}

/// The latest moment of each, as rows.
pub(super) fn latest<'a>(seen: impl Iterator<Item = ((&'a str, &'a str), Timestamp)>) -> Vec<(&'a str, &'a str, i64)> {
    let mut latest = BTreeMap::<(&str, &str), i64>::new();
    for (of, at) in seen {
        let known = latest.entry(of).or_insert(i64::MIN);
        *known = at.micros().max(*known);
    }
    latest.into_iter().map(|((key_id, what), at)| (key_id, what, at)).collect()
}

async fn mark_used(tx: &mut Tx, batch: &[&KeyUse]) -> sqlx::Result<()> {
    // An update locks in whatever order suits it.
    const LOCK: &str = "
        select id
        from api_keys
        where id in (select e.value ->> 0 from json_array_elements(cast($1 as json)) e (value))
        order by id
        for no key update";
    const MARK: OfRows = of_rows!(
        "
        update api_keys
        set last_used_at = u.at, last_used_ip = u.ip, last_used_agent = u.agent, last_used_route = u.route
        from (
            select e.value ->> 0 as id, cast(e.value ->> 1 as bigint) as at, e.value ->> 2 as ip, e.value ->> 3 as agent,
                e.value ->> 4 as route",
        ") u where api_keys.id = u.id"
    );
    let mut last = BTreeMap::<&str, &LastUse>::new();
    for (key_id, used) in batch.iter().filter_map(|key_use| Some((key_use.key_id.as_str(), key_use.last.as_ref()?))) {
        let known = last.entry(key_id).or_insert(used);
        if used.at > known.at {
            *known = used;
        }
    }
    let row =
        |(id, used): (_, &LastUse)| (id, used.at.micros(), used.ip.clone(), used.agent.clone(), used.route.clone());
    let rows: Vec<(&str, i64, String, String, String)> = last.into_iter().map(row).collect();
    if matches!(tx.connection, TxConnection::Postgres(_)) {
        write(tx, [LOCK, LOCK], &rows).await?;
    }
    write(tx, MARK, &rows).await
}

/// Two that are known by the hashes of two generations of the secret file can be one. To see which, every row is looked up once
/// more and all are sorted, so SQLite is asked first whether there are two generations: while we write, nobody else adds one.
async fn mark_secrets_used(tx: &mut Tx, batch: &[&KeyUse]) -> sqlx::Result<()> {
    const OF_ONE: OfRows = mark_secrets!(
        "e.value ->> 0 as hash, cast(e.value ->> 1 as bigint) as at, e.value ->> 2 as ip,
                cast(e.value ->> 3 as bigint) as passed, cast(e.value ->> 4 as bigint) as retiring",
        ""
    );
    const OF_TWO: OfRows = mark_secrets!(
        "coalesce((select o.secret_hash from api_key_secrets o where o.old_hash = e.value ->> 0), e.value ->> 0) as hash,
                max(cast(e.value ->> 1 as bigint)) as at, max(e.value ->> 2) as ip,
                cast(sum(cast(e.value ->> 3 as bigint)) as bigint) as passed,
                cast(sum(cast(e.value ->> 4 as bigint)) as bigint) as retiring",
        "group by 1"
    );
    let row = |key_use: &&KeyUse| {
        let last = key_use.last.as_ref()?;
        let sum = |counts: &BTreeMap<i64, i64>| counts.values().sum::<i64>();
        Some((key_use.secret_hash.clone(), last.at.micros(), last.ip.clone(), sum(&key_use.ok), sum(&key_use.ok_old)))
    };
    let is_sqlite = matches!(tx.connection, TxConnection::Sqlite(_));
    let statement = if is_sqlite && !has_two_generations(tx).await? { OF_ONE } else { OF_TWO };
    write(tx, statement, &batch.iter().filter_map(row).collect::<Vec<_>>()).await
}

async fn has_two_generations(tx: &mut Tx) -> sqlx::Result<bool> {
    const FIND: &str = "select 1 from api_key_secrets where old_hash is not null limit 1";
    let found: Option<(i64,)> = within!(tx, c => sqlx::query_as(FIND).fetch_optional(c))?;
    Ok(found.is_some())
}

async fn mark_first_used(tx: &mut Tx, batch: &[&KeyUse]) -> sqlx::Result<()> {
    const MARK: OfRows = of_rows!(
        "
        update api_keys
        set first_used_at = u.at, first_request = u.request
        from (
            select e.value ->> 0 as id, cast(e.value ->> 1 as bigint) as at, e.value ->> 2 as request",
        ") u where api_keys.id = u.id and api_keys.first_used_at is null"
    );
    let mut first = BTreeMap::<&str, (i64, &str)>::new();
    for (key_id, (at, request)) in
        batch.iter().filter_map(|key_use| Some((key_use.key_id.as_str(), key_use.first_request.as_ref()?)))
    {
        let this = (at.micros(), request.as_str());
        let known = first.entry(key_id).or_insert(this);
        *known = this.min(*known);
    }
    write(tx, MARK, &first.into_iter().map(|(id, (at, request))| (id, at, request)).collect::<Vec<_>>()).await
}
