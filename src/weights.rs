//! Which saved weight goes to which layer: Keras matches them by position, and one more layer on a branch can move
//! every layer before it to another position.
//!
//! Loading an `.h5` model, Keras walks its layers that have weights, in its own order ([`Graph::keras_order`]), and the
//! names in `layer_names` side by side; it never compares names. So the names must be written in the order of the new
//! graph, and inside a nested model, whose weights are one flat list, its `weight_names` likewise; and the optimizer's state in the
//! order of what trains.
//!
//! The rule proves itself on every file: what it gives for the old config must be what the old file has. Where it
//! does not, and the new order would differ, the file is refused.

mod error;
mod evidence;
mod held;
mod listing;
mod naming;
mod nested;
mod optimizers;
mod places;
mod reading;
mod shared;
mod slots;
mod walks;

use std::collections::{HashMap, HashSet};

pub use error::WeightsError;
pub use evidence::Stated;

use serde_json::Value;

use crate::graph::{Address, Cycle, Graph, Layer};
use crate::keras::classes::{Kind, may_have_weights};
use crate::keras::version::{ArchiveForm, Keras};
use crate::model_file::{Mode, Saved, SavedLayer, SavedTree, TreePlan, WeightsPlan};
use evidence::Evidence;
use listing::Listing;
use naming::Naming;
use nested::Nested;
use places::Moves;
use slots::Weights;

/// What a plan goes by besides the two graphs.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// What the file has.
    pub saved: &'a Saved,
    /// The Keras that wrote the file.
    pub writer: Keras,
    /// The Keras that will load the new one.
    pub keras: Keras,
    /// What the user says of weights that do not tell whether they train.
    pub stated: &'a Stated,
}

/// Plans the change from the graph that a file belongs to, to a new one.
pub fn plan(old: &Graph, new: &Graph, given: Circumstances) -> Result<WeightsPlan, PlanError> {
    let Circumstances { saved: Saved { layers: saved, slots }, writer, keras, stated } = given;
    refuse_missing(old, new, saved)?;
    stated.refuse_unknown(old, saved)?;
    let old_keras = written_for(old, saved).unwrap_or(writer);
    let weights = Weights::of(saved);
    let evidence = Evidence { stated, with_slots: weights.with_slots(slots) };
    let mut plan = WeightsPlan::default();
    for layer in &new.layers {
        let (Some(graph), Some(saved)) = (&layer.inner, saved.iter().find(|saved| saved.name == layer.name)) else {
            continue;
        };
        let Some(old_layer) = old.layer(layer.name).map(|index| &old.layers[index]) else { continue };
        let Some(old_graph) = &old_layer.inner else { continue };
        let old = Nested { layer: old_layer, graph: old_graph, keras: old_keras };
        nested::plan(old, Nested { layer, graph, keras }, saved, &evidence, &mut plan)?;
    }
    plan_layers(old, new, saved, [old_keras, keras], &mut plan)?;
    plan.slots = weights.moved_slots(slots, saved, &plan)?;
    Ok(plan)
}

/// What a plan for an archive goes by besides the two graphs.
#[derive(Debug, Clone, Copy)]
pub struct ArchiveCircumstances<'a> {
    /// The Keras that wrote the file, which is the one that will load the new one.
    pub keras: Keras,
    /// How that one lays archives out.
    pub form: ArchiveForm,
    /// What the user says of weights that do not tell whether they train.
    pub stated: &'a Stated,
    /// How the old model was compiled: the optimizer's entry in its config.
    pub optimizer: Option<&'a Value>,
}

