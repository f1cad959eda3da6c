//! Which rate windows the other nodes have to be told of. A verdict only puts its key on this list, and only while somebody
//! takes from it; what is said to the other nodes, and how, is the business of a job.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::known::Known;
use super::window::{Counted, Windows};

/// The keys that passed here since the other nodes were told.
pub struct SharedWindows {
    windows: Arc<Windows>,
    are_shared: AtomicBool,
    spent: Mutex<Vec<Known>>,
    bell: Notify,
}

/// What passed here of one key.
pub struct Spent {
    key: Known,
    windows: Arc<Windows>,
    pub counted: Counted,
}

impl Spent {
    pub fn key_id(&self) -> &str {
        self.key.id()
    }

    /// What passed of it on the other nodes, in the same minute.
    pub fn hear(&self, elsewhere: u32) {
        self.windows.hear(self.key.id(), Counted { requests: elsewhere, ..self.counted });
    }
}

impl SharedWindows {
    pub(super) fn new(windows: Arc<Windows>) -> Self {
        Self { windows, are_shared: AtomicBool::new(false), spent: Mutex::default(), bell: Notify::new() }
    }

    /// Whether the nodes count together just now.
    pub fn are_shared(&self) -> bool {
        self.are_shared.load(Ordering::Relaxed)
    }

    /// A request of the key was spent here.
    pub(super) fn note(&self, key: &Known) {
        if self.are_shared() && self.windows.begins_to_wait(key.id()) {
            self.spent().push(key.clone());
            self.bell.notify_one();
        }
    }

    /// From now on somebody takes what is noted.
    pub fn share(&self) {
        self.are_shared.store(true, Ordering::SeqCst);
    }

    /// Nobody takes it any more: this node counts alone.
    pub fn count_alone(&self) {
        self.are_shared.store(false, Ordering::SeqCst);
        drop(self.take(usize::MAX));
    }

    /// Up to `most` of what was noted, each with its count of this moment.
    pub fn take(&self, most: usize) -> Vec<Spent> {
        let mut spent = self.spent();
        let first = spent.len().min(most);
        let taken: Vec<_> = spent.drain(..first).collect();
        drop(spent);
        let spent = |key: Known| Spent { counted: self.windows.take(key.id()), key, windows: self.windows.clone() };
        taken.into_iter().map(spent).collect()
    }

    /// Waits until there is something to take.
    pub async fn wait(&self) {
        while self.spent().is_empty() {
            self.bell.notified().await;
        }
    }

    fn spent(&self) -> MutexGuard<'_, Vec<Known>> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
