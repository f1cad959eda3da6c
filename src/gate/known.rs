//! A key as the gate knows it: what a verdict takes of it, what the answer says of it, and where its requests are
//! counted. A million of these are to fit into little memory: what a key shares with others is shared, its texts lie in one
//! piece, and what few keys have takes no room in the others.

use std::borrow::Cow;
use std::hint::black_box;
use std::num::NonZeroI64;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use triomphe::ThinArc;

use super::tally::Tally;
use crate::clock::Timestamp;
use crate::model::api_key::{AllowedIps, KeyType, Lifetime, Status};
use crate::model::key_facts::{KeyFacts, grants};
use crate::model::scopes::Scopes;
use crate::model::secret::SecretHash;
use crate::product::Product;
use crate::store::changes::Seen;

/// One secret's key. Two secrets of a key that retires are two of these. Whoever copies it shares it.
#[derive(Clone, Debug)]
pub struct Known(ThinArc<Facts, u8>);

/// All of a key but its texts, which follow it in memory: key id, account id, inbox id and name, one behind the other. A verdict
/// waits for one place in memory then, however many keys there are. In this order for [`Known::fetch`].
#[derive(Debug)]
#[repr(C)]
struct Facts {
    /// Where each of the texts but the last ends.
    ends: [u8; 3],
    /// Whether nobody ever used the key, so that its first request is worth keeping.
    fresh: AtomicBool,
    /// In seconds since the Unix epoch. No verdict depends on it, only which keys are written together.
    created_at: u32,
    /// What its secret is remembered by.
    hash: SecretHash,
    /// Up to which change of the database this is true.
    seen: Seen,
    rights: Arc<Rights>,
    /// In microseconds; see [`moment`].
    expires_at: Option<NonZeroI64>,
    rest: Option<Box<Rest>>,
    /// What it was used for since the last flush.
    tally: Mutex<Tally>,
}

/// What very many keys have alike, and what is said of it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Rights {
    pub key_type: KeyType,
    /// Empty in a product without environments.
    pub environment: String,
    /// With all that they imply.
    pub scopes: Scopes,
    /// As they are said of the key.
    said: String,
}

/// What few keys have.
#[derive(Debug, Default, PartialEq)]
struct Rest {
    paused_at: Option<Timestamp>,
    /// A key goes with its inbox.
    deleted_at: Option<Timestamp>,
    /// When the secret that was presented stops working; none for the current one.
    dies_at: Option<Timestamp>,
    allowed_ips: AllowedIps,
    /// What its secret was found by in the database, where that is not what it is remembered by.
    found_by: Option<SecretHash>,
}

/// Bytes that a processor fetches at once.
const LINE: usize = 64;

/// What a key was looked up by, and found by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hashes {
    pub sought: SecretHash,
    pub found: SecretHash,
}

/// What a gateway is told of a credential that passed: key id, account id, type, environment, scopes, inbox.
pub const IDENTITY: usize = 6;
pub type Identity<'a> = [Cow<'a, str>; IDENTITY];

impl Known {
    pub(super) fn new(facts: KeyFacts, rights: Arc<Rights>, hashes: Hashes, seen: Seen) -> Self {
        let inbox_id = facts.inbox_id.as_deref().unwrap_or_default();
        let texts = [&facts.id, &facts.account_id, inbox_id, &facts.name];
        let mut end = 0;
        let ends = [texts[0], texts[1], texts[2]].map(|text| {
            end += text.len();
            u8::try_from(end).expect("an id has some twenty characters")
        });
        let texts = texts.concat();
        let found_by = Some(hashes.found).filter(|found| *found != hashes.sought);
        let rest = Rest {
            paused_at: facts.paused_at,
            deleted_at: facts.deleted_at.or(facts.inbox_deleted_at),
            dies_at: facts.dies_at,
            allowed_ips: facts.allowed_ips,
            found_by,
        };
        let facts = Facts {
            ends,
            fresh: AtomicBool::new(facts.first_used_at.is_none()),
            created_at: u32::try_from(facts.created_at.seconds()).unwrap_or(0),
            rights,
            expires_at: facts.expires_at.map(moment),
            rest: (rest != Rest::default()).then(|| Box::new(rest)),
            hash: hashes.sought,
            seen,
            tally: Mutex::default(),
        };
        Self(ThinArc::from_header_and_slice(facts, texts.as_bytes()))
    }

    fn facts(&self) -> &Facts {
        &self.0.header.header
    }

    fn text(&self, index: usize) -> &str {
        let (ends, texts) = (&self.facts().ends, &self.0.slice);
        let start = index.checked_sub(1).map_or(0, |before| usize::from(ends[before]));
        let end = ends.get(index).map_or(texts.len(), |end| usize::from(*end));
        texts.get(start..end).and_then(|text| str::from_utf8(text).ok()).unwrap_or_default()
    }

    pub fn id(&self) -> &str {
        self.text(0)
    }

    pub fn account_id(&self) -> &str {
        self.text(1)
    }

