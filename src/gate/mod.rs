//! What is decided: whether a presented credential may do what it asks. One order, whichever door asks: looks and
//! checksum, then memory (and behind it the database, throttled for sources of garbage), status, address, route, inbox,
//! scope, and last the minute's allowance.

pub mod credential;
pub mod forwarded;
pub mod headers;
mod holder;
pub mod known;
mod lately;
mod memory;
pub mod meters;
mod once;
pub mod prefixes;
pub mod reason;
pub mod refusals;
pub mod refused_sign_ins;
pub mod rehashes;
pub mod shared_windows;
mod spread;
mod tally;
pub mod throttle;
pub mod usage;
pub mod verdict;
pub mod window;
mod written;

use std::net::IpAddr;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::model::keyring::Keyring;
use crate::model::network::source_of;
use crate::model::scopes::{WILDCARD, may_be_restricted};
use crate::model::secret::{Malformed, Presented, SecretHash};
use crate::model::session_token::SessionTokens;
use crate::product::Product;
use crate::product::routes::Routes;
use crate::store::api_key_secrets::Rehash;
use crate::store::{Db, secret_prefixes, sessions};
use credential::Credential;
use forwarded::Original;
pub use holder::Holder;
use known::Known;
pub use memory::Remembered;
use memory::{Memory, Recall, Sought, in_time};
use meters::Meters;
use prefixes::Prefixes;
use refusals::{Refusals, Whose};
use refused_sign_ins::RefusedSignIns;
use rehashes::Rehashes;
use shared_windows::SharedWindows;
use throttle::{PER_SOURCE_OF_GARBAGE, Throttle};
use usage::Usage;
use verdict::Refusal;
use window::{Allowance, Windows};

/// Why a scope that the definition has not is no answer.
pub const NO_SUCH_SCOPE: &str = "The definition has no such scope.";

/// Decides for one installation.
pub struct Gate {
    db: Db,
    keyring: Arc<Keyring>,
    tokens: Arc<SessionTokens>,
    product: Product,
    pub prefixes: Prefixes,
    routes: Routes,
    memory: Memory,
    windows: Arc<Windows>,
    garbage: Throttle,
    pub usage: Usage,
    pub refused_sign_ins: RefusedSignIns,
    pub refusals: Refusals,
    pub rehashes: Rehashes,
    pub shared_windows: SharedWindows,
    pub meters: Meters,
}

/// What a request wants to do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Need<'a> {
    /// The scope it takes; none for asking who one is.
    pub scope: Option<&'a str>,
    /// The inbox it touches, if it touches one.
    pub inbox_id: Option<&'a str>,
}

/// The gate's answer: allowed if there is no refusal.
#[derive(Debug)]
pub struct Verdict {
    pub refusal: Option<Refusal>,
    /// Whose credential it was, if it is one that works here and now.
    pub holder: Option<Holder>,
    /// Whose key it is, if it is one and does not work here and now.
    pub turned_away: Option<Known>,
    /// Where the key stands in its minute, if its minutes are counted.
    pub allowance: Option<Allowance>,
}

/// Why nobody was let in, and whose key it is, if it is one.
#[derive(Debug)]
pub struct TurnedAway {
    pub refusal: Refusal,
    pub key: Option<Known>,
}

impl From<Refusal> for TurnedAway {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, key: None }
    }
}

impl Verdict {
    /// Refused before anybody was identified.
    pub fn refused(refusal: Refusal) -> Self {
        Self { refusal: Some(refusal), holder: None, turned_away: None, allowance: None }
    }

    /// Whose request it was, as far as anybody knows.
    pub fn whose(&self) -> Whose<'_> {
        Whose::of(self.holder.as_ref(), self.turned_away.as_ref())
    }
}

/// A credential could not be tested.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// The database did not answer.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// It would have to be asked first.
    #[error("not all that the verdict takes is remembered")]
    NotRemembered,
}

/// What a verdict may be taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// What is remembered: nothing is waited for, and where it does not suffice nothing has happened.
    Memory,
    /// The database too.
    Database,
}

