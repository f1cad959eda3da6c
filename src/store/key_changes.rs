//! What changes a key without changing its secret: its name, its scopes and its pause. Each is one transaction with its audit event.

use super::{Act, Db, Tx, audit_events, is_taken, within};
use crate::model::api_key::ApiKey;
use crate::model::audit::{Action, Target};
use crate::model::scopes::Scopes;
use crate::model::text::{self, fold};

/// What became of a new name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renamed {
    Now,
    /// Another key of the same environment has it.
    NameTaken,
    /// The key was deleted meanwhile.
    Gone,
}

/// Gives the key another name. Its id, secret and history stay.
pub async fn rename(db: &Db, act: &Act<'_>, key: &ApiKey, name: &str) -> sqlx::Result<Renamed> {
    const RENAME: &str = "
        update api_keys
        set name = $3, name_folded = $4
        where account_id = $1
        and id = $2
        and deleted_at is null
        returning id";
    let mut tx = db.begin_as(act, &key.account_id).await?;
    let (account_id, id) = (&key.account_id, &key.id);
    let renamed: sqlx::Result<Option<(String,)>> = within!(&mut tx, c => {
        sqlx::query_as(RENAME).bind(account_id).bind(id).bind(name).bind(fold(name)).fetch_optional(c)
    });
    match renamed {
        Err(error) if is_taken(&error) => return Ok(Renamed::NameTaken),
        Err(error) => return Err(error),
        Ok(None) => return Ok(Renamed::Gone),
        Ok(Some(_)) => {}
    }
    let was = format!("was {}", key.name);
    record(tx, act, key, (Action::KeyRenamed, name, &was)).await?;
    Ok(Renamed::Now)
}

/// Gives the key other scopes, unless they are not any more as `key` says: what was looked at is what is changed. Answers
/// what is other now, as the audit log says it.
pub async fn change_scopes(db: &Db, act: &Act<'_>, key: &ApiKey, scopes: &Scopes) -> sqlx::Result<Option<String>> {
    const CHANGE: &str = "
        update api_keys
        set scopes = $3
        where account_id = $1
        and id = $2
        and scopes = $4
        and deleted_at is null
        returning id";
    let mut tx = db.begin_as(act, &key.account_id).await?;
    let (before, after) = (key.scopes.to_string(), scopes.to_string());
    let changed: Option<(String,)> = within!(&mut tx, c => {
        sqlx::query_as(CHANGE).bind(&key.account_id).bind(&key.id).bind(&after).bind(&before).fetch_optional(c)
    })?;
    if changed.is_none() {
        return Ok(None);
    }
    let difference = difference(&key.scopes, scopes);
    record(tx, act, key, (Action::KeyScopesChanged, &key.name, &difference)).await?;
    Ok(Some(difference))
}

/// `removed mail:read and mail:write, added mail:send`
fn difference(before: &Scopes, after: &Scopes) -> String {
    let only_in = |these: &Scopes, those: &Scopes| -> Vec<String> {
        let missing = these.iter().filter(|scope| !those.iter().any(|other| other == *scope));
        missing.map(|scope| if scope == "*" { "full access".into() } else { scope.to_owned() }).collect()
    };
    let parts = [("removed", only_in(before, after)), ("added", only_in(after, before))];
    let said = parts.iter().filter(|(_, scopes)| !scopes.is_empty());
    said.map(|(verb, scopes)| format!("{verb} {}", text::list(scopes))).collect::<Vec<_>>().join(", ")
}

/// Stops the key until it is resumed. Answers `false` if it was stopped, or deleted, before.
pub async fn pause(db: &Db, act: &Act<'_>, key: &ApiKey) -> sqlx::Result<bool> {
    const PAUSE: &str = "
        update api_keys
        set paused_at = $3
        where account_id = $1
        and id = $2
        and paused_at is null
        and deleted_at is null
        returning id";
    let mut tx = db.begin_as(act, &key.account_id).await?;
    let paused: Option<(String,)> = within!(&mut tx, c => {
        sqlx::query_as(PAUSE).bind(&key.account_id).bind(&key.id).bind(act.at).fetch_optional(c)
    })?;
    if paused.is_some() {
        record(tx, act, key, (Action::KeyPaused, &key.name, "")).await?;
    }
    Ok(paused.is_some())
}

/// Lets a paused key work again. Answers `false` if it was not paused any more.
pub async fn resume(db: &Db, act: &Act<'_>, key: &ApiKey) -> sqlx::Result<bool> {
    const RESUME: &str = "
        update api_keys
        set paused_at = null
        where account_id = $1
        and id = $2
        and paused_at is not null
        and deleted_at is null
        returning id";
    let mut tx = db.begin_as(act, &key.account_id).await?;
    let resumed: Option<(String,)> = within!(&mut tx, c => {
        sqlx::query_as(RESUME).bind(&key.account_id).bind(&key.id).fetch_optional(c)
    })?;
    if resumed.is_some() {
        record(tx, act, key, (Action::KeyResumed, &key.name, "")).await?;
    }
    Ok(resumed.is_some())
}

/// Records what was done, under the key's name from now on, and makes it so.
async fn record(mut tx: Tx, act: &Act<'_>, key: &ApiKey, done: (Action, &str, &str)) -> sqlx::Result<()> {
    let (action, name, detail) = done;
    tx.changes(&key.id);
    audit_events::record(&mut tx, act, &key.account_id, action, Target { id: &key.id, name }, detail).await?;
    tx.commit().await
}
