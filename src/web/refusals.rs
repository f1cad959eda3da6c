//! Why requests were refused, as pages list it: the gate's reason in words, how often, and how much of the whole.

use super::view::{percent, tenths};
use crate::model::text;
use crate::model::usage::Refusals;
use crate::product::Product;

/// One reason.
pub struct Reason {
    pub label: String,
    pub code: String,
    pub count: String,
    pub share: String,
    /// The share once more, as a width of 100.
    pub width: String,
}

/// The reasons in the order they come in, each with its share of all of them.
pub fn reasons(refused: &[Refusals], product: &Product) -> Vec<Reason> {
    let number = |one: &Refusals| u64::try_from(one.count).unwrap_or(0);
    let all: u64 = refused.iter().map(number).sum();
    let reason = |one: &Refusals| Reason {
        label: in_words(&one.reason, product),
        code: one.reason.clone(),
        count: text::thousands(number(one)),
        share: percent(number(one), all),
        width: tenths(number(one), all),
    };
    refused.iter().map(reason).collect()
}

/// What [`crate::gate::verdict::Refusal::reason`] means to whoever owns the key.
fn in_words(reason: &str, product: &Product) -> String {
    match reason {
        "scope_missing" => "Scope not granted",
        "rate_limited" => "Over the rate limit",
        "address_not_allowed" => "Address not allowed",
        "route_unknown" => "Route not known",
        "inbox_out_of_reach" => return format!("No such {}", product.words.resource),
        "input_ambiguous" => "Request not clear",
        "key_deleted" => "Key deleted",
        "key_expired" => "Key expired",
        "key_paused" => "Key paused",
        "secret_rotated" => "Old key, after its rotation",
        other => other,
    }
    .to_owned()
}
