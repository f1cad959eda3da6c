//! Fills the audit log of somebody's account for `scripts/bench`, in bulk: the rows are those that `store::audit_events`
//! writes, chain and head and all, only many to a transaction, spread over the last 400 days. SQLite only.

mod bulk;

use std::time::Duration;

use clap::Parser;
use keydesk::clock::{Clock, Timestamp, days};
use keydesk::config::Settings;
use keydesk::entropy::Entropy;
use keydesk::model::audit::{Action, AuditEvent};
use keydesk::model::keyring::Keyring;
use keydesk::model::user::User;
use keydesk::store::{Db, Engine, users};

use bulk::{AT_ONCE, NAMES, audit};

type Failure = Box<dyn std::error::Error>;

/// Rows of one transaction.
const TOGETHER: i64 = 50_000;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    settings: Settings,
    /// Whose account.
    #[arg(long)]
    email: String,
    /// Events to add.
    #[arg(long)]
    events: i64,
}

/// The chain as far as it is made.
struct Chain {
    keyring: Keyring,
    user: User,
    from: Timestamp,
    step: Duration,
    seq: i64,
    mac: String,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let Line { settings, email, events } = Line::parse();
    let keyring = settings.existing_secret_file()?.newest();
    let db = Db::open(&settings.database_url()).await?;
    let Engine::Sqlite { writer, .. } = &db.engine else { return Err("only SQLite is filled in bulk".into()) };
    // What a power cut would lose is seeded again.
    sqlx::raw_sql("pragma synchronous = off; pragma wal_autocheckpoint = 200000; pragma cache_size = -500000")
        .execute(writer)
        .await?;
    let (user, _) = users::find_by_email(&db, &email).await?.ok_or("nobody signs in with this address")?;
    let (seq, mac) = sqlx::query_as("select audit_seq, audit_mac from accounts where id = $1")
        .bind(&user.account_id)
        .fetch_one(writer)
        .await?;
    let from = Clock::System.now() - days(400);
    let step = days(400) / u32::try_from(events.max(1))?;
    let mut chain = Chain { keyring, user, from, step, seq, mac };
    let mut left = events;
    while left > 0 {
        let part = left.min(TOGETHER);
        let mut tx = writer.begin_with("begin immediate").await?;
        for start in (0..part).step_by(AT_ONCE) {
            let rows: Vec<AuditEvent> =
                (start..part.min(start + i64::try_from(AT_ONCE)?)).map(|_| chain.next()).collect();
            audit(&rows).build().execute(&mut *tx).await?;
        }
        sqlx::query("update accounts set audit_seq = $2, audit_mac = $3 where id = $1")
            .bind(&chain.user.account_id)
            .bind(chain.seq)
            .bind(&chain.mac)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        left -= part;
    }
    sqlx::query(NAMES).bind(&chain.user.account_id).execute(writer).await?;
    db.close().await;
    println!("{events} audit events in the account of {email}");
    Ok(())
}

impl Chain {
    fn next(&mut self) -> AuditEvent {
        self.seq += 1;
        let number = usize::try_from(self.seq).unwrap_or_default();
        let action = Action::ALL[number % Action::ALL.len()];
        let mut event = AuditEvent {
            id: Entropy::System.id("evt"),
            account_id: self.user.account_id.clone(),
            seq: self.seq,
            at: self.from + self.step * u32::try_from(self.seq).unwrap_or(u32::MAX),
            action,
            actor_kind: "user".into(),
            actor_id: self.user.id.clone(),
            actor_name: self.user.name.clone(),
            actor_role: self.user.role.to_string(),
            session_id: "ses_0123456789abcdef".into(),
            ip: format!("192.0.2.{}", number % 250),
            user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0".into(),
            request_id: "req_0123456789abcdef".into(),
            target_id: format!("key_{:016}", number % 1000),
            target_name: format!("worker-{}", number % 1000),
            detail: if number.is_multiple_of(3) { "old key stops in 24 hours".into() } else { String::new() },
            mac: String::new(),
        };
        event.mac = event.chained(&self.mac, &self.keyring);
        self.mac.clone_from(&event.mac);
        event
    }
}
