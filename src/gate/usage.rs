//! Usage, counted in memory and handed over in batches: a request costs no write, and in the steady state no allocation.
//! A kill loses at most what was counted since the last flush, and never a key.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::known::Known;
use super::verdict::Refusal;
use crate::clock::Timestamp;
use crate::model::key_facts::KeyFacts;
use crate::model::text::{masked, without_secrets};
use crate::store::usage::{KeyUse, LastUse};
use crate::store::{self, Db};

/// Addresses remembered per key; more tell nobody more.
const MOST_ADDRESSES: usize = 16;
/// An address that goes on coming is written this often, and so is a scope that goes on being used.
const AGAIN_AFTER: Duration = Duration::from_secs(600);
/// Characters of a path that are worth remembering.
const LONGEST_PATH: usize = 200;
/// Keys written in one transaction: whoever waits to write waits no longer than for these.
const KEYS_AT_ONCE: usize = 500;

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

/// What one secret was used for since the last flush.
#[derive(Debug)]
pub struct Tally {
    /// Whether it waits to be flushed.
    dirty: bool,
    /// Of the hour that is being counted.
    count: Count,
    /// Of hours that ended before they were flushed.
    earlier: Vec<Count>,
    last: Last,
    /// Whether `last` is news.
    used: bool,
    /// Whether nobody ever used the key, so that its first request is worth keeping.
    fresh: bool,
    first: Option<PassedRequest>,
    addresses: Vec<Address>,
    scopes: Vec<Scope>,
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

#[derive(Debug)]
struct Address {
    ip: IpAddr,
    at: Timestamp,
    written: Option<Timestamp>,
}

/// A scope that was taken; a key holds no more of them than the definition has.
#[derive(Debug)]
struct Scope {
    id: Box<str>,
    at: Timestamp,
    written: Option<Timestamp>,
}

impl Tally {
    pub fn of(facts: &KeyFacts) -> Self {
        let nowhere = IpAddr::from([0, 0, 0, 0]);
        let last = Last { at: Timestamp::default(), ip: nowhere, agent: String::new(), route: String::new() };
        let fresh = facts.first_used_at.is_none();
        Self {
            dirty: false,
            count: Count::default(),
            earlier: Vec::new(),
            last,
            used: false,
            fresh,
            first: None,
            addresses: Vec::new(),
            scopes: Vec::new(),
        }
    }

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

    fn pass(&mut self, visit: &Visit<'_>) {
        self.at(visit.at).ok += 1;
        self.used = true;
        self.last.at = visit.at;
        self.last.ip = visit.ip;
        overwrite(&mut self.last.agent, &[visit.user_agent]);
        overwrite(&mut self.last.route, &[visit.method, " ", short(visit.path)]);
        for scope in visit.scopes.into_iter().filter(|scope| !scope.is_empty()) {
            match self.scopes.iter_mut().find(|known| *known.id == *scope) {
                Some(known) => known.at = visit.at,
                None => self.scopes.push(Scope { id: scope.into(), at: visit.at, written: None }),
            }
        }
        if let Some(address) = self.addresses.iter_mut().find(|address| address.ip == visit.ip) {
            address.at = visit.at;
        } else if self.addresses.len() < MOST_ADDRESSES {
            // Most keys are used from one place: room for it, and for more when they come.
            self.addresses.reserve_exact(1);
            self.addresses.push(Address { ip: visit.ip, at: visit.at, written: None });
        } else if let Some(quiet) =
            self.addresses.iter_mut().filter(|known| known.written.is_some()).min_by_key(|known| known.at)
        {
            *quiet = Address { ip: visit.ip, at: visit.at, written: None };
        }
        // The first screen tells of a request that succeeded, not of one that was let in and found nothing.
        if self.fresh && visit.status < 400 {
            self.fresh = false;
            self.first = Some(visit.kept());
        }
    }

    fn refuse(&mut self, reason: &'static str, at: Timestamp) {
        let refused = &mut self.at(at).refused;
        match refused.iter_mut().find(|(counted, _)| *counted == reason) {
            Some((_, count)) => *count += 1,
            None => refused.push((reason, 1)),
        }
    }

