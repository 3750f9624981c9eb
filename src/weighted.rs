//! Things with relative frequencies, one of which is drawn.

use crate::rng::Rng;

/// Things and their weights, which sum to 1. Never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighted<T> {
    entries: Vec<(f64, T)>,
    /// The last one with a weight: where rounding leaves the sum below 1, what is left is its.
    last: usize,
}

impl<T> Weighted<T> {
    /// Normalises the weights, none of which may be negative; `None` where all are 0.
    pub fn new(mut entries: Vec<(f64, T)>) -> Option<Self> {
        let last = entries.iter().rposition(|&(weight, _)| weight > 0.0)?;
        let mut sum: f64 = entries.iter().map(|&(weight, _)| weight).sum();
        if sum.is_infinite() {
            let greatest = entries.iter().map(|&(weight, _)| weight).fold(0.0, f64::max);
            entries.iter_mut().for_each(|(weight, _)| *weight /= greatest);
            sum = entries.iter().map(|&(weight, _)| weight).sum();
        }
        for (weight, _) in &mut entries {
            *weight /= sum;
        }
        Some(Weighted { entries, last })
    }

    /// The things with their weights, in the model's order.
    pub fn iter(&self) -> impl Iterator<Item = (f64, &T)> {
        self.entries.iter().map(|(weight, thing)| (*weight, thing))
    }

    /// The place of one of the things, by weight: the first at which the running sum exceeds a [`Rng::unit`].
    pub fn draw_place(&self, rng: &mut Rng) -> usize {
        let mut left = rng.unit();
        for (place, (weight, _)) in self.entries[..self.last].iter().enumerate() {
            if left < *weight {
                return place;
            }
            left -= weight;
        }
        self.last
    }

    /// One of the things, by weight.
    pub fn draw(&self, rng: &mut Rng) -> &T {
        self.get(self.draw_place(rng))
    }

    /// The thing at a place that [`Weighted::draw_place`] gave.
    pub fn get(&self, place: usize) -> &T {
        &self.entries[place].1
    }
}

/// A quantile of values by weight, `(value, weight)`: the least that so large a share of the weight, which sums to 1, does not
/// exceed; 0 of none. Sorts them.
pub fn quantile(values: &mut [(f64, f64)], quantile: f64) -> f64 {
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut reached = 0.0;
    let at = values.iter().find(|(_, weight)| {
        reached += weight;
        // A sum of weights may be a rounding below what it stands for.
        reached + 1e-12 >= quantile
    });
    at.or(values.last()).map_or(0.0, |(value, _)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Streams;

    #[test]
    fn weights_are_normalised_and_followed() {
        let weighted = Weighted::new(vec![(0.0, 'a'), (3.0, 'b'), (1.0, 'c'), (0.0, 'd')]).unwrap();
        let mut rng = Streams::new("weights").site(0);
        let drawn: String = (0..4000).map(|_| *weighted.draw(&mut rng)).collect();
        assert_eq!(drawn.matches(['a', 'd']).count(), 0);
        // Binomial(4000, 0.75): 3000 with a standard deviation of 27.4; 3.3 of them at a significance of 0.001.
        assert!(drawn.matches('b').count().abs_diff(3000) < 90);
        assert_eq!(weighted.iter().map(|(weight, _)| weight).collect::<Vec<_>>(), [0.0, 0.75, 0.25, 0.0]);
    }

    #[test]
    fn nothing_with_a_weight_is_nothing() {
        assert_eq!(Weighted::<()>::new(vec![]), None);
        assert_eq!(Weighted::new(vec![(0.0, ())]), None);
        let huge = Weighted::new(vec![(1.5e308, 'a'), (0.5e308, 'b'), (1e308, 'c')]).unwrap();
        let weights: Vec<f64> = huge.iter().map(|(weight, _)| weight).collect();
        assert!(weights.iter().zip([0.5, 1.0 / 6.0, 1.0 / 3.0]).all(|(got, wanted)| (got - wanted).abs() < 1e-15));
    }
}