impl Gate {
    /// `cache_keys` is the number of keys remembered at once.
    pub fn new(
        db: Db,
        keyring: Arc<Keyring>,
        tokens: Arc<SessionTokens>,
        product: &Product,
        cache_keys: usize,
    ) -> Self {
        let windows = Arc::<Windows>::default();
        Self {
            db,
            keyring,
            tokens,
            prefixes: Prefixes::new(product.secret_prefixes()),
            routes: Routes::compile(&product.routes).expect("a definition with such routes never starts"),
            product: product.clone(),
            memory: Memory::new(cache_keys),
            garbage: Throttle::default(),
            usage: Usage::default(),
            refused_sign_ins: RefusedSignIns::default(),
            refusals: Refusals::default(),
            rehashes: Rehashes::default(),
            shared_windows: SharedWindows::new(windows.clone()),
            windows,
            meters: Meters::default(),
        }
    }

    /// Adds the definition's prefixes to those that this installation issued, and knows all of them from now on.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn know_prefixes(&mut self, now: Timestamp) -> sqlx::Result<()> {
        secret_prefixes::add(&self.db, &self.product.secret_prefixes(), now).await?;
        self.prefixes = Prefixes::new(secret_prefixes::list(&self.db).await?);
        Ok(())
    }

    /// The whole verdict. `needs` is what the request takes, or why nobody can say.
    ///
    /// # Errors
    /// [`Unavailable`] if the database does not answer: nobody is let through, nobody is called unknown.
    pub async fn decide(
        &self,
        credential: Credential<'_>,
        source: IpAddr,
        needs: Result<impl IntoIterator<Item = Need<'_>>, Refusal>,
        now: Timestamp,
    ) -> Result<Verdict, Unavailable> {
        self.decide_within(Reach::Database, credential, (source, now), needs).await
    }

    /// The same, from no further than that.
    ///
    /// # Errors
    /// [`Unavailable::NotRemembered`], at once, if it takes more than memory where no more is within reach.
    pub async fn decide_within(
        &self,
        reach: Reach,
        credential: Credential<'_>,
        (source, now): (IpAddr, Timestamp),
        needs: Result<impl IntoIterator<Item = Need<'_>>, Refusal>,
    ) -> Result<Verdict, Unavailable> {
        let holder = match self.identify_within(reach, credential, (source, now)).await? {
            Ok(holder) => holder,
            Err(TurnedAway { refusal, key }) => return Ok(Verdict { turned_away: key, ..Verdict::refused(refusal) }),
        };
        let decided = match needs {
            Ok(needs) => match self.allows(reach, &holder, needs, now).await? {
                Ok(()) => self.spend(&holder, now),
                refused => refused.map(|()| None),
            },
            Err(refusal) => Err(self.refuse(&holder, refusal, now)),
        };
        Ok(match decided {
            Ok(allowance) => Verdict { refusal: None, holder: Some(holder), turned_away: None, allowance },
            Err(refusal) => {
                let allowance = self.allowance(&holder, now);
                Verdict { refusal: Some(refusal), holder: Some(holder), turned_away: None, allowance }
            }
        })
    }

    /// Whether `holder` may do all of it. An inbox that the account does not have is beyond everybody's reach; `/v1` need not
    /// ask, because it reads the inbox of the account.
    async fn allows(
        &self,
        reach: Reach,
        holder: &Holder,
        needs: impl IntoIterator<Item = Need<'_>>,
        now: Timestamp,
    ) -> Result<Result<(), Refusal>, Unavailable> {
        for need in needs {
            if let Some(inbox_id) = need.inbox_id.filter(|_| holder.only_inbox().is_empty())
                && !self.is_inbox_of(reach, inbox_id, holder.account_id()).await?
            {
                return Ok(Err(self.refuse(holder, Refusal::OutOfReach, now)));
            }
            // Nobody can be given such a scope any more, but who holds it keeps it.
            if need.scope.is_some_and(|scope| !self.knows_scope(scope) && !holder.names(scope)) {
                return Ok(Err(self.refuse(holder, Refusal::Ambiguous(NO_SUCH_SCOPE), now)));
            }
            if let Err(refusal) = self.authorize(holder, need, now) {
                return Ok(Err(refusal));
            }
        }
        Ok(Ok(()))
    }

    async fn is_inbox_of(&self, reach: Reach, inbox_id: &str, account_id: &str) -> Result<bool, Unavailable> {
        match self.memory.recall_inbox(self.db.changes(), inbox_id, account_id) {
            Some(is_its) => Ok(is_its),
            None if reach == Reach::Memory => Err(Unavailable::NotRemembered),
            None => Ok(self.memory.learn_inbox(&self.db, inbox_id, account_id).await?),
        }
    }

    /// Who presents this credential, if it is one that works now and here.
    ///
    /// # Errors
    /// As [`Gate::decide`].
    pub async fn identify(
        &self,
        credential: Credential<'_>,
        source: IpAddr,
        now: Timestamp,
    ) -> Result<Result<Holder, TurnedAway>, Unavailable> {
        self.identify_within(Reach::Database, credential, (source, now)).await
    }

    async fn identify_within(
        &self,
        reach: Reach,
        credential: Credential<'_>,
        (source, now): (IpAddr, Timestamp),
    ) -> Result<Result<Holder, TurnedAway>, Unavailable> {
        match credential {
            Credential::Missing => Ok(Err(Refusal::Missing.into())),
            Credential::Session(_) if self.product.api.session_token && reach == Reach::Memory => {
                Err(Unavailable::NotRemembered)
            }
            Credential::Session(token) if self.product.api.session_token => {
                Ok(Box::pin(self.identify_session(token, now)).await?.map_err(TurnedAway::from))
            }
            Credential::Unusable | Credential::Session(_) => Ok(Err(Refusal::Malformed.into())),
            Credential::Key(token) => self.identify_key(reach, token, (source, now)).await,
        }
    }

    async fn identify_key(
        &self,
        reach: Reach,
        token: &str,
        (source, now): (IpAddr, Timestamp),
    ) -> Result<Result<Holder, TurnedAway>, Unavailable> {
        let presented = match self.prefixes.parse(token) {
            Ok(presented) => Some(presented),
            Err(Malformed::ForeignPrefix) if reach == Reach::Memory => return Err(Unavailable::NotRemembered),
            Err(Malformed::ForeignPrefix) => Box::pin(in_time(self.prefixes.ask(&self.db, token, now))).await?,
            Err(Malformed::WrongShape | Malformed::WrongChecksum) => None,
        };
        let Some(presented) = presented else { return Ok(Err(Refusal::Malformed.into())) };
        let hash = presented.hash(&self.keyring);
        let known = match self.memory.recall(self.db.changes(), &hash) {
            Recall::Key(known) => known,
            Recall::Nobody => return Ok(Err(self.unknown(source, now).into())),
            Recall::Nothing if reach == Reach::Memory => return Err(Unavailable::NotRemembered),
            // Boxed, as everything that asks the database is: a verdict from memory is not to carry the room that a query
            // needs, from one poll to the next.
            Recall::Nothing => match Box::pin(self.learn(hash, presented, (source, now))).await? {
                Ok(known) => known,
                Err(refusal) => return Ok(Err(refusal.into())),
            },
        };
        Ok(match verdict::of_key(&known, source, now) {
            Ok(()) => Ok(Holder::Key(known)),
            Err(refusal) => {
                self.usage.refused(&known, &refusal, now);
                Err(TurnedAway { refusal, key: Some(known) })
            }
        })
    }

    /// Asks the database, unless this source has asked it for too many keys that nobody has.
    async fn learn(
        &self,
        hash: SecretHash,
        presented: Presented<'_>,
        (source, now): (IpAddr, Timestamp),
    ) -> Result<Result<Known, Refusal>, Unavailable> {
        let asked = self.garbage.look(&source_of(source), PER_SOURCE_OF_GARBAGE, now);
        if let Err(throttled) = asked {
            return Ok(Err(Refusal::Throttled { until: throttled.until }));
        }
        self.meters.reads.more(1);
        let old = self.keyring.old().map(|old| presented.hash(old));
        let sought = Sought { hash, old };
        let known = in_time(self.memory.learn(&self.db, &sought, &self.product)).await?;
        if let Some(known) = known.as_ref().filter(|known| known.found_by() != hash) {
            self.rehashes.note(Rehash { from: known.found_by(), to: hash, version: self.keyring.version() });
        }
        Ok(known.ok_or_else(|| self.unknown(source, now)))
    }

    fn unknown(&self, source: IpAddr, now: Timestamp) -> Refusal {
        // Whether there is anything left to spend is asked where it matters: before the database is.
        let _ = self.garbage.spend(&source_of(source), PER_SOURCE_OF_GARBAGE, now);
        Refusal::Unknown
    }

    async fn identify_session(&self, token: &str, now: Timestamp) -> Result<Result<Holder, Refusal>, Unavailable> {
        let Ok(claims) = self.tokens.check(token, now) else { return Ok(Err(Refusal::SessionEnded)) };
        let session = in_time(sessions::find(&self.db, &claims.sid, now)).await?;
        let session = session.filter(|session| session.user.id == claims.sub && !session.owes_factor);
        Ok(session.map(|session| Holder::Session(Arc::new(session))).ok_or(Refusal::SessionEnded))
    }

    /// Whether `holder` may do what it asks, its allowance aside.
    ///
    /// # Errors
    /// The refusal: 404 for an inbox beyond reach (which is not said to exist), 403 naming a missing scope.
    pub fn authorize(&self, holder: &Holder, need: Need<'_>, now: Timestamp) -> Result<(), Refusal> {
        let refusal = if need.inbox_id.is_some_and(|inbox| !holder.reaches_inbox(inbox)) {
            Refusal::OutOfReach
        } else {
            match need.scope {
                Some(scope) if !holder.grants(scope, &self.product) => Refusal::MissingScope {
                    scope: scope.to_owned(),
                    never: !holder.only_inbox().is_empty() && !may_be_restricted(scope, &self.product),
                },
                _ => return Ok(()),
            }
        };
        Err(self.refuse(holder, refusal, now))
    }

    /// Spends one request of the holder's minute, if its minutes are counted.
    ///
    /// # Errors
    /// The refusal, if there is none left.
    pub fn spend(&self, holder: &Holder, now: Timestamp) -> Result<Option<Allowance>, Refusal> {
        match (holder, self.product.rate_limit.per_minute) {
            (Holder::Key(key), limit @ 1..) => match self.windows.spend(key.id(), limit, now) {
                Ok(allowance) => {
                    self.shared_windows.note(key);
                    Ok(Some(allowance))
                }
                Err(spent) => Err(self.refuse(holder, Refusal::RateLimited(spent), now)),
            },
            _ => Ok(None),
        }
    }

    /// Where the holder stands in its minute, if its minutes are counted.
    pub fn allowance(&self, holder: &Holder, now: Timestamp) -> Option<Allowance> {
        match (holder, self.product.rate_limit.per_minute) {
            (Holder::Key(key), limit @ 1..) => Some(self.windows.peek(key.id(), limit, now)),
            _ => None,
        }
    }

    fn refuse(&self, holder: &Holder, refusal: Refusal, now: Timestamp) -> Refusal {
        if let Holder::Key(key) = holder {
            self.usage.refused(key, &refusal, now);
        }
        refusal
    }

    /// How much is remembered.
    pub fn remembered(&self) -> Remembered {
        self.memory.remembered()
    }

    /// Whether what is remembered is believed: other nodes are heard, or there are none.
    pub fn is_watched(&self) -> bool {
        self.db.changes().is_watched()
    }

    /// Whether the definition says what requests take.
    pub fn has_routes(&self) -> bool {
        !self.routes.is_empty()
    }

    /// What the definition says that a request takes.
    pub fn route(&self, original: Original<'_>) -> Option<crate::product::routes::Required<'_>> {
        self.routes.find(original.method, original.uri)
    }

    /// Whether anybody could be given `scope`.
    fn knows_scope(&self, scope: &str) -> bool {
        scope == WILDCARD || self.product.scope(scope).is_some()
    }

    /// Forgets minutes that are over, and what no key has any more.
    pub fn sweep(&self, now: Timestamp) {
        self.windows.sweep(now);
        self.memory.sweep();
    }
}
