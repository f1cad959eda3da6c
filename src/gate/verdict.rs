//! Verdicts: pure. What a key's record, the source and the moment say of a request, and why a request is refused: a
//! reason that support reads, behind one of few answers that the outside gets.

use std::net::IpAddr;

use super::known::Known;
use super::reason::Reason;
use super::window::Allowance;
use crate::clock::Timestamp;
use crate::model::api_key::Status;

/// Why a request does not pass. In the order in which it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 400: an input came twice, or in two ways, and nobody can say which one counts.
    Ambiguous(&'static str),
    /// 403: a credential travelled in the clear.
    PlainHttp,
    /// 401: no credential at all.
    Missing,
    /// 401: something that no key and no session token can be.
    Malformed,
    /// 429: too many credentials from this source that nobody knows.
    Throttled { until: Timestamp },
    /// 401: well-formed, and nobody's.
    Unknown,
    /// 401: a session that has ended, or a session token past its ten minutes.
    SessionEnded,
    /// 401: the key is one of ours and does not work; see [`Dead`].
    Dead(Dead),
    /// 403: the key works, but not from this address.
    AddressNotAllowed,
    /// 403: no route of the definition says what this request takes.
    RouteUnknown,
    /// 404: another inbox, or another account's.
    OutOfReach,
    /// 403: the scope it lacks. `never`: no key of its type can hold it.
    MissingScope { scope: String, never: bool },
    /// 429: the key's minute is spent.
    RateLimited(Allowance),
}

/// How a key of ours ended, for now or for good. To the outside all of it is one 401, so that nobody can sound out keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dead {
    Deleted,
    Expired,
    Paused,
    /// The key works; this secret of it was rotated out.
    Rotated,
}

impl Refusal {
    pub fn kind(&self) -> Reason {
        match self {
            Self::Ambiguous(_) => Reason::InputAmbiguous,
            Self::PlainHttp => Reason::HttpsRequired,
            Self::Missing => Reason::CredentialMissing,
            Self::Malformed => Reason::CredentialMalformed,
            Self::Throttled { .. } => Reason::SourceThrottled,
            Self::Unknown => Reason::KeyUnknown,
            Self::SessionEnded => Reason::SessionEnded,
            Self::Dead(Dead::Deleted) => Reason::KeyDeleted,
            Self::Dead(Dead::Expired) => Reason::KeyExpired,
            Self::Dead(Dead::Paused) => Reason::KeyPaused,
            Self::Dead(Dead::Rotated) => Reason::SecretRotated,
            Self::AddressNotAllowed => Reason::AddressNotAllowed,
            Self::RouteUnknown => Reason::RouteUnknown,
            Self::OutOfReach => Reason::InboxOutOfReach,
            Self::MissingScope { .. } => Reason::ScopeMissing,
            Self::RateLimited(_) => Reason::RateLimited,
        }
    }

    /// The machine's word for it: what logs, usage and support tell apart.
    pub fn reason(&self) -> &'static str {
        self.kind().code()
    }
}

/// Whether the key may be used at all from `source` at `now`.
///
/// # Errors
/// The refusal.
pub fn of_key(key: &Known, source: IpAddr, now: Timestamp) -> Result<(), Refusal> {
    match key.status(now) {
        Status::Deleted => Err(Refusal::Dead(Dead::Deleted)),
        Status::Expired => Err(Refusal::Dead(Dead::Expired)),
        Status::Paused => Err(Refusal::Dead(Dead::Paused)),
        Status::Active | Status::Retiring if key.is_spent(now) => Err(Refusal::Dead(Dead::Rotated)),
        Status::Active | Status::Retiring if key.allowed_ips().allow(source) => Ok(()),
        Status::Active | Status::Retiring => Err(Refusal::AddressNotAllowed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::hours;
    use crate::gate::known::tests::known;
    use crate::model::api_key::tests::NOW;
    use crate::model::key_facts::KeyFacts;
    use crate::model::key_facts::tests::facts;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9));

    #[test]
    fn only_a_working_key_passes() {
        assert_eq!(of_key(&known(facts()), HOME, NOW), Ok(()));
        let retiring = KeyFacts { dies_at: Some(NOW + hours(1)), ..facts() };
        assert_eq!(of_key(&known(retiring), HOME, NOW), Ok(()));
        for (dead, how) in [
            (KeyFacts { deleted_at: Some(NOW), ..facts() }, Dead::Deleted),
            (KeyFacts { inbox_deleted_at: Some(NOW), ..facts() }, Dead::Deleted),
            (KeyFacts { expires_at: Some(NOW), ..facts() }, Dead::Expired),
            (KeyFacts { paused_at: Some(NOW), ..facts() }, Dead::Paused),
            (KeyFacts { dies_at: Some(NOW), ..facts() }, Dead::Rotated),
        ] {
            assert_eq!(of_key(&known(dead), HOME, NOW), Err(Refusal::Dead(how)));
        }
    }

    #[test]
    fn an_address_outside_the_list_is_refused() {
        let homely = known(KeyFacts { allowed_ips: "198.51.100.0/24".parse().expect("a network"), ..facts() });
        assert_eq!(of_key(&homely, HOME, NOW), Err(Refusal::AddressNotAllowed));
        assert_eq!(of_key(&homely, "198.51.100.3".parse().expect("an address"), NOW), Ok(()));
    }
}
