//! The demo's refused requests: some of each key that has something to be refused for, so that support has something to
//! explain.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cli::Failure;
use crate::store::api_keys;
use crate::store::refusals::{Refused, write};
use crate::web::App;

/// Key, reason, minutes ago, route, and the scope asked for.
const REFUSED: [(&str, &str, u64, &str, &str); 6] = [
    ("billing-worker", "scope_missing", 14, "GET /v1/messages", "mail:read"),
    ("billing-worker", "scope_missing", 75, "GET /v1/domains", "domains:read"),
    ("production-backend", "rate_limited", 31, "POST /v1/messages", ""),
    ("orders-webhook", "inbox_out_of_reach", 48, "GET /v1/inboxes/inb_of_another", ""),
    ("data-export-2025", "key_expired", 6, "GET /v1/messages", ""),
    ("ci-legacy", "key_deleted", 9, "POST /v1/messages", ""),
];

/// Adds what the key of this name was refused for lately.
pub async fn add(app: &App, account_id: &str, key_id: &str, name: &str) -> Result<(), Failure> {
    let mut batch = Vec::new();
    for (_, reason, minutes, route, scope) in REFUSED.into_iter().filter(|(of, ..)| *of == name) {
        let Some(key) = api_keys::find(&app.db, account_id, key_id).await? else { continue };
        let moment = key.deleted_at.or(key.expires_at).map(|at| at.micros().to_string());
        let (method, path) = route.split_once(' ').unwrap_or((route, ""));
        batch.push(Refused {
            request_id: app.entropy.id("req"),
            at: app.now() - Duration::from_secs(60 * minutes),
            reason: reason.into(),
            account_id: account_id.into(),
            key_id: key_id.into(),
            method: method.into(),
            path: path.into(),
            ip: "203.0.113.80".into(),
            user_agent: "Python-urllib/3.12".into(),
            scopes: scope.into(),
            inboxes: if reason == "inbox_out_of_reach" { "inb_of_another".into() } else { String::new() },
            had: match reason {
                "scope_missing" => key.scopes.to_string(),
                "rate_limited" => app.product.rate_limit.per_minute.to_string(),
                "inbox_out_of_reach" => key.inbox_id.unwrap_or_default(),
                _ => moment.unwrap_or_default(),
            },
            last4: key.last4,
        });
    }
    if batch.is_empty() { Ok(()) } else { Ok(write(&app.db, &batch, &BTreeMap::new()).await?) }
}
