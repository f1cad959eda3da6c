//! Which generations of the session-token key there are, for every node. Only numbers and times: the keys are derived from
//! the secret file.

use super::{Db, Tx, change, columns, read, within};
use crate::clock::Timestamp;
use crate::model::session_key::{Generation, MOST, NOTICE, OVERLAP};

columns!(Generation { number, published_at, signs_from, verifies_until });

const LIST: &str = "
    select generation as number, published_at, signs_from, verifies_until
    from session_keys
    where dropped_at is null
    and (verifies_until is null or verifies_until > $1)
    order by generation desc";

/// How a new key takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takeover {
    /// After its notice; the one before it verifies until its tokens have ended.
    Announced,
    /// At once; no other verifies any more.
    Now,
}

/// Why there is no new key.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(
        "{MOST} keys verify already. The next of them ends at {0}; rotate after that, or with --now to drop them all at once."
    )]
    TooMany(Timestamp),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// The generations whose tokens count, the newest first.
pub async fn list(db: &Db, now: Timestamp) -> sqlx::Result<Vec<Generation>> {
    read!(db, c => sqlx::query_as(LIST).bind(now).fetch_all(c))
}

/// Adds a generation, and gives those before it their end. No audit event goes with it: those are an account's, and this
/// is nobody's in particular; whoever rotates says so in the log.
pub async fn rotate(db: &Db, takeover: Takeover, now: Timestamp) -> Result<Vec<Generation>, Refused> {
    const LAST: &str = "select max(generation) from session_keys";
    const INSERT: &str = "insert into session_keys (generation, published_at, signs_from) values ($1, $2, $3)";
    let mut tx = db.begin().await?;
    one_at_a_time(&mut tx).await?;
    let before: Vec<Generation> = within!(&mut tx, c => sqlx::query_as(LIST).bind(now).fetch_all(c))?;
    let signs_from = match takeover {
        Takeover::Announced => now + NOTICE,
        Takeover::Now => now,
    };
    match takeover {
        Takeover::Announced if before.len() >= MOST => {
            return Err(Refused::TooMany(before.iter().filter_map(|one| one.verifies_until).min().unwrap_or(now)));
        }
        Takeover::Announced => end_newest(&mut tx, signs_from + OVERLAP).await?,
        Takeover::Now => drop_all(&mut tx, now).await?,
    }
    // One that was dropped is counted too: its number never comes again.
    let (last,): (i64,) = within!(&mut tx, c => sqlx::query_as(LAST).fetch_one(c))?;
    change!(&mut tx, sqlx::query(INSERT).bind(last + 1).bind(now).bind(signs_from));
    tx.commit().await?;
    Ok(list(db, now).await?)
}

/// Waits for whoever else is rotating: a row that every installation has is theirs until they are done.
async fn one_at_a_time(tx: &mut Tx) -> sqlx::Result<()> {
    change!(tx, sqlx::query("update installation set id = id where one = 1"));
    Ok(())
}

async fn end_newest(tx: &mut Tx, at: Timestamp) -> sqlx::Result<()> {
    const END: &str = "update session_keys set verifies_until = $1 where verifies_until is null and dropped_at is null";
    change!(tx, sqlx::query(END).bind(at));
    Ok(())
}

async fn drop_all(tx: &mut Tx, now: Timestamp) -> sqlx::Result<()> {
    change!(tx, sqlx::query("update session_keys set dropped_at = $1 where dropped_at is null").bind(now));
    Ok(())
}
