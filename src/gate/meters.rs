//! What the gate did since the start, for whoever watches it: verdicts by what they were, how long they took, and how often
//! the database was asked. Atomics without an order, so that a verdict pays a few nanoseconds for them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::reason::Reason;

/// Microseconds that the verdicts of a bucket took at most; the last bucket takes the others.
pub const BOUNDS: [u64; 12] = [10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 25_000, 250_000, 2_500_000];
const REASONS: usize = Reason::ALL.len();
const BUCKETS: usize = BOUNDS.len() + 1;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    pub fn more(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Default)]
pub struct Meters {
    passed: Count,
    refused: [Count; REASONS],
    /// The database did not answer, so there was no verdict.
    pub unavailable: Count,
    /// Keys that were not remembered.
    pub reads: Count,
    within: [Count; BUCKETS],
    micros: Count,
}

impl Meters {
    /// Counts a verdict: why it refused, if it did, and how long it took.
    pub fn decided(&self, refused: Option<Reason>, took: Duration) {
        match refused {
            None => self.passed.more(1),
            Some(reason) => self.refused[reason as usize].more(1),
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().position(|bound| micros <= *bound).unwrap_or(BUCKETS - 1);
        self.within[bucket].more(1);
        self.micros.more(micros);
    }

    /// Verdicts by their code: `ok`, or the reason of a refusal.
    pub fn verdicts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let refused = Reason::ALL.into_iter().map(|reason| (reason.code(), self.refused[reason as usize].get()));
        std::iter::once(("ok", self.passed.get())).chain(refused)
    }

    /// How many verdicts fell into each bucket of [`BOUNDS`] and behind it, and the microseconds of all together.
    pub fn took(&self) -> ([u64; BUCKETS], u64) {
        (std::array::from_fn(|bucket| self.within[bucket].get()), self.micros.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_counted_in_its_own_place() {
        let meters = Meters::default();
        for (number, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, number, "{reason:?} stands in ALL where it is declared");
            (0..=number).for_each(|_| meters.decided(Some(reason), Duration::ZERO));
        }
        meters.decided(None, Duration::ZERO);
        let counts: Vec<u64> = meters.verdicts().map(|(_, count)| count).collect();
        assert_eq!(counts[0], 1);
        assert!(counts[1..].iter().zip(1..).all(|(count, number)| *count == number), "{counts:?}");
    }

    #[test]
    fn a_verdict_falls_into_the_first_bucket_that_holds_it() {
        let meters = Meters::default();
        for micros in [0, 10, 11, 2_500_000, 2_500_001] {
            meters.decided(None, Duration::from_micros(micros));
        }
        let (within, micros) = meters.took();
        assert_eq!((within[0], within[1], within[11], within[12]), (2, 1, 1, 1));
        assert_eq!(micros, 5_000_022);
    }
}
