//! Settings → API keys, and what its screens share: finding the key, saying what it can do, drawing its seal.

mod banner;
pub mod delete;
pub mod detail;
mod excess;
pub mod export;
mod life;
pub mod list;
pub mod new;
pub mod notes;
mod paging;
pub mod pause;
pub mod rename;
pub mod reveal;
pub mod rotate;
mod scope_choice;
pub mod scopes;
pub mod selected;
mod successor;
mod triage;

use std::time::Duration;

use crate::clock::Timestamp;
use crate::model::api_key::{ApiKey, KeyType};
use crate::model::name::isolated;
use crate::model::seal::LIFETIME;
use crate::model::secret::Secret;
use crate::model::text;
use crate::product::{ExpiryPolicy, KeyAct, Product};
use crate::store::{api_keys, usage};
use crate::web::App;
use crate::web::audience::Me;
use crate::web::error::{Error, Missing};
use crate::web::view::Moment;

/// A key that was used within this long is in use right now.
const IN_USE: Duration = Duration::from_secs(3600);

/// Addresses that are named in a sentence; the others are counted.
const ADDRESSES_NAMED: i64 = 3;

/// The key of this id, if it is my account's.
async fn find(app: &App, me: &Me, id: &str) -> Result<ApiKey, Error> {
    api_keys::find(&app.db, me.account_id(), id).await?.ok_or(Error::NotFound(Missing::Key))
}

/// As [`find`], and not deleted: there is something left to change.
async fn find_alive(app: &App, me: &Me, id: &str) -> Result<ApiKey, Error> {
    let key = find(app, me, id).await?;
    if key.deleted_at.is_some() { Err(Error::NotFound(Missing::Key)) } else { Ok(key) }
}

/// Whether this product has the act at all; a page that it doesn't have is nowhere.
fn offered(app: &App, act: KeyAct) -> Result<(), Error> {
    if app.product.offers(act) { Ok(()) } else { Err(Error::NotFound(Missing::Page)) }
}

/// The tag of an environment: its label, and whether it is drawn as the real thing or as a rehearsal.
#[derive(Clone)]
pub struct Tag {
    pub label: String,
    pub class: &'static str,
    pub summary: String,
}

impl Tag {
    pub fn of(product: &Product, environment: &str) -> Option<Self> {
        let found = product.environment(environment)?;
        Some(Self {
            label: found.label.clone(),
            class: if found.rehearsal { "test" } else { "live" },
            summary: found.summary.clone(),
        })
    }
}

/// What a key can do, as every screen says it.
pub struct Abilities {
    pub tag: Option<Tag>,
    /// `Standard, all inboxes`
    pub reach: String,
    /// `Full access`, if that is what the scopes are.
    pub preset: Option<&'static str>,
    pub scopes: Vec<String>,
    /// Whether keys differ in their scopes, and whether they can expire at all.
    pub has_scopes: bool,
    pub has_expiry: bool,
    pub expires: Option<(Moment, String)>,
    pub allowed_ips: Vec<String>,
}

impl Abilities {
    pub fn of(key: &ApiKey, product: &Product, now: Timestamp) -> Self {
        let until = |at: Timestamp| if at > now { text::until(at, now) } else { "expired".into() };
        Self {
            tag: Tag::of(product, &key.environment),
            reach: reach(key, product),
            preset: key.scopes.preset_label(product),
            scopes: key.scopes.iter().map(str::to_owned).collect(),
            has_scopes: product.keys.choose_scopes,
            has_expiry: product.expiry.policy != ExpiryPolicy::None || key.expires_at.is_some(),
            expires: key.expires_at.map(|at| (Moment::date(at), until(at))),
            allowed_ips: key.allowed_ips.iter().map(ToString::to_string).collect(),
        }
    }
}

/// What the definition calls the type: `Standard`.
fn type_label(key_type: KeyType, product: &Product) -> String {
    text::capitalised(match key_type {
        KeyType::Standard => &product.words.standard,
        KeyType::Restricted => &product.words.restricted,
    })
}

fn reach(key: &ApiKey, product: &Product) -> String {
    let label = type_label(key.key_type, product);
    match &key.inbox_name {
        Some(inbox) => format!("{label} to {}", isolated(inbox)),
        None if product.keys.types.len() == 1 => format!("All {}", product.words.resources),
        None => format!("{label}, all {}", product.words.resources),
    }
}

