//! Verdicts: pure. What a key's record, the source and the moment say of a request, and how a refusal is worded.

use std::net::IpAddr;

use crate::clock::Timestamp;
use crate::model::api_key::ApiKey;

/// Why a request does not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 401: no credential at all.
    Missing,
    /// 401: malformed, unknown, foreign, expired, paused or deleted: one answer, so that nobody can sound out keys.
    Unknown,
    /// 403: the key works, but not from this address.
    AddressNotAllowed,
    /// 403: the scope it lacks. `never`: no key of its type can hold it.
    MissingScope { scope: String, never: bool },
    /// 404: another inbox, or another account's.
    OutOfReach,
}

/// Whether the key may be used at all from `source` at `now`.
///
/// # Errors
/// The refusal.
pub fn of_key(key: &ApiKey, source: IpAddr, now: Timestamp) -> Result<(), Refusal> {
    if !key.status(now).verifies() {
        return Err(Refusal::Unknown);
    }
    if key.allowed_ips.allow(source) { Ok(()) } else { Err(Refusal::AddressNotAllowed) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::api_key::tests::{NOW, key};

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9));

    #[test]
    fn only_a_working_key_passes() {
        assert_eq!(of_key(&key(), HOME, NOW), Ok(()));
        let retiring = ApiKey { retires_at: Some(NOW + crate::clock::hours(1)), ..key() };
        assert_eq!(of_key(&retiring, HOME, NOW), Ok(()));
        for dead in [
            ApiKey { deleted_at: Some(NOW), ..key() },
            ApiKey { expires_at: Some(NOW), ..key() },
            ApiKey { paused_at: Some(NOW), ..key() },
        ] {
            assert_eq!(of_key(&dead, HOME, NOW), Err(Refusal::Unknown));
        }
    }

    #[test]
    fn an_address_outside_the_list_is_refused() {
        let homely = ApiKey { allowed_ips: "198.51.100.0/24".parse().expect("a network"), ..key() };
        assert_eq!(of_key(&homely, HOME, NOW), Err(Refusal::AddressNotAllowed));
        assert_eq!(of_key(&homely, "198.51.100.3".parse().expect("an address"), NOW), Ok(()));
    }
}
