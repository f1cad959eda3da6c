//! What the mails say. Short, certain, and with what to do if it was not you.

use std::borrow::Cow;

use zeroize::Zeroizing;

use super::reminders::Advice;
use crate::model::device::Device;
use crate::model::invitation::Invitation;
use crate::model::letter::{Button, Letter};
use crate::model::name::isolated;
use crate::model::text;
use crate::model::user::User;
use crate::store::leaked_keys::Exposure;
use crate::store::sessions::Listed;

pub(super) fn password_forgotten(brand: &str, link: Zeroizing<String>) -> Letter {
    Letter {
        subject: format!("Choose a new password for {brand}"),
        paragraphs: vec![
            format!("Somebody, probably you, asked for a new password for your {brand} account."),
            "The link works once, for one hour. Your password stays as it is until you choose another.".into(),
        ],
        button: Some(Button { label: "Choose a new password", link }),
        closing: "If it wasn’t you, ignore this email. Nobody can use the link without it.".into(),
    }
}

pub(super) fn verify_email(brand: &str, link: Zeroizing<String>) -> Letter {
    Letter {
        subject: format!("Confirm your email address for {brand}"),
        paragraphs: vec![
            format!("Somebody, probably you, signed up to {brand} with this address."),
            "Confirm that it is yours, so that you can get back in if you forget your password. The link works once, \
             for three days."
                .into(),
        ],
        button: Some(Button { label: "Confirm this address", link }),
        closing: "If it wasn’t you, ignore this email, or choose a new password to take the account over.".into(),
    }
}

pub(super) fn password_changed(brand: &str) -> Letter {
    Letter {
        subject: format!("Your {brand} password was changed"),
        paragraphs: vec![
            format!(
                "The password of your {brand} account was changed just now, and every other session was signed out."
            ),
            "Your API keys keep working.".into(),
        ],
        button: None,
        closing: "If it wasn’t you, choose a new password at once: on the sign-in page, under “Forgot password?”."
            .into(),
    }
}

pub(super) fn invitation(brand: &str, invitation: &Invitation, link: Zeroizing<String>) -> Letter {
    let inviter = invitation.inviter_name.as_deref().map_or(Cow::Borrowed("An administrator"), isolated);
    let (account, role) = (isolated(&invitation.account_name), invitation.role.in_words());
    Letter {
        subject: format!("You are invited to {brand}"),
        paragraphs: vec![
            format!("{inviter} invited you to join {account} on {brand}, as {role}."),
            format!(
                "Choose a name and a password, and you are in. The link works once, until {}.",
                text::date_time(invitation.expires_at)
            ),
        ],
        button: Some(Button { label: "Join the team", link }),
        closing: "If you don’t know what this is about, ignore this email. Nobody can use the link without it.".into(),
    }
}

pub(super) fn role_changed(brand: &str, user: &User) -> Letter {
    let account = isolated(&user.account_name);
    Letter {
        subject: format!("Your {brand} role was changed"),
        paragraphs: vec![
            format!("You are now {} of {account} on {brand}.", user.role.in_words()),
            "Every session of yours was signed out. Sign in again to go on.".into(),
        ],
        button: None,
        closing: format!("If you didn’t expect this, ask an administrator of {account}."),
    }
}

pub(super) fn removed(brand: &str, account: &str) -> Letter {
    let account = isolated(account);
    Letter {
        subject: format!("You were removed from {account}"),
        paragraphs: vec![
            format!(
                "You were removed from {account} on {brand}: every session of yours was signed out, and you can’t sign in to it any more."
            ),
            "Your address is free again: you can sign up with it, or be invited.".into(),
        ],
        button: None,
        closing: format!("If you didn’t expect this, ask an administrator of {account}."),
    }
}

pub(super) fn new_device(brand: &str, session: &Listed, public_url: &str) -> Letter {
    let device = Device::of(&session.user_agent, session.kind == "api").name;
    Letter {
        subject: format!("New sign-in to {brand}"),
        paragraphs: vec![
            format!(
                "Somebody, probably you, signed in to your {brand} account on a device that you hadn’t used for it."
            ),
            format!("{device}, from {}, on {}.", session.ip, text::date_time(session.created_at)),
        ],
        button: Some(Button {
            label: "See where you are signed in",
            link: format!("{public_url}/settings/security").into(),
        }),
        closing:
            "If it wasn’t you, sign out every other device on that page, and change your password there. If it was \
                  you, there is nothing to do."
                .into(),
    }
}

pub(super) fn key_exposed(brand: &str, exposure: &Exposure, advice: Advice, public_url: &str) -> Letter {
    let Exposure { key_id, seen, is_deleted, has_secret, .. } = exposure;
    let name = isolated(&exposure.key_name);
    let stopped = if *is_deleted {
        "It was switched off at once"
    } else if *has_secret {
        "Its old secret, from before you rotated it, was switched off at once"
    } else {
        "Its secret was switched off at once"
    };
    let (next, button) = after_exposure(brand, exposure, advice, public_url);
    Letter {
        subject: format!("Your {brand} key {name} was reported as leaked and switched off"),
        paragraphs: vec![
            format!("The secret of your {brand} key {name} ({key_id}) was reported as leaked {seen}."),
            format!("{stopped}: requests with it are refused. {next}"),
            "Look at what the key was used for before, on its page and in the audit log. Taking the secret out of a \
             public place does not make it secret again."
                .into(),
        ],
        button: Some(button),
        closing:
            "Whoever holds a key can report it; nobody has to prove who they are. You get this email because you are \
                  an administrator of the account."
                .into(),
    }
}