    /// The one that a restricted key is bound to.
    pub fn inbox_id(&self) -> Option<&str> {
        Some(self.text(2)).filter(|id| !id.is_empty())
    }

    pub fn name(&self) -> &str {
        self.text(3)
    }

    pub fn rights(&self) -> &Rights {
        &self.facts().rights
    }

    pub fn expires_at(&self) -> Option<Timestamp> {
        self.facts().expires_at.map(|at| Timestamp::from_micros(at.get()))
    }

    pub fn paused_at(&self) -> Option<Timestamp> {
        self.facts().rest.as_ref().and_then(|rest| rest.paused_at)
    }

    pub fn deleted_at(&self) -> Option<Timestamp> {
        self.facts().rest.as_ref().and_then(|rest| rest.deleted_at)
    }

    pub fn dies_at(&self) -> Option<Timestamp> {
        self.facts().rest.as_ref().and_then(|rest| rest.dies_at)
    }

    pub fn allowed_ips(&self) -> &AllowedIps {
        static ANYWHERE: AllowedIps = AllowedIps::ANYWHERE;
        self.facts().rest.as_ref().map_or(&ANYWHERE, |rest| &rest.allowed_ips)
    }

    pub fn status(&self, now: Timestamp) -> Status {
        let expires_at = self.expires_at();
        let lifetime = match &self.facts().rest {
            None => Lifetime { expires_at, ..Lifetime::default() },
            Some(rest) => Lifetime {
                deleted_at: rest.deleted_at,
                expires_at,
                paused_at: rest.paused_at,
                retires_at: rest.dies_at,
            },
        };
        lifetime.status(now)
    }

    /// Whether the secret that was presented was rotated out.
    pub fn is_spent(&self, now: Timestamp) -> bool {
        self.dies_at().is_some_and(|at| at <= now)
    }

    /// What the key may do, its binding included.
    pub fn grants(&self, scope: &str, product: &Product) -> bool {
        grants((self.facts().rights.key_type, &self.facts().rights.scopes), scope, product)
    }

    /// Whether the key may touch `inbox_id`, the account being its own.
    pub fn reaches_inbox(&self, inbox_id: &str) -> bool {
        match self.facts().rights.key_type {
            KeyType::Standard => true,
            KeyType::Restricted => self.inbox_id() == Some(inbox_id),
        }
    }

    pub fn identity(&self) -> Identity<'_> {
        let Rights { key_type, environment, said, .. } = self.rights();
        [self.id(), self.account_id(), key_type.as_str(), environment, said, self.text(2)].map(Cow::Borrowed)
    }

    /// In seconds since the Unix epoch.
    pub(super) fn created_at(&self) -> u32 {
        self.facts().created_at
    }

    /// Up to which change of the database what is said here is true.
    pub(super) fn seen(&self) -> &Seen {
        &self.facts().seen
    }

    /// What it was used for since the last flush; to be held for as long as counting takes.
    pub(super) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.facts().tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has all of it fetched from memory at once, by a look at something in each of its lines. To share it is to wait for the
    /// first line, and a processor begins nothing else while it waits for that.
    pub(super) fn fetch(&self) {
        let (facts, texts) = (self.facts(), &self.0.slice);
        black_box((facts.created_at, facts.expires_at, texts.first().copied(), texts.get(LINE).copied()));
    }

    /// Whether the other is this very piece of memory.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.0.as_ptr() == other.0.as_ptr()
    }

    /// Whether it is the key of this very secret.
    pub(super) fn is_of(&self, hash: &SecretHash) -> bool {
        self.facts().hash == *hash
    }

    /// What the database knows its secret by.
    pub(super) fn found_by(&self) -> SecretHash {
        self.facts().rest.as_ref().and_then(|rest| rest.found_by).unwrap_or(self.facts().hash)
    }

    /// Whether its first request is this one: says so once.
    pub(super) fn is_used_first(&self) -> bool {
        self.facts().fresh.load(Ordering::Relaxed) && self.facts().fresh.swap(false, Ordering::Relaxed)
    }
}

impl Rights {
    pub(super) fn of(facts: &mut KeyFacts, product: &Product) -> Self {
        let (key_type, scopes) = (facts.key_type, std::mem::take(&mut facts.scopes));
        let scopes = match key_type {
            KeyType::Standard => scopes.with_implied(product),
            KeyType::Restricted => scopes.with_implied_within_binding(product),
        };
        let environment = std::mem::take(&mut facts.environment);
        let said = scopes.to_string();
        Self { key_type, environment, scopes, said }
    }
}

/// Whoever came with a session token: no key, and what their role may do.
pub fn identity_of_session(account_id: &str, scopes: String) -> Identity<'_> {
    ["".into(), account_id.into(), "session".into(), "".into(), scopes.into(), "".into()]
}

/// No key expires in the microsecond of the epoch; one that did expired long before.
fn moment(at: Timestamp) -> NonZeroI64 {
    NonZeroI64::new(at.micros()).unwrap_or(NonZeroI64::MIN)
}

#[cfg(test)]
pub(super) mod tests {
    use std::mem::offset_of;

