//! Password hashing on a bounded pool: argon2id with 19 MiB, two passes, one lane (OWASP). One core is left to
//! everything else, a short queue waits for the others, and beyond it there is a prompt *busy*; and a hash gives way to
//! whatever else wants its core. A flood of sign-ins takes neither the memory nor the gate.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use subtle::ConstantTimeEq;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, TryAcquireError};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use crate::entropy::Entropy;
use crate::model::password::objection;

/// KiB of memory, passes and lanes of one hash.
const COST: (u32, u32, u32) = (19_456, 2, 1);
/// Hashes that may run or wait, for each that may run.
const QUEUE: usize = 16;

const SALT_BYTES: usize = 16;
/// Of setpriority(2); 0 is what everything else has.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

pub struct Passwords {
    /// Hashes that may be made at once.
    at_once: usize,
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    memory: Arc<Memory>,
    threads: Threads,
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
        // With a hash on every core, a verdict of the gate waits for the scheduler: docs/performance.md has the figures.
        let at_once = cores.saturating_sub(1).max(1);
        let waiting = Arc::new(Semaphore::new(at_once * QUEUE));
        let memory = Arc::new(Memory::of(&waiting));
        // Of no password at all: to make a hash would take a third of the start.
        let dummy = in_words(&Entropy::System.bytes::<SALT_BYTES>(), &Entropy::System.bytes());
        let (running, threads) = (Arc::new(Semaphore::new(at_once)), Threads::new(at_once));
        Self { at_once, running, waiting, memory, threads, dummy }
    }

    /// Hashes that are being made, and those that wait for their turn.
    pub fn at_work(&self) -> (usize, usize) {
        let running = self.at_once - self.running.available_permits().min(self.at_once);
        let taken = self.at_once * QUEUE - self.waiting.available_permits().min(self.at_once * QUEUE);
        (running, taken.saturating_sub(running))
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
        let memory = self.memory.clone();
        self.run(move || memory.lend(|blocks| hash(&password, blocks))).await
    }

    /// Whether `password` is the one behind `hash`. Without a hash the answer is no, after the same work.
    ///
    /// # Errors
    /// [`Busy`] if the queue is full.
    pub async fn verify(&self, password: Zeroizing<String>, hash: Option<String>) -> Result<bool, Busy> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy.clone());
        let memory = self.memory.clone();
        let matches = self.run(move || memory.lend(|blocks| verify(&password, &hash, blocks))).await?;
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
        self.threads.spawn(work).await.map_err(|_| Busy)
    }
}

/// Threads of their own, which give way to everything else: a priority stays with its thread, so no other work may come to it.
struct Threads(Option<Runtime>);

impl Threads {
    fn new(at_once: usize) -> Self {
        let threads = Builder::new_current_thread()
            .max_blocking_threads(at_once)
            .thread_name("password")
            .on_thread_start(give_way)
            .build();
        Self(Some(threads.expect("a runtime that drives nothing asks for nothing")))
    }

    fn spawn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        self.0.as_ref().expect("it is there until it is dropped").spawn_blocking(work)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // It may be dropped where nobody can wait for a hash.
        if let Some(threads) = self.0.take() {
            threads.shutdown_background();
        }
    }
}

/// Leaves the core to every other thread that wants it, nine parts in ten.
fn give_way() {
    // Of this thread alone, on Linux; elsewhere it would be of the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        static SAID: std::sync::Once = std::sync::Once::new();
        SAID.call_once(|| tracing::warn!(%error, "Passwords are hashed at the priority of everything else"));
    }
}

/// What hashes are made in: handed on as long as more of them wait, and given back with the last.
struct Memory {
    spare: Mutex<Vec<Vec<Block>>>,
    waiting: Arc<Semaphore>,
    places: usize,
}

impl Memory {
    fn of(waiting: &Arc<Semaphore>) -> Self {
        Self { spare: Mutex::default(), waiting: waiting.clone(), places: waiting.available_permits() }
    }

