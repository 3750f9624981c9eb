//! Where the weights of a layer are in an archive: in a group that is found by the layer's class and its place among the layers of that
//! class in Keras' order, never by the layer's name.
//!
//! The rule proves itself on every file from which something has to move: each layer that surely has variables must have some where the
//! rule says, under its name where Keras wrote that, and there must be none of which the rule knows nothing.

use std::collections::HashMap;

use serde_json::Value;

use super::naming::Naming;
use super::{PlanError, WeightsError};
use crate::config;
use crate::graph::{Cycle, Graph, Layer};
use crate::keras::classes::{Kind, may_have_weights};
use crate::model_file::{Renames, SavedGroup, SavedTree};
use crate::text::shown;

/// A layer at any depth, and where its weights are.
pub(super) struct Place<'g> {
    /// `outer/inner`.
    pub path: String,
    /// The path of its group.
    pub group: String,
    /// The layer.
    pub layer: &'g Layer<'g>,
}

/// All layers that have groups, at every depth.
pub(super) fn places<'g>(graph: &'g Graph<'g>, naming: &Naming) -> Result<Vec<Place<'g>>, Cycle> {
    let mut found = Vec::new();
    let mut todo = vec![(String::new(), String::new(), graph)];
    while let Some((path, prefix, graph)) = todo.pop() {
        for (index, name) in naming.groups(graph, &path)? {
            let layer = &graph.layers[index];
            let layer_path = format!("{path}{}", layer.name);
            let group = naming.inside(&prefix, &name);
            if let Some(inner) = &layer.inner {
                todo.push((format!("{layer_path}/"), group.clone(), inner));
            }
            found.push(Place { path: layer_path, group, layer });
        }
    }
    Ok(found)
}

/// What becomes of the groups of layers from one config to another.
#[derive(Debug, Default)]
pub(super) struct Moves {
    /// Groups of layers that are gone.
    pub removed: Vec<String>,
    /// The innermost first.
    pub renames: Vec<Renames>,
    /// Groups of simulators that are new, where these have a saved variable.
    pub modes: Vec<String>,
    /// Old and new paths of what is in both.
    pub moved: Vec<(String, String)>,
}

impl Moves {
    /// Compares two models.
    pub fn between(old: &Graph, new: &Graph, naming: &Naming) -> Result<Moves, PlanError> {
        let mut moves = Moves::default();
        moves.compare(old, new, naming, ["", ""], "")?;
        Ok(moves)
    }

    /// Whether every group stays where it is.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.renames.is_empty() && self.modes.is_empty()
    }

    fn compare(
        &mut self,
        old: &Graph,
        new: &Graph,
        naming: &Naming,
        [old_prefix, new_prefix]: [&str; 2],
        path: &str,
    ) -> Result<(), PlanError> {
        let old_groups = naming.groups(old, path)?.into_iter();
        let mut before: HashMap<&str, (usize, String)> =
            old_groups.map(|(index, name)| (old.layers[index].name, (index, name))).collect();
        let mut names = Vec::new();
        for (index, to) in naming.groups(new, path)? {
            let layer = &new.layers[index];
            let layer_path = format!("{path}{}", layer.name);
            let new_group = naming.inside(new_prefix, &to);
            let Some((old_index, from)) = before.remove(layer.name) else {
                self.add(layer, naming, new_group, &layer_path)?;
                continue;
            };
            let (old_layer, old_group) = (&old.layers[old_index], naming.inside(old_prefix, &from));
            match (&old_layer.inner, &layer.inner) {
                (Some(old), Some(new)) => {
                    self.compare(old, new, naming, [&old_group, &new_group], &format!("{layer_path}/"))?;
                }
                (None, None) => refuse_changed_inside([old_layer, layer], naming, &layer_path)?,
                // A model that has become a layer, or the other way round.
                _ => return Err(missing(layer, &layer_path).into()),
            }
            if from != to {
                names.push((from, to));
            }
            if old_group != new_group {
                self.moved.push((old_group, new_group));
            }
        }
        let mut removed: Vec<String> = before.into_values().map(|(_, name)| naming.inside(old_prefix, &name)).collect();
        removed.sort();
        self.removed.extend(removed);
        if !names.is_empty() {
            let group = naming.inside(old_prefix, "");
            self.renames.push(Renames { group: group.trim_end_matches('/').to_owned(), names });
        }
        Ok(())
    }

    /// Adds a layer that the old config has not.
    fn add(&mut self, layer: &Layer, naming: &Naming, group: String, path: &str) -> Result<(), PlanError> {
        if layer.kind == Kind::Simulator {
            self.modes.extend(naming.keras.saves_modes().then_some(group));
            return Ok(());
        }
        if let Some(inner) = &layer.inner {
            for (index, name) in naming.groups(inner, &format!("{path}/"))? {
                let layer = &inner.layers[index];
                self.add(layer, naming, naming.inside(&group, &name), &format!("{path}/{}", layer.name))?;
            }
            return Ok(());
        }
        let has_seed = naming.keras.saves_seeds() && layer.config.get("seed").is_some();
        if has_seed || may_have_weights(layer.kind, layer.config) { Err(missing(layer, path).into()) } else { Ok(()) }
    }

    /// Leaves out what the file does not have, and all where nothing that it has moves.
    pub fn restrict(&mut self, tree: &SavedTree) -> Result<(), WeightsError> {
        let matters = |path: &str| matters(tree, path);
        let is_move = self
            .renames
            .iter()
            .any(|renames| renames.names.iter().any(|(from, _)| matters(&format!("{}/{from}", renames.group))));
        if !is_move && self.modes.is_empty() && !self.removed.iter().any(|path| matters(path)) {
            *self = Moves::default();
            return Ok(());
        }
        let has = |path: &str| tree.groups.iter().any(|group| group.path == path);
        self.removed.retain(|path| has(path));
        for renames in &mut self.renames {
            let full = |name: &str| format!("{}/{name}", renames.group);
            renames.names.retain(|(from, _)| has(&full(from)));
            for (_, to) in &renames.names {
                let to = full(to);
                let goes = renames.names.iter().any(|(from, _)| full(from) == to) || self.removed.contains(&to);
                if goes || !has(&to) {
                    continue;
                }
                if matters(&to) {
                    return Err(WeightsError::Place { difference: format!("'{}' is of no layer", shown(&to)) });
                }
                self.removed.push(to);
            }
        }
        self.renames.retain(|renames| !renames.names.is_empty());
        Ok(())
    }
}

