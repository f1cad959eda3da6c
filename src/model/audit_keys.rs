//! The keys that audit events were recorded under, one a generation of the secret file. A former one is kept, encrypted
//! under the newest secret file, for whoever checks the record: it vouches for nothing behind the first event of a newer one.

use hmac::{Hmac, KeyInit};
use sha2::Sha256;

use super::keyring::Keyring;
use super::seal::{Broken, decrypt, encrypt};
use crate::entropy::Entropy;

const PURPOSE: &str = "keydesk/former-audit-key";

/// The key of one generation.
#[derive(Clone)]
pub struct AuditKey(Hmac<Sha256>);

/// The keys of an installation's whole record.
pub struct AuditKeys {
    /// The oldest first; the last is the newest generation's.
    keys: Vec<AuditKey>,
    /// The first that events may still be recorded under.
    counting_from: usize,
}

/// A generation of the past, as the database knows it.
#[derive(Clone, Debug)]
pub struct Former {
    pub version: i64,
    /// Encrypted under the newest generation; nothing where the file was lost.
    pub audit_key: Option<String>,
    pub is_retired: bool,
}

impl AuditKey {
    pub fn of(keyring: &Keyring) -> Self {
        Self(keyring.audit())
    }

    pub(super) fn mac(&self) -> Hmac<Sha256> {
        self.0.clone()
    }
}

impl std::fmt::Debug for AuditKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuditKeys(…)")
    }
}

impl AuditKeys {
    /// The keys of `formers`, the oldest first, and that of the newest generation.
    ///
    /// # Errors
    /// [`Broken`] if one was not kept under the newest generation.
    pub fn open(keyring: &Keyring, formers: &[Former]) -> Result<Self, Broken> {
        let mut keys = Vec::new();
        let mut counting_from = 0;
        for former in formers {
            if let Some(kept) = &former.audit_key {
                let key = decrypt(kept, [&*keyring.former_keys()], &bound_to(former.version))?;
                keys.push(AuditKey(Hmac::new_from_slice(&key).map_err(|_| Broken)?));
            }
            if former.is_retired {
                counting_from = keys.len();
            }
        }
        keys.push(AuditKey::of(keyring));
        Ok(Self { keys, counting_from })
    }

    /// The keys from a generation on, each with the place of its own.
    pub(super) fn since(&self, generation: usize) -> impl Iterator<Item = (usize, &AuditKey)> {
        self.keys.iter().enumerate().skip(generation)
    }

    /// Whether events may still be recorded under a generation.
    pub(super) fn counts(&self, generation: usize) -> bool {
        generation >= self.counting_from
    }
}

/// The audit key of the generation before, to be kept under the newest.
pub fn keep(old: &Keyring, newest: &Keyring, entropy: &Entropy) -> String {
    encrypt(&*old.audit_key(), &newest.former_keys(), &bound_to(old.version()), entropy)
}

/// A key that was kept under `old`, kept under `newest`.
///
/// # Errors
/// [`Broken`] if it was not kept under `old`.
pub fn keep_on(version: i64, kept: &str, keyrings: [&Keyring; 2], entropy: &Entropy) -> Result<String, Broken> {
    let [old, newest] = keyrings;
    let key = decrypt(kept, [&*old.former_keys()], &bound_to(version))?;
    Ok(encrypt(&key, &newest.former_keys(), &bound_to(version), entropy))
}

