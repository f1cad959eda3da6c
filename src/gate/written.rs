//! What was written of the keys lately, so that an address that goes on coming, or a scope that goes on being used, is not
//! written with every flush. A table of one size, however many keys are used: whoever comes displaces what was there, and then
//! that is written once more than it need be.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;

/// What goes on is written this often.
const AGAIN_AFTER: Duration = Duration::from_secs(600);
/// Two megabytes, of which only what is used is taken.
const PLACES: usize = 1 << 18;

pub struct Written {
    /// By what it is: some bits of its hash, and the second in which it was seen when it was written.
    places: Mutex<Vec<u64>>,
    hasher: RandomState,
}

impl Default for Written {
    fn default() -> Self {
        Self { places: Mutex::new(vec![0; PLACES]), hasher: RandomState::new() }
    }
}

impl Written {
    /// Whether what was seen of the key at `at` is news. If it is, it counts as written.
    pub fn is_due(&self, key_id: &str, what: &str, at: Timestamp) -> bool {
        let hash = self.hasher.hash_one((key_id, what));
        let second = u32::try_from(at.seconds()).unwrap_or(u32::MAX);
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let place = usize::try_from(hash).unwrap_or(usize::MAX) % PLACES;
        let [of, before] = [places[place] >> 32, places[place] & u64::from(u32::MAX)];
        let is_due = of != hash >> 32 || u64::from(second) > before + AGAIN_AFTER.as_secs();
        if is_due {
            places[place] = hash >> 32 << 32 | u64::from(second);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_795_269_955_000_000);

    #[test]
    fn what_goes_on_is_news_every_ten_minutes() {
        let written = Written::default();
        let due = |seconds| written.is_due("key_1", "203.0.113.9", NOW + Duration::from_secs(seconds));
        assert_eq!([0, 1, 600, 601, 602].map(due), [true, false, false, true, false]);
        assert!(written.is_due("key_1", "203.0.113.10", NOW), "another address is news");
        assert!(written.is_due("key_2", "203.0.113.9", NOW), "and so is another key");
    }
}
