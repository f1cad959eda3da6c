//! The list of an account's keys: filtered, sorted and paged in the database, always bounded by the account. A page costs
//! the same whatever the account holds: it looks at a thousand keys at most and, where these do not fill it, says how far it
//! came.

use tokio::sync::OnceCell;

use super::api_keys::select_key;
use super::few_keys::FewKeys;
use super::key_filter::{Filter, bind_filter, in_status};
use super::key_leads::{Lead, MOST};
use super::key_span::{Place, Span, bind_place, in_span, per_order, per_sort, place, reach, sorted};
use super::{Db, read};
use crate::clock::Timestamp;
use crate::model::api_key::ApiKey;

/// Keys on a page.
pub const PAGE: usize = 50;

/// In which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    LastUsed,
    Name,
    Created,
    Expires,
}

/// Which page of it: `from` is the key that the page follows or, going back, precedes.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    pub sort: Sort,
    pub descending: bool,
    pub from: &'a str,
    pub backwards: bool,
    pub limit: i64,
}

impl Page<'_> {
    /// Which way the keys are read: going back, from the key that comes after.
    pub(super) fn is_read_down(&self) -> bool {
        self.descending != self.backwards
    }
}

/// The keys of a page, in its order.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    pub keys: Vec<ApiKey>,
    /// The last key that was looked at, where more are left to look at and the page is not full.
    pub looked_to: Option<String>,
}

/// How a page is read.
enum Way {
    /// In the order of the page, every key of the span, as far as this key.
    Along(Span, Option<String>),
    /// Of the few that a lead finds.
    Among(Lead),
}

/// Keys that are read at once by their ids: those of a page, and the one that tells whether there is another.
const AT_ONCE: usize = PAGE + 1;
pub(super) const OF_IDS: &str = select_key!(
    "
        where k.account_id || '' = $1
        and k.id in (
            $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27,
            $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51, $52
        )"
);

/// In the order of the page.
macro_rules! along {
    ($order:literal, $by:literal) => {
        select_key!(
            "
        where k.account_id = $1",
            in_span!($by, [14 15 16 17 18]),
            in_status!(),
            sorted!($by, $order),
            "
        limit $19"
        )
    };
}

/// How many keys of the filtered list stand between two places, of so many that are looked at.
macro_rules! between {
    ($by:literal) => {
        concat!(
            "
        select count(case when 1 = 1",
            in_status!(),
            " then 1 end) as found, count(*) as looked
        from (
            select k.account_id, k.key_type, k.environment, k.inbox_id, k.name_folded, k.last4, k.scopes, k.created_at, k.created_by,
                k.expires_at, k.paused_at, k.deleted_at, k.rotated_at, k.retires_at, k.sealed_until, k.revealed_at, k.last_used_at
            from api_keys k
            where k.account_id = $1",
            in_span!($by, [14 15 16 17 18]),
            sorted!($by, ""),
            "
            limit $19
        ) k"
        )
    };
}

/// How many keys stand between two places, whatever they are: of so many that are looked at, and without reading one.
macro_rules! number {
    ($by:literal) => {
        concat!(
            "
        select count(*)
        from (
            select 1 as one
            from api_keys k
            where k.account_id = $1",
            in_span!($by, [2 3 4 5 6]),
            sorted!($by, ""),
            "
            limit $7
        ) counted"
        )
    };
}

pub(super) fn list_sql(page: Page<'_>) -> &'static str {
    per_order!((page.sort, page.is_read_down()), along)
}

pub(super) fn between_sql(sort: Sort) -> &'static str {
    per_sort!(sort, between)
}

pub(super) fn number_sql(sort: Sort) -> &'static str {
    per_sort!(sort, number)
}

/// Runs [`list_sql`] or [`between_sql`] on a span, with a limit.
macro_rules! bind_list {
    ($sql:expr, $list:expr, $span:expr, $limit:expr) => {{
        let (list, span) = ($list, $span);
        let query = bind_filter!(sqlx::query_as($sql), list.account_id, list.filter, list.now);
        let query = query.bind(&list.filter.status).bind(span.gone);
        bind_place!(bind_place!(query, &span.low), &span.high).bind($limit)
    }};
}

/// A list that is asked for: whose keys, which of them, and as of when.
pub struct KeyList<'a> {
    pub(super) db: &'a Db,
    pub(super) account_id: &'a str,
    pub(super) filter: &'a Filter,
    pub(super) now: Timestamp,
    /// The first lead that finds few, once it was asked for: to find out costs as much as a small page.
    few: OnceCell<Option<Lead>>,
}

impl<'a> KeyList<'a> {
    pub fn new(db: &'a Db, account_id: &'a str, filter: &'a Filter, now: Timestamp) -> Self {
        Self { db, account_id, filter, now, few: OnceCell::new() }
    }

