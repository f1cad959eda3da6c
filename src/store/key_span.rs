//! Which stretch of an order a page of keys is read from: between two places, each a value and, for its equals, an id.

use super::key_filter::{Filter, STATUSES};
use super::key_list::{Page, Sort};
use super::{Db, read};
use crate::clock::Timestamp;
use crate::model::api_key::{EXPIRES_SOON, NEVER_USED_AFTER, UNUSED_AFTER};

/// Behind every id: they begin with `key_`.
const LAST_ID: &str = "zzz";
/// Behind every name.
const LAST_NAME: &str = "\u{10ffff}";

/// Where a key stands in one order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) by: By,
    pub(super) id: String,
}

/// What an order sorts by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum By {
    Number(i64),
    Name(String),
}

/// Keys that are deleted, or that are not, between two places.
#[derive(Clone, Debug)]
pub(super) struct Span {
    /// 1 for tombstones.
    pub(super) gone: i64,
    pub(super) low: Place,
    pub(super) high: Place,
    /// Whether every key in it has the status that is asked for.
    pub(super) is_exact: bool,
}

/// Binds a place, the value before the id.
macro_rules! bind_place {
    ($query:expr, $place:expr) => {{
        let (query, place) = ($query, $place);
        let query = match &place.by {
            $crate::store::key_span::By::Number(number) => query.bind(*number),
            $crate::store::key_span::By::Name(name) => query.bind(name.as_str()),
        };
        query.bind(place.id.as_str())
    }};
}

/// `$text!(…, column)` of the column that a sort is by.
macro_rules! per_sort {
    ($sort:expr, $text:ident $(, $more:tt)*) => {
        match $sort {
            $crate::store::key_list::Sort::LastUsed => $text!($($more,)* "k.use_order"),
            $crate::store::key_list::Sort::Name => $text!($($more,)* "k.name_folded"),
            $crate::store::key_list::Sort::Created => $text!($($more,)* "k.created_at"),
            $crate::store::key_list::Sort::Expires => $text!($($more,)* "k.end_order"),
        }
    };
}

/// `per_sort!` read down or up.
macro_rules! per_order {
    (($sort:expr, $down:expr), $text:ident $(, $more:tt)*) => {
        if $down {
            $crate::store::key_span::per_sort!($sort, $text, $($more,)* "desc")
        } else {
            $crate::store::key_span::per_sort!($sort, $text, $($more,)* "asc")
        }
    };
}

