//! Secrets that were found under the old generation of the secret file: they wait here to be known by the newest. A verdict
//! does not wait for that write, and one that is lost is noted again when the secret is next looked up.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::secret::SecretHash;
use crate::store::Db;
use crate::store::api_key_secrets::{self, Rehash};

/// As many wait; those beyond are noted when they are next looked up.
const MOST: usize = 20_000;
/// Written in one go: nobody who wants to write waits longer than for these.
const AT_ONCE: usize = 200;

#[derive(Default)]
pub struct Rehashes(Mutex<HashMap<SecretHash, Rehash>>);

impl Rehashes {
    pub(super) fn note(&self, rehash: Rehash) {
        let mut waiting = self.waiting();
        if waiting.len() < MOST {
            waiting.insert(rehash.from, rehash);
        }
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// If the database does not answer; then it goes on waiting.
    pub async fn flush(&self, db: &Db) -> sqlx::Result<()> {
        let noted: Vec<Rehash> = self.waiting().values().copied().collect();
        for some in noted.chunks(AT_ONCE) {
            api_key_secrets::rehash(db, some).await?;
            let mut waiting = self.waiting();
            for written in some {
                waiting.remove(&written.from);
            }
        }
        Ok(())
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<SecretHash, Rehash>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
