//! Rate windows: how many requests of a key the current minute has left. A window is the clock's minute, so that
//! `X-RateLimit-Reset` is one moment for everybody who counts, here or on another node. What other nodes let through is
//! counted as they say it ([`super::shared_windows`]); a verdict never asks them.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::quality::RandomState;

use super::spread::Spread;
use crate::clock::Timestamp;

const MINUTE: i64 = 60;
/// Tables that verdicts look in side by side.
const SHARDS: usize = 64;

/// Where a key stands in its minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Requests in a minute.
    pub limit: u32,
    pub remaining: u32,
    /// When the next minute begins, in seconds since the Unix epoch.
    pub resets_at: i64,
    /// Seconds until then; at least one.
    pub wait: i64,
}

/// Requests of a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// As [`minute`] numbers it.
    pub minute: u32,
    pub requests: u32,
}

impl Counted {
    /// Requests counted in this minute. What is of another minute, earlier or later, counts none.
    fn of(self, minute: u32) -> u32 {
        if self.minute == minute { self.requests } else { 0 }
    }
}

/// The part of the clock's minute that fits into four bytes; it comes again after eight thousand years.
pub fn minute(now: Timestamp) -> u32 {
    u32::try_from(now.seconds().div_euclid(MINUTE).rem_euclid(1 << 32)).unwrap_or(0)
}

fn allowance(limit: u32, spent: u32, now: Timestamp) -> Allowance {
    let seconds = now.seconds();
    let resets_at = (seconds.div_euclid(MINUTE) + 1) * MINUTE;
    Allowance { limit, remaining: limit.saturating_sub(spent), resets_at, wait: resets_at - seconds }
}

/// The windows of the keys that were used in this minute, by a hash of their id: for two keys to share one, all its bits would
/// have to be alike. Both secrets of a key share one, and it outlives what the gate forgets.
pub struct Windows {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Shard {
    /// What passed here.
    own: HashMap<u64, Counted, Spread>,
    /// What is known of other nodes, while the nodes count together.
    others: HashMap<u64, Others, Spread>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Others {
    /// What passed there.
    counted: Counted,
    /// Whether what passed here waits for them to be told of it.
    wait: bool,
}

impl Default for Windows {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()), hasher: RandomState::default() }
    }
}

impl Windows {
    /// Spends one request.
    ///
    /// # Errors
    /// If there is none left; asking then costs nothing.
    pub fn spend(&self, key_id: &str, limit: u32, now: Timestamp) -> Result<Allowance, Allowance> {
        let minute = minute(now);
        let (key, mut shard) = self.shard(key_id);
        let elsewhere = shard.elsewhere(key, minute);
        let own = shard.own.entry(key).or_default();
        let here = own.of(minute);
        if here.saturating_add(elsewhere) >= limit {
            return Err(allowance(limit, limit, now));
        }
        *own = Counted { minute, requests: here + 1 };
        Ok(allowance(limit, here + 1 + elsewhere, now))
    }

    /// Where it stands, spending nothing.
    pub fn peek(&self, key_id: &str, limit: u32, now: Timestamp) -> Allowance {
        let minute = minute(now);
        let (key, shard) = self.shard(key_id);
        let here = shard.own.get(&key).map_or(0, |own| own.of(minute));
        allowance(limit, here.saturating_add(shard.elsewhere(key, minute)), now)
    }

    /// Whether it was not waiting already for the other nodes to be told of it.
    pub(super) fn begins_to_wait(&self, key_id: &str) -> bool {
        let (key, mut shard) = self.shard(key_id);
        !std::mem::replace(&mut shard.others.entry(key).or_default().wait, true)
    }

    /// What passed here in the minute that is counted. Whatever passes from now on has to wait again.
    pub(super) fn take(&self, key_id: &str) -> Counted {
        let (key, mut shard) = self.shard(key_id);
        shard.others.entry(key).or_default().wait = false;
        shard.own.get(&key).copied().unwrap_or_default()
    }

    /// What passed elsewhere. In one minute that only grows, whatever a server that lost its memory says.
    pub fn hear(&self, key_id: &str, elsewhere: Counted) {
        let (key, mut shard) = self.shard(key_id);
        let heard = &mut shard.others.entry(key).or_default().counted;
        *heard = Counted { requests: heard.of(elsewhere.minute).max(elsewhere.requests), ..elsewhere };
    }