    fn lend<T>(&self, work: impl FnOnce(&mut Vec<Block>) -> T) -> T {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut blocks = spare.unwrap_or_default();
        let done = work(&mut blocks);
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever lends has a place of their own.
        if self.waiting.available_permits() + 1 < self.places {
            spare.push(blocks);
        } else {
            spare.clear();
        }
        done
    }
}

/// Fills `out` with the hash.
fn fill(password: &str, salt: &[u8], params: Params, out: &mut [u8], blocks: &mut Vec<Block>) -> Option<()> {
    blocks.resize(params.block_count(), Block::new());
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, out, blocks).ok()
}

fn hash(password: &str, blocks: &mut Vec<Block>) -> String {
    let salt = Entropy::System.bytes::<SALT_BYTES>();
    let mut out = [0; Params::DEFAULT_OUTPUT_LEN];
    fill(password, &salt, cost(), &mut out, blocks).expect("argon2 takes any password of a legal length");
    in_words(&salt, &out)
}

fn cost() -> Params {
    let (memory, passes, lanes) = COST;
    Params::new(memory, passes, lanes, None).expect("the cost is a legal one")
}

fn in_words(salt: &[u8; SALT_BYTES], out: &[u8; Params::DEFAULT_OUTPUT_LEN]) -> String {
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&cost()).expect("the cost can be written"),
        salt: Salt::new(salt).ok(),
        hash: Output::new(out).ok(),
    };
    hash.to_string()
}

fn verify(password: &str, hash: &str, blocks: &mut Vec<Block>) -> bool {
    is_of(password, hash, blocks).unwrap_or(false)
}

/// Nothing if `hash` is not one of ours.
fn is_of(password: &str, hash: &str, blocks: &mut Vec<Block>) -> Option<bool> {
    let hash = PasswordHash::new(hash).ok()?;
    let ours = hash.algorithm == Algorithm::Argon2id.ident() && hash.version == Some(Version::V0x13.into());
    let (params, salt, expected) = (Params::try_from(&hash).ok()?, hash.salt.filter(|_| ours)?, hash.hash?);
    let mut out = vec![0; expected.len()];
    fill(password, &salt, params, &mut out, blocks)?;
    Some(out.ct_eq(expected.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordHasher, PasswordVerifier};

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

    #[test]
    fn a_hash_is_what_the_crate_makes_of_it_whatever_was_hashed_in_that_memory_before() {
        let memory = Memory::of(&Arc::new(Semaphore::new(8)));
        for password in ["copper lantern orbit", "", "velvet harbour kestrel"] {
            let made = memory.lend(|blocks| hash(password, blocks));
            let read = PasswordHash::new(&made).expect("a hash");
            assert!(Argon2::default().verify_password(password.as_bytes(), &read).is_ok());
            assert!(Argon2::default().verify_password(b"another", &read).is_err());
        }
        let cheap = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, None).expect("a cost"));
        let foreign = cheap.hash_password(b"copper lantern orbit").expect("a hash").to_string();
        assert!(memory.lend(|blocks| verify("copper lantern orbit", &foreign, blocks)), "at the cost it names");
        for other in ["", "x", &foreign.replace("argon2id", "argon2i"), &foreign.replace("v=19", "v=16")] {
            assert!(!memory.lend(|blocks| verify("copper lantern orbit", other, blocks)), "{other}");
        }
    }

    #[test]
    fn memory_is_kept_for_who_waits_and_given_back_by_the_last() {
        let waiting = Arc::new(Semaphore::new(8));
        let memory = Memory::of(&waiting);
        let spare = || memory.spare.lock().expect("a lock").len();
        let (mine, next) = (waiting.try_acquire().expect("a place"), waiting.try_acquire().expect("a place"));
        memory.lend(|_| {});
        assert_eq!(spare(), 1);
        drop(next);
        memory.lend(|_| {});
        assert_eq!(spare(), 0);
        drop(mine);
    }

    #[tokio::test]
    async fn a_full_queue_says_so_at_once() {
        let passwords = Passwords { waiting: Arc::new(Semaphore::new(0)), ..Passwords::new() };
        assert!(passwords.verify("x".to_owned().into(), None).await.is_err());
    }
}
