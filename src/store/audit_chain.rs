//! Checking the audit chains against what was recorded: account by account, a page of rows at a time, so that memory
//! does not grow with the log. Reads only, beside a desk that may be writing.

use super::{Db, Tx, columns, read, within};
use crate::model::audit_chain::{Bad, Flaw, Head, Link, Row, Walk};
use crate::model::audit_digest::AuditDigest;
use crate::model::audit_keys::AuditKey;
use crate::model::keyring::Keyring;

/// Rows held at once.
const PAGE: i64 = 1000;

columns!(Head { seq, mac });
columns!(Link {
    account_id,
    seq,
    id,
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

impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for Row
where
    &'static str: sqlx::ColumnIndex<R>,
    String: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    i64: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    bool: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    /// Never fails: on SQLite, whoever holds the file may have put anything into a column.
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        let seq = row.try_get("seq").unwrap_or(i64::MAX);
        Ok(Self { seq, id: row.try_get("id").unwrap_or_default(), link: Link::from_row(row).ok() })
    }
}

/// The account behind `after`, whether the account is still there or only its events are.
pub async fn next_account(db: &Db, after: &str) -> sqlx::Result<Option<String>> {
    const NEXT: &str = "
        select min(id)
        from (
            select min(id) as id from accounts where id > $1
            union all
            select min(account_id) as id from audit_events where account_id > $1
        ) as known";
    let (next,): (Option<String>,) = read!(db, c => sqlx::query_as(NEXT).bind(after).fetch_one(c))?;
    Ok(next)
}

/// Whether the newest event of some account was recorded under this keyring; so it is where nothing is recorded.
pub async fn any_head_is_of(db: &Db, keyring: &Keyring) -> sqlx::Result<bool> {
    const LAST: &str = "
        select account_id, seq, id, at, action, actor_kind, actor_id, actor_name, actor_role,
            session_id, ip, user_agent, request_id, target_id, target_name, detail, mac
        from audit_events
        where account_id = $1
        and seq <= $2
        order by seq desc
        limit 2";
    const HEAD: &str = "select id, audit_seq from accounts where audit_seq > 0 order by id limit 1";
    let head: Option<(String, i64)> = read!(db, c => sqlx::query_as(HEAD).fetch_optional(c))?;
    let Some((account_id, seq)) = head else { return Ok(true) };
    let last: Vec<Row> = read!(db, c => sqlx::query_as(LAST).bind(account_id).bind(seq).fetch_all(c))?;
    let before = last.get(1).and_then(|row| row.link.as_ref()).map_or("", |link| link.mac.as_str());
    Ok(last
        .first()
        .and_then(|row| row.link.as_ref())
        .is_some_and(|link| link.belongs(seq, before, &AuditKey::of(keyring))))
}

/// The place of the event that records the account's last loss of the secret file; 0 if there is none.
pub async fn last_loss(db: &Db, account_id: &str) -> sqlx::Result<i64> {
    const LAST: &str = "
        select coalesce(max(seq), 0)
        from audit_events
        where account_id = $1
        and action = 'secret_file.lost'";
    let (seq,): (i64,) = read!(db, c => sqlx::query_as(LAST).bind(account_id).fetch_one(c))?;
    Ok(seq)
}

/// The digest of the account's events up to one, and its place.
pub(super) async fn digest(db: &Db, account_id: &str) -> sqlx::Result<(AuditDigest, i64)> {
    let (mut digest, mut last) = (AuditDigest::default(), 0);
    loop {
        let page = rows(db, account_id, last).await?;
        let Some(row) = page.last() else { return Ok((digest, last)) };
        last = row.seq;
        page.iter().filter_map(|row| row.link.as_ref()).for_each(|link| digest.add(link));
    }
}

/// Adds what was recorded behind `last`, as the transaction sees it. Answers how many events the account counts.
pub(super) async fn digest_rest(
    tx: &mut Tx,
    account_id: &str,
    (digest, mut last): (&mut AuditDigest, i64),
) -> sqlx::Result<i64> {
    const HEAD: &str = "select audit_seq from accounts where id = $1";
    loop {
        let page: Vec<Row> = within!(&mut *tx, c => sqlx::query_as(ROWS)
            .bind(account_id)
            .bind(last)
            .bind(PAGE)
            .fetch_all(c))?;
        let Some(row) = page.last() else { break };
        last = row.seq;
        page.iter().filter_map(|row| row.link.as_ref()).for_each(|link| digest.add(link));
    }
    let (counted,): (i64,) = within!(tx, c => sqlx::query_as(HEAD).bind(account_id).fetch_one(c))?;
    Ok(counted)
}

/// Walks the account's chain, calling `passed` with the number of good events of each page. Answers the first bad event.
pub async fn walk(db: &Db, mut walk: Walk<'_>, mut passed: impl FnMut(usize)) -> sqlx::Result<Result<(), Bad>> {
    loop {
        loop {
            let page = rows(db, walk.account_id(), walk.reached.seq).await?;
            if page.is_empty() {
                break;
            }
            for row in &page {
                if let Err(bad) = walk.step(row) {
                    return Ok(Err(named(db, &walk, bad).await?));
                }
            }
            passed(page.len());
        }
        let head = head(db, walk.account_id()).await?;
        let ended = walk.end(head.as_ref());
        // What was recorded since the last page is there with its head.
        if ended.is_ok() || rows(db, walk.account_id(), walk.reached.seq).await?.is_empty() {
            return Ok(ended);
        }
    }
}

/// Tells an event that changed its place from one that was edited: what belongs here stands elsewhere then.
async fn named(db: &Db, walk: &Walk<'_>, bad: Bad) -> sqlx::Result<Bad> {
    if bad.flaw != Flaw::Edited {
        return Ok(bad);
    }
    let mut after = walk.reached.seq;
    loop {
        let page = rows(db, walk.account_id(), after).await?;
        let Some(last) = page.last() else { return Ok(bad) };
        let mut links = page.iter().filter_map(|row| row.link.as_ref());
        if let Some(link) = links.find(|link| link.seq != bad.seq && walk.is_next(link)) {
            return Ok(Bad { flaw: Flaw::Swapped { with: link.seq }, ..bad });
        }
        after = last.seq;
    }
}

async fn head(db: &Db, account_id: &str) -> sqlx::Result<Option<Head>> {
    const HEAD: &str = "select audit_seq as seq, audit_mac as mac from accounts where id = $1";
    read!(db, c => sqlx::query_as(HEAD).bind(account_id).fetch_optional(c))
}

/// The rows behind `after`; the first page also has what stands before the first event, where nothing may be.
async fn rows(db: &Db, account_id: &str, after: i64) -> sqlx::Result<Vec<Row>> {
    let after = if after == 0 { i64::MIN } else { after };
    read!(db, c => sqlx::query_as(ROWS).bind(account_id).bind(after).bind(PAGE).fetch_all(c))
}

const ROWS: &str = "
    select account_id, seq, id, at, action, actor_kind, actor_id, actor_name, actor_role,
        session_id, ip, user_agent, request_id, target_id, target_name, detail, mac
    from audit_events
    where account_id = $1
    and seq > $2
    order by seq
    limit $3";
