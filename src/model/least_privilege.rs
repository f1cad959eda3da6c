//! What a key may do and does not: which of its scopes nobody used lately, and the narrowest set that would have let
//! everything through that was let through. Pure; what counts as lately is said by whoever asks.

use super::api_key::{ApiKey, KeyType};
use super::key_form::holdable;
use super::scopes::{Scopes, WILDCARD};
use crate::clock::{Timestamp, days};
use crate::product::Product;

/// A scope that no request took for this many days is said to be unused.
pub const LOOK_BACK_DAYS: u64 = 30;

/// A scope, and when a request that passed last took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedScope {
    pub scope: String,
    pub last_used_at: Timestamp,
}

/// From when on a scope that no request took counts as unused: nobody could use it before the key was there, and nobody
/// saw it before uses were written down.
pub fn looked_at_since(key: &ApiKey, counted_since: Timestamp, now: Timestamp) -> Timestamp {
    (now - days(LOOK_BACK_DAYS)).max(key.created_at).max(counted_since)
}

/// The scopes of a key that none of `used` needs, in the definition's order. Of full access, all that were not used.
pub fn unused(key: &ApiKey, used: &[UsedScope], product: &Product) -> Vec<String> {
    if used.iter().any(|used| used.scope == WILDCARD) {
        return Vec::new();
    }
    let exercised = with_implied(&of(used), key.key_type, product);
    let granted: Vec<&str> = if key.scopes.is_full_access() {
        holdable(product, key.key_type).map(|scope| scope.id.as_str()).collect()
    } else {
        key.scopes.iter().collect()
    };
    granted.into_iter().filter(|scope| !exercised.grants(scope)).map(str::to_owned).collect()
}

/// The scopes that a key would need for what it was used for, if they are fewer than it has. None if it was not used: a
/// key with no scopes cannot be.
pub fn narrowed(key: &ApiKey, used: &[UsedScope], product: &Product) -> Option<Scopes> {
    let held = with_implied(&key.scopes, key.key_type, product);
    let needed: Vec<String> = holdable(product, key.key_type)
        .filter(|scope| held.grants(&scope.id) && used.iter().any(|used| used.scope == scope.id))
        .map(|scope| scope.id.clone())
        .collect();
    let narrowed = Scopes::ordered(&needed, product);
    (!narrowed.is_empty() && !unused(key, used, product).is_empty()).then_some(narrowed)
}

/// Whether whoever holds `wide` may do all that whoever holds `scopes` may.
pub fn is_within(scopes: &Scopes, wide: &Scopes, key_type: KeyType, product: &Product) -> bool {
    let wide = with_implied(wide, key_type, product);
    with_implied(scopes, key_type, product).iter().all(|scope| wide.grants(scope))
}

fn with_implied(scopes: &Scopes, key_type: KeyType, product: &Product) -> Scopes {
    match key_type {
        KeyType::Standard => scopes.with_implied(product),
        KeyType::Restricted => scopes.with_implied_within_binding(product),
    }
}

fn of(used: &[UsedScope]) -> Scopes {
    used.iter().map(|used| used.scope.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::api_key::tests::{NOW, key};
    use crate::product::DEFAULT;

    fn product() -> Product {
        let implies = "implies = [\"mail:read\"]\nid = \"mail:write\"";
        Product::parse(&DEFAULT.replace("id = \"mail:write\"", implies)).expect("a definition")
    }

    fn holding(scopes: &str) -> ApiKey {
        ApiKey { scopes: scopes.parse().expect("scopes"), ..key() }
    }

    fn used(scopes: &str) -> Vec<UsedScope> {
        scopes.split_whitespace().map(|scope| UsedScope { scope: scope.into(), last_used_at: NOW }).collect()
    }

    #[test]
    fn what_nobody_used_is_unused_unless_something_that_was_used_implies_it() {
        let product = product();
        let of = |held: &str, taken: &str| unused(&holding(held), &used(taken), &product).join(" ");
        assert_eq!(of("mail:send mail:read domains:read", "mail:send"), "mail:read domains:read");
        assert_eq!(of("mail:read mail:write", "mail:write"), "");
        assert_eq!(of("mail:write", "mail:read"), "mail:write");
        assert_eq!(of("*", "mail:send").split(' ').count(), product.scopes.len() - 1);
        assert_eq!(of("*", "* mail:send"), "", "a request that takes full access needs it");
    }

    #[test]
    fn the_draft_is_what_was_used_and_never_nothing() {
        let product = product();
        let of =
            |held: &str, taken: &str| narrowed(&holding(held), &used(taken), &product).map(|scopes| scopes.to_string());
        assert_eq!(of("mail:send mail:read", "mail:read").as_deref(), Some("mail:read"));
        assert_eq!(of("mail:write", "mail:read").as_deref(), Some("mail:read"), "within what it implied");
        assert_eq!(of("*", "mail:send domains:read").as_deref(), Some("mail:send domains:read"));
        assert_eq!(of("mail:send", "mail:send"), None, "nothing to take away");
        assert_eq!(of("mail:send mail:read", ""), None, "nothing would be left");
        assert_eq!(of("mail:send mail:read", "gone:read"), None, "the definition has it no more");
    }

    #[test]
    fn full_access_holds_everything_and_is_held_by_nothing_else() {
        let product = product();
        let all = product.scopes.iter().map(|scope| scope.id.clone()).collect::<Vec<_>>().join(" ");
        let within = |narrow: &str, wide: &str| {
            let [narrow, wide] = [narrow, wide].map(|text| text.parse::<Scopes>().expect("scopes"));
            is_within(&narrow, &wide, KeyType::Standard, &product)
        };
        assert!(within(&all, "*") && within("mail:send", "mail:send") && within("mail:read", "mail:write"));
        assert!(!within("*", &all) && !within("mail:write", "mail:read"));
    }

    #[test]
    fn nobody_is_blamed_for_the_time_before_the_key_or_the_counting() {
        let old = key();
        assert_eq!(looked_at_since(&old, NOW - days(400), NOW), NOW - days(30));
        assert_eq!(looked_at_since(&old, NOW - days(3), NOW), NOW - days(3));
        let young = ApiKey { created_at: NOW - days(2), ..old };
        assert_eq!(looked_at_since(&young, NOW - days(3), NOW), NOW - days(2));
    }
}
