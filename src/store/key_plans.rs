//! That every statement of the list of keys is read from its index, on both databases, and that lists and counts which look
//! at few keys find what one finds that reads them all. On `PostgreSQL` where `KEYDESK_TEST_DATABASE_URL` names one.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Row as _};
use tempfile::TempDir;

use super::count::LOOK;
use super::few_keys::few_sql;
use super::key_counts::{self, AMONG_NEWEST};
use super::key_filter::{Filter, STATUSES};
use super::key_leads::Lead;
use super::key_list::{self, KeyList, Page, Sort};
use super::key_looks::{self, OF_ACCOUNT};
use super::key_span::reach_sql;
use super::{Db, Engine, key_days, read};
use crate::clock::{Timestamp, days};
use crate::model::api_key::{ApiKey, EXPIRES_SOON, NEVER_USED_AFTER, UNUSED_AFTER};

const ACCOUNT: &str = "acc_0123456789abcdef";
const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const SORTS: [Sort; 4] = [Sort::LastUsed, Sort::Name, Sort::Created, Sort::Expires];
const LEADS: [Lead; 13] = [
    Lead::Inbox,
    Lead::Words,
    Lead::Active,
    Lead::Retiring,
    Lead::Paused,
    Lead::Expiring,
    Lead::Unused,
    Lead::Unrevealed,
    Lead::NeverUsed,
    Lead::FullAccess,
    Lead::RotationDue,
    Lead::OwnerLeft,
    Lead::Expired,
];
/// Keys of every kind, KEYS of them; a hundred of them hold what few hold.
const FILL: [&str; 4] = [
    "insert into accounts (id, name, created_at) values ('acc_0123456789abcdef', 'Halden', 1)",
    "insert into users (id, account_id, email, email_folded, name, role, created_at, removed_at)
     values ('usr_1', 'acc_0123456789abcdef', 'a@example', 'a@example', 'A', 'administrator', 1, null),
        ('usr_2', 'acc_0123456789abcdef', 'b@example', 'usr_2', 'B', 'administrator', 1, 2)",
    "insert into inboxes (id, account_id, name, name_folded, address, created_at)
     values ('inb_1', 'acc_0123456789abcdef', 'Orders', 'orders', 'o@example', 1)",
    "insert into api_keys (id, account_id, name, name_folded, key_type, environment, inbox_id, scopes, allowed_ips, prefix,
        last4, created_at, created_by, expires_at, paused_at, deleted_at, rotated_at, retires_at, sealed_until, revealed_at,
        first_used_at, last_used_at)
     with recursive numbers (n) as (select cast(1 as bigint) union all select n + 1 from numbers where n < KEYS)
     select 'key_' || (1000000000000000 + n * 7919 % 1000003), 'acc_0123456789abcdef', 'Wörker ' || n,
        case when n % 100 = 3 then 'zephyr ' || n else 'wörker ' || n end,
        case when n % 50 = 7 then 'restricted' else 'standard' end, case when n % 2 = 0 then 'live' else 'test' end,
        case when n % 50 = 7 then 'inb_1' end, case when n % 9 = 0 then '*' when n % 70 = 1 then 'a:b c:d' else 'c:d' end, '', 'kd_',
        'Ab' || (10 + n % 90), 1700000000000000 + n * 4000000000, case when n % 30 = 4 then 'usr_2' else 'usr_1' end,
        case when n % 3 = 0 then 1799000000000000 + n * 900000000 end, case when n % 40 = 5 then 5 end,
        case when n % 8 = 1 then 6 end, case when n % 6 = 2 then 1799900000000000 end,
        case when n % 60 = 8 then 1800000000000000 + n end, case when n % 45 = 6 then 7 end, case when n % 45 <> 6 then 8 end,
        9, case when n % 7 <> 0 then 1760000000000000 + n * 15000000000 % 40000000000000 end
     from numbers",
];

