//! Usage: what was counted of the keys, as it is handed over to be written ([`super::usage_flush`]), and as it is read again:
//! per key per hour and day, refusals by reason, first request, addresses.

use std::collections::BTreeMap;

pub use super::usage_flush::flush;
use super::usage_list::Interval;
use super::{Db, columns, read};
use crate::clock::Timestamp;
use crate::model::usage::{Refusals, UsageHour};

columns!(UsageHour { hour, ok, refused });
columns!(Refusals { reason, count });

/// What one secret of a key was used for since the last flush.
#[derive(Clone, Debug, Default)]
pub struct KeyUse {
    pub account_id: String,
    pub key_id: String,
    pub secret_hash: String,
    /// Requests that passed, by hour.
    pub(super) ok: BTreeMap<i64, i64>,
    /// Of these, the ones that came while the secret was retiring.
    pub(super) ok_old: BTreeMap<i64, i64>,
    /// Requests that were refused, by hour and reason.
    pub(super) refused: BTreeMap<(i64, &'static str), i64>,
    /// The last request that passed.
    pub last: Option<LastUse>,
    /// The first request that passed ever, and when; as JSON.
    pub first_request: Option<(Timestamp, String)>,
    pub addresses: Vec<(String, Timestamp)>,
    /// When each scope was last taken.
    pub scopes: BTreeMap<String, Timestamp>,
}

#[derive(Clone, Debug)]
pub struct LastUse {
    pub at: Timestamp,
    pub ip: String,
    pub agent: String,
    /// Method and path.
    pub route: String,
}

/// Requests by account, hour and reason; the reason is empty for those that passed.
pub(super) type Sums<'a> = BTreeMap<(&'a str, i64, &'a str), i64>;

impl KeyUse {
    pub fn of(account_id: &str, key_id: &str, secret_hash: String) -> Self {
        Self { account_id: account_id.to_owned(), key_id: key_id.to_owned(), secret_hash, ..Self::default() }
    }

    pub fn count(&mut self, hour: i64, ok: i64, refused: &[(&'static str, i64)]) {
        *self.ok.entry(hour).or_default() += ok;
        for (reason, count) in refused {
            *self.refused.entry((hour, reason)).or_default() += count;
        }
    }

    /// Says that `ok` of the hour's requests came with a secret that was retiring.
    pub fn count_retiring(&mut self, hour: i64, ok: i64) {
        *self.ok_old.entry(hour).or_default() += ok;
    }

    /// Adds what was counted later.
    pub fn add(&mut self, later: Self) {
        for (hour, ok) in later.ok {
            *self.ok.entry(hour).or_default() += ok;
        }
        for (hour, ok) in later.ok_old {
            self.count_retiring(hour, ok);
        }
        for (of, count) in later.refused {
            *self.refused.entry(of).or_default() += count;
        }
        self.last = later.last.or(self.last.take());
        self.first_request = self.first_request.take().or(later.first_request);
        self.addresses.extend(later.addresses);
        self.scopes.extend(later.scopes);
    }

    pub(super) fn add_to<'a>(&'a self, sums: &mut Sums<'a>) {
        for (hour, ok) in self.ok.iter().filter(|(_, ok)| **ok > 0) {
            *sums.entry((&self.account_id, *hour, "")).or_default() += ok;
        }
        for ((hour, reason), count) in &self.refused {
            *sums.entry((&self.account_id, *hour, reason)).or_default() += count;
        }
    }

    pub(super) fn hours(&self) -> impl Iterator<Item = UsageHour> {
        self.ok.iter().map(|(hour, ok)| {
            let refused = self.refused.range((*hour, "")..(*hour + 1, "")).map(|(_, count)| count).sum();
            UsageHour { hour: *hour, ok: *ok, refused }
        })
    }
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

/// The days of one key since `from_day`, each as its first hour.
pub async fn list_days(db: &Db, account_id: &str, key_id: &str, from_day: i64) -> sqlx::Result<Vec<UsageHour>> {
    const LIST: &str = "
        select d.day * 24 as hour, d.ok, d.refused
        from usage_days d
        join api_keys k on k.id = d.key_id
        where k.account_id = $1
        and d.key_id = $2
        and d.day >= $3
        order by d.day";
    read!(db, c => sqlx::query_as(LIST).bind(account_id).bind(key_id).bind(from_day).fetch_all(c))
}

/// Why requests with a key were refused since an hour or a day, the most frequent reason first.
pub async fn list_refusals(
    db: &Db,
    account_id: &str,
    key_id: &str,
    since: (Interval, i64),
) -> sqlx::Result<Vec<Refusals>> {
    const HOURS: &str = "
        select r.reason, cast(sum(r.count) as bigint) as count
        from usage_refusals r
        join api_keys k on k.id = r.key_id
        where k.account_id = $1
        and r.key_id = $2
        and r.hour >= $3
        group by r.reason
        order by sum(r.count) desc, r.reason";
    const DAYS: &str = "
        select r.reason, cast(sum(r.count) as bigint) as count
        from usage_refusal_days r
        join api_keys k on k.id = r.key_id
        where k.account_id = $1
        and r.key_id = $2
        and r.day >= $3
        group by r.reason
        order by sum(r.count) desc, r.reason";
    let (interval, from) = since;
    let list = if interval == Interval::Hour { HOURS } else { DAYS };
    read!(db, c => sqlx::query_as(list).bind(account_id).bind(key_id).bind(from).fetch_all(c))
}

/// From how many addresses a key was used since `since`.
pub async fn count_addresses(db: &Db, account_id: &str, key_id: &str, since: Timestamp) -> sqlx::Result<i64> {
    const COUNT: &str = "
        select count(*)
        from usage_addresses a
        join api_keys k on k.id = a.key_id
        where k.account_id = $1
        and a.key_id = $2
        and a.last_seen_at >= $3";
    let (count,): (i64,) =
        read!(db, c => sqlx::query_as(COUNT).bind(account_id).bind(key_id).bind(since).fetch_one(c))?;
    Ok(count)
}

/// The addresses that a key was used from since `since`, the latest first.
pub async fn list_addresses(
    db: &Db,
    account_id: &str,
    key_id: &str,
    since: Timestamp,
    limit: i64,
) -> sqlx::Result<Vec<String>> {
    const LIST: &str = "
        select a.ip
        from usage_addresses a
        join api_keys k on k.id = a.key_id
        where k.account_id = $1
        and a.key_id = $2
        and a.last_seen_at >= $3
        order by a.last_seen_at desc, a.ip
        limit $4";
    let rows: Vec<(String,)> =
        read!(db, c => sqlx::query_as(LIST).bind(account_id).bind(key_id).bind(since).bind(limit).fetch_all(c))?;
    Ok(rows.into_iter().map(|(ip,)| ip).collect())
}