/// The keys of a span, by the numbers that it is bound under.
macro_rules! in_span {
    ($by:literal, [$gone:literal $by1:literal $id1:literal $by2:literal $id2:literal]) => {
        concat!(
            "
        and ",
            $crate::store::key_filter::gone!(),
            " = $",
            $gone,
            "
        and (",
            $by,
            ", k.id) > ($",
            $by1,
            ", $",
            $id1,
            ")
        and (",
            $by,
            ", k.id) < ($",
            $by2,
            ", $",
            $id2,
            ")"
        )
    };
}

macro_rules! sorted {
    ($by:literal, $order:literal) => {
        concat!(
            "
        order by ",
            $by,
            " ",
            $order,
            ", k.id ",
            $order
        )
    };
}
pub(super) use {bind_place, in_span, per_order, per_sort, sorted};

impl Place {
    /// Before every key.
    pub(super) fn first(sort: Sort) -> Self {
        let by = if sort == Sort::Name { By::Name(String::new()) } else { By::Number(i64::MIN) };
        Self { by, id: String::new() }
    }

    /// Behind every key.
    fn last(sort: Sort) -> Self {
        let by = if sort == Sort::Name { By::Name(LAST_NAME.into()) } else { By::Number(i64::MAX) };
        Self { by, id: LAST_ID.into() }
    }

    /// Before every key that has the number.
    fn before(number: i64) -> Self {
        Self { by: By::Number(number), id: String::new() }
    }

    /// Before every key that is later than the moment.
    fn after(moment: Timestamp) -> Self {
        Self::before(moment.micros() + 1)
    }

    fn read(sort: Sort, by: String, id: String) -> Self {
        let by = if sort == Sort::Name { By::Name(by) } else { By::Number(by.parse().unwrap_or(0)) };
        Self { by, id }
    }
}

impl Span {
    /// All that can have the filter's status.
    pub(super) fn of(filter: &Filter, sort: Sort, now: Timestamp) -> Self {
        // One that nobody knows is none.
        let status = STATUSES.into_iter().find(|known| *known == filter.status).unwrap_or_default();
        let (low, high) = (Place::first(sort), Place::last(sort));
        let (low, high) = match (status, sort) {
            ("expired", Sort::Expires) => (low, Place::after(now)),
            ("expiring", Sort::Expires) => (Place::after(now), Place::after(now + EXPIRES_SOON)),
            ("" | "deleted", Sort::Expires) => (low, high),
            (_, Sort::Expires) => (Place::after(now), high),
            ("unused", Sort::LastUsed) => (low, Place::after(now - UNUSED_AFTER)),
            ("never-used", Sort::LastUsed) => (low, Place::before(1)),
            ("never-used", Sort::Created) => (low, Place::after(now - NEVER_USED_AFTER)),
            _ => (low, high),
        };
        let is_exact = matches!((status, sort), ("" | "deleted", _) | ("expired", Sort::Expires));
        Self { gone: i64::from(status == "deleted"), low, high, is_exact }
    }

    /// What is left behind a key, read down or up.
    pub(super) fn behind(self, key: Place, down: bool) -> Self {
        if down { Self { high: self.high.min(key), ..self } } else { Self { low: self.low.max(key), ..self } }
    }

    /// What is read before a key, read down or up.
    pub(super) fn until(self, key: Place, down: bool) -> Self {
        self.behind(key, !down)
    }
}

macro_rules! place {
    ($by:literal) => {
        concat!(
            "select cast(",
            $by,
            " as text) as by, k.id
        from api_keys k
        where k.account_id = $1
        and k.id = $2"
        )
    };
}

/// Where a key of the account stands.
pub(super) async fn place(db: &Db, account_id: &str, sort: Sort, id: &str) -> sqlx::Result<Option<Place>> {
    let sql = per_sort!(sort, place);
    let found: Option<(String, String)> =
        read!(db, c => sqlx::query_as(sql).bind(account_id).bind(id).fetch_optional(c))?;
    Ok(found.map(|(by, id)| Place::read(sort, by, id)))
}

macro_rules! reach {
    ($order:literal, $by:literal) => {
        concat!(
            "
        select cast(",
            $by,
            " as text) as by, k.id
        from api_keys k
        where k.account_id = $1",
            in_span!($by, [2 3 4 5 6]),
            sorted!($by, $order),
            "
        limit 2 offset $7"
        )
    };
}

pub(super) fn reach_sql(sort: Sort, down: bool) -> &'static str {
    per_order!((sort, down), reach)
}

/// The last of `most` keys of a span, and where the next one stands; none if the span ends before.
pub(super) async fn reach(
    db: &Db,
    account_id: &str,
    (page, span): (Page<'_>, &Span),
    most: i64,
) -> sqlx::Result<Option<(String, Place)>> {
    let sql = reach_sql(page.sort, page.is_read_down());
    let ends: Vec<(String, String)> = read!(db, c => {
        let query = sqlx::query_as(sql).bind(account_id).bind(span.gone);
        let query = bind_place!(bind_place!(query, &span.low), &span.high);
        query.bind(most - 1).fetch_all(c)
    })?;
    let mut ends = ends.into_iter();
    Ok(ends.next().zip(ends.next()).map(|((_, last), (by, id))| (last, Place::read(page.sort, by, id))))
}
