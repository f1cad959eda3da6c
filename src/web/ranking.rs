//! The keys of an account that were used most. To find them a row per key and day is read, so where many keys were used
//! the answer is remembered for a minute: a page that is looked at often must not cost that each time.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;

use super::period::Period;
use crate::clock::Timestamp;
use crate::store::Db;
use crate::store::account_usage::{self, UsedKey};

/// Keys in the ranking.
const LENGTH: i64 = 10;
const FRESH: Duration = Duration::from_secs(60);
/// Where no more keys than these were used, they are looked up each time.
const FEW: i64 = 50;
/// Rankings remembered at once.
const MOST: usize = 1000;

/// A ranking, and when it was made.
pub struct Ranked {
    pub at: Timestamp,
    pub keys: Vec<UsedKey>,
}

/// By account and period.
pub struct Ranking(Cache<(String, &'static str), Arc<Ranked>>);

impl Default for Ranking {
    fn default() -> Self {
        Self(Cache::new(MOST))
    }
}

impl Ranking {
    /// The keys used most in a period that ends now, as they are or, where there are many, were at most a minute ago.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn of(&self, db: &Db, account_id: &str, period: Period, now: Timestamp) -> sqlx::Result<Arc<Ranked>> {
        let about = (account_id.to_owned(), period.id);
        if let Some(ranked) = self.0.get(&about).filter(|ranked| now.since(ranked.at) < FRESH) {
            return Ok(ranked);
        }
        let keys = account_usage::most_used(db, account_id, period.since(now), LENGTH).await?;
        let ranked = Arc::new(Ranked { at: now, keys });
        if ranked.keys.first().is_some_and(|key| key.keys > FEW) {
            self.0.insert(about, ranked.clone());
        }
        Ok(ranked)
    }
}
