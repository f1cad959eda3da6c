//! Rate windows: how many requests of a key the current minute has left. A window is the clock's minute, so that
//! `X-RateLimit-Reset` is one moment for everybody who counts, here or on another node. What other nodes let through is
//! counted as they say it ([`super::shared_windows`]); a verdict never asks them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::Timestamp;

const MINUTE: i64 = 60;

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

/// One key's minute. Each word has its number in the upper half and requests counted in the lower.
#[derive(Debug, Default)]
pub struct Window {
    /// What passed here.
    own: AtomicU64,
    /// What passed elsewhere, as far as that is known.
    others: AtomicU64,
    /// Whether it waits for the other nodes to be told of it.
    waits: AtomicBool,
}

impl Window {
    /// Spends one request.
    ///
    /// # Errors
    /// If there is none left; asking then costs nothing.
    pub fn spend(&self, limit: u32, now: Timestamp) -> Result<Allowance, Allowance> {
        let minute = minute(now);
        let elsewhere = spent(self.others.load(Ordering::Acquire), minute);
        let counted = self.own.fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
            let spent = spent(word, minute);
            (spent.saturating_add(elsewhere) < limit).then(|| pack(minute, spent + 1))
        });
        match counted {
            Ok(before) => Ok(allowance(limit, spent(before, minute) + 1 + elsewhere, now)),
            Err(_) => Err(allowance(limit, limit, now)),
        }
    }

    /// Where it stands, spending nothing.
    pub fn peek(&self, limit: u32, now: Timestamp) -> Allowance {
        let [here, elsewhere] = [&self.own, &self.others].map(|word| spent(word.load(Ordering::Acquire), minute(now)));
        allowance(limit, here.saturating_add(elsewhere), now)
    }

    /// Whether it was not waiting already for the other nodes to be told of it.
    pub(super) fn begins_to_wait(&self) -> bool {
        !self.waits.load(Ordering::Acquire) && !self.waits.swap(true, Ordering::AcqRel)
    }

    /// What passed here in the minute that is counted. Whatever passes from now on has to wait again.
    pub(super) fn take(&self) -> Counted {
        self.waits.store(false, Ordering::SeqCst);
        let word = self.own.load(Ordering::SeqCst);
        let [minute, requests] = halves(word);
        Counted { minute, requests }
    }

    /// What passed elsewhere. In one minute that only grows, whatever a server that lost its memory says.
    pub fn hear(&self, elsewhere: Counted) {
        let Counted { minute, requests } = elsewhere;
        let heard = |word| Some(pack(minute, spent(word, minute).max(requests)));
        let _ = self.others.fetch_update(Ordering::AcqRel, Ordering::Acquire, heard);
    }

    fn is_past(&self, now: Timestamp) -> bool {
        spent(self.own.load(Ordering::Acquire), minute(now)) == 0
    }
}

/// Requests of a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// As [`minute`] numbers it.
    pub minute: u32,
    pub requests: u32,
}

/// The part of the clock's minute that fits into half a word; it comes again after eight thousand years.
pub fn minute(now: Timestamp) -> u32 {
    u32::try_from(now.seconds().div_euclid(MINUTE).rem_euclid(1 << 32)).unwrap_or(0)
}

fn pack(minute: u32, spent: u32) -> u64 {
    u64::from(minute) << 32 | u64::from(spent)
}

/// Requests counted in this minute. A word of another minute, earlier or later, counts none.
fn spent(word: u64, minute: u32) -> u32 {
    let [of, requests] = halves(word);
    if of == minute { requests } else { 0 }
}

fn halves(word: u64) -> [u32; 2] {
    [word >> 32, word & u64::from(u32::MAX)].map(|half| u32::try_from(half).unwrap_or(0))
}

fn allowance(limit: u32, spent: u32, now: Timestamp) -> Allowance {
    let seconds = now.seconds();
    let resets_at = (seconds.div_euclid(MINUTE) + 1) * MINUTE;
    Allowance { limit, remaining: limit.saturating_sub(spent), resets_at, wait: resets_at - seconds }
}

