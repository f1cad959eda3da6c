//! A kept refusal in words: every check in the order of the gate up to the first that failed, what came and what was
//! needed there, and the sentence that the customer is sent. Every reason has its words, or this does not compile.

use crate::clock::Timestamp;
use crate::gate::reason::{Check, Reason};
use crate::model::api_key::{ApiKey, Status};
use crate::model::name::isolated;
use crate::model::scopes::may_be_restricted;
use crate::model::text;
use crate::product::{KeyAct, Product};
use crate::store::refusals::Refused;

/// One check, and how it went.
pub struct Step {
    pub asks: String,
    pub state: Outcome,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Failed,
    NotAsked,
}

/// Why, in the words of each reason.
pub struct Words {
    /// As a heading: `This key expired`.
    pub verdict: String,
    pub came: String,
    pub needed: String,
    /// Why the request was refused, and what mends it; what [`sentence`] is made of.
    because: String,
    pub mend: String,
}

/// Why requests with this key fail whatever they ask for, if they do.
pub fn of_dead_key(key: &ApiKey, product: &Product, now: Timestamp) -> Option<Words> {
    let (reason, since) = match key.status(now) {
        Status::Deleted => (Reason::KeyDeleted, key.deleted_at?),
        Status::Expired => (Reason::KeyExpired, key.expires_at?),
        Status::Paused => (Reason::KeyPaused, key.paused_at?),
        Status::Active | Status::Retiring => return None,
    };
    let nothing = String::new;
    let refused = Refused {
        request_id: nothing(),
        at: now,
        reason: reason.code().into(),
        account_id: key.account_id.clone(),
        key_id: key.id.clone(),
        last4: key.last4.clone(),
        method: nothing(),
        path: nothing(),
        ip: nothing(),
        user_agent: nothing(),
        scopes: nothing(),
        inboxes: nothing(),
        had: since.micros().to_string(),
    };
    Some(Case { refused: &refused, reason, key: Some(key), product }.words())
}

/// What a refusal is told with.
pub struct Case<'a> {
    pub refused: &'a Refused,
    pub reason: Reason,
    pub key: Option<&'a ApiKey>,
    pub product: &'a Product,
}

impl Outcome {
    pub fn icon(self) -> &'static str {
        match self {
            Self::Passed => "check",
            Self::Failed => "close",
            Self::NotAsked => "more",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Passed => "Passed",
            Self::Failed => "Failed",
            Self::NotAsked => "Not asked",
        }
    }
}

