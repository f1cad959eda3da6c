//! Whom to write to about a weakness, as `/.well-known/security.txt` says it (RFC 9116, section 2.5.3).

use std::fmt;
use std::str::FromStr;

use url::Url;

/// A `mailto:` or `https:` address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityContact(String);

impl FromStr for SecurityContact {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "mailto" | "https"));
        // The parser drops line ends; what goes into a line of its own is checked all the same.
        let url = url.filter(|url| url.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
        url.map(|url| Self(url.into()))
            .ok_or_else(|| "it must be mailto: and an address, or begin with https://".into())
    }
}

impl fmt::Display for SecurityContact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_an_address_that_one_can_write_to() {
        let said = |text: &str| text.parse::<SecurityContact>().map(|contact| contact.to_string());
        assert_eq!(said("mailto:security@keys.example").as_deref(), Ok("mailto:security@keys.example"));
        assert_eq!(said("https://keys.example/security").as_deref(), Ok("https://keys.example/security"));
        for bad in ["", "security@keys.example", "http://keys.example/", "tel:555-0100"] {
            assert!(said(bad).is_err(), "{bad}");
        }
        assert!(!said("mailto:a@b.example\nExpires: never").unwrap_or_default().contains('\n'));
    }
}