/// Whether a page can show the key's secret as often as somebody asks.
fn can_show_again(key: &ApiKey, product: &Product) -> bool {
    product.reveals_again() && key.is_kept()
}

/// Whether the key is about to be shown for the first time: its page is its seal. One that can be shown again has a page
/// of its own after a day.
fn awaits_first_reveal(key: &ApiKey, app: &App) -> bool {
    let now = app.now();
    let lately = key.kept_at.is_some_and(|at| now.since(at) < LIFETIME);
    key.is_sealed(now) || (can_show_again(key, &app.product) && key.revealed_at.is_none() && lately)
}

/// The seal in its states.
pub enum Seal {
    Sealed {
        key_id: String,
        prefix: String,
        last4: String,
        /// The screen that the reveal comes back to.
        from: &'static str,
        /// Whether it can be revealed as often as somebody asks, or one time.
        again: bool,
    },
    Open {
        secret: Secret,
        env_var: String,
        /// As in [`Seal::Sealed`].
        again: bool,
    },
    Done {
        key: Box<ApiKey>,
        at: Option<Moment>,
        /// Whether the product shows other keys again.
        again: bool,
        /// Whether the page can give it another secret.
        may_rotate: bool,
    },
}

impl Seal {
    /// The seal of a key whose secret is not being revealed right now.
    pub fn of(key: &ApiKey, app: &App, from: &'static str) -> Self {
        let again = can_show_again(key, &app.product);
        if again || key.is_sealed(app.now()) {
            let (key_id, prefix, last4) = (key.id.clone(), key.prefix.clone(), key.last4.clone());
            return Self::Sealed { key_id, prefix, last4, from, again };
        }
        let at =
            key.revealed_at.map(|at| Moment::new(at, format!("{} at {} UTC", text::date(at), text::time_of_day(at))));
        let (again, may_rotate) = (app.product.reveals_again(), app.product.offers(KeyAct::Rotate));
        Self::Done { key: Box::new(key.clone()), at, again, may_rotate }
    }
}

/// Who still calls with a key, said before it is deleted.
pub struct Evidence {
    pub in_use: bool,
    pub last_used: Option<Moment>,
    /// `6,140 in the last 24 hours, from 203.0.113.80 and 203.0.113.81`
    pub lately: String,
    /// `94 days`, from the first whole day on.
    pub unused_for: Option<String>,
    /// `12 requests with it were refused in the last 24 hours`, if it was called then and nothing passed.
    pub refused_lately: Option<String>,
}

impl Evidence {
    async fn of(app: &App, key: &ApiKey, now: Timestamp) -> Result<Self, Error> {
        let day_ago = now - crate::clock::days(1);
        let hours = usage::list_hours(&app.db, &key.account_id, &key.id, day_ago.hour()).await?;
        let requests = hours.iter().map(|hour| hour.ok + hour.refused).sum::<i64>();
        let addresses = usage::list_addresses(&app.db, &key.account_id, &key.id, day_ago, ADDRESSES_NAMED).await?;
        let all = usage::count_addresses(&app.db, &key.account_id, &key.id, day_ago).await?;
        let named = text::some(&addresses, addresses.len(), usize::try_from(all).unwrap_or(0));
        let from = if addresses.is_empty() { String::new() } else { format!(", from {named}") };
        let idle = now.since(key.last_used_at.unwrap_or(key.created_at));
        let requests = u64::try_from(requests).unwrap_or(0);
        let refused = || {
            let were = if requests == 1 { "was" } else { "were" };
            format!("{} with it {were} refused in the last 24 hours", text::count(requests, "request", "requests"))
        };
        let none_passed = key.last_used_at.is_none_or(|at| at < day_ago);
        Ok(Self {
            in_use: key.last_used_at.is_some() && idle < IN_USE,
            last_used: key.last_used_at.map(|at| Moment::ago_in_words(at, now)),
            lately: format!("{} in the last 24 hours{from}", text::thousands(requests)),
            refused_lately: (none_passed && requests > 0).then(refused),
            unused_for: Some(idle.as_secs() / 86_400)
                .filter(|days| *days > 0)
                .map(|days| text::count(days, "day", "days")),
        })
    }
}
