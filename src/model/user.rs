//! People: a user belongs to one account and has one role in it.

use std::fmt;
use std::str::FromStr;

use crate::clock::Timestamp;

/// What a user may do in their account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Administrator,
    /// Sees keys, usage and audit; never a secret, never a change.
    Auditor,
    /// Signs in and sees the inboxes.
    Member,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Administrator, Self::Auditor, Self::Member];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Auditor => "auditor",
            Self::Member => "member",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Administrator => "Administrator",
            Self::Auditor => "Auditor",
            Self::Member => "Member",
        }
    }

    /// With its article: `an auditor`.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Administrator => "an administrator",
            Self::Auditor => "an auditor",
            Self::Member => "a member",
        }
    }

    pub fn manages_keys(self) -> bool {
        self == Self::Administrator
    }

    pub fn sees_keys(self) -> bool {
        matches!(self, Self::Administrator | Self::Auditor)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text from the database that names no known value.
#[derive(Debug, thiserror::Error)]
#[error("unknown {kind}: {found:?}")]
pub struct Unknown {
    pub kind: &'static str,
    pub found: String,
}

impl FromStr for Role {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        let known = Self::ALL.into_iter().find(|role| role.as_str() == text);
        known.ok_or_else(|| Unknown { kind: "role", found: text.into() })
    }
}

#[derive(Clone, Debug)]
pub struct User {
    pub id: String,
    pub account_id: String,
    pub account_name: String,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub staff_since: Option<Timestamp>,
    pub created_at: Timestamp,
}

impl User {
    /// The platform-staff flag of the JSON API (`isAdmin`).
    pub fn is_staff(&self) -> bool {
        self.staff_since.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_stored_shown_and_read_back_under_one_name() {
        for (role, stored, label) in [
            (Role::Administrator, "administrator", "Administrator"),
            (Role::Auditor, "auditor", "Auditor"),
            (Role::Member, "member", "Member"),
        ] {
            assert_eq!((role.as_str(), role.label(), role.to_string().as_str()), (stored, label, stored));
            assert_eq!(stored.parse::<Role>().expect("a role"), role);
        }
        assert!("owner".parse::<Role>().is_err());
    }

    #[test]
    fn only_administrators_change_keys_and_members_do_not_see_them() {
        assert_eq!(Role::ALL.map(Role::manages_keys), [true, false, false]);
        assert_eq!(Role::ALL.map(Role::sees_keys), [true, true, false]);
    }
}