/// A database with so many keys, and the folder that it goes with.
async fn filled(keys: u32, name: &str) -> (Db, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let url = match std::env::var("KEYDESK_TEST_DATABASE_URL") {
        Ok(server) => {
            let schema = format!("plans_{name}_{}", std::process::id());
            let pool = sqlx::PgPool::connect(&server).await.expect("PostgreSQL answers");
            sqlx::query(AssertSqlSafe(format!("create schema {schema}"))).execute(&pool).await.expect("a schema");
            format!("{server}?options=-c%20search_path%3D{schema}")
        }
        Err(_) => format!("sqlite://{}", folder.path().join("keydesk.db").display()),
    };
    let db = Db::open(&url).await.expect("a database");
    for statement in &FILL[..if keys == 0 { 3 } else { 4 }] {
        run(&db, &statement.replace("KEYS", &keys.to_string())).await;
    }
    (db, folder)
}

async fn run(db: &Db, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    match &db.engine {
        Engine::Sqlite { writer, .. } => drop(sqlx::raw_sql(sql).execute(writer).await.expect("the statement")),
        Engine::Postgres(pool) => drop(sqlx::raw_sql(sql).execute(pool).await.expect("the statement")),
    }
}

/// What stands behind the filter's own numbers in a statement that follows a lead: its words, and a place.
const OF_LEAD: [&str; 4] = ["'01234567n78'", "'0'", "'0'", "''"];

/// The steps of a statement, its numbers replaced by what they would be; those of a list stand behind the filter's own.
async fn plan(db: &Db, sql: &str) -> String {
    let by = if sql.contains("(k.name_folded") { ["''", "'zzz'"] } else { ["0", "9000000000000000000"] };
    plan_with(db, sql, &["''", "0", by[0], "''", by[1], "'zzz'", "51"]).await
}

async fn plan_with(db: &Db, sql: &str, rest: &[&str]) -> String {
    let texts = [ACCOUNT, "", "", "", "%wörker%", "", "% c:d %"].map(|text| format!("'{text}'"));
    let moments =
        [NOW, NOW + days(14), NOW - days(90), NOW - days(7), NOW - days(90)].map(|at| at.micros().to_string());
    let rest = rest.iter().map(|value| (*value).to_owned());
    let values: Vec<String> = texts.into_iter().chain(moments).chain(rest).collect();
    let numbered = values.iter().enumerate().rev();
    // What a page of keys is told apart by.
    let sql = (20..=52).fold(sql.to_owned(), |sql, at| sql.replace(&format!("${at}"), "''"));
    let sql = numbered.fold(sql, |sql, (at, value)| sql.replace(&format!("${}", at + 1), value));
    match &db.engine {
        Engine::Sqlite { readers, .. } => {
            let sql = AssertSqlSafe(format!("explain query plan {sql}"));
            let steps = sqlx::query(sql).fetch_all(readers).await.expect("a plan");
            steps.iter().map(|step| step.get::<String, _>(3) + "\n").collect()
        }
        Engine::Postgres(pool) => {
            let mut tx = pool.begin().await.expect("a transaction");
            // Of a table that is one account's for the most part, a thousand rows are found by reading it from its beginning.
            sqlx::query("set local enable_seqscan = off").execute(&mut *tx).await.expect("a setting");
            let steps = sqlx::query(AssertSqlSafe(format!("explain {sql}"))).fetch_all(&mut *tx).await.expect("a plan");
            steps.iter().map(|step| step.get::<String, _>(0) + "\n").collect()
        }
    }
}

/// Whether a plan reads a whole table, or the whole account.
fn reads_all(plan: &str) -> bool {
    plan.lines().any(|step| {
        let whole = ["SCAN api_keys", "SCAN n", "SCAN users", "Seq Scan on api_keys", "Seq Scan on key_word_sets"];
        let of_account = step.ends_with("(account_id=?)") && !step.contains(" u ");
        // What stands in parentheses in the statement has the same name as the table.
        let table = step.trim() == "SCAN k" && !plan.contains("CO-ROUTINE k");
        table || of_account || step.contains("SCAN k USING") || whole.iter().any(|scan| step.contains(scan))
    })
}