    use super::*;
    use crate::clock::hours;
    use crate::entropy::Entropy;
    use crate::model::api_key::tests::NOW;
    use crate::model::key_facts::tests::facts;
    use crate::model::keyring::Keyring;
    use crate::model::secret::Secret;
    use crate::product::DEFAULT;
    use crate::store::changes::Changes;

    /// The key of these facts, as the gate knows it under the built-in definition.
    pub fn known(facts: KeyFacts) -> Known {
        known_since(facts, Changes::default().seen_now())
    }

    /// The same, read at a moment.
    pub fn known_since(mut facts: KeyFacts, seen: Seen) -> Known {
        let product = Product::parse(DEFAULT).expect("the built-in definition");
        let hash = Secret::generate("kd_live_", &Entropy::seeded(1)).hash(&Keyring::derive(&[7; 32]));
        let rights = Arc::new(Rights::of(&mut facts, &product));
        Known::new(facts, rights, Hashes { sought: hash, found: hash }, seen)
    }

    #[test]
    fn every_value_is_its_own_and_an_absent_one_is_empty() {
        assert_eq!(known(facts()).identity(), ["key_1", "acc_1", "standard", "live", "*", ""]);
        let bound = KeyFacts { inbox_id: Some("inb_1".into()), ..facts() };
        assert_eq!(known(bound).identity(), ["key_1", "acc_1", "standard", "live", "*", "inb_1"]);
    }

    #[test]
    fn what_was_read_is_what_is_known() {
        let plain = known(facts());
        assert_eq!((plain.id(), plain.account_id(), plain.name()), ("key_1", "acc_1", "production-backend"));
        assert_eq!((plain.inbox_id(), plain.expires_at(), plain.allowed_ips().is_empty()), (None, None, true));
        assert_eq!(plain.status(NOW), Status::Active);
        let ends = Some(NOW + hours(1));
        let bound = known(KeyFacts {
            inbox_id: Some("inb_1".into()),
            expires_at: ends,
            dies_at: ends,
            allowed_ips: "198.51.100.0/24".parse().expect("a network"),
            ..facts()
        });
        assert_eq!((bound.inbox_id(), bound.name()), (Some("inb_1"), "production-backend"));
        assert_eq!((bound.expires_at(), bound.dies_at()), (ends, ends));
        assert_eq!(bound.allowed_ips().to_string(), "198.51.100.0/24");
        assert_eq!(bound.status(NOW), Status::Retiring);
    }

    #[test]
    fn a_key_that_expired_at_the_epoch_has_expired() {
        let ended = known(KeyFacts { expires_at: Some(Timestamp::from_micros(0)), ..facts() });
        assert_eq!(ended.status(NOW), Status::Expired);
    }

    #[test]
    fn a_key_is_that_of_its_whole_secret() {
        let plain = known(facts());
        assert!(plain.is_of(&plain.facts().hash));
        assert!(!plain.is_of(&plain.facts().hash.twin()), "a hash that begins alike is another's");
    }

    #[test]
    fn the_first_request_ever_is_the_first_once() {
        let [unused, used] = [None, Some(NOW)].map(|first_used_at| known(KeyFacts { first_used_at, ..facts() }));
        assert_eq!([(); 3].map(|()| unused.is_used_first()), [true, false, false]);
        assert!(!used.is_used_first());
    }

    #[test]
    fn why_a_key_is_dead_has_its_moment() {
        let paused = known(KeyFacts { paused_at: Some(NOW), ..facts() });
        assert_eq!((paused.paused_at(), paused.deleted_at(), paused.status(NOW)), (Some(NOW), None, Status::Paused));
        let deleted = known(KeyFacts { deleted_at: Some(NOW), ..facts() });
        assert_eq!(
            (deleted.paused_at(), deleted.deleted_at(), deleted.status(NOW)),
            (None, Some(NOW), Status::Deleted)
        );
        let with_its_inbox = known(KeyFacts { inbox_deleted_at: Some(NOW), ..facts() });
        assert_eq!(with_its_inbox.deleted_at(), Some(NOW));
    }

    #[test]
    fn each_line_of_it_is_fetched() {
        // A word in front of it says how many share it, and one behind it how long its texts are.
        let (before, texts) = (size_of::<usize>(), size_of::<Facts>() + size_of::<usize>());
        let looked_at = [offset_of!(Facts, created_at), offset_of!(Facts, expires_at), texts, texts + LINE];
        // A block of 224 bytes begins with a line or in the middle of one.
        for begins in [0, LINE / 2] {
            assert_eq!(looked_at.map(|at| (begins + before + at) / LINE), [0, 1, 2, 3], "{begins} {looked_at:?}");
        }
    }

    #[test]
    fn a_million_fit_into_little_memory() {
        // With how many share it, the length of its texts and the texts themselves, a block of 224 bytes.
        assert!(size_of::<Facts>() <= 128, "{}", size_of::<Facts>());
        assert_eq!(size_of::<Known>(), size_of::<usize>());
    }
}
