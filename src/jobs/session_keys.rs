//! Keeps this node's session-token keys in step with the database, where the command line rotates them.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::{Background, report};
use crate::store::session_keys;

/// A key that was dropped opens nothing on any node within a second. While the database is away a node keeps the keys it
/// has; nothing is opened with them then, because the session of every token is asked of the same database.
const EVERY: Duration = Duration::from_millis(500);

pub(super) async fn run(background: &Background) {
    let mut beats = interval(EVERY);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beats.tick().await;
        report("session keys", follow(background).await);
    }
}

/// Takes over the generations that the database has now.
///
/// # Errors
/// If the database does not answer; then the keys stay as they are.
pub async fn follow(background: &Background) -> sqlx::Result<()> {
    let generations = session_keys::list(&background.db, background.clock.now()).await?;
    background.tokens.know(&generations);
    Ok(())
}