fn pages() -> impl Iterator<Item = Page<'static>> {
    let page = |(sort, descending)| Page { sort, descending, from: "", backwards: false, limit: 51 };
    SORTS.into_iter().flat_map(|sort| [(sort, true), (sort, false)]).map(page)
}

#[tokio::test]
async fn every_statement_is_read_from_an_index_and_a_page_in_its_order() {
    let (db, _folder) = filled(30_000, "all").await;
    if db.is_shared() {
        run(&db, "analyze").await;
    }
    for page in pages() {
        for sql in [key_list::list_sql(page), reach_sql(page.sort, page.descending)] {
            // A statement of its own numbers, told from the rest by its end.
            let sql = sql.replace("limit 2 offset $7", "limit 2 offset 999");
            let sql = if sql.contains("offset") { renumbered(&sql) } else { sql };
            let plan = plan(&db, &sql).await;
            assert!(!reads_all(&plan), "{page:?}: {plan}");
            assert!(!plan.contains("TEMP B-TREE") && !plan.contains("Sort"), "{page:?}: {plan}");
            if !db.is_shared() {
                assert!(plan.contains("(account_id=? AND <expr>=? AND ("), "{page:?}: {plan}");
            }
        }
        let number = plan(&db, &renumbered(&key_list::number_sql(page.sort).replace("limit $7", "limit 1001"))).await;
        assert!(!reads_all(&number) && !number.contains("TEMP B-TREE"), "{page:?}: {number}");
        let between = plan(&db, key_list::between_sql(page.sort)).await;
        assert!(!reads_all(&between) && !between.contains("TEMP B-TREE"), "{page:?}: {between}");
        for lead in LEADS {
            // What a lead finds is sorted: a thousand at most.
            let few = plan_with(&db, few_sql(lead, page.sort), &OF_LEAD).await;
            assert!(!reads_all(&few), "{lead:?}, {page:?}: {few}");
        }
    }
    let ids = (2..=52).rev().fold(key_list::OF_IDS.to_owned(), |sql, at| sql.replace(&format!("${at}"), "''"));
    let of_ids = plan(&db, &ids).await;
    assert!(!reads_all(&of_ids), "{of_ids}");
}

/// The numbers of [`reach_sql`] as those of a list.
fn renumbered(sql: &str) -> String {
    let numbers = [("$6", "$18"), ("$5", "$17"), ("$4", "$16"), ("$3", "$15"), ("$2", "$14")];
    numbers.into_iter().fold(sql.to_owned(), |sql, (from, to)| sql.replace(from, to))
}

#[tokio::test]
async fn every_count_is_read_from_an_index() {
    let (db, _folder) = filled(30_000, "counts").await;
    if db.is_shared() {
        run(&db, "analyze").await;
    }
    let of_account =
        [("$8", "0"), ("$7", "$12"), ("$6", "$11"), ("$5", "$10"), ("$4", "$9"), ("$3", "1200"), ("$2", "$8")];
    let of_account = of_account.into_iter().fold(OF_ACCOUNT.to_owned(), |sql, (from, to)| sql.replace(from, to));
    for sql in [&of_account, AMONG_NEWEST] {
        let plan = plan(&db, sql).await;
        assert!(!reads_all(&plan), "{sql}: {plan}");
    }
    for lead in LEADS {
        let [one, other, ..] = OF_LEAD;
        let number = plan_with(&db, lead.number_sql(), &[one, other, "1001"]).await;
        assert!(!reads_all(&number), "{lead:?}: {number}");
    }
}

