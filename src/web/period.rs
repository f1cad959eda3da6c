//! The spans of time that usage is shown for, chosen by `?period=`: a day by its hours, longer ones by UTC days.

use super::form::Fields;
use crate::clock::{Timestamp, days};
use crate::model::usage::{Series, UsageHour};
use crate::store::usage_list::Interval;

/// One of [`PERIODS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub id: &'static str,
    pub label: &'static str,
    days: u64,
}

pub const PERIODS: [Period; 4] = [
    Period { id: "24h", label: "24 hours", days: 1 },
    Period { id: "7d", label: "7 days", days: 7 },
    Period { id: "30d", label: "30 days", days: 30 },
    Period { id: "90d", label: "90 days", days: 90 },
];

impl Period {
    /// The one that a query asks for; thirty days if it asks for none.
    pub fn asked(query: &Fields) -> Self {
        PERIODS.into_iter().find(|period| period.id == query.get("period")).unwrap_or(PERIODS[2])
    }

    pub fn is_hourly(self) -> bool {
        self.days == 1
    }

    /// The moment that long ago.
    pub fn start(self, now: Timestamp) -> Timestamp {
        now - days(self.days)
    }

    /// What its buckets count, and the first of them.
    pub fn since(self, now: Timestamp) -> (Interval, i64) {
        if self.is_hourly() {
            (Interval::Hour, now.hour() - 23)
        } else {
            (Interval::Day, now.hour().div_euclid(24) + 1 - self.count())
        }
    }

    pub fn series(self, counted: &[UsageHour], now: Timestamp) -> Series {
        if self.is_hourly() { Series::hours(counted, 24, now) } else { Series::days(counted, self.count(), now) }
    }

    fn count(self) -> i64 {
        i64::try_from(self.days).unwrap_or(0)
    }
}
