//! What happens often is told seldom: once a minute, with how often it was. A flood must not flood the log.

use std::time::Duration;

use tokio::time::Instant;

const EVERY: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub struct Seldom {
    times: u64,
    told: Option<Instant>,
}

impl Seldom {
    /// It has happened; how often since it was told of last, if it is to be told of now.
    pub fn happened(&mut self) -> Option<u64> {
        self.times += 1;
        let now = Instant::now();
        if self.told.is_some_and(|told| now.duration_since(told) < EVERY) {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.times))
    }
}
