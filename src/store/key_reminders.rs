//! Reminders of keys: which are due, and that somebody was told. Each is noted in the transaction that asks for its mail,
//! so it comes once, whichever node was first and whatever restarted between.

use std::time::Duration;

use super::{Act, Db, Tx, change, columns, key_errands, read};
use crate::clock::{Timestamp, days, hours};
use crate::model::reminder::{FLOOR, HOURS_BEFORE, REFUSED_FLOOR, Reminder, Stretch};

/// Reminders that are read, and told in one transaction, at once.
pub const CHUNK: usize = 200;
/// About one key it is said at most once in this time that an hour stood out.
const SPIKES_APART: Duration = hours(24);
/// Longer than any of them can come again.
const KEPT: Duration = days(60);

/// A key that somebody is to be told of, and the moment that it is about.
#[derive(Clone, Debug)]
pub struct Due {
    pub key_id: String,
    pub account_id: String,
    pub at: Timestamp,
}

columns!(Due { key_id, account_id, at });

/// An hour of a key that may stand out.
#[derive(Clone, Debug)]
pub struct Busy {
    pub key_id: String,
    pub account_id: String,
    hour: i64,
    requests: i64,
    refused: i64,
    most_requests: i64,
    most_refused: i64,
    since: Option<i64>,
}

columns!(Busy { key_id, account_id, hour, requests, refused, most_requests, most_refused, since });

impl Busy {
    pub fn stretch(&self) -> Stretch {
        let Self { hour, requests, refused, most_requests, most_refused, since, .. } = *self;
        Stretch { hour, requests, refused, most_requests, most_refused, since }
    }

    pub fn due(&self) -> Due {
        let at = Timestamp::from_micros(self.hour * 3_600_000_000);
        Due { key_id: self.key_id.clone(), account_id: self.account_id.clone(), at }
    }
}

/// Some of the keys whose expiry nobody was told of yet. A key that was made, or made anew, after the notice would have
/// been given has had no such moment.
pub async fn expiring(db: &Db, reminder: Reminder, now: Timestamp) -> sqlx::Result<Vec<Due>> {
    const LIST: &str = "
        select k.id as key_id, k.account_id, k.expires_at as at
        from api_keys k
        where k.deleted_at is null
        and k.expires_at is not null
        and k.expires_at > $1
        and k.expires_at <= $2
        and k.paused_at is null
        and coalesce(k.rotated_at, k.created_at) < k.expires_at - $3
        and not exists (select 1 from key_reminders r where r.key_id = k.id and r.kind = $4 and r.at = k.expires_at)
        order by k.expires_at, k.id
        limit $5";
    let (after, up_to) = reminder.moments(now);
    read!(db, c => sqlx::query_as(LIST)
        .bind(after)
        .bind(up_to)
        .bind(micros(reminder.notice()))
        .bind(reminder.as_str())
        .bind(chunk())
        .fetch_all(c))
}

/// Some of the keys that work and whose secret has just become `age` old.
pub async fn old(db: &Db, age: Duration, now: Timestamp) -> sqlx::Result<Vec<Due>> {
    const LIST: &str = "
        select k.id as key_id, k.account_id, coalesce(k.rotated_at, k.created_at) + $4 as at
        from api_keys k
        where k.deleted_at is null
        and coalesce(k.rotated_at, k.created_at) > $1
        and coalesce(k.rotated_at, k.created_at) <= $2
        and k.paused_at is null
        and (k.expires_at is null or k.expires_at > $3)
        and not exists (
            select 1 from key_reminders r
            where r.key_id = k.id
            and r.kind = $5
            and r.at = coalesce(k.rotated_at, k.created_at) + $4
        )
        order by coalesce(k.rotated_at, k.created_at), k.id
        limit $6";
    let (after, up_to) = Reminder::RotationDue.moments(now);
    read!(db, c => sqlx::query_as(LIST)
        .bind(after - age)
        .bind(up_to - age)
        .bind(now)
        .bind(micros(age))
        .bind(Reminder::RotationDue.as_str())
        .bind(chunk())
        .fetch_all(c))
}

