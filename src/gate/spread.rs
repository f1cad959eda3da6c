//! Numbers that are spread evenly already, such as the beginning of a MAC, as keys of a table: hashing them again would cost a
//! verdict time and spread them no better.

use std::hash::{BuildHasherDefault, Hasher};

/// Of a table whose keys are such numbers.
pub type Spread = BuildHasherDefault<AsItIs>;

#[derive(Debug, Default)]
pub struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
