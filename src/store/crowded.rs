//! Which accounts have more keys than a look sees, of which statuses, and what narrows a list without leaving few. Where keys crowd
//! stays true for a while: it is believed for a minute, and to count them again would be most of what a page of keys costs.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::time::Duration;

use quick_cache::sync::Cache;

use crate::clock::Timestamp;

const BELIEVED: Duration = Duration::from_secs(60);
/// Accounts that are remembered, and leads.
const REMEMBERED: usize = 1000;

/// Of which looks the statuses are crowded, one bit each.
pub type Looks = i64;

#[derive(Debug)]
pub struct Crowded {
    accounts: Cache<String, (Timestamp, Looks)>,
    leads: Cache<LeadName, Timestamp>,
    names: RandomState,
}

/// A lead, told by what it is and whose: a hash, since what people ask for may be long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LeadName(u64);

impl Default for Crowded {
    fn default() -> Self {
        Self { accounts: Cache::new(REMEMBERED), leads: Cache::new(REMEMBERED), names: RandomState::new() }
    }
}

impl Crowded {
    /// What is known of the account, if it is known to have more keys than a look sees.
    pub fn of(&self, account_id: &str, now: Timestamp) -> Option<Looks> {
        let (since, looks) = self.accounts.get(account_id)?;
        is_believed(since, now).then_some(looks)
    }

    /// The account was looked at.
    pub fn note(&self, account_id: &str, looks: Looks, now: Timestamp) {
        self.accounts.insert(account_id.to_owned(), (now, looks));
    }

    pub fn name(&self, lead: impl Hash) -> LeadName {
        LeadName(self.names.hash_one(lead))
    }

    /// Whether a lead is known to find many.
    pub fn has_many(&self, lead: LeadName, now: Timestamp) -> bool {
        self.leads.get(&lead).is_some_and(|since| is_believed(since, now))
    }

    /// The lead found many.
    pub fn note_many(&self, lead: LeadName, now: Timestamp) {
        self.leads.insert(lead, now);
    }
}

/// Nothing that a clock noted which was set back since.
fn is_believed(since: Timestamp, now: Timestamp) -> bool {
    since <= now && now < since + BELIEVED
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

    #[test]
    fn a_lead_that_found_many_is_not_followed_for_a_minute_and_no_other_than_it() {
        let crowded = Crowded::default();
        let [lead, of_another, another] =
            [("acc_1", "a"), ("acc_2", "a"), ("acc_1", "b")].map(|lead| crowded.name(lead));
        crowded.note_many(lead, NOW);
        assert!(crowded.has_many(lead, NOW + Duration::from_secs(59)));
        assert!(!crowded.has_many(lead, NOW + BELIEVED));
        assert!(!crowded.has_many(of_another, NOW) && !crowded.has_many(another, NOW));
    }
}
