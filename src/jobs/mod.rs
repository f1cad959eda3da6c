//! What happens alone: mail is sent, usage and refused sign-ins are written, expired seals and sessions are swept. Each job is a
//! plain function that a test can call; only [`run`] knows how often.

mod letters;
pub mod mail;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::gate::Gate;
use crate::model::audit::Actor;
use crate::model::keyring::Keyring;
use crate::store::{Act, Db, errands, mailed_links, once, sealed_secrets, watch, web_sessions};

/// At most one write per key in this time; a kill loses no more than what was counted since.
const FLUSH_EVERY: Duration = Duration::from_millis(500);
/// A flush that takes long, because very many keys were used at once, is followed by a rest this many times as long: the
/// counting must not take the processor from the verdicts.
const REST: u32 = 19;
/// No count waits longer than this for its flush to begin.
const LONGEST_REST: Duration = Duration::from_secs(30);
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// What the jobs work with.
#[derive(Clone)]
pub struct Background {
    pub db: Db,
    pub gate: Arc<Gate>,
    pub keyring: Arc<Keyring>,
    pub clock: Clock,
    pub entropy: Entropy,
    pub installation_id: String,
    pub post: mail::Post,
}

/// Runs every job until the process ends.
pub async fn run(background: Background) {
    // Side by side: a long flush must not keep us from hearing of a deletion.
    // And a slow mail server must keep us from neither.
    tokio::join!(watch::run(background.db.clone()), mail::run(background.clone()), keep_house(background));
}

async fn keep_house(background: Background) {
    let mut flushing = interval(FLUSH_EVERY);
    let mut sweeping = interval(SWEEP_EVERY);
    flushing.set_missed_tick_behavior(MissedTickBehavior::Delay);
    sweeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = flushing.tick() => {
                let began = background.clock.now();
                report("flush", flush(&background).await);
                let took = background.clock.now().since(began);
                flushing.reset_after((took * REST).clamp(FLUSH_EVERY, LONGEST_REST));
            }
            _ = sweeping.tick() => report("sweep", sweep(&background).await),
        }
    }
}

/// Writes what was counted and noted since the last time. In a task of its own: whoever gives up waiting must not lose
/// what was taken to be written.
///
/// # Errors
/// If the database does not answer; nothing is lost by trying again.
pub async fn flush(background: &Background) -> sqlx::Result<()> {
    let Background { db, gate, keyring, clock, entropy, installation_id, .. } = background.clone();
    let writing = tokio::spawn(async move {
        let product = Actor::machine("system", "Keydesk");
        let act = Act {
            actor: &product,
            at: clock.now(),
            keyring: &keyring,
            entropy: &entropy,
            installation_id: &installation_id,
        };
        gate.usage.flush(&db, None).await?;
        gate.refused_sign_ins.flush(&db, &act).await
    });
    // Only the end of the runtime keeps a task from finishing.
    writing.await.unwrap_or(Err(sqlx::Error::PoolClosed))
}

/// Destroys what has expired: seals that nobody opened, records of sessions.
///
/// # Errors
/// If the database does not answer; nothing is lost by trying again.
pub async fn sweep(background: &Background) -> sqlx::Result<()> {
    let (db, now) = (&background.db, background.clock.now());
    background.gate.sweep(now);
    sealed_secrets::sweep(db, now).await?;
    once::sweep(db, now).await?;
    errands::sweep(db, now).await?;
    mailed_links::sweep(db, now).await?;
    web_sessions::sweep(db, now).await
}

fn report(job: &str, done: sqlx::Result<()>) {
    if let Err(error) = done {
        tracing::error!(job, %error, "A background job failed; it will be tried again");
    }
}
