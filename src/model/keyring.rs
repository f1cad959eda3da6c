//! Every key of the installation, derived from the secret file by label (HKDF-SHA-256, RFC 5869). The database holds
//! none of them: reading it is neither verifying keys, opening seals, nor signing session tokens.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Bytes in the secret file.
pub const SECRET_FILE_BYTES: usize = 32;

#[derive(Zeroize, ZeroizeOnDrop)]
struct Key([u8; 32]);

/// The derived keys. Cloning is refused: there is one, shared.
pub struct Keyring {
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
    pub fn derive(secret_file: &[u8; SECRET_FILE_BYTES]) -> Self {
        let (root, hkdf) = Hkdf::<Sha256>::extract(None, secret_file);
        let derive = |label: &str| {
            let mut key = Key([0; 32]);
            hkdf.expand(label.as_bytes(), &mut key.0).expect("32 bytes are a legal HKDF length");
            key
        };
        let mac = |label: &str| Hmac::new_from_slice(&derive(label).0).expect("HMAC takes a key of any length");
        Self {
            pepper: mac("keydesk/secret-pepper/v1"),
            audit: mac("keydesk/audit-chain/v1"),
            form: mac("keydesk/form/v1"),
            seal: derive("keydesk/seal/v1"),
            envelope: derive("keydesk/envelope/v1"),
            oidc: derive("keydesk/oidc-transaction/v1"),
            authenticator: derive("keydesk/authenticator/v1"),
            refresh: mac("keydesk/refresh-token/v1"),
            root: Key(root.into()),
        }
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
        let mut check = [0; 16];
        let hkdf = Hkdf::<Sha256>::from_prk(&self.root.0).expect("32 bytes are a legal root");
        hkdf.expand(b"keydesk/secret-file-check/v1", &mut check).expect("16 bytes are a legal HKDF length");
        hex(&check)
    }

    /// The seed of the key that session tokens of a generation are signed with.
    pub(super) fn session_token(&self, generation: i64) -> Zeroizing<[u8; 32]> {
        let mut seed = Zeroizing::new([0; 32]);
        let label = format!("keydesk/session-token/v{generation}");
        let hkdf = Hkdf::<Sha256>::from_prk(&self.root.0).expect("32 bytes are a legal root");
        hkdf.expand(label.as_bytes(), seed.as_mut()).expect("32 bytes are a legal HKDF length");
        seed
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