    pub fn page(&'a self, page: Page<'a>) -> KeyPage<'a> {
        KeyPage { list: self, page, few_keys: OnceCell::new() }
    }

    /// Whether something narrows it, and still leaves more keys than a look reaches.
    pub async fn is_long(&self) -> sqlx::Result<bool> {
        Ok(Lead::of(self.filter).next().is_some() && self.few().await?.is_none())
    }

    /// The first lead that finds few.
    pub(super) async fn few(&self) -> sqlx::Result<Option<Lead>> {
        let few = self.few.get_or_try_init(async || {
            for lead in Lead::of(self.filter) {
                if lead.finds_few(self).await? {
                    return Ok(Some(lead));
                }
            }
            Ok(None)
        });
        few.await.copied()
    }

    /// Whether every key of a span is in the list.
    fn is_whole(&self, span: &Span) -> bool {
        !self.filter.is_narrow() && span.is_exact
    }

    /// How many keys a span holds, of so many that are looked at, whatever else is asked for.
    async fn number(&self, sort: Sort, span: &Span) -> sqlx::Result<i64> {
        let sql = number_sql(sort);
        let (number,) = read!(self.db, c => {
            let query = sqlx::query_as(sql).bind(self.account_id).bind(span.gone);
            bind_place!(bind_place!(query, &span.low), &span.high).bind(MOST + 1).fetch_one(c)
        })?;
        Ok(number)
    }

    /// The keys of these ids, in this order; those that are gone by now are passed over.
    async fn of_ids(&self, ids: &[&str]) -> sqlx::Result<Vec<ApiKey>> {
        let mut keys: Vec<ApiKey> = Vec::with_capacity(ids.len());
        for ids in ids.chunks(AT_ONCE) {
            let all = (0..AT_ONCE).map(|at| ids.get(at).copied().unwrap_or_default());
            let mut found: Vec<ApiKey> = read!(self.db, c => {
                let query = sqlx::query_as(OF_IDS).bind(self.account_id);
                all.fold(query, sqlx::query::QueryAs::bind).fetch_all(c)
            })?;
            found.sort_by_cached_key(|key| ids.iter().position(|id| *id == key.id));
            keys.append(&mut found);
        }
        Ok(keys)
    }
}

/// A page of a list, where it stands in it, and what is counted beside it.
pub struct KeyPage<'a> {
    pub(super) list: &'a KeyList<'a>,
    page: Page<'a>,
    /// Read once for all three.
    few_keys: OnceCell<FewKeys>,
}

impl KeyPage<'_> {
    /// The keys, in the order of the page.
    pub async fn read(&self) -> sqlx::Result<Listed> {
        let (list, page) = (self.list, self.page);
        let (mut keys, looked_to) = match self.way().await? {
            None => return Ok(Listed::default()),
            Some(Way::Among(lead)) => {
                let few = self.few_keys(lead).await?;
                (list.of_ids(&few.of_page(&list.filter.status, page)).await?, None)
            }
            Some(Way::Along(span, looked_to)) => {
                let sql = list_sql(page);
                let keys: Vec<ApiKey> = read!(list.db, c => bind_list!(sql, list, &span, page.limit).fetch_all(c))?;
                let is_full = i64::try_from(keys.len()).is_ok_and(|read| read >= page.limit);
                (keys, looked_to.filter(|_| !is_full))
            }
        };
        if page.backwards {
            keys.reverse();
        }
        Ok(Listed { keys, looked_to })
    }

    /// How many keys of the list come before `first`; none if too many would have to be looked at.
    pub async fn position(&self, first: &str) -> sqlx::Result<Option<i64>> {
        let (list, Page { sort, descending, .. }) = (self.list, self.page);
        let Some(from) = place(list.db, list.account_id, sort, first).await? else { return Ok(None) };
        let whole = Span::of(list.filter, sort, list.now);
        if list.is_whole(&whole) {
            let number = list.number(sort, &whole.until(from, descending)).await?;
            return Ok((number <= MOST).then_some(number));
        }
        // A look along the span that sees all of it is as good.
        if self.reach(&whole).await?.is_some()
            && let Some(lead) = list.few().await?
        {
            return Ok(self.few_keys(lead).await?.before(first, &list.filter.status, descending));
        }
        let (sql, before) = (between_sql(sort), whole.until(from, descending));
        let (found, looked): (i64, i64) = read!(list.db, c => bind_list!(sql, list, &before, MOST + 1).fetch_one(c))?;
        Ok((looked <= MOST).then_some(found))
    }

    /// What the lead finds.
    pub(super) async fn few_keys(&self, lead: Lead) -> sqlx::Result<&FewKeys> {
        let few = self.few_keys.get_or_try_init(async || {
            let from = self.from().await?.unwrap_or_else(|| Place::first(self.page.sort));
            FewKeys::read(self.list, lead, (self.page.sort, &from)).await
        });
        few.await
    }

    /// How to read it; there is none if it should follow a key that is nowhere.
    async fn way(&self) -> sqlx::Result<Option<Way>> {
        let (list, page) = (self.list, self.page);
        let whole = Span::of(list.filter, page.sort, list.now);
        let span = match self.from().await? {
            _ if page.from.is_empty() => whole,
            None => return Ok(None),
            Some(from) => whole.behind(from, page.is_read_down()),
        };
        if list.is_whole(&span) {
            return Ok(Some(Way::Along(span, None)));
        }
        let Some((looked_to, end)) = self.reach(&span).await? else {
            return Ok(Some(Way::Along(span, None)));
        };
        if let Some(lead) = list.few().await? {
            return Ok(Some(Way::Among(lead)));
        }
        Ok(Some(Way::Along(span.until(end, page.is_read_down()), Some(looked_to))))
    }

    /// Where the key stands that the page is read from.
    async fn from(&self) -> sqlx::Result<Option<Place>> {
        let Page { sort, from, .. } = self.page;
        if from.is_empty() { Ok(None) } else { place(self.list.db, self.list.account_id, sort, from).await }
    }

    /// How far a look along the span comes; nothing if it sees all of it.
    async fn reach(&self, span: &Span) -> sqlx::Result<Option<(String, Place)>> {
        reach(self.list.db, self.list.account_id, (self.page, span), MOST).await
    }
}
