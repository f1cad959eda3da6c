//! What the mails say. Short, certain, and with what to do if it was not you.

use zeroize::Zeroizing;

use crate::model::letter::{Button, Letter};

pub(super) fn password_forgotten(brand: &str, link: Zeroizing<String>) -> Letter {
    Letter {
        subject: format!("Choose a new password for {brand}"),
        paragraphs: vec![
            format!("Somebody, probably you, asked for a new password for your {brand} account."),
            "The link works once, for one hour. Your password stays as it is until you choose another.".into(),
        ],
        button: Some(Button { label: "Choose a new password", link }),
        closing: "If it wasn’t you, ignore this mail. Nobody can use the link without it.".into(),
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
        closing: "If it wasn’t you, ignore this mail, or choose a new password to take the account over.".into(),
    }
}

pub(super) fn password_changed(brand: &str) -> Letter {
    Letter {
        subject: format!("Your {brand} password was changed"),
        paragraphs: vec![
            format!(
                "The password of your {brand} account was changed just now, and every other session was signed out."
            ),
            "Your API keys go on working.".into(),
        ],
        button: None,
        closing: "If it wasn’t you, choose a new password at once: on the sign-in page, under “Forgot your password?”."
            .into(),
    }
}
