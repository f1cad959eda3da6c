//! What is counted of one key between two flushes. Most keys are asked for by one program that asks for one thing, so requests
//! that look like the first are a number; once one differs, each has its counts, times and texts.

use std::net::IpAddr;

use super::known::Known;
use super::once::Once;
use super::usage::{PassedRequest, Visit, short};
use super::written::Written;
use crate::clock::Timestamp;
use crate::model::text::{masked, without_secrets};
use crate::store::usage::{KeyUse, LastUse};

/// Addresses of a key in one flush; more tell nobody more.
const MOST_ADDRESSES: usize = 16;

/// What one secret was used for since the last flush.
#[derive(Debug, Default)]
pub(super) enum Tally {
    #[default]
    Nothing,
    /// Every request so far, if all of them look alike: then this is all that a request touches.
    Alike(Alike),
    Often(Box<Often>),
}

/// Requests of one hour that nothing tells apart but their moments.
#[derive(Debug)]
pub(super) struct Alike {
    first: Box<Once>,
    look: u64,
    /// After the first.
    more: u32,
    last_at: Timestamp,
}

/// What requests that differ came to, and any that were refused.
#[derive(Debug, Default)]
pub(super) struct Often {
    /// Of the hour that is being counted.
    count: Count,
    /// Of hours that ended before they were flushed.
    earlier: Vec<Count>,
    /// The last request that passed.
    last: Option<Last>,
    /// The first request of the key that passed ever.
    first: Option<Box<PassedRequest>>,
    /// Where requests came from, and when last.
    addresses: Vec<(IpAddr, Timestamp)>,
    /// Scopes that were taken, and when last; a key holds no more of them than the definition has.
    scopes: Vec<(Box<str>, Timestamp)>,
}

#[derive(Debug, Default)]
struct Count {
    hour: i64,
    ok: i64,
    refused: Vec<(&'static str, i64)>,
}

/// Its texts are overwritten in place.
#[derive(Debug)]
struct Last {
    at: Timestamp,
    ip: IpAddr,
    agent: String,
    route: String,
}

impl Tally {
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// Counts a request that passed, with the look that it shares with those that are like it.
    pub(super) fn pass(&mut self, visit: &Visit<'_>, look: impl Fn() -> u64, is_first: bool) {
        match self {
            Self::Alike(alike) if alike.is_like(visit, look()) && !is_first => alike.again(visit.at),
            Self::Nothing => *self = Self::Alike(Alike::of(visit, look(), is_first)),
            _ => self.tell_apart(|often| often.pass(visit, is_first)),
        }
    }

    /// Counts a request that was refused.
    pub(super) fn refuse(&mut self, reason: &'static str, at: Timestamp) {
        self.tell_apart(|often| often.refuse(reason, at));
    }

    fn tell_apart(&mut self, add: impl FnOnce(&mut Often)) {
        let mut often = std::mem::take(self).into_often();
        add(&mut often);
        *self = Self::Often(often);
    }

    fn into_often(self) -> Box<Often> {
        match self {
            Self::Nothing => Box::default(),
            Self::Alike(alike) => alike.each(),
            Self::Often(often) => often,
        }
    }

    /// What was counted of the key, as it is written.
    pub(super) fn told(self, key: &Known, written: &Written) -> KeyUse {
        self.into_often().told(key, written)
    }
}

impl Alike {
    fn of(visit: &Visit<'_>, look: u64, is_first: bool) -> Self {
        Self { first: Box::new(Once::of(visit, is_first)), look, more: 0, last_at: visit.at }
    }

    fn is_like(&self, visit: &Visit<'_>, look: u64) -> bool {
        self.look == look && self.last_at.hour() == visit.at.hour() && self.more < u32::MAX
    }

    fn again(&mut self, at: Timestamp) {
        self.more += 1;
        self.last_at = at;
    }

    /// Counts each of them. Those between the first and the last leave nothing but their number.
    fn each(&self) -> Box<Often> {
        let (mut often, first) = (Box::<Often>::default(), self.first.visit());
        often.pass(&first, self.first.is_first);
        if let Some(between) = self.more.checked_sub(1) {
            often.pass(&Visit { at: self.last_at, ..first }, false);
            often.at(self.last_at).ok += i64::from(between);
        }
        often
    }
}

impl Often {
    /// The count that a request at `at` belongs to.
    fn at(&mut self, at: Timestamp) -> &mut Count {
        let hour = at.hour();
        if self.count.hour != hour {
            let ended = std::mem::replace(&mut self.count, Count { hour, ..Count::default() });
            if !ended.is_empty() {
                self.earlier.push(ended);
            }
        }
        &mut self.count
    }

    fn pass(&mut self, visit: &Visit<'_>, is_first: bool) {
        self.at(visit.at).ok += 1;
        if is_first {
            self.first = Some(Box::new(visit.kept()));
        }
        self.last.get_or_insert_with(|| Last::at(visit.ip)).overwrite(visit);
        for scope in visit.scopes.into_iter().filter(|scope| !scope.is_empty()) {
            match self.scopes.iter_mut().find(|(known, _)| **known == *scope) {
                Some((_, at)) => *at = visit.at,
                None => push(&mut self.scopes, (scope.into(), visit.at)),
            }
        }
        if let Some((_, at)) = self.addresses.iter_mut().find(|(known, _)| *known == visit.ip) {
            *at = visit.at;
        } else if self.addresses.len() < MOST_ADDRESSES {
            push(&mut self.addresses, (visit.ip, visit.at));
        }
    }

