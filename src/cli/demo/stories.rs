//! The stories of the demo's keys: what each is called, may do, and has been used for.

use std::borrow::Cow;
use std::time::Duration;

use crate::clock::{days, hours};
use crate::entropy::Entropy;

/// How a key's traffic looks over the days.
#[derive(Clone, Copy)]
pub enum Traffic {
    Steady,
    Growing,
    Weekdays,
    Bursts,
    Silent,
}

/// A key as the demo wants it.
pub struct Story {
    pub name: Cow<'static, str>,
    pub environment: &'static str,
    pub inbox: Option<&'static str>,
    pub scopes: &'static str,
    pub created_days_ago: u64,
    pub expires_in_days: Option<i64>,
    pub by: usize,
    pub traffic: Traffic,
    pub per_day: u32,
    pub last_used: Option<Duration>,
    pub ending: Ending,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Works,
    Sealed,
    Rotated,
    Deleted,
}

/// A live key without scopes or traffic: what the featured ones differ from.
const QUIET: Story = Story {
    name: Cow::Borrowed(""),
    environment: "live",
    inbox: None,
    scopes: "",
    created_days_ago: 0,
    expires_in_days: None,
    by: 0,
    traffic: Traffic::Silent,
    per_day: 0,
    last_used: None,
    ending: Ending::Works,
};

/// Every read scope of the built-in definition: what the list calls *Read only*.
const READ_ONLY: &str = "mail:read inboxes:read domains:read webhooks:read suppressions:read keys:read";

/// The keys that a visitor sees first: one of each kind that the desk has something to say about.
pub const FEATURED: [Story; 13] = [
    Story {
        name: Cow::Borrowed("production-backend"),
        scopes: "*",
        created_days_ago: 101,
        expires_in_days: Some(81),
        traffic: Traffic::Steady,
        per_day: 6140,
        last_used: Some(minutes(2)),
        ..QUIET
    },
    Story {
        name: Cow::Borrowed("billing-worker"),
        scopes: "mail:send",
        created_days_ago: 79,
        expires_in_days: Some(11),
        traffic: Traffic::Growing,
        per_day: 1430,
        last_used: Some(minutes(14)),
        ..QUIET
    },
    Story {
        name: Cow::Borrowed("orders-webhook"),
        inbox: Some("Orders"),
        scopes: "mail:read mail:write",
        created_days_ago: 156,
        expires_in_days: Some(209),
        by: 1,
        traffic: Traffic::Weekdays,
        per_day: 310,
        last_used: Some(minutes(60)),
        ..QUIET
    },
    Story {
        name: Cow::Borrowed("ci-e2e-suite"),
        environment: "test",
        scopes: "mail:send inboxes:write domains:read",
        created_days_ago: 50,
        expires_in_days: Some(40),
        by: 1,
        traffic: Traffic::Bursts,
        per_day: 2050,
        last_used: Some(minutes(26)),
        ..QUIET
    },
    Story {
        name: Cow::Borrowed("support-replies"),
        inbox: Some("Support"),
        scopes: "mail:send mail:read",
        created_days_ago: 43,
        expires_in_days: Some(47),
        traffic: Traffic::Weekdays,
        per_day: 104,
        last_used: Some(minutes(180)),
        ..QUIET
    },
    Story {
        name: Cow::Borrowed("newsletter-send"),
        inbox: Some("Newsletter"),
        scopes: "mail:send",
        created_days_ago: 91,
        by: 1,
        traffic: Traffic::Bursts,
        per_day: 402,
        last_used: Some(minutes(8)),
        ending: Ending::Rotated,
        ..QUIET
    },
    Story {
        name: Cow::Borrowed("staging-api"),
        environment: "test",
        scopes: READ_ONLY,
        created_days_ago: 16,
        expires_in_days: Some(74),
        traffic: Traffic::Bursts,
        per_day: 42,
        last_used: Some(minutes(1800)),
        ..QUIET
    },
    Story {
        name: Cow::Borrowed("qa-mobile"),
        environment: "test",
        inbox: Some("QA"),
        scopes: "mail:send mail:read",
        created_days_ago: 0,
        expires_in_days: Some(90),
        ending: Ending::Sealed,
        ..QUIET
    },
    Story {
        name: Cow::Borrowed("legacy-cron"),
        scopes: "*",
        created_days_ago: 314,
        last_used: Some(minutes(136_800)),
        ..QUIET
    },
    Story {
        name: Cow::Borrowed("data-export-2025"),
        scopes: "mail:read",
        created_days_ago: 383,
        expires_in_days: Some(-18),
        by: 1,
        last_used: Some(minutes(28_800)),
        ..QUIET
    },
    Story {
        name: Cow::Borrowed("ci-legacy"),
        environment: "test",
        scopes: "mail:send",
        created_days_ago: 200,
        last_used: Some(minutes(43_200)),
        ending: Ending::Deleted,
        ..QUIET
    },
    Story {
        name: Cow::Borrowed("fleet-telemetry"),
        scopes: "webhooks:read webhooks:write mail:read",
        created_days_ago: 140,
        by: LEAVER,
        traffic: Traffic::Steady,
        per_day: 720,
        last_used: Some(minutes(35)),
        ..QUIET
    },
    Story { name: Cow::Borrowed("warehouse-sync"), scopes: "mail:read", created_days_ago: 64, by: LEAVER, ..QUIET },
];

/// Whoever has left the team since, among the demo's people.
pub const LEAVER: usize = 5;

const SERVICES: [&str; 12] = [
    "invoices",
    "tracking",
    "pickup",
    "customs",
    "fleet",
    "returns",
    "alerts",
    "reports",
    "onboarding",
    "payouts",
    "labels",
    "dispatch",
];
const PLACES: [&str; 10] = ["oslo", "gdansk", "bilbao", "turku", "genoa", "malmo", "ghent", "porto", "riga", "cork"];
const SCOPES: [&str; 5] =
    ["mail:send", "mail:send mail:read", "domains:read", READ_ONLY, "webhooks:read webhooks:write"];
const INBOXES: [&str; 4] = ["Orders", "Support", "Returns", "Billing"];

/// One of the many.
pub fn ordinary(number: usize, dice: &Entropy) -> Story {
    let roll = |sides: usize| usize::from(u16::from_be_bytes(dice.bytes())) % sides;
    let restricted = roll(4) == 0;
    let created_days_ago = 2 + roll(360) as u64;
    let silent = roll(8) == 0;
    let idle = if silent {
        days(92 + roll(200) as u64)
    } else {
        hours(4 + if roll(4) == 0 { roll(600) } else { roll(18) } as u64)
    };
    Story {
        name: format!("{}-{}-{number:03}", SERVICES[number % 12], PLACES[number / 12 % 10]).into(),
        environment: if roll(5) == 0 { "test" } else { "live" },
        inbox: restricted.then(|| INBOXES[roll(4)]),
        scopes: if restricted { SCOPES[roll(2)] } else { SCOPES[roll(5)] },
        created_days_ago,
        expires_in_days: (roll(3) > 0).then(|| 15 + i64::try_from(roll(300)).unwrap_or(0)),
        by: roll(2),
        traffic: if silent {
            Traffic::Silent
        } else {
            [Traffic::Steady, Traffic::Growing, Traffic::Weekdays, Traffic::Bursts][roll(4)]
        },
        per_day: u32::try_from(10 + roll(900)).unwrap_or(10),
        last_used: Some(idle),
        ending: if roll(25) == 0 { Ending::Deleted } else { Ending::Works },
    }
}

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}
