//! What vouches for events whose key is lost: a digest of all of them, each whole and in its place, which the event that
//! records the loss holds. It is no key, so it says nothing of what was touched before that event.

use sha2::{Digest, Sha256};

use super::audit_chain::Link;
use super::keyring::hex;

/// What a digest begins with where people read it.
const NAME: &str = "sha256:";

/// The digest of an account's events, from the first one on.
#[derive(Clone, Debug, Default)]
pub struct AuditDigest(Sha256);

impl AuditDigest {
    pub fn add(&mut self, link: &Link) {
        link.with_fields(link.seq, |fields| {
            for field in fields.into_iter().chain([link.mac.as_str()]) {
                self.0.update((field.len() as u64).to_be_bytes());
                self.0.update(field.as_bytes());
            }
        });
    }

    /// As the record says it.
    pub fn in_words(&self) -> String {
        format!("{NAME}{}", hex(&self.0.clone().finalize()))
    }
}
