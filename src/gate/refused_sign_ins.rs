//! Refused sign-ins, kept for the audit log of the account they were aimed at. Written in the background: a known
//! address must not answer later than an unknown one. Tries of one source for one user between two flushes are one
//! event.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::clock::Timestamp;
use crate::model::audit::Actor;
use crate::model::user::User;
use crate::store::{Act, Db, accounts};

/// Sources and users remembered between two flushes; the throttles keep an honest day far below it.
const MOST: usize = 10_000;

struct Refused {
    user: User,
    visitor: Actor,
    at: Timestamp,
    times: u64,
}

#[derive(Default)]
pub struct RefusedSignIns {
    waiting: Mutex<BTreeMap<(String, String), Refused>>,
}

impl RefusedSignIns {
    /// Remembers a refused try of `visitor` to be `user`.
    pub fn note(&self, user: User, visitor: Actor, at: Timestamp) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (user.id.clone(), visitor.ip.clone());
        if waiting.len() < MOST || waiting.contains_key(&key) {
            waiting.entry(key).or_insert(Refused { user, visitor, at, times: 0 }).times += 1;
        }
    }

    /// Writes what was remembered.
    ///
    /// # Errors
    /// If the database does not answer; what was not written is written by the next flush.
    pub async fn flush(&self, db: &Db, act: &Act<'_>) -> sqlx::Result<()> {
        loop {
            let next = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_first();
            let Some((key, refused)) = next else { return Ok(()) };
            let act = Act { actor: &refused.visitor, at: refused.at, ..*act };
            let written = accounts::note_refused_sign_in(db, &act, &refused.user, refused.times).await;
            if written.is_err() {
                self.put_back(key, refused);
                return written;
            }
        }
    }

    /// Tries that came meanwhile are added to.
    fn put_back(&self, key: (String, String), refused: Refused) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.get_mut(&key) {
            Some(newer) => {
                newer.times += refused.times;
                newer.at = refused.at;
            }
            None => drop(waiting.insert(key, refused)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::user::Role;

    fn ana() -> User {
        User {
            id: "usr_1".into(),
            account_id: "acc_1".into(),
            account_name: "Halden Freight".into(),
            email: "ana@halden.example".into(),
            name: "Ana".into(),
            role: Role::Administrator,
            staff_since: None,
            created_at: Timestamp::default(),
        }
    }

    #[test]
    fn what_could_not_be_written_is_counted_with_what_came_meanwhile() {
        let (refused, visitor) = (RefusedSignIns::default(), || Actor { ip: "203.0.113.9".into(), ..Actor::default() });
        let [first, second] = [1, 2].map(Timestamp::from_micros);
        let take = || refused.waiting.lock().expect("a lock").pop_first().expect("a try");
        for _ in 0..3 {
            refused.note(ana(), visitor(), first);
        }
        let (key, taken) = take();
        refused.put_back(key, taken);
        let (key, taken) = take();
        assert_eq!((taken.times, taken.at), (3, first), "put back as it was");
        refused.note(ana(), visitor(), second);
        refused.note(ana(), visitor(), second);
        refused.put_back(key, taken);
        let (_, both) = take();
        assert_eq!((both.times, both.at), (5, first), "since the first of them");
    }
}
