//! Throttles for sign-in, sign-up and garbage at the gate: a burst, then one every so often (generic cell rate algorithm).
//! They are asked before any password is hashed or any unknown key looked up, and they slow people down without ever
//! locking them out.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;

/// Sources remembered at once; beyond that the idle ones are forgotten, and then the half that owes least.
const MOST_SOURCES: usize = 100_000;

/// How much is allowed.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    pub burst: u32,
    pub every: Duration,
}

/// From one address, whoever it claims to be.
pub const PER_ADDRESS: Rate = Rate { burst: 20, every: Duration::from_secs(3) };
/// From one address for one account.
pub const PER_ADDRESS_AND_ACCOUNT: Rate = Rate { burst: 5, every: Duration::from_secs(30) };
/// Failures at one account, from wherever: a hundred at once, and then a hundred a day.
pub const FAILURES_PER_ACCOUNT: Rate = Rate { burst: 100, every: Duration::from_secs(864) };
/// From a device that its owner has signed in with.
pub const PER_KNOWN_DEVICE: Rate = Rate { burst: 5, every: Duration::from_secs(30) };
/// Mails that anybody can have sent to one address.
pub const MAILS_PER_ADDRESS: Rate = Rate { burst: 5, every: Duration::from_secs(20 * 60) };
/// Reports of leaked keys from one address; apart from sign-ins, so that neither is in the other's way.
pub const REPORTS_PER_ADDRESS: Rate = Rate { burst: 20, every: Duration::from_secs(3) };
/// Codes of a second factor for one account, from everywhere: 720 tries a day at three codes in a million.
pub const PER_ACCOUNT_OF_CODES: Rate = Rate { burst: 10, every: Duration::from_secs(120) };
/// Keys that nobody has, presented from one address. Whoever shares it with the flood still passes with a key that the
/// gate remembers, so the burst is wide: it bounds what garbage costs the database, not who is let in.
pub const PER_SOURCE_OF_GARBAGE: Rate = Rate { burst: 500, every: Duration::from_millis(20) };

/// A throttled attempt may be made again at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttled {
    pub until: Timestamp,
}

/// Attempts by source.
#[derive(Default)]
pub struct Throttle {
    /// When each source's allowance is whole again.
    whole_at: Mutex<HashMap<String, Timestamp>>,
}

impl Throttle {
    /// Spends one attempt of `source`.
    ///
    /// # Errors
    /// [`Throttled`] if there is none to spend; asking then costs nothing.
    pub fn spend(&self, source: &str, rate: Rate, now: Timestamp) -> Result<(), Throttled> {
        let mut whole_at = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        if whole_at.len() >= MOST_SOURCES {
            whole_at.retain(|_, at| *at > now);
            forget_half(&mut whole_at);
        }
        let whole = whole(&mut whole_at, source, rate, now);
        has_one(whole, rate, now)?;
        whole_at.insert(source.to_owned(), whole + rate.every);
        Ok(())
    }

    /// Gives back an attempt of `source` that turned out not to count.
    pub fn give_back(&self, source: &str, rate: Rate) {
        let mut whole_at = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = whole_at.get_mut(source) {
            *at = *at - rate.every;
        }
    }

    /// Whether `source` has an attempt to spend.
    ///
    /// # Errors
    /// [`Throttled`] if not.
    pub fn look(&self, source: &str, rate: Rate, now: Timestamp) -> Result<(), Throttled> {
        let mut whole_at = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        has_one(whole(&mut whole_at, source, rate, now), rate, now)
    }
}

/// When the allowance of `source` is whole again. Nobody owes more than all of it: what lies further ahead was written
/// before the clock was set back, and must not keep anybody out until then. Then nobody knows what is owed, and one attempt is
/// left.
fn whole(whole_at: &mut HashMap<String, Timestamp>, source: &str, rate: Rate, now: Timestamp) -> Timestamp {
    let Some(at) = whole_at.get_mut(source) else { return now };
    if *at > now + rate.every * rate.burst {
        *at = now + rate.every * rate.burst.saturating_sub(1);
    }
    (*at).max(now)
}

fn has_one(whole: Timestamp, rate: Rate, now: Timestamp) -> Result<(), Throttled> {
    let earliest = whole + rate.every - rate.every * rate.burst;
    if earliest > now { Err(Throttled { until: earliest }) } else { Ok(()) }
}

