//! Refused requests, kept by their id so that support can say why. Pushed into a bounded queue and written in batches: no
//! verdict waits for the database, and one that allows comes nowhere near. A flood is sampled (the first of a key each
//! minute, so many in all each second), and what is left out is counted.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::known::Known;
use super::usage::short;
use super::verdict::{Dead, Refusal};
use super::{Holder, Need};
use crate::clock::Timestamp;
use crate::model::network::source_of;
use crate::model::text::{masked, without_secrets};
use crate::store::Db;
use crate::store::refusals::{self, Refused};

/// Refusals of one key, one session's account or one source that are kept each minute.
pub const PER_ONE_AND_MINUTE: u32 = 20;
/// Refusals that are kept each second: of keys and sessions that somebody has, and of everybody else. Apart, so that a
/// flood of garbage does not push customers out.
pub const KNOWN_PER_SECOND: u32 = 100;
pub const UNKNOWN_PER_SECOND: u32 = 10;
/// Refusals in memory; more than known keys bring in the half minute that a flush takes at most.
const MOST_WAITING: usize = 4000;
/// Characters that are kept of a scope, an inbox, or what the key had.
const LONGEST: usize = 300;

/// A request that was refused, as it comes by.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    pub request_id: &'a str,
    pub at: Timestamp,
    pub method: &'a str,
    pub path: &'a str,
    pub ip: IpAddr,
    pub user_agent: &'a str,
    /// Of the secret that came; only what somebody has is kept of it.
    pub last4: &'a str,
    /// What it took, as far as anybody could say.
    pub needs: &'a [Need<'a>],
}