/// What to do about a leaked key, and where: nothing that the product doesn’t offer.
fn after_exposure(brand: &str, exposure: &Exposure, advice: Advice, public_url: &str) -> (Cow<'static, str>, Button) {
    let Exposure { key_id, is_deleted, has_secret, .. } = exposure;
    let page = |label| Button { label, link: format!("{public_url}/settings/api-keys/{key_id}").into() };
    if *has_secret && !*is_deleted {
        let next = "The new secret of this key was not reported, and keeps working. Where the old one is still in use, put the \
                    new one.";
        return (next.into(), page("See the key"));
    }
    // A key that is deleted has no other secret to come.
    if advice.rotates && !*is_deleted {
        let next = "Rotate the key for a new secret, and put it where the old one was.";
        return (next.into(), page("Rotate the key"));
    }
    if advice.creates {
        let link = format!("{public_url}/settings/api-keys/new?from={key_id}").into();
        let next = "Create another key, and put it where this one was.";
        return (next.into(), Button { label: "Create another key", link });
    }
    let next = if advice.rotates_over_api && !*is_deleted {
        "Rotate the key over the API for a new secret, and put it where the old one was.".into()
    } else if advice.creates_over_api {
        "Create another key over the API, and put it where this one was.".into()
    } else {
        format!("It can’t be replaced here: ask {brand} for another key.").into()
    };
    (next, page("See the key"))
}

pub(super) fn identity_linked(brand: &str) -> Letter {
    Letter {
        subject: format!("Another way to sign in to {brand}"),
        paragraphs: vec![
            format!("From now on you can sign in to {brand} with an account that you have elsewhere."),
            "See which one, and disconnect it, under Settings → Security.".into(),
        ],
        button: None,
        closing:
            "If it wasn’t you, choose a new password at once: on the sign-in page, under “Forgot password?”. Then \
                  disconnect it."
                .into(),
    }
}

pub(super) fn password_removed(brand: &str) -> Letter {
    Letter {
        subject: format!("The password of your {brand} account was removed"),
        paragraphs: vec![
            format!(
                "There was a {brand} account with this address already, but nobody had confirmed that the address is \
                 theirs. You have now, by signing in with an account that you have elsewhere."
            ),
            "The password that had been set may not have been yours. It doesn’t work any more, whoever used it is \
             signed out, and API keys that nobody had revealed yet can’t be revealed any more."
                .into(),
        ],
        button: None,
        closing:
            "Look at the list of API keys: delete those that you don’t know. If you want a password, choose one on \
                  the sign-in page, under “Forgot password?”."
                .into(),
    }
}

pub(super) fn factor_added(brand: &str, factor: &str) -> Letter {
    let factor = isolated(factor);
    Letter {
        subject: format!("A second factor was added to your {brand} account"),
        paragraphs: vec![
            format!("A second factor was added to your {brand} account just now: {factor}."),
            "Whoever signs in with your password is asked for it too.".into(),
        ],
        button: None,
        closing: "If it wasn’t you, change your password and remove it, both under Settings → Security.".into(),
    }
}

pub(super) fn factor_removed(brand: &str, factor: &str) -> Letter {
    Letter {
        subject: format!("A second factor of your {brand} account was removed"),
        paragraphs: vec![format!("It doesn’t sign you in any more: {}.", isolated(factor))],
        button: None,
        closing: "If it wasn’t you, change your password at once and set two-factor up again, both under Settings → \
                  Security."
            .into(),
    }
}

pub(super) fn recovery_code_spent(brand: &str, left: &str) -> Letter {
    Letter {
        subject: format!("A recovery code of your {brand} account was used"),
        paragraphs: vec![
            format!("Somebody, probably you, signed in to {brand} with one of your recovery codes just now: {left}."),
            "Each works once. If your phone is gone, set two-factor up on another one, and make new codes.".into(),
        ],
        button: None,
        closing: "If it wasn’t you, change your password at once and make new recovery codes, both under Settings → \
                  Security."
            .into(),
    }
}

pub(super) fn recovery_codes_made(brand: &str) -> Letter {
    Letter {
        subject: format!("New recovery codes for {brand}"),
        paragraphs: vec![format!(
            "New recovery codes were made for your {brand} account just now. The old ones don’t work any more."
        )],
        button: None,
        closing: "If it wasn’t you, change your password at once and make new codes, both under Settings → Security."
            .into(),
    }
}

pub(super) fn identity_unlinked(brand: &str) -> Letter {
    Letter {
        subject: format!("A way to sign in to {brand} was disconnected"),
        paragraphs: vec![format!(
            "An account you have elsewhere was disconnected: it doesn’t sign you in to {brand} any more."
        )],
        button: None,
        closing: "If it wasn’t you, change your password at once, and look at Settings → Security.".into(),
    }
}
