//! The records of tower-sessions, on our own tables: keyed by the SHA-256 of the cookie's id, so that reading the
//! database is not signing in.

use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result, SessionStore};

use super::{Db, change, read};
use crate::clock::Clock;
use crate::model::keyring::hex;
use crate::store::sessions::REMEMBERED;

/// What a record of somebody who is signed in has: the id of their session.
pub const SESSION_ID: &str = "sid";
/// How long a record is kept of a browser in which nobody is signed in: longer than any step of a sign-in.
const BEFORE_SIGN_IN: Duration = Duration::from_secs(15 * 60);

/// The store behind the session layer.
#[derive(Clone, Debug)]
pub struct WebSessions {
    pub db: Db,
    pub clock: Clock,
}

#[async_trait]
impl SessionStore for WebSessions {
    /// Inserts under a fresh id; a collision draws another, so nobody inherits a record.
    async fn create(&self, record: &mut Record) -> Result<()> {
        const INSERT: &str =
            "insert into web_sessions (id_hash, data, expires_at) values ($1, $2, $3) on conflict do nothing";
        while self.write(INSERT, record).await? == 0 {
            record.id = Id::default();
        }
        Ok(())
    }

    async fn save(&self, record: &Record) -> Result<()> {
        // Never an insert: a record that was taken back while a request was under way must not come back with it.
        const SAVE: &str = "update web_sessions set data = $2, expires_at = $3 where id_hash = $1";
        self.write(SAVE, record).await.map(drop)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        const FIND: &str = "select data, expires_at from web_sessions where id_hash = $1 and expires_at > $2";
        let now = self.clock.now();
        let found: sqlx::Result<Option<(String, i64)>> =
            read!(&self.db, c => sqlx::query_as(FIND).bind(hashed(id)).bind(now).fetch_optional(c));
        let Some((data, expires_at)) = found.map_err(backend)? else { return Ok(None) };
        let data = serde_json::from_str(&data).map_err(|error| Error::Decode(error.to_string()))?;
        let expiry_date = crate::clock::Timestamp::from_micros(expires_at).date_time();
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.forget(&hashed(id)).await.map_err(backend)
    }
}

impl WebSessions {
    async fn write(&self, sql: &'static str, record: &Record) -> Result<u64> {
        let data = serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))?;
        let written = async {
            let mut tx = self.db.begin().await?;
            let signed_in = record.data.contains_key(SESSION_ID);
            let expires_at = self.clock.now() + if signed_in { REMEMBERED } else { BEFORE_SIGN_IN };
            let rows = change!(&mut tx, sqlx::query(sql).bind(hashed(&record.id)).bind(data).bind(expires_at));
            tx.commit().await?;
            sqlx::Result::Ok(rows)
        };
        written.await.map_err(backend)
    }

    async fn forget(&self, id_hash: &str) -> sqlx::Result<()> {
        let mut tx = self.db.begin().await?;
        change!(&mut tx, sqlx::query("delete from web_sessions where id_hash = $1").bind(id_hash));
        tx.commit().await
    }
}

/// Removes the records that have expired.
pub async fn sweep(db: &Db, now: crate::clock::Timestamp) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    change!(&mut tx, sqlx::query("delete from web_sessions where expires_at <= $1").bind(now));
    tx.commit().await
}

fn hashed(id: &Id) -> String {
    hex(&Sha256::digest(id.0.to_be_bytes()))
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn backend(error: sqlx::Error) -> Error {
    Error::Backend(error.to_string())
}
