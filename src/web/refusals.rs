//! Why requests were refused, as pages list it: the gate's reason in words, how often, and how much of the whole.

use super::view::{percent, tenths};
use crate::gate::reason::Reason as Why;
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

/// What a kept reason means to whoever owns the key.
pub fn in_words(reason: &str, product: &Product) -> String {
    let Ok(known) = reason.parse() else { return reason.to_owned() };
    match known {
        Why::ScopeMissing => "Scope not granted",
        Why::RateLimited => "Over the rate limit",
        Why::AddressNotAllowed => "Address not allowed",
        Why::RouteUnknown => "Route not known",
        Why::InboxOutOfReach => return format!("No such {}", product.words.resource),
        Why::InputAmbiguous => "Request not clear",
        Why::KeyDeleted => "Key deleted",
        Why::KeyExpired => "Key expired",
        Why::KeyPaused => "Key paused",
        Why::SecretRotated => "Old key, after its rotation",
        Why::HttpsRequired => "Sent over plain HTTP",
        Why::CredentialMissing => "No key",
        Why::CredentialMalformed => "Not a key",
        Why::SourceThrottled => "Too many unknown keys",
        Why::KeyUnknown => "Unknown key",
        Why::SessionEnded => "Session ended",
    }
    .to_owned()
}
