//! The list of an account's keys: filtered, sorted and paged in the database, always bounded by the account. A page costs
//! the same whatever the account holds: it looks at a thousand keys at most and, where these do not fill it, says how far it
//! came.

use tokio::sync::OnceCell;

use super::api_keys::select_key;
use super::key_filter::{Filter, bind_filter, in_status};
use super::key_leads::{Lead, MOST, bind_words, led, per_lead};
use super::key_span::{Span, bind_place, in_span, per_order, per_sort, place, reach, sorted};
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
    /// The few that a lead finds, sorted.
    Among(Lead, Span),
}

/// In the order of the page.
macro_rules! along {
    ($order:literal, $by:literal, $off:literal) => {
        select_key!(
            "
        where k.account_id = $1",
            in_span!("", $by, "", [14 15 16 17 18]),
            in_status!(),
            sorted!($by, "", $order),
            "
        limit $19"
        )
    };
}

/// Those that a lead finds. Nothing beside their ids leads to an index: they are the few. What stands in other tables is read
/// of the page alone.
macro_rules! among {
    ($lead:ident, $order:literal, $by:literal, $off:literal) => {
        select_key!(
            "
        where k.account_id || '' = $1
        and k.id in (
            select k.id
            from api_keys k
            where ",
            led!($lead),
            "
            and k.account_id || '' = $1",
            in_span!(" + 0", $by, $off, [14 15 16 17 18]),
            in_status!(),
            sorted!($by, $off, $order),
            "
            limit $19
        )",
            sorted!($by, $off, $order)
        )
    };
}

/// How many keys of the filtered list stand between two places, of so many that are looked at.
macro_rules! between {
    ($by:literal, $off:literal) => {
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
            in_span!("", $by, "", [14 15 16 17 18]),
            sorted!($by, "", ""),
            "
            limit $19
        ) k"
        )
    };
}

macro_rules! among_between {
    ($lead:ident, $by:literal, $off:literal) => {
        concat!(
            "
        select count(*) as found, cast(0 as bigint) as looked
        from api_keys k
        where ",
            led!($lead),
            "
        and k.account_id || '' = $1",
            in_span!(" + 0", $by, $off, [14 15 16 17 18]),
            in_status!(),
            "
        and $19 > 0"
        )
    };
}

/// How many keys stand between two places, whatever they are: of so many that are looked at, and without reading one.
macro_rules! number {
    ($by:literal, $off:literal) => {
        concat!(
            "
        select count(*)
        from (
            select 1 as one
            from api_keys k
            where k.account_id = $1",
            in_span!("", $by, "", [2 3 4 5 6]),
            sorted!($by, "", ""),
            "
            limit $7
        ) counted"
        )
    };
}

/// `among!` in every order.
macro_rules! among_in_order {
    ($lead:ident, $page:tt) => {
        per_order!(($page.sort, $page.is_read_down()), among, $lead)
    };
}

macro_rules! among_between_in_order {
    ($lead:ident, $page:tt) => {
        per_sort!($page.sort, among_between, $lead)
    };
}

impl Way {
    fn lead(&self) -> Option<Lead> {
        match self {
            Self::Along(..) => None,
            Self::Among(lead, _) => Some(*lead),
        }
    }

    fn span(&self) -> &Span {
        match self {
            Self::Along(span, _) | Self::Among(_, span) => span,
        }
    }
}

