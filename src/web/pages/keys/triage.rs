//! What to look at first: the tabs of the list by status, and what needs attention in the whole account. Each count is
//! that of the list it leads to, as far as keys are counted.

use super::list::Asked;
use crate::clock::{Timestamp, days};
use crate::product::{ExpiryPolicy, KeyAct, Product};
use crate::store::count::{Count, StatusCounts};
use crate::store::key_looks;
use crate::web::App;
use crate::web::error::Error;

/// A tab of the list: the keys of one status, and how many they are.
pub struct Tab {
    pub label: &'static str,
    /// Empty where it is not known.
    pub count: String,
    pub href: String,
    pub current: bool,
}

pub fn tabs(asked: &Asked, counts: &StatusCounts, expiry: ExpiryPolicy) -> Vec<Tab> {
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
        let Count { found, more } = counts.of(status);
        let counted = (found > 0 || more) && !quiet.contains(&status);
        let ordinary = !rare.contains(&status) && !quiet.contains(&status);
        ordinary || counted || asked.filter.status == status
    };
    let tab = |(label, status): (&'static str, &str)| Tab {
        label,
        count: counts.of(status).number(),
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
    (asked, counts): (&Asked, &StatusCounts),
    now: Timestamp,
) -> Result<Vec<(String, String)>, Error> {
    let of_account = if asked.filter.is_narrow() {
        &key_looks::of_account(&app.db, account_id, asked.filter.due_since, now).await?
    } else {
        counts
    };
    let sentences = [
        ("expiring", "key expires within 14 days", "keys expire within 14 days"),
        ("unused", "key unused for 90 days", "keys unused for 90 days"),
        ("unrevealed", "key was never revealed", "keys were never revealed"),
        ("never-used", "key was never used", "keys were never used"),
        ("rotation-due", "key is due for rotation", "keys are due for rotation"),
        ("full-access", "key has full access", "keys have full access"),
        ("owner-left", "key belongs to someone who left", "keys belong to someone who left"),
    ];
    let told = sentences.into_iter().filter(|(status, ..)| *status != "full-access" || app.product.keys.choose_scopes);
    let counted = told.map(|(status, one, many)| (status, of_account.of(status), one, many));
    let found = counted.filter(|(_, count, ..)| count.found > 0);
    let sentence = |(status, count, one, many): (&str, Count, &str, &str)| {
        (format!("/settings/api-keys?status={status}"), count.of(one, many))
    };
    Ok(found.map(sentence).collect())
}
