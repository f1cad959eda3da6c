//! Reads a tree of TOML into the definition's structs and goes on after every mistake: what cannot be read is noted
//! with its bytes and left blank, and the blank is remembered as a hole, so that nothing is concluded from it.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::place::Place;
use super::report::Finding;

/// A value as it stands in the tree.
pub type Value<'t> = Spanned<DeValue<'t>>;

/// What was noted so far.
#[derive(Default)]
pub struct Reader {
    pub findings: Vec<Finding>,
    /// Places whose true value nobody knows.
    pub holes: Vec<Place>,
    /// Where the text has errors of syntax, and in which tables.
    pub torn: Vec<(Range<usize>, Place)>,
}

/// What a definition is made of: structs of fields, and what stands in those.
pub trait Read: Default {
    /// Whether it is a struct of fields.
    const IS_TABLE: bool = false;

    /// What is allowed at `place`, as in "Write …".
    fn wanted(place: &Place) -> String;

    /// Nothing if it cannot be read; then the reader was told why.
    fn read(value: &Value<'_>, place: &Place, reader: &mut Reader) -> Option<Self>;
}

/// The fields of one table, taken one by one.
pub struct Fields<'t, 'r> {
    table: &'t DeTable<'t>,
    span: Range<usize>,
    place: Place,
    asked: Vec<&'static str>,
    reader: &'r mut Reader,
}

impl Reader {
    /// Notes a mistake that leaves `place` unknown.
    fn hole(&mut self, place: &Place, span: Range<usize>, says: String, allowed: String) {
        self.holes.push(place.clone());
        // What an error of syntax left of a value is no mistake of its own.
        if !self.torn.iter().any(|(torn, _)| torn.start <= span.end && span.start <= torn.end) {
            self.note(span, says, allowed);
        }
    }

    /// Whether what seems to be missing in `table` may be in what an error of syntax hides.
    fn may_hide_in(&self, table: &Place) -> bool {
        self.torn.iter().any(|(_, place)| table.is_root() || place == table)
    }

    pub fn note(&mut self, span: Range<usize>, says: String, allowed: String) {
        self.findings.push(Finding { says, allowed, span, beside: None });
    }

    /// Notes that something else was found than `wanted`.
    pub fn other(&mut self, value: &Value<'_>, place: &Place, wanted: &str) {
        let says = format!("{place} is {}", kind_of(value.get_ref()));
        self.hole(place, value.span(), says, format!("Write {wanted}."));
    }

    /// Notes that a word is none of `known`.
    pub fn unknown_word(&mut self, value: &Value<'_>, place: &Place, known: &[&str]) {
        let found = value.get_ref().as_str().unwrap_or_default();
        self.hole(place, value.span(), format!("{place} is {found:?}"), one_of(found, known));
    }

    /// The fields of a table; whatever is there and was not asked for is a mistake.
    pub fn fields<T>(
        &mut self,
        value: &Value<'_>,
        place: &Place,
        take: impl FnOnce(&mut Fields<'_, '_>) -> T,
    ) -> Option<T> {
        let Some(table) = value.get_ref().as_table() else {
            self.other(value, place, &table_at(place));
            return None;
        };
        Some(self.table(table, value.span(), place, take))
    }

    pub fn table<T>(
        &mut self,
        table: &DeTable<'_>,
        span: Range<usize>,
        place: &Place,
        take: impl FnOnce(&mut Fields<'_, '_>) -> T,
    ) -> T {
        let mut fields = Fields { table, span, place: place.clone(), asked: Vec::new(), reader: self };
        let taken = take(&mut fields);
        fields.refuse_others();
        taken
    }
}

impl Fields<'_, '_> {
    /// A field that must be there.
    pub fn required<T: Read>(&mut self, name: &'static str) -> T {
        self.optional(name).unwrap_or_else(|| {
            let place = self.place.field(name);
            let is_there = self.table.contains_key(name);
            if !is_there {
                self.reader.holes.push(place.clone());
            }
            if !is_there && !self.reader.may_hide_in(&self.place) {
                let says = format!("{place} is missing");
                self.reader.note(self.span.clone(), says, format!("Write {}.", T::wanted(&place)));
            }
            T::default()
        })
    }

    /// A field that stands for something when it is left out.
    pub fn or<T: Read>(&mut self, name: &'static str, otherwise: T) -> T {
        self.optional(name).unwrap_or(otherwise)
    }

    pub fn or_default<T: Read>(&mut self, name: &'static str) -> T {
        self.optional(name).unwrap_or_default()
    }

    pub fn optional<T: Read>(&mut self, name: &'static str) -> Option<T> {
        self.asked.push(name);
        let value = self.table.get(name)?;
        T::read(value, &self.place.field(name), self.reader)
    }

