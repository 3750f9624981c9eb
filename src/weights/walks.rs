//! The optimizer's state in an archive: numbered variables without names, in the order of the variables that train.
//!
//! Which slots of each variable stand in a row is told by the optimizer's class and settings ([`optimizers`]), and proved by the file:
//! their number, and their shapes.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::evidence::Stated;
use super::listing::Listing;
use super::optimizers::{self, Row};
use super::places::Place;
use super::{WeightsError, listing};
use crate::keras::version::Keras;
use crate::model_file::{Renames, SavedGroup, SavedTree};
use crate::text::shown;

/// Where an optimizer's variables are.
const OPTIMIZER: &str = "optimizer";

/// A variable that trains, or any number of them: the layer's path, the number in the layer.
type Trained = (String, usize, bool);

/// The variables that train, in order.
pub(super) fn trained(list: &Listing) -> Vec<Trained> {
    let is_trained = |item: &&listing::Item| item.trains;
    let of_item = |item: &listing::Item| {
        let path = list.leaf(item).path.trim_end_matches('/').to_owned();
        (path, item.variable.index, item.variable.is_many)
    };
    list.items.iter().filter(is_trained).map(of_item).collect()
}

/// What is given of the two models.
pub(super) struct Given<'a> {
    pub keras: Keras,
    pub stated: &'a Stated,
    /// The variables that train in the old one.
    pub old: Vec<Trained>,
    /// And in the new one.
    pub new: Vec<Trained>,
    /// How the old one was compiled, as its config has it.
    pub optimizer: Option<&'a Value>,
    /// Where the old one's layers are in the file.
    pub places: &'a [Place<'a>],
    pub tree: &'a SavedTree,
}

fn unclear(why: &str) -> WeightsError {
    WeightsError::Walks { why: why.to_owned() }
}

