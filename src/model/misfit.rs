//! Which keys a definition would not issue any more. They keep working: a definition says what is made from now on, and a
//! key is what it was made.

use std::fmt;

use super::api_key::KeyType;
use super::scopes::Scopes;
use crate::clock::Timestamp;
use crate::product::{ExpiryPolicy, Product};

/// A key that is not deleted, as far as a definition has a say in it.
#[derive(Clone, Debug)]
pub struct LiveKey {
    pub id: String,
    pub account_id: String,
    pub name: String,
    pub key_type: KeyType,
    pub environment: String,
    pub scopes: Scopes,
    pub prefix: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

/// Why a definition would not issue such a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    Environment(String),
    Type(KeyType),
    Scopes(Vec<String>),
    FullAccess,
    NeedsExpiry,
    NeverExpires,
    Prefix(String),
    /// The account has more keys than the limit, and this is one of its newest.
    OverLimit(i64),
}

/// Why `product` would not issue `key`, the `nth` of its account's live keys counted from the oldest.
pub fn misfits(key: &LiveKey, product: &Product, nth: i64) -> Vec<Misfit> {
    let mut found = Vec::new();
    let has_environment = if key.environment.is_empty() {
        product.environments.is_empty()
    } else {
        product.environment(&key.environment).is_some()
    };
    if !has_environment {
        found.push(Misfit::Environment(key.environment.clone()));
    }
    if !product.offers_type(key.key_type.as_str()) {
        found.push(Misfit::Type(key.key_type));
    }
    if key.scopes.is_full_access() {
        if !product.keys.full_access {
            found.push(Misfit::FullAccess);
        }
    } else {
        let gone = key.scopes.iter().filter(|scope| product.scope(scope).is_none());
        let gone: Vec<String> = gone.map(str::to_owned).collect();
        if !gone.is_empty() {
            found.push(Misfit::Scopes(gone));
        }
    }
    match (product.expiry.policy, key.expires_at) {
        (ExpiryPolicy::Required, None) => found.push(Misfit::NeedsExpiry),
        (ExpiryPolicy::None, Some(_)) => found.push(Misfit::NeverExpires),
        _ => {}
    }
    if !product.secret_prefixes().contains(&key.prefix) {
        found.push(Misfit::Prefix(key.prefix.clone()));
    }
    if product.keys.limit > 0 && nth > product.keys.limit {
        found.push(Misfit::OverLimit(product.keys.limit));
    }
    found
}

impl Misfit {
    /// The same for every key with such a reason.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Environment(_) => "its environment is not defined any more",
            Self::Type(_) => "its type is not offered any more",
            Self::Scopes(_) => "it holds scopes that are not defined any more",
            Self::FullAccess => "it holds *, which no key may any more",
            Self::NeedsExpiry => "it has no expiry, which every key must have now",
            Self::NeverExpires => "it has an expiry, which no key can have any more",
            Self::Prefix(_) => "its prefix is not issued any more",
            Self::OverLimit(_) => "its account has more keys than the limit",
        }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(id) if id.is_empty() => {
                f.write_str("it has no environment, which every key must have now")
            }
            Self::Environment(id) => write!(f, "its environment {id} is not defined any more"),
            Self::Type(key_type) => write!(f, "its type {key_type} is not offered any more"),
            Self::Scopes(gone) => write!(f, "it holds {}, not defined any more", gone.join(" ")),
            Self::Prefix(prefix) => write!(f, "its prefix {prefix} is not issued any more"),
            Self::OverLimit(limit) => write!(f, "its account has more keys than the limit of {limit}"),
            Self::FullAccess | Self::NeedsExpiry | Self::NeverExpires => f.write_str(self.reason()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::DEFAULT;

    fn key() -> LiveKey {
        LiveKey {
            id: "key_1".into(),
            account_id: "acc_1".into(),
            name: "billing".into(),
            key_type: KeyType::Standard,
            environment: "live".into(),
            scopes: "mail:read".parse().expect("scopes"),
            prefix: "kd_live_".into(),
            created_at: Timestamp::from_micros(0),
            expires_at: None,
        }
    }

    fn of(key: &LiveKey, change: impl FnOnce(&mut Product)) -> Vec<Misfit> {
        let mut product = Product::parse(DEFAULT).expect("the built-in definition");
        change(&mut product);
        misfits(key, &product, 3)
    }

    #[test]
    fn a_key_that_could_be_made_today_fits() {
        assert_eq!(of(&key(), |_| {}), []);
        assert_eq!(of(&key(), |product| product.keys.limit = 3), []);
        let full = LiveKey { scopes: "*".parse().expect("scopes"), ..key() };
        assert_eq!(of(&full, |_| {}), []);
    }

    #[test]
    fn every_reason_is_told() {
        let (plain, full) = (key(), LiveKey { scopes: "*".parse().expect("scopes"), ..key() });
        let expiring = LiveKey { expires_at: Some(Timestamp::from_micros(1)), ..key() };
        let nameless = LiveKey { environment: String::new(), prefix: "kd_".into(), ..key() };
        for (key, change, expected) in [
            (
                &plain,
                (|product| drop(product.environments.pop())) as fn(&mut Product),
                vec![Misfit::Environment("live".into()), Misfit::Prefix("kd_live_".into())],
            ),
            (&plain, |product| product.keys.types = vec!["restricted".into()], vec![Misfit::Type(KeyType::Standard)]),
            (&plain, |product| drop(product.scopes.remove(1)), vec![Misfit::Scopes(vec!["mail:read".into()])]),
            (&full, |product| product.keys.full_access = false, vec![Misfit::FullAccess]),
            (&plain, |product| product.expiry.policy = ExpiryPolicy::Required, vec![Misfit::NeedsExpiry]),
            (&expiring, |product| product.expiry.policy = ExpiryPolicy::None, vec![Misfit::NeverExpires]),
            (&plain, |product| product.keys.prefix = "mp".into(), vec![Misfit::Prefix("kd_live_".into())]),
            (&plain, |product| product.keys.limit = 2, vec![Misfit::OverLimit(2)]),
            (&nameless, |_| {}, vec![Misfit::Environment(String::new()), Misfit::Prefix("kd_".into())]),
            (&nameless, |product| product.environments.clear(), vec![]),
        ] {
            assert_eq!(of(key, change), expected);
        }
    }

    #[test]
    fn a_reason_says_what_it_is_about() {
        let [nameless, gone] = ["", "live"].map(|id| Misfit::Environment(id.into()).to_string());
        assert_eq!(nameless, "it has no environment, which every key must have now");
        assert_eq!(gone, "its environment live is not defined any more");
        let kind = Misfit::Type(KeyType::Restricted).to_string();
        assert_eq!(kind, "its type restricted is not offered any more");
    }
}
