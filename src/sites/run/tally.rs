//! What a run must own up to: sites that are not what their name says, sites that a cap decided.

use std::collections::BTreeMap;

use crate::draw::Drawn;
use crate::pattern::SpatialClass;

/// Counts of the sites of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    classes: BTreeMap<SpatialClass, Counts>,
}

/// Counts of the sites of one spatial class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All.
    pub drawn: u64,
    /// Those that do not meet the class's definition.
    pub other: u64,
    /// Those that an absolute cap decided.
    pub capped: u64,
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

    /// The counts of all threads.
    pub fn of_all<T>(rooms: Vec<(T, Tally)>) -> Self {
        rooms.into_iter().fold(Tally::default(), |tally, (_, other)| tally.merge(other))
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

    /// The spatial classes that were drawn, each with its counts.
    pub fn classes(&self) -> impl Iterator<Item = (SpatialClass, Counts)> + '_ {
        self.classes.iter().map(|(class, counts)| (*class, *counts))
    }
}
