//! What a key may do and nobody did: said on its page, and drafted away on the page of its scopes.

use crate::clock::{Timestamp, days};
use crate::model::api_key::ApiKey;
use crate::model::least_privilege::{LOOK_BACK_DAYS, looked_at_since, narrowed, unused};
use crate::model::scopes::Scopes;
use crate::model::text;
use crate::store::usage_scopes;
use crate::web::App;
use crate::web::error::Error;

/// Scopes that a key was granted and that no request took.
pub struct Excess {
    pub unused: Vec<String>,
    /// `in 30 days`, or `since 19 Nov 2026` where nobody can look back as far.
    pub lately: String,
    /// What it would need, if it was used at all.
    pub draft: Option<Scopes>,
}

impl Excess {
    /// Nothing where nobody chooses scopes, and of a key that is gone or too young to be judged.
    pub async fn find(app: &App, key: &ApiKey, now: Timestamp) -> Result<Option<Self>, Error> {
        if !app.product.keys.choose_scopes || key.deleted_at.is_some() {
            return Ok(None);
        }
        let counted_since = usage_scopes::count_from(&app.db, now).await?;
        let since = looked_at_since(key, counted_since, now);
        let used = usage_scopes::list(&app.db, &key.account_id, &key.id, since).await?;
        let is_long = since + days(LOOK_BACK_DAYS) <= now;
        let unused = unused(key, &used, &app.product);
        if unused.is_empty() || (used.is_empty() && !is_long) {
            return Ok(None);
        }
        let lately = if is_long { format!("in {LOOK_BACK_DAYS} days") } else { format!("since {}", text::date(since)) };
        Ok(Some(Self { unused, lately, draft: narrowed(key, &used, &app.product) }))
    }

    /// `3 scopes were`
    pub fn count_in_words(&self) -> String {
        let count = self.unused.len() as u64;
        format!("{} {}", text::count(count, "scope", "scopes"), if count == 1 { "was" } else { "were" })
    }
}
