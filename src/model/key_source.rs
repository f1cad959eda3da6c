//! Where the public keys of a secret scanner come from, as the settings name it: a file, or an address that is reached over
//! TLS. Nothing is read here.

use std::path::PathBuf;
use std::str::FromStr;

use url::{Host, Url};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    File(PathBuf),
    Address(Url),
}

impl FromStr for KeySource {
    type Err = String;

    /// What begins with a scheme is an address; everything else is a path.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("name a file or an https:// address, or leave the setting out".into());
        }
        if !text.contains("://") {
            return Ok(Self::File(text.into()));
        }
        let url = Url::parse(text).map_err(|_| "this is no address".to_owned())?;
        let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        let private = url.scheme() == "https" || (url.scheme() == "http" && is_on_this_machine(&url));
        if bare && private {
            Ok(Self::Address(url))
        } else {
            Err("the address must be https://, without a password; http:// only on this machine".into())
        }
    }
}

fn is_on_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_file_or_an_address_that_nobody_can_read_along() {
        let address = |text: &str| matches!(text.parse(), Ok(KeySource::Address(_)));
        assert!(address("https://api.github.com/meta/public_keys/secret_scanning"));
        assert!(address("http://127.0.0.1:9000/keys") && address("http://[::1]:9000/") && address("http://localhost/"));
        assert_eq!("keys.json".parse(), Ok(KeySource::File("keys.json".into())));
        let named = ["https://a@c.example/", "https://:b@c.example/", "https://a:b@c.example/", "https://c.example/#d"];
        let bad = ["", "http://api.github.com/", "ftp://127.0.0.1/", "ftp://c.example/", "https://", "file:///x"];
        for bad in bad.into_iter().chain(named) {
            assert!(bad.parse::<KeySource>().is_err(), "{bad}");
        }
    }
}
