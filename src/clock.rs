//! Time as an input. Nothing else in the crate asks the machine what time it is, so a test can freeze it.

use std::fmt;
use std::ops::{Add, Sub};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;

/// A moment, in microseconds since the Unix epoch: what the database stores, the same on both engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    pub const fn micros(self) -> i64 {
        self.0
    }

    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Hours since the Unix epoch: the bucket that usage is counted in.
    pub const fn hour(self) -> i64 {
        self.0.div_euclid(3_600_000_000)
    }

    pub fn date_time(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// How long ago `earlier` was; zero if it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl From<OffsetDateTime> for Timestamp {
    fn from(at: OffsetDateTime) -> Self {
        Self(i64::try_from(at.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, to the second.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.date_time();
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            at.year(),
            u8::from(at.month()),
            at.day(),
            at.hour(),
            at.minute(),
            at.second()
        )
    }
}

/// `days` whole days.
pub const fn days(days: u64) -> Duration {
    Duration::from_secs(days.saturating_mul(86_400))
}

/// `hours` whole hours.
pub const fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours.saturating_mul(3600))
}

/// Where the current time comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    /// Stands still until a test moves it.
    Frozen(Arc<AtomicI64>),
}

impl Clock {
    pub fn frozen(at: Timestamp) -> Self {
        Self::Frozen(Arc::new(AtomicI64::new(at.micros())))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn now(&self) -> Timestamp {
        match self {
            // Not by way of a date: a verdict asks twice.
            Self::System => Timestamp::default() + SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            Self::Frozen(at) => Timestamp(at.load(Ordering::SeqCst)),
        }
    }

    /// Moves a frozen clock; the system's clock is nobody's to move.
    pub fn advance(&self, by: Duration) {
        if let Self::Frozen(at) = self {
            at.store((self.now() + by).micros(), Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_moves_only_when_told() {
        let clock = Clock::frozen(Timestamp::from_micros(1_795_269_900_000_000));
        assert_eq!(clock.now().to_string(), "2026-11-21T14:05:00Z");
        clock.advance(hours(1));
        assert_eq!(clock.now().to_string(), "2026-11-21T15:05:00Z");
    }

    #[test]
    fn no_span_is_too_long_to_add() {
        assert_eq!(Timestamp::from_micros(1) + days(u64::MAX), Timestamp::from_micros(i64::MAX));
    }

    #[test]
    fn time_since_the_future_is_zero() {
        let now = Timestamp::from_micros(5);
        assert_eq!(now.since(now + days(1)), Duration::ZERO);
    }
}
