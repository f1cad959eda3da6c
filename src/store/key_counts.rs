//! How many keys a filter finds in each status: exact where it finds few, and else of the newest.

use super::count::{Count, StatusCounts};
use super::key_filter::{
    Filter, active, bind_filter, expired, expiring, full_access, narrowed, never_used, owner_left, paused, retiring,
    rotation_due, unrevealed, unused,
};
use super::key_leads::{Lead, led};
use super::key_list::KeyList;
use super::key_looks::{is_small, of_account};
use super::{Db, columns, read};
use crate::clock::Timestamp;

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
    ($keys:expr, $whose:expr) => {
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
        from ",
            $keys,
            "
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

/// How many keys of the list there are per status, whatever status it asks for.
pub async fn of(list: &KeyList<'_>) -> sqlx::Result<StatusCounts> {
    let KeyList { db, account_id, filter, now, .. } = *list;
    if !filter.is_narrow() {
        return of_account(db, account_id, filter.due_since, now).await;
    }
    if db.crowded.of(account_id, now).is_none() && is_small(db, account_id).await? {
        return every(db, account_id, filter, now).await;
    }
    let few = list.few().await?;
    let sums: Sums = match (few, filter.words(account_id)) {
        (Some(Lead::Inbox), _) => {
            read!(db, c => bind_filter!(sqlx::query_as(OF_INBOX), account_id, filter, now).fetch_one(c))?
        }
        (Some(Lead::Words), Some([one, other])) => read!(db, c => {
            let query = bind_filter!(sqlx::query_as(AMONG_FOUND), account_id, filter, now);
            // Up to the words' own numbers.
            let query = query.bind("").bind(0_i64).bind(0_i64).bind("").bind(0_i64).bind("").bind(0_i64);
            query.bind(&one).bind(&other).fetch_one(c)
        })?,
        _ => read!(db, c => bind_filter!(sqlx::query_as(AMONG_NEWEST), account_id, filter, now).fetch_one(c))?,
    };
    // That a status leads to few tells nothing of the others.
    let is_whole = matches!(few, Some(Lead::Inbox | Lead::Words));
    Ok(sums.per_status(!is_whole))
}

/// Those that are bound to the inbox.
pub(super) const OF_INBOX: &str = sums!("api_keys k", concat!("k.account_id || '' = $1\n        and ", led!(Inbox)));

/// Those that words find.
pub(super) const AMONG_FOUND: &str = sums!("api_keys k", concat!("k.account_id || '' = $1\n        and ", led!(Words)));

/// What many keys have: as many of them as are among the newest.
pub(super) const AMONG_NEWEST: &str = sums!(
    "(
            select n.account_id, n.name_folded, n.key_type, n.environment, n.inbox_id, n.scopes, n.last4, n.created_at, n.created_by,
                n.expires_at, n.paused_at, n.deleted_at, n.rotated_at, n.retires_at, n.sealed_until, n.revealed_at, n.last_used_at
            from api_keys n
            where n.account_id = $1
            and (case when n.deleted_at is null then 0 else 1 end) = 0
            order by n.created_at desc, n.id desc
            limit 1000
        ) k",
    "k.account_id = $1"
);

/// The same, of every key, however many there are: for what reads them all anyway.
pub async fn every(db: &Db, account_id: &str, filter: &Filter, now: Timestamp) -> sqlx::Result<StatusCounts> {
    const EVERY: &str = sums!("api_keys k", "k.account_id = $1");
    let sums: Sums = read!(db, c => bind_filter!(sqlx::query_as(EVERY), account_id, filter, now).fetch_one(c))?;
    Ok(sums.per_status(false))
}