    fn refuse_others(self) {
        let Self { table, place, asked, reader, .. } = self;
        for key in table.keys().filter(|key| !asked.contains(&&**key.get_ref())) {
            let (whole, name) =
                (if place.is_root() { "a definition".into() } else { place.to_string() }, key.get_ref());
            reader.note(key.span(), format!("{whole} has no field {name:?}"), one_of(name, &asked));
        }
    }
}

/// More names than these are not listed to somebody who missed one by a letter.
const MANY: usize = 10;

/// "Known are a, b and c. Did you mean b?"
pub fn one_of(found: &str, known: &[&str]) -> String {
    let list = match known {
        [only] => format!("Known is {only}."),
        [most @ .., last] => format!("Known are {} and {last}.", most.join(", ")),
        [] => "There are none.".into(),
    };
    match nearest(found, known) {
        Some(near) if known.len() > MANY => format!("Did you mean {near}?"),
        Some(near) => format!("{list} Did you mean {near}?"),
        None => list,
    }
}

/// The known name that somebody who typed `found` may have meant.
fn nearest<'a>(found: &str, known: &[&'a str]) -> Option<&'a str> {
    let found: String = found.chars().take(64).collect::<String>().to_lowercase();
    let far = |name: &&str| strsim::damerau_levenshtein(&found, name);
    known.iter().copied().min_by_key(far).filter(|name| far(name) <= (name.len() / 3).max(1))
}

fn kind_of(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the text {:?}", shortened(text)),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {}", number.as_str()),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(_) => "a date".into(),
        DeValue::Array(_) => "a list".into(),
        DeValue::Table(_) => "a table".into(),
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= 40 { text.into() } else { text.chars().take(39).chain(['…']).collect() }
}

/// Text that may have several lines.
#[derive(Default)]
pub struct Lines(pub String);

impl Read for Lines {
    fn wanted(_: &Place) -> String {
        "a text in quotes".into()
    }

    fn read(value: &Value<'_>, place: &Place, reader: &mut Reader) -> Option<Self> {
        let Some(text) = value.get_ref().as_str() else {
            reader.other(value, place, &Self::wanted(place));
            return None;
        };
        if let Some(control) = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            reader.hole(
                place,
                value.span(),
                format!("{place} holds the control character {control:?}"),
                "Write letters, digits and signs; nothing that cannot be seen.".into(),
            );
            return None;
        }
        Some(Self(text.into()))
    }
}

impl Read for String {
    fn wanted(place: &Place) -> String {
        Lines::wanted(place)
    }

    fn read(value: &Value<'_>, place: &Place, reader: &mut Reader) -> Option<Self> {
        let Lines(text) = Lines::read(value, place, reader)?;
        if let Some(control) = text.chars().find(|c| c.is_control()) {
            let says = format!("{place} holds the control character {control:?}");
            reader.hole(place, value.span(), says, "Write it on one line, without tabs.".into());
            return None;
        }
        Some(text)
    }
}

impl Read for bool {
    fn wanted(_: &Place) -> String {
        "true or false".into()
    }

    fn read(value: &Value<'_>, place: &Place, reader: &mut Reader) -> Option<Self> {
        let truth = value.get_ref().as_bool();
        if truth.is_none() {
            reader.other(value, place, &Self::wanted(place));
        }
        truth
    }
}

macro_rules! whole_numbers {
    ($($type:ty: $wanted:literal),*) => { $(
        impl Read for $type {
            fn wanted(_: &Place) -> String {
                $wanted.into()
            }

            fn read(value: &Value<'_>, place: &Place, reader: &mut Reader) -> Option<Self> {
                let number = value.get_ref().as_integer();
                let number = number.and_then(|number| Self::from_str_radix(number.as_str(), number.radix()).ok());
                if number.is_none() {
                    reader.other(value, place, &Self::wanted(place));
                }
                number
            }
        }
    )* };
}
whole_numbers!(i64: "a whole number", u32: "a whole number, 0 or more", u64: "a whole number, 0 or more");

impl<T: Read> Read for Option<T> {
    const IS_TABLE: bool = T::IS_TABLE;

    fn wanted(place: &Place) -> String {
        T::wanted(place)
    }

    fn read(value: &Value<'_>, place: &Place, reader: &mut Reader) -> Option<Self> {
        T::read(value, place, reader).map(Some)
    }
}

impl<T: Read> Read for Vec<T> {
    fn wanted(place: &Place) -> String {
        if T::IS_TABLE { format!("[[{place}]], once for each") } else { "a list in [ and ]".into() }
    }

    /// Whatever cannot be read leaves a blank, so that the others keep their numbers.
    fn read(value: &Value<'_>, place: &Place, reader: &mut Reader) -> Option<Self> {
        let Some(items) = value.get_ref().as_array() else {
            reader.other(value, place, &Self::wanted(place));
            return None;
        };
        let read = |(index, item)| T::read(item, &place.item(index), reader).unwrap_or_default();
        Some(items.iter().enumerate().map(read).collect())
    }
}

/// What a struct of fields wants.
pub fn table_at(place: &Place) -> String {
    format!("a table: [{place}]")
}
