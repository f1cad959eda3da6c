//! The demo's people, inboxes, keys and traffic. Made through the store like anything else, only at moments in the past, so
//! the audit log, the seals and the counters are genuine.

use std::time::Duration;

use super::Failure;
use crate::clock::{Timestamp, days, hours};
use crate::entropy::Entropy;
use crate::model::api_key::{AllowedIps, KeyType};
use crate::model::audit::Actor;
use crate::model::inbox::Inbox;
use crate::model::key_form::NewKey;
use crate::model::scopes::Scopes;
use crate::model::secret::Secret;
use crate::model::usage::UsageHour;
use crate::model::user::{Role, User};
use crate::store::accounts::SignUp;
use crate::store::api_keys::{Issue, Issued, Rotation};
use crate::store::usage::{KeyUse, LastUse};
use crate::store::{Act, accounts, api_keys, inboxes, sealed_secrets, usage, users};
use crate::web::App;

const KEYS: usize = 300;
/// Days that the counters reach back.
const HISTORY: i64 = 90;
/// Days counted by the hour; older ones hold their requests in one hour.
const HOURLY: i64 = 2;

/// Whom to sign in as.
pub struct Credentials {
    pub people: Vec<(String, Role)>,
    pub password: String,
}

/// How a key's traffic looks over the days.
#[derive(Clone, Copy)]
enum Traffic {
    Steady,
    Growing,
    Weekdays,
    Bursts,
    Silent,
}

/// A key as the demo wants it.
struct Story {
    name: String,
    environment: &'static str,
    inbox: Option<&'static str>,
    scopes: &'static str,
    created_days_ago: u64,
    expires_in_days: Option<i64>,
    by: usize,
    traffic: Traffic,
    per_day: u32,
    last_used: Option<Duration>,
    ending: Ending,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Works,
    Sealed,
    Rotated,
    Deleted,
}

const MINUTE: Duration = Duration::from_secs(60);

/// Fills the database.
pub async fn fill(app: &App) -> Result<Credentials, Failure> {
    let password = app.entropy.base62(16);
    let dice = Entropy::seeded(20_261_121);
    let people = people(app, &password).await?;
    let boxes = add_inboxes(app, &people[0]).await?;
    let mut stories = featured();
    stories.extend((stories.len()..KEYS).map(|number| ordinary(number, &dice)));
    stories.sort_by_key(|story| std::cmp::Reverse(story.created_days_ago));
    for story in &stories {
        tell(app, &people, &boxes, story, &dice).await?;
    }
    Ok(Credentials { people: people.into_iter().map(|user| (user.email, user.role)).collect(), password })
}

async fn people(app: &App, password: &str) -> Result<Vec<User>, Failure> {
    let hash = app.passwords.hash(password.to_owned().into()).await?;
    let cli = Actor::machine("cli", "Command line");
    let act = Act { at: app.now() - days(420), ..app.act(&cli) };
    let email = "ana@halden.example";
    let sign_up = SignUp { account_name: "Halden Freight", email, name: "Ana Reyes", password_hash: &hash };
    let ana = accounts::sign_up(&app.db, &act, sign_up, None).await?.ok_or("the demo's database is not empty")?;
    let others = [
        ("Tomas Lind", "tomas@halden.example", Role::Administrator),
        ("Mei Okafor", "mei@halden.example", Role::Member),
        ("Sofia Kent", "sofia@halden.example", Role::Auditor),
        ("Ravi Nair", "ravi@halden.example", Role::Member),
    ];
    let mut people = vec![ana];
    for (name, email, role) in others {
        let user = User {
            id: app.entropy.id("usr"),
            email: email.into(),
            name: name.into(),
            role,
            created_at: act.at,
            ..people[0].clone()
        };
        let actor = actor(&people[0]);
        users::add(&app.db, &Act { actor: &actor, ..act }, &user, &hash).await?;
        people.push(user);
    }
    Ok(people)
}

