//! Settings of the door: how many come in at once, what they see of a stop, and the certificate that they are shown.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

/// Longer than any load balancer takes to look twice.
const LONGEST_DRAIN_DELAY: u64 = 300;

#[derive(Args, Clone, Debug)]
pub struct Door {
    /// Connections held at once. A tenth of them is kept for trusted proxies, where there are any.
    #[arg(long, env = "KEYDESK_MAX_CONNECTIONS", default_value_t = 16_384, global = true)]
    pub max_connections: usize,

    /// Connections that one address, or one IPv6 /64, holds at once. Trusted proxies may hold more.
    #[arg(long, env = "KEYDESK_MAX_CONNECTIONS_PER_ADDRESS", default_value_t = 512, global = true)]
    pub max_connections_per_address: usize,

    /// Seconds between SIGTERM and the last connection taken; /readyz answers 503 in them. Give a load balancer the time
    /// to look twice.
    #[arg(long, env = "KEYDESK_DRAIN_DELAY", default_value_t = 0, global = true,
          value_parser = clap::value_parser!(u64).range(..=LONGEST_DRAIN_DELAY))]
    pub drain_delay: u64,

    /// Certificate chain (PEM) to speak TLS with; renewed, it is taken up by itself. Default: none; plain HTTP.
    #[arg(long, env = "KEYDESK_TLS_CERTIFICATE_FILE", global = true)]
    pub tls_certificate_file: Option<PathBuf>,

    /// Private key (PEM) of the certificate.
    #[arg(long, env = "KEYDESK_TLS_KEY_FILE", global = true)]
    pub tls_key_file: Option<PathBuf>,
}

/// Settings that contradict one another.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    #[error("{0} needs {1} too. Set both, or neither")]
    Half(&'static str, &'static str),
    #[error(
        "KEYDESK_PUBLIC_URL {0:?} is http://, but with KEYDESK_TLS_CERTIFICATE_FILE Keydesk is reached over https://. Write https://"
    )]
    PlainPublicUrl(String),
}

impl Door {
    pub fn drain_delay(&self) -> Duration {
        Duration::from_secs(self.drain_delay)
    }

    /// The certificate chain and its key, if Keydesk is to speak TLS.
    ///
    /// # Errors
    /// If one is set without the other.
    pub fn certificate_files(&self) -> Result<Option<(PathBuf, PathBuf)>, Mistake> {
        match (self.tls_certificate_file.clone(), self.tls_key_file.clone()) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
            (Some(_), None) => Err(Mistake::Half("KEYDESK_TLS_CERTIFICATE_FILE", "KEYDESK_TLS_KEY_FILE")),
            (None, Some(_)) => Err(Mistake::Half("KEYDESK_TLS_KEY_FILE", "KEYDESK_TLS_CERTIFICATE_FILE")),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::SettingError;
    use super::super::tests::{Line, settings};
    use super::*;

    #[test]
    fn a_certificate_and_its_key_are_set_both_or_neither() {
        let (certificate, key) = (["--tls-certificate-file", "/c"], ["--tls-key-file", "/k"]);
        assert_eq!(settings(&[]).door.certificate_files(), Ok(None));
        let both = settings(&[certificate, key].concat()).door.certificate_files();
        assert_eq!(both, Ok(Some(("/c".into(), "/k".into()))));
        assert!(matches!(
            settings(&certificate).door.certificate_files(),
            Err(Mistake::Half("KEYDESK_TLS_CERTIFICATE_FILE", _))
        ));
        assert!(matches!(settings(&key).door.certificate_files(), Err(Mistake::Half("KEYDESK_TLS_KEY_FILE", _))));
    }

    #[test]
    fn whoever_speaks_tls_is_reached_over_it() {
        let bound = "127.0.0.1:9000".parse().expect("an address");
        let url = |more: &[&str]| {
            let tls = ["--tls-certificate-file", "/c", "--tls-key-file", "/k"];
            settings(&[&tls, more].concat()).public_url(bound)
        };
        assert_eq!(url(&[]).expect("the default"), "https://localhost:9000");
        assert_eq!(url(&["--public-url", "https://k.example"]).expect("a URL"), "https://k.example");
        let plain = url(&["--public-url", "http://localhost:9000"]);
        assert!(matches!(plain, Err(SettingError::Door(Mistake::PlainPublicUrl(_)))));
    }

    #[test]
    fn a_stop_does_not_wait_for_ever() {
        let line = |seconds| Line::try_parse_from(["keydesk", "--drain-delay", seconds]);
        assert!(line("300").is_ok() && line("301").is_err() && line("-1").is_err());
    }
}
