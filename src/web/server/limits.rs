//! How long, how large and how many: what a connection may take before it is cut, so that no client holds what others
//! need. The figures are those of `SECURITY.md`; a test passes shorter ones.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::error::Elapsed;
use tokio::time::timeout;

/// Bytes of a request's first line and headers; hyper answers 431 beyond it, and beyond a hundred headers.
pub const LARGEST_HEAD: usize = 16 * 1024;
/// Bytes of a path with its query; 414 beyond it.
pub const LONGEST_URI: usize = 4 * 1024;

#[derive(Clone, Debug)]
pub struct Limits {
    /// From the connection to the first byte of its first request.
    pub first_byte: Duration,
    /// For a TLS handshake.
    pub handshake: Duration,
    /// From the first byte of a request to the end of its headers.
    pub head: Duration,
    /// From one request to the first byte of the next. Gateways keep theirs open for less.
    pub idle: Duration,
    /// For an answer to begin.
    pub handler: Duration,
    /// For a client that does not read to read something.
    pub write_stall: Duration,
    /// Between the order to stop and the last connection taken.
    pub drain_delay: Duration,
    /// For requests in flight after that.
    pub drain: Duration,
    /// Held at once.
    pub connections: usize,
    /// Held at once by one address, or one IPv6 /64, that is no trusted proxy.
    pub connections_per_address: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            first_byte: Duration::from_secs(10),
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            handler: Duration::from_secs(15),
            write_stall: Duration::from_secs(30),
            drain_delay: Duration::ZERO,
            // A stop ends within ten seconds; the rest is for what was counted.
            drain: Duration::from_secs(7),
            connections: 16_384,
            connections_per_address: 512,
        }
    }
}

/// What `future` becomes, unless that takes longer than `limit`.
///
/// # Errors
/// If it does.
pub async fn within<F: Future>(limit: Duration, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    // A verdict out of memory is there at once: no clock is read, no timer set.
    match std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await {
        Poll::Ready(done) => Ok(done),
        Poll::Pending => timeout(limit, future).await,
    }
}
