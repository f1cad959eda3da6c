//! What is said: the only axum and askama. Handlers extract, decide, do and answer; a page struct beside each is the
//! typed contract of its template.

pub mod api;
pub mod assets;
pub mod audience;
pub mod chrome;
pub mod cross_site;
pub mod devices;
pub mod error;
pub mod form;
pub mod form_id;
pub mod gate;
pub mod google;
pub mod headers;
pub mod highlight;
pub mod leaks;
pub mod mails;
pub mod meters;
pub mod metrics;
pub mod new_inbox;
pub mod operations;
pub mod pages;
pub mod passkeys;
pub mod passwords;
pub mod peer;
pub mod people;
pub mod period;
pub mod ranking;
pub mod refusals;
pub mod request;
pub mod request_id;
pub mod routes;
pub mod samples;
pub mod scanning_keys;
pub mod second_factor;
pub mod server;
pub mod spreadsheet;
pub mod view;

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use lettre::message::Mailbox;

use crate::clock::{Clock, Timestamp, days};
use crate::entropy::Entropy;
use crate::gate::Gate;
use crate::gate::throttle::Throttle;
use crate::jobs::Background;
use crate::jobs::mail::{Post, Route};
use crate::jobs::reminders::Advice;
use crate::model::audit::Actor;
use crate::model::keyring::Keyring;
use crate::model::security_contact::SecurityContact;
use crate::model::session_token::SessionTokens;
use crate::model::trusted_proxies::TrustedProxies;
use crate::product::{KeyAct, Product};
use crate::store::{Act, Db, session_keys, usage_scopes};
use google::Google;
use meters::Meters;
use passkeys::Passkeys;
use passwords::Passwords;
use ranking::Ranking;
use request_id::RequestIds;
use scanning_keys::ScanningKeys;
use server::limits::Limits;

pub use view::icon;

/// Everything a handler works with. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

pub struct Inner {
    pub db: Db,
    pub gate: Arc<Gate>,
    pub product: Product,
    pub keyring: Arc<Keyring>,
    pub tokens: Arc<SessionTokens>,
    pub clock: Clock,
    pub entropy: Entropy,
    pub passwords: Passwords,
    pub throttle: Throttle,
    pub ranking: Ranking,
    pub meters: Meters,
    /// Failures at an account, apart from the sources: a flood of addresses must not push those out.
    pub failures: Throttle,
    pub request_ids: RequestIds,
    pub proxies: TrustedProxies,
    pub public_url: String,
    pub installation_id: String,
    pub post: Post,
    /// Whom people may sign in with, if anybody.
    pub google: Option<Google>,
    /// Where browsers have them: nowhere at a bare address.
    pub passkeys: Option<Passkeys>,
    /// Whom to write to about a weakness, where that is not the page for leaked keys alone.
    pub security_contact: Option<SecurityContact>,
    /// What GitHub signs its findings with; none while they are not taken.
    pub scanning_keys: Option<Box<ScanningKeys>>,
    pub limits: Arc<Limits>,
    /// Whether we were told to stop.
    draining: AtomicBool,
    redis: Option<redis::Client>,
}

