//! The id that a creating form carries: pressed twice it creates once, and a form that was open too long, or that
//! somebody else opened in this browser, is shown again instead of being carried out.

use std::time::Duration;

use crate::clock::{Timestamp, hours};
use crate::entropy::Entropy;
use crate::model::keyring::Keyring;

/// How long a form may stay open.
const LIFETIME: Duration = hours(12);

/// Makes an id for a form that `session_id` opens now: nonce, seconds, and a MAC over both and the session.
pub fn issue(session_id: &str, now: Timestamp, keyring: &Keyring, entropy: &Entropy) -> String {
    let open = format!("{}.{}", entropy.base62(16), now.seconds());
    let mac = keyring.sign_form(&format!("{session_id}\0{open}"));
    format!("{open}.{mac}")
}

/// Whether a form may be carried out. A request without an id (a script of the user's own) may; it only loses the
/// double-press guard.
pub fn is_current(form_id: &str, session_id: &str, now: Timestamp, keyring: &Keyring) -> bool {
    if form_id.is_empty() {
        return true;
    }
    let Some((open, mac)) = form_id.rsplit_once('.') else { return false };
    let expected = keyring.sign_form(&format!("{session_id}\0{open}"));
    let genuine: bool = subtle::ConstantTimeEq::ct_eq(expected.as_bytes(), mac.as_bytes()).into();
    let opened_at = open.rsplit_once('.').and_then(|(_, seconds)| seconds.parse::<i64>().ok());
    genuine && opened_at.is_some_and(|at| now.since(Timestamp::from_micros(at * 1_000_000)) <= LIFETIME)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_795_269_900_000_000);

    #[test]
    fn a_form_belongs_to_its_session_and_its_day() {
        let keyring = Keyring::derive(&[1; 32]);
        let id = issue("ses_1", NOW, &keyring, &Entropy::seeded(1));
        assert!(is_current(&id, "ses_1", NOW + hours(12), &keyring));
        assert!(!is_current(&id, "ses_1", NOW + hours(13), &keyring));
        assert!(!is_current(&id, "ses_2", NOW, &keyring));
        assert!(!is_current("made.up.0", "ses_1", NOW, &keyring));
        assert!(is_current("", "ses_1", NOW, &keyring));
    }
}
