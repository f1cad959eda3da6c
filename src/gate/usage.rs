//! Usage, counted in memory and handed over in batches: a request costs no write, and where a key is used often no allocation.
//! A kill loses at most what was counted since the last flush, and never a key.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::known::Known;
use super::once::Once;
use super::verdict::Refusal;
use super::written::Written;
use crate::clock::Timestamp;
use crate::model::text::{masked, without_secrets};
use crate::store::usage::{KeyUse, LastUse};
use crate::store::{self, Db};

/// Addresses of a key in one flush; more tell nobody more.
const MOST_ADDRESSES: usize = 16;
/// Characters of a path that are worth remembering.
const LONGEST_PATH: usize = 200;
/// Keys written in one transaction: whoever waits to write waits no longer than for these.
const KEYS_AT_ONCE: usize = 500;
/// As many keys as may wait to be flushed for longer than they must: each takes 150 bytes while it does.
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
    fn kept(&self) -> PassedRequest {
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

/// What one secret was used for since the last flush. There is none of a key that was not.
#[derive(Debug, Default)]
pub struct Tally {
    /// The only request so far. Very many keys have no second one before they are flushed, so it takes little room.
    once: Option<Once>,
    often: Option<Box<Often>>,
}

/// What more than one request came to.
#[derive(Debug, Default)]
struct Often {
    /// Of the hour that is being counted.
    count: Count,
    /// Of hours that ended before they were flushed.
    earlier: Vec<Count>,
    /// The last request that passed.
    last: Option<Last>,
    /// The first request of the key that passed ever.
    first: Option<Box<PassedRequest>>,
    /// Where requests came from, and when last.
    addresses: Vec<(IpAddr, Timestamp)>,
    /// Scopes that were taken, and when last; a key holds no more of them than the definition has.
    scopes: Vec<(Box<str>, Timestamp)>,
}

#[derive(Debug, Default)]
struct Count {
    hour: i64,
    ok: i64,
    refused: Vec<(&'static str, i64)>,
}

/// Its texts are overwritten in place.
#[derive(Debug)]
struct Last {
    at: Timestamp,
    ip: IpAddr,
    agent: String,
    route: String,
}

impl Tally {
    fn pass(&mut self, visit: &Visit<'_>, is_first: bool) {
        if self.once.is_none() && self.often.is_none() {
            self.once = Some(Once::of(visit, is_first));
        } else {
            self.often().pass(visit, is_first);
        }
    }

    fn often(&mut self) -> &mut Often {
        let often = self.often.get_or_insert_default();
        if let Some(once) = self.once.take() {
            often.pass(&once.visit(), once.is_first);
        }
        often
    }

    /// What was counted of the key, as it is written.
    fn told(mut self, key: &Known, written: &Written) -> KeyUse {
        std::mem::take(self.often()).told(key, written)
    }
}

impl Often {
    /// The count that a request at `at` belongs to.
    fn at(&mut self, at: Timestamp) -> &mut Count {
        let hour = at.hour();
        if self.count.hour != hour {
            let ended = std::mem::replace(&mut self.count, Count { hour, ..Count::default() });
            if !ended.is_empty() {
                self.earlier.push(ended);
            }
        }
        &mut self.count
    }

    fn pass(&mut self, visit: &Visit<'_>, is_first: bool) {
        self.at(visit.at).ok += 1;
        if is_first {
            self.first = Some(Box::new(visit.kept()));
        }
        self.last.get_or_insert_with(|| Last::at(visit.ip)).overwrite(visit);
        for scope in visit.scopes.into_iter().filter(|scope| !scope.is_empty()) {
            match self.scopes.iter_mut().find(|(known, _)| **known == *scope) {
                Some((_, at)) => *at = visit.at,
                None => push(&mut self.scopes, (scope.into(), visit.at)),
            }
        }
        if let Some((_, at)) = self.addresses.iter_mut().find(|(known, _)| *known == visit.ip) {
            *at = visit.at;
        } else if self.addresses.len() < MOST_ADDRESSES {
            push(&mut self.addresses, (visit.ip, visit.at));
        }
    }

    fn refuse(&mut self, reason: &'static str, at: Timestamp) {
        let refused = &mut self.at(at).refused;
        match refused.iter_mut().find(|(counted, _)| *counted == reason) {
            Some((_, count)) => *count += 1,
            None => push(refused, (reason, 1)),
        }
    }

    /// What was counted of the key, as it is written.
    fn told(self, key: &Known, written: &Written) -> KeyUse {
        let mut told = KeyUse::of(key.account_id(), key.id(), key.found_by().to_string());
        for counted in self.earlier.into_iter().chain([self.count]).filter(|counted| !counted.is_empty()) {
            told.count(counted.hour, counted.ok, &counted.refused);
            // What is counted here was known from one read of the key: a rotation makes another of it.
            if key.dies_at().is_some() {
                told.count_retiring(counted.hour, counted.ok);
            }
        }
        told.last = self.last.map(|last| LastUse {
            at: last.at,
            ip: last.ip.to_string(),
            agent: without_secrets(&last.agent),
            route: masked(&last.route),
        });
        told.first_request =
            self.first.and_then(|first| Some((Timestamp::from_micros(first.at), serde_json::to_string(&first).ok()?)));
        let scopes = self.scopes.into_iter().filter(|(scope, at)| written.is_due(key.id(), scope, *at));
        told.scopes.extend(scopes.map(|(scope, at)| (scope.into(), at)));
        let addresses = self.addresses.into_iter().map(|(ip, at)| (ip.to_string(), at));
        told.addresses.extend(addresses.filter(|(ip, at)| written.is_due(key.id(), ip, *at)));
        told
    }
}

impl Last {
    fn at(ip: IpAddr) -> Self {
        Self { at: Timestamp::default(), ip, agent: String::new(), route: String::new() }
    }

    fn overwrite(&mut self, visit: &Visit<'_>) {
        (self.at, self.ip) = (visit.at, visit.ip);
        overwrite(&mut self.agent, &[visit.user_agent]);
        overwrite(&mut self.route, &[visit.method, " ", short(visit.path)]);
    }
}

impl Count {
    fn is_empty(&self) -> bool {
        self.ok == 0 && self.refused.is_empty()
    }
}

/// Most keys come from one place and take one scope: room for it, and for more when they come.
fn push<T>(list: &mut Vec<T>, one: T) {
    if list.len() < 2 {
        list.reserve_exact(1);
    }
    list.push(one);
}

fn overwrite(text: &mut String, parts: &[&str]) {
    let mut rest = text.as_str();
    let same = parts.iter().all(|part| {
        rest.strip_prefix(part).is_some_and(|after| {
            rest = after;
            true
        })
    });
    if !(same && rest.is_empty()) {
        text.clear();
        text.reserve_exact(parts.iter().map(|part| part.len()).sum());
        text.extend(parts.iter().copied());
    }
}

/// What was counted since the last flush.
#[derive(Default)]
pub struct Usage {
    dirty: Mutex<Vec<Arc<Known>>>,
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
        self.count(known, |tally| tally.pass(visit, is_first));
    }

    /// Counts a request that the key was known for, and refused.
    pub fn refused(&self, known: &Arc<Known>, refusal: &Refusal, at: Timestamp) {
        self.count(known, |tally| tally.often().refuse(refusal.reason(), at));
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
