//! What the targets of an account's events are or were called, beside the log: a search by a part of a name reads the names,
//! of which there are few, and tells in advance how many events it will find.

use super::{Db, Tx, change, columns, containing, read};
use crate::model::text::fold;

/// Events whose target has a name that a search finds, and all events of the account.
#[derive(Clone, Copy, Debug, Default)]
pub struct Found {
    pub events: i64,
    pub of: i64,
}

columns!(Found { events, of });

/// Counts an event that names `name`. The account's row is locked by whoever records it.
pub(super) async fn count(tx: &mut Tx, account_id: &str, name: &str) -> sqlx::Result<()> {
    const COUNT: &str = "
        insert into audit_names (account_id, name, name_folded, events)
        values ($1, $2, $3, 1)
        on conflict (account_id, name) do update
        set events = audit_names.events + 1";
    if !name.is_empty() {
        change!(tx, sqlx::query(COUNT).bind(account_id).bind(name).bind(fold(name)));
    }
    Ok(())
}

/// How many events a search for `part` of a name finds.
pub async fn found(db: &Db, account_id: &str, part: &str) -> sqlx::Result<Found> {
    const FOUND: &str = "
        select cast(coalesce(sum(n.events), 0) as bigint) as events, max(a.audit_seq) as of
        from accounts a
        left join audit_names n on n.account_id = a.id
            and (n.name like $2 escape '\\' or n.name_folded like $3 escape '\\')
        where a.id = $1";
    let (typed, folded) = patterns(part);
    read!(db, c => sqlx::query_as(FOUND).bind(account_id).bind(typed).bind(folded).fetch_one(c))
}

/// As it was typed, and folded: what was recorded before there were folded copies was folded by the database.
pub(super) fn patterns(part: &str) -> (String, String) {
    if part.is_empty() { (String::new(), String::new()) } else { (containing(part), containing(&fold(part))) }
}
