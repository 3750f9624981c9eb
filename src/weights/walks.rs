//! The optimizer's state in an archive: numbered variables without names, in the order of the variables that train.
//!
//! Which slots of how many variables stand in a row is told by the optimizer's class and settings, and proved by the file: their number,
//! and their shapes.

use std::collections::HashMap;

use serde_json::Value;

use super::evidence::Stated;
use super::listing::Listing;
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

/// How many slots of each variable an optimizer makes in a row, walk by walk over the variables. `None`: that is not known.
fn walks(optimizer: &Value, keras: Keras) -> Option<Vec<usize>> {
    // Keras 2 keeps the short name by which it was compiled: all settings are those by default.
    let short = optimizer.as_str();
    let class = short.or_else(|| optimizer.get("class_name")?.as_str())?;
    let config = if short.is_some() { &Value::Null } else { optimizer.get("config")? };
    let is_set = |key: &str| config.get(key).is_some_and(|value| value.as_bool() == Some(true));
    let is_positive = |key: &str| config.get(key).and_then(Value::as_f64).is_some_and(|value| value > 0.0);
    let class = class.rsplit('>').next().unwrap_or(class).to_lowercase();
    if ["lossscaleoptimizer", "lossscaleoptimizerv3"].contains(&class.as_str()) {
        return walks(config.get("inner_optimizer")?, keras);
    }
    let is_foreign = optimizer.get("registered_name").and_then(Value::as_str).is_some_and(|name| name.contains('>'));
    if is_foreign {
        return None;
    }
    let mut walks = Vec::new();
    walks.extend(is_set("use_ema").then_some(1));
    walks.extend(is_positive("gradient_accumulation_steps").then_some(1));
    match class.as_str() {
        "adam" | "adamw" => {
            walks.push(2);
            walks.extend(is_set("amsgrad").then_some(1));
        }
        "adadelta" | "adamax" | "ftrl" | "lamb" | "nadam" | "schedulefreeadamw" => walks.push(2),
        "adagrad" | "lion" => walks.push(1),
        "rmsprop" => {
            walks.push(1);
            walks.extend(is_positive("momentum").then_some(1));
            walks.extend(is_set("centered").then_some(1));
        }
        "sgd" => walks.extend((keras.keeps_zero_momentum() || is_positive("momentum")).then_some(1)),
        _ => return None,
    }
    Some(walks)
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
        let walks = walks(optimizer, self.keras).ok_or_else(|| unclear(&format!("of the class '{}'", shown(class))))?;
        let renames = groups.into_iter().map(|group| self.of_group(group, &walks));
        Ok(renames.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    fn of_group(&self, group: &SavedGroup, walks: &[usize]) -> Result<Option<Renames>, WeightsError> {
        let wrong = |why: &str| unclear(&format!("'{}' {why}", shown(&group.path)));
        let slots = &group.variables;
        if slots.iter().enumerate().any(|(index, (key, _))| *key != index.to_string()) {
            return Err(wrong("is not numbered throughout"));
        }
        let each: usize = walks.iter().sum();
        let scalars = slots.iter().take_while(|(_, shape)| shape.is_empty()).count();
        let counts =
            self.counts(slots.len(), scalars, each).ok_or_else(|| wrong("does not fit the variables that train"))?;
        let expand = |list: &[Trained]| -> Vec<(String, usize, usize)> {
            let each = list.iter().flat_map(|trained| (0..counts[trained]).map(move |number| (trained, number)));
            each.map(|((path, index, _), number)| (path.clone(), *index, number)).collect()
        };
        let (old, new) = (expand(&self.old), expand(&self.new));
        let first = slots.len().checked_sub(each * old.len()).filter(|&first| first <= scalars && first > 0);
        let first = first.ok_or_else(|| wrong("does not fit the variables that train"))?;
        let new_index: HashMap<&(String, usize, usize), usize> =
            new.iter().enumerate().map(|(index, variable)| (variable, index)).collect();
        let mut names = Vec::new();
        let mut start = first;
        for &row in walks {
            for (index, variable) in old.iter().enumerate() {
                for slot in 0..row {
                    let (from, to) = (start + index * row + slot, start + new_index[variable] * row + slot);
                    if !self.has_shape(&variable.0, &slots[from].1) {
                        return Err(wrong(&format!("has at {from} what is no state of '{}'", shown(&variable.0))));
                    }
                    if from != to {
                        names.push((from.to_string(), to.to_string()));
                    }
                }
            }
            start += row * old.len();
        }
        let group = format!("{}/vars", group.path);
        Ok((!names.is_empty()).then_some(Renames { group, names }))
    }

    /// How many variables each entry stands for, where the number of slots leaves one answer.
    fn counts(&self, slots: usize, scalars: usize, each: usize) -> Option<HashMap<&Trained, usize>> {
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
        let all = (slots - scalars).checked_div(each).filter(|all| all * each == slots - scalars)?;
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

    #[test]
    fn an_optimizer_makes_its_slots_in_walks() {
        let of = |class: &str, config: Value, keras: Keras| {
            walks(&json!({"class_name": class, "config": config, "registered_name": class}), keras)
        };
        for (class, config, expected) in [
            ("Adam", json!({"amsgrad": false}), [Some(vec![2]), Some(vec![2])]),
            ("Adam", json!({"amsgrad": true, "use_ema": true}), [Some(vec![1, 2, 1]), Some(vec![1, 2, 1])]),
            ("SGD", json!({"momentum": 0.0}), [Some(vec![1]), Some(vec![])]),
            ("RMSprop", json!({"momentum": 0.9, "centered": true}), [Some(vec![1, 1, 1]), Some(vec![1, 1, 1])]),
            ("Adafactor", json!({}), [None, None]),
            ("Mine", json!({}), [None, None]),
        ] {
            assert_eq!(Keras::ALL.map(|keras| of(class, config.clone(), keras)), expected, "{class} {config}");
        }
        assert_eq!(walks(&json!("rmsprop"), Keras::Two), Some(vec![1]));
        let scaled = json!({"inner_optimizer": {"class_name": "Lion", "config": {}}});
        assert_eq!(of("LossScaleOptimizer", scaled, Keras::Three), Some(vec![1]));
    }
}
