//! How many keys a filter finds in each status: exact where it finds few, and else of the newest.

use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};

use super::count::{Count, StatusCounts};
use super::key_filter::{Filter, STATUSES, bind_filter, each_status, narrowed};
use super::key_leads::Lead;
use super::key_list::{KeyList, KeyPage};
use super::key_looks::{is_small, of_account};
use super::{Db, read};
use crate::clock::Timestamp;

/// The sums over some keys, in one reading: of each status, in the order of [`STATUSES`].
#[derive(Clone, Copy, Debug)]
struct Sums([i64; STATUSES.len()]);

impl<'r, R: Row> FromRow<'r, R> for Sums
where
    usize: ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        let mut sums = [0; STATUSES.len()];
        for (at, sum) in sums.iter_mut().enumerate() {
            *sum = row.try_get(at)?;
        }
        Ok(Self(sums))
    }
}

macro_rules! sums {
    ($keys:expr) => {
        concat!(
            "
        select ",
            each_status!(sum, ",\n            "),
            "
        from ",
            $keys,
            "
        where k.account_id = $1",
            narrowed!()
        )
    };
}

impl Sums {
    fn per_status(self, more: bool) -> StatusCounts {
        let counts = STATUSES.iter().zip(self.0);
        StatusCounts(counts.map(|(status, found)| ((*status).to_owned(), Count { found, more })).collect())
    }
}

/// How many keys of the list there are per status, whatever status it asks for.
pub async fn of(page: &KeyPage<'_>) -> sqlx::Result<StatusCounts> {
    let KeyList { db, account_id, filter, now, .. } = *page.list;
    if !filter.is_narrow() {
        return of_account(db, account_id, filter.due_since, now).await;
    }
    if db.crowded.of(account_id, now).is_none() && is_small(db, account_id).await? {
        return every(db, account_id, filter, now).await;
    }
    if let Some(lead @ (Lead::Inbox | Lead::Words)) = page.list.few().await? {
        return Ok(page.few_keys(lead).await?.counts());
    }
    // That a status leads to few tells nothing of the others.
    let sums: Sums = read!(db, c => bind_filter!(sqlx::query_as(AMONG_NEWEST), account_id, filter, now).fetch_one(c))?;
    Ok(sums.per_status(true))
}

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
        ) k"
);

/// The same, of every key, however many there are: for what reads them all anyway.
pub async fn every(db: &Db, account_id: &str, filter: &Filter, now: Timestamp) -> sqlx::Result<StatusCounts> {
    const EVERY: &str = sums!("api_keys k");
    let sums: Sums = read!(db, c => bind_filter!(sqlx::query_as(EVERY), account_id, filter, now).fetch_one(c))?;
    Ok(sums.per_status(false))
}
