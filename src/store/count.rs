//! How many there are of what may be very many: exact as far as a look reaches, and beyond it the number that is known.

use crate::model::text;

/// Keys that a look sees. An account that has fewer is counted whole; of another it is said that it has `1,000+`, and so
/// there is room for those among them that do not count.
pub(super) const LOOK: i64 = 1_200;

/// So many, or so many and more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub found: i64,
    pub more: bool,
}

impl Count {
    pub fn exactly(found: i64) -> Self {
        Self { found, more: false }
    }

    /// What was found among so many that were looked at, and of a look that sees `look`.
    pub(super) fn among(found: i64, looked: i64, look: i64) -> Self {
        if looked < look { Self::exactly(found) } else { Self { found: found.min(look / 6 * 5), more: true } }
    }

    /// More than a look sees.
    pub(super) fn beyond(look: i64) -> Self {
        Self { found: look / 6 * 5, more: true }
    }

    fn and(self, other: Self) -> Self {
        let more = self.more || other.more;
        Self { found: if more { self.found.max(other.found) } else { self.found + other.found }, more }
    }

    /// What one look saw, where all of it counts.
    pub fn seen(found: i64) -> Self {
        Self::among(found, found, LOOK)
    }

    /// At least so many.
    #[must_use]
    pub fn or_at_least(self, seen: i64) -> Self {
        Self { found: self.found.max(seen), ..self }
    }

    /// `312`, `1,000+`, `400+`; nothing where it is not known that there is any.
    pub fn number(self) -> String {
        let number = text::thousands(self.found.unsigned_abs());
        match self {
            Self { found: 0, more: true } => String::new(),
            Self { more: true, .. } => format!("{number}+"),
            Self { more: false, .. } => number,
        }
    }

    /// `1 key`, `312 keys`, `1,000+ keys`
    pub fn of(self, one: &str, many: &str) -> String {
        if self.more { format!("{} {many}", self.number()) } else { text::count(self.found.unsigned_abs(), one, many) }
    }
}

/// How many keys there are per status.
#[derive(Clone, Debug, Default)]
pub struct StatusCounts(pub(super) Vec<(String, Count)>);

impl StatusCounts {
    pub fn of(&self, status: &str) -> Count {
        let counted = self.0.iter().filter(|(counted, _)| counted == status);
        counted.fold(Count::default(), |sum, (_, count)| sum.and(*count))
    }
}
