//! What to look at first: the tabs of the list by status, and what needs attention in the whole account. Each count is
//! that of the list it leads to: both are asked of the database by the same condition.

use super::list::Asked;
use crate::clock::{Timestamp, days};
use crate::model::text;
use crate::product::{ExpiryPolicy, KeyAct, Product};
use crate::store::key_filter::{self, Filter, StatusCounts};
use crate::web::App;
use crate::web::error::Error;

/// A tab of the list: the keys of one status, and how many they are.
pub struct Tab {
    pub label: &'static str,
    pub count: String,
    pub href: String,
    pub current: bool,
}

pub fn tabs(asked: &Asked, counts: StatusCounts, expiry: ExpiryPolicy) -> Vec<Tab> {
    let all = [
        ("All", ""),
        ("Active", "active"),
        ("Retiring", "retiring"),
        ("Expires soon", "expiring"),
        ("Unused", "unused"),
        ("Not revealed", "unrevealed"),
        ("Never used", "never-used"),
        ("Full access", "full-access"),
        ("Due for rotation", "rotation-due"),
        ("Owner left", "owner-left"),
        ("Paused", "paused"),
        ("Expired", "expired"),
        ("Deleted", "deleted"),
    ];
    // A tab that would show nothing is left out, unless one stands on it.
    let mut rare = vec!["retiring", "unrevealed", "paused"];
    if expiry == ExpiryPolicy::None {
        rare.extend(["expiring", "expired"]);
    }
    // These have their sentence above the list, and a tab when somebody followed it.
    let quiet = ["never-used", "full-access", "rotation-due", "owner-left"];
    let worth = |status: &str| {
        let counted = counts.of(status) > 0 && !quiet.contains(&status);
        let ordinary = !rare.contains(&status) && !quiet.contains(&status);
        ordinary || counted || asked.filter.status == status
    };
    let tab = |(label, status): (&'static str, &str)| Tab {
        label,
        count: text::thousands(u64::try_from(counts.of(status)).unwrap_or(0)),
        href: asked.href(&[("status", status)]),
        current: asked.filter.status == status,
    };
    all.into_iter().filter(|(_, status)| worth(status)).map(tab).collect()
}

/// Whose secret is from before this moment is due for rotation; nobody is where the definition recommends no age.
pub fn due_since(product: &Product, now: Timestamp) -> Timestamp {
    match product.rotation.recommended_days {
        recommended @ 1.. if product.offers(KeyAct::Rotate) => now - days(recommended),
        _ => Timestamp::default(),
    }
}

/// What needs attention in the whole account; each sentence leads to the list of exactly those keys. `counts` are those
/// of the list.
pub async fn attention(
    app: &App,
    account_id: &str,
    (asked, counts): (&Asked, StatusCounts),
    now: Timestamp,
) -> Result<Vec<(String, String)>, Error> {
    let everything = Filter { due_since: asked.filter.due_since, ..Filter::default() };
    let is_narrowed = Filter { status: String::new(), ..asked.filter.clone() } != everything;
    let counts = if is_narrowed { key_filter::counts(&app.db, account_id, &everything, now).await? } else { counts };
    let full_access = if app.product.keys.choose_scopes { counts.full_access } else { 0 };
    let sentences = [
        ("expiring", counts.expiring, "key expires within 14 days", "keys expire within 14 days"),
        ("unused", counts.unused, "key unused for 90 days", "keys unused for 90 days"),
        ("unrevealed", counts.unrevealed, "key was never revealed", "keys were never revealed"),
        ("never-used", counts.never_used, "key was never used", "keys were never used"),
        ("rotation-due", counts.rotation_due, "key is due for rotation", "keys are due for rotation"),
        ("full-access", full_access, "key has full access", "keys have full access"),
        ("owner-left", counts.owner_left, "key’s owner left", "keys’ owners left"),
    ];
    let found = sentences.into_iter().filter(|(_, count, ..)| *count > 0);
    let sentence = |(status, count, one, many): (&str, i64, &str, &str)| {
        (format!("/settings/api-keys?status={status}"), text::count(u64::try_from(count).unwrap_or(0), one, many))
    };
    Ok(found.map(sentence).collect())
}