/// Plans the change of an archive from the graph that it belongs to, to a new one. `tree` reads what is saved; it is not called where
/// everything stays in its place, but for the oldest archives.
pub fn plan_archive<E: From<PlanError>>(
    old: &Graph,
    new: &Graph,
    given: ArchiveCircumstances,
    tree: impl Fn() -> Result<SavedTree, E>,
) -> Result<TreePlan, E> {
    let ArchiveCircumstances { keras, form, stated, optimizer } = given;
    stated.refuse_unknown(old, &[]).map_err(PlanError::from)?;
    let mut naming = Naming::new(keras, form);
    if naming.counts_weights() {
        naming.learn(old, &tree()?).map_err(PlanError::from)?;
    }
    let mut moves = Moves::between(old, new, &naming)?;
    let trained = |graph: &Graph| Ok(walks::trained(&Listing::of_whole(graph, keras).map_err(PlanError::from)?));
    let (old_trained, new_trained): (_, Vec<_>) = (trained(old)?, trained(new)?);
    if moves.is_empty() && old_trained == new_trained {
        return Ok(TreePlan::default());
    }
    let tree = tree()?;
    naming.refuse_others(&tree).map_err(PlanError::from)?;
    let places = places::places(old, &naming).map_err(PlanError::from)?;
    let plan = || {
        moves.restrict(&tree)?;
        let given =
            walks::Given { keras, stated, old: old_trained, new: new_trained, optimizer, places: &places, tree: &tree };
        let slots = given.renames()?;
        if !moves.is_empty() || !slots.is_empty() {
            places::prove(&places, &tree, &naming)?;
            shared::refuse([old, new])?;
        }
        let Moves { removed, mut renames, modes, moved } = moves;
        renames.extend(slots);
        Ok(TreePlan { removed, renames, modes, moved })
    };
    plan().map_err(|error: WeightsError| PlanError::from(error).into())
}

/// Adds to `plan` what changes in the order of the layers, and the modes of simulators that are layers of the model itself.
fn plan_layers(
    old: &Graph,
    new: &Graph,
    saved: &[SavedLayer],
    [old_keras, keras]: [Keras; 2],
    plan: &mut WeightsPlan,
) -> Result<(), PlanError> {
    let by_name: HashMap<&str, &SavedLayer> = saved.iter().map(|layer| (layer.name.as_str(), layer)).collect();
    let is_saved_with_weights = |name: &str| by_name.get(name).is_some_and(|layer| !layer.weights.is_empty());
    let old_order = names_in_order(old, old_keras)?;
    let new_order = names_in_order(new, keras)?;

    // Layers with weights that are in both models; the simulators' modes are no part of the proof.
    let simulators: HashSet<&str> = [old, new]
        .into_iter()
        .flat_map(|graph| &graph.layers)
        .filter(|layer| layer.kind == Kind::Simulator)
        .map(|layer| layer.name)
        .collect();
    let is_proof = |name: &str| is_saved_with_weights(name) && !simulators.contains(name);
    let in_new: HashSet<&str> = new_order.iter().copied().collect();
    let found: Vec<&str> = saved.iter().map(|layer| layer.name.as_str()).filter(|name| is_proof(name)).collect();
    let expected: Vec<&str> = old_order.iter().copied().filter(|name| is_proof(name)).collect();
    let wanted: Vec<&str> = new_order.iter().copied().filter(|name| is_proof(name)).collect();
    let kept: Vec<&str> = expected.iter().copied().filter(|name| in_new.contains(name)).collect();
    // A file in an order that is not Keras' own stays in it as long as the edit moves nothing.
    let follows_rule = expected == found;
    if !follows_rule && wanted != kept {
        return Err(WeightsError::Order { difference: error::first_difference(&expected, &found) }.into());
    }

    let mode_saved = |name: &str| is_saved_with_weights(name);
    let names = if follows_rule {
        new_order
            .iter()
            .copied()
            .filter(|name| match simulators.contains(name) {
                true => keras.saves_modes(),
                false => by_name.contains_key(name),
            })
            .collect::<Vec<_>>()
    } else {
        in_found_order(&found, &new_order, &wanted, &simulators, keras)
    };
    for &name in &new_order {
        if simulators.contains(name) && keras.saves_modes() && !mode_saved(name) {
            plan.modes.push(Mode { layer: name.to_owned(), path: mode_path(name) });
            plan.weight_names.push((name.to_owned(), vec![mode_path(name)]));
        }
    }
    for layer in saved.iter().filter(|layer| simulators.contains(layer.name.as_str())) {
        if !keras.saves_modes() || !in_new.contains(layer.name.as_str()) {
            plan.removed.extend(layer.weights.iter().map(|path| (layer.name.clone(), path.clone())));
        }
    }
    let is_change = !names.iter().copied().eq(saved.iter().map(|layer| layer.name.as_str()));
    plan.layer_names = is_change.then(|| names.into_iter().map(str::to_owned).collect());

    Ok(())
}

