//! Checkpoints: heads of audit chains in the log stream, out of reach of whoever holds the database. Every thousandth
//! event of an account leaves one with its commit, and every hour each account that has new events. What was cut off a
//! chain since shows against them.

use std::time::Duration;

use super::{Db, change, columns, read};
use crate::clock::{Timestamp, hours};

/// Whom the lines come from, by which they are found again.
const TARGET: &str = "keydesk::audit";
const MESSAGE: &str = "Audit checkpoint";
/// Events of an account between two checkpoints.
const EVENTS: i64 = 1000;
/// How long an event waits for a checkpoint at most.
const EVERY: Duration = hours(1);
/// Accounts that are looked at in one turn of the job.
const AT_ONCE: i64 = 500;

/// The head of an account's chain at some moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub account_id: String,
    pub seq: i64,
    pub mac: String,
}

columns!(Checkpoint { account_id, seq, mac });

impl Checkpoint {
    /// Whether the event that was just recorded is one that leaves a checkpoint.
    pub(super) fn is_due(seq: i64) -> bool {
        seq % EVENTS == 0
    }

    pub(super) fn say(&self) {
        let Self { account_id, seq, mac } = self;
        tracing::info!(target: TARGET, account = %account_id, seq, mac = %mac, "{MESSAGE}");
    }

    /// The checkpoint in a line of the log as `LOG_FORMAT=json` writes it; nothing in any other line.
    ///
    /// # Errors
    /// If the line is a checkpoint and cannot be read.
    pub fn in_line(line: &str) -> Result<Option<Self>, serde_json::Error> {
        #[derive(serde::Deserialize)]
        struct Line {
            target: String,
            message: String,
            account: String,
            seq: i64,
            mac: String,
        }
        if !(line.contains(TARGET) && line.contains(MESSAGE)) {
            return Ok(None);
        }
        let Line { target, message, account, seq, mac } = serde_json::from_str(line)?;
        let found = Self { account_id: account, seq, mac };
        Ok((target == TARGET && message == MESSAGE).then_some(found))
    }
}

/// Says the heads of accounts that have events which no checkpoint of the last hour covers, each on one node. Said before
/// it is certain to be noted: a process that dies between the two says one twice, and leaves none out.
pub async fn say_due(db: &Db, now: Timestamp) -> sqlx::Result<()> {
    const DUE: &str = "
        select id as account_id, audit_seq as seq, audit_mac as mac
        from accounts
        where audit_seq <> checkpoint_seq
        and checkpoint_at <= $1
        order by checkpoint_at
        limit $2";
    // Whoever comes second waits for the first, and finds that nothing is due any more.
    const NOTE: &str = "
        update accounts
        set checkpoint_seq = $2,
            checkpoint_at = $3
        where id = $1
        and checkpoint_at <= $4";
    loop {
        let mut due: Vec<Checkpoint> =
            read!(db, c => sqlx::query_as(DUE).bind(now - EVERY).bind(AT_ONCE).fetch_all(c))?;
        if due.is_empty() {
            return Ok(());
        }
        // In one order on every node, so that no two of them wait for each other.
        due.sort_unstable_by(|one, other| one.account_id.cmp(&other.account_id));
        let mut tx = db.begin().await?;
        for head in &due {
            let noted =
                change!(&mut tx, sqlx::query(NOTE).bind(&head.account_id).bind(head.seq).bind(now).bind(now - EVERY));
            if noted > 0 {
                head.say();
            }
        }
        tx.commit().await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_read_from_its_line_and_from_no_other() {
        let line = r#"{"timestamp":"2026-11-21T14:05:00Z","level":"INFO","message":"Audit checkpoint","account":"acc_1","seq":1000,"mac":"ab","target":"keydesk::audit"}"#;
        let found = Checkpoint { account_id: "acc_1".into(), seq: 1000, mac: "ab".into() };
        assert_eq!(Checkpoint::in_line(line).expect("JSON"), Some(found));
        for other in ["", "{}", "not JSON", &line.replace("keydesk::audit\"", "keydesk::other\"")] {
            assert_eq!(Checkpoint::in_line(other).expect("no checkpoint"), None, "{other}");
        }
        assert_eq!(Checkpoint::in_line(&line.replace("::audit\"", "::audit_\"")).expect("JSON"), None);
        assert!(Checkpoint::in_line(&line[..line.len() - 1]).is_err(), "a line that was cut");
    }
}
