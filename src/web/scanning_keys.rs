//! The public keys that a secret scanner signs with (GitHub's format), from a file or an address. They are remembered for
//! an hour; one that is not known is asked for again, at most once a minute, and without keys nobody is believed.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use url::Url;

use super::google::fetch::{Fetcher, Unreachable};
use crate::clock::{Timestamp, hours};
use crate::model::key_source::KeySource;

const KEPT: Duration = hours(1);
/// Whoever sends made-up key ids must not have us ask all the time.
const ASK_AGAIN: Duration = Duration::from_secs(60);
/// For one answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a file; an answer has a limit of its own.
const LARGEST_FILE: usize = 64 * 1024;
/// Keys that a scanner has at once.
const MOST_KEYS: usize = 64;

pub struct ScanningKeys {
    source: Source,
    /// Whoever needs what is being fetched waits for it.
    kept: tokio::sync::Mutex<Kept>,
}

enum Source {
    File(PathBuf),
    Address(Box<Url>, Fetcher),
}

#[derive(Default)]
struct Kept {
    /// When they were last asked for, whatever came of it.
    asked_at: Option<Timestamp>,
    /// When they came.
    at: Option<Timestamp>,
    /// Public keys in DER, by their id.
    keys: HashMap<String, Vec<u8>>,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum NoKeys {
    #[error("KEYDESK_SECRET_SCANNING_KEYS: cannot read {0}: {1}")]
    File(PathBuf, std::io::Error),
    #[error(
        "KEYDESK_SECRET_SCANNING_KEYS: what is there is not {{\"public_keys\":[{{\"key_identifier\",\"key\",\"is_current\"}}]}} with \
         keys in PEM"
    )]
    Malformed,
    #[error("the keys of secret scanning cannot be fetched: {0}")]
    Unreachable(#[from] Unreachable),
    #[error("the keys of secret scanning could not be fetched within the last minute")]
    NotYet,
    #[error("no TLS can be spoken on this machine: {0}")]
    Client(#[from] reqwest::Error),
}

#[derive(Deserialize)]
struct Document {
    public_keys: Vec<PublicKey>,
}

/// Whether it is the current one says nothing of a report that was signed a moment ago.
#[derive(Deserialize)]
struct PublicKey {
    key_identifier: String,
    key: String,
}

impl ScanningKeys {
    /// # Errors
    /// If there is no such file, or no keys in it. An address is first asked when somebody comes.
    pub fn open(source: KeySource) -> Result<Box<Self>, NoKeys> {
        let source = match source {
            KeySource::File(path) => {
                read_file(&path)?;
                Source::File(path)
            }
            KeySource::Address(url) => {
                let fetcher = Fetcher::reaching(url.as_str(), PATIENCE)?;
                Source::Address(Box::new(url), fetcher)
            }
        };
        Ok(Box::new(Self { source, kept: tokio::sync::Mutex::default() }))
    }

    /// Whether the key of this id signed `body`; `signature` is base64 of DER.
    ///
    /// # Errors
    /// If the keys cannot be had.
    pub async fn verify(&self, id: &str, signature: &str, body: &[u8], now: Timestamp) -> Result<bool, NoKeys> {
        let Ok(signature) = STANDARD.decode(signature) else { return Ok(false) };
        let Some(key) = self.key(id, now).await? else { return Ok(false) };
        Ok(UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).verify(body, &signature).is_ok())
    }

    async fn key(&self, id: &str, now: Timestamp) -> Result<Option<Vec<u8>>, NoKeys> {
        let mut kept = self.kept.lock().await;
        let is_fresh = kept.at.is_some_and(|at| now.since(at) < KEPT);
        let known = kept.keys.get(id).filter(|_| is_fresh).cloned();
        if known.is_some() {
            return Ok(known);
        }
        if kept.asked_at.is_some_and(|at| now.since(at) < ASK_AGAIN) {
            return if is_fresh { Ok(None) } else { Err(NoKeys::NotYet) };
        }
        kept.asked_at = Some(now);
        kept.keys = self.source.read().await?;
        kept.at = Some(now);
        Ok(kept.keys.get(id).cloned())
    }
}

impl Source {
    async fn read(&self) -> Result<HashMap<String, Vec<u8>>, NoKeys> {
        match self {
            Self::File(path) => read_file(path),
            Self::Address(url, fetcher) => parse(&fetcher.get(url).await?),
        }
    }
}

/// A small file, on the disk of the desk.
fn read_file(path: &PathBuf) -> Result<HashMap<String, Vec<u8>>, NoKeys> {
    let bytes = std::fs::read(path).map_err(|error| NoKeys::File(path.clone(), error))?;
    if bytes.len() > LARGEST_FILE { Err(NoKeys::Malformed) } else { parse(&bytes) }
}

fn parse(bytes: &[u8]) -> Result<HashMap<String, Vec<u8>>, NoKeys> {
    let document: Document = serde_json::from_slice(bytes).map_err(|_| NoKeys::Malformed)?;
    let listed = document.public_keys.into_iter().take(MOST_KEYS);
    // A key of a kind that we cannot read does not spoil the others.
    let keys: HashMap<_, _> = listed.filter_map(|listed| Some((listed.key_identifier, der(&listed.key)?))).collect();
    if keys.is_empty() { Err(NoKeys::Malformed) } else { Ok(keys) }
}

/// What is between the lines of a PEM.
fn der(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN PUBLIC KEY-----")?;
    let (body, _) = rest.split_once("-----END PUBLIC KEY-----")?;
    let body: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(body).ok().filter(|der| !der.is_empty())
}
