//! The API key: the record, never the secret. Its status is a function of its timestamps and of now, and of nothing
//! else.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;

use super::scopes::Scopes;
use super::user::Unknown;
use crate::clock::{Timestamp, days};

/// A key that expires within this long is said to expire soon.
pub const EXPIRES_SOON: Duration = days(14);
/// A key that nobody used for this long is said to be unused.
pub const UNUSED_AFTER: Duration = days(90);

/// A key that nobody has used this long after it was created is said to be never used.
pub const NEVER_USED_AFTER: Duration = days(7);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// Reaches the whole account.
    Standard,
    /// Bound to one inbox.
    Restricted,
}

impl KeyType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Restricted => "restricted",
        }
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for KeyType {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        match text {
            "standard" => Ok(Self::Standard),
            "restricted" => Ok(Self::Restricted),
            other => Err(Unknown { kind: "key type", found: other.into() }),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Active,
    /// Active, and an old secret of it still works until its grace ends.
    Retiring,
    Paused,
    Expired,
    Deleted,
}

impl Status {
    pub const ALL: [Self; 5] = [Self::Active, Self::Retiring, Self::Paused, Self::Expired, Self::Deleted];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Paused => "paused",
            Self::Expired => "expired",
            Self::Deleted => "deleted",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Retiring => "Retiring",
            Self::Paused => "Paused",
            Self::Expired => "Expired",
            Self::Deleted => "Deleted",
        }
    }

    /// Whether a request with the key passes.
    pub fn verifies(self) -> bool {
        matches!(self, Self::Active | Self::Retiring)
    }
}

/// Why an administrator should look at a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attention {
    NotRevealed,
    ExpiresSoon,
    /// Nobody used it for this many days.
    Unused(u64),
}

/// The addresses a key may be used from; none means anywhere. Stored a line each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedIps(Vec<IpNet>);

impl AllowedIps {
    pub const ANYWHERE: Self = Self(Vec::new());

    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    pub fn allow(&self, address: IpAddr) -> bool {
        // `::ffff:203.0.113.7` is how a dual-stack socket spells an IPv4 client.
        self.0.is_empty() || self.0.iter().any(|network| network.contains(&address.to_canonical()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &IpNet> {
        self.0.iter()
    }
}

impl fmt::Display for AllowedIps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }
}

impl FromStr for AllowedIps {
    type Err = Unknown;

    /// One CIDR or address a line; blank lines are passed over.
    fn from_str(text: &str) -> Result<Self, Unknown> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let network = |line: &str| {
            let parsed = line.parse::<IpNet>().or_else(|_| line.parse::<IpAddr>().map(IpNet::from));
            parsed.map_err(|_| Unknown { kind: "address or CIDR", found: line.into() })
        };
        lines.map(network).collect::<Result<_, _>>().map(Self)
    }
}

/// The moments that make a status; [`ApiKey`] and what the gate remembers of one share the rule.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lifetime {
    pub deleted_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    pub paused_at: Option<Timestamp>,
    pub retires_at: Option<Timestamp>,
}

impl Lifetime {
    pub fn status(self, now: Timestamp) -> Status {
        if self.deleted_at.is_some() {
            Status::Deleted
        } else if self.expires_at.is_some_and(|at| at <= now) {
            Status::Expired
        } else if self.paused_at.is_some() {
            Status::Paused
        } else if self.retires_at.is_some_and(|at| at > now) {
            Status::Retiring
        } else {
            Status::Active
        }
    }
}

#[derive(Clone, Debug)]
pub struct ApiKey {
    pub id: String,
    pub account_id: String,
    pub name: String,
    pub key_type: KeyType,
    /// Empty in a product without environments.
    pub environment: String,
    pub inbox_id: Option<String>,
    pub inbox_name: Option<String>,
    pub scopes: Scopes,
    pub allowed_ips: AllowedIps,
    /// What the secret starts with, as it was when the secret was issued.
    pub prefix: String,
    pub last4: String,
    pub created_at: Timestamp,
    pub created_by_name: Option<String>,
    pub expires_at: Option<Timestamp>,
    /// Microseconds between issue and expiry.
    pub expires_after: Option<i64>,
    pub paused_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
    pub deleted_by_name: Option<String>,
    pub rotated_at: Option<Timestamp>,
    /// When the secret before the current one stops working.
    pub retires_at: Option<Timestamp>,
    /// Until when the current secret waits sealed; nothing once it was revealed or destroyed.
    pub sealed_until: Option<Timestamp>,
    /// Since when the current secret is kept, so that it can be shown again.
    pub kept_at: Option<Timestamp>,
    pub revealed_at: Option<Timestamp>,
    pub revealed_by_name: Option<String>,
    pub revealed_ip: Option<String>,
    pub last_used_at: Option<Timestamp>,
    pub last_used_ip: Option<String>,
    /// The user agent and the route (method and path) of the last request that passed.
    pub last_used_agent: Option<String>,
    pub last_used_route: Option<String>,
}

