//! The secret: the plaintext of an API key. It leaves this type only through [`Secret::reveal`], and what is
//! remembered of it is an HMAC under a pepper that the database does not hold.
//!
//! `<prefix>_<environment>_` + 43 random base62 characters (256 bits) + 6 base62 characters of CRC-32 over all of it
//! before, so that a typo is told from a wrong key without asking the database.

use std::fmt;

use hmac::Mac;
use zeroize::Zeroizing;

use super::keyring::{Keyring, hex};
use crate::entropy::Entropy;

const RANDOM_CHARACTERS: usize = 43;
const CHECKSUM_CHARACTERS: usize = 6;
/// What stands behind the prefix.
pub const CHARACTERS: usize = RANDOM_CHARACTERS + CHECKSUM_CHARACTERS;
/// More characters of a secret than anybody types by hand.
const TELLING_CHARACTERS: usize = 20;

/// A whole secret. No `Display`, no `Serialize`; `Debug` is redacted; memory is wiped on drop.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// Why a presented text cannot be a secret of this product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    WrongShape,
    WrongChecksum,
    /// It would be one, had it a prefix of ours.
    ForeignPrefix,
}

/// What somebody presents as a secret, and what could be one by its looks. It borrows: a verdict copies no plaintext.
#[derive(Clone, Copy)]
pub struct Presented<'a>(&'a str);

/// HMAC-SHA-256 of a secret under the pepper: what the database stores and looks up, in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SecretHash([u8; 32]);

impl<'a> Presented<'a> {
    /// Reads a presented text; touches nothing but its characters.
    ///
    /// # Errors
    /// If it has not the right length and alphabet, a checksum that does not fit, or, being right in all that, none of
    /// `prefixes`.
    pub fn parse(text: &'a str, prefixes: &[String]) -> Result<Self, Malformed> {
        let split = text.len().checked_sub(CHARACTERS).and_then(|at| text.split_at_checked(at));
        let (prefix, rest) = split.ok_or(Malformed::WrongShape)?;
        if !prefix.ends_with('_') || !rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Malformed::WrongShape);
        }
        let (body, sum) = text.split_at(text.len() - CHECKSUM_CHARACTERS);
        if checksum(body) != sum.as_bytes() {
            return Err(Malformed::WrongChecksum);
        }
        if prefixes.iter().any(|known| known == prefix) { Ok(Self(text)) } else { Err(Malformed::ForeignPrefix) }
    }

    /// Every secret in `text` that begins with one of `prefixes`, wherever it stands, each once.
    pub fn all_within(text: &'a str, prefixes: &[String]) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for prefix in prefixes {
            let whole = |at: usize| text.get(at..at + prefix.len() + CHARACTERS);
            let wholes = text.match_indices(prefix.as_str()).filter_map(|(at, _)| whole(at));
            for one in wholes.filter_map(|whole| Self::parse(whole, prefixes).ok()) {
                if !found.iter().any(|known| known.0 == one.0) {
                    found.push(one);
                }
            }
        }
        found
    }

    /// Whether a word of `text` is a whole secret, be it of another product.
    pub fn is_within(text: &str) -> bool {
        let mut words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        words.any(|word| matches!(Presented::parse(word, &[]), Err(Malformed::ForeignPrefix)))
    }

    /// Its hash under each generation that counts, the newest first.
    pub fn hashes(self, keyring: &Keyring) -> impl Iterator<Item = SecretHash> {
        keyring.generations().map(move |generation| self.hash(generation))
    }

    pub fn hash(self, keyring: &Keyring) -> SecretHash {
        SecretHash(keyring.pepper().chain_update(self.0.as_bytes()).finalize().into_bytes().into())
    }
}

impl Secret {
    /// Draws a new secret behind `prefix` (such as `kd_live_`).
    pub fn generate(prefix: &str, entropy: &Entropy) -> Self {
        let mut text = Zeroizing::new(String::with_capacity(prefix.len() + RANDOM_CHARACTERS + CHECKSUM_CHARACTERS));
        text.push_str(prefix);
        text.push_str(&Zeroizing::new(entropy.base62(RANDOM_CHARACTERS)));
        let sum = checksum(&text);
        text.extend(sum.map(char::from));
        Self(text)
    }

