//! THE promise: which random words make site *i*, on every machine and in every later version.
//!
//! - The generator is ChaCha12 (D. J. Bernstein, 2008; 64-bit block counter from 0, 64-bit stream number), a
//!   counter-based one: every site has a stream of its own, and no site needs another to be drawn first.
//! - Its key is the SHA-256 of the UTF-8 text given to [`Streams::new`], which names all that a site may depend on; the
//!   text begins with its own version. The stream number is the site's index.
//! - Its output is taken as 32-bit words in the order of the key stream, each little-endian.
//! - All numbers are made of these words by the functions of [`Rng`], as written there, and by no library's
//!   distributions, which may change between versions.
//!
//! So sites made at once, in shards, on eight threads or on ten machines are the same bytes. A change to anything that
//! would alter a site raises the text's version, is a breaking change, and stands in the change log.

use rand::rngs::{ChaCha12Rng, SysRng};
use rand::{Rng as _, SeedableRng, TryRng};
use sha2::{Digest, Sha256};

/// The streams of one run: one for each site.
#[derive(Clone)]
pub struct Streams {
    key: [u8; 32],
}

impl Streams {
    /// The streams whose key is the SHA-256 of `text`.
    pub fn new(text: &str) -> Self {
        Streams { key: Sha256::digest(text).into() }
    }

    /// The stream of site `index`, from its beginning.
    pub fn site(&self, index: u64) -> Rng {
        let mut words = ChaCha12Rng::from_seed(self.key);
        words.set_stream(index);
        Rng { words }
    }
}

/// A site's stream of random words, and the numbers made of them.
pub struct Rng {
    words: ChaCha12Rng,
}

impl Rng {
    /// The next word.
    #[inline]
    pub fn word(&mut self) -> u32 {
        self.words.next_u32()
    }

    /// A uniform integer in `0..n`; 0, without taking a word, where `n` is 0 or 1.
    ///
    /// Multiplies a word by `n` and takes the high half; where the low half is less than 2³² mod `n`, starts again with
    /// the next word (D. Lemire, "Fast Random Integer Generation in an Interval", 2019).
    #[inline]
    pub fn below(&mut self, n: u32) -> u32 {
        if n < 2 {
            return 0;
        }
        loop {
            let product = u64::from(self.word()) * u64::from(n);
            let low = product as u32;
            // 2^32 mod n costs a division, and n bounds it.
            if low >= n || low >= n.wrapping_neg() % n {
                return (product >> 32) as u32;
            }
        }
    }

    /// A uniform integer in `low..=high`: `low + below(high - low + 1)`. `low` where `high` is smaller; not the whole
    /// range of u32.
    #[inline]
    pub fn between(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// A uniform multiple of 2⁻⁵³ in `0.0..1.0`: the upper 53 bits of two words, the first being the high one.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        let high = u64::from(self.word());
        let low = u64::from(self.word());
        ((high << 32 | low) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with probability `p`: `unit() < p`.
    #[inline]
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }
}

/// A seed for a run to which none was given, from the system's entropy, below 2⁵³ so that tools which read JSON numbers as
/// doubles (jq, JavaScript) do not round it.
///
/// # Errors
/// The system has no entropy to give.
pub fn fresh_seed() -> std::io::Result<u64> {
    SysRng.try_next_u64().map(|word| word >> 11).map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words come from `tests/data/chacha12.py`, which follows the paper alone.
    #[test]
    fn the_words_are_those_of_chacha12() {
        let words = |site: u64| -> [u32; 3] {
            let mut rng = Streams::new("classes-h5").site(site);
            [rng.word(), rng.word(), rng.word()]
        };
        assert_eq!(words(0), [0x1154_b0fb, 0x1dd0_1de4, 0xc447_a2a5]);
        assert_eq!(words(1 << 40 | 5), [0x3432_0d76, 0x5249_0f52, 0xd28b_4029]);
    }

    #[test]
    fn integers_stay_below_and_meet_every_value_alike() {
        let mut rng = Streams::new("integers").site(0);
        let mut seen = [0u32; 7];
        for _ in 0..70_000 {
            seen[rng.below(7) as usize] += 1;
        }
        // Chi-square with 6 degrees of freedom: 22.46 at a significance of 0.001.
        let chi: f64 = seen.iter().map(|&n| (f64::from(n) - 10_000.0).powi(2) / 10_000.0).sum();
        assert!(chi < 22.46, "{seen:?}");
        assert_eq!(rng.below(0), 0);
        assert_eq!(rng.below(1), 0);
        assert_eq!(rng.between(5, 5), 5);
        assert_eq!(rng.between(5, 4), 5);
    }

    #[test]
    fn integers_are_the_high_half_of_a_product() {
        let mut words = Streams::new("halves").site(3);
        let mut rng = Streams::new("halves").site(3);
        for n in [2, 3, 1000, u32::MAX] {
            let expected = (u64::from(words.word()) * u64::from(n)) >> 32;
            assert_eq!(u64::from(rng.below(n)), expected);
        }
    }

    #[test]
    fn units_are_53_bits_of_two_words() {
        let mut words = Streams::new("units").site(0);
        let mut rng = Streams::new("units").site(0);
        let (high, low) = (words.word(), words.word());
        let expected = (f64::from(high) * 4294967296.0 + f64::from(low & !0x7ff)) / 2f64.powi(64);
        assert_eq!(rng.unit(), expected);
    }

    #[test]
    fn a_fresh_seed_survives_a_double() {
        let seed = fresh_seed().unwrap();
        assert_eq!(seed as f64 as u64, seed);
    }
}
