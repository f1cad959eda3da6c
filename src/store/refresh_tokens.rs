//! Refresh tokens: each is spent once for its successor. A spent one that comes again says the same successor for a few
//! seconds, and ends its session after that: somebody copied it, and nobody can tell who is the thief.

use zeroize::Zeroizing;

use super::sessions::{self, REMEMBERED};
use super::{Act, Db, Tx, change, columns, read, within};
use crate::clock::Timestamp;
use crate::model::refresh_token::{self, GRACE};

/// A refresh token was taken.
pub struct Rotated {
    pub session_id: String,
    /// What takes the next refresh.
    pub successor: Zeroizing<String>,
}

struct Spent {
    session_id: String,
    successor_salt: String,
}

columns!(Spent { session_id, successor_salt });

/// Remembers the first refresh token of a session.
pub async fn keep(db: &Db, session_id: &str, token: &str, now: Timestamp) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    insert(&mut tx, session_id, token, now).await?;
    tx.commit().await
}

async fn insert(tx: &mut Tx, session_id: &str, token: &str, now: Timestamp) -> sqlx::Result<()> {
    const INSERT: &str =
        "insert into refresh_tokens (token_hash, session_id, created_at, expires_at) values ($1, $2, $3, $4)";
    let hash = refresh_token::hash(token);
    change!(tx, sqlx::query(INSERT).bind(hash).bind(session_id).bind(now).bind(now + REMEMBERED));
    Ok(())
}

/// Spends a refresh token for its successor, or says the successor again. Nothing if it is unknown, has expired, or was
/// spent too long ago; the last ends its session.
pub async fn rotate(db: &Db, act: &Act<'_>, presented: &str) -> sqlx::Result<Option<Rotated>> {
    let mut tx = db.begin().await?;
    if let Some(rotated) = spend(&mut tx, act, presented).await? {
        tx.commit().await?;
        return Ok(Some(rotated));
    }
    // In the same transaction: it has waited for whoever was spending the token just now, and sees what they wrote.
    if let Some(rotated) = say_again(&mut tx, act, presented).await? {
        return Ok(Some(rotated));
    }
    drop(tx);
    end_copied(db, act, presented).await?;
    Ok(None)
}

async fn spend(tx: &mut Tx, act: &Act<'_>, presented: &str) -> sqlx::Result<Option<Rotated>> {
    const SPEND: &str = "
        update refresh_tokens
        set spent_at = $2, successor_salt = $3
        where token_hash = $1
        and spent_at is null
        and expires_at > $2
        returning session_id, successor_salt";
    let (hash, salt) = (refresh_token::hash(presented), refresh_token::salt(act.entropy));
    let spent: Option<Spent> =
        within!(tx, c => sqlx::query_as(SPEND).bind(hash).bind(act.at).bind(salt).fetch_optional(c))?;
    let Some(spent) = spent else { return Ok(None) };
    let rotated = spent.rotated(act, presented);
    insert(tx, &rotated.session_id, &rotated.successor, act.at).await?;
    Ok(Some(rotated))
}

/// The successor of a token that was spent a moment ago, as long as nobody has spent that one in turn. Whoever still
/// comes with the first token does not have the second; so if that is spent, two people hold one chain, and to hand the
/// end of it to both would let a copy live on unseen.
async fn say_again(tx: &mut Tx, act: &Act<'_>, presented: &str) -> sqlx::Result<Option<Rotated>> {
    const FIND: &str = "
        select session_id, successor_salt
        from refresh_tokens
        where token_hash = $1
        and spent_at > $2
        and successor_salt is not null";
    const UNSPENT: &str = "
        select session_id
        from refresh_tokens
        where token_hash = $1
        and spent_at is null
        and expires_at > $2";
    let hash = refresh_token::hash(presented);
    let spent: Option<Spent> =
        within!(tx, c => sqlx::query_as(FIND).bind(hash).bind(act.at - GRACE).fetch_optional(c))?;
    let Some(spent) = spent else { return Ok(None) };
    let rotated = spent.rotated(act, presented);
    let hash = refresh_token::hash(&rotated.successor);
    let unspent: Option<(String,)> =
        within!(tx, c => sqlx::query_as(UNSPENT).bind(hash).bind(act.at).fetch_optional(c))?;
    Ok(unspent.map(|_| rotated))
}

impl Spent {
    fn rotated(self, act: &Act<'_>, presented: &str) -> Rotated {
        let successor = refresh_token::successor(presented, &self.successor_salt, act.keyring);
        Rotated { session_id: self.session_id, successor }
    }
}

async fn end_copied(db: &Db, act: &Act<'_>, presented: &str) -> sqlx::Result<()> {
    const OF_SPENT: &str = "select session_id from refresh_tokens where token_hash = $1 and spent_at is not null";
    let hash = refresh_token::hash(presented);
    let copied: Option<(String,)> = read!(db, c => sqlx::query_as(OF_SPENT).bind(hash).fetch_optional(c))?;
    let Some((id,)) = copied else { return Ok(()) };
    match sessions::find(db, &id, act.at).await? {
        Some(session) => sessions::end_because(db, act, &session, "because a spent refresh token came again").await,
        None => Ok(()),
    }
}

/// The session that a refresh token belongs to. A spent one too: whoever lost the answer to a refresh can still log out.
pub async fn session_of(db: &Db, token: &str, now: Timestamp) -> sqlx::Result<Option<String>> {
    const FIND: &str = "select session_id from refresh_tokens where token_hash = $1 and expires_at > $2";
    let hash = refresh_token::hash(token);
    let found: Option<(String,)> = read!(db, c => sqlx::query_as(FIND).bind(hash).bind(now).fetch_optional(c))?;
    Ok(found.map(|(id,)| id))
}

/// Forgets how to say successors again, once nobody may ask for them any more.
pub async fn sweep(db: &Db, now: Timestamp) -> sqlx::Result<()> {
    const FORGET: &str = "
        update refresh_tokens
        set successor_salt = null
        where successor_salt is not null
        and spent_at <= $1";
    let mut tx = db.begin().await?;
    change!(&mut tx, sqlx::query(FORGET).bind(now - GRACE));
    tx.commit().await
}
