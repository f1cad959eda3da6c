//! What a verdict takes of a key: the part of its record that the gate keeps in memory.

use super::api_key::{AllowedIps, KeyType, Lifetime, Status};
use super::scopes::{self, Scopes};
use crate::clock::Timestamp;
use crate::product::Product;

#[derive(Clone, Debug)]
pub struct KeyFacts {
    pub id: String,
    pub account_id: String,
    pub name: String,
    pub key_type: KeyType,
    /// Empty in a product without environments.
    pub environment: String,
    pub inbox_id: Option<String>,
    /// What it was granted; the gate adds what that implies.
    pub scopes: Scopes,
    pub allowed_ips: AllowedIps,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub paused_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
    pub first_used_at: Option<Timestamp>,
    /// When the secret that was presented stops working; none for the current one.
    pub dies_at: Option<Timestamp>,
    pub inbox_deleted_at: Option<Timestamp>,
}

impl KeyFacts {
    pub fn status(&self, now: Timestamp) -> Status {
        let Self { expires_at, paused_at, .. } = *self;
        // A key goes with its inbox.
        let deleted_at = self.deleted_at.or(self.inbox_deleted_at);
        Lifetime { deleted_at, expires_at, paused_at, retires_at: self.dies_at }.status(now)
    }

    /// Whether the secret that was presented was rotated out.
    pub fn is_spent(&self, now: Timestamp) -> bool {
        self.dies_at.is_some_and(|at| at <= now)
    }
}

/// Whether a key of this type with these scopes may do what `scope` says, its binding included.
pub fn grants((key_type, scopes): (KeyType, &Scopes), scope: &str, product: &Product) -> bool {
    match key_type {
        KeyType::Standard => scopes.grants(scope),
        KeyType::Restricted => {
            !scopes::never_restricted(scope, product)
                && (scopes.grants(scope) || scopes::comes_with_binding(scope, product))
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::product::DEFAULT;

    /// A standard key with full access.
    pub fn facts() -> KeyFacts {
        KeyFacts {
            id: "key_1".into(),
            account_id: "acc_1".into(),
            name: "production-backend".into(),
            key_type: KeyType::Standard,
            environment: "live".into(),
            inbox_id: None,
            scopes: "*".parse().expect("scopes"),
            allowed_ips: AllowedIps::default(),
            created_at: Timestamp::default(),
            expires_at: None,
            paused_at: None,
            deleted_at: None,
            first_used_at: None,
            dies_at: None,
            inbox_deleted_at: None,
        }
    }

    #[test]
    fn a_restricted_key_sees_its_inbox_and_manages_none() {
        let product = Product::parse(DEFAULT).expect("the built-in definition");
        let grants = |scope| grants((KeyType::Restricted, &facts().scopes), scope, &product);
        assert!(grants("mail:send") && grants("inboxes:read"));
        assert!(!grants("inboxes:write") && !grants("keys:read") && !grants("keys:write"));
    }
}