impl Case<'_> {
    /// Every check, in order.
    pub fn steps(&self) -> Vec<Step> {
        let failed = self.reason.fails(!self.refused.account_id.is_empty());
        let mut state = Outcome::Passed;
        let step = |check: Check| {
            let shown = if check == failed { Outcome::Failed } else { state };
            if check == failed {
                state = Outcome::NotAsked;
            }
            Step { asks: self.asks(check), state: shown }
        };
        Check::ALL.into_iter().map(step).collect()
    }

    fn asks(&self, check: Check) -> String {
        match check {
            Check::Arrival => "The request came over TLS and can be read in one way".into(),
            Check::Form => "A key came with it, and looks like one".into(),
            Check::Known => "The key is known".into(),
            Check::Alive => "The key works: not deleted, expired, paused or replaced".into(),
            Check::Address => "It may be used from this address".into(),
            Check::Route => "The API has this route".into(),
            Check::Reach => format!("The {} is within its reach", self.product.words.resource),
            Check::Scope => "It has the scope".into(),
            Check::Rate => "It has requests left in this minute".into(),
        }
    }

    /// What the customer is sent: which request, why, and what to do.
    pub fn sentence(&self, words: &Words) -> String {
        let at = text::exact(self.refused.at);
        let Refused { request_id, method, path, .. } = self.refused;
        let (because, mend) = (&words.because, &words.mend);
        format!("Your request {request_id} ({method} {path}, {at}) was refused because {because}. {mend}")
    }

    pub fn words(&self) -> Words {
        match self.reason {
            Reason::KeyDeleted | Reason::KeyExpired | Reason::KeyPaused | Reason::SecretRotated => self.dead(),
            Reason::SessionEnded => said(
                "This session had ended",
                (
                    "a session token that is past its ten minutes, or whose session was signed out",
                    "a session that is open",
                ),
                ("its session token is not valid any more", "Refresh the token, or sign in again."),
            ),
            Reason::AddressNotAllowed
            | Reason::RouteUnknown
            | Reason::InboxOutOfReach
            | Reason::ScopeMissing
            | Reason::RateLimited => self.beyond(),
            Reason::InputAmbiguous
            | Reason::HttpsRequired
            | Reason::CredentialMissing
            | Reason::CredentialMalformed
            | Reason::SourceThrottled
            | Reason::KeyUnknown => self.unidentified(),
        }
    }

    fn unidentified(&self) -> Words {
        let brand = &self.product.brand.name;
        let form = self.product.secret_prefixes().first().map_or(String::new(), |prefix| format!("{prefix}…"));
        let source = &self.refused.ip;
        match self.reason {
            Reason::HttpsRequired => said(
                "This key came over plain HTTP",
                ("http, where anybody on the way can read the key", "https"),
                (
                    "its key came over plain HTTP",
                    "Call the API with https, and replace the key: it may have been read on the way.",
                ),
            ),
            Reason::CredentialMissing => said(
                "No key came with this request",
                ("no Authorization header", "Authorization: Bearer and the key"),
                ("it had no API key", "Send the header Authorization: Bearer, followed by the key."),
            ),
            Reason::CredentialMalformed => said(
                "What came is not a key",
                (
                    "an Authorization header with something else in it, or with a key that is cut short or mistyped",
                    &format!("Bearer, one space, and a whole key such as {form}"),
                ),
                (
                    "what it sent is not an API key",
                    &format!(
                        "Compare the key with the one that you stored, from {form} to its last character; if it differs or is lost, replace it under {}.",
                        self.place()
                    ),
                ),
            ),
            Reason::SourceThrottled => said(
                "Too many unknown keys came from this address",
                (
                    &format!("more keys that nobody has than we look up for {source}"),
                    "fewer wrong keys from this address",
                ),
                (
                    "too many invalid keys came from your address",
                    "Find the program that sends a wrong key, and stop it. Keys that work and are in use are not affected.",
                ),
            ),
            Reason::KeyUnknown => said(
                "Nobody has this key",
                ("a whole key that no account has", &format!("a key of {brand}, from this installation")),
                (
                    "no account has the key that it came with",
                    &format!(
                        "Check that the program reads the key that you mean and calls the right {brand}; if in doubt, create another under {}.",
                        self.place()
                    ),
                ),
            ),
            _ => {
                let had = self.refused.had.trim_end_matches('.');
                let why = if had.is_empty() { "something came twice" } else { had };
                said(
                    "This request could not be understood",
                    (&format!("a question that is not clear: {why}"), "one that can be read in one way"),
                    (
                        "it, or the gateway before the API, asked in a way that can’t be understood",
                        "This is for us to put right; we will come back to you.",
                    ),
                )
            }
        }
    }

    fn dead(&self) -> Words {
        let (key, place) = (self.key_named(), self.place());
        let since = self.moment();
        let needed = "a key that works";
        match self.reason {
            Reason::KeyDeleted => said(
                &format!("This key was deleted{since}"),
                (&format!("{key}, which was deleted{since}"), needed),
                (
                    &format!("{key} was deleted{since}"),
                    &format!("A deleted key can’t be restored. An administrator can create another under {place}."),
                ),
            ),
            Reason::KeyExpired => said(
                &format!("This key expired{since}"),
                (&format!("{key}, which expired{since}"), needed),
                (&format!("{key} expired{since}"), &format!("An administrator can {} under {place}.", self.renewal())),
            ),
            Reason::KeyPaused => said(
                &format!("This key was paused{since}"),
                (&format!("{key}, which was paused{since}"), needed),
                (&format!("{key} was paused{since}"), &format!("An administrator can resume it under {place}.")),
            ),
            _ => said(
                &format!("This key was rotated, and its old secret stopped{since}"),
                (&format!("an old secret of {key}{}", self.ended()), &self.current()),
                (
                    &format!("{key} was rotated, and the old one{} stopped{since}", self.ended()),
                    "Deploy the new key wherever the old one is still in use. If it is lost, an administrator can rotate again.",
                ),
            ),
        }
    }

    fn beyond(&self) -> Words {
        let (key, place, refused) = (self.key_named(), self.place(), self.refused);
        let resource = &self.product.words.resource;
        match self.reason {
            Reason::AddressNotAllowed => said(
                "This key may not be used from there",
                (
                    &format!("a request from {}", refused.ip),
                    &format!("an address in {}", or(&refused.had, "the key’s networks")),
                ),
                (
                    &format!("{key} may not be used from {}", refused.ip),
                    &format!(
                        "Send it from one of its allowed addresses ({}), or an administrator can create a key for this one under {place}.",
                        or(&refused.had, "see the key’s page")
                    ),
                ),
            ),
            Reason::RouteUnknown => said(
                "The API has no such route",
                (&format!("{} {}", refused.method, refused.path), "a method and path that the API has"),
                ("the API has no route with this method and path", "Compare both with the API docs."),
            ),
            Reason::InboxOutOfReach => {
                let asked = or(&refused.inboxes, &format!("the {resource} in the path"));
                let own = self.key.and_then(|key| key.inbox_name.as_deref()).map(isolated).unwrap_or_default();
                let needed = if own.is_empty() {
                    format!("one of the account’s {}", self.product.words.resources)
                } else {
                    format!("{own} ({})", refused.had)
                };
                let mend = if own.is_empty() {
                    format!("Check the ID: there is no such {resource} in your account.")
                } else {
                    format!("It is restricted to {own}. Use another key for other {}.", self.product.words.resources)
                };
                said(
                    &format!("This {resource} is out of the key’s reach"),
                    (&asked, &needed),
                    (&format!("{key} does not reach {asked}"), &mend),
                )
            }
            Reason::ScopeMissing => self.scope_missing(),
            _ => said(
                "This key was over its rate limit",
                (
                    &format!("more than {} requests in one minute", or(&refused.had, "the allowed")),
                    "fewer requests, or a wait for the next minute",
                ),
                (
                    &format!(
                        "{key} made more than {} requests in one minute",
                        or(&refused.had, "the allowed number of")
                    ),
                    "Wait as long as Retry-After says, and spread the requests.",
                ),
            ),
        }
    }

    fn scope_missing(&self) -> Words {
        let (key, scope) = (self.key_named(), &self.refused.scopes);
        let mend = match self.key {
            None => {
                "Their role does not allow it; an administrator of the account can do it, or change the role.".into()
            }
            Some(key) if key.inbox_id.is_some() && !may_be_restricted(scope, self.product) => format!(
                "No restricted key can have it. An administrator can create a standard key with it under {}.",
                self.place()
            ),
            // Nobody changes what a deleted key may do, and some products give every key the same scopes.
            Some(key) if key.deleted_at.is_some() || !self.product.keys.choose_scopes => {
                format!("An administrator can create a key with {scope} under {}.", self.place())
            }
            Some(_) => {
                format!("An administrator can give it {scope}: Change scopes, on its page under {}.", self.place())
            }
        };
        said(
            "A scope is missing",
            (&format!("a key with {}", or(&self.refused.had, "the scopes of a role")), &format!("the scope {scope}")),
            (&format!("{key} does not have the scope {scope}"), &mend),
        )
    }

    /// `the key billing-worker (kd_live_…7Qx2)`, by what came of it.
    fn key_named(&self) -> String {
        let named = |key: &ApiKey| format!("the key {} ({})", isolated(&key.name), key.fragment());
        self.key.map_or_else(|| "the session".to_owned(), named)
    }

    fn ended(&self) -> String {
        let last4 = &self.refused.last4;
        if last4.is_empty() { String::new() } else { format!(" (ending in {last4})") }
    }

    fn current(&self) -> String {
        self.key.map_or_else(|| "the current one".into(), |key| format!("the current one, {}", key.fragment()))
    }

    /// ` on 3 Nov 2026, 00:00 UTC`, if the moment was kept.
    fn moment(&self) -> String {
        let at = self.refused.had.parse().map(Timestamp::from_micros);
        at.map(|at| format!(" on {}", text::date_time(at))).unwrap_or_default()
    }

    fn renewal(&self) -> &'static str {
        if self.product.offers(KeyAct::Rotate) {
            "rotate it, which gives it a new term, or create another,"
        } else {
            "create another"
        }
    }

    fn place(&self) -> &'static str {
        place(self.product)
    }
}

/// Where an administrator does something to a key.
pub fn place(product: &Product) -> &'static str {
    if product.has_one_key() { "Settings → API key" } else { "Settings → API keys" }
}

fn said(verdict: &str, (came, needed): (&str, &str), (because, mend): (&str, &str)) -> Words {
    let [verdict, came, needed, because, mend] =
        [verdict, &text::capitalised(came), &text::capitalised(needed), because, mend].map(str::to_owned);
    Words { verdict, came, needed, because, mend }
}

fn or(text: &str, instead: &str) -> String {
    if text.is_empty() { instead } else { text }.to_owned()
}
