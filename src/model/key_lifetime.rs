//! The account's own rule on how long new keys may live: never looser than the product's.

use std::borrow::Cow;

use super::text;
use crate::product::{ExpiryPolicy, Product};

/// What administrators choose from, in days.
pub const CHOICES: [u64; 5] = [7, 30, 90, 180, 365];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyLifetime {
    /// The most days that a new key may live; `None` leaves it to the product.
    pub longest_days: Option<u64>,
    /// Whether each must expire, even where the product does not ask for it.
    pub expiry_required: bool,
}

impl KeyLifetime {
    /// The product as new keys of the account know it.
    pub fn within<'a>(&self, product: &'a Product) -> Cow<'a, Product> {
        if *self == Self::default() || product.expiry.policy == ExpiryPolicy::None {
            return Cow::Borrowed(product);
        }
        let mut tighter = product.clone();
        let expiry = &mut tighter.expiry;
        if self.expiry_required {
            expiry.policy = ExpiryPolicy::Required;
        }
        if let Some(longest) = self.longest_days {
            let most = expiry.max_days.map_or(longest, |most| most.min(longest));
            expiry.max_days = Some(most);
            expiry.choices_days.retain(|days| *days <= most);
            if expiry.choices_days.is_empty() {
                expiry.choices_days.push(most);
            }
        }
        let offered = |days: &u64| expiry.max_days.is_none_or(|most| *days <= most);
        expiry.default_days = expiry.default_days.filter(offered).or_else(|| {
            (expiry.policy == ExpiryPolicy::Required).then(|| expiry.choices_days.iter().max().copied()).flatten()
        });
        Cow::Owned(tighter)
    }
}

/// As in: `New keys may last up to 1 year. “No expiry” is allowed.`
pub fn in_words(product: &Product) -> String {
    let expiry = &product.expiry;
    let longest = match expiry.max_days {
        Some(days) => format!("New keys may last up to {}.", length(days)),
        None => "New keys may last as long as you choose.".into(),
    };
    match expiry.policy {
        ExpiryPolicy::Required => format!("{longest} Each must expire."),
        _ => format!("{longest} “No expiry” is allowed."),
    }
}

/// `1 year`, `90 days`
pub fn length(days: u64) -> String {
    if days == 365 { "1 year".into() } else { text::count(days, "day", "days") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::DEFAULT;

    fn product() -> Product {
        Product::parse(DEFAULT).expect("the built-in definition")
    }

    #[test]
    fn a_rule_tightens_and_never_loosens() {
        let built_in = product();
        assert!(matches!(KeyLifetime::default().within(&built_in), Cow::Borrowed(_)));
        let rule = KeyLifetime { longest_days: Some(30), expiry_required: true };
        let tight = rule.within(&built_in);
        assert_eq!((tight.expiry.policy, tight.expiry.max_days), (ExpiryPolicy::Required, Some(30)));
        assert!(tight.expiry.choices_days.iter().all(|days| *days <= 30));
        assert!(tight.expiry.default_days.is_some_and(|days| days <= 30));
        assert_eq!(in_words(&tight), "New keys may last up to 30 days. Each must expire.");
        let mut strict = product();
        strict.expiry.max_days = Some(7);
        let year = KeyLifetime { longest_days: Some(365), expiry_required: false };
        assert_eq!(year.within(&strict).expiry.max_days, Some(7));
        strict.expiry.policy = ExpiryPolicy::None;
        assert_eq!(rule.within(&strict).expiry.policy, ExpiryPolicy::None);
    }
}
