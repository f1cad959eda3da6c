//! Recovery codes: what gets somebody in whose phone is lost. 120 random bits each, so that a plain SHA-256 of one is as
//! good as none to whoever reads the database (ASVS 5.0, 6.5.2); each works once.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::keyring::hex;
use crate::entropy::Entropy;

/// Codes in a set.
pub const CODES: usize = 10;
const CHARACTERS: usize = 24;
const GROUP: usize = 4;
/// Crockford's base 32: no letter that reads as a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A fresh set, as it is shown this once: six groups of four.
pub fn generate(entropy: &Entropy) -> Vec<Zeroizing<String>> {
    (0..CODES).map(|_| one(entropy)).collect()
}

fn one(entropy: &Entropy) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; CHARACTERS]);
    entropy.fill(bytes.as_mut_slice());
    let mut code = Zeroizing::new(String::with_capacity(CHARACTERS + CHARACTERS / GROUP));
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 && at % GROUP == 0 {
            code.push('-');
        }
        // 32 divides 256: every character is as likely as the others.
        code.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    code
}

/// What the database holds of a code, however it was typed: upper case, blanks, an O for a zero.
pub fn hash(typed: &str) -> String {
    let plain: Zeroizing<String> = Zeroizing::new(typed.chars().filter_map(read).collect());
    hex(&Sha256::digest(plain.as_bytes()))
}

/// Whether somebody may have meant a recovery code, as opposed to the six digits of an app.
pub fn looks_like_one(typed: &str) -> bool {
    typed.chars().filter(char::is_ascii_alphanumeric).count() > 8
}

fn read(character: char) -> Option<char> {
    match character.to_ascii_lowercase() {
        'o' => Some('0'),
        'i' | 'l' => Some('1'),
        c if c.is_ascii_alphanumeric() => Some(c),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_set_holds_ten_that_differ_and_can_be_typed_in_any_manner() {
        let codes = generate(&Entropy::seeded(1));
        assert_eq!(codes.iter().map(|code| code.as_str()).collect::<BTreeSet<_>>().len(), CODES);
        let signs: BTreeSet<char> = codes.iter().flat_map(|code| code.chars()).filter(|sign| *sign != '-').collect();
        assert_eq!(signs.len(), ALPHABET.len(), "each character comes in ten of them");
        let code = codes[0].as_str();
        assert_eq!(code.len(), 29);
        assert_eq!(hash(code), hash(&code.to_uppercase().replace('-', " ")));
        assert_eq!(hash(&code.replace('0', "O").replace('1', "l")), hash(code));
        assert_eq!(hash("Oa1o OlBI"), hash("0a10-01b1"), "whatever the codes of this seed are made of");
        assert_ne!(hash(code), hash(codes[1].as_str()));
        assert!(looks_like_one(code) && !looks_like_one("123 456"));
        assert!(looks_like_one("1234-5678-9") && !looks_like_one("1234-5678"));
    }
}