impl ApiKey {
    pub fn status(&self, now: Timestamp) -> Status {
        let Self { deleted_at, expires_at, paused_at, retires_at, .. } = *self;
        Lifetime { deleted_at, expires_at, paused_at, retires_at }.status(now)
    }

    /// The first reason to look at the key, if there is one. A key that no longer works needs no attention.
    pub fn attention(&self, now: Timestamp) -> Option<Attention> {
        if !self.status(now).verifies() {
            return None;
        }
        let quiet_since = self.last_used_at.unwrap_or(self.created_at);
        if self.expires_at.is_some_and(|at| at <= now + EXPIRES_SOON) {
            Some(Attention::ExpiresSoon)
        } else if self.is_unrevealed() {
            Some(Attention::NotRevealed)
        } else if now.since(quiet_since) >= UNUSED_AFTER {
            Some(Attention::Unused(now.since(quiet_since).as_secs() / 86_400))
        } else {
            None
        }
    }

    /// Nobody has seen the current secret in a page.
    pub fn is_unrevealed(&self) -> bool {
        self.sealed_until.is_some() && self.revealed_at.is_none()
    }

    /// Whether the current secret can still be revealed.
    pub fn is_sealed(&self, now: Timestamp) -> bool {
        self.deleted_at.is_none() && self.is_unrevealed() && self.sealed_until.is_some_and(|until| until > now)
    }

    /// Whether the current secret can be shown again. Only if the product definition says so, too.
    pub fn is_kept(&self) -> bool {
        self.deleted_at.is_none() && self.kept_at.is_some()
    }

    /// When the key would expire if it were rotated now: after as long as it was given when it was issued.
    pub fn renewed_expiry(&self, now: Timestamp) -> Option<Timestamp> {
        let span = self.expires_after.and_then(|micros| u64::try_from(micros).ok())?;
        Some(now + Duration::from_micros(span))
    }

    /// When the current secret is `age` old, and should be replaced; never for a deleted key.
    pub fn rotation_due(&self, age: Duration) -> Option<Timestamp> {
        self.deleted_at.is_none().then(|| self.rotated_at.unwrap_or(self.created_at) + age)
    }

    /// When the current secret would die if it were replaced now with this grace: never after the key's own expiry.
    pub fn old_secret_dies(&self, now: Timestamp, grace: Duration) -> Timestamp {
        self.expires_at.map_or(now + grace, |expiry| expiry.min(now + grace))
    }

