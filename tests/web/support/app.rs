//! A desk of its own: a fresh database, a clock that stands at 2026-11-21T14:05:00Z, randomness seeded by the test's
//! name.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use keydesk::clock::{Clock, Timestamp};
use keydesk::entropy::Entropy;
use keydesk::jobs::{self, mail};
use keydesk::model::audit::{Actor as Author, AuditEvent};
use keydesk::model::key_source::KeySource;
use keydesk::model::keyring::Keyring;
use keydesk::model::provider::Provider;
use keydesk::product::{DEFAULT, Product, Reveal};
use keydesk::store::Db;
use keydesk::store::audit_events::{self, Slice};
use keydesk::web::google::Google;
use keydesk::web::scanning_keys::ScanningKeys;
use keydesk::web::server::limits::Limits;
use keydesk::web::{App, Parts, routes};

use super::database::{Place, TestDatabase};
use super::mailbox::{Mail, Mailbox};
use super::{Actor, Issuer, logs};

/// The frozen moment: Saturday, 21 November 2026, 14:05 UTC.
const NOW: Timestamp = Timestamp::from_micros(1_795_269_900_000_000);
pub const PUBLIC_URL: &str = "http://localhost:8080";
/// The gateways whose word is taken.
pub const PROXIES: &str = "10.0.0.0/8";
pub const SECRET_FILE: [u8; 32] = [42; 32];
const CACHE_KEYS: usize = 1000;
const SENDER: &str = "Keydesk <keydesk@keys.example>";

pub struct TestApp {
    pub app: App,
    pub router: Router,
    pub database: Arc<TestDatabase>,
    pub mailbox: Mailbox,
}

impl TestApp {
    /// The built-in product under `http://localhost:8080`.
    pub async fn new() -> Self {
        Self::of(|_| {}, PUBLIC_URL, CACHE_KEYS).await
    }

    /// The built-in product, changed.
    pub async fn with_product(change: impl FnOnce(&mut Product)) -> Self {
        Self::of(change, PUBLIC_URL, CACHE_KEYS).await
    }

    /// The built-in product, showing secrets again.
    pub async fn revealing_again() -> Self {
        Self::with_product(|product| product.keys.reveal = Reveal::Again).await
    }

    /// The same database after a restart: under a definition that was changed, or another secret file.
    pub async fn restarted(&self, change: impl FnOnce(&mut Product), secret_file: [u8; 32]) -> Self {
        let mut product = self.app.product.clone();
        change(&mut product);
        self.with(Parts { product, keyring: Keyring::derive(&secret_file), ..self.parts() }).await
    }

    /// The same database after a restart with these keys.
    pub async fn under(&self, keyring: Keyring) -> Self {
        self.with(Parts { keyring, ..self.parts() }).await
    }

    /// The same desk, offering to sign in at `issuer`.
    pub async fn offering(&self, issuer: &Issuer) -> Self {
        self.offering_at(issuer.provider()).await
    }

    /// As [`Self::offering`], at an issuer that may not be there.
    pub async fn offering_at(&self, provider: Provider) -> Self {
        let google = Google::new(provider, &self.app.public_url).expect("a client");
        self.with(Parts { google: Some(google), ..self.parts() }).await
    }

    /// The same desk, taking what is signed with the keys that are there.
    pub async fn taking_findings(&self, keys: KeySource) -> Self {
        let scanning_keys = Some(ScanningKeys::open(keys).expect("keys"));
        self.with(Parts { scanning_keys, ..self.parts() }).await
    }

    /// The same desk, with other limits at its door.
    pub async fn limited(&self, limits: Limits) -> Self {
        self.with(Parts { limits, ..self.parts() }).await
    }

    /// The same desk, with somebody to write to.
    pub async fn with_contact(&self, contact: &str) -> Self {
        self.with(Parts { security_contact: Some(contact.parse().expect("a contact")), ..self.parts() }).await
    }

