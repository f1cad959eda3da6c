//! Usage, counted in memory and handed over in batches: a request costs no write, and where a key is used often no allocation.
//! What is counted of one key is its [`Tally`].
//! A kill loses at most what was counted since the last flush, and never a key.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::hash::BuildHasher as _;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
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
/// As many keys as may wait to be flushed for longer than they must: each takes some 130 bytes more while it does.
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
    /// A number that requests share if nothing tells them apart but their moment, and others hardly ever. Where two that differ
    /// did, the key's last use would be told as that of the first until the next flush.
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
    waiting: Mutex<Waiting>,
    /// What looks are told apart by.
    looks: RandomState,
    bell: Notify,
    written: Written,
    /// Held by whoever writes: what is on its way to the database is nowhere else.
    writing: tokio::sync::Mutex<()>,
    /// Taken from its keys, and not written because the database was away: one batch at most, since no other is taken before.
    unwritten: Mutex<Batch>,
}

/// The keys that were used and not written since.
#[derive(Default)]
struct Waiting {
    /// Since the round began.
    new: Vec<Known>,
    /// Of the round that is being written, the next one last.
    round: Vec<Known>,
}

/// By key and secret.
type Batch = BTreeMap<(String, String), KeyUse>;

impl Waiting {
    fn len(&self) -> usize {
        self.new.len() + self.round.len()
    }

    /// Puts the keys of an account where they are written next, and says how many there are.
    fn advance(&mut self, account_id: &str) -> usize {
        let is_its = |known: &mut Known| known.account_id() == account_id;
        let mut its: Vec<_> = self.new.extract_if(.., is_its).collect();
        its.extend(self.round.extract_if(.., is_its));
        self.round.extend_from_slice(&its);
        its.len()
    }

    fn next(&mut self, most: usize) -> Vec<Known> {
        self.round.split_off(self.round.len().saturating_sub(most))
    }
}

impl Usage {
    /// Counts a request that passed.
    pub fn passed(&self, known: &Known, visit: &Visit<'_>) {
        // The first screen tells of a request that succeeded, not of one that was let in and found nothing.
        let is_first = visit.status < 400 && known.is_used_first();
        self.count(known, |tally| tally.pass(visit, || visit.look(&self.looks), is_first));
    }

    /// Counts a request that the key was known for, and refused.
    pub fn refused(&self, known: &Known, refusal: &Refusal, at: Timestamp) {
        self.count(known, |tally| tally.refuse(refusal.reason(), at));
    }

    fn count(&self, known: &Known, add: impl FnOnce(&mut Tally)) {
        let mut tally = known.tally();
        let is_first = tally.is_nothing();
        add(&mut tally);
        drop(tally);
        if is_first {
            let mut waiting = lock(&self.waiting);
            waiting.new.push(known.clone());
            if waiting.len() == CROWD {
                self.bell.notify_one();
            }
        }
    }

    /// Waits until so many keys wait to be written that they should not wait any longer.
    pub async fn crowd(&self) {
        self.bell.notified().await;
    }

    /// Whether so many keys wait.
    pub fn is_crowded(&self) -> bool {
        lock(&self.waiting).len() >= CROWD
    }

