//! The list of a nested model's weights: in which order each Keras expects them.
//!
//! Keras 2 asks each layer for its trainable weights, which a layer that is frozen has none of, and then each for the others. Neither
//! model nor Sequential model remembers that it was frozen as a whole. Keras 3 asks each *variable* whether it trains; one is frozen
//! by the layer that made it, and by a model's own setting only where that model is the one that is saved: then all stand layer by
//! layer.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::held::{self, Held, Variable};
use crate::graph::{Cycle, Graph, Layer};
use crate::keras::classes::Kind;
use crate::keras::version::Keras;

/// A layer inside a nested model that is no model itself.
#[derive(Debug)]
pub(super) struct Leaf {
    /// `model/layer` below the nested model.
    pub path: String,
    /// Its class.
    pub class: String,
    /// Whether it is a simulator.
    pub is_simulator: bool,
    /// The names that can stand in the paths of its weights: its own, those of the models it is in and of the layers in it.
    names: HashSet<String>,
}

/// A place in the list: for one weight, or for any number of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// What stands there.
    pub variable: Variable,
    /// It stands among those that train.
    pub trains: bool,
    /// All that a layer of an unknown class holds, what trains and what does not.
    pub is_whole: bool,
}

/// What Keras expects in the list, in order.
#[derive(Debug)]
pub(super) struct Listing {
    /// The layers.
    pub leaves: Vec<Leaf>,
    /// The places.
    pub items: Vec<Item>,
}

/// What tells the same place in two lists: the layer's path, the variable's number.
pub(super) type Key<'a> = (&'a str, usize, bool);

impl Listing {
    /// The list that Keras expects of the model `layer`, whose graph is `model`.
    pub fn new(layer: &Layer, model: &Graph, keras: Keras) -> Result<Self, Cycle> {
        // Neither Keras gives a sequential model its `trainable` back, and Keras 2 no model.
        let is_frozen = !keras.asks_layers_what_trains() && !model.is_chain() && is_frozen(layer);
        Self::of(layer.class, model, keras, is_frozen)
    }

    /// The list of a whole model, whatever says of itself that it is frozen.
    pub fn of_whole(model: &Graph, keras: Keras) -> Result<Self, Cycle> {
        Self::of("Functional", model, keras, false)
    }

    fn of(class: &str, model: &Graph, keras: Keras, is_frozen: bool) -> Result<Self, Cycle> {
        let mut leaves = Vec::new();
        let held = of_model(class, model, keras, &mut Vec::new(), &mut leaves)?;
        let mut items = Vec::new();
        if keras.asks_layers_what_trains() {
            let (mut trained, mut others) = (Vec::new(), Vec::new());
            trained_by_layer(&held, &mut trained);
            others_by_layer(&held, &mut others);
            push(&mut items, &trained, true);
            push(&mut items, &others, false);
        } else {
            let mut all = Vec::new();
            all_variables(&held, &mut all);
            let (trained, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, trains)| *trains && !is_frozen);
            let variables = |list: Vec<(Variable, bool)>| list.into_iter().map(|(v, _)| v).collect::<Vec<_>>();
            push(&mut items, &variables(trained), true);
            push(&mut items, &variables(others), false);
        }
        Ok(Listing { leaves, items })
    }

    /// The same list with one place for all that a layer has in a row: for files whose layers hold other weights than their
    /// classes do today.
    pub fn loosened(&self) -> Self {
        let mut items: Vec<Item> = Vec::new();
        for item in &self.items {
            match items.last() {
                Some(last) if last.variable.leaf == item.variable.leaf && last.trains == item.trains => {}
                _ => {
                    let variable = Variable {
                        index: usize::from(!item.trains),
                        names: Vec::new(),
                        is_many: true,
                        ..item.variable
                    };
                    items.push(Item { variable, trains: item.trains, is_whole: item.is_whole });
                }
            }
        }
        let leaf = |leaf: &Leaf| Leaf {
            path: leaf.path.clone(),
            class: leaf.class.clone(),
            names: leaf.names.clone(),
            is_simulator: leaf.is_simulator,
        };
        Listing { leaves: self.leaves.iter().map(leaf).collect(), items }
    }

    /// The layer that an item belongs to.
    pub fn leaf(&self, item: &Item) -> &Leaf {
        &self.leaves[item.variable.leaf]
    }

    /// What tells an item in this list and in another.
    pub fn key(&self, item: &Item) -> Key<'_> {
        (&self.leaf(item).path, item.variable.index, item.is_whole)
    }

    /// The keys of all items, in order.
    pub fn keys(&self) -> Vec<Key<'_>> {
        self.items.iter().map(|item| self.key(item)).collect()
    }

    /// For each weight the layers that its path speaks of; none where it speaks of no layer.
    pub fn owners(&self, weights: &[String]) -> Vec<HashSet<usize>> {
        let mut by_name: HashMap<&str, HashSet<usize>> = HashMap::new();
        for (index, leaf) in self.leaves.iter().enumerate() {
            for name in &leaf.names {
                by_name.entry(name).or_default().insert(index);
            }
        }
        weights.iter().map(|weight| owners(weight, &by_name)).collect()
    }
}