/// The busy keys of an hour behind the key `after`, each with the busiest of the hours before. Those that somebody was
/// told of within a day are left out.
pub async fn busy(db: &Db, hour: i64, after: &str) -> sqlx::Result<Vec<Busy>> {
    // The third condition is the one that the index is made with.
    const LIST: &str = "
        select h.key_id, h.account_id, h.hour, h.requests, h.refused,
            coalesce(max(b.ok + b.refused), 0) as most_requests, coalesce(max(b.refused), 0) as most_refused,
            min(b.hour) as since
        from (
            select h.key_id, k.account_id, h.hour, h.ok + h.refused as requests, h.refused
            from usage_hours h
            join api_keys k on k.id = h.key_id
            where h.hour = $1
            and h.key_id > $3
            and h.ok + h.refused >= 100
            and (h.ok + h.refused >= $6 or h.refused >= $7)
            and k.deleted_at is null
            and not exists (select 1 from key_reminders r where r.key_id = h.key_id and r.kind = $4 and r.at > $5)
            order by h.key_id
            limit $8
        ) h
        left join usage_hours b on b.key_id = h.key_id and b.hour >= $2 and b.hour < $1
        group by h.key_id, h.account_id, h.hour, h.requests, h.refused
        order by h.key_id";
    let begin = Timestamp::from_micros(hour * 3_600_000_000);
    read!(db, c => sqlx::query_as(LIST)
        .bind(hour)
        .bind(hour - HOURS_BEFORE)
        .bind(after)
        .bind(Reminder::Spike.as_str())
        .bind(begin - SPIKES_APART)
        .bind(FLOOR)
        .bind(REFUSED_FLOOR)
        .bind(chunk())
        .fetch_all(c))
}

/// One hour of a key, for the letter about it.
pub async fn stretch(db: &Db, account_id: &str, key_id: &str, hour: i64) -> sqlx::Result<Option<Stretch>> {
    const FIND: &str = "
        select h.key_id, k.account_id, h.hour, h.ok + h.refused as requests, h.refused,
            coalesce(max(b.ok + b.refused), 0) as most_requests, coalesce(max(b.refused), 0) as most_refused,
            min(b.hour) as since
        from usage_hours h
        join api_keys k on k.id = h.key_id
        left join usage_hours b on b.key_id = h.key_id and b.hour >= $4 and b.hour < $3
        where k.account_id = $1
        and h.key_id = $2
        and h.hour = $3
        group by h.key_id, k.account_id, h.hour, h.ok, h.refused";
    let found: Option<Busy> = read!(db, c => sqlx::query_as(FIND)
        .bind(account_id)
        .bind(key_id)
        .bind(hour)
        .bind(hour - HOURS_BEFORE)
        .fetch_optional(c))?;
    Ok(found.map(|busy| busy.stretch()))
}

/// Asks for the mails of these reminders. What another node was faster with is passed over.
pub async fn tell(db: &Db, act: &Act<'_>, reminder: Reminder, due: &[Due]) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    for one in due {
        if note(&mut tx, act, reminder, one).await? {
            key_errands::remind(&mut tx, act, reminder, one).await?;
        }
    }
    tx.commit().await
}

async fn note(tx: &mut Tx, act: &Act<'_>, reminder: Reminder, due: &Due) -> sqlx::Result<bool> {
    const INSERT: &str = "
        insert into key_reminders (key_id, kind, at, told_at)
        values ($1, $2, $3, $4)
        on conflict (key_id, kind, at) do nothing";
    let kind = reminder.as_str();
    Ok(change!(tx, sqlx::query(INSERT).bind(&due.key_id).bind(kind).bind(due.at).bind(act.at)) > 0)
}

/// Forgets what was told long ago.
pub async fn sweep(db: &Db, now: Timestamp) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    change!(&mut tx, sqlx::query("delete from key_reminders where told_at <= $1").bind(now - KEPT));
    tx.commit().await
}

fn chunk() -> i64 {
    i64::try_from(CHUNK).unwrap_or(i64::MAX)
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
