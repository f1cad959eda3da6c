//! Reminders: looks for keys that somebody should hear of and asks for the mails, in chunks, by index. It may be run as
//! often as anybody likes: the store says each thing once.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::{Background, product, report};
use crate::model::reminder::Reminder;
use crate::store::key_reminders::{self, CHUNK, Due};

const LOOK_EVERY: Duration = Duration::from_secs(300);
/// An hour is looked at when its counts are written: so long after its end.
const SETTLED: Duration = Duration::from_secs(120);

/// What the product definition offers of what a mail may advise.
#[derive(Clone, Copy, Debug)]
pub struct Advice {
    /// Whether a page makes keys.
    pub creates: bool,
    /// Whether a page rotates keys.
    pub rotates: bool,
    /// Whether programs make keys over the API.
    pub creates_over_api: bool,
    /// Whether programs rotate keys over the API.
    pub rotates_over_api: bool,
    /// How old a secret should get, where a page rotates and the definition says so.
    pub rotates_after: Option<Duration>,
}

/// Looks every few minutes until the process ends.
pub(super) async fn run(background: &Background) {
    let mut looking = interval(LOOK_EVERY);
    looking.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looking.tick().await;
        report("reminders", remind(background).await);
    }
}

/// Asks for every mail about a key that is due.
///
/// # Errors
/// If the database does not answer; nothing is lost by trying again.
pub async fn remind(background: &Background) -> sqlx::Result<()> {
    let (db, now) = (&background.db, background.clock.now());
    for reminder in [Reminder::ExpiresIn14Days, Reminder::ExpiresIn3Days, Reminder::Expired] {
        while tell(background, reminder, &key_reminders::expiring(db, reminder, now).await?).await? {}
    }
    if let Some(age) = background.advice.rotates_after {
        while tell(background, Reminder::RotationDue, &key_reminders::old(db, age, now).await?).await? {}
    }
    spikes(background).await?;
    background.post.bell.notify_one();
    Ok(())
}

/// The last hour that is counted to its end.
async fn spikes(background: &Background) -> sqlx::Result<()> {
    let hour = (background.clock.now() - SETTLED).hour() - 1;
    let mut after = String::new();
    loop {
        let busy = key_reminders::busy(&background.db, hour, &after).await?;
        let due: Vec<Due> =
            busy.iter().filter(|busy| busy.stretch().spike().is_some()).map(key_reminders::Busy::due).collect();
        tell(background, Reminder::Spike, &due).await?;
        match busy.last() {
            Some(last) if busy.len() == CHUNK => last.key_id.clone_into(&mut after),
            _ => return Ok(()),
        }
    }
}

/// Answers whether there may be more of them.
async fn tell(background: &Background, reminder: Reminder, due: &[Due]) -> sqlx::Result<bool> {
    if !due.is_empty() {
        key_reminders::tell(&background.db, &background.act(&product()), reminder, due).await?;
    }
    Ok(due.len() == CHUNK)
}
