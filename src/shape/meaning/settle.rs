//! How far what is known of axes goes.

use super::{Beginning, Default, Net, Tensor, Way};
use crate::shape::axis::Meaning::{self, Batch, Channels, Mixed, Place, Places};
use crate::shape::axis::layout;

/// More rounds than any network needs; what is not settled then means nothing.
const MOST_ROUNDS: usize = 32;

impl Net {
    /// Takes what is known as far as it goes.
    pub fn settle(&mut self) {
        if !self.settled() {
            self.made.fill(Some(Mixed));
        }
    }

    /// The same; false if it comes to no end.
    fn settled(&mut self) -> bool {
        let mut is_free: Vec<bool> = vec![true; self.made.len()];
        let sources = self.links.iter().filter(|link| !matches!(link.way, Way::Splitting(_)));
        sources.for_each(|link| is_free[link.to] = false);
        let is_lost = self.leading_to_lost();
        let is_feature = self.features_behind();
        let beginnings = std::mem::take(&mut self.beginnings);
        // What a reshape makes anew is an image if that is how it is read, whatever it was before.
        if !self.back(false) {
            return false;
        }
        for beginning in &beginnings {
            self.name(*beginning, &is_free);
        }
        for _ in 0..MOST_ROUNDS {
            if !self.forward() || !self.back(true) {
                return false;
            }
            let named = beginnings.iter().filter(|beginning| self.name(**beginning, &is_free)).count();
            if named > 0 {
                continue;
            }
            let assumed = beginnings.iter().filter(|start| self.assume(**start, &is_free, &is_lost, &is_feature));
            if assumed.count() == 0 {
                return true;
            }
        }
        false
    }

    /// Whether an axis leads to a layer whose code is not in the file: what reads it there may read it in any order.
    fn leading_to_lost(&self) -> Vec<bool> {
        let mut is_lost = vec![false; self.made.len()];
        self.lost.iter().for_each(|&axis| is_lost[axis] = true);
        for link in self.links.iter().rev() {
            let leads = is_lost[link.to];
            is_lost[link.from..link.from + link.way.axes()].iter_mut().for_each(|lost| *lost |= leads);
        }
        is_lost
    }

    /// Whether an axis has features that no image had before.
    fn features_behind(&self) -> Vec<bool> {
        let mut is_feature = vec![false; self.made.len()];
        self.features.iter().for_each(|&axis| is_feature[axis] = true);
        for link in self.links.iter().filter(|link| link.way == Way::Same) {
            is_feature[link.to] |= is_feature[link.from];
        }
        is_feature
    }

    /// From what makes axes to what is made of them; false if it comes to no end.
    fn forward(&mut self) -> bool {
        until_unchanged(|| {
            let mut changed = false;
            for link in &self.links {
                let from = &self.made[link.from..link.from + link.way.axes()];
                let found = match (link.way, from) {
                    (Way::Same, from) => from[0],
                    (Way::Mixing, from) => from[0].filter(|meaning| *meaning == Channels),
                    (Way::Merging(_), from) => merged(from),
                    // Features have no order before an image is made of them.
                    (Way::Splitting(_), [Some(Channels)]) => None,
                    (Way::Splitting(_), from) => from.iter().any(Option::is_some).then_some(Mixed),
                };
                if !self.is_named[link.to] {
                    changed |= note(&mut self.made[link.to], found);
                }
            }
            changed
        })
    }

    /// From what takes axes to what they are made of, where nothing before tells; false if it comes to no end. Without
    /// `with_made`, what layers say that take them is all that counts, not what else they make of them.
    fn back(&mut self, with_made: bool) -> bool {
        self.taken.clear();
        self.taken.resize(self.made.len(), None);
        for &(axis, meaning) in &self.reads {
            note(&mut self.taken[axis], Some(loosely(meaning)));
        }
        until_unchanged(|| {
            let mut changed = false;
            for link in self.links.iter().rev() {
                let Some(meaning) = self.made[link.to].filter(|_| with_made).or(self.taken[link.to]) else { continue };
                let tells = match link.way {
                    Way::Same => true,
                    Way::Mixing => meaning == Channels,
                    Way::Merging(_) => matches!(meaning, Place(_) | Places),
                    Way::Splitting(_) => false,
                };
                for axis in link.from..link.from + link.way.axes() {
                    if tells && meaning != Mixed && !(with_made && self.made[axis].is_some()) {
                        changed |= note(&mut self.taken[axis], Some(loosely(meaning)));
                    }
                }
            }
            changed
        })
    }

