//! Where in a definition something stands: a path such as `scopes[3].id`. What finds a contradiction knows the path;
//! the tree that was read knows which bytes of the file it is.

use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(String);

impl Place {
    /// The definition as a whole.
    pub fn root() -> Self {
        Self(String::new())
    }

    pub fn field(&self, name: &str) -> Self {
        if self.is_root() { Self(name.into()) } else { Self(format!("{self}.{name}")) }
    }

    pub fn item(&self, index: usize) -> Self {
        Self(format!("{self}[{index}]"))
    }

    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of the two is, or stands in, the other.
    pub fn touches(&self, other: &Self) -> bool {
        self.is_within(other) || other.is_within(self)
    }

    fn is_within(&self, whole: &Self) -> bool {
        whole.is_root()
            || self.0.strip_prefix(&whole.0).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    }

    /// The bytes of the source that it is; of the nearest thing around it that is there, if it is not.
    pub fn span(&self, root: &Spanned<DeTable<'_>>) -> Range<usize> {
        let mut span = 0..0;
        let mut table = Some(root.get_ref());
        let mut list: Option<&[Spanned<DeValue<'_>>]> = None;
        for step in self.0.split(['.', '[']).filter(|step| !step.is_empty()) {
            let found = match step.strip_suffix(']') {
                Some(index) => list.zip(index.parse().ok()).and_then(|(list, index): (_, usize)| list.get(index)),
                None => table.and_then(|table| table.get(step)),
            };
            let Some(value) = found else { return span };
            span = value.span();
            table = value.get_ref().as_table();
            list = value.get_ref().as_array().map(|array| &**array);
        }
        span
    }
}

impl From<&str> for Place {
    fn from(path: &str) -> Self {
        Self(path.into())
    }
}

impl From<String> for Place {
    fn from(path: String) -> Self {
        Self(path)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_in_the_source_or_the_nearest_thing_around_it_is() {
        let source =
            "[keys]\nprefix = \"kd\"\n[[scopes]]\nid = \"a:b\"\n[[scopes]]\nid = \"c:d\"\nimplies = [\"a:b\"]\n";
        let tree = DeTable::parse(source).expect("TOML");
        let text = |path: &str| &source[Place::from(path).span(&tree)];
        assert_eq!(text("keys.prefix"), "\"kd\"");
        assert_eq!(text("keys.limit"), "[keys]");
        assert_eq!(text("scopes[1].implies[0]"), "\"a:b\"");
        assert_eq!(text("scopes[1].kind"), "[[scopes]]");
        assert_eq!(Place::from("scopes[1].kind").span(&tree).start, 43);
        assert_eq!(text("scopes[7]"), "[[scopes]]");
        assert_eq!(text("words.resource"), "");
    }

    #[test]
    fn places_touch_if_one_is_in_the_other() {
        let touch = |one: &str, other: &str| Place::from(one).touches(&Place::from(other));
        assert!(touch("scopes", "scopes[1].id") && touch("scopes[1].id", "scopes") && touch("a", ""));
        assert!(!touch("scopes[1]", "scopes[10]") && !touch("keys.types", "keys.typesetting"));
    }
}