#[tokio::test]
async fn the_days_of_a_page_are_read_without_the_other_keys() {
    let (db, _folder) = filled(10, "days").await;
    if !db.is_shared() {
        let plan = plan(&db, key_days::LIST).await;
        assert!(plan.starts_with("SEARCH d ") && !plan.contains("(account_id=?)"), "{plan}");
    }
}

fn filters() -> Vec<Filter> {
    let due_since = NOW - days(90);
    let any = |change: fn(&mut Filter)| {
        let mut filter = Filter { due_since, ..Filter::default() };
        change(&mut filter);
        filter
    };
    let narrow = [
        any(|_| {}),
        any(|filter| filter.q = "Zephyr".into()),
        any(|filter| filter.q = "wörk".into()),
        any(|filter| filter.q = "w".into()),
        any(|filter| filter.q = "nobody".into()),
        any(|filter| filter.q = "kd_…Ab10".into()),
        any(|filter| filter.key_type = "restricted".into()),
        any(|filter| filter.environment = "test".into()),
        any(|filter| filter.inbox = "inb_1".into()),
        any(|filter| filter.scope = "a:b".into()),
        any(|filter| (filter.scope, filter.environment) = ("a:b".into(), "live".into())),
        any(|filter| (filter.q, filter.key_type) = ("wörker".into(), "restricted".into())),
    ];
    let with = |filter: &Filter| STATUSES.map(|status| Filter { status: status.into(), ..filter.clone() });
    narrow.iter().flat_map(with).collect()
}

/// A page of four hundred behind `from`.
fn page_behind(from: &str, sort: Sort, descending: bool) -> Page<'_> {
    Page { sort, descending, from, backwards: false, limit: 400 }
}

/// Every key of a list, page by page as somebody reads it, each where it says that it stands.
async fn read_whole(db: &Db, filter: &Filter, sort: Sort, descending: bool) -> Vec<ApiKey> {
    let (mut whole, mut from) = (Vec::new(), String::new());
    loop {
        let list = KeyList::new(db, ACCOUNT, filter, NOW);
        let page = list.page(page_behind(&from, sort, descending));
        let read = page.read().await.expect("a page");
        if let Some(first) = read.keys.first() {
            let before = page.position(&first.id).await.expect("a position");
            // Where few are found there is always a position.
            let finds_few = list.few().await.expect("a lead").is_some();
            let is_right = before.map_or(!finds_few, |before| usize::try_from(before) == Ok(whole.len()));
            assert!(is_right, "{filter:?}, {sort:?}: {before:?} before {}", whole.len());
        }
        let full = read.keys.len() == 400;
        let end = read.keys.last().map(|key| key.id.clone()).filter(|_| full);
        whole.extend(read.keys);
        let Some(next) = read.looked_to.or(end) else { return whole };
        from = next;
    }
}

#[tokio::test]
async fn what_looks_at_few_keys_finds_what_reads_all_of_them_finds() {
    let (db, _folder) = filled(3_000, "same").await;
    for (index, filter) in filters().into_iter().enumerate() {
        let (sort, descending) = (SORTS[index % 4], index % 3 == 0);
        let every = key_counts::every(&db, ACCOUNT, &filter, NOW).await.expect("counts");
        let list = KeyList::new(&db, ACCOUNT, &filter, NOW);
        let counted = key_counts::of(&list.page(page_behind("", sort, descending))).await.expect("counts");
        for status in STATUSES {
            let (exact, count) = (every.of(status).found, counted.of(status));
            let is_true = if count.more { count.found <= exact } else { count.found == exact };
            assert!(is_true, "{filter:?}, {status}: {count:?} of {exact}");
        }
        let keys = read_whole(&db, &filter, sort, descending).await;
        let ids: BTreeSet<&str> = keys.iter().map(|key| key.id.as_str()).collect();
        assert_eq!(ids.len(), keys.len(), "{filter:?}, {sort:?}: a key came twice");
        assert_eq!(i64::try_from(keys.len()), Ok(every.of(&filter.status).found), "{filter:?}, {sort:?}, {descending}");
        if sort == Sort::Created {
            assert!(keys.is_sorted_by(|one, next| (one.created_at <= next.created_at) != descending), "{filter:?}");
        }
    }
}

