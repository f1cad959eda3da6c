//! Chance that can be repeated: the same seed, the same draws.

use keydesk::entropy::Entropy;

#[derive(Clone, Debug)]
pub struct Dice(Entropy);

impl Dice {
    pub fn seeded(seed: u64) -> Self {
        Self(Entropy::seeded(seed))
    }

    /// A number below `end`.
    pub fn below(&self, end: usize) -> usize {
        let end = u64::try_from(end).expect("a length");
        usize::try_from(u64::from_le_bytes(self.0.bytes()) % end).expect("a number below a length")
    }

    pub fn pick<'a, T>(&self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// One time in `times`.
    pub fn one_in(&self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn byte(&self) -> u8 {
        self.0.bytes::<1>()[0]
    }

    /// A public IPv4 address.
    pub fn address(&self) -> String {
        format!("198.{}.{}.{}", 18 + self.below(2), self.byte(), self.byte())
    }
}
