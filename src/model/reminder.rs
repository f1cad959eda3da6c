//! What somebody is told of a key without having asked: that it will expire, that it has, that its secret is old, or that
//! an hour of it stood out. Each has its rule here, and the mail says it.

use std::time::Duration;

use crate::clock::{Timestamp, days};

/// What is looked back on, after a time in which nobody looked. Older news is no news: a desk that learns to remind does
/// not begin with every key that ever expired.
const LATE: Duration = days(7);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reminder {
    ExpiresIn14Days,
    ExpiresIn3Days,
    Expired,
    RotationDue,
    Spike,
}

impl Reminder {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExpiresIn14Days => "expires_in_14_days",
            Self::ExpiresIn3Days => "expires_in_3_days",
            Self::Expired => "expired",
            Self::RotationDue => "rotation_due",
            Self::Spike => "spike",
        }
    }

    /// How long before the moment it comes.
    pub fn notice(self) -> Duration {
        match self {
            Self::ExpiresIn14Days => days(14),
            Self::ExpiresIn3Days => days(3),
            Self::Expired | Self::RotationDue | Self::Spike => Duration::ZERO,
        }
    }

    /// The moments that it is about now: after the first and up to the second.
    pub fn moments(self, now: Timestamp) -> (Timestamp, Timestamp) {
        let up_to = now + self.notice();
        let after = match self {
            // Nearer than that, there is another one to say.
            Self::ExpiresIn14Days => now + days(3),
            Self::ExpiresIn3Days => now,
            Self::Expired | Self::RotationDue | Self::Spike => now - LATE,
        };
        (after, up_to)
    }
}

/// Fewer requests in an hour than this are never too many.
pub const FLOOR: i64 = 500;
/// Fewer refused requests in an hour than this are never too many. An index of `usage_hours` begins here.
pub const REFUSED_FLOOR: i64 = 100;
/// An hour stands out if it has so many times as many as the busiest one before.
pub const TIMES: i64 = 5;
/// Hours that it is compared with.
pub const HOURS_BEFORE: i64 = 7 * 24;
/// A key that is in use for less than this has no custom yet: that it is used at all is no news.
const CUSTOM: i64 = 24;

/// An hour of a key, and the busiest of the hours before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    pub hour: i64,
    pub requests: i64,
    pub refused: i64,
    pub most_requests: i64,
    pub most_refused: i64,
    /// The first of the hours before that had any request; none if none had.
    pub since: Option<i64>,
}

/// In what an hour stood out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spike {
    Refused,
    Requests,
}

impl Stretch {
    /// Refusals first: they say more.
    pub fn spike(&self) -> Option<Spike> {
        let has_custom = self.since.is_some_and(|since| since <= self.hour - CUSTOM);
        if self.refused >= REFUSED_FLOOR.max(self.most_refused * TIMES) {
            Some(Spike::Refused)
        } else if has_custom && self.requests >= FLOOR.max(self.most_requests * TIMES) {
            Some(Spike::Requests)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_795_269_900_000_000);
    const USUAL: Stretch =
        Stretch { hour: 498_686, requests: 300, refused: 3, most_requests: 320, most_refused: 9, since: Some(498_600) };

    #[test]
    fn an_hour_stands_out_by_five_times_the_busiest_and_never_below_its_floor() {
        assert_eq!(USUAL.spike(), None);
        assert_eq!(Stretch { requests: 1599, ..USUAL }.spike(), None);
        assert_eq!(Stretch { requests: 1600, ..USUAL }.spike(), Some(Spike::Requests));
        assert_eq!(Stretch { requests: 499, most_requests: 1, ..USUAL }.spike(), None);
        assert_eq!(Stretch { refused: 99, ..USUAL }.spike(), None);
        assert_eq!(Stretch { refused: 100, requests: 5000, ..USUAL }.spike(), Some(Spike::Refused));
        assert_eq!(Stretch { refused: 100, most_refused: 21, ..USUAL }.spike(), None);
    }

    #[test]
    fn a_new_key_may_begin_to_be_used_but_not_to_be_refused() {
        for since in [None, Some(USUAL.hour - 23)] {
            let new = Stretch { requests: 90_000, refused: 0, most_requests: 2, most_refused: 0, since, ..USUAL };
            assert_eq!(new.spike(), None);
            assert_eq!(Stretch { refused: 100, ..new }.spike(), Some(Spike::Refused));
        }
    }

    #[test]
    fn every_moment_before_an_expiry_has_at_most_one_reminder() {
        let all = [Reminder::ExpiresIn14Days, Reminder::ExpiresIn3Days, Reminder::Expired];
        for hours in 0..30 * 24 {
            let expiry = NOW + crate::clock::hours(hours);
            let due = all.iter().filter(|reminder| {
                let (after, up_to) = reminder.moments(NOW);
                expiry > after && expiry <= up_to
            });
            assert_eq!(due.count(), usize::from(hours <= 14 * 24), "{hours}");
        }
    }
}