/// The ids of every key and tombstone in an order, as the database itself sorts them.
async fn in_order(db: &Db, sort: Sort, descending: bool) -> Vec<String> {
    let by = match sort {
        Sort::LastUsed => "use_order",
        Sort::Name => "name_folded",
        Sort::Created => "created_at",
        Sort::Expires => "end_order",
    };
    let sql = AssertSqlSafe(format!("select id from api_keys order by {by}, id"));
    let ids = read!(db, c => sqlx::query_as::<_, (String,)>(sql).fetch_all(c)).expect("every key");
    let ids = ids.into_iter().map(|(id,)| id);
    if descending { ids.rev().collect() } else { ids.collect() }
}

#[tokio::test]
async fn a_page_of_few_leads_on_from_any_key_also_from_one_that_left_the_list() {
    let (db, _folder) = filled(9_000, "left").await;
    let mut pages = 0;
    for (index, filter) in filters().into_iter().enumerate() {
        let list = KeyList::new(&db, ACCOUNT, &filter, NOW);
        if list.few().await.expect("a lead").is_none() {
            continue;
        }
        let (sort, descending) = (SORTS[index % 4], index % 3 == 0);
        let found = read_whole(&db, &filter, sort, descending).await;
        let found: BTreeSet<&str> = found.iter().map(|key| key.id.as_str()).collect();
        let all = in_order(&db, sort, descending).await;
        // Of three keys in a row one is not in the list, for the most part, and of eight one is a tombstone.
        for at in [all.len() / 2, all.len() / 2 + 1, all.len() / 2 + 2] {
            let in_list =
                |ids: &[String]| ids.iter().filter(|id| found.contains(id.as_str())).cloned().collect::<Vec<_>>();
            let (before, behind) = (in_list(&all[..at]), in_list(&all[at + 1..]));
            let next = Page { limit: 60, ..page_behind(&all[at], sort, descending) };
            let read = ids_of(&list, next).await;
            assert_eq!(read, behind[..behind.len().min(60)], "{filter:?}, {sort:?}, {descending}");
            let read = ids_of(&list, Page { backwards: true, ..next }).await;
            assert_eq!(read, before[before.len().saturating_sub(60)..], "{filter:?}, {sort:?}, {descending}, back");
            pages += usize::from(!behind.is_empty());
        }
        let nowhere = ids_of(&list, page_behind("key_nowhere", sort, descending)).await;
        assert_eq!(nowhere, [""; 0], "{filter:?}");
    }
    assert!(pages > 100, "{pages} pages tell something");
}

async fn ids_of(list: &KeyList<'_>, page: Page<'_>) -> Vec<String> {
    list.page(page).read().await.expect("a page").keys.into_iter().map(|key| key.id).collect()
}

/// Keys of every combination of moments that a status depends on, and of those just beside them: a microsecond is 1.
const MOMENTS: &str = "
    insert into api_keys (id, account_id, name, name_folded, key_type, environment, scopes, allowed_ips, prefix, last4,
        created_at, created_by, expires_at, retires_at, paused_at, deleted_at, sealed_until, revealed_at, rotated_at, last_used_at)
    with recursive numbers (n) as (select cast(0 as bigint) union all select n + 1 from numbers where n < 1151)
    select 'key_' || (1000000000000000 + n), 'acc_0123456789abcdef', 'k' || n, 'k' || n, 'standard', 'live',
        case when n % 5 = 0 then '*' else 'a:b' end, '', 'kd_', 'Ab12',
        case n / 4 % 4 when 0 then NOW - UNUSED when 1 then NOW - UNUSED + 1 when 2 then NOW - NEVER when 3 then NOW - NEVER + 1 end,
        'usr_1',
        case n / 16 % 6 when 1 then NOW - 1 when 2 then NOW when 3 then NOW + 1 when 4 then NOW + SOON when 5 then NOW + SOON + 1 end,
        case n % 4 when 1 then NOW - 1 when 2 then NOW when 3 then NOW + 1 end,
        case when n / 96 % 3 = 1 then 1 end, case when n / 96 % 3 = 2 then 1 end,
        case when n / 288 % 4 > 0 then 1 end, case when n / 288 % 4 = 2 then 1 end,
        case when n % 7 = 0 then NOW - 1 end,
        case n / 288 % 4 when 1 then NOW - UNUSED when 2 then NOW - UNUSED + 1 end
    from numbers";

