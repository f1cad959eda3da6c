//! The audit log: written only inside the transaction of the act that it records, chained per account.

use super::audit_checkpoints::Checkpoint;
use super::{Act, Db, Superseded, Tx, audit_names, change, columns, read, within};
use crate::model::audit::{Action, AuditEvent, Target};

columns!(AuditEvent {
    id,
    account_id,
    seq,
    at,
    action,
    actor_kind,
    actor_id,
    actor_name,
    actor_role,
    session_id,
    ip,
    user_agent,
    request_id,
    target_id,
    target_name,
    detail,
    mac,
});

/// Which part of an account's log to read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Slice<'a> {
    /// Only events about this target; empty for all.
    pub target_id: &'a str,
    /// Only events before this sequence number.
    pub before: Option<i64>,
    pub limit: i64,
}

/// Records `action` in `tx`. The account's head is locked by the update, so two writers cannot fork the chain.
pub(super) async fn record(
    tx: &mut Tx,
    act: &Act<'_>,
    account_id: &str,
    action: Action,
    target: Target<'_>,
    detail: &str,
) -> sqlx::Result<()> {
    const NEXT: &str = "
        update accounts
        set audit_seq = audit_seq + 1
        where id = $1
        returning audit_seq, audit_mac, audit_version";
    const END: &str = "update accounts set audit_mac = $2, audit_version = $3 where id = $1";
    let (seq, previous, recorded): (i64, String, i64) =
        within!(&mut *tx, c => sqlx::query_as(NEXT).bind(account_id).fetch_one(c))?;
    let version = act.keyring.version();
    // An event under an older secret file would be one that whoever stole that could have made.
    if recorded > version {
        return Err(sqlx::Error::AnyDriverError(Box::new(Superseded)));
    }
    let actor = act.actor;
    let mut event = AuditEvent {
        id: act.entropy.id("evt"),
        account_id: account_id.into(),
        seq,
        at: act.at,
        action,
        actor_kind: actor.kind.clone(),
        actor_id: actor.id.clone(),
        actor_name: actor.name.clone(),
        actor_role: actor.role.clone(),
        session_id: actor.session_id.clone(),
        ip: actor.ip.clone(),
        user_agent: actor.user_agent.clone(),
        request_id: actor.request_id.clone(),
        target_id: target.id.into(),
        target_name: target.name.into(),
        detail: detail.into(),
        mac: String::new(),
    };
    event.mac = event.chained(&previous, act.keyring);
    insert(tx, &event).await?;
    audit_names::count(tx, account_id, &event.target_name).await?;
    change!(&mut *tx, sqlx::query(END).bind(account_id).bind(&event.mac).bind(version));
    if Checkpoint::is_due(seq) {
        tx.checkpoints.push(Checkpoint { account_id: account_id.into(), seq, mac: event.mac });
    }
    Ok(())
}

async fn insert(tx: &mut Tx, event: &AuditEvent) -> sqlx::Result<()> {
    const INSERT: &str = "
        insert into audit_events (
            account_id, seq, id, at, action, actor_kind, actor_id, actor_name, actor_role,
            session_id, ip, user_agent, request_id, target_id, target_name, detail, mac
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
    change!(
        tx,
        sqlx::query(INSERT)
            .bind(&event.account_id)
            .bind(event.seq)
            .bind(&event.id)
            .bind(event.at)
            .bind(event.action.code())
            .bind(&event.actor_kind)
            .bind(&event.actor_id)
            .bind(&event.actor_name)
            .bind(&event.actor_role)
            .bind(&event.session_id)
            .bind(&event.ip)
            .bind(&event.user_agent)
            .bind(&event.request_id)
            .bind(&event.target_id)
            .bind(&event.target_name)
            .bind(&event.detail)
            .bind(&event.mac)
    );
    Ok(())
}

/// A list's SQL: `$narrowed` is what else the events have in common. Two texts, so that each reads one range of an index.
macro_rules! newest_first {
    ($narrowed:literal) => {
        concat!(
            "
        select id, account_id, seq, at, action, actor_kind, actor_id, actor_name, actor_role,
            session_id, ip, user_agent, request_id, target_id, target_name, detail, mac
        from audit_events
        where account_id = $1
        and seq < $2",
            $narrowed,
            "
        order by seq desc
        limit $3"
        )
    };
}

/// The newest events first.
pub async fn list(db: &Db, account_id: &str, slice: Slice<'_>) -> sqlx::Result<Vec<AuditEvent>> {
    const ALL: &str = newest_first!("");
    const OF_TARGET: &str = newest_first!("\nand target_id = $4");
    let before = slice.before.unwrap_or(i64::MAX);
    if slice.target_id.is_empty() {
        return read!(db, c => sqlx::query_as(ALL).bind(account_id).bind(before).bind(slice.limit).fetch_all(c));
    }
    read!(db, c => sqlx::query_as(OF_TARGET)
        .bind(account_id)
        .bind(before)
        .bind(slice.limit)
        .bind(slice.target_id)
        .fetch_all(c))
}
