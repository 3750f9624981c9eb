//! The weights of a nested model: one flat list for all that is inside, at every depth.
//!
//! Which weight is which variable is told by the classes of the layers and their settings, and proved by the file: its list, and
//! the paths in it, must be what Keras expects of the old config. Of layers of other classes the file itself may tell what trains:
//! by where its list begins anew, and by the optimizer's slots. Where that leaves readings that lead to different files, there is
//! no guess.

use std::collections::{HashMap, HashSet};

use super::evidence::Evidence;
use super::listing::{Item, Key, Leaf, Listing};
use super::reading::{Readings, readings};
use super::{PlanError, WeightsError, mode_path};
use crate::graph::{Graph, Layer};
use crate::keras::version::Keras;
use crate::model_file::{Mode, SavedLayer, WeightsPlan};
use crate::text::shown;

/// A nested model, before an edit or after it.
#[derive(Clone, Copy)]
pub(super) struct Nested<'a> {
    /// The model as a layer.
    pub layer: &'a Layer<'a>,
    /// What is in it.
    pub graph: &'a Graph<'a>,
    /// The Keras that the file is for.
    pub keras: Keras,
}

/// Adds to `plan` what changes in the list of one nested model.
pub(super) fn plan(
    old: Nested,
    new: Nested,
    saved: &SavedLayer,
    evidence: &Evidence,
    plan: &mut WeightsPlan,
) -> Result<(), PlanError> {
    let listing = |of: Nested, keras: Keras| Listing::new(of.layer, of.graph, keras);
    let (old_list, new_list) = (listing(old, old.keras)?, listing(new, new.keras)?);
    if old_list.keys() == new_list.keys() {
        // Whatever the list holds, all stays where it is.
        return Ok(());
    }
    let mut lists = vec![old_list];
    // A model of Keras 2 may have been rewritten for Keras 3 before, and still says that Keras 2 wrote it.
    for other in old.keras.others_that_load_its_files() {
        lists.push(listing(old, other)?);
    }
    let mut first_difference = None;
    for strict in lists {
        let loosened = strict.loosened();
        for (list, new_list) in [(strict, &new_list), (loosened, &new_list.loosened())] {
            let work = Work { list: &list, new_list, saved, evidence };
            let readings = work.readings();
            if readings.all.is_empty() {
                first_difference.get_or_insert_with(|| work.difference(&readings));
                continue;
            }
            let outcome = work.decide(&readings)?;
            let group = || saved.name.clone();
            plan.modes.extend(outcome.added.into_iter().map(|path| Mode { layer: group(), path }));
            plan.removed.extend(outcome.removed.into_iter().map(|path| (group(), path)));
            if outcome.wanted != saved.weights {
                plan.weight_names.push((group(), outcome.wanted));
            }
            return Ok(());
        }
    }
    let difference = first_difference.unwrap_or_default();
    Err(WeightsError::NestedOrder { model: saved.name.clone(), difference }.into())
}

/// What a reading of the old list leads to.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    wanted: Vec<String>,
    added: Vec<String>,
    removed: Vec<String>,
}

/// What the user says of the weights of one layer.
#[derive(Debug, Default, Clone, Copy)]
struct StatedOfLayer {
    /// Of all of them.
    all: Option<bool>,
    /// Whether some are said not to train, and whether some are said to.
    some: [bool; 2],
}

impl StatedOfLayer {
    /// What is said of a weight of which `said` is said by name.
    fn of(self, said: Option<bool>) -> Option<bool> {
        let others = match self.some {
            [true, false] => Some(true),
            [false, true] => Some(false),
            _ => None,
        };
        said.or(self.all).or(others)
    }
}

/// A list as it is and as it should be.
struct Work<'a> {
    list: &'a Listing,
    new_list: &'a Listing,
    saved: &'a SavedLayer,
    evidence: &'a Evidence<'a>,
}

