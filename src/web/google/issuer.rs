//! What an issuer says of itself (OpenID Connect Discovery 1.0): where its doors are, and which keys it signs with. Both
//! are remembered for an hour; after that, or when they cannot be fetched, nobody is let in on what was.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use oauth2::url::Url;
use serde::Deserialize;
use serde_json::Value;

use super::fetch::{Fetcher, Unreachable};
use crate::clock::{Timestamp, hours};
use crate::host::is_loopback;

const KEPT: Duration = hours(1);
/// A key that is not known may be new; but whoever sends tokens of made-up keys must not have us ask all the time.
const ASK_AGAIN: Duration = Duration::from_secs(60);

pub struct Issuer {
    name: String,
    pub fetcher: Fetcher,
    endpoints: Mutex<Option<(Timestamp, Endpoints)>>,
    keys: Mutex<Option<Keys>>,
}

/// The issuer's doors.
#[derive(Clone)]
pub struct Endpoints {
    pub authorization: Url,
    pub token: Url,
    keys: Url,
    /// It takes the client secret in the form only.
    pub wants_secret_in_body: bool,
}

struct Keys {
    /// When they were last fetched, or asked for.
    at: Timestamp,
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Configuration {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl Issuer {
    pub fn new(name: String, fetcher: Fetcher) -> Self {
        Self { name, fetcher, endpoints: Mutex::default(), keys: Mutex::default() }
    }

    pub async fn endpoints(&self, now: Timestamp) -> Result<Endpoints, Unreachable> {
        let kept = locked(&self.endpoints).as_ref().filter(|(at, _)| now.since(*at) < KEPT).cloned();
        if let Some((_, endpoints)) = kept {
            return Ok(endpoints);
        }
        let endpoints = self.fetch_endpoints().await?;
        *locked(&self.endpoints) = Some((now, endpoints.clone()));
        Ok(endpoints)
    }

    async fn fetch_endpoints(&self) -> Result<Endpoints, Unreachable> {
        let url = format!("{}/.well-known/openid-configuration", self.name.trim_end_matches('/'));
        let url = Url::parse(&url).map_err(|_| Unreachable::Elsewhere)?;
        let read: Configuration =
            serde_json::from_slice(&self.fetcher.get(&url).await?).map_err(|_| Unreachable::Malformed)?;
        let places = [&read.authorization_endpoint, &read.token_endpoint, &read.jwks_uri];
        if read.issuer != self.name || !places.into_iter().all(|place| self.may_name(place)) {
            return Err(Unreachable::Elsewhere);
        }
        let methods = read.token_endpoint_auth_methods_supported.unwrap_or_default();
        let takes = |method: &str| methods.iter().any(|known| known == method);
        Ok(Endpoints {
            authorization: read.authorization_endpoint,
            token: read.token_endpoint,
            keys: read.jwks_uri,
            // None named means basic (OpenID Connect Discovery 1.0, section 3).
            wants_secret_in_body: takes("client_secret_post") && !takes("client_secret_basic"),
        })
    }

    /// Over TLS; only an issuer on this machine may name places on it.
    fn may_name(&self, place: &Url) -> bool {
        let host = place.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let private = place.scheme() == "https" || (self.name.starts_with("http://") && is_loopback(host));
        private && !host.is_empty() && place.username().is_empty() && place.password().is_none()
    }

    /// The key of this id, if the issuer has it.
    pub async fn key(&self, id: &str, now: Timestamp) -> Result<Option<Jwk>, Unreachable> {
        {
            let mut kept = locked(&self.keys);
            if let Some(kept) = kept.as_mut().filter(|kept| now.since(kept.at) < KEPT) {
                if let Some(key) = find(&kept.keys, id) {
                    return Ok(Some(key));
                }
                if now.since(kept.at) < ASK_AGAIN {
                    return Ok(None);
                }
            }
        }
        let keys = self.fetch_keys(now).await?;
        let found = find(&keys, id);
        *locked(&self.keys) = Some(Keys { at: now, keys });
        Ok(found)
    }

    async fn fetch_keys(&self, now: Timestamp) -> Result<Vec<Jwk>, Unreachable> {
        let url = self.endpoints(now).await?.keys;
        let set: KeySet = serde_json::from_slice(&self.fetcher.get(&url).await?).map_err(|_| Unreachable::Malformed)?;
        // Keys of kinds that are none of ours do not spoil the others.
        Ok(set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect())
    }
}

fn find(keys: &[Jwk], id: &str) -> Option<Jwk> {
    keys.iter().find(|key| key.common.key_id.as_deref() == Some(id)).cloned()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
