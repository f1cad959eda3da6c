//! What the gate remembers: keys that were presented lately, hashes that belong to none, and whose the inboxes are. All of
//! it is bounded, a key is read once however many ask for it, and nothing is believed past the last change of what it is
//! about ([`crate::store::changes`]).

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle};
use tokio::time::timeout;

use super::known::{Hashes, Known, Rights};
use super::lately::Lately;
use super::spread::Spread;
use crate::model::secret::SecretHash;
use crate::product::Product;
use crate::store::changes::{Changes, Seen};
use crate::store::{Db, inboxes, key_facts};

/// One unknown hash is remembered for this many keys: a flood of garbage displaces garbage, never a key.
const KEYS_PER_UNKNOWN: usize = 10;

/// One inbox is remembered for this many keys.
const KEYS_PER_INBOX: usize = 4;
/// Bytes of an inbox's id; whatever is longer is none.
const LONGEST_INBOX_ID: usize = 64;

/// How long a verdict waits for the database: whoever holds a request would rather hear soon that there is none.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the database says, or that it does not answer.
pub(super) async fn in_time<T>(asked: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    timeout(PATIENCE, asked).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

pub struct Memory {
    lately: Lately,
    /// By the beginning of the hash; each knows its whole.
    known: Cache<u64, Known, UnitWeighter, Spread>,
    unknown: Cache<SecretHash, Arc<Seen>>,
    /// By inbox id.
    inboxes: Cache<String, Arc<Place>>,
    /// What many keys have alike, once.
    rights: Mutex<HashSet<Arc<Rights>>>,
}

/// Whose an inbox is, if there is one.
struct Place {
    account_id: Option<String>,
    seen: Seen,
}

impl Place {
    fn is_of(&self, account_id: &str) -> bool {
        self.account_id.as_deref() == Some(account_id)
    }
}

/// How many of each are remembered.
#[derive(Clone, Copy, Debug)]
pub struct Remembered {
    pub keys: usize,
    pub unknown: usize,
    pub inboxes: usize,
}

/// What a secret is looked up by.
#[derive(Clone, Copy, Debug)]
pub struct Sought {
    /// What it is remembered by.
    pub hash: SecretHash,
    /// Its hash under the old generation of the secret file, while that counts.
    pub old: Option<SecretHash>,
}

/// What memory says of a secret.
pub enum Recall {
    Key(Known),
    /// It belongs to no key.
    Nobody,
    /// The database has to be asked.
    Nothing,
}

impl Memory {
    /// Remembers up to `keys` keys.
    pub fn new(keys: usize) -> Self {
        let keys = keys.max(1);
        Self {
            lately: Lately::of(keys),
            known: Cache::with(keys, keys as u64, UnitWeighter, Spread::default(), DefaultLifecycle::default()),
            unknown: Cache::new((keys / KEYS_PER_UNKNOWN).max(1)),
            inboxes: Cache::new((keys / KEYS_PER_INBOX).max(1)),
            rights: Mutex::default(),
        }
    }

    pub fn remembered(&self) -> Remembered {
        Remembered { keys: self.known.len(), unknown: self.unknown.len(), inboxes: self.inboxes.len() }
    }

    /// Asks memory alone.
    pub fn recall(&self, changes: &Changes, hash: &SecretHash) -> Recall {
        if !changes.is_watched() {
            return Recall::Nothing;
        }
        let beginning = hash.beginning();
        if let Some(found) = self.lately.get(beginning)
            && Self::is_true(&found.known, hash, changes)
        {
            if found.is_told {
                self.keep(beginning, &found.known);
            }
            return Recall::Key(found.known);
        }
        if let Some(known) = self.known.get(&beginning) {
            if Self::is_true(&known, hash, changes) {
                self.lately.put(beginning, &known);
                return Recall::Key(known);
            }
            self.known.remove_if(&beginning, |stale| stale.is(&known));
        } else if let Some(seen) = self.unknown.get(hash) {
            // No key's own change makes this untrue, only one that could be about any key.
            if changes.is_current("", &seen) {
                return Recall::Nobody;
            }
            self.unknown.remove(hash);
        }
        Recall::Nothing
    }

    /// Asks the database, once for everybody who asks now, and remembers the answer.
    ///
    /// # Errors
    /// If the database does not answer; then nothing is remembered.
    pub async fn learn(&self, db: &Db, sought: &Sought, product: &Product) -> sqlx::Result<Option<Known>> {
        if !db.changes().is_watched() {
            return Ok(self.read(db, sought, product).await?.map_err(drop).ok());
        }
        let hash = &sought.hash;
        loop {
            let place = match self.known.get_value_or_guard_async(&hash.beginning()).await {
                Ok(known) if Self::is_true(&known, hash, db.changes()) => return Ok(Some(known)),
                Ok(stale) => {
                    self.known.remove_if(&hash.beginning(), |kept| kept.is(&stale));
                    continue;
                }
                Err(place) => place,
            };
            // Whoever held the place before may have found nobody.
            if let Some(seen) = self.unknown.get(hash)
                && db.changes().is_current("", &seen)
            {
                return Ok(None);
            }
            match self.read(db, sought, product).await? {
                Ok(known) => {
                    // Refused only if it was displaced meanwhile; then the next one reads again.
                    let _ = place.insert(known.clone());
                    return Ok(Some(known));
                }
                Err(seen) => {
                    self.unknown.insert(*hash, Arc::new(seen));
                    return Ok(None);
                }
            }
        }
    }

    /// Counts as asked for among all keys, and comes back if they displaced it.
    fn keep(&self, beginning: u64, known: &Known) {
        if self.known.get(&beginning).is_none() {
            self.known.insert(beginning, known.clone());
        }
    }

    /// Whether it is the key of this hash, and what is known of it is still true.
    fn is_true(known: &Known, hash: &SecretHash, changes: &Changes) -> bool {
        known.is_of(hash) && changes.is_current(known.id(), known.seen())
    }

    /// Whether the account has this inbox, if memory knows.
    pub fn recall_inbox(&self, changes: &Changes, inbox_id: &str, account_id: &str) -> Option<bool> {
        if inbox_id.len() > LONGEST_INBOX_ID {
            return Some(false);
        }
        let place = self.inboxes.get(inbox_id).filter(|_| changes.is_watched())?;
        changes.is_current(inbox_id, &place.seen).then(|| place.is_of(account_id))
    }

    /// The same, of the database, and remembers the answer.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn learn_inbox(&self, db: &Db, inbox_id: &str, account_id: &str) -> sqlx::Result<bool> {
        let seen = db.changes().seen_now();
        let place = Place { account_id: Box::pin(in_time(inboxes::find_account(db, inbox_id))).await?, seen };
        let answer = place.is_of(account_id);
        self.inboxes.insert(inbox_id.to_owned(), Arc::new(place));
        Ok(answer)
    }

    /// One read, or two while there are two generations of the secret file; nobody is said with the moment since when
    /// nobody is true.
    async fn read(&self, db: &Db, sought: &Sought, product: &Product) -> sqlx::Result<Result<Known, Seen>> {
        let seen = db.changes().seen_now();
        let mut found = key_facts::find(db, &sought.hash).await?.map(|facts| (sought.hash, facts));
        if let (None, Some(old)) = (&found, sought.old) {
            found = key_facts::find(db, &old).await?.map(|facts| (old, facts));
        }
        let Some((hash, mut facts)) = found else { return Ok(Err(seen)) };
        let rights = self.shared(Rights::of(&mut facts, product));
        let hashes = Hashes { sought: sought.hash, found: hash };
        Ok(Ok(Known::new(facts, rights, hashes, seen)))
    }

    /// The same rights as another key's, where there is one that has them.
    fn shared(&self, rights: Rights) -> Arc<Rights> {
        let mut all = self.rights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = all.get(&rights) {
            return shared.clone();
        }
        let rights = Arc::new(rights);
        all.insert(rights.clone());
        rights
    }

    /// Forgets rights that no key has any more.
    pub fn sweep(&self) {
        self.rights.lock().unwrap_or_else(PoisonError::into_inner).retain(|rights| Arc::strong_count(rights) > 1);
    }
}

