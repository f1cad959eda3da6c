//! The demo's people, inboxes and keys. Made through the store like anything else, only at moments in the past, so
//! the audit log, the seals and the counters are genuine.

use std::time::Duration;

use super::stories::{Ending, FEATURED, LEAVER, Story, ordinary};
use super::{refusals, traffic};
use crate::cli::Failure;
use crate::clock::{Timestamp, days, hours};
use crate::entropy::Entropy;
use crate::model::api_key::{AllowedIps, KeyType};
use crate::model::audit::Actor;
use crate::model::inbox::Inbox;
use crate::model::key_form::NewKey;
use crate::model::scopes::Scopes;
use crate::model::secret::Secret;
use crate::model::user::{Role, User};
use crate::store::accounts::{SignUp, WayIn};
use crate::store::api_keys::{Issue, Issued, Rotation};
use crate::store::sessions::{self, Kind, Opening};
use crate::store::usage::KeyUse;
use crate::store::{Act, accounts, api_keys, inboxes, sealed_secrets, team, usage, usage_scopes, users};
use crate::web::App;

const KEYS: usize = 300;

/// Whom to sign in as.
pub struct Credentials {
    pub people: Vec<(String, &'static str)>,
    pub password: String,
}

const MINUTE: Duration = Duration::from_secs(60);

/// Fills the database.
pub async fn fill(app: &App) -> Result<Credentials, Failure> {
    let password = app.entropy.base62(16);
    let dice = Entropy::seeded(20_261_121);
    usage_scopes::count_from(&app.db, app.now() - days(420)).await?;
    let mut people = people(app, &password).await?;
    let boxes = add_inboxes(app, &people[0]).await?;
    let mut stories = Vec::from(FEATURED);
    stories.extend((stories.len()..KEYS).map(|number| ordinary(number, &dice)));
    stories.sort_by_key(|story| std::cmp::Reverse(story.created_days_ago));
    for story in &stories {
        let id = tell(app, &people, &boxes, story, &dice).await?;
        refusals::add(app, &people[0].account_id, &id, &story.name).await?;
    }
    let leaver = people.remove(LEAVER);
    leave(app, &people[0], &leaver).await?;
    seen(app, &people).await?;
    let staff = staff(app, &password).await?;
    let mut people: Vec<_> = people.into_iter().map(|user| (user.email, user.role.as_str())).collect();
    people.push((staff.email, "staff"));
    Ok(Credentials { people, password })
}

/// Whoever supports the customers, in an account of their own.
async fn staff(app: &App, password: &str) -> Result<User, Failure> {
    let hash = app.passwords.hash(password.to_owned().into()).await?;
    let cli = Actor::machine("cli", "Command line");
    let act = Act { at: app.now() - days(400), ..app.act(&cli) };
    let (email, way_in) = ("priya@support.example", WayIn::Password(&hash));
    let sign_up = SignUp { account_name: "Support desk", email, name: "Priya Nair", way_in };
    let priya = accounts::sign_up(&app.db, &act, sign_up, None).await?.ok_or("the demo's database is not empty")?;
    users::set_staff(&app.db, &act, &priya, true).await?;
    Ok(priya)
}

async fn people(app: &App, password: &str) -> Result<Vec<User>, Failure> {
    let hash = app.passwords.hash(password.to_owned().into()).await?;
    let cli = Actor::machine("cli", "Command line");
    let act = Act { at: app.now() - days(420), ..app.act(&cli) };
    let email = "ana@halden.example";
    let sign_up = SignUp { account_name: "Halden Freight", email, name: "Ana Reyes", way_in: WayIn::Password(&hash) };
    let ana = accounts::sign_up(&app.db, &act, sign_up, None).await?.ok_or("the demo's database is not empty")?;
    let others = [
        ("Tomas Lind", "tomas@halden.example", Role::Administrator),
        ("Mei Okafor", "mei@halden.example", Role::Member),
        ("Sofia Kent", "sofia@halden.example", Role::Auditor),
        ("Ravi Nair", "ravi@halden.example", Role::Member),
        ("Nils Berg", "nils@halden.example", Role::Administrator),
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

/// Somebody left, and their keys stayed.
async fn leave(app: &App, by: &User, leaver: &User) -> Result<(), Failure> {
    let actor = actor(by);
    let act = Act { at: app.now() - days(12), ..app.act(&actor) };
    let left = team::remove(&app.db, &act, leaver, team::Keys::Keep).await?;
    left.map(drop).map_err(|refused| format!("the demo's {} stays: {refused:?}", leaver.name).into())
}

/// Who was here lately, newest last.
async fn seen(app: &App, people: &[User]) -> Result<(), Failure> {
    let ago = [(3, days(18)), (4, days(3)), (2, hours(5)), (1, hours(1))];
    for (index, ago) in ago {
        let actor = actor(&people[index]);
        let act = Act { at: app.now() - ago, ..app.act(&actor) };
        let opening = Opening { kind: Kind::Browser { remembered: false }, amr: "pwd", shown: None };
        sessions::start(&app.db, &act, &people[index], opening).await?;
    }
    Ok(())
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
        inboxes::create(&app.db, &act, &inbox, None).await?;
        made.push(inbox);
    }
    Ok(made)
}

async fn tell(app: &App, people: &[User], boxes: &[Inbox], story: &Story, dice: &Entropy) -> Result<String, Failure> {
    let now = app.now();
    let by = &people[story.by];
    let actor = actor(by);
    let created = Act { at: now - days(story.created_days_ago) - 3 * MINUTE - moment(dice), ..app.act(&actor) };
    let inbox = story.inbox.and_then(|name| boxes.iter().find(|inbox| inbox.name == name));
    let new = NewKey {
        name: story.name.to_string(),
        key_type: if inbox.is_some() { KeyType::Restricted } else { KeyType::Standard },
        environment: story.environment.into(),
        inbox_id: inbox.map(|inbox| inbox.id.clone()),
        scopes: story.scopes.parse::<Scopes>()?,
        expires_at: story.expires_in_days.map(|ahead| moved(now, ahead)),
        allowed_ips: AllowedIps::default(),
    };
    let secret = Secret::generate(&app.product.secret_prefix(story.environment), &app.entropy);
    let reveal = Some(app.product.keys.reveal);
    let issue = Issue { new: &new, secret: &secret, once: None, reveal };
    let Issued::Key(id) = api_keys::issue(&app.db, &created, &by.account_id, issue, 0).await? else {
        return Err(format!("the demo's key {} was not issued", story.name).into());
    };
    let find = async || api_keys::find(&app.db, &by.account_id, &id).await?.ok_or(sqlx::Error::RowNotFound);
    if story.ending != Ending::Sealed {
        let revealed = Act { at: created.at + moment(dice), ..created };
        sealed_secrets::reveal(&app.db, &revealed, &find().await?, app.product.keys.reveal).await?;
    }
    let none = KeyUse::of(&by.account_id, &id, secret.hash(&app.keyring).to_string());
    let counted = traffic::of(none, story, now, dice);
    usage::flush(&app.db, std::iter::once(&counted)).await?;
    match story.ending {
        Ending::Works | Ending::Sealed => {}
        Ending::Rotated => {
            let fresh = Secret::generate(&app.product.secret_prefix(story.environment), &app.entropy);
            let rotated = Act { at: now - MINUTE, ..created };
            let rotation = Rotation { secret: &fresh, grace_hours: 24, expires_at: None, once: None, reveal };
            api_keys::rotate(&app.db, &rotated, &find().await?, rotation).await?;
            sealed_secrets::reveal(&app.db, &rotated, &find().await?, app.product.keys.reveal).await?;
        }
        Ending::Deleted => {
            let deleted = Act { at: now - hours(22), ..created };
            api_keys::delete(&app.db, &deleted, &find().await?).await?;
        }
    }
    Ok(id)
}

/// Up to two minutes: people are not clockwork.
fn moment(dice: &Entropy) -> Duration {
    Duration::from_millis(u64::from(u16::from_be_bytes(dice.bytes())) * 120_000 / 65_536)
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
