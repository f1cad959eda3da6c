//! What happens alone: usage is flushed, expired seals and sessions are swept. Each job is a plain function that a test can call;
//! only [`run`] knows how often.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::clock::Clock;
use crate::gate::Gate;
use crate::store::{Db, sealed_secrets, web_sessions};

/// At most one write per key in this time; a kill loses no more than this.
const FLUSH_EVERY: Duration = Duration::from_millis(500);
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Runs every job until the process ends.
pub async fn run(db: Db, gate: Arc<Gate>, clock: Clock) {
    let mut flush = interval(FLUSH_EVERY);
    let mut sweeping = interval(SWEEP_EVERY);
    flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
    sweeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = flush.tick() => report("usage flush", gate.usage.flush(&db).await),
            _ = sweeping.tick() => report("sweep", sweep(&db, &clock).await),
        }
    }
}

/// Destroys what has expired: seals that nobody opened, records of sessions.
///
/// # Errors
/// If the database does not answer; nothing is lost by trying again.
pub async fn sweep(db: &Db, clock: &Clock) -> sqlx::Result<()> {
    let now = clock.now();
    sealed_secrets::sweep(db, now).await?;
    web_sessions::sweep(db, now).await
}

fn report(job: &str, done: sqlx::Result<()>) {
    if let Err(error) = done {
        tracing::error!(job, %error, "A background job failed; it will be tried again");
    }
}