/// What an [`App`] is made of.
pub struct Parts {
    pub db: Db,
    pub product: Product,
    pub keyring: Keyring,
    pub clock: Clock,
    pub entropy: Entropy,
    pub public_url: String,
    pub proxies: TrustedProxies,
    /// Where mail goes, and from whom.
    pub mail: (Route, Mailbox),
    /// Whom people may sign in with, if anybody.
    pub google: Option<Google>,
    pub security_contact: Option<SecurityContact>,
    pub scanning_keys: Option<Box<ScanningKeys>>,
    /// Keys that the gate remembers at once.
    pub cache_keys: usize,
    pub limits: Limits,
    /// Where nodes count rate limits together, if they do.
    pub redis: Option<redis::Client>,
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    /// # Errors
    /// If the database does not answer.
    pub async fn new(parts: Parts) -> sqlx::Result<Self> {
        let Parts { db, product, keyring, clock, entropy, public_url, proxies, mail, google, .. } = parts;
        let Parts { security_contact, scanning_keys, cache_keys, limits, redis, .. } = parts;
        let installation_id = db.installation_id(&entropy, clock.now()).await?;
        usage_scopes::count_from(&db, clock.now()).await?;
        let keyring = Arc::new(keyring);
        let generations = session_keys::list(&db, clock.now()).await?;
        let tokens = Arc::new(SessionTokens::new(keyring.clone(), &public_url, &generations));
        let mut gate = Gate::new(db.clone(), keyring.clone(), tokens.clone(), &product, cache_keys);
        gate.know_prefixes(clock.now()).await?;
        let passwords = Passwords::new();
        let throttle = Throttle::default();
        let request_ids = RequestIds::new(&entropy);
        let passkeys = Passkeys::at(&public_url, &product.brand.name, &installation_id);
        let (route, from) = mail;
        let post = Post {
            route,
            from,
            brand: product.brand.name.clone(),
            public_url: public_url.clone(),
            layout: mails::lay_out,
            bell: Arc::default(),
        };
        Ok(Self(Arc::new(Inner {
            db,
            gate: Arc::new(gate),
            product,
            keyring,
            tokens,
            clock,
            entropy,
            passwords,
            throttle,
            ranking: Ranking::default(),
            meters: Meters::default(),
            failures: Throttle::default(),
            request_ids,
            proxies,
            public_url,
            installation_id,
            post,
            google,
            passkeys,
            security_contact,
            scanning_keys,
            limits: Arc::new(limits),
            draining: AtomicBool::new(false),
            redis,
        })))
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// An act of `actor`, now.
    pub fn act<'a>(&'a self, actor: &'a Actor) -> Act<'a> {
        Act {
            actor,
            at: self.now(),
            keyring: &self.keyring,
            entropy: &self.entropy,
            installation_id: &self.installation_id,
        }
    }

    /// Writes what was counted of an account, for a page that must not be behind. In a task of its own: a browser that
    /// hangs up must not take the counts with it.
    ///
    /// # Errors
    /// If the database does not answer; then the counts wait for the next flush.
    pub async fn flush_usage(&self, account_id: &str) -> Result<(), error::Error> {
        let Background { db, gate, .. } = self.background();
        let account_id = account_id.to_owned();
        let written = tokio::spawn(async move { gate.usage.flush(&db, Some(&account_id)).await }).await;
        Ok(written.map_err(error::Error::internal)??)
    }

    /// Writes what was refused, for a page that must not be behind; in a task of its own, as [`Self::flush_usage`].
    ///
    /// # Errors
    /// If the database does not answer; then it waits for the next flush.
    pub async fn flush_refusals(&self) -> Result<(), error::Error> {
        let Background { db, gate, .. } = self.background();
        let written = tokio::spawn(async move { gate.refusals.flush(&db).await }).await;
        Ok(written.map_err(error::Error::internal)??)
    }

    /// What the background jobs work with.
    pub fn background(&self) -> Background {
        Background {
            db: self.db.clone(),
            gate: self.gate.clone(),
            keyring: self.keyring.clone(),
            tokens: self.tokens.clone(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            installation_id: self.installation_id.clone(),
            post: self.post.clone(),
            reveal: self.product.keys.reveal,
            advice: self.advice(),
            redis: self.redis.clone(),
        }
    }

    /// What a mail about a key may advise.
    fn advice(&self) -> Advice {
        let product = &self.product;
        let rotates = product.offers(KeyAct::Rotate);
        let age = Some(product.rotation.recommended_days).filter(|age| rotates && *age > 0);
        Advice {
            creates: product.offers(KeyAct::Create),
            rotates,
            creates_over_api: product.offers_over_api(KeyAct::Create),
            rotates_over_api: product.offers_over_api(KeyAct::Rotate),
            rotates_after: age.map(days),
        }
    }

    /// Whether we were told to stop: whoever has a choice had better go elsewhere.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether people reach Keydesk over TLS. Only the public URL decides, never a header.
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

/// Renders a page. Never inlined, so that `scripts/instructions` can count what rendering executes.
#[inline(never)]
fn page(status: StatusCode, template: &impl askama::Template) -> Response {
    match template.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => error::Error::internal(error).into_response(),
    }
}

/// Sends the browser to a page by GET.
fn see_other(location: &str) -> Response {
    axum::response::Redirect::to(location).into_response()
}