impl Work<'_> {
    /// All ways in which the list can be read.
    fn readings(&self) -> Readings {
        let weights = &self.saved.weights;
        let owners = self.list.owners(weights);
        let stated = self.stated(&owners);
        let is_many: Vec<bool> = self.list.items.iter().map(|item| item.variable.is_many).collect();
        let fits = |place: usize, weight: usize| {
            let item = &self.list.items[place];
            let (owners, weight) = (&owners[weight], weights[weight].as_str());
            let is_owner = owners.is_empty() || owners.contains(&item.variable.leaf);
            if !is_owner || !is_named(item, weight) {
                return false;
            }
            // Known classes need no evidence.
            let is_open = item.variable.is_many && !item.is_whole;
            let said = stated[item.variable.leaf].of(self.evidence.stated_of(weight));
            let trains = said.or(self.evidence.has_slots(&self.saved.name, weight).then_some(true));
            !is_open || trains.is_none_or(|trains| trains == item.trains)
        };
        readings(weights.len(), &is_many, fits)
    }

    /// What the user says of each layer's weights.
    fn stated(&self, owners: &[HashSet<usize>]) -> Vec<StatedOfLayer> {
        let layer = |leaf: &Leaf| self.evidence.stated_of(&self.path(leaf));
        let mut stated: Vec<StatedOfLayer> =
            self.list.leaves.iter().map(|leaf| StatedOfLayer { all: layer(leaf), ..Default::default() }).collect();
        for (weight, owners) in self.saved.weights.iter().zip(owners) {
            if let Some(trains) = self.evidence.stated_of(weight) {
                owners.iter().for_each(|&leaf| stated[leaf].some[usize::from(trains)] = true);
            }
        }
        stated
    }

    /// The path of a layer in the whole model.
    fn path(&self, leaf: &Leaf) -> String {
        format!("{}/{}", self.saved.name, leaf.path)
    }

    /// The one outcome of all readings.
    fn decide(&self, readings: &Readings) -> Result<Outcome, WeightsError> {
        let by_slots: Vec<&Vec<usize>> = readings.all.iter().filter(|reading| self.is_as_slots_say(reading)).collect();
        let readings_left = if by_slots.is_empty() { readings.all.iter().collect() } else { by_slots };
        let mut first: Option<(Outcome, &Vec<usize>)> = None;
        for reading in readings_left {
            let outcome = self.outcome(reading)?;
            match &first {
                None => first = Some((outcome, reading)),
                Some((known, known_reading)) if *known != outcome => {
                    let differs = (0..reading.len()).find(|&weight| reading[weight] != known_reading[weight]);
                    return Err(self.unclear(&self.list.items[reading[differs.unwrap_or(0)]], reading));
                }
                Some(_) => {}
            }
        }
        match first {
            Some((outcome, _)) if !readings.is_cut => Ok(outcome),
            Some((_, reading)) => Err(self.unclear(&self.list.items[reading[0]], reading)),
            None => Err(WeightsError::NestedOrder { model: self.saved.name.clone(), difference: String::new() }),
        }
    }

    /// Whether exactly those weights train that have slots in the optimizer.
    fn is_as_slots_say(&self, reading: &[usize]) -> bool {
        let has_slots = |weight: &String| self.evidence.has_slots(&self.saved.name, weight);
        let mut weights = self.saved.weights.iter().zip(reading);
        self.saved.weights.iter().any(has_slots)
            && weights.all(|(weight, &place)| self.list.items[place].trains == has_slots(weight))
    }

    fn outcome(&self, reading: &[usize]) -> Result<Outcome, WeightsError> {
        for (weight, &place) in self.saved.weights.iter().zip(reading) {
            let item = &self.list.items[place];
            if !item.variable.is_many && self.evidence.stated_of(weight).is_some_and(|trains| trains != item.trains) {
                let leaf = self.list.leaf(item);
                let (layer, class) = (self.path(leaf), leaf.class.clone());
                return Err(WeightsError::StatedOtherwise { weight: weight.clone(), layer, class });
            }
        }
        let mut by_key: HashMap<Key, Vec<&str>> = self.list.keys().into_iter().map(|key| (key, Vec::new())).collect();
        for (weight, &place) in self.saved.weights.iter().zip(reading) {
            by_key.entry(self.list.key(&self.list.items[place])).or_default().push(weight);
        }
        let old_layers: HashSet<&str> = self.list.leaves.iter().map(|leaf| leaf.path.as_str()).collect();
        let (mut wanted, mut added) = (Vec::new(), Vec::new());
        for item in &self.new_list.items {
            let leaf = self.new_list.leaf(item);
            match by_key.get(&self.new_list.key(item)) {
                Some(weights) => wanted.extend(weights.iter().map(|&weight| weight.to_owned())),
                None if leaf.is_simulator => {
                    let path = self.new_mode(&leaf.path, &added);
                    added.push(path.clone());
                    wanted.push(path);
                }
                // The setting has changed, or the Keras, of a layer that does not tell what that means for its weights.
                None if old_layers.contains(leaf.path.as_str()) => return Err(self.unclear(item, reading)),
                None => {}
            }
        }
        let stays: HashSet<Key> = self.new_list.keys().into_iter().collect();
        let is_removed = |item: &&Item| self.list.leaf(item).is_simulator && !stays.contains(&self.list.key(item));
        let removed = self.list.items.iter().filter(is_removed);
        let removed = removed.flat_map(|item| &by_key[&self.list.key(item)]).map(|&weight| weight.to_owned()).collect();
        Ok(Outcome { wanted, added, removed })
    }

    /// Where the mode of a new simulator is saved. Two models in this one may have simulators of the same name.
    fn new_mode(&self, path: &str, added: &[String]) -> String {
        let short = mode_path(path.rsplit('/').next().unwrap_or(path));
        if self.saved.weights.contains(&short) || added.contains(&short) { mode_path(path) } else { short }
    }

    fn unclear(&self, item: &Item, reading: &[usize]) -> WeightsError {
        let list = if self.list.items.contains(item) { self.list } else { self.new_list };
        let leaf = list.leaf(item);
        let is_its = |place: usize| self.list.leaf(&self.list.items[place]).path == leaf.path;
        let weights = self.saved.weights.iter().zip(reading);
        let weights = weights.filter(|&(_, &place)| is_its(place)).map(|(weight, _)| weight.clone()).collect();
        WeightsError::Unclear {
            layer: self.path(leaf),
            class: leaf.class.clone(),
            model: self.saved.name.clone(),
            weights,
        }
    }

    /// The first weight that stands where Keras expects another.
    fn difference(&self, readings: &Readings) -> String {
        let (weight, place) = readings.furthest;
        let found = self.saved.weights.get(weight).map_or("nothing".to_owned(), |name| format!("'{}'", shown(name)));
        let expected = match self.list.items.get(place) {
            None => "nothing".to_owned(),
            Some(item) => {
                let name = item.variable.names.first().map_or("a weight", String::as_str);
                format!("{name} of '{}'", shown(&self.list.leaf(item).path))
            }
        };
        format!("position {weight}: {expected} expected, {found} found")
    }
}

/// Whether the last part of a weight's path is what the variable is called. Keras 1 knew no paths.
fn is_named(item: &Item, weight: &str) -> bool {
    let Some((_, name)) = weight.rsplit_once('/') else { return true };
    let name = name.split(':').next().unwrap_or(name);
    let numbered = name.rsplit_once('_').filter(|(_, number)| number.bytes().all(|byte| byte.is_ascii_digit()));
    let stem = numbered.map_or(name, |(stem, _)| stem);
    item.variable.is_many || item.variable.names.iter().any(|known| known == name || known == stem)
}