async fn add_inboxes(app: &App, by: &User) -> Result<Vec<Inbox>, Failure> {
    let actor = actor(by);
    let act = Act { at: app.now() - days(410), ..app.act(&actor) };
    let mut made = Vec::new();
    for (name, local) in [
        ("Orders", "orders"),
        ("Support", "support"),
        ("Newsletter", "news"),
        ("Returns", "returns"),
        ("Billing", "billing"),
        ("QA", "qa"),
    ] {
        let inbox = Inbox {
            id: app.entropy.id("inb"),
            account_id: by.account_id.clone(),
            name: name.into(),
            address: format!("{local}@in.halden.example"),
            created_at: act.at,
        };
        inboxes::create(&app.db, &act, &inbox).await?;
        made.push(inbox);
    }
    Ok(made)
}

/// The keys that a visitor sees first.
fn featured() -> Vec<Story> {
    let story = |name: &str, environment, scopes, created_days_ago, traffic, per_day, last_used: Duration| Story {
        name: name.into(),
        environment,
        inbox: None,
        scopes,
        created_days_ago,
        expires_in_days: None,
        by: 0,
        traffic,
        per_day,
        last_used: Some(last_used),
        ending: Ending::Works,
    };
    let far = || days(95);
    vec![
        Story {
            expires_in_days: Some(81),
            ..story("production-backend", "live", "*", 101, Traffic::Steady, 6140, 2 * MINUTE)
        },
        Story {
            expires_in_days: Some(11),
            ..story("billing-worker", "live", "mail:send", 79, Traffic::Growing, 1430, 14 * MINUTE)
        },
        Story {
            inbox: Some("Orders"),
            by: 1,
            expires_in_days: Some(209),
            ..story("orders-webhook", "live", "mail:read mail:write", 156, Traffic::Weekdays, 310, hours(1))
        },
        Story {
            expires_in_days: Some(40),
            by: 1,
            ..story(
                "ci-e2e-suite",
                "test",
                "mail:send inboxes:write domains:read",
                50,
                Traffic::Bursts,
                2050,
                26 * MINUTE,
            )
        },
        Story {
            inbox: Some("Support"),
            expires_in_days: Some(47),
            ..story("support-replies", "live", "mail:send mail:read", 43, Traffic::Weekdays, 104, hours(3))
        },
        Story {
            inbox: Some("Newsletter"),
            by: 1,
            ending: Ending::Rotated,
            ..story("newsletter-send", "live", "mail:send", 91, Traffic::Bursts, 402, 8 * MINUTE)
        },
        Story {
            expires_in_days: Some(74),
            ..story("staging-api", "test", READ_ONLY, 16, Traffic::Bursts, 42, hours(30))
        },
        Story {
            inbox: Some("QA"),
            last_used: None,
            ending: Ending::Sealed,
            expires_in_days: Some(90),
            ..story("qa-mobile", "test", "mail:send mail:read", 0, Traffic::Silent, 0, MINUTE)
        },
        story("legacy-cron", "live", "*", 314, Traffic::Silent, 0, far()),
        Story {
            expires_in_days: Some(-18),
            by: 1,
            ..story("data-export-2025", "live", "mail:read", 383, Traffic::Silent, 0, days(20))
        },
        Story { ending: Ending::Deleted, ..story("ci-legacy", "test", "mail:send", 200, Traffic::Silent, 0, days(30)) },
    ]
}

/// Every read scope of the built-in definition: what the list calls *Read only*.
const READ_ONLY: &str = "mail:read inboxes:read domains:read webhooks:read suppressions:read keys:read";

