//! Which value classes appear together in a site (the models' "domain classes").

use super::ValueClass;
use crate::rng::Rng;
use crate::weighted::Weighted;

/// A mix of value classes.
#[derive(Clone, Debug, PartialEq)]
pub enum Mix {
    /// Every cell is of this class.
    One(ValueClass),
    /// A share of the cells, at random places, is of the first class, the rest of the second.
    Two {
        /// The class that the share is of.
        first: ValueClass,
        /// The class of the other cells.
        second: ValueClass,
        /// The share's range in percent.
        share: (f64, f64),
    },
    /// Each cell by weight.
    Each(Weighted<ValueClass>),
}

impl Mix {
    /// Two classes with ranges in percent. The two were rounded separately when measured: the first's share is the range
    /// that both allow, or its own where they do not meet.
    pub fn two(first: (ValueClass, [f64; 2]), second: (ValueClass, [f64; 2])) -> Self {
        let ([a, b], [from, to]) = (first.1, second.1);
        let both = (a.max(100.0 - to), b.min(100.0 - from));
        let share = if both.0 <= both.1 { both } else { (a, b) };
        Mix::Two { first: first.0, second: second.0, share }
    }

    /// The class of each of `count` cells, in their order; replaces what `classes` held.
    pub fn draw(&self, rng: &mut Rng, count: usize, classes: &mut Vec<ValueClass>) {
        classes.clear();
        match self {
            Mix::One(class) => classes.resize(count, *class),
            Mix::Two { first, second, share } => {
                let ones = share_of(count, *share, rng);
                // Selection sampling (Knuth, algorithm S): cell by cell, the wanted over those left.
                let mut wanted = ones as u32;
                for left in (1..=count as u32).rev() {
                    let taken = rng.below(left) < wanted;
                    wanted -= u32::from(taken);
                    classes.push(if taken { *first } else { *second });
                }
            }
            Mix::Each(weights) => classes.extend((0..count).map(|_| *weights.draw(rng))),
        }
    }
}

/// A share uniform in a range of percents, of `count` cells: rounded up or down at random by the fraction, and neither
/// none nor all where there are several.
fn share_of(count: usize, (from, to): (f64, f64), rng: &mut Rng) -> usize {
    let share = count as f64 * (from + rng.unit() * (to - from)) / 100.0;
    let whole = share.floor();
    let cells = whole as usize + usize::from(rng.chance(share - whole));
    if count > 1 { cells.clamp(1, count - 1) } else { cells.min(count) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Streams;
    use ValueClass::{InRange, OutOfRange, Zero};

    #[test]
    fn two_rounded_ranges_are_cut_with_each_other() {
        for (first, second, share) in [
            ([75.0, 87.5], [12.5, 25.0], (75.0, 87.5)),
            ([75.0, 87.5], [0.0, 12.5], (87.5, 87.5)),
            ([87.5, 100.0], [0.0, 100.0], (87.5, 100.0)),
            ([75.0, 80.0], [0.0, 12.5], (75.0, 80.0)),
        ] {
            let mix = Mix::two((InRange, first), (OutOfRange, second));
            assert_eq!(mix, Mix::Two { first: InRange, second: OutOfRange, share });
        }
    }

    #[test]
    fn two_classes_both_appear_where_there_are_two_cells() {
        let mix = Mix::two((Zero, [99.0, 100.0]), (InRange, [0.0, 1.0]));
        let mut rng = Streams::new("two").site(0);
        let mut classes = Vec::new();
        for count in 2..50 {
            mix.draw(&mut rng, count, &mut classes);
            assert_eq!(classes.len(), count);
            assert!(classes.contains(&Zero) && classes.contains(&InRange));
        }
    }

    #[test]
    fn a_share_is_rounded_by_its_fraction_and_its_places_are_uniform() {
        // 25 % of 6 cells is 1.5: one cell and two cells alike.
        let mix = Mix::two((Zero, [25.0, 25.0]), (InRange, [75.0, 75.0]));
        let mut rng = Streams::new("share").site(0);
        let mut classes = Vec::new();
        let (mut counts, mut places) = ([0u32; 7], [0u32; 6]);
        for _ in 0..6000 {
            mix.draw(&mut rng, 6, &mut classes);
            counts[classes.iter().filter(|&&class| class == Zero).count()] += 1;
            for (place, _) in classes.iter().enumerate().filter(|&(_, &class)| class == Zero) {
                places[place] += 1;
            }
        }
        // Binomial(6000, 0.5): standard deviation 38.7; 3.3 of them at a significance of 0.001.
        assert_eq!(counts[1] + counts[2], 6000);
        assert!(counts[1].abs_diff(3000) < 128, "{counts:?}");
        // Each place 1.5 of 6 times; standard deviation below 33.6.
        assert!(places.iter().all(|place| place.abs_diff(1500) < 128), "{places:?}");
    }
}
