//! The keys of an account that were used most, remembered for a minute: to find them a row per key and day is read, and
//! a page that is looked at often must not cost that each time.

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
    /// The keys used most in a period that ends now, as they were at most a minute ago.
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
        self.0.insert(about, ranked.clone());
        Ok(ranked)
    }
}
