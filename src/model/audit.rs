//! The audit event: who did what to what, when, from where. Events of one account form a chain: each carries an HMAC
//! over its own fields and the MAC before it, so an edit, a deletion or a swap shows.

use super::audit_chain;
use super::audit_keys::AuditKey;
use super::keyring::Keyring;
use super::user::User;
use crate::clock::Timestamp;

/// What happened. The code is what exports and filters use; the sentence is what people read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    AccountCreated,
    SessionCreated,
    SessionRefused,
    SessionConfirmed,
    SessionEnded,
    KeyCreated,
    KeyRevealed,
    KeyRevealRefused,
    KeyRotated,
    KeyOldStopped,
    KeyRenamed,
    KeyScopesChanged,
    KeyPaused,
    KeyResumed,
    KeyDeleted,
    KeyExposed,
    SecretsDestroyed,
    InboxCreated,
    InboxDeleted,
    UserCreated,
    PasswordChanged,
    PasswordReset,
    EmailVerified,
    MemberInvited,
    InvitationWithdrawn,
    MemberJoined,
    MemberRoleChanged,
    MemberRemoved,
    StaffAdded,
    StaffRemoved,
    IdentityLinked,
    IdentityUnlinked,
    AuditExported,
    KeysExported,
    KeyNoted,
    FactorAdded,
    FactorRemoved,
    RecoveryCodesMade,
    RecoveryCodeSpent,
    RuleChanged,
    SupportLookedUp,
    SecretFileRotated,
    SecretFileRetired,
    SecretFileLost,
}

