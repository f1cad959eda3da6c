//! The keys that audit events were recorded under, one a generation of the secret file. A former one is kept, encrypted
//! under the newest secret file, for whoever checks the record: it vouches for nothing behind the first event of a newer one.

use hmac::{Hmac, KeyInit};
use sha2::Sha256;

use super::keyring::Keyring;
use super::seal::{Broken, decrypt, encrypt};
use crate::entropy::Entropy;

const PURPOSE: &str = "keydesk/former-audit-key";

/// The key of one generation.
#[derive(Clone)]
pub struct AuditKey(Hmac<Sha256>);

/// The keys of an installation's whole record.
pub struct AuditKeys {
    /// The oldest first; the last is the newest generation's.
    keys: Vec<AuditKey>,
    /// The first that events may still be recorded under.
    counting_from: usize,
}

/// A generation of the past, as the database knows it.
#[derive(Clone, Debug)]
pub struct Former {
    pub version: i64,
    /// Encrypted under the newest generation; nothing where the file was lost.
    pub audit_key: Option<String>,
    pub is_retired: bool,
}

impl AuditKey {
    pub fn of(keyring: &Keyring) -> Self {
        Self(keyring.audit())
    }

    pub(super) fn mac(&self) -> Hmac<Sha256> {
        self.0.clone()
    }
}

impl std::fmt::Debug for AuditKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuditKeys(…)")
    }
}

impl AuditKeys {
    /// The keys of `formers`, the oldest first, and that of the newest generation.
    ///
    /// # Errors
    /// [`Broken`] if one was not kept under the newest generation.
    pub fn open(keyring: &Keyring, formers: &[Former]) -> Result<Self, Broken> {
        let mut keys = Vec::new();
        let mut counting_from = 0;
        for former in formers {
            if let Some(kept) = &former.audit_key {
                let key = decrypt(kept, [&*keyring.former_keys()], &bound_to(former.version))?;
                keys.push(AuditKey(Hmac::new_from_slice(&key).map_err(|_| Broken)?));
            }
            if former.is_retired {
                counting_from = keys.len();
            }
        }
        keys.push(AuditKey::of(keyring));
        Ok(Self { keys, counting_from })
    }

    /// The keys from a generation on, each with the place of its own.
    pub(super) fn since(&self, generation: usize) -> impl Iterator<Item = (usize, &AuditKey)> {
        self.keys.iter().enumerate().skip(generation)
    }

    /// Whether events may still be recorded under a generation.
    pub(super) fn counts(&self, generation: usize) -> bool {
        generation >= self.counting_from
    }
}

/// The audit key of the generation before, to be kept under the newest.
pub fn keep(old: &Keyring, newest: &Keyring, entropy: &Entropy) -> String {
    encrypt(&*old.audit_key(), &newest.former_keys(), &bound_to(old.version()), entropy)
}

/// A key that was kept under `old`, kept under `newest`.
///
/// # Errors
/// [`Broken`] if it was not kept under `old`.
pub fn keep_on(version: i64, kept: &str, keyrings: [&Keyring; 2], entropy: &Entropy) -> Result<String, Broken> {
    let [old, newest] = keyrings;
    let key = decrypt(kept, [&*old.former_keys()], &bound_to(version))?;
    Ok(encrypt(&key, &newest.former_keys(), &bound_to(version), entropy))
}

fn bound_to(version: i64) -> Vec<u8> {
    format!("{PURPOSE}\0{version}").into_bytes()
}
