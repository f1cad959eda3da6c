//! What is done to several keys at once: in one transaction, each key with an audit event of its own. A key that somebody
//! else has changed meanwhile is passed over and not counted.

use super::api_keys::{delete_within, select_key};
use super::key_changes::pause_within;
use super::{Act, Db, audit_events, columns, read};
use crate::model::api_key::ApiKey;
use crate::model::audit::{Action, Target};

/// Keys that can be chosen at once: as many as a page of the list has.
pub const MOST: usize = super::key_list::PAGE;

/// [`MOST`] parameters, from $2 on.
macro_rules! chosen {
    () => {
        "(
            $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
            $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46,
            $47, $48, $49, $50, $51
        )"
    };
}

/// How often a key was called.
#[derive(Clone, Debug)]
pub struct Called {
    pub key_id: String,
    pub requests: i64,
}

columns!(Called { key_id, requests });

fn padded(ids: &[String]) -> impl Iterator<Item = &str> {
    (0..MOST).map(|index| ids.get(index).map_or("", String::as_str))
}

/// The keys of these ids that are the account's, by name. Ids beyond [`MOST`] are passed over.
pub async fn find(db: &Db, account_id: &str, ids: &[String]) -> sqlx::Result<Vec<ApiKey>> {
    // Found by their ids, and not among all keys of the account.
    const FIND: &str =
        select_key!("\nwhere k.account_id || '' = $1\nand k.id in ", chosen!(), "\norder by k.name_folded, k.id");
    read!(db, c => {
        let query = sqlx::query_as(FIND).bind(account_id);
        padded(ids).fold(query, sqlx::query::QueryAs::bind).fetch_all(c)
    })
}

/// How often each of these keys was called since `from_hour`; a key that was not is left out.
pub async fn called(db: &Db, account_id: &str, ids: &[String], from_hour: i64) -> sqlx::Result<Vec<Called>> {
    const COUNT: &str = concat!(
        "
        select h.key_id, cast(sum(h.ok + h.refused) as bigint) as requests
        from usage_hours h
        cross join api_keys k
        where k.id = h.key_id
        and k.account_id = $1
        and h.key_id in ",
        chosen!(),
        "
        and h.hour >= $52
        group by h.key_id"
    );
    read!(db, c => {
        let query = sqlx::query_as(COUNT).bind(account_id);
        padded(ids).fold(query, sqlx::query::QueryAs::bind).bind(from_hour).fetch_all(c)
    })
}

/// Deletes the keys for good, and answers how many it were.
pub async fn delete(db: &Db, act: &Act<'_>, account_id: &str, ids: &[String]) -> sqlx::Result<usize> {
    let mut tx = db.begin_as(act, account_id).await?;
    let (among, mut done) = (among(ids), 0);
    for id in ids {
        done += usize::from(delete_within(&mut tx, act, account_id, id, &among).await?.is_some());
    }
    tx.commit().await?;
    Ok(done)
}

/// Stops the keys until each is resumed, and answers how many it were.
pub async fn pause(db: &Db, act: &Act<'_>, account_id: &str, ids: &[String]) -> sqlx::Result<usize> {
    let mut tx = db.begin_as(act, account_id).await?;
    let (among, mut done) = (among(ids), 0);
    for id in ids {
        done += usize::from(pause_within(&mut tx, act, account_id, id, &among).await?);
    }
    tx.commit().await?;
    Ok(done)
}

/// What the event of each says of the others.
fn among(ids: &[String]) -> String {
    format!("one of {} selected", ids.len())
}

/// Records that the list of keys left as a file; `detail` says how many of them and which.
pub async fn note_export(db: &Db, act: &Act<'_>, account_id: &str, detail: &str) -> sqlx::Result<()> {
    let mut tx = db.begin_as(act, account_id).await?;
    let target = Target { id: account_id, name: "API keys" };
    audit_events::record(&mut tx, act, account_id, Action::KeysExported, target, detail).await?;
    tx.commit().await
}
