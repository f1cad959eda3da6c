//! The keys that were asked for lately, in front of all that are remembered. Of a hundred thousand keys some thousands have most of
//! the requests, and these lie close together here, where one look finds each: among all of them it takes three, and each is a wait
//! for memory. Nothing here is believed for being here: what has changed is refused by whoever asks, as anywhere in memory.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::known::Known;

/// Keys that a row holds: so many fill what a processor fetches at once.
const PLACES: usize = 3;
/// What is fetched of so many rows, a megabyte, stays near a processor.
const MOST_ROWS: usize = 16_384;
/// One row for so many keys that are remembered.
const KEYS_PER_ROW: usize = 8;
/// Of so many keys that find no place, one takes the last.
const TRIES: u8 = 4;
/// Of so many that are found in a row, one is told to all that are remembered.
const TELLS: u8 = 64;

pub(super) struct Lately {
    /// A power of two of them.
    rows: Box<[Row]>,
}

#[derive(Default)]
#[repr(align(64))]
struct Row(Mutex<Held>);

#[derive(Default)]
struct Held {
    /// Filled from the first on. Who is asked for again moves forward.
    entries: [Option<Entry>; PLACES],
    /// Since one that found no place took the last.
    turned_away: u8,
    /// Since one was told.
    found: u8,
}

struct Entry {
    /// Of the hash of its secret.
    beginning: u64,
    known: Known,
}

/// A key that was asked for lately.
pub(super) struct Found {
    pub known: Known,
    /// Whether it is to be told now to all that are remembered, so that they do not take it for one that nobody asks for.
    pub is_told: bool,
}

impl Lately {
    /// In front of so many keys.
    pub(super) fn of(keys: usize) -> Self {
        let rows = (keys / KEYS_PER_ROW).clamp(1, MOST_ROWS).next_power_of_two();
        Self { rows: std::iter::repeat_with(Row::default).take(rows).collect() }
    }

    /// The key of a hash that begins so.
    pub(super) fn get(&self, beginning: u64) -> Option<Found> {
        let mut row = self.row(beginning);
        let at = row.place_of(beginning)?;
        let known = row.entries[at].as_ref().map(|entry| {
            entry.known.fetch();
            entry.known.clone()
        })?;
        if at > 0 {
            row.entries.swap(at, at - 1);
        }
        row.found = (row.found + 1) % TELLS;
        Some(Found { known, is_told: row.found == 0 })
    }

    /// Takes its own place or a free one, and where there is none, one in a few takes the last: who is asked for once gets no further
    /// than that.
    pub(super) fn put(&self, beginning: u64, known: &Known) {
        let mut row = self.row(beginning);
        let at = row.place_of(beginning).or_else(|| row.entries.iter().position(Option::is_none));
        if at.is_none() {
            row.turned_away = (row.turned_away + 1) % TRIES;
            if row.turned_away > 0 {
                return;
            }
        }
        let displaced = row.entries[at.unwrap_or(PLACES - 1)].replace(Entry { beginning, known: known.clone() });
        // To let go of a key is to wait for memory, and nobody else has to.
        drop(row);
        drop(displaced);
    }

    /// By bits that neither the parts nor the places of the table of all keys go by.
    fn row(&self, beginning: u64) -> MutexGuard<'_, Held> {
        let number = usize::try_from(beginning >> 42).unwrap_or(0) & (self.rows.len() - 1);
        self.rows[number].0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn place_of(&self, beginning: u64) -> Option<usize> {
        self.entries.iter().position(|entry| entry.as_ref().is_some_and(|entry| entry.beginning == beginning))
    }
}

#[cfg(test)]
mod tests {
    use super::super::known::tests::known;
    use super::*;
    use crate::model::key_facts::KeyFacts;
    use crate::model::key_facts::tests::facts;

    fn named(id: &str) -> Known {
        known(KeyFacts { id: id.into(), ..facts() })
    }

    fn id_of(lately: &Lately, beginning: u64) -> Option<String> {
        lately.get(beginning).map(|found| found.known.id().to_owned())
    }

    /// One row with the first three.
    fn full() -> Lately {
        let lately = Lately::of(1);
        for (beginning, id) in [(1, "key_1"), (2, "key_2"), (3, "key_3")] {
            lately.put(beginning, &named(id));
        }
        lately
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_row_is_what_a_processor_fetches_at_once() {
        assert_eq!((size_of::<Row>(), align_of::<Row>()), (64, 64));
        assert_eq!([1, 100, 100_000, 10_000_000].map(|keys| Lately::of(keys).rows.len()), [1, 16, 16_384, 16_384]);
    }

    #[test]
    fn who_is_asked_for_once_gets_no_further_than_the_last_place() {
        let lately = full();
        let found = |lately: &Lately| [1, 2, 3, 4].map(|beginning| id_of(lately, beginning).is_some());
        assert_eq!(id_of(&lately, 3).as_deref(), Some("key_3"));
        for _ in 1..TRIES {
            lately.put(4, &named("key_4"));
            assert_eq!(found(&lately), [true, true, true, false]);
        }
        lately.put(4, &named("key_4"));
        assert_eq!(found(&lately), [true, false, true, true], "the third had moved before the second");
        assert_eq!(id_of(&lately, 5), None);
    }

    #[test]
    fn a_key_that_changed_takes_its_own_place() {
        let lately = full();
        lately.put(2, &named("key_5"));
        let found = [1, 2, 3].map(|beginning| id_of(&lately, beginning));
        assert_eq!(found, ["key_1", "key_5", "key_3"].map(|id| Some(id.to_owned())));
    }

    #[test]
    fn one_of_many_that_are_found_is_told() {
        let lately = full();
        let told = |asks: u8| (0..asks).filter(|_| lately.get(1).is_some_and(|found| found.is_told)).count();
        assert_eq!([told(TELLS - 1), told(1), told(TELLS)], [0, 1, 1]);
    }
}
