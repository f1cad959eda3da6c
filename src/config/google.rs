//! Settings of the sign-in with Google, or with another issuer: set whole, or not at all.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use zeroize::Zeroizing;

use crate::host::{host_of, is_loopback};
use crate::model::provider::{GOOGLE, Provider};

/// For one answer of the issuer that people sign in with.
const ISSUER_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Args, Clone, Debug)]
pub struct Google {
    /// Client id for the sign-in with Google, or with the issuer set below. Default: none; there is no such sign-in.
    #[arg(long = "google-client-id", env = "KEYDESK_GOOGLE_CLIENT_ID", global = true)]
    pub client_id: Option<String>,

    /// File with the client secret that belongs to it, in its first line.
    #[arg(long = "google-client-secret-file", env = "KEYDESK_GOOGLE_CLIENT_SECRET_FILE", global = true)]
    pub client_secret_file: Option<PathBuf>,

    /// OpenID Connect issuer to sign in with instead of Google.
    #[arg(long = "google-issuer", env = "KEYDESK_GOOGLE_ISSUER", default_value = GOOGLE, global = true)]
    pub issuer: String,
}

/// Settings that contradict one another, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Mistake {
    #[error(
        "KEYDESK_GOOGLE_CLIENT_ID needs KEYDESK_GOOGLE_CLIENT_SECRET_FILE too: the issuer gives you both. Set both, or neither"
    )]
    WithoutSecret,
    #[error("{0} needs KEYDESK_GOOGLE_CLIENT_ID too. Set both, or neither")]
    WithoutId(&'static str),
    #[error("cannot read the client secret in {0}: {1}")]
    SecretFile(PathBuf, io::Error),
    #[error("the first line of {0} must be the client secret, and it is empty")]
    SecretEmpty(PathBuf),
    #[error(
        "KEYDESK_GOOGLE_ISSUER {0:?} must be https:// and a host, as the issuer writes it; http:// only on this machine"
    )]
    Issuer(String),
}

impl Google {
    /// Whom people may sign in with, if anybody.
    ///
    /// # Errors
    /// If only a part of it is set, the secret cannot be read, or the issuer would be spoken to in the clear.
    pub fn provider(&self) -> Result<Option<Provider>, Mistake> {
        let Some(client_id) = self.client_id.clone().filter(|id| !id.is_empty()) else {
            return match (&self.client_secret_file, self.issuer == GOOGLE) {
                (Some(_), _) => Err(Mistake::WithoutId("KEYDESK_GOOGLE_CLIENT_SECRET_FILE")),
                (None, false) => Err(Mistake::WithoutId("KEYDESK_GOOGLE_ISSUER")),
                (None, true) => Ok(None),
            };
        };
        let file = self.client_secret_file.as_ref().ok_or(Mistake::WithoutSecret)?;
        let issuer = self.issuer.clone();
        let host = issuer.strip_prefix("https://").or_else(|| issuer.strip_prefix("http://"));
        let sane = host.is_some_and(|host| !host.is_empty() && !host.contains(['?', '#', '@', ' ']));
        if !sane || (issuer.starts_with("http://") && !is_loopback(issuer_host(&issuer))) {
            return Err(Mistake::Issuer(issuer));
        }
        let client_secret = first_line(file)?;
        Ok(Some(Provider { issuer, client_id, client_secret, timeout: ISSUER_TIMEOUT }))
    }
}

/// The host of an issuer, which may have a path.
fn issuer_host(issuer: &str) -> &str {
    let authority = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
    host_of(authority.split('/').next().unwrap_or_default())
}

fn first_line(file: &Path) -> Result<Zeroizing<String>, Mistake> {
    let text = std::fs::read_to_string(file).map_err(|error| Mistake::SecretFile(file.to_owned(), error))?;
    let text = Zeroizing::new(text);
    let line = text.lines().next().unwrap_or_default().trim();
    if line.is_empty() {
        return Err(Mistake::SecretEmpty(file.to_owned()));
    }
    Ok(Zeroizing::new(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        google: Google,
    }

    #[test]
    fn whom_people_sign_in_with_is_set_whole_or_not_at_all() {
        let dir = tempfile::tempdir().expect("a directory");
        let (full, empty) = (dir.path().join("full"), dir.path().join("empty"));
        std::fs::write(&full, "hush\nnot this\n").expect("a file");
        std::fs::write(&empty, "\n").expect("a file");
        let (full, empty) = (full.to_str().expect("a path"), empty.to_str().expect("a path"));
        let provider = |arguments: &[&str]| Line::parse_from([&["keydesk"], arguments].concat()).google.provider();
        let both = ["--google-client-id", "desk", "--google-client-secret-file", full];
        let with_issuer = |issuer: &'static str| provider(&[&both[..], &["--google-issuer", issuer]].concat());
        assert!(provider(&[]).expect("nothing is set").is_none());
        let google = provider(&both).expect("a provider").expect("one");
        assert_eq!((google.issuer.as_str(), google.client_secret.as_str()), (GOOGLE, "hush"));
        for good in ["https://id.example/tenant", "http://127.0.0.1:9000", "http://[::1]:9000/x"] {
            assert_eq!(with_issuer(good).expect("an issuer").expect("one").issuer, good);
        }
        for bad in ["http://id.example", "http://id.example/localhost", "id.example", "https://", "https://a@b.example"]
        {
            assert!(matches!(with_issuer(bad), Err(Mistake::Issuer(_))), "{bad}");
        }
        assert!(matches!(provider(&both[..2]), Err(Mistake::WithoutSecret)));
        assert!(matches!(provider(&both[2..]), Err(Mistake::WithoutId("KEYDESK_GOOGLE_CLIENT_SECRET_FILE"))));
        let alone = provider(&["--google-issuer", "https://id.example"]);
        assert!(matches!(alone, Err(Mistake::WithoutId("KEYDESK_GOOGLE_ISSUER"))));
        let with_file = |file| provider(&["--google-client-id", "desk", "--google-client-secret-file", file]);
        assert!(matches!(with_file(empty), Err(Mistake::SecretEmpty(_))));
        assert!(matches!(with_file("/nowhere/at/all"), Err(Mistake::SecretFile(..))));
    }
}
