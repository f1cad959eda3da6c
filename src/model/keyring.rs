//! Every key of the installation, derived from the secret file by label (HKDF-SHA-256, RFC 5869). The database holds
//! none of them: reading it is neither verifying keys, opening seals, nor signing session tokens.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Bytes of a generation of the secret file.
pub const GENERATION_BYTES: usize = 32;

const AUDIT: &str = "keydesk/audit-chain/v1";

#[derive(Zeroize, ZeroizeOnDrop)]
struct Key([u8; 32]);

/// The derived keys. Cloning is refused: there is one, shared.
pub struct Keyring {
    /// Counts the secret files of the installation, from 1.
    version: i64,
    /// The keys of the generation before, while what was made with them still counts.
    old: Option<Box<Self>>,
    pepper: Hmac<Sha256>,
    audit: Hmac<Sha256>,
    form: Hmac<Sha256>,
    seal: Key,
    envelope: Key,
    oidc: Key,
    authenticator: Key,
    refresh: Hmac<Sha256>,
    /// What keys that come one after the other are derived from.
    root: Key,
}

impl Keyring {
    /// The keys of the first generation; [`Self::of_version`] says which it is otherwise.
    pub fn derive(generation: &[u8; GENERATION_BYTES]) -> Self {
        let (root, hkdf) = Hkdf::<Sha256>::extract(None, generation);
        let derive = |label: &str| {
            let mut key = Key([0; 32]);
            hkdf.expand(label.as_bytes(), &mut key.0).expect("32 bytes are a legal HKDF length");
            key
        };
        let mac = |label: &str| Hmac::new_from_slice(&derive(label).0).expect("HMAC takes a key of any length");
        Self {
            version: 1,
            old: None,
            pepper: mac("keydesk/secret-pepper/v1"),
            audit: mac(AUDIT),
            form: mac("keydesk/form/v1"),
            seal: derive("keydesk/seal/v1"),
            envelope: derive("keydesk/envelope/v1"),
            oidc: derive("keydesk/oidc-transaction/v1"),
            authenticator: derive("keydesk/authenticator/v1"),
            refresh: mac("keydesk/refresh-token/v1"),
            root: Key(root.into()),
        }
    }

    #[must_use]
    pub fn of_version(self, version: i64) -> Self {
        Self { version, ..self }
    }

    /// The same keys, beside those of the generation before.
    #[must_use]
    pub fn beside(self, old: Self) -> Self {
        Self { old: Some(Box::new(old)), ..self }
    }

    pub fn version(&self) -> i64 {
        self.version
    }

    pub fn old(&self) -> Option<&Self> {
        self.old.as_deref()
    }

    /// These keys, and those of the generation before if they still count.
    pub fn generations(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(self.old())
    }

    /// The keyed state that secrets are hashed with; clone it, feed it, finish it.
    pub(super) fn pepper(&self) -> Hmac<Sha256> {
        self.pepper.clone()
    }

    pub(super) fn audit(&self) -> Hmac<Sha256> {
        self.audit.clone()
    }

    pub(super) fn seal(&self) -> &[u8; 32] {
        &self.seal.0
    }

    pub(super) fn envelope(&self) -> &[u8; 32] {
        &self.envelope.0
    }

    pub(super) fn oidc(&self) -> &[u8; 32] {
        &self.oidc.0
    }

    pub(super) fn authenticator(&self) -> &[u8; 32] {
        &self.authenticator.0
    }

    pub(super) fn refresh(&self) -> Hmac<Sha256> {
        self.refresh.clone()
    }

    /// What the secret file is known by, without being of any use in its place.
    pub fn check(&self) -> String {
        hex(&*self.expand::<16>("keydesk/secret-file-check/v1"))
    }

    /// The key of [`Self::audit`], to be kept for those who check the record later.
    pub(super) fn audit_key(&self) -> Zeroizing<[u8; 32]> {
        self.expand(AUDIT)
    }

    /// What keys of former generations are kept under.
    pub(super) fn former_keys(&self) -> Zeroizing<[u8; 32]> {
        self.expand("keydesk/former-keys/v1")
    }

    fn expand<const BYTES: usize>(&self, label: &str) -> Zeroizing<[u8; BYTES]> {
        let mut key = Zeroizing::new([0; BYTES]);
        let hkdf = Hkdf::<Sha256>::from_prk(&self.root.0).expect("32 bytes are a legal root");
        hkdf.expand(label.as_bytes(), key.as_mut()).expect("few bytes are a legal HKDF length");
        key
    }

    /// The seed of the key that session tokens of a generation are signed with.
    pub(super) fn session_token(&self, generation: i64) -> Zeroizing<[u8; 32]> {
        self.expand(&format!("keydesk/session-token/v{generation}"))
    }

    /// Vouches for `text`, so that a form can carry it there and back.
    pub fn sign_form(&self, text: &str) -> String {
        hex(&self.form.clone().chain_update(text).finalize().into_bytes()[..16])
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyring(…)")
    }
}

/// Lowercase hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
