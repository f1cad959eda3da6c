//! Whom people may sign in with: Google, or another OpenID Connect issuer, as the settings name it.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

pub const GOOGLE: &str = "https://accounts.google.com";

/// The issuer, and who we are to it.
#[derive(Clone)]
pub struct Provider {
    /// As the issuer writes itself, to the letter: an ID token must say the same.
    pub issuer: String,
    pub client_id: String,
    pub client_secret: Zeroizing<String>,
    /// How long one answer of the issuer may take.
    pub timeout: Duration,
}

impl Provider {
    pub fn is_google(&self) -> bool {
        self.issuer == GOOGLE
    }

    /// What people call it: `Google`, or the issuer's host.
    pub fn name(&self) -> &str {
        if self.is_google() {
            return "Google";
        }
        let authority = self.issuer.split_once("://").map_or(self.issuer.as_str(), |(_, rest)| rest);
        authority.split('/').next().unwrap_or_default()
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Provider({}, {}, …)", self.issuer, self.client_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_called_google_or_by_its_host_and_its_secret_stays_inside() {
        let provider = |issuer: &str| Provider {
            issuer: issuer.into(),
            client_id: "desk".into(),
            client_secret: Zeroizing::new("hush".into()),
            timeout: Duration::from_secs(1),
        };
        assert_eq!(provider(GOOGLE).name(), "Google");
        assert_eq!(provider("https://id.example/tenant").name(), "id.example");
        assert!(!provider("http://127.0.0.1:9000").is_google());
        assert!(!format!("{:?}", provider(GOOGLE)).contains("hush"));
    }
}