/// One of the many.
fn ordinary(number: usize, dice: &Entropy) -> Story {
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
    const PLACES: [&str; 10] =
        ["oslo", "gdansk", "bilbao", "turku", "genoa", "malmo", "ghent", "porto", "riga", "cork"];
    const SCOPES: [&str; 5] =
        ["mail:send", "mail:send mail:read", "domains:read", READ_ONLY, "webhooks:read webhooks:write"];
    const INBOXES: [&str; 4] = ["Orders", "Support", "Returns", "Billing"];
    let roll = |sides: usize| usize::from(u16::from_be_bytes(dice.bytes())) % sides;
    let restricted = roll(4) == 0;
    let created_days_ago = 2 + roll(360) as u64;
    let silent = roll(8) == 0;
    let idle = if silent { days(92 + roll(200) as u64) } else { hours(4 + roll(600) as u64) };
    Story {
        name: format!("{}-{}-{number:03}", SERVICES[number % 12], PLACES[number / 12 % 10]),
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

async fn tell(app: &App, people: &[User], boxes: &[Inbox], story: &Story, dice: &Entropy) -> Result<(), Failure> {
    let now = app.now();
    let by = &people[story.by];
    let actor = actor(by);
    let created = Act { at: now - days(story.created_days_ago) - 3 * MINUTE, ..app.act(&actor) };
    let inbox = story.inbox.and_then(|name| boxes.iter().find(|inbox| inbox.name == name));
    let new = NewKey {
        name: story.name.clone(),
        key_type: if inbox.is_some() { KeyType::Restricted } else { KeyType::Standard },
        environment: story.environment.into(),
        inbox_id: inbox.map(|inbox| inbox.id.clone()),
        scopes: story.scopes.parse::<Scopes>()?,
        expires_at: story.expires_in_days.map(|ahead| moved(now, ahead)),
        allowed_ips: AllowedIps::default(),
    };
    let secret = Secret::generate(&app.product.secret_prefix(story.environment), &app.entropy);
    let issue = Issue { new: &new, secret: &secret, form_id: None, sealed: true };
    let Issued::Key(id) = api_keys::issue(&app.db, &created, &by.account_id, issue, 0).await? else {
        return Err(format!("the demo's key {} was not issued", story.name).into());
    };
    let find = async || api_keys::find(&app.db, &by.account_id, &id).await?.ok_or(sqlx::Error::RowNotFound);
    if story.ending != Ending::Sealed {
        let revealed = Act { at: created.at + MINUTE, ..created };
        sealed_secrets::reveal(&app.db, &revealed, &find().await?).await?;
    }
    usage::flush(&app.db, &[traffic(&id, story, secret.hash(&app.keyring).as_str(), now, dice)]).await?;
    match story.ending {
        Ending::Works | Ending::Sealed => {}
        Ending::Rotated => {
            let fresh = Secret::generate(&app.product.secret_prefix(story.environment), &app.entropy);
            let rotated = Act { at: now - MINUTE, ..created };
            let rotation = Rotation { secret: &fresh, grace_hours: 24, expires_at: None, sealed: true };
            api_keys::rotate(&app.db, &rotated, &find().await?, rotation).await?;
            sealed_secrets::reveal(&app.db, &rotated, &find().await?).await?;
        }
        Ending::Deleted => {
            let deleted = Act { at: now - hours(22), ..created };
            api_keys::delete(&app.db, &deleted, &find().await?).await?;
        }
    }
    Ok(())
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

/// A key's counters over the history.
fn traffic(key_id: &str, story: &Story, secret_hash: &str, now: Timestamp, dice: &Entropy) -> KeyUse {
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
        hours.extend(buckets.map(|hour| UsageHour { hour, ok: count / spread, refused: refused / spread }));
    }
    let last = story.last_used.map(|idle| LastUse {
        at: now - idle,
        ip: "203.0.113.80".into(),
        secret_hash: secret_hash.into(),
    });
    let addresses = [("203.0.113.80", 0), ("203.0.113.81", 5)];
    KeyUse {
        key_id: key_id.into(),
        hours: hours.into_iter().filter(|hour| hour.ok + hour.refused > 0).collect(),
        addresses: match &last {
            Some(last) => addresses.map(|(ip, minutes)| (ip.to_owned(), last.at - minutes * MINUTE)).into(),
            None => Vec::new(),
        },
        last,
        first_request: (story.created_days_ago > 300).then(|| first_request(now - days(380))),
    }
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

fn moved(now: Timestamp, ahead: i64) -> Timestamp {
    if ahead < 0 { now - days(ahead.unsigned_abs()) } else { now + days(ahead.unsigned_abs()) }
}

fn actor(user: &User) -> Actor {
    let ip =
        if user.role == Role::Administrator && user.name.starts_with("Ana") { "203.0.113.24" } else { "198.51.100.41" };
    let from = Actor { ip: ip.into(), user_agent: "Mozilla/5.0".into(), ..Actor::default() };
    from.as_user(user, "")
}
