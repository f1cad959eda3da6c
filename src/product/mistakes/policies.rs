//! Contradictions in how long things last: expiry and rotation.

use super::Found;
use crate::product::{ExpiryPolicy, KeyAct, Product, grace_hours};

/// The longest that anybody plans for.
const MOST_DAYS: u64 = 3650;
const GRACES: &str = "Known are 0, 1h, 24h and 7d.";

pub fn check(product: &Product, found: &mut Found) {
    match product.expiry.policy {
        ExpiryPolicy::None => no_expiry(product, found),
        ExpiryPolicy::Optional | ExpiryPolicy::Required => expiry(product, found),
    }
    if product.offers(KeyAct::Rotate) || product.offers_over_api(KeyAct::Rotate) {
        rotation(product, found);
    } else {
        no_rotation(product, found);
    }
    if product.rotation.recommended_days > MOST_DAYS {
        let says = format!("rotation.recommended_days is {}", product.rotation.recommended_days);
        found.add("rotation.recommended_days", says, format!("Write {MOST_DAYS} or fewer; 0 says nothing about it."));
    }
}

fn no_expiry(product: &Product, found: &mut Found) {
    let expiry = &product.expiry;
    for (field, is_said) in [
        ("choices_days", !expiry.choices_days.is_empty()),
        ("default_days", expiry.default_days.is_some()),
        ("max_days", expiry.max_days.is_some()),
    ] {
        if is_said {
            let says = format!("No key expires, yet expiry.{field} says when");
            found
                .add(format!("expiry.{field}"), says, "Leave it out, or make expiry.policy optional or required.")
                .beside("expiry.policy", "said here");
        }
    }
}

fn expiry(product: &Product, found: &mut Found) {
    let expiry = &product.expiry;
    let most = expiry.max_days.filter(|days| (1..=MOST_DAYS).contains(days)).unwrap_or(MOST_DAYS);
    let choices = expiry.choices_days.iter().enumerate();
    let choices = choices.map(|(index, days)| (format!("expiry.choices_days[{index}]"), *days, most));
    let default = expiry.default_days.map(|days| ("expiry.default_days".to_owned(), days, most));
    let longest = expiry.max_days.map(|days| ("expiry.max_days".to_owned(), days, MOST_DAYS));
    for (place, days, most) in choices.chain(default).chain(longest) {
        if days == 0 || days > most {
            let is_own = expiry.max_days == Some(most) && place != "expiry.max_days";
            let mistake = found.add(place.clone(), format!("{place} is {days}"), format!("Write 1 to {most} days."));
            if is_own {
                mistake.beside("expiry.max_days", "said here");
            }
        }
    }
    let words: Vec<String> = expiry.choices_days.iter().map(u64::to_string).collect();
    found.refuse_twins("expiry.choices_days", "", &words);
    let is_empty = expiry.choices_days.is_empty() && expiry.default_days.is_none();
    if expiry.policy == ExpiryPolicy::Required && is_empty {
        let allowed = "Offer some in expiry.choices_days, or set expiry.default_days.";
        found
            .add("expiry.policy", "Every key must expire, yet nothing says when", allowed)
            .given(["expiry.choices_days", "expiry.default_days"]);
    }
}

fn rotation(product: &Product, found: &mut Found) {
    let rotation = &product.rotation;
    found.refuse_twins("rotation.grace", "", &rotation.grace);
    for (index, grace) in rotation.grace.iter().enumerate() {
        if grace_hours(grace).is_none() {
            found.add(format!("rotation.grace[{index}]"), format!("rotation.grace has {grace:?}"), GRACES);
        }
    }
    if rotation.grace.is_empty() {
        let allowed = format!("{GRACES} [\"0\"] ends the old secret at once.");
        found
            .add("rotation.grace", "Keys can be rotated, yet rotation.grace offers nothing", allowed)
            .given(["keys.in_page", "keys.over_api"]);
    } else if rotation.default_grace.is_empty() {
        let allowed = format!("Choose one of rotation.grace: {}.", rotation.grace.join(", "));
        found
            .add("rotation.default_grace", "Keys can be rotated, yet rotation.default_grace is missing", allowed)
            .given(["keys.in_page", "keys.over_api"]);
    } else if !rotation.grace.contains(&rotation.default_grace) {
        let says =
            format!("rotation.default_grace is {:?}, which rotation.grace does not offer", rotation.default_grace);
        let allowed = format!("Choose one of {}.", rotation.grace.join(", "));
        found.add("rotation.default_grace", says, allowed).beside("rotation.grace", "offered here");
    }
}

fn no_rotation(product: &Product, found: &mut Found) {
    let rotation = &product.rotation;
    for (field, is_said) in
        [("grace", !rotation.grace.is_empty()), ("default_grace", !rotation.default_grace.is_empty())]
    {
        if is_said {
            let says = format!("Nobody rotates a key, yet rotation.{field} says how long the old secret works");
            found
                .add(
                    format!("rotation.{field}"),
                    says,
                    "Leave it out, or put rotate into keys.in_page or keys.over_api.",
                )
                .given(["keys.in_page", "keys.over_api"]);
        }
    }
}
