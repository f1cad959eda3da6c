//! The list of an account's keys: filtered, sorted and paged in the database, always bounded by the account.

use super::api_keys::select_key;
use super::key_filter::{Filter, bind_filter, in_status};
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

/// A page in one order: `$by` is the sorted expression, `$order` its direction, and `$from` where the page begins. The first
/// page has a text of its own, because a database goes by one plan for a text.
macro_rules! page {
    ($by:literal, $order:literal, $from:expr) => {
        select_key!(
            in_status!(),
            $from,
            "
        order by ",
            $by,
            " ",
            $order,
            ", k.id ",
            $order,
            "
        limit $15"
        )
    };
}

macro_rules! first_page {
    ($by:literal, $order:literal) => {
        page!($by, $order, "\n        and $14 = ''")
    };
}

/// As [`page!`], behind the key $14; `$than` is how what follows it compares.
macro_rules! next_page {
    ($by:literal, $than:literal, $order:literal) => {
        page!(
            $by,
            $order,
            concat!(
                "
        and (",
                $by,
                ", k.id) ",
                $than,
                " ((select ",
                $by,
                " from api_keys k where k.account_id = $1 and k.id = $14), $14)"
            )
        )
    };
}

/// How many keys stand before $14 in one order.
macro_rules! position {
    ($by:literal, $than:literal) => {
        concat!(
            "
        select count(*)
        from api_keys k",
            in_status!(),
            "
        and (",
            $by,
            ", k.id) ",
            $than,
            " ((select ",
            $by,
            " from api_keys k where k.account_id = $1 and k.id = $14), $14)"
        )
    };
}

impl Page<'_> {
    /// The page's SQL. Going back reads the other way round, from the key that comes after.
    fn list_sql(&self) -> &'static str {
        if self.from.is_empty() { self.first_sql() } else { self.next_sql() }
    }

    fn first_sql(&self) -> &'static str {
        match (self.sort, self.descending != self.backwards) {
            (Sort::LastUsed, true) => first_page!("k.use_order", "desc"),
            (Sort::LastUsed, false) => first_page!("k.use_order", "asc"),
            (Sort::Name, true) => first_page!("k.name_folded", "desc"),
            (Sort::Name, false) => first_page!("k.name_folded", "asc"),
            (Sort::Created, true) => first_page!("k.created_at", "desc"),
            (Sort::Created, false) => first_page!("k.created_at", "asc"),
            (Sort::Expires, true) => first_page!("k.end_order", "desc"),
            (Sort::Expires, false) => first_page!("k.end_order", "asc"),
        }
    }

    fn next_sql(&self) -> &'static str {
        match (self.sort, self.descending != self.backwards) {
            (Sort::LastUsed, true) => next_page!("k.use_order", "<", "desc"),
            (Sort::LastUsed, false) => next_page!("k.use_order", ">", "asc"),
            (Sort::Name, true) => next_page!("k.name_folded", "<", "desc"),
            (Sort::Name, false) => next_page!("k.name_folded", ">", "asc"),
            (Sort::Created, true) => next_page!("k.created_at", "<", "desc"),
            (Sort::Created, false) => next_page!("k.created_at", ">", "asc"),
            (Sort::Expires, true) => next_page!("k.end_order", "<", "desc"),
            (Sort::Expires, false) => next_page!("k.end_order", ">", "asc"),
        }
    }

    fn position_sql(&self) -> &'static str {
        match (self.sort, self.descending) {
            (Sort::LastUsed, true) => position!("k.use_order", ">"),
            (Sort::LastUsed, false) => position!("k.use_order", "<"),
            (Sort::Name, true) => position!("k.name_folded", ">"),
            (Sort::Name, false) => position!("k.name_folded", "<"),
            (Sort::Created, true) => position!("k.created_at", ">"),
            (Sort::Created, false) => position!("k.created_at", "<"),
            (Sort::Expires, true) => position!("k.end_order", ">"),
            (Sort::Expires, false) => position!("k.end_order", "<"),
        }
    }
}

/// The keys of a page, in its order.
pub async fn list(
    db: &Db,
    account_id: &str,
    filter: &Filter,
    page: Page<'_>,
    now: Timestamp,
) -> sqlx::Result<Vec<ApiKey>> {
    let sql = page.list_sql();
    let mut keys: Vec<ApiKey> = read!(db, c => bind_filter!(sqlx::query_as(sql), account_id, filter, now)
        .bind(&filter.status)
        .bind(page.from)
        .bind(page.limit)
        .fetch_all(c))?;
    if page.backwards {
        keys.reverse();
    }
    Ok(keys)
}

/// How many keys of the filtered list come before `key_id`.
pub async fn position(db: &Db, account_id: &str, filter: &Filter, page: Page<'_>, now: Timestamp) -> sqlx::Result<i64> {
    let sql = page.position_sql();
    let (before,): (i64,) = read!(db, c => bind_filter!(sqlx::query_as(sql), account_id, filter, now)
        .bind(&filter.status)
        .bind(page.from)
        .fetch_one(c))?;
    Ok(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn plan(db: &Db, page: Page<'_>) -> String {
        let super::super::Engine::Sqlite { readers, .. } = &db.engine else { panic!("a file") };
        let sql = sqlx::AssertSqlSafe(format!("explain query plan {}", page.list_sql()));
        let (filter, now) = (Filter::default(), Timestamp::default());
        let query = bind_filter!(sqlx::query_as(sql), "acc_1", filter, now);
        let query = query.bind(&filter.status).bind(page.from).bind(page.limit);
        let steps: Vec<(i64, i64, i64, String)> = query.fetch_all(readers).await.expect("a plan");
        steps.into_iter().map(|(.., step)| step + "\n").collect()
    }

    #[tokio::test]
    async fn every_page_in_every_order_is_read_from_its_index_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("keydesk.db").display());
        let db = Db::open(&url).await.expect("a database");
        for (sort, index) in [
            (Sort::LastUsed, "api_keys_in_use_order (account_id=?"),
            (Sort::Name, "api_keys_in_name_order (account_id=?"),
            (Sort::Created, "api_keys_by_creation (account_id=?"),
            (Sort::Expires, "api_keys_in_end_order (account_id=?"),
        ] {
            for (descending, backwards, from) in [
                (true, false, ""),
                (false, false, ""),
                (true, false, "key_1"),
                (false, false, "key_1"),
                (true, true, "key_1"),
                (false, true, "key_1"),
            ] {
                let page = Page { sort, descending, from, backwards, limit: 51 };
                let plan = plan(&db, page).await;
                assert!(plan.contains(&format!("SEARCH k USING INDEX {index}")), "{page:?}: {plan}");
                assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{page:?}: {plan}");
                // Behind a key it begins there, and reads nothing of what stands before.
                assert_eq!(plan.contains("(account_id=? AND ("), !from.is_empty(), "{page:?}: {plan}");
            }
        }
    }
}
