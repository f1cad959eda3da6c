//! How many keys of an account there are in each status. A count is exact as far as a look reaches, and says where there
//! are more; it costs the same whatever the account holds.

use super::crowded::Looks;
use super::key_filter::{
    Filter, active, bind_filter, expired, expiring, full_access, gone, narrowed, never_used, owner_left, paused,
    retiring, rotation_due, unrevealed, unused,
};
use super::key_leads::{Lead, found};
use super::{Db, columns, read};
use crate::clock::Timestamp;
use crate::model::api_key::{EXPIRES_SOON, NEVER_USED_AFTER, UNUSED_AFTER};
use crate::model::text;

/// Keys that a look sees. An account that has fewer is counted whole; of another it is said that it has `1,000+`, and so
/// there is room for those among them that do not count.
pub(super) const LOOK: i64 = 1_200;
/// Keys that a look at one status of a larger account sees: `400+`.
const LOOK_AT_STATUS: i64 = 480;

/// So many, or so many and more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub found: i64,
    pub more: bool,
}

impl Count {
    pub fn exactly(found: i64) -> Self {
        Self { found, more: false }
    }

    /// What was found among so many that were looked at, and of a look that sees `look`.
    fn among(found: i64, looked: i64, look: i64) -> Self {
        if looked < look { Self::exactly(found) } else { Self { found: found.min(look / 6 * 5), more: true } }
    }

    /// More than a look sees.
    fn beyond(look: i64) -> Self {
        Self { found: look / 6 * 5, more: true }
    }

    fn and(self, other: Self) -> Self {
        let more = self.more || other.more;
        Self { found: if more { self.found.max(other.found) } else { self.found + other.found }, more }
    }

    /// What one look saw, where all of it counts.
    pub fn seen(found: i64) -> Self {
        Self::among(found, found, LOOK)
    }

    /// At least so many.
    #[must_use]
    pub fn or_at_least(self, seen: i64) -> Self {
        Self { found: self.found.max(seen), ..self }
    }

    /// `312`, `1,000+`, `400+`; nothing where it is not known that there is any.
    pub fn number(self) -> String {
        let number = text::thousands(self.found.unsigned_abs());
        match self {
            Self { found: 0, more: true } => String::new(),
            Self { more: true, .. } => format!("{number}+"),
            Self { more: false, .. } => number,
        }
    }

    /// `1 key`, `312 keys`, `1,000+ keys`
    pub fn of(self, one: &str, many: &str) -> String {
        if self.more { format!("{} {many}", self.number()) } else { text::count(self.found.unsigned_abs(), one, many) }
    }
}

/// How many keys there are per status.
#[derive(Clone, Debug, Default)]
pub struct StatusCounts(Vec<(String, Count)>);

impl StatusCounts {
    pub fn of(&self, status: &str) -> Count {
        let counted = self.0.iter().filter(|(counted, _)| counted == status);
        counted.fold(Count::default(), |sum, (_, count)| sum.and(*count))
    }
}

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
        let count = |seen: Seen| (seen.status, Count::among(seen.found, seen.looked, LOOK));
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
struct Seen {
    look: Looks,
    status: String,
    found: i64,
    looked: i64,
}

columns!(Seen { look, status, found, looked });