    /// The last four characters of what looks like a secret, or a good part of one, somewhere in `text`: a whole key, a
    /// line of a `.env` file, an `Authorization` header.
    pub fn last4_within<'a>(text: &'a str, prefixes: &[String]) -> Option<&'a str> {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let telling = |word: &&str| {
            // A whole one tells by its checksum, whatever it starts with.
            let is_whole = matches!(Presented::parse(word, prefixes), Ok(_) | Err(Malformed::ForeignPrefix));
            let mut rests = prefixes.iter().filter_map(|prefix| word.strip_prefix(prefix.as_str()));
            is_whole || rests.any(|rest| rest.len() >= TELLING_CHARACTERS)
        };
        words.filter(telling).find_map(|word| word.get(word.len() - 4..))
    }

    /// A secret that was sealed by [`super::seal`] and is trusted to be one.
    pub(super) fn unsealed(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The plaintext. Every call is a place where a secret can leak: keep them few.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub fn last4(&self) -> &str {
        &self.0[self.0.len() - 4..]
    }

    /// What it starts with, up to its last underscore.
    pub fn prefix(&self) -> &str {
        &self.0[..self.0.rfind('_').map_or(0, |at| at + 1)]
    }

    pub fn hash(&self, keyring: &Keyring) -> SecretHash {
        Presented(&self.0).hash(keyring)
    }
}

impl SecretHash {
    /// Its first bits: enough to find it among others, not to know it by.
    pub fn beginning(&self) -> u64 {
        self.0.first_chunk().map_or(0, |eight| u64::from_be_bytes(*eight))
    }

