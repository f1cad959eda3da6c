//! Usage, counted in memory and handed over in batches: a request costs no write, and where a key is used often no allocation.
//! What is counted of one key is its [`Tally`].
//! A kill loses at most what was counted since the last flush, and never a key.

use std::collections::BTreeMap;
use std::hash::BuildHasher as _;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::known::Known;
use super::tally::Tally;
use super::verdict::Refusal;
use super::written::Written;
use crate::clock::Timestamp;
use crate::model::text::{masked, without_secrets};
use crate::store::usage::KeyUse;
use crate::store::{self, Db};

/// Characters of a path that are worth remembering.
const LONGEST_PATH: usize = 200;
/// Keys written in one transaction: whoever waits to write waits no longer than for these.
const KEYS_AT_ONCE: usize = 500;
/// As many keys as may wait to be flushed for longer than they must: each takes 160 bytes while it does.
const CROWD: usize = 150_000;

/// A request that passed, as the first screen shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PassedRequest {
    pub at: i64,
    pub method: String,
    pub path: String,
    pub status: u16,
    pub ip: String,
    pub user_agent: String,
    pub request_id: String,
    /// Microseconds from verdict to answer.
    pub took: i64,
}

/// A request that passed, as it comes by.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    pub at: Timestamp,
    pub method: &'a str,
    pub path: &'a str,
    pub status: u16,
    pub ip: IpAddr,
    pub user_agent: &'a str,
    pub request_id: &'a str,
    pub took: Duration,
    /// The scopes that it took; empty for none.
    pub scopes: [&'a str; 2],
}

impl Visit<'_> {
    /// A number that two requests share if nothing tells them apart but their moment, and hardly any others do: without the seed,
    /// nobody finds two.
    fn look(&self, looks: &RandomState) -> u64 {
        looks.hash_one((self.method, self.path, self.ip, self.user_agent, self.scopes))
    }

    pub(super) fn kept(&self) -> PassedRequest {
        PassedRequest {
            at: self.at.micros(),
            method: self.method.to_owned(),
            path: masked(short(self.path)),
            status: self.status,
            ip: self.ip.to_string(),
            user_agent: without_secrets(self.user_agent),
            request_id: self.request_id.to_owned(),
            took: i64::try_from(self.took.as_micros()).unwrap_or(i64::MAX),
        }
    }
}

/// Whole segments only: half a secret is not seen for what it is.
pub(super) fn short(path: &str) -> &str {
    let Some(start) = path.as_bytes().get(..LONGEST_PATH) else { return path };
    &path[..start.iter().rposition(|byte| *byte == b'/').unwrap_or(0)]
}

/// What was counted since the last flush.
#[derive(Default)]
pub struct Usage {
    dirty: Mutex<Vec<Arc<Known>>>,
    /// What looks are told apart by.
    looks: RandomState,
    bell: Notify,
    written: Written,
    /// Taken from its keys, and not written because the database was away.
    unwritten: Mutex<Batch>,
}

/// By key and secret.
type Batch = BTreeMap<(String, String), KeyUse>;

impl Usage {
    /// Counts a request that passed.
    pub fn passed(&self, known: &Arc<Known>, visit: &Visit<'_>) {
        // The first screen tells of a request that succeeded, not of one that was let in and found nothing.
        let is_first = visit.status < 400 && known.is_used_first();
        let look = visit.look(&self.looks);
        self.count(known, |tally| tally.pass(visit, look, is_first));
    }

    /// Counts a request that the key was known for, and refused.
    pub fn refused(&self, known: &Arc<Known>, refusal: &Refusal, at: Timestamp) {
        self.count(known, |tally| tally.refuse(refusal.reason(), at));
    }

    fn count(&self, known: &Arc<Known>, add: impl FnOnce(&mut Tally)) {
        let mut tally = lock(&known.tally);
        let is_first = tally.is_none();
        add(tally.get_or_insert_default());
        drop(tally);
        if is_first {
            let mut dirty = lock(&self.dirty);
            dirty.push(known.clone());
            if dirty.len() == CROWD {
                self.bell.notify_one();
            }
        }
    }

    /// Waits until so many keys wait to be flushed that they should not wait any longer.
    pub async fn is_crowded(&self) {
        self.bell.notified().await;
    }

    /// Writes what was counted, of one account if `only` names one. What the database does not take is written with the
    /// next batch.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn flush(&self, db: &Db, only: Option<&str>) -> sqlx::Result<()> {
        let mut dirty = in_order(self.take_dirty(only)).await?.into_iter();
        loop {
            let some: Vec<_> = dirty.by_ref().take(KEYS_AT_ONCE).collect();
            let batch = self.take(&some);
            if batch.is_empty() {
                return Ok(());
            }
            // Also within the batch: rows are locked in the order of their ids by everybody who locks more than one.
            if let Err(error) = store::usage::flush(db, batch.values()).await {
                let mut unwritten = lock(&self.unwritten);
                for (key, older) in batch {
                    put_back(&mut unwritten, key, older);
                }
                // What was not taken from its keys yet is counted there.
                lock(&self.dirty).extend(dirty);
                return Err(error);
            }
        }
    }

    fn take_dirty(&self, only: Option<&str>) -> Vec<Arc<Known>> {
        let mut dirty = lock(&self.dirty);
        let Some(account_id) = only else { return std::mem::take(&mut *dirty) };
        dirty.extract_if(.., |known| known.account_id() == account_id).collect()
    }

    fn take(&self, dirty: &[Arc<Known>]) -> Batch {
        let mut batch = std::mem::take(&mut *lock(&self.unwritten));
        for known in dirty {
            let Some(tally) = lock(&known.tally).take() else { continue };
            let told = tally.told(known, &self.written);
            add(&mut batch, (told.key_id.clone(), told.secret_hash.clone()), told);
        }
        batch
    }
}

/// In the order in which they were created, which is that of their rows: keys that are written together then share the pages
/// that they lie on. Where there are many to sort, beside the verdicts.
async fn in_order(mut dirty: Vec<Arc<Known>>) -> sqlx::Result<Vec<Arc<Known>>> {
    if dirty.len() <= KEYS_AT_ONCE {
        return Ok(dirty);
    }
    let sorting = tokio::task::spawn_blocking(move || {
        dirty.sort_by_cached_key(|known| known.created_at);
        dirty
    });
    // Only the end of the runtime keeps it from being done.
    sorting.await.map_err(|_| sqlx::Error::PoolClosed)
}

/// What was not written is older than what may have been put back meanwhile.
fn put_back(batch: &mut Batch, key: (String, String), mut older: KeyUse) {
    if let Some(later) = batch.remove(&key) {
        older.add(later);
    }
    batch.insert(key, older);
}

fn add(batch: &mut Batch, key: (String, String), more: KeyUse) {
    match batch.get_mut(&key) {
        Some(counted) => counted.add(more),
        None => drop(batch.insert(key, more)),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_ends_with_a_whole_segment() {
        let path = format!("/v1/{}/messages", "x".repeat(LONGEST_PATH - "/v1//messages".len()));
        assert_eq!(short(&path[..LONGEST_PATH - 1]), &path[..LONGEST_PATH - 1]);
        assert_eq!(short(&path), &path[..LONGEST_PATH - "/messages".len()]);
        assert_eq!(short(&"/".repeat(LONGEST_PATH)).len(), LONGEST_PATH - 1);
        assert_eq!(short(&"x".repeat(LONGEST_PATH)), "");
    }
}
