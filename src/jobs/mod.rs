//! What happens alone: mail is sent, usage and refused sign-ins are written, old hours of usage become days, expired seals
//! and sessions are swept, and so is what is kept of secrets that may not be shown again any more. Each job is a plain function that a test can call; only
//! [`run`] knows how often.

mod key_letters;
mod key_mail;
mod letters;
pub mod mail;
pub mod reminders;
pub mod session_keys;
mod shared_windows;
pub mod usage_hours;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::gate::Gate;
use crate::model::audit::Actor;
use crate::model::keyring::Keyring;
use crate::model::session_token::SessionTokens;
use crate::product::Reveal;
use crate::store::{
    Act, Db, audit_checkpoints, devices, errands, kept_secrets, key_reminders, mailed_links, oidc_transactions, once,
    refresh_tokens, refusals, sealed_secrets, watch, web_sessions,
};

/// At most one write per key in this time. A kill loses what was counted since, and what rests keep from being written.
const FLUSH_EVERY: Duration = Duration::from_millis(500);
/// What is written of keys in one transaction is followed by a rest this many times as long, once more for each transaction of the
/// round, or by less where a round would take too long with that: the counting must not take the processor from the verdicts, also
/// where very many keys were used at once. Up to some 2,000 keys are written in about a second; of more, counts wait and verdicts
/// do not.
const REST: u32 = 24;
/// For all keys that wait. A count waits two of these at most, and the time that writing takes: for the round that goes on, and for
/// its own.
const LONGEST_ROUND: Duration = Duration::from_secs(30);
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// What the jobs work with.
#[derive(Clone)]
pub struct Background {
    pub db: Db,
    pub gate: Arc<Gate>,
    pub keyring: Arc<Keyring>,
    pub tokens: Arc<SessionTokens>,
    pub clock: Clock,
    pub entropy: Entropy,
    pub installation_id: String,
    pub post: mail::Post,
    /// How often the product definition lets a secret be shown.
    pub reveal: Reveal,
    pub advice: reminders::Advice,
    /// Where nodes count rate limits together, if they do.
    pub redis: Option<redis::Client>,
}

impl Background {
    /// An act of the product's own, now.
    fn act<'a>(&'a self, product: &'a Actor) -> Act<'a> {
        Act {
            actor: product,
            at: self.clock.now(),
            keyring: &self.keyring,
            entropy: &self.entropy,
            installation_id: &self.installation_id,
        }
    }
}

fn product() -> Actor {
    Actor::machine("system", "Keydesk")
}

/// Runs every job until the process ends.
pub async fn run(background: Background) {
    // In tasks of their own, which end with this one: a long flush must not keep us from hearing of a deletion, or of what
    // other nodes let through.
    let mut listening = JoinSet::new();
    listening.spawn(watch::run(background.db.clone()));
    listening.spawn(shared_windows::run(background.clone()));
    // Side by side: a long destruction, or a slow mail server, must not keep what is counted from being written.
    tokio::join!(
        session_keys::run(&background),
        destroy_kept(&background),
        mail::run(&background),
        reminders::run(&background),
        usage_hours::run(&background),
        write_usage(&background),
        keep_house(background.clone())
    );
}

async fn keep_house(background: Background) {
    let mut flushing = interval(FLUSH_EVERY);
    let mut sweeping = interval(SWEEP_EVERY);
    flushing.set_missed_tick_behavior(MissedTickBehavior::Delay);
    sweeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = flushing.tick() => report("flush of notes", to_its_end(flush_notes(background.clone())).await),
            _ = sweeping.tick() => report("sweep", sweep(&background).await),
        }
    }
}

async fn write_usage(background: &Background) {
    let mut rest = FLUSH_EVERY;
    loop {
        tokio::select! {
            () = sleep(rest) => {}
            // So many keys that what they wait with takes more memory than a rest is worth.
            () = background.gate.usage.crowd() => {}
        }
        rest = flush_usage(background).await.max(FLUSH_EVERY);
    }
}

/// Writes what was counted of keys since the last time, resting between transactions; answers how long to rest after the last.
/// What a database that is away does not take waits for the next time.
async fn flush_usage(background: &Background) -> Duration {
    let Background { gate, db, clock, .. } = background.clone();
    let beginning = gate.clone();
    let steps = to_its_end(async move { beginning.usage.begin_round().await }).await.unwrap_or(1);
    let steps = u32::try_from(steps).unwrap_or(u32::MAX);
    loop {
        let began = clock.now();
        let (writing, into) = (gate.clone(), db.clone());
        let written = to_its_end(async move { writing.usage.write_some(&into).await }).await;
        let took = clock.now().since(began);
        match written {
            Ok(false) => return rest(took, steps),
            Ok(true) if gate.usage.is_crowded() => {}
            Ok(true) => sleep(rest(took, steps)).await,
            Err(error) => {
                report("flush", Err(error));
                return rest(took, 1);
            }
        }
    }
}