    /// Another that begins alike.
    #[cfg(test)]
    pub fn twin(mut self) -> Self {
        self.0[31] ^= 1;
        self
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Display for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// A regular expression for secrets that begin with one of `prefixes`, in the common subset of RE2, Hyperscan and PCRE.
/// It takes the shape alone; the checksum is for whoever reads the match.
pub fn pattern(prefixes: &[String]) -> String {
    format!("\\b(?:{})[0-9A-Za-z]{{{CHARACTERS}}}\\b", prefixes.join("|"))
}

/// CRC-32 (IEEE) as six base62 digits, most significant first.
fn checksum(text: &str) -> [u8; CHECKSUM_CHARACTERS] {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = crc32fast::hash(text.as_bytes());
    let mut digits = [b'0'; CHECKSUM_CHARACTERS];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefixes() -> Vec<String> {
        vec!["kd_live_".into(), "kd_test_".into()]
    }

    fn keyring() -> Keyring {
        Keyring::derive(&[7; 32])
    }

    #[test]
    fn a_generated_secret_parses() {
        let secret = Secret::generate("kd_live_", &Entropy::seeded(1));
        assert_eq!(secret.reveal().len(), "kd_live_".len() + 49);
        let parsed = Presented::parse(secret.reveal(), &prefixes()).expect("a generated secret");
        assert_eq!(parsed.hash(&keyring()), secret.hash(&keyring()));
    }

    #[test]
    fn what_was_issued_once_is_read_for_ever() {
        for (whole, prefix) in [
            ("kd_live_000000000000000000000000000000000000000000023vm2K", "kd_live_"),
            ("kd_test_KeydeskKeydeskKeydeskKeydeskKeydeskKeydeskK2U6TqB", "kd_test_"),
        ] {
            assert!(Presented::parse(whole, &prefixes()).is_ok(), "{whole}");
            assert_eq!(checksum(&whole[..whole.len() - 6]), whole.as_bytes()[whole.len() - 6..]);
            assert_eq!(Secret(whole.to_owned().into()).prefix(), prefix);
        }
        let hash = Secret("kd_live_000000000000000000000000000000000000000000023vm2K".to_owned().into());
        let text = hash.hash(&keyring()).to_string();
        assert!(text.len() == 64 && text.starts_with(&format!("{:016x}", hash.hash(&keyring()).beginning())), "{text}");
    }

    #[test]
    fn the_pattern_for_scanners_finds_secrets_and_nothing_shorter() {
        let pattern = regex::Regex::new(&pattern(&prefixes())).expect("a pattern");
        let secret = Secret::generate("kd_test_", &Entropy::seeded(8));
        let found = pattern.find(&format!("KEY=\"{}\"", secret.reveal())).map(|found| found.as_str().to_owned());
        assert_eq!(found.as_deref(), Some(secret.reveal()));
        assert!(!pattern.is_match(&secret.reveal()[..56]) && !pattern.is_match(&format!("{}a", secret.reveal())));
        assert!(!pattern.is_match(Secret::generate("mk_live_", &Entropy::seeded(8)).reveal()));
    }

    #[test]
    fn any_one_wrong_character_fails_the_checksum() {
        let secret = Secret::generate("kd_live_", &Entropy::seeded(2));
        for at in "kd_live_".len()..secret.reveal().len() {
            let mut typo = secret.reveal().as_bytes().to_vec();
            typo[at] = if typo[at] == b'a' { b'b' } else { b'a' };
            let typo = String::from_utf8(typo).expect("ASCII");
            assert_eq!(Presented::parse(&typo, &prefixes()).err(), Some(Malformed::WrongChecksum));
        }
    }

    #[test]
    fn another_prefix_or_shape_is_told_apart() {
        let secret = Secret::generate("kd_live_", &Entropy::seeded(3));
        let foreign = Secret::generate("mk_live_", &Entropy::seeded(3));
        assert_eq!(Presented::parse(foreign.reveal(), &prefixes()).err(), Some(Malformed::ForeignPrefix));
        let disguised = secret.reveal().replace("kd_live_", "mk_live_");
        assert_eq!(Presented::parse(&disguised, &prefixes()).err(), Some(Malformed::WrongChecksum));
        assert_eq!(Presented::parse("kd_live_short", &prefixes()).err(), Some(Malformed::WrongShape));
        let dashed = format!("{}-", &secret.reveal()[..secret.reveal().len() - 1]);
        assert_eq!(Presented::parse(&dashed, &prefixes()).err(), Some(Malformed::WrongShape));
        assert_eq!(Presented::parse("", &prefixes()).err(), Some(Malformed::WrongShape));
        let nested = ["kd_".to_owned(), "kd_live_".into()];
        assert!(Presented::parse(secret.reveal(), &nested).is_ok(), "one prefix may begin another");
        assert!(Presented::parse(Secret::generate("kd_", &Entropy::seeded(3)).reveal(), &nested).is_ok());
    }

    #[test]
    fn a_secret_is_seen_in_what_people_paste() {
        let secret = Secret::generate("kd_live_", &Entropy::seeded(6));
        let (whole, last4) = (secret.reveal(), Some(secret.last4()));
        assert_eq!(Secret::last4_within(whole, &prefixes()), last4);
        assert_eq!(Secret::last4_within(&format!("KEYDESK_API_KEY={whole}"), &prefixes()), last4);
        assert_eq!(Secret::last4_within(&format!(" Bearer {whole}; "), &prefixes()), last4);
        assert!(Secret::last4_within(&whole[..40], &prefixes()).is_some(), "a part of one gives it away too");
        let foreign = Secret::generate("old_", &Entropy::seeded(6));
        assert_eq!(Secret::last4_within(foreign.reveal(), &prefixes()), Some(foreign.last4()));
        for name in ["kd_live_…7Qx2", "billing_worker_production_eu_central_1_primary", "kd_live_short", ""] {
            assert_eq!(Secret::last4_within(name, &prefixes()), None, "{name}");
        }
    }

    #[test]
    fn every_secret_in_a_text_is_found_once_wherever_it_stands() {
        let secrets: Vec<Secret> = (10..13).map(|seed| Secret::generate("kd_live_", &Entropy::seeded(seed))).collect();
        let [one, two, three] = [0, 1, 2].map(|at| secrets[at].reveal());
        let text = format!("A={one}\nhttps://k.example/?key={two}&x {one}Zz{three}é kd_live_{}", &one[8..40]);
        let found = Presented::all_within(&text, &prefixes());
        let hashes: Vec<SecretHash> = found.iter().map(|one| one.hash(&keyring())).collect();
        assert_eq!(hashes, secrets.iter().map(|secret| secret.hash(&keyring())).collect::<Vec<_>>());
        assert!(Presented::all_within(&one.replace("kd_live_", "mk_live_"), &prefixes()).is_empty());
        let foreign = Secret::generate("old_", &Entropy::seeded(14));
        assert!(Presented::is_within(&format!("KEY={}", foreign.reveal())) && Presented::is_within(&text));
        assert!(!Presented::is_within(&one[..one.len() - 1]) && !Presented::is_within("nothing of the kind"));
    }

    #[test]
    fn debug_shows_nothing() {
        let secret = Secret::generate("kd_live_", &Entropy::seeded(4));
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(format!("{:?}", keyring()), "Keyring(…)");
    }

    #[test]
    fn the_hash_depends_on_the_pepper() {
        let secret = Secret::generate("kd_live_", &Entropy::seeded(5));
        assert_ne!(secret.hash(&keyring()), secret.hash(&Keyring::derive(&[8; 32])));
        let both = Keyring::derive(&[8; 32]).of_version(2).beside(keyring());
        let presented = Presented::parse(secret.reveal(), &prefixes()).expect("a generated secret");
        let hashes: Vec<SecretHash> = presented.hashes(&both).collect();
        assert_eq!(hashes, [secret.hash(&both), secret.hash(&keyring())], "the newest first");
    }
}