/// Whose request it was, as far as the gate came to know.
#[derive(Clone, Copy)]
pub enum Whose<'a> {
    Nobody,
    Key(&'a Known),
    Session { account_id: &'a str },
}

#[derive(Default)]
pub struct Refusals(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    queue: Vec<Refused>,
    /// By hour.
    not_kept: BTreeMap<i64, i64>,
    minute: i64,
    /// Kept in this minute, by key, account or source. Never more than the seconds let in.
    by_one: HashMap<String, u32>,
    second: i64,
    known: u32,
    unknown: u32,
}

impl<'a> Whose<'a> {
    pub fn of(holder: Option<&'a Holder>, turned_away: Option<&'a Known>) -> Self {
        match (holder, turned_away) {
            (Some(Holder::Key(key)), _) | (None, Some(key)) => Self::Key(key),
            (Some(Holder::Session(session)), _) => Self::Session { account_id: &session.user.account_id },
            (None, None) => Self::Nobody,
        }
    }

    fn ids(self) -> (&'a str, &'a str) {
        match self {
            Self::Key(key) => (key.account_id(), key.id()),
            Self::Session { account_id } => (account_id, ""),
            Self::Nobody => ("", ""),
        }
    }
}

impl Refusals {
    /// Keeps it, if it is one of those that are.
    pub fn note(&self, refusal: &Refusal, whose: Whose<'_>, attempt: &Attempt<'_>) {
        if self.waiting().admits(whose, attempt) {
            let refused = kept(refusal, whose, attempt);
            self.waiting().queue.push(refused);
        }
    }

    /// Writes what is kept.
    ///
    /// # Errors
    /// If the database does not answer; what was not written is written by the next flush.
    pub async fn flush(&self, db: &Db) -> sqlx::Result<()> {
        let (queue, not_kept) = {
            let mut waiting = self.waiting();
            (std::mem::take(&mut waiting.queue), std::mem::take(&mut waiting.not_kept))
        };
        if queue.is_empty() && not_kept.is_empty() {
            return Ok(());
        }
        let written = refusals::write(db, &queue, &not_kept).await;
        if written.is_err() {
            self.waiting().put_back(queue, &not_kept);
        }
        written
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Whether one more is kept; counts it either way.
    fn admits(&mut self, whose: Whose<'_>, attempt: &Attempt<'_>) -> bool {
        self.turn(attempt.at);
        let known = !matches!(whose, Whose::Nobody);
        let (taken, most) = if known { (self.known, KNOWN_PER_SECOND) } else { (self.unknown, UNKNOWN_PER_SECOND) };
        let admitted = taken < most && self.queue.len() < MOST_WAITING && self.admits_one(whose, attempt.ip);
        if !admitted {
            *self.not_kept.entry(attempt.at.hour()).or_default() += 1;
        } else if known {
            self.known += 1;
        } else {
            self.unknown += 1;
        }
        admitted
    }

    fn admits_one(&mut self, whose: Whose<'_>, ip: IpAddr) -> bool {
        let source;
        let one = match whose {
            Whose::Key(key) => key.id(),
            Whose::Session { account_id } => account_id,
            Whose::Nobody => {
                source = source_of(ip);
                &source
            }
        };
        match self.by_one.get_mut(one) {
            Some(kept) if *kept >= PER_ONE_AND_MINUTE => return false,
            Some(kept) => *kept += 1,
            None => drop(self.by_one.insert(one.to_owned(), 1)),
        }
        true
    }

    fn turn(&mut self, now: Timestamp) {
        let second = now.seconds();
        if second != self.second {
            (self.second, self.known, self.unknown) = (second, 0, 0);
        }
        if second.div_euclid(60) != self.minute {
            self.minute = second.div_euclid(60);
            self.by_one.clear();
        }
    }

    /// What came meanwhile is later; beyond the bound it is left out.
    fn put_back(&mut self, mut older: Vec<Refused>, not_kept: &BTreeMap<i64, i64>) {
        older.append(&mut self.queue);
        for refused in older.split_off(older.len().min(MOST_WAITING)) {
            *self.not_kept.entry(refused.at.hour()).or_default() += 1;
        }
        self.queue = older;
        for (hour, count) in not_kept {
            *self.not_kept.entry(*hour).or_default() += count;
        }
    }
}

fn kept(refusal: &Refusal, whose: Whose<'_>, attempt: &Attempt<'_>) -> Refused {
    let (account_id, key_id) = whose.ids();
    let asked = |of: fn(&Need<'_>) -> Option<String>| {
        let mut asked: Vec<String> = attempt.needs.iter().filter_map(of).collect();
        asked.dedup();
        bounded(&without_secrets(&asked.join(" ")))
    };
    let scopes = match refusal {
        Refusal::MissingScope { scope, .. } => bounded(&without_secrets(scope)),
        _ => asked(|need| need.scope.map(str::to_owned)),
    };
    Refused {
        request_id: attempt.request_id.to_owned(),
        at: attempt.at,
        reason: refusal.reason().to_owned(),
        account_id: account_id.to_owned(),
        key_id: key_id.to_owned(),
        last4: if key_id.is_empty() { String::new() } else { attempt.last4.to_owned() },
        method: bounded(&without_secrets(attempt.method)),
        path: masked(short(attempt.path)),
        ip: attempt.ip.to_string(),
        user_agent: without_secrets(attempt.user_agent),
        scopes,
        inboxes: asked(|need| need.inbox_id.map(str::to_owned)),
        had: bounded(&had(refusal, whose)),
    }
}

/// What the key had instead of what it took, or the rule that the request met.
fn had(refusal: &Refusal, whose: Whose<'_>) -> String {
    let key = match whose {
        Whose::Key(key) => Some(key),
        Whose::Session { .. } | Whose::Nobody => None,
    };
    match (refusal, key) {
        (Refusal::Ambiguous(why), _) => (*why).to_owned(),
        (Refusal::RateLimited(allowance), _) => allowance.limit.to_string(),
        (Refusal::Dead(dead), Some(key)) => {
            let since = match dead {
                Dead::Deleted => key.deleted_at(),
                Dead::Expired => key.expires_at(),
                Dead::Paused => key.paused_at(),
                Dead::Rotated => key.dies_at(),
            };
            since.map(|at| at.micros().to_string()).unwrap_or_default()
        }
        (Refusal::AddressNotAllowed, Some(key)) => key.allowed_ips().to_string().replace('\n', " "),
        (Refusal::OutOfReach, Some(key)) => key.inbox_id().unwrap_or_default().to_owned(),
        (Refusal::MissingScope { .. }, Some(key)) => key.rights().scopes.to_string(),
        (_, _) => String::new(),
    }
}

/// As many whole words as are worth keeping.
fn bounded(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    match plain.char_indices().nth(LONGEST) {
        None => plain,
        Some((end, _)) => plain[..end].rsplit_once(' ').map_or("…".to_owned(), |(words, _)| format!("{words} …")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::known::tests::known;
    use super::*;
    use crate::model::key_facts::KeyFacts;
    use crate::model::key_facts::tests::facts;

    const NOW: Timestamp = Timestamp::from_micros(1_795_269_900_000_000);

    fn attempt(ip: [u8; 4], at: Timestamp) -> Attempt<'static> {
        Attempt {
            request_id: "req_1",
            at,
            method: "GET",
            path: "/v1/messages",
            ip: ip.into(),
            user_agent: "",
            last4: "",
            needs: &[],
        }
    }

    #[test]
    fn a_flood_is_sampled_and_what_is_left_out_is_counted() {
        let refusals = Refusals::default();
        for number in 0..100_000_u32 {
            let [a, b, c, d] = number.to_be_bytes();
            refusals.note(&Refusal::Unknown, Whose::Nobody, &attempt([a + 1, b, c, d], NOW));
            refusals.note(&Refusal::RouteUnknown, Whose::Session { account_id: "acc_1" }, &attempt([1, 1, 1, 1], NOW));
        }
        let waiting = refusals.waiting();
        assert_eq!(waiting.queue.len(), 30, "ten of the unknown, twenty of the account");
        assert_eq!(waiting.by_one.len(), 11);
        assert_eq!(waiting.not_kept[&NOW.hour()], 200_000 - 30);
    }

    #[test]
    fn memory_is_bounded_while_nothing_is_written() {
        let refusals = Refusals::default();
        for second in 0..2000 {
            for number in 0..10 {
                let at = NOW + Duration::from_secs(second);
                refusals.note(&Refusal::Unknown, Whose::Nobody, &attempt([1, 1, 1, number], at));
            }
        }
        assert_eq!(refusals.waiting().queue.len(), MOST_WAITING);
        let (queue, not_kept) = (std::mem::take(&mut refusals.waiting().queue), BTreeMap::from([(7, 3)]));
        refusals.note(&Refusal::Unknown, Whose::Nobody, &attempt([9, 9, 9, 9], NOW));
        let left_out = refusals.waiting().not_kept[&NOW.hour()];
        refusals.waiting().put_back(queue, &not_kept);
        let waiting = refusals.waiting();
        assert_eq!((waiting.queue.len(), waiting.not_kept[&7]), (MOST_WAITING, 3));
        assert_eq!(waiting.not_kept[&NOW.hour()], left_out + 1, "the latest was one too many");
    }

    #[test]
    fn what_is_kept_is_whole_words_without_what_nobody_sees() {
        assert_eq!(bounded("mail:\u{7}send"), "mail:send");
        assert_eq!(bounded(&"x".repeat(LONGEST)), "x".repeat(LONGEST));
        assert_eq!(bounded(&"x".repeat(LONGEST + 1)), "…");
        assert_eq!(bounded(&"word ".repeat(LONGEST)), format!("{}…", "word ".repeat(LONGEST / 5)));
    }

    #[test]
    fn what_the_key_had_is_said_of_each_refusal() {
        let [deleted_at, expires_at, paused_at, dies_at] = [1, 2, 3, 4].map(|s| Some(NOW + Duration::from_secs(s)));
        let inbox_id = Some("inb_1".into());
        let key = known(KeyFacts { inbox_id, expires_at, paused_at, deleted_at, dies_at, ..facts() });
        for (dead, since) in [(Dead::Deleted, 1), (Dead::Expired, 2), (Dead::Paused, 3), (Dead::Rotated, 4)] {
            let since = NOW + Duration::from_secs(since);
            assert_eq!(had(&Refusal::Dead(dead), Whose::Key(&key)), since.micros().to_string());
        }
        assert_eq!(had(&Refusal::OutOfReach, Whose::Key(&key)), "inb_1");
        let missing = Refusal::MissingScope { scope: "mail:send".into(), never: false };
        assert_eq!(had(&missing, Whose::Key(&key)), key.rights().scopes.to_string());
        assert_eq!(kept(&missing, Whose::Key(&key), &attempt([1, 1, 1, 1], NOW)).scopes, "mail:send");
        assert_eq!(had(&Refusal::Ambiguous("It says two things."), Whose::Nobody), "It says two things.");
        assert_eq!(had(&Refusal::OutOfReach, Whose::Nobody), "");
    }
}
