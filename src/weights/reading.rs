//! Which weight of a file's list is which variable: every way to read the list.

use std::collections::HashSet;

/// All ways in which a list can be read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Readings {
    /// For each weight the number of its place; one such list a reading.
    pub all: Vec<Vec<usize>>,
    /// There may be more.
    pub is_cut: bool,
    /// The furthest that any reading came: weights that were placed, and the place for the next.
    pub furthest: (usize, usize),
}

/// More readings than that are too many to try.
const MOST: usize = 512;
/// More steps than that are too many to make.
const MOST_STEPS: usize = 4_000_000;

/// Reads `weights` weights into places, in order. `is_many` tells whether a place takes any number of weights rather than one;
/// `fits` whether a weight can stand at a place.
pub(super) fn readings(weights: usize, is_many: &[bool], fits: impl Fn(usize, usize) -> bool) -> Readings {
    struct Step {
        weight: usize,
        place: usize,
        tried: u8,
        found_before: usize,
    }
    let mut readings = Readings::default();
    let mut failed: HashSet<(usize, usize)> = HashSet::new();
    let mut placed: Vec<usize> = Vec::with_capacity(weights);
    // A walk with its own stack: there may be as many steps in a row as there are weights and places.
    let first = Step { weight: 0, place: 0, tried: 0, found_before: 0 };
    let mut steps = vec![first];
    let mut left = MOST_STEPS;
    while let Some(step) = steps.last_mut() {
        let (weight, place) = (step.weight, step.place);
        left -= 1;
        if left == 0 || readings.all.len() == MOST {
            readings.is_cut = true;
            return readings;
        }
        placed.truncate(weight);
        step.tried += 1;
        let next = match (step.tried, is_many.get(place)) {
            (1, None) => {
                if weight == weights {
                    readings.all.push(placed.clone());
                }
                None
            }
            (1, Some(&many)) if weight < weights && fits(place, weight) => {
                placed.push(place);
                Some((weight + 1, if many { place } else { place + 1 }))
            }
            (2, Some(true)) => Some((weight, place + 1)),
            (1, Some(_)) => continue,
            _ => None,
        };
        match next {
            Some((weight, place)) => {
                readings.furthest = readings.furthest.max((weight, place));
                if !failed.contains(&(weight, place)) {
                    let found_before = readings.all.len();
                    steps.push(Step { weight, place, tried: 0, found_before });
                }
            }
            None => {
                if step.found_before == readings.all.len() {
                    failed.insert((weight, place));
                }
                steps.pop();
            }
        }
    }
    readings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a text, a letter a weight, into places: a letter takes itself, `*` any number of any letters.
    fn read(text: &str, places: &str) -> Vec<Vec<usize>> {
        let (text, places): (Vec<char>, Vec<char>) = (text.chars().collect(), places.chars().collect());
        let is_many: Vec<bool> = places.iter().map(|&place| place == '*').collect();
        readings(text.len(), &is_many, |place, weight| places[place] == '*' || places[place] == text[weight]).all
    }

    #[test]
    fn a_list_is_read_in_every_way_there_is() {
        assert_eq!(read("abc", "abc"), [[0, 1, 2]]);
        assert_eq!(read("abc", "acb"), [[0; 0]; 0]);
        assert_eq!(read("abc", "ab"), [[0; 0]; 0]);
        assert_eq!(read("abc", "a*c"), [[0, 1, 2]]);
        assert_eq!(read("ac", "a*c"), [[0, 2]]);
        assert_eq!(read("", "*"), [[0; 0]]);
        assert_eq!(read("ab", "**"), [[0, 0], [0, 1], [1, 1]]);
        assert_eq!(read("abab", "ab*b*").len(), 1);
    }

    #[test]
    fn what_could_be_read_in_too_many_ways_is_given_up() {
        let is_many = vec![true; 40];
        let found = readings(40, &is_many, |_, _| true);
        assert!(found.is_cut && found.all.len() == MOST);
        let none = readings(40, &is_many, |place, weight| weight < 39 || place > 40);
        assert!(none.all.is_empty() && !none.is_cut);
    }
}
