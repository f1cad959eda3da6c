//! How many keys an account has in each status, by a look at the range of an index that holds them: it costs the same whatever
//! the account holds. What is crowded is remembered for a minute, and not looked at.

use super::count::{Count, LOOK, StatusCounts};
use super::crowded::Looks;
use super::key_filter::gone;
use super::{Db, columns, read};
use crate::clock::Timestamp;
use crate::model::api_key::{EXPIRES_SOON, NEVER_USED_AFTER, UNUSED_AFTER};

/// Keys that a look at one status of a larger account sees: `400+`.
const LOOK_AT_STATUS: i64 = 480;

/// One status: what a look at a range of an index sees, and how much of it counts. `$look` is its bit of [`Looks`]; one that is
/// crowded is not looked at.
///
/// `$order` is that of the index, so that no database takes the table for as good.
macro_rules! look {
    ($look:literal, $status:literal, $counts:expr, $from:expr, $order:literal) => {
        concat!(
            "
        select cast(",
            $look,
            " as bigint) as look, '",
            $status,
            "' as status, count(case when ",
            $counts,
            " then 1 end) as found, count(*) as looked
        from (",
            $from,
            "
            order by ",
            $order,
            "
            limit case when $8 & ",
            $look,
            " = 0 then $3 else 0 end
        ) k"
        )
    };
}

macro_rules! in_order_of_end {
    ($gone:literal, $more:literal) => {
        concat!(
            "
            select k.paused_at, k.retires_at
            from api_keys k
            where k.account_id = $1
            and ",
            gone!(),
            " = ",
            $gone,
            $more
        )
    };
}

/// Keys that are neither deleted nor paused.
macro_rules! standing {
    ($more:literal) => {
        concat!(
            "
            select k.end_order
            from api_keys k
            where k.account_id = $1
            and k.deleted_at is null
            and k.paused_at is null",
            $more
        )
    };
}

/// The look at all keys, whatever their status.
const ALL_KEYS: Looks = 1;

/// $1 is the account, $2 now, $3 how many are looked at, $4 to $7 the moments that statuses depend on, $8 what is crowded.
pub(super) const OF_ACCOUNT: &str = concat!(
    look!(1, "", "1 = 1", in_order_of_end!(0, ""), "k.end_order, k.id"),
    " union all",
    look!(2, "deleted", "1 = 1", in_order_of_end!(1, ""), "k.end_order, k.id"),
    " union all",
    look!(4, "expired", "1 = 1", in_order_of_end!(0, "\n            and k.end_order <= $2"), "k.end_order, k.id"),
    " union all",
    look!(
        8,
        "active",
        "k.paused_at is null and (k.retires_at is null or k.retires_at <= $2)",
        in_order_of_end!(0, "\n            and k.end_order > $2"),
        "k.end_order, k.id"
    ),
    " union all",
    look!(
        16,
        "expiring",
        "k.paused_at is null",
        in_order_of_end!(0, "\n            and k.end_order > $2\n            and k.end_order <= $4"),
        "k.end_order, k.id"
    ),
    " union all",
    look!(
        32,
        "retiring",
        "k.paused_at is null and k.end_order > $2",
        "
            select k.paused_at, k.end_order
            from api_keys k
            where k.account_id = $1
            and k.retires_at > $2
            and k.deleted_at is null",
        "k.retires_at"
    ),
    " union all",
    look!(
        64,
        "paused",
        "1 = 1",
        "
            select 1 as one
            from api_keys k
            where k.account_id = $1
            and k.paused_at is not null
            and k.deleted_at is null
            and k.end_order > $2",
        "k.end_order"
    ),
    " union all",
    look!(
        128,
        "unrevealed",
        "1 = 1",
        standing!(
            "
            and k.sealed_until is not null
            and k.revealed_at is null
            and k.end_order > $2"
        ),
        "k.end_order"
    ),
    " union all",
    look!(
        256,
        "full-access",
        "1 = 1",
        standing!("\n            and k.scopes = '*'\n            and k.end_order > $2"),
        "k.end_order"
    ),
    " union all",
    look!(
        512,
        "never-used",
        "k.end_order > $2",
        standing!("\n            and k.last_used_at is null\n            and k.created_at <= $6"),
        "k.created_at"
    ),
    " union all",
    look!(
        1024,
        "unused",
        "k.end_order > $2",
        standing!("\n            and k.last_used_at is null\n            and k.created_at <= $5"),
        "k.created_at"
    ),
    " union all",
    look!(
        2048,
        "unused",
        "k.paused_at is null and k.end_order > $2",
        concat!(
            "
            select k.paused_at, k.end_order
            from api_keys k
            where k.account_id = $1
            and ",
            gone!(),
            " = 0
            and k.use_order > 0
            and k.use_order <= $5"
        ),
        "k.use_order, k.id"
    ),
    " union all",
    look!(
        4096,
        "rotation-due",
        "k.end_order > $2",
        standing!("\n            and coalesce(k.rotated_at, k.created_at) <= $7"),
        "coalesce(k.rotated_at, k.created_at)"
    ),
    " union all",
    look!(
        8192,
        "owner-left",
        "k.paused_at is null and k.end_order > $2",
        "
            select k.paused_at, k.end_order
            from users u
            join api_keys k on k.account_id = u.account_id and k.created_by = u.id
            where u.account_id = $1
            and u.removed_at is not null
            and k.deleted_at is null",
        "u.created_at"
    ),
);

/// How many keys the account has per status; `due_since` as in [`Filter`].
pub async fn of_account(db: &Db, account_id: &str, due_since: Timestamp, now: Timestamp) -> sqlx::Result<StatusCounts> {
    let known = db.crowded.of(account_id, now);
    if known.is_none() && is_small(db, account_id).await? {
        let looked = look(db, account_id, (due_since, now), (LOOK, 0)).await?;
        let count = |seen: LookedAt| (seen.status, Count::among(seen.found, seen.looked, LOOK));
        return Ok(StatusCounts(looked.into_iter().map(count).collect()));
    }
    let mut crowded = known.unwrap_or_default();
    let looked = look(db, account_id, (due_since, now), (LOOK_AT_STATUS, crowded | ALL_KEYS)).await?;
    let all = if crowded & ALL_KEYS == 0 { count_all(db, account_id).await? } else { LOOK };
    let mut counts = vec![(String::new(), Count::seen(all))];
    let beyond = Count::beyond(LOOK_AT_STATUS);
    if all == LOOK {
        crowded |= ALL_KEYS;
    }
    for seen in looked.into_iter().filter(|seen| seen.look != ALL_KEYS) {
        let count = Count::among(seen.found, seen.looked, LOOK_AT_STATUS);
        if count == beyond {
            crowded |= seen.look;
        }
        counts.push((seen.status, if crowded & seen.look == 0 { count } else { beyond }));
    }
    if known.is_none() {
        db.crowded.note(account_id, crowded, now);
    }
    Ok(StatusCounts(counts))
}

/// What a look saw.
struct LookedAt {
    look: Looks,
    status: String,
    found: i64,
    looked: i64,
}

columns!(LookedAt { look, status, found, looked });

/// Every look at `most` keys but those at what is crowded.
async fn look(
    db: &Db,
    account_id: &str,
    (due_since, now): (Timestamp, Timestamp),
    (most, crowded): (i64, Looks),
) -> sqlx::Result<Vec<LookedAt>> {
    read!(db, c => {
        sqlx::query_as(OF_ACCOUNT)
            .bind(account_id)
            .bind(now)
            .bind(most)
            .bind(now + EXPIRES_SOON)
            .bind(now - UNUSED_AFTER)
            .bind(now - NEVER_USED_AFTER)
            .bind(due_since)
            .bind(crowded)
            .fetch_all(c)
    })
}

/// As many of the account's keys as a look sees, tombstones aside.
async fn count_all(db: &Db, account_id: &str) -> sqlx::Result<i64> {
    const ALL: &str = "
        select count(*)
        from (
            select 1 as one
            from api_keys k
            where k.account_id = $1
            and (case when k.deleted_at is null then 0 else 1 end) = 0
            limit $2
        ) counted";
    let (all,): (i64,) = read!(db, c => sqlx::query_as(ALL).bind(account_id).bind(LOOK).fetch_one(c))?;
    Ok(all)
}

/// Whether one look sees every key of the account, and every tombstone.
pub(super) async fn is_small(db: &Db, account_id: &str) -> sqlx::Result<bool> {
    const NUMBER: &str = "
        select count(*)
        from (select 1 as one from api_keys where account_id = $1 limit $2) counted";
    let (number,): (i64,) = read!(db, c => sqlx::query_as(NUMBER).bind(account_id).bind(LOOK).fetch_one(c))?;
    Ok(number < LOOK)
}
