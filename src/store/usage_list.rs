//! The counts of an account's keys by hour or day, newest first, page by page: each page is one range of an index.

use super::{Db, columns, read};

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    Hour,
    /// From midnight to midnight, UTC.
    Day,
}

impl Interval {
    /// How long it is, in microseconds.
    pub const fn micros(self) -> i64 {
        match self {
            Self::Hour => 3_600_000_000,
            Self::Day => 86_400_000_000,
        }
    }
}

/// Which counts to read. Buckets are numbered from the Unix epoch, in hours or days.
#[derive(Clone, Copy, Debug)]
pub struct Slice<'a> {
    pub interval: Interval,
    /// Only those of this key; empty for all.
    pub key_id: &'a str,
    /// The first bucket.
    pub from: i64,
    /// The bucket behind the last.
    pub to: i64,
    /// The bucket and the key that the page follows.
    pub after: Option<(i64, &'a str)>,
    pub limit: i64,
}

/// What a key was used for in one hour or day.
#[derive(Clone, Debug)]
pub struct Counted {
    pub key_id: String,
    pub bucket: i64,
    pub ok: i64,
    /// Of `ok`: with the old secret of a key that was being rotated.
    pub ok_old: i64,
    pub refused: i64,
}

columns!(Counted { key_id, bucket, ok, ok_old, refused });

macro_rules! of_account {
    ($table:literal, $bucket:literal) => {
        concat!(
            "
        select u.key_id, u.",
            $bucket,
            " as bucket, u.ok, u.ok_old, u.refused
        from ",
            $table,
            " u
        where u.account_id = $1
        and u.",
            $bucket,
            " >= $2
        and (u.",
            $bucket,
            ", u.key_id) < ($3, $4)
        order by u.",
            $bucket,
            " desc, u.key_id desc
        limit $5"
        )
    };
}

macro_rules! of_key {
    ($table:literal, $bucket:literal) => {
        concat!(
            "
        select u.key_id, u.",
            $bucket,
            " as bucket, u.ok, u.ok_old, u.refused
        from api_keys k
        join ",
            $table,
            " u on u.key_id = k.id
        where k.account_id = $1
        and u.",
            $bucket,
            " >= $2
        and u.",
            $bucket,
            " < $3
        and k.id = $4
        order by u.",
            $bucket,
            " desc
        limit $5"
        )
    };
}

/// The newest counts first, and within an hour or a day in the order of their keys.
pub async fn list(db: &Db, account_id: &str, slice: Slice<'_>) -> sqlx::Result<Vec<Counted>> {
    // The end of the span and the row before the page bound the same thing: the nearer of them counts.
    let (to, before_key) = slice.after.unwrap_or((slice.to, "")).min((slice.to, ""));
    let (sql, key_id) = match (slice.interval, slice.key_id) {
        (Interval::Hour, "") => (of_account!("usage_hours", "hour"), before_key),
        (Interval::Day, "") => (of_account!("usage_days", "day"), before_key),
        (Interval::Hour, key_id) => (of_key!("usage_hours", "hour"), key_id),
        (Interval::Day, key_id) => (of_key!("usage_days", "day"), key_id),
    };
    read!(db, c => sqlx::query_as(sql).bind(account_id).bind(slice.from).bind(to).bind(key_id).bind(slice.limit).fetch_all(c))
}
