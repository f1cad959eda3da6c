//! The chain of an account's audit events, and a walk along it that stops at the first event that somebody touched.
//! Each MAC covers the event and the MAC before it; the account's head holds the last, and checkpoints in the log hold
//! some between.

use std::fmt;

use hmac::Mac;

use super::audit_digest::AuditDigest;
use super::audit_keys::{AuditKey, AuditKeys};
use super::keyring::hex;

/// The MAC of an event behind `previous`: every field with its length before it, so no two events read alike.
pub fn mac(fields: [&str; 16], previous: &str, key: &AuditKey) -> String {
    let mut mac = key.mac();
    for field in fields.into_iter().chain([previous]) {
        mac.update(&(field.len() as u64).to_be_bytes());
        mac.update(field.as_bytes());
    }
    hex(&mac.finalize().into_bytes())
}

/// An event as it lies in the database, where everything in it may be somebody else's word.
#[derive(Clone, Debug)]
pub struct Link {
    pub account_id: String,
    pub seq: i64,
    pub id: String,
    /// In microseconds.
    pub at: i64,
    pub action: String,
    pub actor_kind: String,
    pub actor_id: String,
    pub actor_name: String,
    pub actor_role: String,
    pub session_id: String,
    pub ip: String,
    pub user_agent: String,
    pub request_id: String,
    pub target_id: String,
    pub target_name: String,
    pub detail: String,
    pub mac: String,
}

impl Link {
    /// Whether it was written as event `seq` behind `previous`.
    pub fn belongs(&self, seq: i64, previous: &str, key: &AuditKey) -> bool {
        self.with_fields(seq, |fields| mac(fields, previous, key)) == self.mac
    }

    /// What it says, as event `seq`.
    pub(super) fn with_fields<T>(&self, seq: i64, take: impl FnOnce([&str; 16]) -> T) -> T {
        let (seq, at) = (seq.to_string(), self.at.to_string());
        let fields = [
            &self.account_id,
            &seq,
            &at,
            &self.id,
            &self.action,
            &self.actor_kind,
            &self.actor_id,
            &self.actor_name,
            &self.actor_role,
            &self.session_id,
            &self.ip,
            &self.user_agent,
            &self.request_id,
            &self.target_id,
            &self.target_name,
            &self.detail,
        ];
        take(fields.map(String::as_str))
    }
}

/// A row of the events.
#[derive(Clone, Debug)]
pub struct Row {
    pub seq: i64,
    pub id: String,
    /// None where a column holds what no Keydesk writes.
    pub link: Option<Link>,
}

/// Where a chain ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    pub seq: i64,
    pub mac: String,
}

/// What is wrong with the first bad event of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// A field or the MAC is not what was written.
    Edited,
    /// What belongs here stands at another place.
    Swapped { with: i64 },
    /// Nothing is here, but after it.
    Missing,
    /// Before the first.
    Added,
    /// The account counts more events than there are.
    TailCut { counted: i64 },
    /// The account's head is not the end of its events.
    HeadDiffers,
    /// The last was recorded under a secret file that did not count any more: what closed its part of the log is gone.
    LeftOpen,
    /// What it vouches for is not what it vouched for then.
    ChangedBefore,
    /// The account itself is gone.
    AccountGone,
    /// A checkpoint saw another event here.
    CheckpointDiffers,
    /// A checkpoint saw this event, and it is not there.
    CutBehindCheckpoint { seen: i64 },
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edited => f.write_str("edited: it is not what was recorded"),
            Self::Swapped { with } => write!(f, "swapped: the event that belongs here stands at {with}"),
            Self::Missing => f.write_str("missing: it was deleted"),
            Self::Added => f.write_str("added: no event is recorded here"),
            Self::TailCut { counted } => write!(f, "tail cut: the account counts {counted} events"),
            Self::HeadDiffers => f.write_str("head does not match: the account ends its events elsewhere"),
            Self::LeftOpen => f.write_str(
                "tail cut: it was recorded under a secret file that was replaced, and the event that says so is missing",
            ),
            Self::ChangedBefore => {
                f.write_str("does not match: an event before it was changed since it recorded the loss of the secret file")
            }
            Self::AccountGone => f.write_str("missing: the account itself is gone"),
            Self::CheckpointDiffers => f.write_str("rewritten: a checkpoint in the log saw another event here"),
            Self::CutBehindCheckpoint { seen } => write!(f, "tail cut: a checkpoint in the log saw event {seen}"),
        }
    }
}

/// The first bad event of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    pub account_id: String,
    pub seq: i64,
    /// Empty where there is none.
    pub event_id: String,
    pub flaw: Flaw,
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = if self.event_id.is_empty() { "none" } else { &self.event_id };
        write!(f, "{}: event {} ({id}) {}", self.account_id, self.seq, self.flaw)
    }
}