/// The windows of all keys seen lately. Both secrets of a key share one, and it outlives what the gate forgets.
#[derive(Debug, Default)]
pub struct Windows(Mutex<HashMap<String, Arc<Window>>>);

impl Windows {
    pub fn of(&self, key_id: &str) -> Arc<Window> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(window) = windows.get(key_id) {
            return window.clone();
        }
        windows.entry(key_id.to_owned()).or_default().clone()
    }

    /// Forgets windows of minutes that are over and that nobody holds.
    pub fn sweep(&self, now: Timestamp) {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        windows.retain(|_, window| Arc::strong_count(window) > 1 || !window.is_past(now));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Five seconds before a minute ends.
    const NOW: Timestamp = Timestamp::from_micros(1_795_269_955_000_000);

    #[test]
    fn a_minute_holds_as_many_as_it_may_and_the_next_begins_anew() {
        let window = Window::default();
        let left: Vec<u32> = (0..3).map(|_| window.spend(3, NOW).expect("an allowance").remaining).collect();
        assert_eq!(left, [2, 1, 0]);
        let spent = Allowance { limit: 3, remaining: 0, resets_at: 1_795_269_960, wait: 5 };
        assert_eq!(window.spend(3, NOW), Err(spent));
        assert_eq!(window.peek(3, NOW), spent);
        let next = window.spend(3, NOW + Duration::from_secs(5)).expect("a new minute");
        assert_eq!((next.remaining, next.resets_at, next.wait), (2, 1_795_270_020, 60));
    }

    #[test]
    fn a_clock_set_back_begins_a_window_and_locks_nobody_out() {
        let window = Window::default();
        window.spend(1, NOW).expect("the first");
        assert!(window.spend(1, NOW - Duration::from_secs(3600)).is_ok());
    }

    #[test]
    fn what_passed_elsewhere_counts_in_its_minute_and_never_shrinks() {
        let window = Window::default();
        let heard = |requests| Counted { minute: minute(NOW), requests };
        window.spend(5, NOW).expect("the first");
        window.hear(heard(3));
        window.hear(heard(1));
        assert_eq!(window.peek(5, NOW).remaining, 1);
        assert_eq!(window.spend(5, NOW).expect("the last").remaining, 0);
        assert!(window.spend(5, NOW).is_err());
        assert_eq!(window.take(), Counted { minute: minute(NOW), requests: 2 }, "only what passed here is told");
        assert_eq!(window.spend(5, NOW + Duration::from_secs(60)).expect("a new minute").remaining, 4);
        window.hear(heard(u32::MAX));
        assert!(window.spend(5, NOW).is_err(), "and no sum is too large to add");
    }

    #[test]
    fn a_window_waits_once_until_it_is_taken() {
        let window = Window::default();
        assert_eq!([window.begins_to_wait(), window.begins_to_wait()], [true, false]);
        window.take();
        assert!(window.begins_to_wait());
    }

    #[test]
    fn exactly_the_limit_passes_however_many_ask_at_once() {
        let window = Window::default();
        let passed: usize = std::thread::scope(|scope| {
            let asking = || (0..1000).filter(|_| window.spend(700, NOW).is_ok()).count();
            let askers: Vec<_> = (0..4).map(|_| scope.spawn(asking)).collect();
            askers.into_iter().map(|asker| asker.join().expect("an asker")).sum()
        });
        assert_eq!(passed, 700);
    }

    #[test]
    fn a_window_outlives_its_holder_for_its_minute_only() {
        let windows = Windows::default();
        windows.of("key_1").spend(1, NOW).expect("the first");
        windows.sweep(NOW);
        assert!(windows.of("key_1").spend(1, NOW).is_err());
        windows.sweep(NOW + Duration::from_secs(60));
        assert!(windows.0.lock().expect("a lock").is_empty());
    }
}
