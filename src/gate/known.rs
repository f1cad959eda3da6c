//! A key as the gate knows it: what a verdict takes of it, what the answer says of it, and where its requests are
//! counted.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
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
    /// What its secret was found by.
    pub(super) hash: SecretHash,
    /// Up to which change of the database this is true.
    pub(super) seen: Seen,
    pub(super) window: Arc<Window>,
    pub(super) tally: Mutex<Tally>,
}

/// What a gateway is told of a credential that passed: the values of the `X-Keydesk-*` headers, in one piece of memory
/// that every answer shares.
#[derive(Clone, Debug)]
pub struct Identity {
    values: Bytes,
    /// Where each value ends, in the order of [`IDENTITY`].
    ends: [u16; IDENTITY],
}

/// Key id, account id, type, environment, scopes, inbox.
pub const IDENTITY: usize = 6;

impl Identity {
    pub fn of_key(facts: &KeyFacts) -> Self {
        let inbox = facts.inbox_id.as_deref().unwrap_or_default();
        let scopes = facts.scopes.to_string();
        Self::of([&facts.id, &facts.account_id, facts.key_type.as_str(), &facts.environment, &scopes, inbox])
    }

    /// Of somebody who came with a session token: no key, and what their role may do.
    pub fn of_session(account_id: &str, scopes: &str) -> Self {
        Self::of(["", account_id, "session", "", scopes, ""])
    }

    fn of(values: [&str; IDENTITY]) -> Self {
        let mut end = 0;
        let ends = values.map(|value| {
            end += u16::try_from(value.len()).unwrap_or(0);
            end
        });
        Self { values: values.concat().into(), ends }
    }

    /// The values, in order. Ids and scopes are plain ASCII; were one not, the header is there and empty, so that no
    /// client can fill it in.
    pub fn headers(&self) -> [HeaderValue; IDENTITY] {
        let mut start = 0;
        self.ends.map(|end| {
            let end = usize::from(end);
            let value = self.values.slice(std::mem::replace(&mut start, end)..end);
            HeaderValue::from_maybe_shared(value).unwrap_or(HeaderValue::from_static(""))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::key_facts::tests::facts;

    #[test]
    fn every_value_is_its_own_and_an_absent_one_is_empty() {
        let headers = Identity::of_key(&facts()).headers();
        assert_eq!(headers, ["key_1", "acc_1", "standard", "live", "*", ""]);
    }
}
