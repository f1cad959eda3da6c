//! Keeps the hours of usage bounded: after [`KEPT_DAYS`] days a key's hours are one day. The sums stay for good.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::{Background, report};
use crate::store::usage_roll_up;

/// Days whose hours are kept, beside those of today: as far back as the pages look.
pub const KEPT_DAYS: i64 = 90;
const EVERY: Duration = Duration::from_secs(3600);

pub(super) async fn run(background: &Background) {
    let mut beats = interval(EVERY);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beats.tick().await;
        report("roll up hours", roll_up(background).await);
    }
}

/// Rolls up every hour that is older, a chunk at a time.
///
/// # Errors
/// If the database does not answer; what was rolled up is, and the rest is by trying again.
pub async fn roll_up(background: &Background) -> sqlx::Result<()> {
    let today = background.clock.now().hour().div_euclid(24);
    while usage_roll_up::roll_up_some(&background.db, (today - KEPT_DAYS) * 24).await? {
        // Whoever waits to write comes first.
        tokio::task::yield_now().await;
    }
    Ok(())
}