impl Action {
    pub const ALL: [Self; 44] = [
        Self::AccountCreated,
        Self::SessionCreated,
        Self::SessionRefused,
        Self::SessionConfirmed,
        Self::SessionEnded,
        Self::KeyCreated,
        Self::KeyRevealed,
        Self::KeyRevealRefused,
        Self::KeyRotated,
        Self::KeyOldStopped,
        Self::KeyRenamed,
        Self::KeyScopesChanged,
        Self::KeyPaused,
        Self::KeyResumed,
        Self::KeyDeleted,
        Self::KeyExposed,
        Self::SecretsDestroyed,
        Self::InboxCreated,
        Self::InboxDeleted,
        Self::UserCreated,
        Self::PasswordChanged,
        Self::PasswordReset,
        Self::EmailVerified,
        Self::MemberInvited,
        Self::InvitationWithdrawn,
        Self::MemberJoined,
        Self::MemberRoleChanged,
        Self::MemberRemoved,
        Self::StaffAdded,
        Self::StaffRemoved,
        Self::IdentityLinked,
        Self::IdentityUnlinked,
        Self::AuditExported,
        Self::KeysExported,
        Self::KeyNoted,
        Self::FactorAdded,
        Self::FactorRemoved,
        Self::RecoveryCodesMade,
        Self::RecoveryCodeSpent,
        Self::RuleChanged,
        Self::SupportLookedUp,
        Self::SecretFileRotated,
        Self::SecretFileRetired,
        Self::SecretFileLost,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Self::AccountCreated => "account.created",
            Self::SessionCreated => "session.created",
            Self::SessionRefused => "session.refused",
            Self::SessionConfirmed => "session.confirmed",
            Self::SessionEnded => "session.ended",
            Self::KeyCreated => "key.created",
            Self::KeyRevealed => "key.revealed",
            Self::KeyRevealRefused => "key.reveal_refused",
            Self::KeyRotated => "key.rotated",
            Self::KeyOldStopped => "key.old_stopped",
            Self::KeyRenamed => "key.renamed",
            Self::KeyScopesChanged => "key.scopes_changed",
            Self::KeyPaused => "key.paused",
            Self::KeyResumed => "key.resumed",
            Self::KeyDeleted => "key.deleted",
            Self::KeyExposed => "key.exposed",
            Self::SecretsDestroyed => "secrets.destroyed",
            Self::InboxCreated => "inbox.created",
            Self::InboxDeleted => "inbox.deleted",
            Self::UserCreated => "member.created",
            Self::PasswordChanged => "password.changed",
            Self::PasswordReset => "password.reset",
            Self::EmailVerified => "email.verified",
            Self::MemberInvited => "member.invited",
            Self::InvitationWithdrawn => "invitation.withdrawn",
            Self::MemberJoined => "member.joined",
            Self::MemberRoleChanged => "member.role_changed",
            Self::MemberRemoved => "member.removed",
            Self::StaffAdded => "staff.added",
            Self::StaffRemoved => "staff.removed",
            Self::IdentityLinked => "identity.linked",
            Self::IdentityUnlinked => "identity.unlinked",
            Self::AuditExported => "audit.exported",
            Self::KeysExported => "keys.exported",
            Self::KeyNoted => "key.noted",
            Self::FactorAdded => "factor.added",
            Self::FactorRemoved => "factor.removed",
            Self::RecoveryCodesMade => "recovery_codes.made",
            Self::RecoveryCodeSpent => "recovery_code.spent",
            Self::RuleChanged => "rule.changed",
            Self::SupportLookedUp => "support.looked_up",
            Self::SecretFileRotated => "secret_file.rotated",
            Self::SecretFileRetired => "secret_file.retired",
            Self::SecretFileLost => "secret_file.lost",
        }
    }

    pub fn sentence(self) -> &'static str {
        match self {
            Self::AccountCreated => "Created the account",
            Self::SessionCreated => "Signed in",
            Self::SessionRefused => "Sign-in refused",
            Self::SessionConfirmed => "Confirmed who they are",
            Self::SessionEnded => "Signed out",
            Self::KeyCreated => "Created the key",
            Self::KeyRevealed => "Revealed the key",
            Self::KeyRevealRefused => "Reveal refused",
            Self::KeyRotated => "Rotated the key",
            Self::KeyOldStopped => "Stopped the old key",
            Self::KeyRenamed => "Renamed the key",
            Self::KeyScopesChanged => "Changed the scopes",
            Self::KeyPaused => "Paused the key",
            Self::KeyResumed => "Resumed the key",
            Self::KeyDeleted => "Deleted the key",
            Self::KeyExposed => "Reported the key as leaked",
            Self::SecretsDestroyed => "Destroyed kept secrets",
            Self::InboxCreated => "Created it",
            Self::InboxDeleted => "Deleted it",
            Self::UserCreated => "Added the user",
            Self::PasswordChanged => "Changed the password",
            Self::PasswordReset => "Reset the password by email",
            Self::EmailVerified => "Confirmed the email address",
            Self::MemberInvited => "Invited to the team",
            Self::InvitationWithdrawn => "Withdrew the invitation",
            Self::MemberJoined => "Joined the team",
            Self::MemberRoleChanged => "Changed the role",
            Self::MemberRemoved => "Removed from the team",
            Self::StaffAdded => "Added to support staff",
            Self::StaffRemoved => "Removed from support staff",
            Self::IdentityLinked => "Connected a way to sign in",
            Self::IdentityUnlinked => "Disconnected a way to sign in",
            Self::AuditExported => "Exported the audit log",
            Self::KeysExported => "Exported the list of keys",
            Self::KeyNoted => "Added a note",
            Self::FactorAdded => "Added a second factor",
            Self::FactorRemoved => "Removed a second factor",
            Self::RecoveryCodesMade => "Made new recovery codes",
            Self::RecoveryCodeSpent => "Used a recovery code",
            Self::RuleChanged => "Changed an account rule",
            Self::SupportLookedUp => "Looked up by support",
            Self::SecretFileRotated => "Replaced the secret file",
            Self::SecretFileRetired => "Retired the old secret file",
            Self::SecretFileLost => "Recorded the loss of the secret file",
        }
    }

    /// Whether the page sets it in the colour of danger.
    pub fn is_grave(self) -> bool {
        matches!(
            self,
            Self::SessionRefused | Self::KeyRevealRefused | Self::KeyDeleted | Self::InboxDeleted | Self::MemberRemoved
        )
    }
}

impl std::str::FromStr for Action {
    type Err = super::user::Unknown;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|action| action.code() == text);
        known.ok_or_else(|| super::user::Unknown { kind: "action", found: text.into() })
    }
}

/// Who acts, and through what. Empty where there is nothing to say.
#[derive(Clone, Debug, Default)]
pub struct Actor {
    /// `user`, `key`, `staff`, `cli` or `system`.
    pub kind: String,
    pub id: String,
    pub name: String,
    pub role: String,
    pub session_id: String,
    pub ip: String,
    pub user_agent: String,
    pub request_id: String,
}

impl Actor {
    /// The command line or the product itself.
    pub fn machine(kind: &str, name: &str) -> Self {
        Self { kind: kind.into(), name: name.into(), ..Self::default() }
    }