pub(super) fn list_sql(page: Page<'_>, lead: Option<Lead>) -> &'static str {
    if let Some(lead) = lead {
        return per_lead!(lead, among_in_order, page);
    }
    per_order!((page.sort, page.is_read_down()), along)
}

pub(super) fn between_sql(page: Page<'_>, lead: Option<Lead>) -> &'static str {
    if let Some(lead) = lead {
        return per_lead!(lead, among_between_in_order, page);
    }
    per_sort!(page.sort, between)
}

pub(super) fn number_sql(sort: Sort) -> &'static str {
    per_sort!(sort, number)
}

/// Runs one of the statements above.
macro_rules! bind_list {
    ($sql:expr, $list:expr, ($lead:expr, $span:expr, $limit:expr), $words:expr) => {{
        let (list, span) = ($list, $span);
        let query = bind_filter!(sqlx::query_as($sql), list.account_id, list.filter, list.now);
        let query = query.bind(&list.filter.status).bind(span.gone);
        let query = bind_place!(bind_place!(query, &span.low), &span.high).bind($limit);
        match $lead {
            Some(lead) => bind_words!(query, lead, $words),
            None => query,
        }
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

    /// The keys of a page, in its order.
    pub async fn page(&self, page: Page<'_>) -> sqlx::Result<Listed> {
        let Some(way) = self.way(page).await? else { return Ok(Listed::default()) };
        let (sql, words) = (list_sql(page, way.lead()), self.filter.words(self.account_id));
        let mut keys: Vec<ApiKey> = read!(self.db, c => {
            let (lead, span) = (way.lead(), way.span());
            bind_list!(sql, self, (lead, span, page.limit), &words).fetch_all(c)
        })?;
        let is_full = i64::try_from(keys.len()).is_ok_and(|read| read >= page.limit);
        if page.backwards {
            keys.reverse();
        }
        let looked_to = if let Way::Along(_, looked_to) = way { looked_to.filter(|_| !is_full) } else { None };
        Ok(Listed { keys, looked_to })
    }

    /// How many keys of the list come before `page.from`; none if too many would have to be looked at.
    pub async fn position(&self, page: Page<'_>) -> sqlx::Result<Option<i64>> {
        let Some(from) = place(self.db, self.account_id, page.sort, page.from).await? else { return Ok(None) };
        let whole = Span::of(self.filter, page.sort, self.now);
        if self.is_whole(&whole) {
            let number = self.number(page, &whole.until(from, page.descending)).await?;
            return Ok((number <= MOST).then_some(number));
        }
        let lead = self.lead((page, &whole)).await?;
        let before = whole.until(from, page.descending);
        let (sql, words) = (between_sql(page, lead), self.filter.words(self.account_id));
        let (found, looked): (i64, i64) =
            read!(self.db, c => bind_list!(sql, self, (lead, &before, MOST + 1), &words).fetch_one(c))?;
        Ok((looked <= MOST).then_some(found))
    }

    /// Whether something narrows it, and still leaves more keys than a look reaches.
    pub async fn is_long(&self) -> sqlx::Result<bool> {
        Ok(Lead::of(self.filter).next().is_some() && self.few().await?.is_none())
    }

    /// How many keys a span holds, of so many that are looked at, whatever else is asked for.
    async fn number(&self, page: Page<'_>, span: &Span) -> sqlx::Result<i64> {
        let sql = number_sql(page.sort);
        let (number,) = read!(self.db, c => {
            let query = sqlx::query_as(sql).bind(self.account_id).bind(span.gone);
            bind_place!(bind_place!(query, &span.low), &span.high).bind(MOST + 1).fetch_one(c)
        })?;
        Ok(number)
    }

    /// Whether every key of a span is in the list.
    fn is_whole(&self, span: &Span) -> bool {
        !self.filter.is_narrow() && span.is_exact
    }

    /// How to read this page; there is none if it should follow a key that is nowhere.
    async fn way(&self, page: Page<'_>) -> sqlx::Result<Option<Way>> {
        let whole = Span::of(self.filter, page.sort, self.now);
        let span = if page.from.is_empty() {
            whole
        } else {
            let Some(from) = place(self.db, self.account_id, page.sort, page.from).await? else { return Ok(None) };
            whole.behind(from, page.is_read_down())
        };
        if self.is_whole(&span) {
            return Ok(Some(Way::Along(span, None)));
        }
        let Some((looked_to, end)) = reach(self.db, self.account_id, (page, &span), MOST).await? else {
            return Ok(Some(Way::Along(span, None)));
        };
        if let Some(lead) = self.few().await? {
            return Ok(Some(Way::Among(lead, span)));
        }
        Ok(Some(Way::Along(span.until(end, page.is_read_down()), Some(looked_to))))
    }

    /// The lead that the list is read by in this span: none if a look along the span sees all of it.
    async fn lead(&self, (page, span): (Page<'_>, &Span)) -> sqlx::Result<Option<Lead>> {
        if reach(self.db, self.account_id, (page, span), MOST).await?.is_none() {
            return Ok(None);
        }
        self.few().await
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
}