    /// `kd_live_…7Qx2`.
    pub fn fragment(&self) -> String {
        format!("{}…{}", self.prefix, self.last4)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::clock::hours;

    pub const NOW: Timestamp = Timestamp::from_micros(1_795_269_900_000_000);

    pub fn key() -> ApiKey {
        ApiKey {
            id: "key_1".into(),
            account_id: "acc_1".into(),
            name: "production-backend".into(),
            key_type: KeyType::Standard,
            environment: "live".into(),
            inbox_id: None,
            inbox_name: None,
            scopes: "*".parse().expect("scopes"),
            allowed_ips: AllowedIps::default(),
            prefix: "kd_live_".into(),
            last4: "7Qx2".into(),
            created_at: NOW - days(100),
            created_by_name: None,
            expires_at: None,
            expires_after: None,
            paused_at: None,
            deleted_at: None,
            deleted_by_name: None,
            rotated_at: None,
            retires_at: None,
            sealed_until: None,
            kept_at: None,
            revealed_at: Some(NOW - days(100)),
            revealed_by_name: None,
            revealed_ip: None,
            last_used_at: Some(NOW),
            last_used_ip: None,
            last_used_agent: None,
            last_used_route: None,
        }
    }

    #[test]
    fn deletion_outweighs_expiry_outweighs_pause_outweighs_rotation() {
        let mut key = key();
        assert_eq!(key.status(NOW), Status::Active);
        key.retires_at = Some(NOW + hours(1));
        assert_eq!(key.status(NOW), Status::Retiring);
        assert_eq!(key.status(NOW + hours(1)), Status::Active);
        key.paused_at = Some(NOW);
        assert_eq!(key.status(NOW), Status::Paused);
        key.expires_at = Some(NOW);
        assert_eq!(key.status(NOW), Status::Expired);
        key.deleted_at = Some(NOW);
        assert_eq!(key.status(NOW), Status::Deleted);
        assert!(!key.status(NOW).verifies());
    }

    #[test]
    fn a_key_expires_at_its_moment_and_not_before() {
        let mut key = key();
        key.expires_at = Some(NOW);
        assert_eq!(key.status(NOW - Duration::from_micros(1)), Status::Active);
        assert_eq!(key.status(NOW), Status::Expired);
    }

    #[test]
    fn a_secret_is_sealed_until_it_was_seen_its_time_is_over_or_its_key_is_gone() {
        let sealed = ApiKey { sealed_until: Some(NOW), revealed_at: None, ..key() };
        let before = NOW - Duration::from_micros(1);
        assert!(sealed.is_unrevealed() && sealed.is_sealed(before) && !sealed.is_sealed(NOW));
        let revealed = ApiKey { revealed_at: Some(before), ..sealed.clone() };
        assert!(!revealed.is_unrevealed() && !revealed.is_sealed(before));
        assert!(!ApiKey { deleted_at: Some(before), ..sealed }.is_sealed(before));
        let never_sealed = ApiKey { revealed_at: None, ..key() };
        assert!(!never_sealed.is_unrevealed() && !never_sealed.is_sealed(before));
        let kept = ApiKey { kept_at: Some(before), ..key() };
        assert!(kept.is_kept() && !key().is_kept() && !ApiKey { deleted_at: Some(NOW), ..kept }.is_kept());
    }

    #[test]
    fn a_rotation_moves_the_ends_of_the_key_and_of_its_secrets() {
        let mut key = ApiKey { created_at: NOW, ..key() };
        assert_eq!((key.renewed_expiry(NOW), key.rotation_due(days(90))), (None, Some(NOW + days(90))));
        assert_eq!(key.old_secret_dies(NOW, hours(24)), NOW + hours(24));
        key.expires_after = Some(3_600_000_000);
        key.expires_at = Some(NOW + hours(1));
        assert_eq!(key.renewed_expiry(NOW + hours(5)), Some(NOW + hours(6)));
        assert_eq!(key.old_secret_dies(NOW, hours(24)), NOW + hours(1), "not after the key");
        key.rotated_at = Some(NOW + days(1));
        assert_eq!(key.rotation_due(days(90)), Some(NOW + days(91)));
        key.deleted_at = Some(NOW);
        assert_eq!(key.rotation_due(days(90)), None);
        assert_eq!(key.fragment(), "kd_live_…7Qx2");
    }

    #[test]
    fn attention_is_asked_for_expiry_seals_and_silence() {
        let mut key = key();
        assert_eq!(key.attention(NOW), None);
        key.last_used_at = Some(NOW - days(94));
        assert_eq!(key.attention(NOW), Some(Attention::Unused(94)));
        key.revealed_at = None;
        key.sealed_until = Some(NOW - days(1));
        assert_eq!(key.attention(NOW), Some(Attention::NotRevealed));
        key.expires_at = Some(NOW + days(14));
        assert_eq!(key.attention(NOW), Some(Attention::ExpiresSoon));
        key.paused_at = Some(NOW);
        assert_eq!(key.attention(NOW), None);
    }

    #[test]
    fn addresses_are_allowed_by_network() {
        let ips: AllowedIps = "203.0.113.0/24\n\n2001:db8::/32\n198.51.100.7".parse().expect("networks");
        for (address, allowed) in [
            ("203.0.113.9", true),
            ("::ffff:203.0.113.9", true),
            ("2001:db8::1", true),
            ("198.51.100.7", true),
            ("198.51.100.8", false),
        ] {
            assert_eq!(ips.allow(address.parse().expect("an address")), allowed, "{address}");
        }
        assert!("203.0.113.0/33".parse::<AllowedIps>().is_err());
        assert!(AllowedIps::default().is_empty() && !ips.is_empty());
        assert_eq!(ips.to_string().parse::<AllowedIps>().expect("its own text"), ips);
    }
}