/// Still full: a flood from everywhere at once. The half that owes least is forgotten.
fn forget_half(whole_at: &mut HashMap<String, Timestamp>) {
    if whole_at.len() < MOST_SOURCES {
        return;
    }
    let mut moments: Vec<Timestamp> = whole_at.values().copied().collect();
    let middle = moments.len() / 2;
    let median = *moments.select_nth_unstable(middle).1;
    // Of those who owe as much as the one in the middle, some go and some stay; whoever owes more stays.
    let mut alike_to_spare = middle - moments.iter().filter(|at| **at > median).count();
    whole_at.retain(|_, at| {
        let spared = *at == median && alike_to_spare > 0;
        alike_to_spare -= usize::from(spared);
        spared || *at > median
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_795_269_900_000_000);

    #[test]
    fn after_the_burst_attempts_come_back_one_by_one() {
        let throttle = Throttle::default();
        for _ in 0..5 {
            assert_eq!(throttle.spend("a", PER_ADDRESS_AND_ACCOUNT, NOW), Ok(()));
        }
        let until = NOW + Duration::from_secs(30);
        assert_eq!(throttle.spend("a", PER_ADDRESS_AND_ACCOUNT, NOW), Err(Throttled { until }));
        assert_eq!(throttle.look("a", PER_ADDRESS_AND_ACCOUNT, NOW), Err(Throttled { until }));
        assert_eq!(throttle.spend("b", PER_ADDRESS_AND_ACCOUNT, NOW), Ok(()), "another source has its own allowance");
        assert_eq!(throttle.spend("a", PER_ADDRESS_AND_ACCOUNT, until), Ok(()));
        assert!(throttle.spend("a", PER_ADDRESS_AND_ACCOUNT, until).is_err());
    }

    #[test]
    fn a_clock_set_back_leaves_everybody_one_attempt() {
        let throttle = Throttle::default();
        for _ in 0..5 {
            assert_eq!(throttle.spend("a", PER_ADDRESS_AND_ACCOUNT, NOW), Ok(()));
        }
        let before = NOW - Duration::from_secs(5 * 3600);
        let until = before + PER_ADDRESS_AND_ACCOUNT.every;
        assert_eq!(throttle.look("a", PER_ADDRESS_AND_ACCOUNT, before), Ok(()));
        assert_eq!(throttle.spend("a", PER_ADDRESS_AND_ACCOUNT, before), Ok(()));
        assert_eq!(throttle.spend("a", PER_ADDRESS_AND_ACCOUNT, before), Err(Throttled { until }));
        assert_eq!(throttle.spend("a", PER_ADDRESS_AND_ACCOUNT, until), Ok(()));
    }

    #[test]
    fn what_is_given_back_can_be_spent_again() {
        let throttle = Throttle::default();
        for _ in 0..FAILURES_PER_ACCOUNT.burst {
            assert_eq!(throttle.spend("a", FAILURES_PER_ACCOUNT, NOW), Ok(()));
        }
        assert!(throttle.spend("a", FAILURES_PER_ACCOUNT, NOW).is_err());
        throttle.give_back("a", FAILURES_PER_ACCOUNT);
        assert_eq!(throttle.spend("a", FAILURES_PER_ACCOUNT, NOW), Ok(()));
        assert!(throttle.spend("a", FAILURES_PER_ACCOUNT, NOW).is_err());
        throttle.give_back("nobody", FAILURES_PER_ACCOUNT);
        assert_eq!(throttle.spend("b", FAILURES_PER_ACCOUNT, NOW), Ok(()));
        throttle.give_back("b", FAILURES_PER_ACCOUNT);
        for _ in 0..FAILURES_PER_ACCOUNT.burst {
            assert_eq!(throttle.spend("b", FAILURES_PER_ACCOUNT, NOW), Ok(()), "as if nothing had been spent");
        }
    }

    #[test]
    fn a_flood_from_everywhere_is_forgotten_before_whoever_owes_most() {
        let throttle = Throttle::default();
        let known = || throttle.whole_at.lock().expect("a lock").len();
        for _ in 0..5 {
            assert_eq!(throttle.spend("guesser", PER_ADDRESS_AND_ACCOUNT, NOW), Ok(()));
        }
        for source in 1..MOST_SOURCES {
            assert_eq!(throttle.spend(&source.to_string(), PER_ADDRESS, NOW), Ok(()));
        }
        assert_eq!(known(), MOST_SOURCES);
        assert_eq!(throttle.spend("one more", PER_ADDRESS, NOW), Ok(()));
        assert_eq!(known(), MOST_SOURCES / 2 + 1);
        assert!(throttle.spend("guesser", PER_ADDRESS_AND_ACCOUNT, NOW).is_err(), "still known");
        for source in 1..MOST_SOURCES / 2 {
            assert_eq!(throttle.spend(&format!("later {source}"), PER_ADDRESS, NOW), Ok(()));
        }
        let later = NOW + PER_ADDRESS.every;
        assert_eq!(throttle.spend("after them", PER_ADDRESS, later), Ok(()));
        assert_eq!(known(), 2, "whoever owes nothing any more goes first");
    }
}
