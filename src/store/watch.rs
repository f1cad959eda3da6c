//! Other processes' changes: another node on `PostgreSQL` says what it changed (`LISTEN`/`NOTIFY`); on SQLite the file's
//! own counter tells that the command line wrote. Within two seconds of that falling silent nothing the gate remembers is
//! trusted any more: every request reads the database until it is heard again.

use std::collections::VecDeque;
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPool, PgPoolOptions};
use sqlx::sqlite::SqlitePool;
use sqlx::{Postgres, Transaction};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::changes::Changes;
use super::{Db, Engine};

const CHANNEL: &str = "keydesk_changes";
/// How often a node says that it is there, and hears itself say so.
const BEAT: Duration = Duration::from_millis(500);
/// Silence beyond this is deafness; it is noticed at the next beat.
const SILENCE: Duration = Duration::from_secs(1);
/// What a node hears itself say, it said at some moment: all that others committed before that has been heard too. For so
/// long after it a verdict may be given from memory.
const TRUST: Duration = Duration::from_secs(2);
/// How long it may take to begin to listen.
const BEGIN: Duration = Duration::from_secs(2);
/// How long the one writing connection of SQLite may be busy with something else.
const BUSY: Duration = Duration::from_secs(2);
/// Key ids in one notification: its payload is at most 8000 bytes.
const IDS_AT_ONCE: usize = 200;

/// Keeps [`Db::changes`] in step with what other processes write, until it is dropped.
pub async fn run(db: Db) {
    match &db.engine {
        Engine::Sqlite { writer, .. } => watch_file(writer, db.changes()).await,
        Engine::Postgres(pool) => hear_nodes(pool, db.changes()).await,
    }
}

async fn hear_nodes(pool: &PgPool, changes: &Changes) {
    let mut is_deaf = false;
    loop {
        let began = Instant::now();
        let lost = match timeout(BEGIN, begin(pool)).await {
            Ok(Ok((listener, own))) => {
                changes.watch_until(began + TRUST);
                if std::mem::take(&mut is_deaf) {
                    tracing::info!("Other nodes are heard again");
                }
                listen(listener, own, changes).await
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(sqlx::Error::PoolTimedOut),
        };
        changes.lose_sight();
        if !std::mem::replace(&mut is_deaf, true) {
            tracing::warn!(error = ?lost.err(), "Other nodes are out of hearing: every verdict reads the database");
        }
        tokio::time::sleep(BEAT).await;
    }
}

/// Asks the one connection that writes whether anybody else did.
async fn watch_file(writer: &SqlitePool, changes: &Changes) {
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = None;
    loop {
        beats.tick().await;
        let asked = Instant::now();
        match timeout(BUSY, data_version(writer)).await {
            Ok(Ok(version)) if before == Some(version) => changes.still_watched_until(asked + BUSY + BEAT),
            // Also the first time, and when the connection was opened anew.
            Ok(Ok(version)) => {
                before = Some(version);
                changes.watch_until(asked + BUSY + BEAT);
            }
            Ok(Err(_)) | Err(_) => {
                before = None;
                changes.lose_sight();
            }
        }
    }
}

/// Changes when another connection than this one has changed the file.
async fn data_version(writer: &SqlitePool) -> sqlx::Result<i64> {
    let (version,) = sqlx::query_as("select data_version from pragma_data_version").fetch_one(writer).await?;
    Ok(version)
}

/// Hears the other nodes until the connection breaks or goes silent. Every node speaks every half second, if only to hear
/// itself.
async fn listen(mut listener: PgListener, own: u32, changes: &Changes) -> sqlx::Result<()> {
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // When each beat was spoken that was not heard yet.
    let mut unheard = VecDeque::new();
    loop {
        tokio::select! {
            said = listener.try_recv() => match said? {
                Some(said) if !said.payload().is_empty() => changes.note(&said.payload().split(' ').collect::<Vec<_>>()),
                // Another node's says nothing of what we missed.
                Some(said) if said.process_id() != own => {}
                Some(_) => if let Some(spoken) = unheard.pop_front() {
                    changes.still_watched_until(spoken + TRUST);
                },
                // The connection broke; what was said meanwhile is lost.
                None => return Ok(()),
            },
            _ = beats.tick() => {
                if unheard.front().is_some_and(|spoken: &Instant| spoken.elapsed() > SILENCE) {
                    return Ok(());
                }
                unheard.push_back(Instant::now());
                // On the connection that listens: it is its hearing that is tested.
                let spoken = sqlx::query("select pg_notify($1, '')").bind(CHANNEL).execute(&mut listener);
                timeout(SILENCE, spoken).await.map_err(|_| sqlx::Error::PoolTimedOut)??;
            }
        }
    }
}

/// Somebody who listens, and the number of their connection. Outside the pool: one that is used up must not keep us deaf,
/// or every verdict would ask the database that has no connection to spare.
async fn begin(pool: &PgPool) -> sqlx::Result<(PgListener, u32)> {
    let options = pool.connect_options().as_ref().clone();
    let alone = PgPoolOptions::new().max_connections(1).acquire_timeout(BEGIN).connect_lazy_with(options);
    let mut listener = PgListener::connect_with(&alone).await?;
    // One that comes back by itself would hide that something was missed.
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    let (own,): (i32,) = sqlx::query_as("select pg_backend_pid()").fetch_one(&mut listener).await?;
    Ok((listener, own.cast_unsigned()))
}

/// Tells the other nodes which keys a transaction changes; they hear it when it commits.
pub(super) async fn tell_others(tx: &mut Transaction<'static, Postgres>, changed: &[String]) -> sqlx::Result<()> {
    for ids in changed.chunks(IDS_AT_ONCE) {
        sqlx::query("select pg_notify($1, $2)").bind(CHANNEL).bind(ids.join(" ")).execute(&mut **tx).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_believed_up_to_a_moment_and_no_longer() {
        let changes = Changes::default();
        let now = Instant::now();
        assert!(!changes.is_watched(), "nobody has listened yet");
        changes.watch_until(now + Duration::from_secs(3600));
        assert!(changes.is_watched());
        // As if whoever should have moved it on had been stopped.
        changes.still_watched_until(now);
        assert!(!changes.is_watched());
        changes.still_watched_until(now + Duration::from_secs(3600));
        assert!(changes.is_watched());
        changes.lose_sight();
        assert!(!changes.is_watched());
    }

    #[test]
    fn whoever_listens_anew_believes_nothing_that_was_read_before() {
        let changes = Changes::default();
        changes.watch();
        let seen = changes.seen_now();
        assert!(changes.is_current("key_1", &seen));
        changes.watch_until(Instant::now() + Duration::from_secs(3600));
        assert!(!changes.is_current("key_1", &seen));
    }
}
