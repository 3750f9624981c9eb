//! What a run must own up to: sites that are not what their name says, sites that a cap decided.

use std::collections::BTreeMap;

use crate::draw::Drawn;
use crate::pattern::SpatialClass;

/// Counts of the sites of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    classes: BTreeMap<SpatialClass, Counts>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    drawn: u64,
    other: u64,
    capped: u64,
}

impl Tally {
    /// Counts a site. Bit flips have nothing to own up to.
    pub fn add(&mut self, drawn: &Drawn) {
        if let Some(pattern) = drawn.pattern() {
            let counts = self.classes.entry(pattern.class).or_default();
            counts.drawn += 1;
            counts.other += u64::from(!pattern.as_defined);
            counts.capped += u64::from(pattern.capped);
        }
    }

    /// The counts of both.
    pub fn merge(mut self, other: Tally) -> Self {
        for (class, more) in other.classes {
            let counts = self.classes.entry(class).or_default();
            counts.drawn += more.drawn;
            counts.other += more.other;
            counts.capped += more.capped;
        }
        self
    }

    /// What is to be said of the run, a line each.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let drawn: u64 = self.classes.values().map(|counts| counts.drawn).sum();
        let other: u64 = self.classes.values().map(|counts| counts.other).sum();
        let capped: u64 = self.classes.values().map(|counts| counts.capped).sum();
        if other > 0 {
            let class = |(class, counts): (&SpatialClass, &Counts)| {
                (counts.other > 0).then(|| format!("{class} {} of {}", counts.other, counts.drawn))
            };
            let by_class: Vec<_> = self.classes.iter().filter_map(class).collect();
            words.push(format!(
                "{other} of {drawn} sites do not meet their class's definition (\"as_defined\": false): {}",
                by_class.join(", ")
            ));
        }
        if capped > 0 {
            words.push(format!(
                "{capped} of {drawn} sites come from percents measured on smaller tensors, so that an absolute cap decided \
                 (\"capped\": true; --rows fitting leaves such parameters out)"
            ));
        }
        words
    }
}
