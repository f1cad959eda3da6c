//! Devices that somebody is known by. A browser carries 256 random bits behind a prefix of their own, of which only the
//! SHA-256 is remembered; a program carries nothing, and is known by its name and its network.

use std::net::IpAddr;
use std::time::Duration;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::device::Device;
use super::keyring::hex;
use super::network::source_of;
use crate::clock::days;
use crate::entropy::Entropy;

const PREFIX: &str = "kddevice_";
const CHARACTERS: usize = 43;

/// How long a device is known after the last sign-in on it.
pub const LIFETIME: Duration = days(365);

/// What a browser's cookie holds.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

impl Token {
    pub fn generate(entropy: &Entropy) -> Self {
        let random = Zeroizing::new(entropy.base62(CHARACTERS));
        Self(Zeroizing::new(format!("{PREFIX}{}", *random)))
    }

    /// What a cookie holds, if it can be one of ours: anything else is not worth a look into the database.
    pub fn read(text: &str) -> Option<Self> {
        let random = text.strip_prefix(PREFIX)?;
        let ours = random.len() == CHARACTERS && random.bytes().all(|byte| byte.is_ascii_alphanumeric());
        ours.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// What the database holds of it.
    pub fn hash(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes()))
    }

    /// For the cookie, and for nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// What a program is known by: the name that its user agent gives it, and the network that it calls from. An address
/// that is none counts as it is written.
pub fn mark_of_program(user_agent: &str, ip: &str) -> String {
    let network = ip.parse::<IpAddr>().map_or_else(|_| ip.to_owned(), source_of);
    hex(&Sha256::digest(format!("program\n{}\n{network}", Device::of(user_agent, true).name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_the_shape_of_a_token_is_read_as_one() {
        let token = Token::generate(&Entropy::seeded(1));
        let read = Token::read(token.reveal()).expect("a token");
        assert_eq!(read.hash(), token.hash());
        assert_ne!(Token::generate(&Entropy::seeded(2)).hash(), token.hash());
        let random = &token.reveal()[PREFIX.len()..];
        for other in ["", PREFIX, random, &format!("kdreset_{random}"), &format!("{PREFIX}{}é", &random[..41])] {
            assert!(Token::read(other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_program_is_known_by_its_name_and_its_network() {
        let mark = mark_of_program("curl/8.14", "2001:db8:1:2::7");
        assert_eq!(mark, mark_of_program("curl/8.15", "2001:db8:1:2:ffff::1"), "an update is no other program");
        assert_ne!(mark, mark_of_program("curl/8.14", "2001:db8:1:3::7"));
        assert_ne!(mark, mark_of_program("acme/1.0", "2001:db8:1:2::7"));
    }
}