    /// Hands over what was counted and begins anew.
    fn take(&mut self, facts: &KeyFacts, secret_hash: String) -> KeyUse {
        self.dirty = false;
        let mut taken = KeyUse::of(&facts.account_id, &facts.id, secret_hash);
        let hour = self.count.hour;
        let now = std::mem::replace(&mut self.count, Count { hour, ..Count::default() });
        for counted in std::mem::take(&mut self.earlier).into_iter().chain([now]).filter(|counted| !counted.is_empty())
        {
            taken.count(counted.hour, counted.ok, &counted.refused);
            // What is counted here was known from one read of the key: a rotation makes another of it.
            if facts.dies_at.is_some() {
                taken.count_retiring(counted.hour, counted.ok);
            }
        }
        if std::mem::take(&mut self.used) {
            taken.last = Some(LastUse {
                at: self.last.at,
                ip: self.last.ip.to_string(),
                agent: without_secrets(&self.last.agent),
                route: masked(&self.last.route),
            });
        }
        taken.first_request = self
            .first
            .take()
            .and_then(|first| Some((Timestamp::from_micros(first.at), serde_json::to_string(&first).ok()?)));
        for scope in &mut self.scopes {
            if is_due(scope.written, scope.at) {
                scope.written = Some(scope.at);
                taken.scopes.insert(scope.id.to_string(), scope.at);
            }
        }
        for address in &mut self.addresses {
            if is_due(address.written, address.at) {
                address.written = Some(address.at);
                taken.addresses.push((address.ip.to_string(), address.at));
            }
        }
        taken
    }
}

impl Count {
    fn is_empty(&self) -> bool {
        self.ok == 0 && self.refused.is_empty()
    }
}

/// Whether what was last seen at `at` is news.
fn is_due(written: Option<Timestamp>, at: Timestamp) -> bool {
    written.is_none_or(|written| at > written + AGAIN_AFTER)
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
        text.extend(parts.iter().copied());
    }
}

/// What was counted since the last flush.
#[derive(Default)]
pub struct Usage {
    dirty: Mutex<Vec<Arc<Known>>>,
    /// Taken from its keys, and not written because the database was away.
    unwritten: Mutex<Batch>,
}

/// By key and secret.
type Batch = BTreeMap<(String, String), KeyUse>;

impl Usage {
    /// Counts a request that passed.
    pub fn passed(&self, known: &Arc<Known>, visit: &Visit<'_>) {
        self.count(known, |tally| tally.pass(visit));
    }

    /// Counts a request that the key was known for, and refused.
    pub fn refused(&self, known: &Arc<Known>, refusal: &Refusal, at: Timestamp) {
        self.count(known, |tally| tally.refuse(refusal.reason(), at));
    }

    fn count(&self, known: &Arc<Known>, add: impl FnOnce(&mut Tally)) {
        let mut tally = lock(&known.tally);
        add(&mut tally);
        if !std::mem::replace(&mut tally.dirty, true) {
            lock(&self.dirty).push(known.clone());
        }
    }

    /// Writes what was counted, of one account if `only` names one. What the database does not take is written with the
    /// next batch.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn flush(&self, db: &Db, only: Option<&str>) -> sqlx::Result<()> {
        let mut dirty = self.take_dirty(only).into_iter();
        loop {
            let some: Vec<_> = dirty.by_ref().take(KEYS_AT_ONCE).collect();
            let batch = self.take(&some);
            if batch.is_empty() {
                return Ok(());
            }
            // In the order of their ids: rows are locked in that order by everybody who locks more than one.
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
        dirty.extract_if(.., |known| known.facts.account_id == account_id).collect()
    }

    fn take(&self, dirty: &[Arc<Known>]) -> Batch {
        let mut batch = std::mem::take(&mut *lock(&self.unwritten));
        for known in dirty {
            let hash = known.hash.to_string();
            let taken = lock(&known.tally).take(&known.facts, hash.clone());
            add(&mut batch, (known.facts.id.clone(), hash), taken);
        }
        batch
    }
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
