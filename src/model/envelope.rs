//! The envelope: a secret that can be shown again. It is encrypted under a random key of its own, and that key is wrapped
//! under one from the secret file (XChaCha20-Poly1305, twice). Each half says what it is for and whose it is, so neither
//! opens in another row, in the other's place, or as a seal.

use zeroize::Zeroizing;

use super::keyring::Keyring;
use super::seal::{Binding, Broken, decrypt, encrypt, read};
use super::secret::Secret;
use crate::entropy::Entropy;

const KEY_BYTES: usize = 32;
const WRAPPED_KEY: &str = "keydesk/reveal-again/key";
const SECRET: &str = "keydesk/reveal-again/secret";

/// Both halves, each base64 of nonce and ciphertext.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// The key that `sealed` is encrypted under.
    pub wrapped_key: String,
    pub sealed: String,
}

/// Puts `secret` into an envelope with a fresh key.
pub fn seal(secret: &Secret, binding: Binding, keyring: &Keyring, entropy: &Entropy) -> Envelope {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    entropy.fill(key.as_mut_slice());
    Envelope {
        wrapped_key: encrypt(key.as_slice(), keyring.envelope(), &binding.bound_to(WRAPPED_KEY), entropy),
        sealed: encrypt(secret.reveal().as_bytes(), &key, &binding.bound_to(SECRET), entropy),
    }
}

/// # Errors
/// [`Broken`] if either half, its binding or the keyring is not the one of its sealing.
pub fn open(envelope: &Envelope, binding: Binding, keyring: &Keyring) -> Result<Secret, Broken> {
    let keys = keyring.generations().map(Keyring::envelope);
    let key = decrypt(&envelope.wrapped_key, keys, &binding.bound_to(WRAPPED_KEY))?;
    let key: &[u8; KEY_BYTES] = key.as_slice().try_into().map_err(|_| Broken)?;
    read(&decrypt(&envelope.sealed, [key], &binding.bound_to(SECRET))?)
}

#[cfg(test)]
mod tests {
    use super::super::seal;
    use super::*;

    const HERE: Binding = Binding { installation_id: "ins_1", account_id: "acc_1", key_id: "key_1" };

    fn sealed(seed: u64) -> (Secret, Envelope, Keyring) {
        let (keyring, entropy) = (Keyring::derive(&[1; 32]), Entropy::seeded(seed));
        let secret = Secret::generate("kd_live_", &entropy);
        let envelope = seal(&secret, HERE, &keyring, &entropy);
        (secret, envelope, keyring)
    }

    #[test]
    fn an_envelope_opens_as_often_as_it_is_asked_and_only_where_it_was_made() {
        let (secret, envelope, keyring) = sealed(1);
        for _ in 0..3 {
            assert_eq!(open(&envelope, HERE, &keyring).expect("its own envelope").reveal(), secret.reveal());
        }
        for elsewhere in [
            Binding { key_id: "key_2", ..HERE },
            Binding { account_id: "acc_2", ..HERE },
            Binding { installation_id: "ins_2", ..HERE },
        ] {
            assert!(open(&envelope, elsewhere, &keyring).is_err(), "{elsewhere:?}");
        }
        assert!(open(&envelope, HERE, &Keyring::derive(&[2; 32])).is_err(), "another secret file");
    }

    #[test]
    fn the_halves_of_two_envelopes_do_not_fit_together_nor_change_places() {
        let ((_, one, keyring), (_, other, _)) = (sealed(1), sealed(2));
        let mixed = Envelope { wrapped_key: other.wrapped_key, ..one.clone() };
        assert!(open(&mixed, HERE, &keyring).is_err());
        let swapped = Envelope { wrapped_key: one.sealed.clone(), sealed: one.wrapped_key.clone() };
        assert!(open(&swapped, HERE, &keyring).is_err());
        for broken in ["", "tampered", &one.sealed[1..], &one.sealed[..40]] {
            assert!(open(&Envelope { sealed: broken.into(), ..one.clone() }, HERE, &keyring).is_err(), "{broken}");
            assert!(open(&Envelope { wrapped_key: broken.into(), ..one.clone() }, HERE, &keyring).is_err());
        }
    }

    #[test]
    fn a_seal_is_no_envelope_and_an_envelope_no_seal() {
        let (secret, envelope, keyring) = sealed(1);
        let once = seal::seal(&secret, HERE, &keyring, &Entropy::seeded(3));
        assert!(open(&Envelope { sealed: once, ..envelope.clone() }, HERE, &keyring).is_err());
        assert!(seal::open(&envelope.sealed, HERE, &keyring).is_err());
        assert!(seal::open(&envelope.wrapped_key, HERE, &keyring).is_err());
    }

    #[test]
    fn every_envelope_has_a_key_of_its_own_and_holds_no_plaintext() {
        let (keyring, entropy) = (Keyring::derive(&[1; 32]), Entropy::seeded(4));
        let secret = Secret::generate("kd_live_", &entropy);
        let [one, other] = [(); 2].map(|()| seal(&secret, HERE, &keyring, &entropy));
        assert_ne!(one.wrapped_key, other.wrapped_key);
        assert_ne!(one.sealed, other.sealed);
        assert!(!format!("{one:?}").contains(&secret.reveal()[8..]));
        let crossed = Envelope { sealed: other.sealed, ..one };
        assert!(open(&crossed, HERE, &keyring).is_err());
    }
}
