//! Usage as people look at it: requests per day or hour, ok and refused.

use crate::clock::Timestamp;

/// One counted hour of one key.
#[derive(Clone, Copy, Debug)]
pub struct UsageHour {
    pub hour: i64,
    pub ok: i64,
    pub refused: i64,
}

/// Requests that were refused for one reason, by the gate's word for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusals {
    pub reason: String,
    pub count: i64,
}

/// Counts in consecutive buckets, the last of which holds now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// The hour that the first bucket starts with.
    pub first_hour: i64,
    pub hours_per_bucket: i64,
    pub buckets: Vec<Bucket>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    pub ok: u64,
    pub refused: u64,
}

impl Series {
    /// The last `days` UTC days, today last.
    pub fn days(hours: &[UsageHour], days: i64, now: Timestamp) -> Self {
        let tomorrow = (now.hour().div_euclid(24) + 1) * 24;
        Self::fill(hours, tomorrow - days * 24, 24, days)
    }

    /// The last `count` hours, this one last.
    pub fn hours(hours: &[UsageHour], count: i64, now: Timestamp) -> Self {
        Self::fill(hours, now.hour() + 1 - count, 1, count)
    }

    fn fill(hours: &[UsageHour], first_hour: i64, hours_per_bucket: i64, count: i64) -> Self {
        let mut buckets = vec![Bucket::default(); usize::try_from(count).unwrap_or(0)];
        for hour in hours.iter().filter(|hour| hour.hour >= first_hour) {
            let index = usize::try_from((hour.hour - first_hour) / hours_per_bucket).unwrap_or(usize::MAX);
            if let Some(bucket) = buckets.get_mut(index) {
                bucket.ok += u64::try_from(hour.ok).unwrap_or(0);
                bucket.refused += u64::try_from(hour.refused).unwrap_or(0);
            }
        }
        Self { first_hour, hours_per_bucket, buckets }
    }

    pub fn total(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.ok + bucket.refused).sum()
    }

    pub fn refused(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.refused).sum()
    }

    /// The fullest bucket and the moment it starts, if anything was counted at all.
    pub fn peak(&self) -> Option<(Timestamp, u64)> {
        let counted = self.buckets.iter().enumerate().map(|(index, bucket)| (index, bucket.ok + bucket.refused));
        let (index, most) = counted.max_by_key(|(index, count)| (*count, std::cmp::Reverse(*index)))?;
        (most > 0).then(|| (self.start_of(index), most))
    }

    /// The moment that bucket `index` starts.
    pub fn start_of(&self, index: usize) -> Timestamp {
        let hours = self.first_hour + i64::try_from(index).unwrap_or(0) * self.hours_per_bucket;
        Timestamp::from_micros(hours * 3_600_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_795_269_900_000_000);

    #[test]
    fn hours_fall_into_their_days() {
        let now = NOW.hour();
        let counted = [
            UsageHour { hour: now, ok: 5, refused: 1 },
            UsageHour { hour: now - 24, ok: 7, refused: 0 },
            UsageHour { hour: now - 24 * 40, ok: 99, refused: 0 },
        ];
        let series = Series::days(&counted, 30, NOW);
        assert_eq!(series.buckets.len(), 30);
        assert_eq!(series.buckets[29], Bucket { ok: 5, refused: 1 });
        assert_eq!(series.buckets[28], Bucket { ok: 7, refused: 0 });
        assert_eq!((series.total(), series.refused()), (13, 1));
        assert_eq!(series.peak().map(|(_, most)| most), Some(7));
        assert_eq!(series.start_of(29).to_string(), "2026-11-21T00:00:00Z");
    }

    #[test]
    fn nothing_counted_has_no_peak() {
        assert_eq!(Series::hours(&[], 24, NOW).peak(), None);
    }
}
