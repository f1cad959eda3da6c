//! Requests that may come twice and must happen once: a form whose button was pressed again, a program that got no answer.
//! Looked up and remembered under the account's lock, in the transaction of what they made.

use super::{Act, Db, Tx, change, within};
use crate::clock::{Timestamp, days};

/// How long a request is remembered.
const REMEMBERED: std::time::Duration = days(1);

/// A request that says of itself which one it is.
#[derive(Clone, Copy, Debug)]
pub struct Once<'a> {
    /// The id of a form, or a digest of an `Idempotency-Key` and the path it came to.
    pub key: &'a str,
    /// A digest of what it asks for.
    pub request: &'a str,
}

/// Whether it has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Never,
    /// It made this.
    Made(String),
    /// The same key asked for something else.
    Differently,
}

pub(super) async fn look(tx: &mut Tx, account_id: &str, once: Option<Once<'_>>) -> sqlx::Result<Seen> {
    const FIND: &str = "select request, resource_id from idempotency_keys where account_id = $1 and key = $2";
    let Some(once) = once else { return Ok(Seen::Never) };
    let found: Option<(String, String)> =
        within!(tx, c => sqlx::query_as(FIND).bind(account_id).bind(once.key).fetch_optional(c))?;
    Ok(match found {
        None => Seen::Never,
        Some((request, made)) if request == once.request => Seen::Made(made),
        Some(_) => Seen::Differently,
    })
}

pub(super) async fn remember(
    tx: &mut Tx,
    act: &Act<'_>,
    account_id: &str,
    once: Option<Once<'_>>,
    made: &str,
) -> sqlx::Result<()> {
    const INSERT: &str = "
        insert into idempotency_keys (account_id, key, request, resource_id, created_at)
        values ($1, $2, $3, $4, $5)";
    if let Some(once) = once {
        change!(tx, sqlx::query(INSERT).bind(account_id).bind(once.key).bind(once.request).bind(made).bind(act.at));
    }
    Ok(())
}

/// Forgets what is older than a day.
pub async fn sweep(db: &Db, now: Timestamp) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    change!(&mut tx, sqlx::query("delete from idempotency_keys where created_at <= $1").bind(now - REMEMBERED));
    tx.commit().await
}
