//! The keys that were asked for lately, in front of all that are remembered. Of a hundred thousand keys some thousands have most of
//! the requests, and these lie close together here, where one look finds each: among all of them it takes three, and each is a wait
//! for memory. A key that all of them displaced stays here for as long as it is asked for.

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

pub(super) struct Lately {
    /// A power of two of them.
    rows: Box<[Row]>,
}

#[derive(Default)]
#[repr(align(64))]
struct Row(Mutex<Places>);

#[derive(Default)]
struct Places {
    /// The first is the one that was asked for most.
    places: [Option<Place>; PLACES],
    /// Keys that found none since the last that took one.
    turned_away: u8,
}

struct Place {
    /// Of the hash of its secret.
    beginning: u64,
    known: Known,
}

impl Lately {
    /// In front of so many keys.
    pub(super) fn of(keys: usize) -> Self {
        let rows = (keys / KEYS_PER_ROW).clamp(1, MOST_ROWS).next_power_of_two();
        Self { rows: std::iter::repeat_with(Row::default).take(rows).collect() }
    }

    /// The key of a hash that begins so. Whoever is asked for again moves forward.
    pub(super) fn get(&self, beginning: u64) -> Option<Known> {
        let mut row = self.row(beginning);
        let at =
            row.places.iter().position(|place| place.as_ref().is_some_and(|place| place.beginning == beginning))?;
        let known = row.places[at].as_ref().map(|place| {
            place.known.fetch();
            place.known.clone()
        });
        if at > 0 {
            row.places.swap(at, at - 1);
        }
        known
    }

    /// Takes its own place or a free one, and where there is none, one key in a few takes the last: who is asked for once displaces
    /// nobody who is asked for often. To displace is to wait for memory, since the key that goes is shared by one less.
    pub(super) fn put(&self, beginning: u64, known: &Known) {
        let mut row = self.row(beginning);
        let its_own = |place: &Option<Place>| place.as_ref().is_none_or(|place| place.beginning == beginning);
        let at = row.places.iter().position(its_own);
        if at.is_none() {
            row.turned_away = (row.turned_away + 1) % TRIES;
            if row.turned_away > 0 {
                return;
            }
        }
        row.places[at.unwrap_or(PLACES - 1)] = Some(Place { beginning, known: known.clone() });
    }

    /// Forgets this very key.
    pub(super) fn forget(&self, beginning: u64, stale: &Known) {
        for place in &mut self.row(beginning).places {
            place.take_if(|place| place.known.is(stale));
        }
    }

    /// By other bits than those that the table of all keys goes by.
    fn row(&self, beginning: u64) -> MutexGuard<'_, Places> {
        let number = usize::try_from(beginning >> 32 & 0xffff).unwrap_or(0) & (self.rows.len() - 1);
        self.rows[number].0.lock().unwrap_or_else(PoisonError::into_inner)
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
        lately.get(beginning).map(|known| known.id().to_owned())
    }

    #[test]
    fn a_row_is_what_a_processor_fetches_at_once() {
        assert_eq!((size_of::<Row>(), align_of::<Row>()), (64, 64));
        assert_eq!([1, 100, 100_000, 10_000_000].map(|keys| Lately::of(keys).rows.len()), [1, 16, 16_384, 16_384]);
    }

    #[test]
    fn a_key_is_found_until_others_of_its_row_are_asked_for() {
        let lately = Lately::of(1);
        for (beginning, id) in [(1, "key_1"), (2, "key_2"), (3, "key_3")] {
            lately.put(beginning, &named(id));
        }
        assert_eq!(id_of(&lately, 3).as_deref(), Some("key_3"), "and moves before the second");
        let found = |lately: &Lately| [1, 2, 3, 4].map(|beginning| id_of(lately, beginning).is_some());
        for _ in 1..TRIES {
            lately.put(4, &named("key_4"));
            assert_eq!(found(&lately), [true, true, true, false], "who is asked for once displaces nobody");
        }
        lately.put(4, &named("key_4"));
        assert_eq!(found(&lately), [true, false, true, true]);
        assert_eq!(id_of(&lately, 5), None);
        lately.put(4, &named("key_5"));
        let found = [1, 3, 4].map(|beginning| id_of(&lately, beginning));
        assert_eq!(found, ["key_1", "key_3", "key_5"].map(|id| Some(id.to_owned())), "it has one place");
    }

    #[test]
    fn what_is_stale_is_forgotten_and_not_what_came_after_it() {
        let (lately, stale, newer) = (Lately::of(1), named("key_1"), named("key_1"));
        lately.put(1, &stale);
        lately.forget(1, &stale);
        assert_eq!(id_of(&lately, 1), None);
        lately.put(1, &newer);
        lately.forget(1, &stale);
        assert!(lately.get(1).is_some_and(|known| known.is(&newer)));
    }
}