/// How long to rest after a transaction that took so long, one of so many of its round.
fn rest(took: Duration, steps: u32) -> Duration {
    (took * REST.saturating_add(steps)).min(LONGEST_ROUND / steps)
}

/// Writes what was counted and noted since the last time, at once.
///
/// # Errors
/// If the database does not answer; nothing is lost by trying again.
pub async fn flush(background: &Background) -> sqlx::Result<()> {
    let background = background.clone();
    to_its_end(async move {
        background.gate.usage.flush(&background.db, None).await?;
        flush_notes(background).await
    })
    .await
}

async fn flush_notes(background: Background) -> sqlx::Result<()> {
    let Background { db, gate, .. } = &background;
    gate.rehashes.flush(db).await?;
    gate.refused_sign_ins.flush(db, &background.act(&product())).await?;
    gate.refusals.flush(db).await
}

/// In a task of its own: whoever gives up waiting must not lose what was taken to be written.
async fn to_its_end<T: Send + 'static>(
    writing: impl Future<Output = sqlx::Result<T>> + Send + 'static,
) -> sqlx::Result<T> {
    // Only the end of the runtime keeps a task from finishing.
    tokio::spawn(writing).await.unwrap_or(Err(sqlx::Error::PoolClosed))
}

/// After a start under a definition that shows a secret once: destroys what was kept under one that shows it again.
async fn destroy_kept(background: &Background) {
    loop {
        match destroy_some_kept(background).await {
            Ok(true) => {}
            Ok(false) => return,
            // The sweep goes on with it.
            Err(error) => return report("destroy kept secrets", Err(error)),
        }
    }
}

/// Destroys some of the secrets that are kept and may not be shown again, and says whether there may be more.
///
/// # Errors
/// If the database does not answer; what was destroyed is, and the rest is by trying again.
pub async fn destroy_some_kept(background: &Background) -> sqlx::Result<bool> {
    match background.reveal {
        Reveal::Once => kept_secrets::destroy_some(&background.db, &background.act(&product())).await,
        Reveal::Again => Ok(false),
    }
}

/// Destroys what has expired: seals that nobody opened, records of sessions, and what may not be kept any more. Says the
/// checkpoints of audit chains that are due.
///
/// # Errors
/// If the database does not answer; nothing is lost by trying again.
pub async fn sweep(background: &Background) -> sqlx::Result<()> {
    let (db, now) = (&background.db, background.clock.now());
    background.gate.sweep(now);
    audit_checkpoints::say_due(db, now).await?;
    sealed_secrets::sweep(db, now).await?;
    destroy_some_kept(background).await?;
    once::sweep(db, now).await?;
    errands::sweep(db, now).await?;
    key_reminders::sweep(db, now).await?;
    devices::sweep(db, now).await?;
    mailed_links::sweep(db, now).await?;
    oidc_transactions::sweep(db, now).await?;
    refresh_tokens::sweep(db, now).await?;
    web_sessions::sweep(db, now).await?;
    refusals::sweep(db, now).await
}

fn report(job: &str, done: sqlx::Result<()>) {
    if let Err(error) = done {
        tracing::error!(job, %error, "A background job failed; it will be tried again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What 500 keys took SQLite on the machine of the last measurement.
    const TOOK: Duration = Duration::from_millis(10);

    #[test]
    fn two_thousand_keys_are_written_within_a_second_and_a_half_and_any_number_within_a_round() {
        assert!((rest(TOOK, 4) + TOOK) * 4 < Duration::from_millis(1500));
        for steps in [1, 40, 200, 2_000] {
            for slow in [TOOK, TOOK * 1_000] {
                assert!(rest(slow, steps) * steps <= LONGEST_ROUND, "{steps}");
            }
        }
    }

    #[test]
    fn the_more_keys_wait_the_less_of_the_processor_their_writing_takes_until_the_round_is_full() {
        let rests = [1, 4, 40].map(|steps| rest(TOOK, steps));
        assert!(rests.is_sorted_by(|one, next| one < next), "{rests:?}");
        assert!(rests[0] >= TOOK * REST);
        assert_eq!(rest(TOOK, 300), LONGEST_ROUND / 300);
    }
}