impl Given<'_> {
    /// The new numbers of the optimizer's variables.
    pub fn renames(&self) -> Result<Vec<Renames>, WeightsError> {
        if self.old == self.new {
            return Ok(Vec::new());
        }
        let is_of_optimizer = |group: &&SavedGroup| group.is_below(OPTIMIZER);
        let has_slots = |group: &&SavedGroup| group.variables.iter().any(|(_, shape)| !shape.is_empty());
        let groups: Vec<&SavedGroup> = self.tree.groups.iter().filter(is_of_optimizer).filter(has_slots).collect();
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        let (mut old, mut new) = (self.old.clone(), self.new.clone());
        old.sort();
        new.sort();
        if old != new {
            return Err(WeightsError::OtherTrained);
        }
        let optimizer = self.optimizer.filter(|optimizer| !optimizer.is_null());
        let optimizer = optimizer.ok_or_else(|| unclear("the config does not say which optimizer it is"))?;
        let class = optimizer.get("class_name").unwrap_or(optimizer).as_str().unwrap_or_default();
        let walks = optimizers::walks(optimizer, self.keras)
            .ok_or_else(|| unclear(&format!("of the class '{}'", shown(class))))?;
        let renames = groups.into_iter().map(|group| self.of_group(group, &walks));
        Ok(renames.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    fn of_group(&self, group: &SavedGroup, walks: &[Row]) -> Result<Option<Renames>, WeightsError> {
        let wrong = |why: &str| unclear(&format!("'{}' {why}", shown(&group.path)));
        let slots = &group.variables;
        if slots.iter().enumerate().any(|(index, (key, _))| *key != index.to_string()) {
            return Err(wrong("is not numbered throughout"));
        }
        let is_scalar = |(_, shape): &&(String, Vec<usize>)| shape.is_empty();
        let scalars = slots.iter().take_while(is_scalar).count();
        let arrays = slots.len() - scalars - slots.iter().skip(scalars).rev().take_while(is_scalar).count();
        let each = walks.iter().map(|row| row.length()).sum();
        let counts = self.counts(arrays, each).ok_or_else(|| wrong("does not fit the variables that train"))?;
        let expand = |list: &[Trained]| -> Vec<(String, usize, usize)> {
            let each = list.iter().flat_map(|trained| (0..counts[trained]).map(move |number| (trained, number)));
            each.map(|((path, index, _), number)| (path.clone(), *index, number)).collect()
        };
        let (old, new) = (expand(&self.old), expand(&self.new));
        if old.is_empty() {
            return Err(wrong("does not fit the variables that train"));
        }
        let (mut start, lengths) = self.lengths(slots, scalars, walks, &old).map_err(|why| wrong(&why))?;
        let old_index: HashMap<&(String, usize, usize), usize> =
            old.iter().enumerate().map(|(index, variable)| (variable, index)).collect();
        let mut names = Vec::new();
        for lengths in lengths.chunks(old.len()) {
            let ends = lengths.iter().scan(start, |end, length| {
                *end += length;
                Some(*end)
            });
            let ends: Vec<usize> = ends.collect();
            for variable in &new {
                let index = old_index[variable];
                let from = ends[index] - lengths[index]..ends[index];
                names.extend(from.clone().zip(start..).filter(|(from, to)| from != to));
                start += from.len();
            }
        }
        let names: Vec<_> = names.into_iter().map(|(from, to)| (from.to_string(), to.to_string())).collect();
        let group = format!("{}/vars", group.path);
        Ok((!names.is_empty()).then_some(Renames { group, names }))
    }

    /// Where the first walk begins, and how many slots each variable has in each walk, where the shapes leave one answer.
    fn lengths(
        &self,
        slots: &[(String, Vec<usize>)],
        scalars: usize,
        walks: &[Row],
        variables: &[(String, usize, usize)],
    ) -> Result<(usize, Vec<usize>), String> {
        let unfit = || "does not fit the variables that train".to_owned();
        // Where each step can end: how many slots it took, and whether that is the only way there.
        let mut steps: Vec<BTreeMap<usize, (usize, bool)>> =
            vec![(1..=scalars).map(|first| (first, (0, true))).collect()];
        for (row, (path, ..)) in walks.iter().flat_map(|row| variables.iter().map(move |variable| (row, variable))) {
            let before = &steps[steps.len() - 1];
            let mut after = BTreeMap::new();
            for &at in before.keys() {
                let fits = |length: &usize| self.has_shape(path, &slots[at + length - 1].1);
                for length in row.lengths(&slots[at..]).into_iter().filter(fits) {
                    after.entry(at + length).and_modify(|(_, is_only)| *is_only = false).or_insert((length, true));
                }
            }
            if after.is_empty() {
                let last = before.last_key_value().map(|(&at, _)| at).filter(|&at| at < slots.len());
                return Err(last.map_or_else(unfit, |at| format!("has at {at} what is no state of '{}'", shown(path))));
            }
            steps.push(after);
        }
        // All slots are used up, but for the number that Keras 3's Nadam has behind them.
        let reached = &steps[steps.len() - 1];
        let is_number = slots.last().is_some_and(|(_, shape)| shape.is_empty());
        let end = [slots.len(), slots.len() - usize::from(is_number)].into_iter().find(|end| reached.contains_key(end));
        let mut at = end.ok_or_else(unfit)?;
        let mut lengths = Vec::with_capacity(steps.len());
        for step in steps.iter().rev() {
            let Some(&(length, true)) = step.get(&at) else {
                return Err("does not tell by its shapes what belongs to which variable".to_owned());
            };
            at -= length;
            lengths.push(length);
        }
        lengths.pop();
        lengths.reverse();
        Ok((at, lengths))
    }

    /// How many variables each entry stands for, where the number of slots leaves one answer.
    fn counts(&self, slots: usize, each: Option<usize>) -> Option<HashMap<&Trained, usize>> {
        let mut counts: HashMap<&Trained, usize> = self.old.iter().map(|trained| (trained, 1)).collect();
        let mut many: Vec<&Trained> = Vec::new();
        for trained in self.old.iter().chain(&self.new).filter(|(_, _, is_many)| *is_many) {
            let said = self.stated.of_layer(&trained.0);
            counts.insert(trained, 0);
            if said != Some(false) && !many.contains(&trained) {
                many.push(trained);
            }
        }
        if many.is_empty() {
            return Some(counts);
        }
        let known: usize = counts.values().sum();
        let each = each?;
        let all = slots.checked_div(each).filter(|all| all * each == slots)?;
        let unknown = all.checked_sub(known)?;
        let saved: Vec<usize> = many.iter().map(|trained| self.shapes(&trained.0).count()).collect();
        match many.as_slice() {
            [one] => counts.extend([(*one, unknown)]),
            _ if unknown == 0 => {}
            several if unknown == saved.iter().sum::<usize>() => {
                counts.extend(several.iter().copied().zip(saved));
            }
            _ => return None,
        }
        Some(counts)
    }

    /// The shapes of all that is saved of a layer.
    fn shapes(&self, path: &str) -> impl Iterator<Item = &Vec<usize>> {
        let place = self.places.iter().find(|place| place.path == path);
        let groups =
            self.tree.groups.iter().filter(move |group| place.is_some_and(|place| group.is_below(&place.group)));
        groups.flat_map(|group| &group.variables).map(|(_, shape)| shape)
    }

    fn has_shape(&self, path: &str, shape: &Vec<usize>) -> bool {
        self.shapes(path).any(|known| known == shape)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config;
    use crate::keras::version::ArchiveForm;
    use crate::weights::naming::Naming;
    use crate::weights::places::places;

    /// The slots that move where two dense layers, of 2 by 3 and of 3 by 4, change places; a slot is given as its shape, a scalar as `-`.
    fn moved(class: &str, slots: &str) -> Result<String, String> {
        let entry = |name: &str, class: &str, inbound: Value| json!({"class_name": class, "name": name, "config": {"name": name}, "inbound_nodes": inbound});
        let model = json!({"class_name": "Functional", "config": {
            "name": "model",
            "layers": [
                entry("in", "InputLayer", json!([])),
                entry("a", "Dense", json!([[["in", 0, 0, {}]]])),
                entry("b", "Dense", json!([[["a", 0, 0, {}]]])),
            ],
            "input_layers": [["in", 0, 0]],
            "output_layers": [["b", 0, 0]],
        }});
        let graph = config::read(&model).expect("a model");
        let places = places(&graph, &Naming::new(Keras::Three, ArchiveForm::Today)).expect("no cycle");
        let shapes = |text: &str| -> Vec<(String, Vec<usize>)> {
            let sizes =
                |word: &str| word.chars().filter_map(|digit| digit.to_digit(10)).map(|size| size as usize).collect();
            text.split(' ').enumerate().map(|(index, word)| (index.to_string(), sizes(word))).collect()
        };
        let group = |path: &str, variables| SavedGroup { path: path.to_owned(), name: None, variables };
        let mut tree = SavedTree {
            groups: vec![
                group("layers/dense", shapes("23 3")),
                group("layers/dense_1", shapes("34 4")),
                group("optimizer", shapes(slots.trim_end_matches('!'))),
            ],
            ..SavedTree::default()
        };
        if slots.ends_with('!') {
            tree.groups[2].variables.remove(1);
        }
        let trained = |names: [&str; 2]| -> Vec<Trained> {
            names.iter().flat_map(|name| [0, 1].map(|index| ((*name).to_owned(), index, false))).collect()
        };
        let given = Given {
            keras: Keras::Three,
            stated: &Stated::default(),
            old: trained(["a", "b"]),
            new: trained(["b", "a"]),
            optimizer: Some(&json!({"class_name": class, "config": {"momentum": 0.9}})),
            places: &places,
            tree: &tree,
        };
        let renames = given.renames().map_err(|error| error.to_string())?;
        let names = renames.iter().flat_map(|renames| &renames.names);
        Ok(names.map(|(from, to)| format!("{from}>{to}")).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn slots_follow_their_variables() {
        for (class, slots, expected) in [
            ("SGD", "- - 23 3 34 4", "4>2 5>3 2>4 3>5"),
            ("Adam", "- 23 23 3 3 34 34 4 4", "5>1 6>2 7>3 8>4 1>5 2>6 3>7 4>8"),
            ("Nadam", "- - 23 23 3 3 34 34 4 4 -", "6>2 7>3 8>4 9>5 2>6 3>7 4>8 5>9"),
            ("Adafactor", "- - 2 3 23 - - 3 3 4 34 - - 4", "8>2 9>3 10>4 11>5 12>6 13>7 2>8 3>9 4>10 5>11 6>12 7>13"),
            ("Muon", "- 23 3 3 34 34 4 4", "4>1 5>2 6>3 7>4 1>5 2>6 3>7"),
        ] {
            assert_eq!(moved(class, slots).as_deref(), Ok(expected), "{class}");
        }
    }

    #[test]
    fn slots_that_are_not_understood_are_refused() {
        for (class, slots, why) in [
            ("Mine", "- 23 3 34 4", "of the class 'Mine'"),
            ("SGD", "- - 23 3 34 4!", "'optimizer' is not numbered throughout"),
            ("SGD", "- 23 3 3 34", "'optimizer' has at 3 what is no state of 'b'"),
            ("SGD", "- 23 3 34", "'optimizer' does not fit the variables that train"),
            ("SGD", "- 23 3 34 4 4", "'optimizer' does not fit the variables that train"),
            ("SGD", "23 3 34 4", "'optimizer' does not fit the variables that train"),
        ] {
            let said =
                "the variables that train change their order, and that of the optimizer's state is not understood: ";
            assert_eq!(moved(class, slots), Err(format!("{said}{why}")), "{class} {slots}");
        }
    }
}
