//! The generations of the key that session tokens are signed with, and when one takes over from another: it is published
//! first, so that whoever keeps the key set has it before its first token comes, and the one before it goes on verifying
//! for longer than its last token lives.

use std::time::Duration;

use crate::clock::Timestamp;

/// From the publication of a key to its first signature.
pub const NOTICE: Duration = Duration::from_secs(60);
/// From the first signature of a key to the end of the one before it.
pub const OVERLAP: Duration = Duration::from_secs(15 * 60);
/// Keys that verify at one time.
pub const MOST: usize = 4;

/// A generation that has not been dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation {
    pub number: i64,
    pub published_at: Timestamp,
    pub signs_from: Timestamp,
    /// Nothing for the newest.
    pub verifies_until: Option<Timestamp>,
}

impl Generation {
    /// Whether a token that it signed counts, and it is in the key set. From its publication on: the clock of another node
    /// may be ahead.
    pub fn verifies(&self, now: Timestamp) -> bool {
        self.verifies_until.is_none_or(|until| now < until)
    }

    pub fn signs(&self, now: Timestamp) -> bool {
        self.signs_from <= now
    }
}
