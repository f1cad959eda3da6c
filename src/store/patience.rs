//! No answer of `PostgreSQL` is waited for for ever: a server that hangs, or a network that swallows what it says, must not
//! hold whoever asked. SQLite bounds its own waiting.

use std::time::Duration;

use tokio::time::timeout;

/// For one statement, or one commit. Longer than any takes that is not stuck.
const PATIENCE: Duration = Duration::from_secs(20);

/// What `asked` answers, or that the database does not. Boxed, so that nobody carries the room of a query twice.
pub fn in_time<T>(asked: impl Future<Output = sqlx::Result<T>> + Send) -> impl Future<Output = sqlx::Result<T>> + Send {
    let asked = Box::pin(asked);
    async { timeout(PATIENCE, asked).await.unwrap_or(Err(sqlx::Error::PoolTimedOut)) }
}
