//! Invitations: somebody is asked by mail to join an account in a role. Whoever holds the newest link may, once, for
//! seven days.

use super::name::isolated;
use super::user::Role;
use crate::clock::Timestamp;

/// An invitation, and who and what it is of.
#[derive(Clone, Debug)]
pub struct Invitation {
    pub id: String,
    pub account_id: String,
    pub account_name: String,
    pub email: String,
    pub role: Role,
    /// Who invited, while they are an administrator: whom to ask.
    pub inviter_name: Option<String>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub accepted_at: Option<Timestamp>,
    pub withdrawn_at: Option<Timestamp>,
}

impl Invitation {
    /// Whether its link opens the account.
    pub fn works(&self, now: Timestamp) -> bool {
        self.accepted_at.is_none() && self.withdrawn_at.is_none() && self.expires_at > now
    }

    /// Whom to ask for another, in words.
    pub fn whom_to_ask(&self) -> String {
        let account = isolated(&self.account_name);
        match &self.inviter_name {
            Some(name) => format!("{} of {account}", isolated(name)),
            None => format!("an administrator of {account}"),
        }
    }
}
