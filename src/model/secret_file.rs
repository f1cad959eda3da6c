//! The secret file: 32 random bytes. While it is being replaced it holds two generations, the new one before the old one, so
//! that what was made with either keeps working; and it is one file, so that neither is ever there without the other.

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::keyring::{GENERATION_BYTES, Keyring};
use crate::entropy::Entropy;

#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SecretFile {
    newest: [u8; GENERATION_BYTES],
    before: Option<[u8; GENERATION_BYTES]>,
}

impl SecretFile {
    /// One generation, drawn now.
    pub fn generate(entropy: &Entropy) -> Self {
        Self { newest: entropy.bytes(), before: None }
    }

    /// Reads one generation or two; nothing else is a secret file.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (newest, rest) = bytes.split_first_chunk()?;
        let before = if rest.is_empty() { None } else { Some(rest.try_into().ok()?) };
        Some(Self { newest: *newest, before })
    }

    /// What lies in the file.
    pub fn bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([&self.newest[..], self.before.as_ref().map_or(&[], |before| &before[..])].concat())
    }

    /// A new generation before the newest of this file.
    #[must_use]
    pub fn with_successor(&self, entropy: &Entropy) -> Self {
        Self { newest: entropy.bytes(), before: Some(self.newest) }
    }

    #[must_use]
    pub fn newest_alone(&self) -> Self {
        Self { newest: self.newest, before: None }
    }

    pub fn newest(&self) -> Keyring {
        Keyring::derive(&self.newest)
    }

    /// The generation before the newest, if it is there.
    pub fn before(&self) -> Option<Keyring> {
        self.before.as_ref().map(Keyring::derive)
    }
}

impl std::fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretFile(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_one_generation_or_two_and_nothing_else() {
        let first = SecretFile::generate(&Entropy::seeded(1));
        let both = first.with_successor(&Entropy::seeded(2));
        assert_eq!((first.bytes().len(), both.bytes().len()), (32, 64));
        let read = SecretFile::parse(&both.bytes()).expect("two generations");
        assert_eq!(read.before().expect("the old one").check(), first.newest().check());
        assert_eq!(read.newest_alone().bytes()[..], both.bytes()[..32]);
        assert_ne!(read.newest().check(), first.newest().check());
        for cut in [0, 31, 33, 63] {
            assert!(SecretFile::parse(&both.bytes()[..cut]).is_none(), "{cut}");
        }
        assert!(SecretFile::parse(&[0; 96]).is_none());
        assert_eq!(format!("{both:?}"), "SecretFile(…)");
    }
}
