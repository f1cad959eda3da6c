//! Usage, counted in memory and handed over in batches: a request costs no write. A kill loses at most what was counted
//! since the last flush, and never a key.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::model::usage::UsageHour;
use crate::store::usage::{KeyUse, LastUse};
use crate::store::{self, Db};

/// Addresses remembered per key between two flushes; more tell nobody more.
const MOST_ADDRESSES: usize = 16;

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

impl PassedRequest {
    fn recorded(&self) -> Option<(Timestamp, String)> {
        Some((Timestamp::from_micros(self.at), serde_json::to_string(self).ok()?))
    }
}

#[derive(Default)]
struct Tally {
    hours: BTreeMap<i64, (i64, i64)>,
    first: Option<PassedRequest>,
    last: Option<LastUse>,
    addresses: BTreeMap<String, Timestamp>,
}

/// Counters since the last flush.
#[derive(Default)]
pub struct Usage {
    tallies: Mutex<HashMap<String, Tally>>,
}

impl Usage {
    /// Counts a request that passed.
    pub fn passed(&self, key_id: &str, secret_hash: &str, request: PassedRequest) {
        let at = Timestamp::from_micros(request.at);
        self.count(key_id, |tally| {
            tally.hours.entry(at.hour()).or_default().0 += 1;
            if tally.addresses.len() < MOST_ADDRESSES || tally.addresses.contains_key(&request.ip) {
                tally.addresses.insert(request.ip.clone(), at);
            }
            tally.last = Some(LastUse { at, ip: request.ip.clone(), secret_hash: secret_hash.to_owned() });
            // The first screen tells of a request that succeeded, not of one that was let in and found nothing.
            if request.status < 400 {
                tally.first.get_or_insert(request);
            }
        });
    }

    /// Counts a request that the key was known for, and refused.
    pub fn refused(&self, key_id: &str, now: Timestamp) {
        self.count(key_id, |tally| tally.hours.entry(now.hour()).or_default().1 += 1);
    }

    fn count(&self, key_id: &str, add: impl FnOnce(&mut Tally)) {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        match tallies.get_mut(key_id) {
            Some(tally) => add(tally),
            None => add(tallies.entry(key_id.to_owned()).or_default()),
        }
    }

    /// Writes what was counted. If the database does not take it, it is counted again with the next batch.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn flush(&self, db: &Db) -> sqlx::Result<()> {
        let taken = std::mem::take(&mut *self.tallies.lock().unwrap_or_else(PoisonError::into_inner));
        let mut batch: Vec<KeyUse> = taken.iter().map(|(key_id, tally)| tally.as_batch(key_id)).collect();
        // Rows are locked in the order of their ids, as everybody does who locks more than one.
        batch.sort_by(|a, b| a.key_id.cmp(&b.key_id));
        let written = store::usage::flush(db, &batch).await;
        if written.is_err() {
            self.put_back(taken);
        }
        written
    }

    fn put_back(&self, taken: HashMap<String, Tally>) {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        for (key_id, older) in taken {
            let tally = tallies.entry(key_id).or_default();
            for (hour, (ok, refused)) in older.hours {
                let counted = tally.hours.entry(hour).or_default();
                counted.0 += ok;
                counted.1 += refused;
            }
            tally.first = older.first.or(tally.first.take());
            tally.last = tally.last.take().or(older.last);
            for (ip, at) in older.addresses {
                tally.addresses.entry(ip).or_insert(at);
            }
        }
    }
}

impl Tally {
    fn as_batch(&self, key_id: &str) -> KeyUse {
        KeyUse {
            key_id: key_id.to_owned(),
            hours: self
                .hours
                .iter()
                .map(|(hour, (ok, refused))| UsageHour { hour: *hour, ok: *ok, refused: *refused })
                .collect(),
            last: self.last.clone(),
            first_request: self.first.as_ref().and_then(PassedRequest::recorded),
            addresses: self.addresses.iter().map(|(ip, at)| (ip.clone(), *at)).collect(),
        }
    }
}
