//! Request ids: `req_` and sixteen base62 characters, for every request, without asking the operating system for
//! randomness each time. They name a request and open nothing; nobody needs to be unable to guess one.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::HeaderValue;

use crate::entropy::{BASE62, Entropy};

const KIND: &[u8; 4] = b"req_";
const LENGTH: usize = KIND.len() + 16;

/// Numbers the requests of this process and scatters the numbers, so that an id tells neither how many there were nor
/// which came next.
#[derive(Debug)]
pub struct RequestIds {
    seeds: [u64; 2],
    next: AtomicU64,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId([u8; LENGTH]);

impl RequestIds {
    pub fn new(entropy: &Entropy) -> Self {
        let seed = || u64::from_le_bytes(entropy.bytes());
        Self { seeds: [seed(), seed()], next: AtomicU64::new(0) }
    }

    pub fn next(&self) -> RequestId {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut id = [0; LENGTH];
        id[..KIND.len()].copy_from_slice(KIND);
        for (seed, half) in self.seeds.iter().zip(id[KIND.len()..].chunks_exact_mut(8)) {
            let mut rest = scattered(seed.wrapping_add(number));
            for character in half {
                *character = BASE62[(rest % 62) as usize];
                rest /= 62;
            }
        }
        RequestId(id)
    }
}

/// `SplitMix64`'s finalizer (Steele, Lea, Flood 2014): one to one, and no pattern of the input is left.
fn scattered(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl RequestId {
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("base62 is ASCII")
    }

    pub fn header(&self) -> HeaderValue {
        HeaderValue::from_bytes(&self.0).expect("base62 is a header")
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_requests_share_an_id() {
        let ids = RequestIds::new(&Entropy::seeded(1));
        let drawn: HashSet<RequestId> = (0..100_000).map(|_| ids.next()).collect();
        assert_eq!(drawn.len(), 100_000);
        assert!(drawn.iter().all(|id| id.as_str().starts_with("req_") && id.as_str().len() == 20));
    }
}