    /// Gives the axes of a beginning the meanings that what takes them tells; whether there were any.
    fn name(&mut self, beginning: Beginning, is_free: &[bool]) -> bool {
        let Tensor { first, rank } = beginning.tensor;
        let free: Vec<usize> =
            (first + 1..first + rank).filter(|&axis| is_free[axis] && self.made[axis].is_none()).collect();
        let told = |meaning: fn(&Meaning) -> bool| -> Vec<usize> {
            free.iter().copied().filter(|&axis| self.taken[axis].as_ref().is_some_and(meaning)).collect()
        };
        let channels = told(|meaning| *meaning == Channels);
        let places = told(|meaning| matches!(meaning, Place(None)));
        if channels.len() + places.len() == 0 {
            return false;
        }
        let open = free.iter().filter(|&&axis| self.taken[axis].is_none()).count();
        // Where all axes are new, places stand in their order.
        let in_order = free.len() + 1 == rank
            && channels.len() + places.len() + open == free.len()
            && (channels.len() == 1 || places.len() == free.len());
        let mut place = free.len() - channels.len();
        for axis in free {
            self.made[axis] = match in_order && !channels.contains(&axis) {
                true => {
                    place -= 1;
                    Some(Place(u8::try_from(place).ok()))
                }
                false => self.taken[axis],
            };
            self.is_named[axis] = self.made[axis].is_some();
        }
        true
    }

    /// Gives a beginning of which nothing is told what Keras' own order says; whether it did.
    fn assume(&mut self, beginning: Beginning, is_free: &[bool], is_lost: &[bool], is_feature: &[bool]) -> bool {
        let Tensor { first, rank } = beginning.tensor;
        let has_default = match beginning.default {
            Default::No => false,
            Default::Yes => self.reads.is_empty() || !is_lost[first..first + rank].contains(&true),
            Default::OfFeatures(axis) => self.made[axis] == Some(Channels) && is_feature[axis],
        };
        let axes = first + 1..first + rank;
        let nothing = |axis: usize| is_free[axis] && self.made[axis].is_none() && self.taken[axis].is_none();
        if !has_default || axes.is_empty() || !axes.clone().all(nothing) {
            return false;
        }
        for (axis, meaning) in axes.zip(layout(rank, false).into_iter().skip(1)) {
            self.made[axis] = Some(meaning);
        }
        true
    }
}

impl Way {
    /// How many axes it goes on from.
    fn axes(self) -> usize {
        match self {
            Way::Same | Way::Mixing => 1,
            Way::Merging(axes) | Way::Splitting(axes) => axes,
        }
    }
}

fn until_unchanged(mut step: impl FnMut() -> bool) -> bool {
    (0..MOST_ROUNDS).any(|_| !step())
}

/// What neighbours are together.
fn merged(axes: &[Option<Meaning>]) -> Option<Meaning> {
    let all = |is: fn(&Meaning) -> bool| axes.iter().all(|meaning| meaning.as_ref().is_some_and(is));
    if all(|meaning| matches!(meaning, Place(_) | Places)) {
        Some(Places)
    } else {
        all(|meaning| *meaning != Batch).then_some(Mixed)
    }
}

/// What is told backward: an order of places is not, since nothing says that it was the same before.
fn loosely(meaning: Meaning) -> Meaning {
    match meaning {
        Place(_) | Places => Place(None),
        other => other,
    }
}

/// Adds what is found of an axis to what is known of it; whether that changes. What is known only grows: a place, which
/// place, different places, nonsense.
fn note(known: &mut Option<Meaning>, found: Option<Meaning>) -> bool {
    let joined = match (*known, found) {
        (known, None) => known,
        (None, found) => found,
        (Some(a), Some(b)) if a == b => Some(a),
        (Some(Place(a)), Some(Place(b))) if a.is_none() || b.is_none() => Some(Place(a.or(b))),
        (Some(Place(_) | Places), Some(Place(_) | Places)) => Some(Places),
        _ => Some(Mixed),
    };
    let changed = joined != *known;
    *known = joined;
    changed
}
