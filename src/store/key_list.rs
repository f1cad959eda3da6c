//! The list of an account's keys: filtered, sorted and paged in the database, always bounded by the account.

use super::api_keys::select_key;
use super::{Db, columns, containing, read};
use crate::clock::Timestamp;
use crate::model::api_key::{ApiKey, EXPIRES_SOON, NEVER_USED_AFTER, UNUSED_AFTER};
use crate::model::text::fold;

/// Keys on a page.
pub const PAGE: usize = 50;

/// What to list. Empty means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Part of a name, or the last characters of a secret.
    pub q: String,
    pub key_type: String,
    pub environment: String,
    pub inbox: String,
    pub scope: String,
    pub status: String,
    /// Since when a secret that works is due for rotation; of none if there is no such moment.
    pub due_since: Timestamp,
}

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

/// How many keys the filter finds per status, whatever status it asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct StatusCounts {
    pub all: i64,
    pub active: i64,
    pub retiring: i64,
    pub paused: i64,
    pub expiring: i64,
    pub unused: i64,
    pub unrevealed: i64,
    pub never_used: i64,
    pub full_access: i64,
    pub rotation_due: i64,
    pub owner_left: i64,
    pub expired: i64,
    pub deleted: i64,
}

columns!(StatusCounts {
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

impl StatusCounts {
    pub fn of(&self, status: &str) -> i64 {
        match status {
            "active" => self.active,
            "retiring" => self.retiring,
            "paused" => self.paused,
            "expiring" => self.expiring,
            "unused" => self.unused,
            "unrevealed" => self.unrevealed,
            "never-used" => self.never_used,
            "full-access" => self.full_access,
            "rotation-due" => self.rotation_due,
            "owner-left" => self.owner_left,
            "expired" => self.expired,
            "deleted" => self.deleted,
            _ => self.all,
        }
    }
}

// Each status is one condition, which its count and its list share.

/// Works at $8.
macro_rules! working {
    () => {
        "k.deleted_at is null and k.paused_at is null and (k.expires_at is null or k.expires_at > $8)"
    };
}
macro_rules! active {
    () => {
        concat!(working!(), " and (k.retires_at is null or k.retires_at <= $8)")
    };
}
macro_rules! expiring {
    () => {
        concat!(working!(), " and k.expires_at <= $9")
    };
}
macro_rules! unused {
    () => {
        concat!(working!(), " and coalesce(k.last_used_at, k.created_at) <= $10")
    };
}
macro_rules! unrevealed {
    () => {
        concat!(working!(), " and k.sealed_until is not null and k.revealed_at is null")
    };
}
macro_rules! never_used {
    () => {
        concat!(working!(), " and k.last_used_at is null and k.created_at <= $11")
    };
}
macro_rules! full_access {
    () => {
        concat!(working!(), " and k.scopes = '*'")
    };
}
macro_rules! rotation_due {
    () => {
        concat!(working!(), " and coalesce(k.rotated_at, k.created_at) <= $12")
    };
}
macro_rules! owner_left {
    () => {
        concat!(
            working!(),
            " and k.created_by in (select u.id from users u where u.account_id = $1 and u.removed_at is not null)"
        )
    };
}
macro_rules! retiring {
    () => {
        concat!(working!(), " and k.retires_at > $8")
    };
}
macro_rules! paused {
    () => {
        "k.deleted_at is null and k.paused_at is not null and (k.expires_at is null or k.expires_at > $8)"
    };
}
macro_rules! expired {
    () => {
        "k.deleted_at is null and k.expires_at <= $8"
    };
}

macro_rules! filtered {
    () => {
        "
        where k.account_id = $1
        and ($2 = '' or k.key_type = $2)
        and ($3 = '' or k.environment = $3)
        and ($4 = '' or k.inbox_id = $4)
        and ($5 = '' or k.name_folded like $5 escape '\\' or k.last4 = $6)
        and ($7 = '' or ' ' || k.scopes || ' ' like $7 escape '\\' or k.scopes = '*')"
    };
}

macro_rules! in_status {
    () => {
        concat!(
            filtered!(),
            "
        and (case $13
            when 'active' then ",
            active!(),
            "
            when 'retiring' then ",
            retiring!(),
            "
            when 'paused' then ",
            paused!(),
            "
            when 'expiring' then ",
            expiring!(),
            "
            when 'unused' then ",
            unused!(),
            "
            when 'unrevealed' then ",
            unrevealed!(),
            "
            when 'never-used' then ",
            never_used!(),
            "
            when 'full-access' then ",
            full_access!(),
            "
            when 'rotation-due' then ",
            rotation_due!(),
            "
            when 'owner-left' then ",
            owner_left!(),
            "
            when 'expired' then ",
            expired!(),
            "
            when 'deleted' then k.deleted_at is not null
            else k.deleted_at is null
            end)"
        )
    };
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

const COUNTS: &str = concat!(
    "
        select cast(coalesce(sum(case when k.deleted_at is null then 1 else 0 end), 0) as bigint) as \"all\",
            cast(coalesce(sum(case when ",
    active!(),
    " then 1 else 0 end), 0) as bigint) as active,
            cast(coalesce(sum(case when ",
    retiring!(),
    " then 1 else 0 end), 0) as bigint) as retiring,
            cast(coalesce(sum(case when ",
    paused!(),
    " then 1 else 0 end), 0) as bigint) as paused,
            cast(coalesce(sum(case when ",
    expiring!(),
    " then 1 else 0 end), 0) as bigint) as expiring,
            cast(coalesce(sum(case when ",
    unused!(),
    " then 1 else 0 end), 0) as bigint) as unused,
            cast(coalesce(sum(case when ",
    unrevealed!(),
    " then 1 else 0 end), 0) as bigint) as unrevealed,
            cast(coalesce(sum(case when ",
    never_used!(),
    " then 1 else 0 end), 0) as bigint) as never_used,
            cast(coalesce(sum(case when ",
    full_access!(),
    " then 1 else 0 end), 0) as bigint) as full_access,
            cast(coalesce(sum(case when ",
    rotation_due!(),
    " then 1 else 0 end), 0) as bigint) as rotation_due,
            cast(coalesce(sum(case when ",
    owner_left!(),
    " then 1 else 0 end), 0) as bigint) as owner_left,
            cast(coalesce(sum(case when ",
    expired!(),
    " then 1 else 0 end), 0) as bigint) as expired,
            cast(coalesce(sum(case when k.deleted_at is not null then 1 else 0 end), 0) as bigint) as deleted
        from api_keys k",
    filtered!()
);

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

/// Binds $1 to $12: the filter and the moments that statuses depend on.
macro_rules! bind_filter {
    ($query:expr, $account_id:expr, $filter:expr, $now:expr) => {{
        let q = fold(&$filter.q);
        let scope = &$filter.scope;
        $query
            .bind($account_id)
            .bind(&$filter.key_type)
            .bind(&$filter.environment)
            .bind(&$filter.inbox)
            .bind(if q.is_empty() { q } else { containing(&q) })
            .bind(last_characters(&$filter.q))
            .bind(if scope.is_empty() { String::new() } else { containing(&format!(" {scope} ")) })
            .bind($now)
            .bind($now + EXPIRES_SOON)
            .bind($now - UNUSED_AFTER)
            .bind($now - NEVER_USED_AFTER)
            .bind($filter.due_since)
    }};
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

pub async fn counts(db: &Db, account_id: &str, filter: &Filter, now: Timestamp) -> sqlx::Result<StatusCounts> {
    read!(db, c => bind_filter!(sqlx::query_as(COUNTS), account_id, filter, now).fetch_one(c))
}

/// The four characters that a pasted secret, or the end of one, ends with; nothing if the text cannot be one.
fn last_characters(q: &str) -> &str {
    // As the list shows it, `kd_live_…7Qx2`, and as people copy it from there.
    let q = q.rsplit('…').next().unwrap_or(q).trim();
    let plain = q.len() >= 4 && q.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain { &q[q.len() - 4..] } else { "" }
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

    #[test]
    fn only_four_characters_or_more_can_be_the_end_of_a_secret() {
        assert_eq!(last_characters("7Qx2"), "7Qx2");
        assert_eq!(last_characters(" ab7Qx2 "), "7Qx2");
        assert_eq!(last_characters("kd_live_…7Qx2"), "7Qx2");
        assert_eq!(last_characters("Qx2"), "");
        assert_eq!(last_characters("a b c d"), "");
    }
}