/// Whether something is saved below a path.
fn matters(tree: &SavedTree, path: &str) -> bool {
    let is_below = |asset: &String| asset.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
    has_variables(tree, path) || tree.assets.iter().any(is_below)
}

/// Whether there are variables below a path.
pub(super) fn has_variables(tree: &SavedTree, path: &str) -> bool {
    tree.groups.iter().any(|group| group.is_below(path) && !group.variables.is_empty())
}

fn missing(layer: &Layer, path: &str) -> WeightsError {
    WeightsError::Missing { layer: path.to_owned(), class: layer.class.to_owned() }
}

/// Refuses a model inside a layer (a wrapper, say) in which places would change: only Keras knows what its groups are called there.
fn refuse_changed_inside(layers: [&Layer; 2], naming: &Naming, path: &str) -> Result<(), PlanError> {
    let [old, new] = layers.map(|layer| {
        let mut models = Vec::new();
        models_inside(layer.config, &mut models);
        models
    });
    let is_same = old.len() == new.len()
        && old.into_iter().zip(new).all(|(old, new)| match (config::read(old), config::read(new)) {
            (Ok(old), Ok(new)) => Moves::between(&old, &new, naming).is_ok_and(|moves| moves.is_empty()),
            _ => old == new,
        });
    if is_same { Ok(()) } else { Err(WeightsError::Inside { layer: path.to_owned() }.into()) }
}

fn models_inside<'v>(value: &'v Value, models: &mut Vec<&'v Value>) {
    match value {
        Value::Object(fields) if fields.get("config").and_then(|config| config.get("layers")).is_some() => {
            models.push(value);
        }
        Value::Object(fields) => fields.values().for_each(|value| models_inside(value, models)),
        Value::Array(values) => values.iter().for_each(|value| models_inside(value, models)),
        _ => {}
    }
}

/// Refuses a file whose groups are not what the rule says of the config that they belong to.
pub(super) fn prove(places: &[Place], tree: &SavedTree, naming: &Naming) -> Result<(), WeightsError> {
    let wrong = |difference: String| Err(WeightsError::Place { difference });
    let by_path: HashMap<&str, &SavedGroup> = tree.groups.iter().map(|group| (group.path.as_str(), group)).collect();
    for Place { path, group, layer } in places {
        let kind = layer.kind;
        let has_variables = match kind {
            Kind::Simulator => naming.keras.saves_modes(),
            _ => kind.class().is_some_and(|class| class.has_variables(layer.config)),
        };
        if has_variables && layer.inner.is_none() && !matters(tree, group) {
            return wrong(format!("'{}' has no weights in '{}'", shown(path), shown(group)));
        }
        let Some(found) = by_path.get(group.as_str()).filter(|found| !found.variables.is_empty()) else { continue };
        if let Some(name) = found.name.as_deref().filter(|name| *name != layer.name) {
            return wrong(format!("'{}' has those of '{}', not of '{}'", shown(group), shown(name), shown(layer.name)));
        }
    }
    // Of a model the group itself, of any other layer whatever is inside.
    let by_group: HashMap<&str, bool> =
        places.iter().map(|place| (place.group.as_str(), place.layer.inner.is_some())).collect();
    for group in tree.groups.iter().filter(|group| !group.variables.is_empty()) {
        if !group.path.starts_with(naming.container()) {
            continue;
        }
        let ends = group.path.match_indices('/').map(|(at, _)| at).chain([group.path.len()]);
        let is_known = ends
            .filter_map(|end| Some((end, by_group.get(&group.path[..end])?)))
            .any(|(end, is_model)| !is_model || end == group.path.len());
        if !is_known {
            return wrong(format!("'{}' is of no layer", shown(&group.path)));
        }
    }
    Ok(())
}
