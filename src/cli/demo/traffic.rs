//! The demo's traffic: what each key's counters hold.

use super::stories::{Story, Traffic};
use crate::clock::{Timestamp, days};
use crate::entropy::Entropy;
use crate::store::usage::{KeyUse, LastUse};

/// Days that the counters reach back.
const HISTORY: i64 = 90;
/// Days counted by the hour; older ones hold their requests in one hour.
const HOURLY: i64 = 2;

/// What the demo's keys are refused for, a day this and a day that.
const REFUSED_FOR: [&str; 3] = ["scope_missing", "rate_limited", "inbox_out_of_reach"];
/// What a key with full access is used for.
const OF_EVERYTHING: &str = "mail:send mail:read inboxes:read";

/// The scopes that a key's requests take: of many that it was granted, not all.
fn taken(story: &Story) -> impl Iterator<Item = &str> {
    let granted = if story.scopes == "*" { OF_EVERYTHING } else { story.scopes };
    let count = granted.split(' ').count();
    let unused = if story.scopes == "*" { 0 } else { count / 3 };
    granted.split(' ').take(count - unused)
}

/// What the first screen of an account shows that has been at work for a year.
fn first_request(at: Timestamp) -> (Timestamp, String) {
    let request = serde_json::json!({
        "at": at.micros(),
        "method": "GET",
        "path": "/v1/inboxes",
        "status": 200,
        "ip": "203.0.113.80",
        "user_agent": "Python-urllib/3.12",
        "request_id": "req_demo",
        "took": 4100,
    });
    (at, request.to_string())
}

/// A key's counters over the history, on top of what is `counted` already.
pub fn of(counted: KeyUse, story: &Story, now: Timestamp, dice: &Entropy) -> KeyUse {
    let age = i64::try_from(story.created_days_ago).unwrap_or(HISTORY).min(HISTORY - 1);
    let idle = story.last_used.map_or(HISTORY, |idle| i64::try_from(idle.as_secs() / 86_400).unwrap_or(HISTORY));
    let today = now.hour().div_euclid(24);
    let mut hours = Vec::new();
    for ago in (idle..=age).rev() {
        let count = on_day(story, today - ago, age - ago, dice);
        let refused = if dice.bytes::<1>()[0] < 6 { count / 40 } else { 0 };
        let spread = if ago < HOURLY { 24 } else { 1 };
        let first = (today - ago) * 24 + if spread == 1 { 12 } else { 0 };
        let buckets = (first..first + spread).filter(|hour| *hour <= now.hour());
        hours.extend(buckets.map(|hour| (hour, count / spread, refused / spread)));
    }
    let last = story.last_used.map(|idle| LastUse {
        at: now - idle,
        ip: "203.0.113.80".into(),
        agent: "Python-urllib/3.12".into(),
        route: "GET /v1/inboxes".into(),
    });
    let addresses = [("203.0.113.80", 0), ("203.0.113.81", 5)];
    let mut counted = counted;
    if let Some(last) = &last {
        let minutes = |minutes: u64| last.at - std::time::Duration::from_secs(60 * minutes);
        counted.addresses = addresses.map(|(ip, ago)| (ip.to_owned(), minutes(ago))).into();
        counted.scopes = taken(story).map(|scope| (scope.to_owned(), last.at)).collect();
    }
    counted.last = last;
    counted.first_request = (story.created_days_ago > 300).then(|| first_request(now - days(380)));
    for (hour, ok, refused) in hours.into_iter().filter(|(_, ok, refused)| ok + refused > 0) {
        let why = usize::try_from(hour.div_euclid(24)).unwrap_or(0) + story.name.len();
        // Nothing else keeps a key with full access out.
        let reason = if story.scopes == "*" { "rate_limited" } else { REFUSED_FOR[why % REFUSED_FOR.len()] };
        let reasons = [(reason, refused)];
        counted.count(hour, ok, if refused > 0 { &reasons } else { &[] });
    }
    counted
}

fn on_day(story: &Story, day: i64, age: i64, dice: &Entropy) -> i64 {
    let usual = i64::from(story.per_day);
    let jitter = i64::from(dice.bytes::<1>()[0]);
    match story.traffic {
        Traffic::Silent => 0,
        Traffic::Steady => usual * (900 + jitter) / 1000,
        Traffic::Growing => usual * (10 + age) * (900 + jitter) / (HISTORY * 700),
        // Day 0 of the epoch was a Thursday.
        Traffic::Weekdays if matches!((day + 3).rem_euclid(7), 5 | 6) => usual / 12,
        Traffic::Weekdays => usual * (800 + jitter) / 1000,
        Traffic::Bursts if jitter < 40 => usual * 5,
        Traffic::Bursts => usual * jitter / 1000,
    }
}
