//! Counts rate limits together with the other nodes, through a Valkey or Redis. Each node writes what it let through, as a
//! sum, so that a word that was lost or came twice changes nothing, and reads what the others wrote. No verdict waits for
//! it: while it is away each node counts alone.

use std::collections::BTreeMap;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisResult};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::Background;
use crate::gate::shared_windows::{SharedWindows, Spent};

/// From the beginning of one exchange to that of the next: what a key spends elsewhere is known here so much later, and
/// two ways to the server.
const PACE: Duration = Duration::from_millis(10);
/// Keys in one exchange; the rest comes with the next.
const KEYS_AT_ONCE: usize = 2000;
/// How long the server may take for what it is asked; then it is away.
const PATIENCE: Duration = Duration::from_millis(500);
/// With nothing to exchange, the server is asked this often whether it is there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);
/// How long to wait before it is looked for again.
const AGAIN: Duration = Duration::from_millis(500);
/// Seconds that a minute is kept: longer than clocks should ever differ.
const KEPT: i64 = 180;

/// Exchanges counts until the process ends; does nothing where no server is set.
pub(super) async fn run(background: Background) {
    let Some(client) = &background.redis else { return };
    let windows = &background.gate.shared_windows;
    let node = background.entropy.id("nod");
    let root = format!("keydesk:{{{}}}", background.installation_id);
    let mut was_away = false;
    loop {
        if let Ok(connection) = begin(client).await {
            if std::mem::take(&mut was_away) {
                tracing::info!("Rate limits are counted together with the other nodes again");
            }
            share(windows, Place { connection, root: &root, node: &node }).await;
        }
        windows.count_alone();
        if !std::mem::replace(&mut was_away, true) {
            // What the client says of the reason may hold the password of the server.
            tracing::warn!("KEYDESK_REDIS_URL does not answer: until it does, this node counts rate limits alone");
        }
        sleep(AGAIN).await;
    }
}

async fn begin(client: &Client) -> RedisResult<MultiplexedConnection> {
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE)).set_response_timeout(Some(PATIENCE));
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    redis::cmd("PING").query_async::<()>(&mut connection).await?;
    Ok(connection)
}

/// Exchanges counts until the server does not answer.
async fn share(windows: &SharedWindows, mut place: Place<'_>) {
    windows.share();
    loop {
        // With nothing to take, it is time for a sign of life.
        let _ = timeout(SIGN_OF_LIFE, windows.wait()).await;
        let next = Instant::now() + PACE;
        if place.exchange(&windows.take(KEYS_AT_ONCE)).await.is_err() {
            return;
        }
        sleep_until(next).await;
    }
}

/// Where this node writes what it let through.
struct Place<'a> {
    connection: MultiplexedConnection,
    /// What every name begins with. Braces keep all of them together on a server that is spread over several.
    root: &'a str,
    node: &'a str,
}

impl Place<'_> {
    async fn exchange(&mut self, spent: &[Spent]) -> RedisResult<()> {
        let mut minutes = BTreeMap::<u32, Vec<&Spent>>::new();
        for one in spent {
            minutes.entry(one.counted.minute).or_default().push(one);
        }
        if minutes.is_empty() {
            return redis::cmd("PING").query_async(&mut self.connection).await;
        }
        for (minute, spent) in minutes {
            self.exchange_minute(minute, &spent).await?;
        }
        Ok(())
    }

    /// Writes before it reads: of two nodes that do so at once, one at least reads what the other wrote.
    async fn exchange_minute(&mut self, minute: u32, spent: &[&Spent]) -> RedisResult<()> {
        let nodes = format!("{}:{minute}", self.root);
        let of = |node: &str| format!("{nodes}:{node}");
        let own: Vec<_> = spent.iter().map(|one| (one.key_id(), one.counted.requests)).collect();
        let mut telling = redis::pipe();
        telling.cmd("HSET").arg(of(self.node)).arg(own).ignore();
        telling.cmd("EXPIRE").arg(of(self.node)).arg(KEPT).ignore();
        telling.cmd("SADD").arg(&nodes).arg(self.node).ignore();
        telling.cmd("EXPIRE").arg(&nodes).arg(KEPT).ignore();
        telling.cmd("SMEMBERS").arg(&nodes);
        let (all,): (Vec<String>,) = telling.query_async(&mut self.connection).await?;
        let ids: Vec<_> = spent.iter().map(|one| one.key_id()).collect();
        let mut asking = redis::pipe();
        for node in all.iter().filter(|node| *node != self.node) {
            asking.cmd("HMGET").arg(of(node)).arg(&ids);
        }
        if asking.is_empty() {
            return Ok(());
        }
        let counts: Vec<Vec<Option<u64>>> = asking.query_async(&mut self.connection).await?;
        for (index, one) in spent.iter().enumerate() {
            let sum =
                counts.iter().filter_map(|of_node| of_node.get(index).copied().flatten()).fold(0, u64::saturating_add);
            one.hear(u32::try_from(sum).unwrap_or(u32::MAX));
        }
        Ok(())
    }
}
