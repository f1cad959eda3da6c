//! Inboxes. Deleting one deletes the restricted keys that are bound to it, in the same transaction.

use super::once::{self, Once, Seen};
use super::{Act, Db, api_keys, audit_events, change, columns, read, within};
use crate::clock::Timestamp;
use crate::model::audit::{Action, Target};
use crate::model::inbox::Inbox;
use crate::model::text::{can_be_id, count, fold, some};

columns!(Inbox { id, account_id, name, address, created_at });

/// An inbox as the page lists it.
#[derive(Clone, Debug)]
pub struct Listed {
    pub id: String,
    pub name: String,
    pub address: String,
    pub created_at: Timestamp,
    /// Restricted keys bound to it that are not deleted.
    pub restricted_keys: i64,
}

impl Listed {
    /// `2 keys`
    pub fn keys_in_words(&self) -> String {
        count(self.restricted_keys.unsigned_abs(), "key", "keys")
    }
}

/// What a list to choose from says of one.
#[derive(Clone, Debug)]
pub struct Named {
    pub id: String,
    pub name: String,
}

columns!(Named { id, name });

columns!(Listed { id, name, address, created_at, restricted_keys });

/// What became of an inbox to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    Now,
    /// The same request came before; this is the inbox it made.
    Before(String),
    /// A request with the same idempotency key asked for something else.
    OtherRequest,
    NameTaken,
}

pub async fn create(db: &Db, act: &Act<'_>, inbox: &Inbox, once: Option<Once<'_>>) -> sqlx::Result<Created> {
    const INSERT: &str = "
        insert into inboxes (id, account_id, name, name_folded, address, created_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict do nothing";
    let mut tx = db.begin_as(act, &inbox.account_id).await?;
    match once::look(&mut tx, &inbox.account_id, once).await? {
        Seen::Made(id) => return Ok(Created::Before(id)),
        Seen::Differently => return Ok(Created::OtherRequest),
        Seen::Never => {}
    }
    let inserted = change!(
        &mut tx,
        sqlx::query(INSERT)
            .bind(&inbox.id)
            .bind(&inbox.account_id)
            .bind(&inbox.name)
            .bind(fold(&inbox.name))
            .bind(&inbox.address)
            .bind(inbox.created_at)
    );
    if inserted == 0 {
        return Ok(Created::NameTaken);
    }
    tx.changes(&inbox.id);
    let target = Target { id: &inbox.id, name: &inbox.name };
    audit_events::record(&mut tx, act, &inbox.account_id, Action::InboxCreated, target, "").await?;
    once::remember(&mut tx, act, &inbox.account_id, once, &inbox.id).await?;
    tx.commit().await?;
    Ok(Created::Now)
}

pub async fn find(db: &Db, account_id: &str, id: &str) -> sqlx::Result<Option<Inbox>> {
    const FIND: &str = "
        select id, account_id, name, address, created_at
        from inboxes
        where account_id = $1
        and id = $2
        and deleted_at is null";
    read!(db, c => sqlx::query_as(FIND).bind(account_id).bind(id).fetch_optional(c))
}

/// Whose inbox this is, for the gate: it compares with the account that its verdict is about.
pub async fn find_account(db: &Db, id: &str) -> sqlx::Result<Option<String>> {
    const FIND: &str = "select account_id from inboxes where id = $1 and deleted_at is null";
    // Whoever asks the gate may ask for anything, be it a secret.
    if !can_be_id(id) {
        return Ok(None);
    }
    let found: Option<(String,)> = read!(db, c => sqlx::query_as(FIND).bind(id).fetch_optional(c))?;
    Ok(found.map(|(account_id,)| account_id))
}

/// An account's inboxes by name. `only` keeps a restricted key to its own; empty means all. `after` is the id of the
/// last one seen.
pub async fn list(db: &Db, account_id: &str, only: &str, after: &str, limit: i64) -> sqlx::Result<Vec<Listed>> {
    const LIST: &str = "
        select i.id, i.name, i.address, i.created_at,
            (select count(*) from api_keys k where k.inbox_id = i.id and k.deleted_at is null) as restricted_keys
        from inboxes i
        where i.account_id = $1
        and i.deleted_at is null
        and ($2 = '' or i.id = $2)
        and ($3 = '' or (i.name_folded, i.id) > (select a.name_folded, a.id from inboxes a where a.account_id = $1 and a.id = $3))
        order by i.name_folded, i.id
        limit $4";
    read!(db, c => sqlx::query_as(LIST).bind(account_id).bind(only).bind(after).bind(limit).fetch_all(c))
}

/// The names of an account's inboxes, in their order, to choose one of.
pub async fn names(db: &Db, account_id: &str, limit: i64) -> sqlx::Result<Vec<Named>> {
    const LIST: &str = "
        select i.id, i.name
        from inboxes i
        where i.account_id = $1
        and i.deleted_at is null
        order by i.name_folded, i.id
        limit $2";
    read!(db, c => sqlx::query_as(LIST).bind(account_id).bind(limit).fetch_all(c))
}

/// Keys that the event of an inbox names; each has an event of its own.
const KEYS_NAMED: usize = 20;

/// Deletes an inbox and every restricted key bound to it. Answers the names of those keys, or `None` if there is no
/// such inbox.
pub async fn delete(db: &Db, act: &Act<'_>, account_id: &str, id: &str) -> sqlx::Result<Option<Vec<String>>> {
    const DELETE: &str = "
        update inboxes
        set deleted_at = $3
        where account_id = $1
        and id = $2
        and deleted_at is null
        returning name";
    let mut tx = db.begin_as(act, account_id).await?;
    let deleted: Option<(String,)> =
        within!(&mut tx, c => sqlx::query_as(DELETE).bind(account_id).bind(id).bind(act.at).fetch_optional(c))?;
    let Some((name,)) = deleted else { return Ok(None) };
    tx.changes(id);
    let keys = api_keys::delete_of_inbox(&mut tx, act, account_id, id).await?;
    let word = if keys.len() == 1 { "key" } else { "keys" };
    let detail = if keys.is_empty() {
        String::new()
    } else {
        format!("with its restricted {word} {}", some(&keys, KEYS_NAMED, keys.len()))
    };
    audit_events::record(&mut tx, act, account_id, Action::InboxDeleted, Target { id, name: &name }, &detail).await?;
    tx.commit().await?;
    Ok(Some(keys))
}