    /// Forgets minutes that are over.
    pub fn sweep(&self, now: Timestamp) {
        let minute = minute(now);
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.own.retain(|_, own| own.minute == minute);
            shard.others.retain(|_, others| others.wait || others.counted.minute == minute);
            shard.own.shrink_to_fit();
            shard.others.shrink_to_fit();
        }
    }

    fn shard(&self, key_id: &str) -> (u64, MutexGuard<'_, Shard>) {
        let hash = self.hasher.hash_one(key_id);
        // The table takes its lowest and its highest bits.
        let shard = &self.shards[(hash >> 32) as usize % SHARDS];
        (hash, shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shard {
    fn elsewhere(&self, key: u64, minute: u32) -> u32 {
        if self.others.is_empty() { 0 } else { self.others.get(&key).map_or(0, |others| others.counted.of(minute)) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Five seconds before a minute ends.
    const NOW: Timestamp = Timestamp::from_micros(1_795_269_955_000_000);
    const KEY: &str = "key_1";

    #[test]
    fn a_minute_holds_as_many_as_it_may_and_the_next_begins_anew() {
        let windows = Windows::default();
        let left: Vec<u32> = (0..3).map(|_| windows.spend(KEY, 3, NOW).expect("an allowance").remaining).collect();
        assert_eq!(left, [2, 1, 0]);
        let spent = Allowance { limit: 3, remaining: 0, resets_at: 1_795_269_960, wait: 5 };
        assert_eq!(windows.spend(KEY, 3, NOW), Err(spent));
        assert_eq!(windows.peek(KEY, 3, NOW), spent);
        assert_eq!(windows.peek("key_2", 3, NOW).remaining, 3, "another key has its own");
        let next = windows.spend(KEY, 3, NOW + Duration::from_secs(5)).expect("a new minute");
        assert_eq!((next.remaining, next.resets_at, next.wait), (2, 1_795_270_020, 60));
    }

    #[test]
    fn a_clock_set_back_begins_a_window_and_locks_nobody_out() {
        let windows = Windows::default();
        windows.spend(KEY, 1, NOW).expect("the first");
        assert!(windows.spend(KEY, 1, NOW - Duration::from_secs(3600)).is_ok());
    }

    #[test]
    fn what_passed_elsewhere_counts_in_its_minute_and_never_shrinks() {
        let windows = Windows::default();
        let hear = |requests| windows.hear(KEY, Counted { minute: minute(NOW), requests });
        windows.spend(KEY, 5, NOW).expect("the first");
        hear(3);
        hear(1);
        assert_eq!(windows.peek(KEY, 5, NOW).remaining, 1);
        assert_eq!(windows.spend(KEY, 5, NOW).expect("the last").remaining, 0);
        assert!(windows.spend(KEY, 5, NOW).is_err());
        let own = Counted { minute: minute(NOW), requests: 2 };
        assert_eq!(windows.take(KEY), own, "only what passed here is told");
        let next = windows.spend(KEY, 5, NOW + Duration::from_secs(60)).expect("a new minute");
        assert_eq!(next.remaining, 4);
        hear(u32::MAX);
        assert!(windows.spend(KEY, 5, NOW).is_err(), "and no sum is too large to add");
    }

    #[test]
    fn a_window_waits_once_until_it_is_taken() {
        let windows = Windows::default();
        assert_eq!([windows.begins_to_wait(KEY), windows.begins_to_wait(KEY)], [true, false]);
        windows.take(KEY);
        assert!(windows.begins_to_wait(KEY));
    }

    #[test]
    fn exactly_the_limit_passes_however_many_ask_at_once() {
        let windows = Windows::default();
        let passed: usize = std::thread::scope(|scope| {
            let asking = || (0..1000).filter(|_| windows.spend(KEY, 700, NOW).is_ok()).count();
            let askers: Vec<_> = (0..4).map(|_| scope.spawn(asking)).collect();
            askers.into_iter().map(|asker| asker.join().expect("an asker")).sum()
        });
        assert_eq!(passed, 700);
    }

    #[test]
    fn a_window_is_kept_for_its_minute_only() {
        let windows = Windows::default();
        let kept = || windows.shards.iter().map(|shard| shard.lock().expect("a lock").own.len()).sum::<usize>();
        windows.spend(KEY, 1, NOW).expect("the first");
        windows.sweep(NOW);
        assert!(windows.spend(KEY, 1, NOW).is_err());
        windows.sweep(NOW + Duration::from_secs(60));
        assert_eq!(kept(), 0);
    }

    #[test]
    fn what_other_nodes_counted_is_kept_for_its_minute_or_until_it_is_told() {
        let windows = Windows::default();
        let others = || windows.shards.iter().map(|shard| shard.lock().expect("a lock").others.len()).sum::<usize>();
        windows.hear(KEY, Counted { minute: minute(NOW), requests: 1 });
        windows.begins_to_wait("key_2");
        windows.sweep(NOW);
        assert_eq!(others(), 2);
        windows.sweep(NOW + Duration::from_secs(60));
        assert_eq!(others(), 1, "the one that waits");
        windows.take("key_2");
        windows.sweep(NOW + Duration::from_secs(60));
        assert_eq!(others(), 0);
    }
}
