//! Links that are mailed: 256 random bits behind a prefix of their own, so that scanners find them. Each works once and
//! not for long, the newest voids the older ones, and only the SHA-256 is remembered.

use std::time::Duration;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::keyring::hex;
use crate::clock::{days, hours};
use crate::entropy::Entropy;

const CHARACTERS: usize = 43;

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A new password for somebody who forgot theirs.
    Reset,
    /// The address is theirs.
    Verify,
    /// A place in a team, for somebody who is no user yet.
    Invitation,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Verify => "verify",
            Self::Invitation => "invitation",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Reset => "kdreset_",
            Self::Verify => "kdverify_",
            Self::Invitation => "kdinvite_",
        }
    }

    /// How long the link works.
    pub fn lifetime(self) -> Duration {
        match self {
            Self::Reset => hours(1),
            Self::Verify => hours(72),
            Self::Invitation => days(7),
        }
    }

    /// The page that takes it.
    fn page(self) -> &'static str {
        match self {
            Self::Reset => "/reset-password",
            Self::Verify => "/verify-email",
            Self::Invitation => "/invitation",
        }
    }
}

/// What a link holds. It leaves only within the link.
pub struct Token(Zeroizing<String>);

impl Token {
    pub fn generate(kind: Kind, entropy: &Entropy) -> Self {
        let random = Zeroizing::new(entropy.base62(CHARACTERS));
        Self(Zeroizing::new(format!("{}{}", kind.prefix(), *random)))
    }

    pub fn hash(&self) -> String {
        hash(&self.0)
    }

    /// The whole link. Its base is the public URL, never what a request claimed.
    pub fn link(&self, kind: Kind, public_url: &str) -> Zeroizing<String> {
        Zeroizing::new(format!("{public_url}{}?token={}", kind.page(), *self.0))
    }
}

/// What the database holds of a token.
pub fn hash(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_the_page_of_its_kind_and_is_known_by_its_hash() {
        let token = Token::generate(Kind::Reset, &Entropy::seeded(1));
        let link = token.link(Kind::Reset, "https://k.example");
        let (page, presented) = link.split_once("?token=").expect("a token");
        assert_eq!(page, "https://k.example/reset-password");
        assert_eq!(presented.len(), "kdreset_".len() + CHARACTERS);
        assert_eq!(hash(presented), token.hash());
        assert_ne!(Token::generate(Kind::Reset, &Entropy::seeded(2)).hash(), token.hash());
    }

    #[test]
    fn a_kind_is_stored_under_its_own_name() {
        assert_eq!([Kind::Reset, Kind::Verify, Kind::Invitation].map(Kind::as_str), ["reset", "verify", "invitation"]);
    }
}