/// Whether a key has the status, by what the model says of it.
fn is_in(key: &ApiKey, status: &str, due_since: Timestamp) -> bool {
    let now = key.status(NOW);
    let works = now.verifies();
    match status {
        "" => key.deleted_at.is_none(),
        "expiring" => works && key.expires_at.is_some_and(|at| at <= NOW + EXPIRES_SOON),
        "unused" => works && key.last_used_at.unwrap_or(key.created_at) <= NOW - UNUSED_AFTER,
        "unrevealed" => works && key.is_unrevealed(),
        "never-used" => works && key.last_used_at.is_none() && key.created_at <= NOW - NEVER_USED_AFTER,
        "full-access" => works && key.scopes.to_string() == "*",
        "rotation-due" => works && key.rotated_at.unwrap_or(key.created_at) <= due_since,
        "owner-left" => false,
        _ => now.as_str() == status,
    }
}

#[tokio::test]
async fn a_status_finds_the_keys_that_say_so_themselves_to_the_microsecond() {
    let (db, _folder) = filled(0, "statuses").await;
    let spans = [("UNUSED", UNUSED_AFTER), ("NEVER", NEVER_USED_AFTER), ("SOON", EXPIRES_SOON)];
    let sql = spans
        .into_iter()
        .fold(MOMENTS.to_owned(), |sql, (name, span)| sql.replace(name, &span.as_micros().to_string()));
    run(&db, &sql.replace("NOW", &NOW.micros().to_string())).await;
    let filter = |status: &str| Filter { status: status.into(), due_since: NOW - UNUSED_AFTER, ..Filter::default() };
    let mut all = read_whole(&db, &filter(""), Sort::Created, true).await;
    all.extend(read_whole(&db, &filter("deleted"), Sort::Created, true).await);
    assert_eq!(all.len(), 1152);
    let counts = key_looks::of_account(&db, ACCOUNT, NOW - UNUSED_AFTER, NOW).await.expect("counts");
    for status in STATUSES {
        let ids = |keys: &[ApiKey]| keys.iter().map(|key| key.id.clone()).collect::<BTreeSet<_>>();
        let found = ids(&read_whole(&db, &filter(status), Sort::Name, false).await);
        let of_model: Vec<ApiKey> = all.iter().filter(|key| is_in(key, status, NOW - UNUSED_AFTER)).cloned().collect();
        assert_eq!(found, ids(&of_model), "{status}");
        assert_eq!(counts.of(status).found, i64::try_from(found.len()).expect("a count"), "{status}");
        assert!(status == "owner-left" || !found.is_empty(), "{status}: none to compare");
    }
}

#[tokio::test]
async fn three_thousand_keys_are_a_thousand_and_more_and_of_a_status_four_hundred_and_more() {
    let (db, _folder) = filled(3_000, "more").await;
    let counts = key_looks::of_account(&db, ACCOUNT, NOW - days(90), NOW).await.expect("counts");
    assert_eq!((counts.of("").number(), counts.of("active").number()), ("1,000+".into(), "400+".into()));
    assert_eq!(counts.of("deleted").of("key", "keys"), "375 keys");
    const { assert!(LOOK > 1_000) };
}