/// The Keras that a file with simulators is for, whoever wrote it first: Keras 2 has their modes saved.
fn written_for(graph: &Graph, saved: &[SavedLayer]) -> Option<Keras> {
    let is_mode_of =
        |weight: &str, simulator: &str| !weight.contains('/') || weight.split('/').any(|part| part == simulator);
    let has_mode = |address: &Address| {
        let trail = graph.trail(address);
        let (Some(outer), Some(layer)) = (trail.first(), trail.last()) else { return None };
        let saved = saved.iter().find(|saved| saved.name == outer.name);
        let is_saved = saved.is_some_and(|saved| saved.weights.iter().any(|weight| is_mode_of(weight, layer.name)));
        (layer.kind == Kind::Simulator).then_some(is_saved)
    };
    let is_saved = graph.walk().iter().find_map(has_mode)?;
    Keras::ALL.into_iter().find(|keras| keras.saves_modes() == is_saved)
}

/// The path of a simulator's mode below its layer's group. A nested model has one group for all, hence the name.
fn mode_path(simulator: &str) -> String {
    format!("{simulator}/mode:0")
}

fn names_in_order<'a>(graph: &Graph<'a>, keras: Keras) -> Result<Vec<&'a str>, Cycle> {
    Ok(graph.keras_order(keras)?.into_iter().map(|index| graph.layers[index].name).collect())
}

/// The found order with the new graph's modes at the positions where Keras will look for them.
fn in_found_order<'a>(
    found: &[&'a str],
    new_order: &[&'a str],
    wanted: &[&'a str],
    simulators: &HashSet<&str>,
    keras: Keras,
) -> Vec<&'a str> {
    let mut in_order = found.iter().copied().filter(|name| wanted.contains(name));
    let mut names = Vec::with_capacity(new_order.len());
    for name in new_order {
        if simulators.contains(name) {
            names.extend(keras.saves_modes().then_some(*name));
        } else if wanted.contains(name) {
            names.extend(in_order.next());
        }
    }
    names
}

/// Refuses a config with layers whose weights the file does not have.
fn refuse_missing(old: &Graph, new: &Graph, saved: &[SavedLayer]) -> Result<(), WeightsError> {
    let with_weights = saved.iter().filter(|layer| !layer.weights.is_empty());
    let saved_with_weights: HashSet<&str> = with_weights.map(|layer| layer.name.as_str()).collect();
    let saved: HashSet<&str> = saved.iter().map(|layer| layer.name.as_str()).collect();
    let missing = |layer: &Layer, path: String| {
        let needs = may_have_weights(layer.kind, layer.config);
        if needs { Err(WeightsError::Missing { layer: path, class: layer.class.to_owned() }) } else { Ok(()) }
    };
    for address in new.walk() {
        let trail = new.trail(&address);
        let Some(layer) = trail.last() else { continue };
        let is_known = match trail.as_slice() {
            [layer] => saved.contains(layer.name) || old.layer(layer.name).is_some(),
            // Inside a nested model the file only knows weights; the old config knows the layers.
            _ => old.find(&new.path(&address)).is_some(),
        };
        let has_none = |name: &str| !saved_with_weights.contains(name);
        if let [layer] = trail.as_slice()
            && layer.kind.class().is_some_and(|class| class.has_variables(layer.config))
            && has_none(layer.name)
        {
            missing(layer, new.path(&address))?;
        }
        if !is_known && layer.inner.is_none() {
            missing(layer, new.path(&address))?;
        }
    }
    Ok(())
}

/// Why the saved weights cannot be put in order.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A graph without an order.
    #[error(transparent)]
    Cycle(#[from] Cycle),
    /// Weights that do not fit.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}
