//! The key parser accepts what the generator makes and nothing else, judged by a second reading of the format that
//! shares no line with the first.

#![no_main]

use std::sync::LazyLock;

use keydesk::entropy::Entropy;
use keydesk::model::secret::{Presented, Secret};
use libfuzzer_sys::fuzz_target;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static PREFIXES: LazyLock<Vec<String>> = LazyLock::new(|| vec!["kd_test_".into(), "kd_live_".into()]);

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        assert_eq!(Presented::parse(text, &PREFIXES).is_ok(), is_secret(text), "{text:?}");
    }
    // Nobody guesses a checksum: the same bytes as the random part of a secret, and that secret with one byte replaced.
    let made = made_of(data);
    assert!(Presented::parse(&made, &PREFIXES).is_ok(), "{made:?}");
    if let [at, byte, ..] = *data {
        let mut changed = made.clone().into_bytes();
        let at = usize::from(at) % changed.len();
        changed[at] = byte;
        if let Ok(changed) = std::str::from_utf8(&changed) {
            assert_eq!(Presented::parse(changed, &PREFIXES).is_ok(), is_secret(changed), "{changed:?}");
        }
    }
    let seed = data.iter().fold(0_u64, |seed, byte| seed.rotate_left(8) ^ u64::from(*byte));
    let drawn = Secret::generate("kd_live_", &Entropy::seeded(seed));
    assert!(is_secret(drawn.reveal()) && Presented::parse(drawn.reveal(), &PREFIXES).is_ok());
});

fn made_of(data: &[u8]) -> String {
    let random = (0..43).map(|at| char::from(DIGITS[usize::from(data.get(at).copied().unwrap_or(0)) % 62]));
    let body: String = "kd_test_".chars().chain(random).collect();
    let sum = checksum(&body);
    body + &sum
}

fn is_secret(text: &str) -> bool {
    let Some(rest) = ["kd_test_", "kd_live_"].iter().find_map(|prefix| text.strip_prefix(prefix)) else { return false };
    rest.len() == 49
        && rest.bytes().all(|byte| DIGITS.contains(&byte))
        && checksum(&text[..text.len() - 6]) == rest[43..]
}

/// CRC-32 bit by bit, as six base62 digits.
fn checksum(text: &str) -> String {
    let mut crc = u32::MAX;
    for byte in text.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    let value = u64::from(!crc);
    let place = |power| char::from(DIGITS[usize::try_from(value / 62_u64.pow(power) % 62).expect("a digit")]);
    (0..6).rev().map(place).collect()
}
