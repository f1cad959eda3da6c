//! What a secret may begin with: every prefix that this installation ever issued, not only the definition's. Those known
//! at the start are read without a lock. Another node may have started with a new one since: a text that is a secret in
//! everything but its prefix has the list read again, at most once a second; garbage has not.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::model::secret::{Malformed, Presented};
use crate::store::{Db, secret_prefixes};

const READ_AGAIN_AFTER: Duration = Duration::from_secs(1);

#[derive(Default)]
pub struct Prefixes {
    at_start: Vec<String>,
    later: RwLock<Vec<String>>,
    /// When the list was read last, and whether the database answered.
    last: tokio::sync::Mutex<Option<(Timestamp, bool)>>,
}

impl Prefixes {
    pub fn new(at_start: Vec<String>) -> Self {
        Self { at_start, ..Self::default() }
    }

    /// Asks memory alone.
    ///
    /// # Errors
    /// As [`Presented::parse`].
    pub fn parse<'a>(&self, token: &'a str) -> Result<Presented<'a>, Malformed> {
        match Presented::parse(token, &self.at_start) {
            Err(Malformed::ForeignPrefix) => Presented::parse(token, &self.later()),
            parsed => parsed,
        }
    }

    /// Asks the database, unless it was asked within the last second; whoever comes meanwhile waits for its answer.
    ///
    /// # Errors
    /// If it does not answer, now or within the last second.
    pub async fn ask<'a>(&self, db: &Db, token: &'a str, now: Timestamp) -> sqlx::Result<Option<Presented<'a>>> {
        let mut last = self.last.lock().await;
        match *last {
            Some((at, answered)) if now < at + READ_AGAIN_AFTER => {
                let parsed = self.parse(token).ok();
                if parsed.is_none() && !answered {
                    return Err(sqlx::Error::PoolTimedOut);
                }
                Ok(parsed)
            }
            _ => {
                let known = secret_prefixes::list(db).await;
                *last = Some((now, known.is_ok()));
                *self.later.write().unwrap_or_else(PoisonError::into_inner) = known?;
                Ok(self.parse(token).ok())
            }
        }
    }

    /// All that are known here.
    pub fn all(&self) -> Vec<String> {
        let mut all = self.at_start.clone();
        all.extend(self.later().iter().filter(|prefix| !self.at_start.contains(prefix)).cloned());
        all
    }

    fn later(&self) -> std::sync::RwLockReadGuard<'_, Vec<String>> {
        self.later.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_later_is_known_beside_what_was_there_each_once() {
        let prefixes = Prefixes::new(vec!["kd_live_".into()]);
        *prefixes.later.write().expect("a lock") = vec!["kd_live_".into(), "old_live_".into()];
        assert_eq!(prefixes.all(), ["kd_live_", "old_live_"]);
    }
}
