//! What a parameter holds: one value, or several of which each try draws one.

use serde::ser::{Serialize, Serializer};

use crate::rng::Rng;

/// A range in percent, `0 <= from <= to <= 100`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percent {
    from: f64,
    to: f64,
}

impl Percent {
    /// `None` where the range is upside down or leaves 0 to 100.
    pub fn new(from: f64, to: f64) -> Option<Self> {
        (0.0 <= from && from <= to && to <= 100.0).then_some(Percent { from, to })
    }

    /// The least count of `n` that the range stands for: `n * from / 100`, halves rounded to even.
    pub fn least(self, n: u32) -> u32 {
        (f64::from(n) * self.from / 100.0).round_ties_even() as u32
    }

    fn most(self, n: u32) -> u32 {
        (f64::from(n) * self.to / 100.0).round_ties_even() as u32
    }

    /// A uniform count of `n`: an integer from [`Percent::least`] to the same of the upper end.
    pub fn count(self, n: u32, rng: &mut Rng) -> u32 {
        rng.between(self.least(n), self.most(n))
    }
}

/// A parameter as it was drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Setting {
    /// A count.
    Count(u32),
    /// A range in percent.
    Percent(Percent),
}

impl From<u32> for Setting {
    fn from(count: u32) -> Self {
        Setting::Count(count)
    }
}

impl From<Percent> for Setting {
    fn from(percent: Percent) -> Self {
        Setting::Percent(percent)
    }
}

impl Serialize for Setting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Setting::Count(count) => count.serialize(serializer),
            Setting::Percent(percent) => [percent.from, percent.to].serialize(serializer),
        }
    }
}

/// Values of which each try draws one, uniformly. Never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice<T> {
    first: T,
    others: Vec<T>,
}

impl<T: Copy> Choice<T> {
    /// `None` where there is nothing to choose from.
    pub fn new(values: impl IntoIterator<Item = T>) -> Option<Self> {
        let mut values = values.into_iter();
        let first = values.next()?;
        Some(Choice { first, others: values.collect() })
    }

    /// The values, in the model's order.
    pub fn values(&self) -> impl Iterator<Item = T> {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }

    /// How many values there are.
    pub fn count(&self) -> usize {
        1 + self.others.len()
    }

    /// One of the values.
    pub fn draw(&self, rng: &mut Rng) -> T {
        self.nth(rng.below(self.count() as u32))
    }

    /// One of the values that `keep` accepts, if any.
    pub fn draw_where(&self, rng: &mut Rng, keep: impl Fn(T) -> bool) -> Option<T> {
        let kept = || self.values().filter(|&value| keep(value));
        let nth = rng.below(kept().count() as u32);
        kept().nth(nth as usize)
    }

    fn nth(&self, n: u32) -> T {
        match n.checked_sub(1) {
            Some(n) => self.others[n as usize],
            None => self.first,
        }
    }
}

/// A least and a greatest value that are drawn together.
///
/// A fixed one counts before a drawn one; of two drawn ones, the first in the file. The first is drawn freely, the other
/// among the choices that keep min <= max; where none does, it takes the first one's value.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    pub min: Choice<u32>,
    pub max: Choice<u32>,
    pub min_first: bool,
}

impl Pair {
    /// (min, max) with `min <= max`, and `min <= limit` if some choice of min is.
    pub fn draw(&self, rng: &mut Rng, limit: u32) -> (u32, u32) {
        if self.min_first {
            let min = self.min.draw_where(rng, |min| min <= limit).unwrap_or(self.min.first);
            (min, self.max.draw_where(rng, |max| min <= max).unwrap_or(min))
        } else {
            let max = self.max.draw(rng);
            (self.min.draw_where(rng, |min| min <= max.min(limit)).unwrap_or(max), max)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Streams;

    fn pair(min: &[u32], max: &[u32], min_first: bool) -> Pair {
        let choice = |values: &[u32]| Choice::new(values.iter().copied()).unwrap();
        Pair { min: choice(min), max: choice(max), min_first }
    }

    fn drawn(pair: &Pair, limit: u32) -> Vec<(u32, u32)> {
        let mut rng = Streams::new("pairs").site(0);
        let mut all: Vec<_> = (0..200).map(|_| pair.draw(&mut rng, limit)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    #[test]
    fn percents_round_halves_to_even() {
        let percent = Percent::new(10.0, 50.0).unwrap();
        assert_eq!([5, 15, 25].map(|n| percent.least(n)), [0, 2, 2]);
        assert_eq!([5, 7, 9].map(|n| percent.most(n)), [2, 4, 4]);
        for (from, to) in [(-1.0, 5.0), (5.0, 4.0), (90.0, 100.5), (f64::NAN, 1.0)] {
            assert_eq!(Percent::new(from, to), None);
        }
    }

    #[test]
    fn counts_meet_both_ends() {
        let percent = Percent::new(0.0, 12.5).unwrap();
        let mut rng = Streams::new("percents").site(0);
        let mut seen: Vec<_> = (0..200).map(|_| percent.count(24, &mut rng)).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, [0, 1, 2, 3]);
    }

    #[test]
    fn a_pair_never_comes_out_upside_down() {
        assert_eq!(drawn(&pair(&[4], &[1, 8], true), u32::MAX), [(4, 8)]);
        assert_eq!(drawn(&pair(&[4], &[1, 2], true), u32::MAX), [(4, 4)]);
        assert_eq!(drawn(&pair(&[1, 4, 9], &[4], false), u32::MAX), [(1, 4), (4, 4)]);
        assert_eq!(drawn(&pair(&[9], &[4], false), u32::MAX), [(4, 4)]);
        assert_eq!(drawn(&pair(&[1, 6], &[2, 8], true), u32::MAX), [(1, 2), (1, 8), (6, 8)]);
        assert_eq!(drawn(&pair(&[1, 6], &[2, 8], false), u32::MAX), [(1, 2), (1, 8), (6, 8)]);
    }

    #[test]
    fn a_pair_keeps_to_its_limit() {
        assert_eq!(drawn(&pair(&[1, 6], &[8], true), 5), [(1, 8)]);
        assert_eq!(drawn(&pair(&[1, 6], &[8], false), 5), [(1, 8)]);
        assert_eq!(drawn(&pair(&[5, 6], &[2, 8], false), 5), [(2, 2), (5, 8)]);
    }
}
