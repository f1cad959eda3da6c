//! Refresh tokens: 256 random bits behind a prefix of their own, so that scanners find them; only the SHA-256 is
//! remembered. A successor is made of the token that is spent for it, fresh salt and the secret file, so that it can be
//! said again without being kept; no two of the three say it.

use std::time::Duration;

use hmac::Mac;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::keyring::{Keyring, hex};
use crate::entropy::{BASE62, Entropy};

/// For this long a spent token answers its successor again: an answer was lost, or two refreshed at once (RFC 9700,
/// section 4.14.2).
pub const GRACE: Duration = Duration::from_secs(10);

const PREFIX: &str = "kdrefresh_";
/// Base62 characters of 256 bits.
const CHARACTERS: usize = 43;

/// A fresh token.
pub fn generate(entropy: &Entropy) -> Zeroizing<String> {
    Zeroizing::new(format!("{PREFIX}{}", entropy.base62(CHARACTERS)))
}

/// What the database holds of a token.
pub fn hash(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

/// What makes a successor another one than whoever has the secret file and a spent token could foretell.
pub fn salt(entropy: &Entropy) -> String {
    hex(&entropy.bytes::<32>())
}

/// The token that follows `spent`.
pub fn successor(spent: &str, salt: &str, keyring: &Keyring) -> Zeroizing<String> {
    // Every salt is as long as any other, so it and the token cannot be cut in two ways.
    let mac = keyring.refresh().chain_update(salt).chain_update(spent).finalize();
    let random = base62(Zeroizing::new(mac.into_bytes().into()));
    Zeroizing::new(format!("{PREFIX}{}", *random))
}

fn base62(mut number: Zeroizing<[u8; 32]>) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(CHARACTERS));
    for _ in 0..CHARACTERS {
        let mut rest = 0;
        for byte in number.iter_mut() {
            let dividend = rest << 8 | u16::from(*byte);
            *byte = u8::try_from(dividend / 62).expect("a rest is below the divisor");
            rest = dividend % 62;
        }
        text.push(char::from(BASE62[usize::from(rest)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_takes_the_spent_token_the_salt_and_the_secret_file() {
        let (keyring, other) = (Keyring::derive(&[1; 32]), Keyring::derive(&[2; 32]));
        let salt = salt(&Entropy::seeded(1));
        let made = successor("kdrefresh_a", &salt, &keyring);
        assert_eq!(made, successor("kdrefresh_a", &salt, &keyring));
        assert_ne!(made, successor("kdrefresh_b", &salt, &keyring));
        assert_ne!(made, successor("kdrefresh_a", &super::salt(&Entropy::seeded(2)), &keyring));
        assert_ne!(made, successor("kdrefresh_a", &salt, &other));
        assert_eq!(made.len(), generate(&Entropy::seeded(1)).len(), "both look alike");
    }

    #[test]
    fn no_bit_gets_lost_in_the_letters() {
        let last = |byte: u8| {
            let mut number = [0; 32];
            number[31] = byte;
            base62(Zeroizing::new(number))
        };
        assert_eq!(last(0).as_str(), "0".repeat(43));
        assert_eq!(last(61).as_str(), format!("z{}", "0".repeat(42)));
        assert_eq!(last(62).as_str(), format!("01{}", "0".repeat(41)));
        assert_eq!(base62(Zeroizing::new([255; 32])).len(), 43);
        let mut highest = [0; 32];
        highest[0] = 128;
        assert_ne!(base62(Zeroizing::new(highest)), last(0));
    }
}
