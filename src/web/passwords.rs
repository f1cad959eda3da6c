//! Password hashing on a bounded pool: argon2id with 19 MiB, two passes, one lane (OWASP). As many at once as there are
//! cores, a short queue behind them, and beyond it a prompt *busy*: a flood of sign-ins takes neither the memory nor
//! the gate.

use std::sync::Arc;

use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordVerifier, Version};
use tokio::sync::{Semaphore, TryAcquireError};
use zeroize::Zeroizing;

use crate::model::password::objection;

/// KiB of memory, passes and lanes of one hash.
const COST: (u32, u32, u32) = (19_456, 2, 1);
/// Hashes that may wait for each that runs.
const QUEUE_PER_CORE: usize = 16;

pub struct Passwords {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// Tested when there is no hash to test, so that an unknown address takes as long as a known one.
    dummy: String,
}

/// More people are signing in than the pool takes.
#[derive(Debug, thiserror::Error)]
#[error("the password pool is full")]
pub struct Busy;

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

impl Passwords {
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let dummy = hash("nobody has this password");
        Self {
            running: Arc::new(Semaphore::new(cores)),
            waiting: Arc::new(Semaphore::new(cores * QUEUE_PER_CORE)),
            dummy,
        }
    }

    /// What is wrong with a new password, if anything is; `known` are words its owner would think of first.
    ///
    /// # Errors
    /// [`Busy`] if the queue is full.
    pub async fn objection(&self, password: Zeroizing<String>, known: Vec<String>) -> Result<Option<String>, Busy> {
        self.run(move || {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            objection(&password, &known)
        })
        .await
    }

    /// A hash in PHC form, with its own random salt.
    ///
    /// # Errors
    /// [`Busy`] if the queue is full.
    pub async fn hash(&self, password: Zeroizing<String>) -> Result<String, Busy> {
        self.run(move || hash(&password)).await
    }

    /// Whether `password` is the one behind `hash`. Without a hash the answer is no, after the same work.
    ///
    /// # Errors
    /// [`Busy`] if the queue is full.
    pub async fn verify(&self, password: Zeroizing<String>, hash: Option<String>) -> Result<bool, Busy> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy.clone());
        let matches = self.run(move || verify(&password, &hash)).await?;
        Ok(known && matches)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let waiting = match self.waiting.clone().try_acquire_owned() {
            Err(TryAcquireError::NoPermits | TryAcquireError::Closed) => return Err(Busy),
            Ok(permit) => permit,
        };
        let running = self.running.clone().acquire_owned().await.map_err(|_| Busy)?;
        // The permits go with the work: a client that hangs up does not free a place that is still taken.
        let work = move || {
            let done = work();
            drop((running, waiting));
            done
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| Busy)
    }
}

fn argon2() -> Argon2<'static> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).expect("the cost is a legal one");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(password: &str) -> String {
    let hash: PasswordHash =
        argon2().hash_password(password.as_bytes()).expect("argon2 takes any password of a legal length");
    hash.to_string()
}

fn verify(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_verifies_against_its_own_hash_only() {
        let passwords = Passwords::new();
        let own = passwords.hash("copper lantern orbit".to_owned().into()).await.expect("a hash");
        assert!(own.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(
            passwords.verify("copper lantern orbit".to_owned().into(), Some(own.clone())).await.expect("a verdict")
        );
        assert!(!passwords.verify("copper lantern orbis".to_owned().into(), Some(own)).await.expect("a verdict"));
        assert!(!passwords.verify("nobody has this password".to_owned().into(), None).await.expect("a verdict"));
    }

    #[tokio::test]
    async fn a_full_queue_says_so_at_once() {
        let passwords = Passwords { waiting: Arc::new(Semaphore::new(0)), ..Passwords::new() };
        assert!(passwords.verify("x".to_owned().into(), None).await.is_err());
    }
}
