//! The audit log as it is searched: filters, pages in both directions, counts and exports, all by time. Each text leads
//! with the filter that narrows most, which has an index behind it, so that no page reads the whole account.

use super::{Db, columns, containing, read};
use crate::clock::Timestamp;
use crate::model::audit::AuditEvent;
use crate::model::text::fold;

/// What is asked for; empty is everything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub event_id: String,
    pub target_id: String,
    /// A part of the target's name.
    pub target_name: String,
    pub ip: String,
    pub actor_id: String,
    pub actor_kind: String,
    /// The code of the action.
    pub action: String,
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

/// Where an event stands in the log, which is in the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub at: Timestamp,
    pub seq: i64,
}

columns!(Place { at, seq });

/// Which part of the log to read: between two places, and only what was recorded up to an event.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub before: Option<Place>,
    pub after: Option<Place>,
    pub up_to: i64,
    pub limit: i64,
}

impl Window {
    pub fn newest(limit: i64) -> Self {
        Self { before: None, after: None, up_to: i64::MAX, limit }
    }
}

/// What every text asks for: `$lead` names the index to go by.
macro_rules! matching {
    ($lead:literal) => {
        concat!(
            "
        from audit_events
        where account_id = $1
        and (at, seq) < ($2, $3)
        and (at, seq) > ($4, $5)
        and seq <= $6",
            $lead,
            "
        and ($7 = '' or id = $7)
        and ($8 = '' or target_id = $8)
        and ($9 = '' or ip = $9)
        and ($10 = '' or actor_id = $10)
        and ($11 = '' or action = $11)
        and ($12 = '' or actor_kind = $12)
        and ($13 = '' or target_name like $13 escape '\\' or lower(target_name) like $14 escape '\\')"
        )
    };
}

macro_rules! page {
    ($lead:literal, $order:literal) => {
        concat!(
            "
        select id, account_id, seq, at, action, actor_kind, actor_id, actor_name, actor_role,
            session_id, ip, user_agent, request_id, target_id, target_name, detail, mac",
            matching!($lead),
            "
        order by ",
            $order,
            "
        limit $15"
        )
    };
}

macro_rules! older {
    ($lead:literal) => {
        page!($lead, "at desc, seq desc")
    };
}

macro_rules! newer {
    ($lead:literal) => {
        page!($lead, "at, seq")
    };
}

macro_rules! count {
    ($lead:literal) => {
        concat!(
            "
        select count(*)
        from (
            select 1 as one",
            matching!($lead),
            "
            limit $15
        ) as counted"
        )
    };
}

/// The index that the filter leads with.
#[derive(Clone, Copy)]
enum Lead {
    Event,
    Target,
    Address,
    Actor,
    Action,
    Time,
}

impl Filter {
    /// The most telling first: an event, a thing, an address, a person, an act.
    fn lead(&self) -> Lead {
        let leads = [
            (&self.event_id, Lead::Event),
            (&self.target_id, Lead::Target),
            (&self.ip, Lead::Address),
            (&self.actor_id, Lead::Actor),
            (&self.action, Lead::Action),
        ];
        leads.into_iter().find(|(asked, _)| !asked.is_empty()).map_or(Lead::Time, |(_, lead)| lead)
    }

    fn older_sql(&self) -> &'static str {
        match self.lead() {
            Lead::Event => older!("\n        and id = $7"),
            Lead::Target => older!("\n        and target_id = $8"),
            Lead::Address => older!("\n        and ip = $9"),
            Lead::Actor => older!("\n        and actor_id = $10"),
            Lead::Action => older!("\n        and action = $11"),
            Lead::Time => older!(""),
        }
    }

    fn newer_sql(&self) -> &'static str {
        match self.lead() {
            Lead::Event => newer!("\n        and id = $7"),
            Lead::Target => newer!("\n        and target_id = $8"),
            Lead::Address => newer!("\n        and ip = $9"),
            Lead::Actor => newer!("\n        and actor_id = $10"),
            Lead::Action => newer!("\n        and action = $11"),
            Lead::Time => newer!(""),
        }
    }

    fn count_sql(&self) -> &'static str {
        match self.lead() {
            Lead::Event => count!("\n        and id = $7"),
            Lead::Target => count!("\n        and target_id = $8"),
            Lead::Address => count!("\n        and ip = $9"),
            Lead::Actor => count!("\n        and actor_id = $10"),
            Lead::Action => count!("\n        and action = $11"),
            Lead::Time => count!(""),
        }
    }

    /// Whether it asks for nothing in particular.
    pub fn is_everything(&self) -> bool {
        let texts = [&self.target_name, &self.actor_kind];
        matches!(self.lead(), Lead::Time)
            && texts.iter().all(|text| text.is_empty())
            && self.since.is_none()
            && self.until.is_none()
    }

    /// The place that every event asked for stands before, and the one that it stands behind.
    fn between(&self, window: Window) -> (Place, Place) {
        const FIRST: Place = Place { at: Timestamp::from_micros(i64::MIN), seq: i64::MIN };
        const LAST: Place = Place { at: Timestamp::from_micros(i64::MAX), seq: i64::MAX };
        let until = self.until.map_or(LAST, |at| Place { at, seq: i64::MIN });
        let since = self.since.map_or(FIRST, |at| Place { at, seq: i64::MIN });
        (window.before.map_or(until, |place| place.min(until)), window.after.map_or(since, |place| place.max(since)))
    }
}

