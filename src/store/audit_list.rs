//! The audit log as it is searched: filters, pages in both directions, counts and exports, all by time. Each text leads
//! with the filter that narrows most, which has an index behind it, so that no page reads the whole account.

use super::{Db, audit_names, columns, read};
use crate::clock::Timestamp;
use crate::model::audit::AuditEvent;

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

/// The names that hold what is searched for.
macro_rules! names {
    () => {
        "
            select name
            from audit_names
            where account_id = $1
            and (name like $13 escape '\\' or name_folded like $14 escape '\\')"
    };
}

macro_rules! among_names {
    () => {
        concat!("\n        and target_name in (", names!(), ")")
    };
}

/// What every text asks for: `$lead` names the index to go by.
macro_rules! matching {
    ($lead:expr) => {
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
        and ($13 = '' or target_name in (",
            names!(),
            "))"
        )
    };
}

macro_rules! page {
    ($lead:expr, $order:literal) => {
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
    ($lead:expr) => {
        page!($lead, "at desc, seq desc")
    };
}

macro_rules! newer {
    ($lead:expr) => {
        page!($lead, "at, seq")
    };
}

macro_rules! count {
    ($lead:expr) => {
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
    Name,
    Time,
}

impl Lead {
    /// Every way to the same page.
    fn older_sql(self) -> &'static str {
        match self {
            Self::Event => older!("\n        and id = $7"),
            Self::Target => older!("\n        and target_id = $8"),
            Self::Address => older!("\n        and ip = $9"),
            Self::Actor => older!("\n        and actor_id = $10"),
            Self::Action => older!("\n        and action = $11"),
            Self::Name => older!(among_names!()),
            Self::Time => older!(""),
        }
    }

    fn newer_sql(self) -> &'static str {
        match self {
            Self::Event => newer!("\n        and id = $7"),
            Self::Target => newer!("\n        and target_id = $8"),
            Self::Address => newer!("\n        and ip = $9"),
            Self::Actor => newer!("\n        and actor_id = $10"),
            Self::Action => newer!("\n        and action = $11"),
            Self::Name => newer!(among_names!()),
            Self::Time => newer!(""),
        }
    }

    fn count_sql(self) -> &'static str {
        match self {
            Self::Event => count!("\n        and id = $7"),
            Self::Target => count!("\n        and target_id = $8"),
            Self::Address => count!("\n        and ip = $9"),
            Self::Actor => count!("\n        and actor_id = $10"),
            Self::Action => count!("\n        and action = $11"),
            Self::Name => count!(among_names!()),
            Self::Time => count!(""),
        }
    }
}

impl Filter {
    /// The most telling first: an event, a thing, an address, a person, an act. Whatever none of them narrows is read by
    /// time.
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

    /// As [`Self::lead`]; a name leads where reading all events that it finds, and sorting them, costs less than going back
    /// in time until a page is full.
    async fn lead_on(&self, db: &Db, account_id: &str, limit: i64) -> sqlx::Result<Lead> {
        let lead = self.lead();
        if !matches!(lead, Lead::Time) || self.target_name.is_empty() {
            return Ok(lead);
        }
        let found = audit_names::found(db, account_id, &self.target_name).await?;
        let is_rare = found.events.saturating_mul(found.events) < limit.saturating_mul(found.of);
        Ok(if is_rare { Lead::Name } else { Lead::Time })
    }

    /// Whether it asks for a name and nothing else.
    fn is_only_a_name(&self) -> bool {
        let unnamed = Self { target_name: String::new(), ..self.clone() };
        !self.target_name.is_empty() && unnamed.is_everything()
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
        let (typed, folded) = audit_names::patterns(&$filter.target_name);
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

/// The events of a window, the newest first, going back in time from its later end.
pub async fn older(db: &Db, account_id: &str, filter: &Filter, window: Window) -> sqlx::Result<Vec<AuditEvent>> {
    let sql = filter.lead_on(db, account_id, window.limit).await?.older_sql();
    read!(db, c => bind!(sqlx::query_as(sql), account_id, filter, window).fetch_all(c))
}

/// The events of a window, the newest first, going forward in time from its earlier end.
pub async fn newer(db: &Db, account_id: &str, filter: &Filter, window: Window) -> sqlx::Result<Vec<AuditEvent>> {
    let sql = filter.lead_on(db, account_id, window.limit).await?.newer_sql();
    let mut events: Vec<AuditEvent> =
        read!(db, c => bind!(sqlx::query_as(sql), account_id, filter, window).fetch_all(c))?;
    events.reverse();
    Ok(events)
}

/// How many events there are, and no more than the window's limit.
pub async fn count(db: &Db, account_id: &str, filter: &Filter, window: Window) -> sqlx::Result<i64> {
    if filter.is_only_a_name() {
        return Ok(audit_names::found(db, account_id, &filter.target_name).await?.events.min(window.limit));
    }
    let sql = filter.lead_on(db, account_id, window.limit).await?.count_sql();
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
            let lead = filter.lead();
            for sql in [lead.older_sql(), lead.newer_sql(), lead.count_sql()] {
                let plan = plan(&db, sql, &filter).await;
                assert!(plan.contains("SEARCH audit_events USING") && plan.contains(index), "{index}: {plan}");
                let sorts = plan.contains("TEMP B-TREE") && !index.contains("(id=?)");
                assert!(!plan.contains("SCAN audit_events") && !sorts, "{plan}");
            }
        }
    }

    #[tokio::test]
    async fn a_name_that_few_events_have_is_read_by_name_and_one_that_many_have_by_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("keydesk.db").display());
        let db = Db::open(&url).await.expect("a database");
        let super::super::Engine::Sqlite { writer, .. } = &db.engine else { panic!("a file") };
        sqlx::raw_sql(
            "insert into accounts (id, name, created_at, audit_seq) values ('acc_1', 'Halden', 1, 10000);
            insert into audit_names (account_id, name, name_folded, events)
            values ('acc_1', 'Billing', 'billing', 40), ('acc_1', 'worker', 'worker', 9960)",
        )
        .execute(writer)
        .await
        .expect("an account");
        let by_name = |part: &str| Filter { target_name: part.into(), ..Filter::default() };
        for (part, is_by_name, events) in
            [("bill", true, 40), ("BILL", true, 40), ("worker", false, 9960), ("elsewhere", true, 0), ("_", true, 0)]
        {
            let filter = by_name(part);
            let lead = filter.lead_on(&db, "acc_1", 51).await.expect("a way");
            assert_eq!(matches!(lead, Lead::Name), is_by_name, "{part}");
            assert_eq!(count(&db, "acc_1", &filter, Window::newest(10_001)).await.expect("a count"), events, "{part}");
            let plan = plan(&db, Lead::Name.older_sql(), &filter).await;
            assert!(plan.contains("of_name_by_time (account_id=? AND target_name=? AND (at,seq)>"), "{plan}");
        }
    }
}
