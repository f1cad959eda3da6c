//! Scopes: what a key may do. A set of definition scopes, or `*` for all of them.

use std::fmt;
use std::str::FromStr;

use crate::product::{Product, reserved};

pub const WILDCARD: &str = "*";

/// What a key was granted, in the definition's order. Stored as one line, a space between two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scopes(Vec<String>);

impl Scopes {
    /// The given scopes in the definition's order, each once.
    pub fn ordered(granted: &[String], product: &Product) -> Self {
        if granted.iter().any(|scope| scope == WILDCARD) {
            return Self(vec![WILDCARD.into()]);
        }
        let known = product.scopes.iter().map(|scope| &scope.id);
        Self(known.filter(|id| granted.contains(id)).cloned().collect())
    }

    /// These and everything that the definition says they imply, each once; `*` implies itself only.
    pub fn with_implied(&self, product: &Product) -> Self {
        let mut all = self.0.clone();
        let mut next = 0;
        while let Some(id) = all.get(next) {
            let implied = product.scope(id).map_or(&[][..], |scope| &scope.implies);
            let new: Vec<String> = implied.iter().filter(|implied| !all.contains(implied)).cloned().collect();
            all.extend(new);
            next += 1;
        }
        if all.len() == self.0.len() {
            return self.clone();
        }
        // What the definition has no more comes last.
        let gone = self.0.iter().filter(|id| product.scope(id).is_none() && *id != WILDCARD).cloned();
        Self(Self::ordered(&all, product).0.into_iter().chain(gone).collect())
    }

    /// As [`Self::with_implied`], for a key bound to one resource: what none such may hold does not come along.
    pub fn with_implied_within_binding(&self, product: &Product) -> Self {
        let may = |id: &String| self.0.contains(id) || product.scope(id).is_some_and(|scope| scope.restricted);
        Self(self.with_implied(product).0.into_iter().filter(may).collect())
    }

    pub fn is_full_access(&self) -> bool {
        self.0.iter().any(|scope| scope == WILDCARD)
    }

    pub fn grants(&self, scope: &str) -> bool {
        self.0.iter().any(|granted| granted == scope || granted == WILDCARD)
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name of the preset that these scopes are, if they are exactly one.
    pub fn preset_label(&self, product: &Product) -> Option<&'static str> {
        if self.is_full_access() {
            return Some("Full access");
        }
        if !product.keys.full_access && self.0.len() == product.scopes.len() {
            return Some("All scopes");
        }
        let reads = product.preset_scopes("read").unwrap_or_default();
        (!reads.is_empty() && self.0 == reads).then_some("Read only")
    }
}

/// What a restricted key may do beyond its scopes: see the one inbox it is bound to.
pub fn comes_with_binding(scope: &str, product: &Product) -> bool {
    scope == product.sees_resources()
}

/// What no restricted key may ever do, whatever it holds.
pub fn never_restricted(scope: &str, product: &Product) -> bool {
    matches!(scope, reserved::KEYS_READ | reserved::KEYS_WRITE) || scope == product.changes_resources()
}

/// Whether a restricted key can be given this scope.
pub fn may_be_restricted(scope: &str, product: &Product) -> bool {
    !never_restricted(scope, product) && product.scope(scope).is_some_and(|scope| scope.restricted)
}

impl<'a> FromIterator<&'a str> for Scopes {
    fn from_iter<T: IntoIterator<Item = &'a str>>(scopes: T) -> Self {
        Self(scopes.into_iter().map(str::to_owned).collect())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl FromStr for Scopes {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.split_whitespace().map(str::to_owned).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::DEFAULT;

    #[test]
    fn scopes_read_back_in_the_definitions_order() {
        let product = Product::parse(DEFAULT).expect("the built-in definition");
        let given = ["domains:read".to_owned(), "mail:read".to_owned(), "mail:read".to_owned()];
        let scopes = Scopes::ordered(&given, &product);
        assert_eq!(scopes.to_string(), "mail:read domains:read");
        assert_eq!(scopes.to_string().parse::<Scopes>(), Ok(scopes));
    }

    #[test]
    fn the_wildcard_grants_everything_and_a_scope_only_itself() {
        let full: Scopes = "*".parse().expect("scopes");
        assert!(full.grants("domains:write"));
        let send: Scopes = "mail:send".parse().expect("scopes");
        assert!(send.grants("mail:send") && !send.grants("mail:read") && !send.grants("mail:sen"));
    }

    #[test]
    fn scopes_that_are_a_preset_have_its_name() {
        let mut product = Product::parse(DEFAULT).expect("the built-in definition");
        let label = |scopes: &[String], product: &Product| Scopes::ordered(scopes, product).preset_label(product);
        let reads = product.preset_scopes("read").expect("a preset");
        let all: Vec<String> = product.scopes.iter().map(|scope| scope.id.clone()).collect();
        assert_eq!(label(&["*".into()], &product), Some("Full access"));
        assert_eq!(label(&reads, &product), Some("Read only"));
        assert_eq!((label(&reads[1..], &product), label(&all, &product)), (None, None));
        product.keys.full_access = false;
        assert_eq!((label(&all, &product), label(&all[1..], &product)), (Some("All scopes"), None));
        product.scopes.retain(|scope| !reads.contains(&scope.id));
        assert_eq!(Scopes::default().preset_label(&product), None);
    }

    #[test]
    fn a_binding_gives_its_own_scope_and_keeps_out_what_none_such_may_hold() {
        let definition =
            DEFAULT.replace("id = \"mail:write\"", "implies = [\"keys:read\", \"mail:read\"]\nid = \"mail:write\"");
        let product = Product::parse(&definition).expect("a definition");
        let bound =
            |text: &str| text.parse::<Scopes>().expect("scopes").with_implied_within_binding(&product).to_string();
        assert_eq!(bound("mail:write"), "mail:read mail:write");
        assert!(bound("keys:read mail:write").contains("keys:read"), "what it holds it keeps");
        assert!(comes_with_binding("inboxes:read", &product) && !comes_with_binding("inboxes:write", &product));
        assert!(never_restricted("inboxes:write", &product) && !never_restricted("inboxes:read", &product));
    }

    #[test]
    fn a_scope_brings_what_it_implies() {
        let definition = DEFAULT
            .replace("id = \"mail:write\"", "implies = [\"mail:read\"]\nid = \"mail:write\"")
            .replace("id = \"mail:read\"", "implies = [\"domains:read\"]\nid = \"mail:read\"");
        let product = Product::parse(&definition).expect("a definition");
        let scopes = |text: &str| text.parse::<Scopes>().expect("scopes").with_implied(&product).to_string();
        assert_eq!(scopes("mail:write"), "mail:read mail:write domains:read");
        assert_eq!(scopes("mail:send"), "mail:send");
        assert_eq!(scopes("*"), "*");
        assert_eq!(scopes("gone:read mail:write"), "mail:read mail:write domains:read gone:read");
    }
}