    fn parts(&self) -> Parts {
        Parts {
            db: self.app.db.clone(),
            product: self.app.product.clone(),
            keyring: Keyring::derive(&SECRET_FILE),
            clock: self.app.clock.clone(),
            entropy: self.app.entropy.clone(),
            public_url: self.app.public_url.clone(),
            proxies: PROXIES.parse().expect("networks"),
            mail: (self.mailbox.route(), SENDER.parse().expect("a mailbox")),
            google: None,
            security_contact: None,
            scanning_keys: None,
            cache_keys: CACHE_KEYS,
            limits: (*self.app.limits).clone(),
            redis: None,
        }
    }

    async fn with(&self, parts: Parts) -> Self {
        let app = Box::pin(App::new(parts)).await.expect("the database answers");
        Self {
            router: routes::router(app.clone()),
            app,
            database: self.database.clone(),
            mailbox: self.mailbox.clone(),
        }
    }

    /// The built-in product without a rate limit, behind a gate that remembers `keys` keys.
    pub async fn remembering(keys: usize) -> Self {
        Self::of(|product| product.rate_limit.per_minute = 0, PUBLIC_URL, keys).await
    }

    /// The built-in product with this rate limit, behind a gate that remembers one key.
    pub async fn forgetful(per_minute: u32) -> Self {
        Self::of(|product| product.rate_limit.per_minute = per_minute, PUBLIC_URL, 1).await
    }

    /// The built-in product as the world reaches it over TLS.
    pub async fn over_https() -> Self {
        Self::of(|_| {}, "https://keys.example", CACHE_KEYS).await
    }

    /// The product of `products/<name>.toml`; `KEYDESK_TEST_PRODUCTS` names another directory.
    pub async fn of_product(name: &str) -> Self {
        Self::of(|product| *product = defined(name), PUBLIC_URL, CACHE_KEYS).await
    }

    /// As [`Self::of_product`], as the world reaches it over TLS.
    pub async fn of_product_over_https(name: &str) -> Self {
        Self::of(|product| *product = defined(name), "https://keys.example", CACHE_KEYS).await
    }

    /// The built-in product on what lies there.
    pub async fn at(place: Place) -> Self {
        logs::capture();
        let database = Arc::new(TestDatabase::at(place).await);
        let db = database.db.clone();
        Self::on(database, db, (|_: &mut Product| {}, PUBLIC_URL, CACHE_KEYS), seed()).await
    }

    async fn of(change: impl FnOnce(&mut Product), public_url: &str, cache_keys: usize) -> Self {
        logs::capture();
        let seed = seed();
        let database = Arc::new(TestDatabase::fresh(seed).await);
        let db = database.db.clone();
        Self::on(database, db, (change, public_url, cache_keys), seed).await
    }

    /// Another process on the same database, which starts now with the built-in product, changed.
    pub async fn started_again(&self, change: impl FnOnce(&mut Product)) -> Self {
        let db = self.database.opened_elsewhere().await;
        let desk = Self::on(self.database.clone(), db, (change, PUBLIC_URL, CACHE_KEYS), seed()).await;
        desk.pass(self.app.now().since(desk.app.now()));
        desk
    }

    async fn on(
        database: Arc<TestDatabase>,
        db: Db,
        (change, public_url, cache_keys): (impl FnOnce(&mut Product), &str, usize),
        seed: u64,
    ) -> Self {
        let mut product = Product::parse(DEFAULT).expect("the built-in definition");
        change(&mut product);
        let mailbox = Mailbox::default();
        // No other process writes here unseen; what a test changes by hand is noted by `TestDatabase::run`.
        db.changes().watch();
        let parts = Parts {
            db,
            product,
            keyring: Keyring::derive(&SECRET_FILE),
            clock: Clock::frozen(NOW),
            entropy: Entropy::seeded(seed),
            public_url: public_url.into(),
            proxies: PROXIES.parse().expect("networks"),
            mail: (mailbox.route(), SENDER.parse().expect("a mailbox")),
            google: None,
            security_contact: None,
            scanning_keys: None,
            cache_keys,
            limits: Limits::default(),
            redis: None,
        };
        let app = Box::pin(App::new(parts)).await.expect("the database answers");
        let router = routes::router(app.clone());
        Self { app, router, database, mailbox }
    }

