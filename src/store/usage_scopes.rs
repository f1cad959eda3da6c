//! Which scopes of a key requests that passed have taken, and when last: what least privilege is judged by. A key has at
//! most a row per scope of the definition.

use super::usage::KeyUse;
use super::usage_flush::{OfRows, latest, of_rows, write};
use super::{Db, Tx, change, columns, read};
use crate::clock::Timestamp;
use crate::model::least_privilege::UsedScope;

columns!(UsedScope { scope, last_used_at });

pub(super) async fn add(tx: &mut Tx, batch: &[&KeyUse]) -> sqlx::Result<()> {
    const ADD: OfRows = of_rows!(
        "
        insert into usage_scopes (key_id, scope, last_used_at)
        select e.value ->> 0, e.value ->> 1, cast(e.value ->> 2 as bigint)",
        "
        on conflict (key_id, scope) do update set last_used_at = excluded.last_used_at
        where excluded.last_used_at > usage_scopes.last_used_at"
    );
    let taken = batch
        .iter()
        .flat_map(|key_use| key_use.scopes.iter().map(|(scope, at)| ((key_use.key_id.as_str(), scope.as_str()), *at)));
    write(tx, ADD, &latest(taken)).await
}

/// The scopes of a key that were used since `since`.
pub async fn list(db: &Db, account_id: &str, key_id: &str, since: Timestamp) -> sqlx::Result<Vec<UsedScope>> {
    const LIST: &str = "
        select u.scope, u.last_used_at
        from usage_scopes u
        join api_keys k on k.id = u.key_id
        where k.account_id = $1
        and u.key_id = $2
        and u.last_used_at >= $3
        order by u.scope";
    read!(db, c => sqlx::query_as(LIST).bind(account_id).bind(key_id).bind(since).fetch_all(c))
}

/// Writes down that scopes are counted from `since` on, unless they were before. Answers since when they are.
pub async fn count_from(db: &Db, since: Timestamp) -> sqlx::Result<Timestamp> {
    const BEGIN: &str = "
        update installation
        set scopes_counted_since = $1
        where one = 1
        and (scopes_counted_since is null or scopes_counted_since > $1)";
    const FIND: &str = "select scopes_counted_since from installation where one = 1";
    let found: Option<(Option<Timestamp>,)> = read!(db, c => sqlx::query_as(FIND).fetch_optional(c))?;
    if let Some((Some(earlier),)) = found.filter(|(found,)| found.is_some_and(|at| at <= since)) {
        return Ok(earlier);
    }
    let mut tx = db.begin().await?;
    change!(&mut tx, sqlx::query(BEGIN).bind(since));
    tx.commit().await?;
    Ok(since)
}
