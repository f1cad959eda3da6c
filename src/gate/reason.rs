//! Why a request was refused, as a word that is kept and read again, and the checks of the gate in the order in which it
//! asks them: each reason is the failure of one.

use std::str::FromStr;

use crate::model::user::Unknown;

/// The word for a [`super::verdict::Refusal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    InputAmbiguous,
    HttpsRequired,
    CredentialMissing,
    CredentialMalformed,
    SourceThrottled,
    KeyUnknown,
    SessionEnded,
    KeyDeleted,
    KeyExpired,
    KeyPaused,
    SecretRotated,
    AddressNotAllowed,
    RouteUnknown,
    InboxOutOfReach,
    ScopeMissing,
    RateLimited,
}

/// A question of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The request can be read in one way, and came over TLS.
    Arrival,
    /// A credential is there, and looks like one.
    Form,
    Known,
    Alive,
    Address,
    Route,
    Reach,
    Scope,
    Rate,
}

impl Reason {
    pub const ALL: [Self; 16] = [
        Self::InputAmbiguous,
        Self::HttpsRequired,
        Self::CredentialMissing,
        Self::CredentialMalformed,
        Self::SourceThrottled,
        Self::KeyUnknown,
        Self::SessionEnded,
        Self::KeyDeleted,
        Self::KeyExpired,
        Self::KeyPaused,
        Self::SecretRotated,
        Self::AddressNotAllowed,
        Self::RouteUnknown,
        Self::InboxOutOfReach,
        Self::ScopeMissing,
        Self::RateLimited,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Self::InputAmbiguous => "input_ambiguous",
            Self::HttpsRequired => "https_required",
            Self::CredentialMissing => "credential_missing",
            Self::CredentialMalformed => "credential_malformed",
            Self::SourceThrottled => "source_throttled",
            Self::KeyUnknown => "key_unknown",
            Self::SessionEnded => "session_ended",
            Self::KeyDeleted => "key_deleted",
            Self::KeyExpired => "key_expired",
            Self::KeyPaused => "key_paused",
            Self::SecretRotated => "secret_rotated",
            Self::AddressNotAllowed => "address_not_allowed",
            Self::RouteUnknown => "route_unknown",
            Self::InboxOutOfReach => "inbox_out_of_reach",
            Self::ScopeMissing => "scope_missing",
            Self::RateLimited => "rate_limited",
        }
    }

    /// The first check that failed. `somebody`: whether it was known whose request it is. Then what is ambiguous is the
    /// scope that it asked for, because everything before that was passed.
    pub fn fails(self, somebody: bool) -> Check {
        match self {
            Self::InputAmbiguous if somebody => Check::Scope,
            Self::InputAmbiguous | Self::HttpsRequired => Check::Arrival,
            Self::CredentialMissing | Self::CredentialMalformed => Check::Form,
            Self::SourceThrottled | Self::KeyUnknown => Check::Known,
            Self::SessionEnded | Self::KeyDeleted | Self::KeyExpired | Self::KeyPaused | Self::SecretRotated => {
                Check::Alive
            }
            Self::AddressNotAllowed => Check::Address,
            Self::RouteUnknown => Check::Route,
            Self::InboxOutOfReach => Check::Reach,
            Self::ScopeMissing => Check::Scope,
            Self::RateLimited => Check::Rate,
        }
    }
}

impl FromStr for Reason {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        let known = Self::ALL.into_iter().find(|reason| reason.code() == text);
        known.ok_or_else(|| Unknown { kind: "reason", found: text.into() })
    }
}

impl Check {
    /// In the order in which they are asked.
    pub const ALL: [Self; 9] = [
        Self::Arrival,
        Self::Form,
        Self::Known,
        Self::Alive,
        Self::Address,
        Self::Route,
        Self::Reach,
        Self::Scope,
        Self::Rate,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_reads_back_from_its_code() {
        for reason in Reason::ALL {
            assert_eq!(reason.code().parse::<Reason>().expect("its own code"), reason);
        }
        assert!("no_such_reason".parse::<Reason>().is_err());
    }

    #[test]
    fn what_nobody_could_be_asked_for_fails_before_what_somebody_is() {
        let place = |check| Check::ALL.iter().position(|known| *known == check);
        assert!(place(Reason::InputAmbiguous.fails(false)) < place(Reason::KeyUnknown.fails(false)));
        assert!(place(Reason::InputAmbiguous.fails(true)) > place(Reason::InboxOutOfReach.fails(true)));
    }
}