/// A walk along one account's events, oldest first.
#[derive(Clone, Debug)]
pub struct Walk<'a> {
    account_id: &'a str,
    keys: &'a AuditKeys,
    /// The generation that the last good event was recorded under: none behind it is of an older one.
    generation: usize,
    /// The event that records the last loss of the secret file; 0 if there is none. What is before it has no key.
    lost: i64,
    /// Of the events before that.
    digest: AuditDigest,
    /// In their order.
    checkpoints: &'a [Head],
    /// The last event that is good, and its MAC.
    pub reached: Head,
}

impl<'a> Walk<'a> {
    pub fn new(account_id: &'a str, keys: &'a AuditKeys, checkpoints: &'a [Head]) -> Self {
        Self {
            account_id,
            keys,
            generation: 0,
            lost: 0,
            digest: AuditDigest::default(),
            checkpoints,
            reached: Head::default(),
        }
    }

    /// The same walk, where event `lost` records the loss of the secret file.
    #[must_use]
    pub fn with_loss(self, lost: i64) -> Self {
        Self { lost, ..self }
    }

    pub fn account_id(&self) -> &'a str {
        self.account_id
    }

    /// The place of the next event.
    pub fn next(&self) -> i64 {
        self.reached.seq + 1
    }

    /// Whether `link`, wherever it stands, is what comes next.
    pub fn is_next(&self, link: &Link) -> bool {
        self.generation_of(link).is_some()
    }

    /// The generation that `link` was recorded under as what comes next, if it was.
    fn generation_of(&self, link: &Link) -> Option<usize> {
        let belongs = |key: &AuditKey| link.belongs(self.next(), &self.reached.mac, key);
        self.keys.since(self.generation).find(|(_, key)| belongs(key)).map(|(generation, _)| generation)
    }

    /// Goes on to the next row.
    ///
    /// # Errors
    /// If it is not what was recorded there.
    pub fn step(&mut self, row: &Row) -> Result<(), Bad> {
        let id = &row.id;
        if row.seq > self.next() {
            return Err(self.bad(self.next(), "", Flaw::Missing));
        } else if row.seq < self.next() {
            return Err(self.bad(row.seq, id, Flaw::Added));
        }
        let Some(link) = row.link.as_ref() else { return Err(self.bad(row.seq, id, Flaw::Edited)) };
        if row.seq < self.lost {
            self.digest.add(link);
        } else if let Some(generation) = self.generation_of(link) {
            self.generation = generation;
        } else {
            return Err(self.bad(row.seq, id, Flaw::Edited));
        }
        if row.seq == self.lost && !link.detail.ends_with(&self.digest.in_words()) {
            return Err(self.bad(row.seq, id, Flaw::ChangedBefore));
        }
        self.reached = Head { seq: row.seq, mac: link.mac.clone() };
        let passed = self.checkpoints.partition_point(|seen| seen.seq < row.seq);
        let here = self.checkpoints[passed..].iter().take_while(|seen| seen.seq == row.seq);
        self.checkpoints = &self.checkpoints[passed..];
        if here.into_iter().any(|seen| seen.mac != link.mac) {
            return Err(self.bad(row.seq, id, Flaw::CheckpointDiffers));
        }
        Ok(())
    }

    /// Ends where there are no more rows.
    ///
    /// # Errors
    /// If a checkpoint or the account knows another end.
    pub fn end(&self, head: Option<&Head>) -> Result<(), Bad> {
        if let Some(seen) = self.checkpoints.last().filter(|seen| seen.seq > self.reached.seq) {
            return Err(self.bad(self.next(), "", Flaw::CutBehindCheckpoint { seen: seen.seq }));
        }
        match head {
            Some(head) if *head == self.reached => match self.reached.seq {
                1.. if !self.keys.counts(self.generation) => Err(self.bad(self.reached.seq, "", Flaw::LeftOpen)),
                _ => Ok(()),
            },
            Some(head) if head.seq > self.reached.seq => {
                Err(self.bad(self.next(), "", Flaw::TailCut { counted: head.seq }))
            }
            Some(_) => Err(self.bad(self.reached.seq, "", Flaw::HeadDiffers)),
            None => Err(self.bad(self.next(), "", Flaw::AccountGone)),
        }
    }

    fn bad(&self, seq: i64, event_id: &str, flaw: Flaw) -> Bad {
        Bad { account_id: self.account_id.into(), seq, event_id: event_id.into(), flaw }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::keyring::Keyring;

    const ACCOUNT: &str = "acc_1";

    fn keyring() -> Keyring {
        Keyring::derive(&[3; 32])
    }

    fn row(seq: i64, previous: &str) -> Row {
        let word = |word: &str| word.to_owned();
        let mut link = Link {
            account_id: word(ACCOUNT),
            seq,
            id: format!("evt_{seq}"),
            at: seq,
            action: word("key.created"),
            actor_kind: word("user"),
            actor_id: word("usr_1"),
            actor_name: word("Ana"),
            actor_role: word("administrator"),
            session_id: String::new(),
            ip: String::new(),
            user_agent: String::new(),
            request_id: String::new(),
            target_id: word("key_1"),
            target_name: word("billing"),
            detail: String::new(),
            mac: String::new(),
        };
        link.mac = link.with_fields(seq, |fields| mac(fields, previous, &AuditKey::of(&keyring())));
        Row { seq, id: link.id.clone(), link: Some(link) }
    }

    /// Three events, each behind the one before.
    fn three() -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        for seq in 1..=3 {
            let previous = rows.last().map(head).unwrap_or_default();
            rows.push(row(seq, &previous.mac));
        }
        rows
    }

    fn head(row: &Row) -> Head {
        Head { seq: row.seq, mac: row.link.as_ref().map(|link| link.mac.clone()).unwrap_or_default() }
    }

    /// What is found on the way along `rows` and at their end.
    fn walked(rows: &[Row], checkpoints: &[Head], end: Option<&Head>) -> Result<(), (i64, Flaw)> {
        let keys = AuditKeys::open(&keyring(), &[]).expect("keys");
        let mut walk = Walk::new(ACCOUNT, &keys, checkpoints);
        let mut steps = rows.iter().map(|row| walk.step(row)).collect::<Result<Vec<()>, Bad>>();
        if steps.is_ok() {
            steps = walk.end(end).map(|()| Vec::new());
        }
        steps.map(|_| ()).map_err(|bad| (bad.seq, bad.flaw))
    }

    #[test]
    fn a_chain_is_whole_from_its_first_event_to_its_head() {
        let rows = three();
        let end = head(&rows[2]);
        assert_eq!(walked(&rows, &[], Some(&end)), Ok(()));
        assert_eq!(walked(&rows[1..], &[], Some(&end)), Err((1, Flaw::Missing)));
        let twice = [rows[0].clone(), rows[0].clone()];
        assert_eq!(walked(&twice, &[], Some(&end)), Err((1, Flaw::Added)));
        let mut edited = three();
        edited[1].link.as_mut().expect("a link").target_name = "another".into();
        assert_eq!(walked(&edited, &[], Some(&end)), Err((2, Flaw::Edited)));
        edited[1].link = None;
        assert_eq!(walked(&edited, &[], Some(&end)), Err((2, Flaw::Edited)));
        let keys = AuditKeys::open(&keyring(), &[]).expect("keys");
        let walk = Walk::new(ACCOUNT, &keys, &[]);
        let is_next = |row: &Row| row.link.as_ref().is_some_and(|link| walk.is_next(link));
        assert!(walk.account_id() == ACCOUNT && is_next(&rows[0]) && !is_next(&rows[1]));
    }

    #[test]
    fn the_head_of_the_account_is_the_end_of_its_chain() {
        let rows = three();
        let (middle, end) = (head(&rows[1]), head(&rows[2]));
        assert_eq!(walked(&rows[..2], &[], Some(&end)), Err((3, Flaw::TailCut { counted: 3 })));
        assert_eq!(walked(&rows, &[], Some(&middle)), Err((3, Flaw::HeadDiffers)));
        let forged = Head { mac: "0".into(), ..end };
        assert_eq!(walked(&rows, &[], Some(&forged)), Err((3, Flaw::HeadDiffers)));
        assert_eq!(walked(&rows, &[], None), Err((4, Flaw::AccountGone)));
    }

    #[test]
    fn a_checkpoint_holds_the_chain_to_what_it_saw() {
        let rows = three();
        let seen: Vec<Head> = rows.iter().map(head).collect();
        assert_eq!(walked(&rows, &seen, Some(&seen[2])), Ok(()));
        assert_eq!(walked(&rows, &seen[1..2], Some(&seen[2])), Ok(()));
        let rewritten = [seen[0].clone(), Head { mac: "0".into(), ..seen[1].clone() }, seen[2].clone()];
        assert_eq!(walked(&rows, &rewritten, Some(&seen[2])), Err((2, Flaw::CheckpointDiffers)));
        let twice = [seen[1].clone(), Head { mac: "0".into(), ..seen[1].clone() }];
        assert_eq!(walked(&rows, &twice, Some(&seen[2])), Err((2, Flaw::CheckpointDiffers)));
        let cut = walked(&rows[..2], &seen, Some(&seen[1]));
        assert_eq!(cut, Err((3, Flaw::CutBehindCheckpoint { seen: 3 })));
    }
}
