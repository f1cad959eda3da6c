//! The promise of [`super::changes`], tried in every order that two threads can take (loom): once a deletion is noted,
//! no memory of the living key passes, however its read and its storing fell.

mod sync {
    pub use std::sync::PoisonError;

    pub use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    pub use loom::sync::{Mutex, MutexGuard};
}

#[path = "changes.rs"]
#[expect(clippy::duplicate_mod, reason = "the same source, once with the real locks and once with loom's")]
#[expect(dead_code, reason = "the model takes the half of it that races")]
mod changes;

use changes::{Changes, Seen};
use loom::sync::Arc;
use loom::thread;
use sync::{AtomicBool, Mutex, Ordering};

const KEY: &str = "key_1";

#[derive(Default)]
struct World {
    changes: Changes,
    /// What the database says.
    deleted: Mutex<bool>,
    /// What the gate remembers: whether the key was alive, and since when that is known.
    memory: Mutex<Option<(bool, Seen)>>,
}

impl World {
    fn fill(&self) {
        let seen = self.changes.seen_now();
        let alive = !*self.deleted.lock().expect("a lock");
        *self.memory.lock().expect("a lock") = Some((alive, seen));
    }

    fn delete(&self) {
        *self.deleted.lock().expect("a lock") = true;
        self.changes.note(&[KEY]);
    }

    fn lets_through(&self) -> bool {
        let memory = self.memory.lock().expect("a lock");
        memory.as_ref().is_some_and(|(alive, seen)| *alive && self.changes.is_current(KEY, seen))
    }
}

#[test]
fn no_concurrent_read_brings_a_deleted_key_back() {
    loom::model(|| {
        let world = Arc::new(World::default());
        let filler = thread::spawn({
            let world = world.clone();
            move || world.fill()
        });
        world.delete();
        assert!(!world.lets_through(), "a request after the answer");
        filler.join().expect("the filler");
        assert!(!world.lets_through(), "a request after the late memory");
    });
}

#[test]
fn looking_while_it_is_deleted_does_not_bring_it_back_either() {
    loom::model(|| {
        let world = Arc::new(World::default());
        world.fill();
        let deleted = Arc::new(AtomicBool::new(false));
        let looker = thread::spawn({
            let (world, deleted) = (world.clone(), deleted.clone());
            move || {
                // Another key's change sends the first look to the list, where it may meet the deletion half way.
                world.changes.note(&["key_2"]);
                world.lets_through();
                let answered = deleted.load(Ordering::SeqCst);
                assert!(!(answered && world.lets_through()), "a request after the answer");
            }
        });
        world.delete();
        deleted.store(true, Ordering::SeqCst);
        assert!(!world.lets_through());
        looker.join().expect("the looker");
    });
}