fn bound_to(version: i64) -> Vec<u8> {
    format!("{PURPOSE}\0{version}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::audit_chain::{Flaw, Head, Link, Row, Walk};
    use super::*;

    fn keyring(seed: u8, version: i64) -> Keyring {
        Keyring::derive(&[seed; 32]).of_version(version)
    }

    fn former(old: &Keyring, newest: &Keyring, is_retired: bool) -> Former {
        let audit_key = Some(keep(old, newest, &Entropy::seeded(1)));
        Former { version: old.version(), audit_key, is_retired }
    }

    /// One event under each of these, in their order.
    fn chain(keyrings: &[&Keyring]) -> Vec<Row> {
        let mut previous = String::new();
        let rows = (1..).zip(keyrings).map(|(seq, keyring)| {
            let mut link = Link {
                account_id: "acc_1".into(),
                seq,
                id: format!("evt_{seq}"),
                at: seq,
                action: "inbox.created".into(),
                actor_kind: String::new(),
                actor_id: String::new(),
                actor_name: String::new(),
                actor_role: String::new(),
                session_id: String::new(),
                ip: String::new(),
                user_agent: String::new(),
                request_id: String::new(),
                target_id: String::new(),
                target_name: String::new(),
                detail: String::new(),
                mac: String::new(),
            };
            link.mac = link
                .with_fields(seq, |fields| super::super::audit_chain::mac(fields, &previous, &AuditKey::of(keyring)));
            previous.clone_from(&link.mac);
            Row { seq, id: link.id.clone(), link: Some(link) }
        });
        rows.collect()
    }

    fn walked(keys: &AuditKeys, rows: &[Row]) -> Result<(), (i64, Flaw)> {
        let mut walk = Walk::new("acc_1", keys, &[]);
        let mut stepped = rows.iter().try_for_each(|row| walk.step(row));
        let last = rows.last().and_then(|row| row.link.as_ref()).expect("an event");
        if stepped.is_ok() {
            stepped = walk.end(Some(&Head { seq: last.seq, mac: last.mac.clone() }));
        }
        stepped.map_err(|bad| (bad.seq, bad.flaw))
    }

    #[test]
    fn an_old_key_vouches_for_what_was_before_the_first_event_of_a_newer_one_and_for_nothing_else() {
        let (old, new) = (keyring(1, 1), keyring(2, 2));
        for is_retired in [false, true] {
            let keys = AuditKeys::open(&new, &[former(&old, &new, is_retired)]).expect("its own key");
            assert_eq!(walked(&keys, &chain(&[&old, &old, &new, &new])), Ok(()));
            assert_eq!(walked(&keys, &chain(&[&old, &new, &old])), Err((3, Flaw::Edited)), "forged with the old file");
            let left_open = walked(&keys, &chain(&[&old, &old]));
            assert_eq!(left_open, if is_retired { Err((2, Flaw::LeftOpen)) } else { Ok(()) });
        }
        let unaware = AuditKeys::open(&new, &[]).expect("no key");
        assert_eq!(walked(&unaware, &chain(&[&old, &new])), Err((1, Flaw::Edited)));
    }

    #[test]
    fn a_former_key_is_kept_on_under_each_newer_file_and_opens_under_no_other() {
        let (first, second, third) = (keyring(1, 1), keyring(2, 2), keyring(3, 3));
        let kept = keep(&first, &second, &Entropy::seeded(1));
        let kept_on = keep_on(1, &kept, [&second, &third], &Entropy::seeded(2)).expect("its own key");
        let of_first = |audit_key: &str| Former { version: 1, audit_key: Some(audit_key.into()), is_retired: true };
        let keys = AuditKeys::open(&third, &[of_first(&kept_on), former(&second, &third, true)]).expect("both");
        assert_eq!(walked(&keys, &chain(&[&first, &second, &third])), Ok(()));
        assert_eq!(walked(&keys, &chain(&[&second, &first, &third])), Err((2, Flaw::Edited)));
        assert!(AuditKeys::open(&third, &[of_first(&kept)]).is_err(), "kept under the file before");
        assert!(AuditKeys::open(&third, &[Former { version: 2, ..of_first(&kept_on) }]).is_err(), "another's place");
        assert!(keep_on(1, &kept, [&third, &second], &Entropy::seeded(2)).is_err());
    }

    #[test]
    fn where_a_file_was_lost_a_digest_vouches() {
        let (gone, new) = (keyring(1, 1), keyring(2, 2));
        let keys = AuditKeys::open(&new, &[Former { version: 1, audit_key: None, is_retired: true }]).expect("no key");
        let mut rows = chain(&[&gone, &gone, &new]);
        let mut digest = super::super::audit_digest::AuditDigest::default();
        rows[..2].iter().filter_map(|row| row.link.as_ref()).for_each(|link| digest.add(link));
        let previous = rows[1].link.as_ref().expect("an event").mac.clone();
        let loss = rows[2].link.as_mut().expect("the loss");
        loss.detail = digest.in_words();
        loss.mac = loss.with_fields(3, |fields| super::super::audit_chain::mac(fields, &previous, &AuditKey::of(&new)));
        let stepped = |rows: &[Row]| {
            let mut walk = Walk::new("acc_1", &keys, &[]).with_loss(3);
            rows.iter().try_for_each(|row| walk.step(row)).map_err(|bad| (bad.seq, bad.flaw))
        };
        assert_eq!(stepped(&rows), Ok(()));
        let mut touched = rows.clone();
        touched[0].link.as_mut().expect("an event").detail = "other".into();
        assert_eq!(stepped(&touched), Err((3, Flaw::ChangedBefore)));
        let mut forged = rows.clone();
        forged[2].link.as_mut().expect("the loss").detail = format!("other {}", digest.in_words());
        assert_eq!(stepped(&forged), Err((3, Flaw::Edited)));
        assert_eq!(stepped(&[rows[0].clone(), rows[2].clone()]), Err((2, Flaw::Missing)));
    }
}