    fn refuse(&mut self, reason: &'static str, at: Timestamp) {
        let refused = &mut self.at(at).refused;
        match refused.iter_mut().find(|(counted, _)| *counted == reason) {
            Some((_, count)) => *count += 1,
            None => push(refused, (reason, 1)),
        }
    }

    /// What was counted of the key, as it is written.
    fn told(self, key: &Known, written: &Written) -> KeyUse {
        let mut told = KeyUse::of(key.account_id(), key.id(), key.found_by().to_string());
        for counted in self.earlier.into_iter().chain([self.count]).filter(|counted| !counted.is_empty()) {
            told.count(counted.hour, counted.ok, &counted.refused);
            // What is counted here was known from one read of the key: a rotation makes another of it.
            if key.dies_at().is_some() {
                told.count_retiring(counted.hour, counted.ok);
            }
        }
        told.last = self.last.map(|last| LastUse {
            at: last.at,
            ip: last.ip.to_string(),
            agent: without_secrets(&last.agent),
            route: masked(&last.route),
        });
        told.first_request =
            self.first.and_then(|first| Some((Timestamp::from_micros(first.at), serde_json::to_string(&first).ok()?)));
        let scopes = self.scopes.into_iter().filter(|(scope, at)| written.is_due(key.id(), scope, *at));
        told.scopes.extend(scopes.map(|(scope, at)| (scope.into(), at)));
        let addresses = self.addresses.into_iter().map(|(ip, at)| (ip.to_string(), at));
        told.addresses.extend(addresses.filter(|(ip, at)| written.is_due(key.id(), ip, *at)));
        told
    }
}

impl Last {
    fn at(ip: IpAddr) -> Self {
        Self { at: Timestamp::default(), ip, agent: String::new(), route: String::new() }
    }

    fn overwrite(&mut self, visit: &Visit<'_>) {
        (self.at, self.ip) = (visit.at, visit.ip);
        overwrite(&mut self.agent, &[visit.user_agent]);
        overwrite(&mut self.route, &[visit.method, " ", short(visit.path)]);
    }
}

impl Count {
    fn is_empty(&self) -> bool {
        self.ok == 0 && self.refused.is_empty()
    }
}

/// Most keys come from one place and take one scope: room for it, and for more when they come.
fn push<T>(list: &mut Vec<T>, one: T) {
    if list.len() < 2 {
        list.reserve_exact(1);
    }
    list.push(one);
}

fn overwrite(text: &mut String, parts: &[&str]) {
    let mut rest = text.as_str();
    let same = parts.iter().all(|part| {
        rest.strip_prefix(part).is_some_and(|after| {
            rest = after;
            true
        })
    });
    if !(same && rest.is_empty()) {
        text.clear();
        text.reserve_exact(parts.iter().map(|part| part.len()).sum());
        text.extend(parts.iter().copied());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::entropy::Entropy;
    use crate::gate::known::tests::known;
    use crate::model::api_key::tests::NOW;
    use crate::model::key_facts::tests::facts;

    /// One of few requests, so that many of them are alike.
    fn drawn(dice: &Entropy, at: Timestamp) -> (Visit<'static>, u64, bool) {
        let [path, agent, ip, scope, first] = dice.bytes().map(usize::from);
        let visit = Visit {
            at,
            method: "GET",
            path: ["/v1/messages", "/v1/drafts"][usize::from(path < 16)],
            status: 200,
            ip: [203, 0, 113, u8::from(ip < 16)].into(),
            user_agent: ["curl/8.14", "python/3.14"][usize::from(agent < 16)],
            request_id: "req_1",
            took: Duration::from_micros(7),
            scopes: [["mail:read", "mail:send"][usize::from(scope < 16)], ""],
        };
        let look = [path, agent, ip, scope].iter().fold(0, |look, die| look * 2 + u64::from(*die < 16));
        (visit, look, first < 4)
    }

    #[test]
    fn requests_that_look_alike_come_to_what_each_of_them_does() {
        let key = known(facts());
        let mut alike = 0;
        for seed in 0..500 {
            let dice = Entropy::seeded(seed);
            let (mut tally, mut each) = (Tally::default(), Often::default());
            let mut at = NOW;
            for _ in 0..dice.bytes::<1>()[0] % 12 {
                let [minutes, refused] = dice.bytes();
                at = at + Duration::from_secs(u64::from(minutes % 8) * 60);
                if refused < 4 {
                    tally.refuse("paused", at);
                    each.refuse("paused", at);
                } else {
                    let (visit, look, is_first) = drawn(&dice, at);
                    tally.pass(&visit, || look, is_first);
                    each.pass(&visit, is_first);
                }
            }
            alike += usize::from(matches!(&tally, Tally::Alike(alike) if alike.more > 1));
            let (tally, each) = (tally.told(&key, &Written::default()), each.told(&key, &Written::default()));
            assert_eq!(format!("{tally:?}"), format!("{each:?}"));
        }
        assert!(alike > 20, "{alike}");
    }

    #[test]
    fn a_key_that_is_asked_for_one_thing_takes_little_memory() {
        assert!(size_of::<Tally>() <= 40, "{}", size_of::<Tally>());
    }
}
