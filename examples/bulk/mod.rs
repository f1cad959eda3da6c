//! What the examples that fill a database have in common: audit events, many to a statement. SQLite only.

use keydesk::model::audit::AuditEvent;
use sqlx::{QueryBuilder, Sqlite};

/// Rows of one statement: SQLite binds at most 32 766 values.
pub const AT_ONCE: usize = 500;

/// What `store::audit_events` writes for each.
pub fn audit(events: &[AuditEvent]) -> QueryBuilder<Sqlite> {
    const INSERT: &str = "
        insert into audit_events (
            account_id, seq, id, at, action, actor_kind, actor_id, actor_name, actor_role,
            session_id, ip, user_agent, request_id, target_id, target_name, detail, mac
        ) ";
    let mut statement = QueryBuilder::new(INSERT);
    statement.push_values(events, |mut values, event| {
        values
            .push_bind(event.account_id.clone())
            .push_bind(event.seq)
            .push_bind(event.id.clone())
            .push_bind(event.at)
            .push_bind(event.action.code())
            .push_bind(event.actor_kind.clone())
            .push_bind(event.actor_id.clone())
            .push_bind(event.actor_name.clone())
            .push_bind(event.actor_role.clone())
            .push_bind(event.session_id.clone())
            .push_bind(event.ip.clone())
            .push_bind(event.user_agent.clone())
            .push_bind(event.request_id.clone())
            .push_bind(event.target_id.clone())
            .push_bind(event.target_name.clone())
            .push_bind(event.detail.clone())
            .push_bind(event.mac.clone());
    });
    statement
}

/// What `store::audit_names` counts of them, of all events of an account.
pub const NAMES: &str = "
    insert into audit_names (account_id, name, name_folded, events)
    select account_id, target_name, lower(target_name), count(*)
    from audit_events
    where account_id = $1
    and target_name <> ''
    group by account_id, target_name
    on conflict (account_id, name) do update
    set events = excluded.events";