/// Every look at `most` keys but those at what is crowded.
async fn look(
    db: &Db,
    account_id: &str,
    (due_since, now): (Timestamp, Timestamp),
    (most, crowded): (i64, Looks),
) -> sqlx::Result<Vec<Seen>> {
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

/// The sums over some keys, in one reading.
#[derive(Clone, Copy, Debug)]
struct Sums {
    all: i64,
    active: i64,
    retiring: i64,
    paused: i64,
    expiring: i64,
    unused: i64,
    unrevealed: i64,
    never_used: i64,
    full_access: i64,
    rotation_due: i64,
    owner_left: i64,
    expired: i64,
    deleted: i64,
}

columns!(Sums {
    all,
    active,
    retiring,
    paused,
    expiring,
    unused,
    unrevealed,
    never_used,
    full_access,
    rotation_due,
    owner_left,
    expired,
    deleted,
});

macro_rules! sum {
    ($condition:expr, $name:literal) => {
        concat!("count(case when ", $condition, " then 1 end) as ", $name)
    };
}

macro_rules! sums {
    ($whose:expr) => {
        concat!(
            "
        select ",
            sum!("k.deleted_at is null", "\"all\""),
            ",
            ",
            sum!(active!(), "active"),
            ",
            ",
            sum!(retiring!(), "retiring"),
            ",
            ",
            sum!(paused!(), "paused"),
            ",
            ",
            sum!(expiring!(), "expiring"),
            ",
            ",
            sum!(unused!(), "unused"),
            ",
            ",
            sum!(unrevealed!(), "unrevealed"),
            ",
            ",
            sum!(never_used!(), "never_used"),
            ",
            ",
            sum!(full_access!(), "full_access"),
            ",
            ",
            sum!(rotation_due!(), "rotation_due"),
            ",
            ",
            sum!(owner_left!(), "owner_left"),
            ",
            ",
            sum!(expired!(), "expired"),
            ",
            ",
            sum!("k.deleted_at is not null", "deleted"),
            "
        from api_keys k
        where ",
            $whose,
            narrowed!()
        )
    };
}

impl Sums {
    fn per_status(self, more: bool) -> StatusCounts {
        let all = [
            ("", self.all),
            ("active", self.active),
            ("retiring", self.retiring),
            ("paused", self.paused),
            ("expiring", self.expiring),
            ("unused", self.unused),
            ("unrevealed", self.unrevealed),
            ("never-used", self.never_used),
            ("full-access", self.full_access),
            ("rotation-due", self.rotation_due),
            ("owner-left", self.owner_left),
            ("expired", self.expired),
            ("deleted", self.deleted),
        ];
        StatusCounts(all.into_iter().map(|(status, found)| (status.to_owned(), Count { found, more })).collect())
    }
}

/// How many keys the filter finds per status, whatever status it asks for.
pub async fn of_filter(db: &Db, account_id: &str, filter: &Filter, now: Timestamp) -> sqlx::Result<StatusCounts> {
    if !filter.is_narrow() {
        return of_account(db, account_id, filter.due_since, now).await;
    }
    if db.crowded.of(account_id, now).is_none() && is_small(db, account_id).await? {
        return every(db, account_id, filter, now).await;
    }
    let is_few = Lead::Words.finds_few(db, account_id, filter, now).await?;
    let sums: Sums = match filter.words(account_id).filter(|_| is_few) {
        Some([one, other]) => read!(db, c => {
            let query = bind_filter!(sqlx::query_as(AMONG_FOUND), account_id, filter, now);
            // Up to the words' own numbers.
            let query = query.bind("").bind(0_i64).bind(0_i64).bind("").bind(0_i64).bind("").bind(0_i64);
            query.bind(&one).bind(&other).fetch_one(c)
        })?,
        None => read!(db, c => bind_filter!(sqlx::query_as(AMONG_NEWEST), account_id, filter, now).fetch_one(c))?,
    };
    Ok(sums.per_status(!is_few))
}

pub(super) const AMONG_FOUND: &str =
    sums!(concat!("k.account_id || '' = $1\n        and k.id in (", found!(Words), ")"));

/// What many keys have: as many of them as are among the newest.
pub(super) const AMONG_NEWEST: &str = sums!(concat!(
    "k.account_id || '' = $1
        and k.id in (
            select n.id
            from api_keys n
            where n.account_id = $1
            and (case when n.deleted_at is null then 0 else 1 end) = 0
            order by n.created_at desc, n.id desc
            limit 1000
        )"
));

/// The same, of every key, however many there are: for what reads them all anyway.
pub async fn every(db: &Db, account_id: &str, filter: &Filter, now: Timestamp) -> sqlx::Result<StatusCounts> {
    const EVERY: &str = sums!("k.account_id = $1");
    let sums: Sums = read!(db, c => bind_filter!(sqlx::query_as(EVERY), account_id, filter, now).fetch_one(c))?;
    Ok(sums.per_status(false))
}

/// Whether one look sees every key of the account, and every tombstone.
async fn is_small(db: &Db, account_id: &str) -> sqlx::Result<bool> {
    const NUMBER: &str = "
        select count(*)
        from (select 1 as one from api_keys where account_id = $1 limit $2) counted";
    let (number,): (i64,) = read!(db, c => sqlx::query_as(NUMBER).bind(account_id).bind(LOOK).fetch_one(c))?;
    Ok(number < LOOK)
}
