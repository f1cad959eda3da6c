//! Whose credential passed, and what they may do.

use std::sync::Arc;

use super::known::{Identity, Known, identity_of_session};
use crate::model::scopes::WILDCARD;
use crate::model::user::Role;
use crate::product::{Product, reserved};
use crate::store::sessions;

/// Whose credential passed.
#[derive(Clone, Debug)]
pub enum Holder {
    Key(Known),
    Session(Arc<sessions::Session>),
}

impl Holder {
    pub fn account_id(&self) -> &str {
        match self {
            Self::Key(key) => key.account_id(),
            Self::Session(session) => &session.user.account_id,
        }
    }

    /// The only inbox that the holder may see; empty if it is not bound to one.
    pub fn only_inbox(&self) -> &str {
        match self {
            Self::Key(key) => key.inbox_id().unwrap_or_default(),
            Self::Session(_) => "",
        }
    }

    pub fn identity(&self, product: &Product) -> Identity<'_> {
        match self {
            Self::Key(key) => key.identity(),
            Self::Session(session) => {
                identity_of_session(&session.user.account_id, role_scopes(session.user.role, product).join(" "))
            }
        }
    }

    pub(super) fn grants(&self, scope: &str, product: &Product) -> bool {
        match self {
            Self::Key(key) => key.grants(scope, product),
            Self::Session(session) => {
                role_scopes(session.user.role, product).iter().any(|granted| *granted == scope || *granted == WILDCARD)
            }
        }
    }

    /// Whether it holds the very scope.
    pub(super) fn names(&self, scope: &str) -> bool {
        match self {
            Self::Key(key) => key.rights().scopes.iter().any(|held| held == scope),
            Self::Session(_) => false,
        }
    }

    pub(super) fn reaches_inbox(&self, inbox_id: &str) -> bool {
        match self {
            Self::Key(key) => key.reaches_inbox(inbox_id),
            Self::Session(_) => true,
        }
    }
}

/// What a person may do over the API with their session token: what their role may do in the pages.
fn role_scopes(role: Role, product: &Product) -> Vec<&str> {
    match role {
        Role::Administrator => vec![WILDCARD],
        Role::Auditor => vec![product.sees_resources(), reserved::KEYS_READ],
        Role::Member => vec![product.sees_resources()],
    }
}
