//! The authenticator app: a shared secret and the codes it makes of the time (TOTP, RFC 6238: SHA-1, six digits, thirty
//! seconds, which is what every app can). A code of the step before or after is taken too, and each step once.

use percent_encoding::percent_decode_str;
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

use super::keyring::Keyring;
use super::seal::{Broken, decrypt, encrypt};
use crate::clock::Timestamp;
use crate::entropy::Entropy;

/// 160 bits, as RFC 4226 recommends.
const SECRET_BYTES: usize = 20;
const PURPOSE: &str = "keydesk/authenticator";
/// While it is being set up, a sealed secret travels in the form; it is good for this page and this person.
const SET_UP: &str = "keydesk/authenticator-set-up";

/// Whose secret, at which desk.
#[derive(Clone, Copy, Debug)]
pub struct Holder<'a> {
    pub installation_id: &'a str,
    pub user_id: &'a str,
    pub email: &'a str,
    /// What the app shows above the code.
    pub brand: &'a str,
}

/// An app's shared secret.
pub struct Authenticator {
    totp: Totp,
    secret: Zeroizing<Vec<u8>>,
}

impl Authenticator {
    pub fn generate(holder: Holder<'_>, entropy: &Entropy) -> Self {
        let mut secret = Zeroizing::new(vec![0; SECRET_BYTES]);
        entropy.fill(&mut secret);
        Self::of(secret, holder)
    }

    fn of(secret: Zeroizing<Vec<u8>>, holder: Holder<'_>) -> Self {
        // A colon parts the two in the link.
        let named = |text: &str| text.replace(':', " ");
        let totp = Builder::new()
            .with_secret(secret.to_vec())
            .with_account_name(named(holder.email))
            .with_issuer(Some(named(holder.brand)))
            .build()
            .expect("160 bits, six digits and names without a colon are legal");
        Self { totp, secret }
    }

    /// The step whose code this is, if it is one that can be taken now. Blanks are how apps show it.
    pub fn step_of(&self, code: &str, now: Timestamp) -> Option<i64> {
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let step = self.totp.check(&code, u64::try_from(now.seconds()).ok()?)?;
        i64::try_from(step).ok()
    }

    /// The code at a moment, for tests and the app's own part of the bargain.
    pub fn code(&self, now: Timestamp) -> String {
        self.totp.generate(u64::try_from(now.seconds()).unwrap_or(0)).to_string()
    }

    /// What a phone reads off the screen.
    pub fn link(&self) -> Zeroizing<String> {
        Zeroizing::new(self.totp.to_url().unwrap_or_default())
    }

    /// What is typed where nothing can be read off: base32, in groups of four.
    pub fn typed(&self) -> Zeroizing<String> {
        let link = self.link();
        let secret = link.split_once("secret=").map_or("", |(_, rest)| rest.split('&').next().unwrap_or_default());
        let secret = Zeroizing::new(percent_decode_str(secret).decode_utf8_lossy().into_owned());
        let groups: Vec<&str> = secret.as_bytes().chunks(4).filter_map(|four| std::str::from_utf8(four).ok()).collect();
        Zeroizing::new(groups.join(" "))
    }

    /// Encrypted, to be kept.
    pub fn sealed(&self, holder: Holder<'_>, keyring: &Keyring, entropy: &Entropy) -> String {
        encrypt(&self.secret, keyring.authenticator(), &bound_to(PURPOSE, holder), entropy)
    }

    /// # Errors
    /// [`Broken`] if it is not this holder's, or was sealed under another secret file.
    pub fn open(sealed: &str, holder: Holder<'_>, keyring: &Keyring) -> Result<Self, Broken> {
        Ok(Self::of(
            decrypt(sealed, keyring.generations().map(Keyring::authenticator), &bound_to(PURPOSE, holder))?,
            holder,
        ))
    }

    /// Encrypted, to go through the form that sets it up in this session.
    pub fn sealed_for_set_up(
        &self,
        holder: Holder<'_>,
        session_id: &str,
        keyring: &Keyring,
        entropy: &Entropy,
    ) -> String {
        encrypt(&self.secret, keyring.authenticator(), &set_up_by(session_id, holder), entropy)
    }

