//! Which accounts have more keys than a look sees, and of which statuses. That a status is crowded stays true for a while: it is
//! believed for a minute, and to count its keys again would be most of what a page of keys costs.

use std::time::Duration;

use quick_cache::sync::Cache;

use crate::clock::Timestamp;

const BELIEVED: Duration = Duration::from_secs(60);
/// Accounts that are remembered.
const ACCOUNTS: usize = 1000;

/// Of which looks the statuses are crowded, one bit each.
pub type Looks = i64;

#[derive(Debug)]
pub struct Crowded(Cache<String, (Timestamp, Looks)>);

impl Default for Crowded {
    fn default() -> Self {
        Self(Cache::new(ACCOUNTS))
    }
}

impl Crowded {
    /// What is known of the account, if it is known to have more keys than a look sees.
    pub fn of(&self, account_id: &str, now: Timestamp) -> Option<Looks> {
        let (since, looks) = self.0.get(account_id)?;
        (since <= now && now < since + BELIEVED).then_some(looks)
    }

    /// The account was looked at.
    pub fn note(&self, account_id: &str, looks: Looks, now: Timestamp) {
        self.0.insert(account_id.to_owned(), (now, looks));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_795_269_955_000_000);

    #[test]
    fn it_is_believed_for_a_minute_and_by_no_clock_that_was_set_back() {
        let crowded = Crowded::default();
        assert_eq!(crowded.of("acc_1", NOW), None);
        crowded.note("acc_1", 6, NOW);
        assert_eq!(crowded.of("acc_1", NOW), Some(6));
        assert_eq!(crowded.of("acc_1", NOW + Duration::from_secs(59)), Some(6));
        assert_eq!(crowded.of("acc_1", NOW + BELIEVED), None);
        assert_eq!(crowded.of("acc_1", NOW - Duration::from_secs(1)), None);
        assert_eq!(crowded.of("acc_2", NOW), None);
    }
}
