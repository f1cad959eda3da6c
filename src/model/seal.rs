//! The seal: a fresh secret, encrypted until its one reveal (XChaCha20-Poly1305, random nonce). The associated data
//! binds purpose, installation, key and account, so a blob moved to another row opens nothing.

use std::borrow::Borrow;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::keyring::Keyring;
use super::secret::Secret;
use crate::clock::hours;
use crate::entropy::Entropy;

/// How long a seal waits for its reveal before it is destroyed.
pub const LIFETIME: Duration = hours(24);

const NONCE_BYTES: usize = 24;
const PURPOSE: &str = "keydesk/reveal-once";

/// What a seal is bound to.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    pub installation_id: &'a str,
    pub account_id: &'a str,
    pub key_id: &'a str,
}

impl Binding<'_> {
    /// The associated data of what is encrypted for `purpose`, and for nothing else.
    pub(super) fn bound_to(&self, purpose: &str) -> Vec<u8> {
        format!("{purpose}\0{}\0{}\0{}", self.installation_id, self.account_id, self.key_id).into_bytes()
    }
}

/// A sealed secret does not open: the secret file changed, or the row was tampered with.
#[derive(Debug, thiserror::Error)]
#[error("the sealed secret does not open under this secret file")]
pub struct Broken;

/// Seals `secret`; the result is base64 of nonce and ciphertext.
pub fn seal(secret: &Secret, binding: Binding, keyring: &Keyring, entropy: &Entropy) -> String {
    encrypt(secret.reveal().as_bytes(), keyring.seal(), &binding.bound_to(PURPOSE), entropy)
}

/// # Errors
/// [`Broken`] if the blob, its binding or the key is not the one that sealed it.
pub fn open(sealed: &str, binding: Binding, keyring: &Keyring) -> Result<Secret, Broken> {
    read(&decrypt(sealed, keyring.generations().map(Keyring::seal), &binding.bound_to(PURPOSE))?)
}

/// Base64 of nonce and ciphertext.
pub(super) fn encrypt(plain: &[u8], key: &[u8; 32], bound_to: &[u8], entropy: &Entropy) -> String {
    let nonce = entropy.bytes::<NONCE_BYTES>();
    let payload = Payload { msg: plain, aad: bound_to };
    let sealed = XChaCha20Poly1305::new(key.into())
        .encrypt(&XNonce::from(nonce), payload)
        .expect("a secret is far below the cipher's limit");
    BASE64.encode([nonce.as_slice(), &sealed].concat())
}

/// Opens it with the first of `keys` that does.
pub(super) fn decrypt(
    sealed: &str,
    keys: impl IntoIterator<Item = impl Borrow<[u8; 32]>>,
    bound_to: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Broken> {
    let blob = BASE64.decode(sealed).map_err(|_| Broken)?;
    let (nonce, sealed) = blob.split_first_chunk::<NONCE_BYTES>().ok_or(Broken)?;
    let opened = |key: &[u8; 32]| -> Option<Vec<u8>> {
        let payload = Payload { msg: sealed, aad: bound_to };
        XChaCha20Poly1305::new(key.into()).decrypt(&XNonce::from(*nonce), payload).ok()
    };
    keys.into_iter().find_map(|key| opened(key.borrow())).map(Zeroizing::new).ok_or(Broken)
}

pub(super) fn read(plain: &[u8]) -> Result<Secret, Broken> {
    let text = std::str::from_utf8(plain).map_err(|_| Broken)?;
    Ok(Secret::unsealed(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Binding = Binding { installation_id: "ins_1", account_id: "acc_1", key_id: "key_1" };

    #[test]
    fn a_seal_opens_only_where_it_was_made() {
        let (keyring, entropy) = (Keyring::derive(&[1; 32]), Entropy::seeded(1));
        let secret = Secret::generate("kd_live_", &entropy);
        let sealed = seal(&secret, HERE, &keyring, &entropy);
        assert!(!sealed.contains("kd_live_"));
        assert_eq!(open(&sealed, HERE, &keyring).expect("its own seal").reveal(), secret.reveal());
        assert!(open(&sealed, Binding { key_id: "key_2", ..HERE }, &keyring).is_err());
        assert!(open(&sealed, Binding { account_id: "acc_2", ..HERE }, &keyring).is_err());
        assert!(open(&sealed, HERE, &Keyring::derive(&[2; 32])).is_err());
        assert!(open("tampered", HERE, &keyring).is_err());
        let both = Keyring::derive(&[2; 32]).of_version(2).beside(keyring);
        assert_eq!(open(&sealed, HERE, &both).expect("the old file's seal").reveal(), secret.reveal());
        let anew = seal(&secret, HERE, &both, &entropy);
        assert!(open(&anew, HERE, &Keyring::derive(&[2; 32])).is_ok(), "sealed under the newest");
    }
}