    /// Moves the clock.
    pub fn pass(&self, time: Duration) {
        self.app.clock.advance(time);
    }

    /// Writes the usage counted so far, as the background job does.
    pub async fn flush(&self) {
        jobs::flush(&self.app.background()).await.expect("the database takes the counts");
    }

    /// Sends the mail that is due, as the background job does, and answers the letters that are new.
    pub async fn mail(&self) -> Vec<Mail> {
        mail::deliver(&self.app.background()).await.expect("the database answers");
        self.mailbox.take()
    }

    /// Asks for the mails about keys that are due, as the background job does.
    pub async fn remind(&self) {
        self.remind_silently().await.expect("the database answers");
    }

    /// As [`Self::remind`], beside another process that does it too.
    pub async fn remind_silently(&self) -> sqlx::Result<()> {
        jobs::reminders::remind(&self.app.background()).await
    }

    /// Destroys what has expired, as the background job does.
    pub async fn sweep(&self) {
        jobs::sweep(&self.app.background()).await.expect("the database sweeps");
    }

    /// The audit log of an actor's account, oldest first.
    pub async fn events(&self, of: &Actor) -> Vec<AuditEvent> {
        let slice = Slice { limit: i64::MAX, ..Slice::default() };
        let mut events = audit_events::list(&self.app.db, &of.account_id, slice).await.expect("the log");
        events.reverse();
        events
    }

    /// Codes of the events since `since` of them had happened.
    pub async fn codes_after(&self, of: &Actor, since: usize) -> Vec<&'static str> {
        self.events(of).await[since..].iter().map(|event| event.action.code()).collect()
    }

    /// Number of rows that `sql` counts.
    pub async fn count(&self, sql: &str) -> i64 {
        self.database.count(sql).await
    }

    /// Somebody to act in the store's name, where a test prepares what no page can.
    pub fn author() -> Author {
        Author::machine("cli", "Test")
    }

    /// Keys, inboxes, seals, secrets, people and invitations: what a refused request must leave as it was.
    pub async fn holdings(&self) -> Vec<i64> {
        let mut counts = Vec::new();
        for sql in [
            "select count(*) from api_keys where deleted_at is null",
            "select count(*) from api_keys",
            "select count(*) from api_key_secrets where dies_at is null",
            "select (select count(*) from sealed_secrets) + (select count(*) from kept_secrets)",
            "select count(*) from inboxes where deleted_at is null",
            "select (select count(*) from users where removed_at is null)
                + (select count(*) from invitations where withdrawn_at is null)",
            "select count(*) from accounts",
        ] {
            counts.push(self.count(sql).await);
        }
        counts
    }
}

fn defined(name: &str) -> Product {
    let shipped = || concat!(env!("CARGO_MANIFEST_DIR"), "/products").into();
    let folder: PathBuf = std::env::var_os("KEYDESK_TEST_PRODUCTS").map_or_else(shipped, PathBuf::from);
    Product::load(Some(&folder.join(format!("{name}.toml")))).unwrap_or_else(|why| panic!("{why}"))
}

/// Differs between tests and between the desks of one test; the same in every run.
fn seed() -> u64 {
    thread_local!(static DESKS: AtomicU64 = const { AtomicU64::new(0) });
    let mut hasher = DefaultHasher::new();
    std::thread::current().name().unwrap_or_default().hash(&mut hasher);
    DESKS.with(|desks| desks.fetch_add(1, Ordering::Relaxed)).hash(&mut hasher);
    hasher.finish()
}