    /// Writes what was counted, of one account if `only` names one. What the database does not take is written with the
    /// next batch.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn flush(&self, db: &Db, only: Option<&str>) -> sqlx::Result<()> {
        let _turn = self.writing.lock().await;
        if let Some(account_id) = only {
            let mut left = lock(&self.waiting).advance(account_id);
            while left > 0 {
                let most = left.min(KEYS_AT_ONCE);
                self.write_next(db, most).await?;
                left -= most;
            }
            return self.write_next(db, 0).await.map(drop);
        }
        self.gather().await?;
        while self.write_next(db, KEYS_AT_ONCE).await? {}
        Ok(())
    }

    /// Begins a round of all keys that wait, and says how many times [`Self::write_some`] has to be called for it.
    ///
    /// # Errors
    /// If the runtime ends.
    pub async fn begin_round(&self) -> sqlx::Result<usize> {
        let _turn = self.writing.lock().await;
        Ok(self.gather().await?.div_ceil(KEYS_AT_ONCE).max(1))
    }

    /// Writes some keys of the round, in one transaction, and says whether there are more.
    ///
    /// # Errors
    /// If the database does not answer; they are written with the next.
    pub async fn write_some(&self, db: &Db) -> sqlx::Result<bool> {
        let _turn = self.writing.lock().await;
        self.write_next(db, KEYS_AT_ONCE).await
    }

    /// Puts the keys that wait in the order in which they are written, and says how many there are.
    async fn gather(&self) -> sqlx::Result<usize> {
        let mut all = std::mem::take(&mut *lock(&self.waiting));
        all.round.append(&mut all.new);
        let round = in_order(all.round).await?;
        let keys = round.len();
        lock(&self.waiting).round = round;
        Ok(keys)
    }

    /// Writes what could not be written before, then up to `most` keys; says whether the round has more.
    async fn write_next(&self, db: &Db, most: usize) -> sqlx::Result<bool> {
        let unwritten = std::mem::take(&mut *lock(&self.unwritten));
        self.write(db, unwritten).await?;
        let some = lock(&self.waiting).next(most);
        self.write(db, self.take(&some)).await?;
        Ok(!lock(&self.waiting).round.is_empty())
    }

    async fn write(&self, db: &Db, batch: Batch) -> sqlx::Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        // Also within the batch: rows are locked in the order of their ids by everybody who locks more than one.
        let written = store::usage::flush(db, batch.values()).await;
        if written.is_err() {
            *lock(&self.unwritten) = batch;
        }
        written
    }

    fn take(&self, some: &[Known]) -> Batch {
        let mut batch = Batch::new();
        for known in some {
            let tally = std::mem::take(&mut *known.tally());
            if tally.is_nothing() {
                continue;
            }
            let told = tally.told(known, &self.written);
            add(&mut batch, (told.key_id.clone(), told.secret_hash.clone()), told);
        }
        batch
    }
}

/// The newest first, so that the last is the oldest: keys that are written together then share the pages that their rows lie on.
/// Where there are many to sort, beside the verdicts.
async fn in_order(mut keys: Vec<Known>) -> sqlx::Result<Vec<Known>> {
    if keys.len() <= KEYS_AT_ONCE {
        return Ok(keys);
    }
    let sorting = tokio::task::spawn_blocking(move || {
        keys.sort_by_cached_key(|known| Reverse(known.created_at()));
        keys
    });
    // Only the end of the runtime keeps it from being done.
    sorting.await.map_err(|_| sqlx::Error::PoolClosed)
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
    use crate::clock::hours;
    use crate::gate::known::tests::known;
    use crate::model::api_key::tests::NOW;
    use crate::model::key_facts::KeyFacts;
    use crate::model::key_facts::tests::facts;

    #[tokio::test]
    async fn the_oldest_keys_are_written_first_unless_an_account_is_looked_at() {
        let made = |hour: u64| known(KeyFacts { created_at: NOW + hours(hour * 7 % 601), ..facts() });
        let mut waiting =
            Waiting { new: vec![], round: in_order((0..600).map(made).collect()).await.expect("an order") };
        let other = known(KeyFacts { account_id: "acc_2".into(), ..facts() });
        waiting.round.insert(0, other.clone());
        waiting.new.push(other);
        assert_eq!((waiting.len(), waiting.advance("acc_2")), (602, 2));
        assert!(waiting.next(2).iter().all(|known| known.account_id() == "acc_2"));
        let next = waiting.next(KEYS_AT_ONCE);
        assert_eq!((next.len(), waiting.next(KEYS_AT_ONCE).len(), waiting.len()), (500, 100, 0));
        assert!(next.is_sorted_by_key(|known| Reverse(known.created_at())));
        assert_eq!(next.last().map(Known::created_at), Some(made(0).created_at()));
    }

    #[test]
    fn a_long_path_ends_with_a_whole_segment() {
        let path = format!("/v1/{}/messages", "x".repeat(LONGEST_PATH - "/v1//messages".len()));
        assert_eq!(short(&path[..LONGEST_PATH - 1]), &path[..LONGEST_PATH - 1]);
        assert_eq!(short(&path), &path[..LONGEST_PATH - "/messages".len()]);
        assert_eq!(short(&"/".repeat(LONGEST_PATH)).len(), LONGEST_PATH - 1);
        assert_eq!(short(&"x".repeat(LONGEST_PATH)), "");
    }
}