/// The first part of a path that names layers tells them; each part after it may tell which of them.
fn owners(weight: &str, by_name: &HashMap<&str, HashSet<usize>>) -> HashSet<usize> {
    let starts: Vec<usize> = [0].into_iter().chain(weight.match_indices('/').map(|(at, _)| at + 1)).collect();
    let ends: Vec<usize> = weight.match_indices('/').map(|(at, _)| at).collect();
    let mut found: HashSet<usize> = HashSet::new();
    for start in starts {
        // A layer's name may have slashes itself: the longest counts.
        let named = ends.iter().rev().filter(|&&end| end > start).find_map(|&end| by_name.get(&weight[start..end]));
        let Some(named) = named else { continue };
        if found.is_empty() {
            found = named.clone();
        } else if found.iter().any(|leaf| named.contains(leaf)) {
            found.retain(|leaf| named.contains(leaf));
        }
    }
    found
}

fn of_model(
    class: &str,
    model: &Graph,
    keras: Keras,
    models: &mut Vec<String>,
    leaves: &mut Vec<Leaf>,
) -> Result<Held, Cycle> {
    let path =
        |name: &str, models: &[String]| [models.join("/").as_str(), name].join("/").trim_start_matches('/').to_owned();
    let mut held = Held { is_trainable: true, is_model: true, ..Held::default() };
    let is_own_class = !["Functional", "Model", "Sequential"].contains(&class);
    if is_own_class {
        // A subclass may have variables of its own.
        let mut own = Held::unknown();
        own.number(leaves.len(), &mut 0);
        held.own = own.own;
        let path = path("", models);
        leaves.push(Leaf { path, class: class.to_owned(), is_simulator: false, names: HashSet::new() });
    }
    for index in model.keras_order(keras)? {
        let layer = &model.layers[index];
        match &layer.inner {
            Some(inner) => {
                models.push(layer.name.to_owned());
                held.layers.push(of_model(layer.class, inner, keras, models, leaves)?);
                models.pop();
            }
            None => {
                let mut inside = held::of_layer(layer, keras);
                inside.number(leaves.len(), &mut 0);
                held.layers.push(inside);
                let mut names: HashSet<String> = models.iter().cloned().collect();
                names.insert(layer.name.to_owned());
                names_inside(layer.config, &mut names);
                leaves.push(Leaf {
                    path: path(layer.name, models),
                    class: layer.class.to_owned(),
                    is_simulator: layer.kind == Kind::Simulator,
                    names,
                });
            }
        }
    }
    Ok(held)
}

/// The names of all layers that a config holds, and those that a Bidirectional gives its two.
fn names_inside(config: &Value, names: &mut HashSet<String>) {
    match config {
        Value::Object(fields) => {
            let name = fields.get("config").and_then(|config| config.get("name")).and_then(Value::as_str);
            if let (Some(name), true) = (name, fields.contains_key("class_name")) {
                names.extend([name.to_owned(), format!("forward_{name}"), format!("backward_{name}")]);
            }
            fields.iter().filter(|(key, _)| *key != "dtype").for_each(|(_, value)| names_inside(value, names));
        }
        Value::Array(values) => values.iter().for_each(|value| names_inside(value, names)),
        _ => {}
    }
}

fn is_frozen(layer: &Layer) -> bool {
    layer.config.get("trainable").and_then(Value::as_bool) == Some(false)
}

fn trained_by_layer(held: &Held, list: &mut Vec<Variable>) {
    if !held.is_trainable {
        return;
    }
    let own = held.own.iter().filter(|variable| variable.trains).cloned();
    if held.is_model {
        held.layers.iter().for_each(|layer| trained_by_layer(layer, list));
        list.extend(own);
    } else {
        list.extend(own);
        held.layers.iter().for_each(|layer| trained_by_layer(layer, list));
    }
}

fn others_by_layer(held: &Held, list: &mut Vec<Variable>) {
    let own = |trains: bool| held.own.iter().filter(move |variable| variable.trains == trains).cloned();
    if held.is_model {
        held.layers.iter().for_each(|layer| others_by_layer(layer, list));
        list.extend(own(false));
    } else if held.is_trainable {
        list.extend(own(false));
        held.layers.iter().for_each(|layer| others_by_layer(layer, list));
    } else {
        list.extend(own(true));
        list.extend(own(false));
        for layer in &held.layers {
            trained_by_layer(layer, list);
            others_by_layer(layer, list);
        }
    }
}

/// All variables, each with whether it trains.
fn all_variables(held: &Held, list: &mut Vec<(Variable, bool)>) {
    list.extend(held.own.iter().map(|variable| (variable.clone(), variable.trains && held.is_trainable)));
    held.layers.iter().for_each(|layer| all_variables(layer, list));
}

/// Appends places. Two in a row for any number of weights of one layer are one.
fn push(items: &mut Vec<Item>, variables: &[Variable], trains: bool) {
    for variable in variables {
        match items.last_mut() {
            Some(last)
                if last.trains == trains
                    && last.variable.is_many
                    && variable.is_many
                    && last.variable.leaf == variable.leaf =>
            {
                last.is_whole = true;
            }
            _ => items.push(Item { variable: variable.clone(), trains, is_whole: false }),
        }
    }
}