/// Binds $1 to $15.
macro_rules! bind {
    ($query:expr, $account_id:expr, $filter:expr, $window:expr) => {{
        let (before, after) = $filter.between($window);
        let (typed, folded) = patterns(&$filter.target_name);
        $query
            .bind($account_id)
            .bind(before.at)
            .bind(before.seq)
            .bind(after.at)
            .bind(after.seq)
            .bind($window.up_to)
            .bind(&$filter.event_id)
            .bind(&$filter.target_id)
            .bind(&$filter.ip)
            .bind(&$filter.actor_id)
            .bind(&$filter.action)
            .bind(&$filter.actor_kind)
            .bind(typed)
            .bind(folded)
            .bind($window.limit)
    }};
}

/// As it was typed, and in lower case: the names of old targets have no folded copy.
fn patterns(part: &str) -> (String, String) {
    if part.is_empty() { (String::new(), String::new()) } else { (containing(part), containing(&fold(part))) }
}

/// The events of a window, the newest first, going back in time from its later end.
pub async fn older(db: &Db, account_id: &str, filter: &Filter, window: Window) -> sqlx::Result<Vec<AuditEvent>> {
    let sql = filter.older_sql();
    read!(db, c => bind!(sqlx::query_as(sql), account_id, filter, window).fetch_all(c))
}

/// The events of a window, the newest first, going forward in time from its earlier end.
pub async fn newer(db: &Db, account_id: &str, filter: &Filter, window: Window) -> sqlx::Result<Vec<AuditEvent>> {
    let sql = filter.newer_sql();
    let mut events: Vec<AuditEvent> =
        read!(db, c => bind!(sqlx::query_as(sql), account_id, filter, window).fetch_all(c))?;
    events.reverse();
    Ok(events)
}

/// How many events there are, and no more than the window's limit.
pub async fn count(db: &Db, account_id: &str, filter: &Filter, window: Window) -> sqlx::Result<i64> {
    let sql = filter.count_sql();
    let (count,): (i64,) = read!(db, c => bind!(sqlx::query_as(sql), account_id, filter, window).fetch_one(c))?;
    Ok(count)
}

/// Where an event of the account stands.
pub async fn place(db: &Db, account_id: &str, event_id: &str) -> sqlx::Result<Option<Place>> {
    const PLACE: &str = "select at, seq from audit_events where account_id = $1 and id = $2";
    read!(db, c => sqlx::query_as(PLACE).bind(account_id).bind(event_id).fetch_optional(c))
}

/// The newest event of the account, and so the number of its events.
pub async fn newest(db: &Db, account_id: &str) -> sqlx::Result<i64> {
    const NEWEST: &str = "select audit_seq from accounts where id = $1";
    let found: Option<(i64,)> = read!(db, c => sqlx::query_as(NEWEST).bind(account_id).fetch_optional(c))?;
    Ok(found.map_or(0, |(seq,)| seq))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut Filter)) -> Filter {
        let mut filter = Filter { target_name: "billing".into(), ..Filter::default() };
        change(&mut filter);
        filter
    }

    async fn plan(db: &Db, sql: &str, filter: &Filter) -> String {
        let sql = sqlx::AssertSqlSafe(format!("explain query plan {sql}"));
        let window = Window::newest(51);
        let steps: sqlx::Result<Vec<(i64, i64, i64, String)>> = match &db.engine {
            super::super::Engine::Sqlite { readers, .. } => {
                bind!(sqlx::query_as(sql), "acc_1", filter, window).fetch_all(readers).await
            }
            super::super::Engine::Postgres(_) => Ok(Vec::new()),
        };
        steps.expect("a plan").into_iter().map(|(.., step)| step + "\n").collect()
    }

    #[tokio::test]
    async fn every_filter_reads_one_range_of_its_index_in_the_order_of_the_page() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("keydesk.db").display());
        let db = Db::open(&url).await.expect("a database");
        let some = || "x".to_owned();
        for (filter, index) in [
            (with(|_| {}), "audit_events_by_time (account_id=? AND (at,seq)>(?,?) AND (at,seq)<(?,?))"),
            (with(|filter| filter.actor_kind = some()), "audit_events_by_time (account_id=? AND (at,seq)>"),
            (with(|filter| filter.target_id = some()), "of_target_by_time (account_id=? AND target_id=? AND (at,seq)>"),
            (with(|filter| filter.ip = some()), "from_address_by_time (account_id=? AND ip=? AND (at,seq)>"),
            (with(|filter| filter.actor_id = some()), "of_actor_by_time (account_id=? AND actor_id=? AND (at,seq)>"),
            (with(|filter| filter.action = some()), "of_action_by_time (account_id=? AND action=? AND (at,seq)>"),
            (with(|filter| filter.event_id = some()), "(id=?)"),
        ] {
            for sql in [filter.older_sql(), filter.newer_sql(), filter.count_sql()] {
                let plan = plan(&db, sql, &filter).await;
                assert!(plan.contains("SEARCH audit_events USING") && plan.contains(index), "{index}: {plan}");
                let sorts = plan.contains("TEMP B-TREE") && !index.contains("(id=?)");
                assert!(!plan.contains("SCAN audit_events") && !sorts, "{plan}");
            }
        }
    }
}