    /// The same way in, now known to be `user`.
    pub fn as_user(&self, user: &User, session_id: &str) -> Self {
        Self {
            kind: "user".into(),
            id: user.id.clone(),
            name: user.name.clone(),
            role: user.role.to_string(),
            session_id: session_id.into(),
            ..self.clone()
        }
    }
}

/// What it was done to.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    pub id: &'a str,
    pub name: &'a str,
}

/// A recorded event.
#[derive(Clone, Debug)]
pub struct AuditEvent {
    pub id: String,
    pub account_id: String,
    pub seq: i64,
    pub at: Timestamp,
    pub action: Action,
    pub actor_kind: String,
    pub actor_id: String,
    pub actor_name: String,
    pub actor_role: String,
    pub session_id: String,
    pub ip: String,
    pub user_agent: String,
    pub request_id: String,
    pub target_id: String,
    pub target_name: String,
    /// The rest of the sentence, such as `old key stops in 24 hours`.
    pub detail: String,
    pub mac: String,
}

impl AuditEvent {
    pub fn sentence(&self) -> String {
        let said = self.action.sentence();
        if self.detail.is_empty() { said.to_owned() } else { format!("{said}, {}", self.detail) }
    }

    /// The MAC of this event behind `previous`.
    pub fn chained(&self, previous: &str, keyring: &Keyring) -> String {
        let (seq, at) = (self.seq.to_string(), self.at.micros().to_string());
        let fields = [
            &self.account_id,
            &seq,
            &at,
            &self.id,
            self.action.code(),
            &self.actor_kind,
            &self.actor_id,
            &self.actor_name,
            &self.actor_role,
            &self.session_id,
            &self.ip,
            &self.user_agent,
            &self.request_id,
            &self.target_id,
            &self.target_name,
            &self.detail,
        ];
        audit_chain::mac(fields, previous, &AuditKey::of(keyring))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::user::Role;

    pub fn event() -> AuditEvent {
        AuditEvent {
            id: "evt_1".into(),
            account_id: "acc_1".into(),
            seq: 1,
            at: Timestamp::from_micros(5),
            action: Action::KeyRotated,
            actor_kind: "user".into(),
            actor_id: "usr_1".into(),
            actor_name: "Ana".into(),
            actor_role: "administrator".into(),
            session_id: String::new(),
            ip: String::new(),
            user_agent: String::new(),
            request_id: String::new(),
            target_id: "key_1".into(),
            target_name: "billing".into(),
            detail: "old key stops in 24 hours".into(),
            mac: String::new(),
        }
    }

    #[test]
    fn any_change_breaks_the_chain() {
        let keyring = Keyring::derive(&[3; 32]);
        let whole = event().chained("before", &keyring);
        assert_eq!(whole, event().chained("before", &keyring));
        assert_ne!(whole, event().chained("other", &keyring));
        assert_ne!(whole, AuditEvent { seq: 2, ..event() }.chained("before", &keyring));
        let shifted = AuditEvent { actor_name: "An".into(), actor_id: "usr_1a".into(), ..event() };
        assert_ne!(whole, shifted.chained("before", &keyring));
    }

    #[test]
    fn an_event_reads_as_a_sentence_and_its_code_reads_back() {
        assert_eq!(event().sentence(), "Rotated the key, old key stops in 24 hours");
        for action in Action::ALL {
            assert_eq!(action.code().parse::<Action>().expect("its own code"), action);
        }
        assert!(Action::KeyDeleted.is_grave() && !Action::KeyCreated.is_grave());
    }

    #[test]
    fn who_came_in_is_the_same_way_in_under_a_name() {
        let came = Actor { ip: "203.0.113.9".into(), ..Actor::machine("system", "Keydesk") };
        assert_eq!((came.kind.as_str(), came.name.as_str()), ("system", "Keydesk"));
        let user = User {
            id: "usr_1".into(),
            account_id: "acc_1".into(),
            account_name: "Halden Freight".into(),
            email: "ana@halden.example".into(),
            name: "Ana".into(),
            role: Role::Auditor,
            staff_since: None,
            created_at: Timestamp::default(),
        };
        let ana = came.as_user(&user, "ses_1");
        let known = [&ana.kind, &ana.id, &ana.name, &ana.role, &ana.session_id, &ana.ip];
        assert_eq!(known, ["user", "usr_1", "Ana", "auditor", "ses_1", "203.0.113.9"]);
        assert!(!user.is_staff() && User { staff_since: Some(Timestamp::default()), ..user }.is_staff());
    }
}
