//! A key as the gate knows it: what a verdict takes of it, what the answer says of it, and where its requests are
//! counted.

use std::sync::{Arc, Mutex};

use http::HeaderValue;

use super::usage::Tally;
use super::window::Window;
use crate::model::key_facts::KeyFacts;
use crate::model::secret::SecretHash;
use crate::store::changes::Seen;

/// One secret's key. Two secrets of a key that retires are two of these, with one window.
#[derive(Debug)]
pub struct Known {
    pub facts: KeyFacts,
    pub identity: Identity,
    pub(super) hash: SecretHash,
    /// Up to which change of the database this is true.
    pub(super) seen: Seen,
    pub(super) window: Arc<Window>,
    pub(super) tally: Mutex<Tally>,
}

/// What a gateway is told of a credential that passed: the values of the `X-Keydesk-*` headers, made once.
#[derive(Clone, Debug)]
pub struct Identity {
    pub key_id: HeaderValue,
    pub account_id: HeaderValue,
    pub key_type: HeaderValue,
    pub environment: HeaderValue,
    pub scopes: HeaderValue,
    pub inbox: HeaderValue,
}

impl Identity {
    pub fn of_key(facts: &KeyFacts) -> Self {
        Self {
            key_id: header(&facts.id),
            account_id: header(&facts.account_id),
            key_type: HeaderValue::from_static(facts.key_type.as_str()),
            environment: header(&facts.environment),
            scopes: header(&facts.scopes.to_string()),
            inbox: header(facts.inbox_id.as_deref().unwrap_or_default()),
        }
    }

    /// Of somebody who came with a session token: no key, and what their role may do.
    pub fn of_session(account_id: &str, scopes: &str) -> Self {
        let none = HeaderValue::from_static("");
        Self {
            key_id: none.clone(),
            account_id: header(account_id),
            key_type: HeaderValue::from_static("session"),
            environment: none.clone(),
            scopes: header(scopes),
            inbox: none,
        }
    }
}

/// Ids and scopes are plain ASCII; were one not, the header is there and empty, so that no client can fill it in.
fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}