    /// # Errors
    /// [`Broken`] if it did not come from this session's own page.
    pub fn open_set_up(sealed: &str, holder: Holder<'_>, session_id: &str, keyring: &Keyring) -> Result<Self, Broken> {
        Ok(Self::of(decrypt(sealed, [keyring.authenticator()], &set_up_by(session_id, holder))?, holder))
    }
}

/// What was kept under one of the keys, encrypted under the newest of them.
///
/// # Errors
/// As [`Authenticator::open`].
pub fn reseal(sealed: &str, holder: Holder<'_>, keyring: &Keyring, entropy: &Entropy) -> Result<String, Broken> {
    let keys = keyring.generations().map(Keyring::authenticator);
    let secret = decrypt(sealed, keys, &bound_to(PURPOSE, holder))?;
    Ok(encrypt(&secret, keyring.authenticator(), &bound_to(PURPOSE, holder), entropy))
}

fn bound_to(purpose: &str, holder: Holder<'_>) -> Vec<u8> {
    format!("{purpose}\0{}\0{}", holder.installation_id, holder.user_id).into_bytes()
}

fn set_up_by(session_id: &str, holder: Holder<'_>) -> Vec<u8> {
    [&bound_to(SET_UP, holder), b"\0".as_slice(), session_id.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_795_269_900_000_000);
    const ANA: Holder =
        Holder { installation_id: "ins_1", user_id: "usr_1", email: "ana@halden.example", brand: "Keydesk: the desk" };

    fn ours() -> Authenticator {
        Authenticator::generate(ANA, &Entropy::seeded(1))
    }

    #[test]
    fn the_codes_are_those_of_rfc_6238() {
        let known = Authenticator::of(Zeroizing::new(b"12345678901234567890".to_vec()), ANA);
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        // Appendix B, the last six of eight digits.
        assert_eq!(known.code(at(59)), "287082");
        assert_eq!(known.code(at(1_111_111_109)), "081804");
        assert_eq!(known.code(at(2_000_000_000)), "279037");
    }

    #[test]
    fn a_code_is_good_for_its_step_and_its_neighbours() {
        let app = ours();
        let code = app.code(NOW);
        let step = app.step_of(&code, NOW).expect("its own step");
        assert_eq!(step, NOW.seconds() / 30);
        assert_eq!(app.step_of(&format!("{} {}", &code[..3], &code[3..]), NOW), Some(step), "as apps show it");
        for seconds in [30, 59] {
            assert_eq!(app.step_of(&code, NOW + Duration::from_secs(seconds)), Some(step));
        }
        assert_eq!(app.step_of(&code, NOW - Duration::from_secs(30)), Some(step));
        for far in [NOW + Duration::from_secs(60), NOW - Duration::from_secs(31)] {
            assert_eq!(app.step_of(&code, far), None);
        }
        for wrong in ["", "12345", "1234567", "abcdef", "      "] {
            assert_eq!(app.step_of(wrong, NOW), None, "{wrong}");
        }
    }

    #[test]
    fn it_opens_for_its_holder_only_and_its_link_holds_what_is_typed() {
        let (app, keyring, entropy) = (ours(), Keyring::derive(&[1; 32]), Entropy::seeded(2));
        let sealed = app.sealed(ANA, &keyring, &entropy);
        assert_eq!(Authenticator::open(&sealed, ANA, &keyring).expect("its own").code(NOW), app.code(NOW));
        let other = Holder { user_id: "usr_2", ..ANA };
        assert!(Authenticator::open(&sealed, other, &keyring).is_err());
        assert!(Authenticator::open(&sealed, ANA, &Keyring::derive(&[2; 32])).is_err());
        let form = app.sealed_for_set_up(ANA, "ses_1", &keyring, &entropy);
        assert!(Authenticator::open_set_up(&form, ANA, "ses_1", &keyring).is_ok());
        assert!(Authenticator::open_set_up(&form, ANA, "ses_2", &keyring).is_err());
        assert!(Authenticator::open(&form, ANA, &keyring).is_err());
        let typed = app.typed();
        assert_eq!(typed.len(), 32 + 7, "160 bits in base32, in eight groups");
        assert!(app.link().contains(&typed.replace(' ', "")));
        assert!(app.link().starts_with("otpauth://totp/Keydesk"), "{}", *app.link());
    }
}
