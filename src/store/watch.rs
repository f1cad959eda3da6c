//! Other processes' changes: another node on `PostgreSQL` says what it changed (`LISTEN`/`NOTIFY`); on SQLite the file's
//! own counter tells that the command line wrote. Within two seconds of that falling silent nothing the gate remembers is
//! trusted any more: every request reads the database until it is heard again.

use std::time::Duration;

use sqlx::postgres::{PgListener, PgPool};
use sqlx::sqlite::SqlitePool;
use sqlx::{Postgres, Transaction};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::changes::Changes;
use super::{Db, Engine};

const CHANNEL: &str = "keydesk_changes";
/// How often a node says that it is there, and hears itself say so.
const BEAT: Duration = Duration::from_millis(500);
/// Silence beyond this is deafness; it is noticed at the next beat.
const SILENCE: Duration = Duration::from_secs(1);
/// How long the one writing connection of SQLite may be busy with something else.
const BUSY: Duration = Duration::from_secs(2);
/// Key ids in one notification: its payload is at most 8000 bytes.
const IDS_AT_ONCE: usize = 200;

/// Keeps [`Db::changes`] in step with what other processes write, until it is dropped.
pub async fn run(db: Db) {
    match &db.engine {
        Engine::Sqlite { writer, .. } => watch_file(writer, db.changes()).await,
        Engine::Postgres(pool) => loop {
            let lost = listen(pool, db.changes()).await;
            db.changes().lose_sight();
            tracing::warn!(error = ?lost.err(), "Other nodes are out of hearing: every verdict reads the database");
            tokio::time::sleep(BEAT).await;
        },
    }
}

/// Asks the one connection that writes whether anybody else did.
async fn watch_file(writer: &SqlitePool, changes: &Changes) {
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = None;
    loop {
        beats.tick().await;
        match timeout(BUSY, data_version(writer)).await {
            Ok(Ok(version)) if before == Some(version) => {}
            // Also the first time, and when the connection was opened anew.
            Ok(Ok(version)) => {
                before = Some(version);
                changes.watch();
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
async fn listen(pool: &PgPool, changes: &Changes) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    changes.watch();
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = tokio::time::Instant::now();
    loop {
        tokio::select! {
            said = listener.try_recv() => match said? {
                Some(said) if said.payload().is_empty() => heard = tokio::time::Instant::now(),
                Some(said) => changes.note(&said.payload().split(' ').collect::<Vec<_>>()),
                // The connection broke; what was said meanwhile is lost.
                None => return Ok(()),
            },
            _ = beats.tick() => {
                if heard.elapsed() > SILENCE {
                    return Ok(());
                }
                // On the connection that listens: a pool that is used up must not deafen us, or every verdict would ask the
                // database that has no connection to spare.
                let spoken = sqlx::query("select pg_notify($1, '')").bind(CHANNEL).execute(&mut listener);
                timeout(BEAT, spoken).await.map_err(|_| sqlx::Error::PoolTimedOut)??;
            }
        }
    }
}

/// Tells the other nodes which keys a transaction changes; they hear it when it commits.
pub(super) async fn tell_others(tx: &mut Transaction<'static, Postgres>, changed: &[String]) -> sqlx::Result<()> {
    for ids in changed.chunks(IDS_AT_ONCE) {
        sqlx::query("select pg_notify($1, $2)").bind(CHANNEL).bind(ids.join(" ")).execute(&mut **tx).await?;
    }
    Ok(())
}