#[cfg(test)]
mod tests {
    use super::super::known::tests::known_since;
    use super::*;
    use crate::model::key_facts::tests::facts;
    use crate::product::DEFAULT;

    /// A memory that knows one key since the last of `changes`, and the key's hash.
    fn memory(changes: &Changes) -> (Memory, SecretHash) {
        let (memory, known) = (Memory::new(10), known_since(facts(), changes.seen_now()));
        let hash = known.found_by();
        memory.known.insert(hash.beginning(), known);
        (memory, hash)
    }

    #[test]
    fn nothing_is_believed_while_nobody_listens() {
        let changes = Changes::default();
        let (memory, hash) = memory(&changes);
        assert!(matches!(memory.recall(&changes, &hash), Recall::Nothing));
        changes.watch();
        assert!(matches!(memory.recall(&changes, &hash), Recall::Nothing), "it was read before");
        let (memory, hash) = self::memory(&changes);
        assert!(matches!(memory.recall(&changes, &hash), Recall::Key(_)));
        changes.note(&["key_1"]);
        assert!(matches!(memory.recall(&changes, &hash), Recall::Nothing), "it has changed");
        let newer = known_since(facts(), changes.seen_now());
        memory.known.insert(hash.beginning(), newer.clone());
        for _ in 0..2 {
            assert!(matches!(memory.recall(&changes, &hash), Recall::Key(known) if known.is(&newer)));
            memory.known.remove(&hash.beginning());
        }
    }

