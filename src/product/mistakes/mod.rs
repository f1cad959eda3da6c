//! What is wrong with a definition whose fields could all be read: every contradiction, with its place. One that rests
//! on a field that could not be read is not said; the field is.

mod keys;
mod policies;
mod scopes;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::DeTable;

use super::Product;
use super::place::Place;
use super::report::Finding;

/// A contradiction, or what is odd enough for a warning.
#[derive(Clone, Debug)]
pub struct Mistake {
    place: Place,
    says: String,
    allowed: String,
    beside: Option<(Place, &'static str)>,
    /// What else it is concluded from.
    given: Vec<Place>,
}

/// What was found so far.
#[derive(Default)]
pub struct Found(Vec<Mistake>);

impl Found {
    pub fn add(
        &mut self,
        place: impl Into<Place>,
        says: impl Into<String>,
        allowed: impl Into<String>,
    ) -> &mut Mistake {
        let (place, says, allowed) = (place.into(), says.into(), allowed.into());
        self.0.push(Mistake { place, says, allowed, beside: None, given: Vec::new() });
        self.0.last_mut().expect("the one just added")
    }

    /// Refuses what stands in a list twice. `field` follows the index in the place: `.id`, or nothing.
    fn refuse_twins(&mut self, list: &str, field: &str, ids: impl IntoIterator<Item = impl AsRef<str>>) {
        let mut first = BTreeMap::new();
        for (index, id) in ids.into_iter().enumerate() {
            let id = id.as_ref();
            match first.get(id) {
                Some(before) => {
                    let place = format!("{list}[{index}]{field}");
                    self.add(place, format!("{list} has {id:?} twice"), "Name each once.")
                        .beside(format!("{list}[{before}]{field}"), "it is here first");
                }
                None => drop(first.insert(id.to_owned(), index)),
            }
        }
    }

    pub fn into_vec(self) -> Vec<Mistake> {
        self.0
    }
}

impl Mistake {
    /// Shows what it contradicts.
    pub fn beside(&mut self, place: impl Into<Place>, label: &'static str) -> &mut Self {
        self.beside = Some((place.into(), label));
        self
    }

    /// Says that it is concluded from these places too.
    pub fn given<const N: usize>(&mut self, places: [&str; N]) -> &mut Self {
        self.given.extend(places.map(Place::from));
        self
    }

    /// Says that it is concluded from this field of every item of a list.
    fn given_each(&mut self, list: &str, items: usize, field: &str) -> &mut Self {
        if items == 0 {
            return self.given([list]);
        }
        self.given.extend((0..items).map(|index| Place::from(format!("{list}[{index}].{field}"))));
        self
    }

    /// Whether it may be wrong, because one of `holes` may hold what it misses.
    pub fn rests_on(&self, holes: &[Place]) -> bool {
        let beside = self.beside.iter().map(|(place, _)| place);
        let mut places = std::iter::once(&self.place).chain(beside).chain(&self.given);
        places.any(|place| holes.iter().any(|hole| hole.touches(place)))
    }

    pub fn found_in(self, root: &Spanned<DeTable<'_>>) -> Finding {
        let Self { place, says, allowed, beside, .. } = self;
        let beside = beside.map(|(place, label)| (place.span(root), label));
        Finding { says, allowed, span: place.span(root), beside }
    }
}

impl Product {
    pub(super) fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Found::default();
        words::check(self, &mut found);
        keys::check(self, &mut found);
        scopes::check(self, &mut found);
        policies::check(self, &mut found);
        found.into_vec()
    }
}

/// Lowercase letters and digits: what a secret's prefix is made of.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// What a path, a form, a header and a stored line can all hold.
fn is_segment(part: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
    !part.is_empty() && part.bytes().all(plain)
}

const PLAIN: &str = "Use lowercase letters and digits.";
const SEGMENT: &str = "Use lowercase letters, digits, _ and -.";
