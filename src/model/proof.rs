//! How somebody proved who they are. What a session remembers of it is what its tokens say (`amr`, RFC 8176).

use serde::{Deserialize, Serialize};

/// One proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    Password,
    /// The issuer that people may sign in with says so.
    Issuer,
    /// A passkey, whose device has verified its user: two factors in one.
    Passkey,
    /// A code of an authenticator app.
    Code,
    RecoveryCode,
}

impl Proof {
    /// Whether nothing more is asked of somebody who has a second factor.
    pub fn is_enough(self) -> bool {
        self == Self::Passkey
    }

    fn amr(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            // RFC 8176 has no word for it, nor for a recovery code.
            Self::Issuer => "fed",
            Self::Passkey => "pop user",
            Self::Code => "otp",
            Self::RecoveryCode => "rec",
        }
    }
}

/// The proofs of one sign-in, blanks between; `mfa` where there was more than one factor.
pub fn amr(proofs: &[Proof]) -> String {
    let several = proofs.len() > 1 || proofs.iter().any(|proof| proof.is_enough());
    let words = proofs.iter().map(|proof| proof.amr()).chain(several.then_some("mfa"));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_factors_say_so() {
        assert_eq!(amr(&[Proof::Password]), "pwd");
        assert_eq!(amr(&[Proof::Issuer, Proof::Code]), "fed otp mfa");
        assert_eq!(amr(&[Proof::Passkey]), "pop user mfa");
    }
}
