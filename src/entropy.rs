//! Randomness as an input. Secrets, ids and nonces are drawn here and nowhere else, so a test can seed it.

use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::{StdRng, SysRng};
use rand::{Rng, SeedableRng, TryRng};

pub(crate) const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Where random bytes come from.
#[derive(Clone, Debug)]
pub enum Entropy {
    /// The operating system's generator.
    System,
    /// A repeatable stream, for tests and demo data only.
    Seeded(Arc<Mutex<StdRng>>),
}

impl Entropy {
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// Fills `bytes`.
    ///
    /// # Panics
    /// If the operating system has no randomness to give: going on would issue guessable secrets.
    pub fn fill(&self, bytes: &mut [u8]) {
        match self {
            Self::System => SysRng.try_fill_bytes(bytes).expect("the operating system's random generator failed"),
            Self::Seeded(rng) => rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes),
        }
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// `length` base62 characters without modulo bias: bytes of 248 and more are thrown away.
    pub fn base62(&self, length: usize) -> String {
        let mut text = String::with_capacity(length);
        while text.len() < length {
            let fresh = self.bytes::<64>();
            let fair = fresh.iter().filter(|byte| **byte < 248);
            text.extend(fair.take(length - text.len()).map(|byte| char::from(BASE62[usize::from(byte % 62)])));
        }
        text
    }

    /// A public id such as `key_…`: 16 base62 characters (95 bits), never derived from a secret.
    pub fn id(&self, kind: &str) -> String {
        format!("{kind}_{}", self.base62(16))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_is_drawn_about_as_often_as_the_others() {
        let text = Entropy::seeded(7).base62(62_000);
        for character in BASE62 {
            let count = text.bytes().filter(|byte| byte == character).count();
            assert!((850..1150).contains(&count), "{} came {count} times", char::from(*character));
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_ids() {
        assert_eq!(Entropy::seeded(1).id("key"), Entropy::seeded(1).id("key"));
        assert_ne!(Entropy::seeded(1).id("key"), Entropy::seeded(2).id("key"));
    }
}