    #[test]
    fn a_key_that_others_displaced_comes_back_while_it_is_asked_for() {
        let changes = Changes::default();
        changes.watch();
        let (memory, hash) = memory(&changes);
        assert!(matches!(memory.recall(&changes, &hash), Recall::Key(_)));
        memory.known.remove(&hash.beginning());
        assert!((0..u8::MAX).all(|_| matches!(memory.recall(&changes, &hash), Recall::Key(_))));
        assert_eq!(memory.remembered().keys, 1);
    }

    #[tokio::test]
    async fn a_hash_that_begins_like_a_keys_is_not_that_key() {
        let (folder, product) =
            (tempfile::tempdir().expect("a folder"), Product::parse(DEFAULT).expect("a definition"));
        let db =
            Db::open(&format!("sqlite://{}", folder.path().join("keydesk.db").display())).await.expect("a database");
        db.changes().watch();
        let (memory, hash) = memory(db.changes());
        let twin = hash.twin();
        assert!(matches!(memory.recall(db.changes(), &hash), Recall::Key(_)), "it is asked for lately, then");
        assert!(matches!(memory.recall(db.changes(), &twin), Recall::Nothing));
        let sought = Sought { hash: twin, old: None };
        assert!(matches!(self::memory(db.changes()).0.learn(&db, &sought, &product).await, Ok(None)));
    }

    #[test]
    fn what_keys_have_alike_is_remembered_once_and_forgotten_with_the_last_of_them() {
        let (memory, product) = (Memory::new(10), Product::parse(DEFAULT).expect("a definition"));
        let [one, other] = [(); 2].map(|()| memory.shared(Rights::of(&mut facts(), &product)));
        assert!(Arc::ptr_eq(&one, &other));
        drop(one);
        memory.sweep();
        assert_eq!(memory.rights.lock().expect("rights").len(), 1);
        drop(other);
        memory.sweep();
        assert!(memory.rights.lock().expect("rights").is_empty());
    }
    #[tokio::test]
    async fn nothing_is_remembered_of_what_is_too_long_for_an_inbox() {
        let folder = tempfile::tempdir().expect("a folder");
        let db =
            Db::open(&format!("sqlite://{}", folder.path().join("keydesk.db").display())).await.expect("a database");
        let memory = Memory::new(10);
        for (length, remembered) in [(LONGEST_INBOX_ID + 2, 0), (LONGEST_INBOX_ID + 1, 0), (LONGEST_INBOX_ID, 1)] {
            let inbox = "x".repeat(length);
            if memory.recall_inbox(db.changes(), &inbox, "acc_1") != Some(false) {
                assert!(!memory.learn_inbox(&db, &inbox, "acc_1").await.expect("the database answers"));
            }
            assert_eq!(memory.remembered().inboxes, remembered, "{length}");
        }
    }
}
