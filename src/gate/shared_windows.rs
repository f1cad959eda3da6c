//! Which rate windows the other nodes have to be told of. A verdict only puts its key on this list, and only while somebody
//! takes from it; what is said to the other nodes, and how, is the business of a job.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::known::Known;
use super::window::Counted;

/// The keys that passed here since the other nodes were told.
#[derive(Default)]
pub struct SharedWindows {
    are_shared: AtomicBool,
    spent: Mutex<Vec<Arc<Known>>>,
    bell: Notify,
}

/// What passed here of one key.
pub struct Spent {
    key: Arc<Known>,
    pub counted: Counted,
}

impl Spent {
    pub fn key_id(&self) -> &str {
        &self.key.facts.id
    }

    /// What passed of it on the other nodes, in the same minute.
    pub fn hear(&self, elsewhere: u32) {
        self.key.window.hear(Counted { requests: elsewhere, ..self.counted });
    }
}

impl SharedWindows {
    /// Whether the nodes count together just now.
    pub fn are_shared(&self) -> bool {
        self.are_shared.load(Ordering::Relaxed)
    }

    /// A request of the key was spent here.
    pub(super) fn note(&self, key: &Arc<Known>) {
        if self.are_shared() && key.window.begins_to_wait() {
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
        taken.into_iter().map(|key| Spent { counted: key.window.take(), key }).collect()
    }

    /// Waits until there is something to take.
    pub async fn wait(&self) {
        while self.spent().is_empty() {
            self.bell.notified().await;
        }
    }

    fn spent(&self) -> MutexGuard<'_, Vec<Arc<Known>>> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
