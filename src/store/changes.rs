//! Which keys and inboxes changed lately, so that what the gate remembers can be told from what is true. A transaction
//! that changes one notes it here before anybody learns that it committed; whoever reads a key takes the moment before the read. A
//! memory whose moment lies before the key's last change is stale, whichever of the two was stored first, so no
//! concurrent read brings a deleted key back. Other processes' changes are trusted to arrive up to a moment that has to be
//! moved on: whoever should move it and is stopped, or starved, makes nothing true by it.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use tokio::time::Instant;

use super::sync::{AtomicU64, Mutex, MutexGuard, Ordering, PoisonError};

/// Changes remembered one by one; beyond that, everything read so far counts as stale once.
const MOST: usize = 100_000;
const NEVER: u64 = 0;
const FOR_GOOD: u64 = u64::MAX;

#[derive(Debug)]
pub struct Changes {
    /// The number of changes so far. All of them are in `latest` before they are counted here.
    moment: AtomicU64,
    latest: Mutex<Latest>,
    /// When the process began to look; moments are microseconds since.
    began: Instant,
    /// Until which moment the changes that other processes make are known to have arrived here too.
    watched_until: AtomicU64,
}

#[derive(Debug, Default)]
struct Latest {
    /// The moment of each one's last change, by the hash of its id: a fifth of the memory of ids. Two that share a hash cost
    /// a read too many, and hide nothing.
    of: HashMap<u64, u64>,
    hashing: RandomState,
    /// When any other may have changed last.
    others: u64,
}

/// Up to which moment a memory is known to be true.
#[derive(Debug)]
pub struct Seen(AtomicU64);

impl Default for Changes {
    fn default() -> Self {
        Self {
            moment: AtomicU64::new(0),
            latest: Mutex::default(),
            began: Instant::now(),
            watched_until: AtomicU64::new(NEVER),
        }
    }
}

impl Changes {
    /// To be taken before the database is read, and kept beside what was read.
    pub fn seen_now(&self) -> Seen {
        Seen(AtomicU64::new(self.moment.load(Ordering::SeqCst)))
    }

    /// These changed; the transaction that changed them has committed.
    pub fn note(&self, ids: &[impl AsRef<str>]) {
        let mut latest = self.latest();
        let moment = self.moment.load(Ordering::SeqCst) + 1;
        for id in ids {
            let hash = latest.hashing.hash_one(id.as_ref());
            latest.of.insert(hash, moment);
        }
        if latest.of.len() > MOST {
            latest.of.clear();
            latest.others = moment;
        }
        self.moment.store(moment, Ordering::SeqCst);
    }

    /// Anything may have changed.
    pub fn note_all(&self) {
        let mut latest = self.latest();
        let moment = self.moment.load(Ordering::SeqCst) + 1;
        latest.of.clear();
        latest.others = moment;
        self.moment.store(moment, Ordering::SeqCst);
    }

    /// Whether what was read of a key or an inbox is still true.
    pub fn is_current(&self, id: &str, seen: &Seen) -> bool {
        let moment = self.moment.load(Ordering::SeqCst);
        let known = seen.0.load(Ordering::SeqCst);
        if known >= moment {
            return true;
        }
        let latest = self.latest();
        let changed = latest.of.get(&latest.hashing.hash_one(id)).copied();
        if changed.unwrap_or(latest.others) > known {
            return false;
        }
        // Nothing until then was about it, so the next look need not ask again.
        seen.0.fetch_max(moment, Ordering::SeqCst);
        true
    }

    /// Whether memories may be trusted at all, now.
    pub fn is_watched(&self) -> bool {
        match self.watched_until.load(Ordering::SeqCst) {
            NEVER => false,
            FOR_GOOD => true,
            until => self.moment_of(Instant::now()) < until,
        }
    }

    /// From now on other processes' changes arrive, or there are none. Those that came before may have been missed.
    pub fn watch(&self) {
        self.note_all();
        self.watched_until.store(FOR_GOOD, Ordering::SeqCst);
    }

    /// As [`Self::watch`], up to `until`.
    pub fn watch_until(&self, until: Instant) {
        self.note_all();
        self.still_watched_until(until);
    }

    /// Other processes' changes still arrive, none was missed, and that may be believed up to `until`.
    pub fn still_watched_until(&self, until: Instant) {
        self.watched_until.store(self.moment_of(until), Ordering::SeqCst);
    }

    /// Other processes' changes do not arrive any more: until they do, nothing remembered may be trusted.
    pub fn lose_sight(&self) {
        self.watched_until.store(NEVER, Ordering::SeqCst);
    }

    fn moment_of(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.began).as_micros()).unwrap_or(FOR_GOOD - 1)
    }

    fn latest(&self) -> MutexGuard<'_, Latest> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
