//! The edits: a simulator or a clip goes in behind a layer, and comes out again. Pure: a graph in, [`Change`]s out.

mod clip;
mod error;
mod follow;
mod layer;
mod remove;
mod split;

use std::collections::{BTreeSet, HashSet};

pub use clip::{Clipping, clip, is_inserted, is_split};
pub use error::EditError;
pub use remove::remove;

use serde_json::Value;

use crate::change::Change;
use crate::config::Input;
use crate::graph::{Address, Graph, Layer, Reference, Source, Wire};
use crate::shape::Dims;
use crate::target::{Output, Targets, has_cells};

/// What is known of what layers put out.
pub trait Outputs {
    /// One output of one call of a layer, both counted from 0.
    fn output(&self, address: &Address, call: usize, tensor: usize) -> Output;

    /// Its shapes for the different inputs that the models around the layer are called on, each once.
    fn in_calls(&self, address: &Address, call: usize, tensor: usize) -> Vec<Option<Dims>>;
}

impl Outputs for Targets<'_, '_> {
    fn output(&self, address: &Address, call: usize, tensor: usize) -> Output {
        self.output_of(address, call, tensor)
    }

    fn in_calls(&self, address: &Address, call: usize, tensor: usize) -> Vec<Option<Dims>> {
        self.dims_in_calls(address, call, tensor).into_iter().map(|dims| dims.map(<[_]>::to_vec)).collect()
    }
}

/// Where a simulator is wanted.
#[derive(Debug, Clone, Default)]
pub struct Placement {
    /// The layer whose output is corrupted: `conv2d`, or `outer/inner`.
    pub after: String,
    /// The simulator's name; a taken one gets a suffix.
    pub name: Option<String>,
    /// Which call of the layer, where it is called more than once.
    pub calls: Calls,
    /// Which output of the layer, where it has several.
    pub tensor: Option<usize>,
    /// Corrupt the output before the layer's own activation.
    pub split_activation: bool,
}

/// Which calls of a layer a simulator follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Calls {
    /// The only one there is.
    #[default]
    Only,
    /// One of several, from 0.
    One(usize),
    /// All: one simulator layer, called as often as the layer.
    All,
}

/// What an insertion does, and what its user should hear.
#[derive(Debug)]
pub struct Insertion {
    /// The edit.
    pub changes: Vec<Change>,
    /// One for each request.
    pub simulators: Vec<Inserted>,
}

/// A simulator that an insertion adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inserted {
    /// The simulator's name.
    pub name: String,
    /// Whether the wanted name was taken.
    pub renamed: bool,
    /// The layer it follows.
    pub after: String,
    /// The layer's own activation, where faults land behind it.
    pub behind_activation: Option<String>,
    /// The dtype policy it takes over from the layer.
    pub policy: String,
    /// The model around it that is called more than once, and how often: it plays in all of these calls.
    pub in_model: Option<(String, usize)>,
}

/// Inserts a simulator for each request.
pub fn insert(root: &Graph, known: &dyn Outputs, requests: &[Placement]) -> Result<Insertion, EditError> {
    let mut taken: HashSet<String> =
        root.walk().iter().filter_map(|address| Some(root.trail(address).last()?.name.to_owned())).collect();
    let mut targets = BTreeSet::new();
    let mut insertion = Insertion { changes: Vec::new(), simulators: Vec::new() };
    for request in requests {
        let address = find(root, &request.after).map_err(|error| with_way_out(root, known, error))?;
        if !targets.insert(address.0.clone()) {
            return Err(EditError::Twice { after: request.after.clone() });
        }
        insert_one(root, known, request, &address, &mut taken, &mut insertion)?;
    }
    Ok(insertion)
}

fn insert_one(
    root: &Graph,
    known: &dyn Outputs,
    request: &Placement,
    address: &Address,
    taken: &mut HashSet<String>,
    insertion: &mut Insertion,
) -> Result<(), EditError> {
    let level = root.level(address);
    let Some(&target) = address.0.last() else {
        return Err(EditError::unknown_layer(root, &request.after));
    };
    // Keras 3 leaves such a layer out of the model, and the simulator with it.
    if level.consumers(target).next().is_none() || !level.is_used(target) {
        return Err(EditError::Unused { layer: request.after.clone() });
    }
    let calls = chosen_calls(level, target, request)?;
    let tensor = chosen_tensor(level, target, &calls, request)?;
    refuse_unplayable(known, address, &calls, tensor, &request.after)?;
    let around = around(root, address);
    if let (Calls::One(_), [_], Some(model)) = (request.calls, level.layers[target].calls.as_slice(), &around) {
        return Err(EditError::CallOfModel { layer: request.after.clone(), model: model.0.clone(), count: model.1 });
    }
    let shape_of = |call| known.output(address, call, tensor).dims;

    let layer = &level.layers[target];
    let split = match request.split_activation {
        true => Some(split::plan(layer, &request.after)?),
        false => None,
    };
    let wanted = request.name.as_deref().unwrap_or("simulator");
    // The activation's name has to be free with the simulator's: by it a removal knows it again.
    let is_free = |name: &str| !taken.contains(name) && !taken.contains(&split::activation_name(name));
    let name = free_name(wanted, is_free);
    taken.insert(name.clone());

    insertion.changes.extend(expectations(root, address));
    let sources: Vec<Source> = calls.iter().map(|&call| Source { layer: target, call, tensor }).collect();
    let mut entries =
        vec![layer::simulator(level, target, &name, &inputs(level, &sources, &|source| shape_of(source.call)))];
    if let Some(split) = &split {
        let activation = split::activation_name(&name);
        taken.insert(activation.clone());
        // The layer is linear now for every call, so every call needs the activation, behind the simulator or not.
        let inputs: Vec<Input> = (0..layer.calls.len())
            .map(|call| Input {
                // The simulator's calls are counted from 0, in the order of the calls it follows.
                reference: match calls.binary_search(&call).ok() {
                    Some(node) => Reference { name: name.clone(), node, tensor: 0 },
                    None => level.reference(Source { layer: target, call, tensor }, false),
                },
                shape: shape_of(call),
            })
            .collect();
        entries.push(layer::activation(level, target, &activation, &split.activation, &inputs));
        insertion.changes.push(split.change.clone());
        rewire(level, &mut insertion.changes, |source| {
            (source.layer == target && source.tensor == tensor).then(|| Reference {
                name: activation.clone(),
                node: source.call,
                tensor: 0,
            })
        });
    } else {
        put_behind(level, &sources, &name, &mut insertion.changes);
    }
    insertion.changes.push(Change::Insert { layers_at: level.layers_at.clone(), index: target + 1, entries });
    insertion.simulators.push(Inserted {
        renamed: name != wanted,
        name,
        after: request.after.clone(),
        policy: layer::policy_behind(level, target),
        in_model: around,
        behind_activation: if split.is_none() { split::fused_activation(layer).map(str::to_owned) } else { None },
    });
    Ok(())
}

/// Refuses an output that no simulator can play on, as far as it is known.
fn refuse_unplayable(
    known: &dyn Outputs,
    address: &Address,
    calls: &[usize],
    tensor: usize,
    path: &str,
) -> Result<(), EditError> {
    let layer = || path.to_owned();
    let mut sizes: Vec<Dims> = Vec::new();
    for &call in calls {
        let output = known.output(address, call, tensor);
        if let Some(dtype) = output.dtype.filter(|dtype| !dtype.is_float()) {
            return Err(EditError::Dtype { layer: layer(), dtype });
        }
        if let Some(shape) = output.dims
            && !has_cells(&shape)
        {
            return Err(EditError::Rank { layer: layer(), shape });
        }
        sizes.extend(known.in_calls(address, call, tensor).into_iter().flatten());
    }
    // The batch is no part of a site.
    sizes.iter_mut().for_each(|dims| drop(dims.splice(..dims.len().min(1), [])));
    let agree =
        |a: &Dims, b: &Dims| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_none() || b.is_none() || a == b);
    if sizes.iter().enumerate().any(|(index, size)| sizes[..index].iter().any(|other| !agree(size, other))) {
        let mut each: Vec<Dims> = Vec::new();
        sizes.into_iter().for_each(|size| {
            if !each.contains(&size) {
                each.push(size)
            }
        });
        return Err(EditError::SeveralSizes { layer: layer(), sizes: each });
    }
    Ok(())
}

/// The nearest model around a layer that is called more than once, and how often.
fn around(root: &Graph, address: &Address) -> Option<(String, usize)> {
    let outer = (1..address.0.len()).rev().map(|length| Address(address.0[..length].to_vec()));
    outer.into_iter().find_map(|model| {
        let count = root.trail(&model).last()?.calls.len();
        (count > 1).then(|| (root.path(&model), count))
    })
}

/// Tells of a wrapper whether a simulator can stand behind it.
fn with_way_out(root: &Graph, known: &dyn Outputs, mut error: EditError) -> EditError {
    if let EditError::InsideWrapper { wrapper, is_possible_behind, .. } = &mut error {
        let behind = Placement { after: wrapper.clone(), ..Placement::default() };
        *is_possible_behind = insert(root, known, &[behind]).is_ok();
    }
    error
}

/// Finds a layer by its path, or says what may have been meant.
pub fn find(root: &Graph, path: &str) -> Result<Address, EditError> {
    root.find(path).ok_or_else(|| EditError::unknown_layer(root, path))
}

/// The calls, in ascending order.
fn chosen_calls(level: &Graph, target: usize, request: &Placement) -> Result<Vec<usize>, EditError> {
    let layer = &level.layers[target];
    let count = layer.calls.len();
    match request.calls {
        Calls::All => Ok((0..count).collect()),
        Calls::Only if count == 1 => Ok(vec![0]),
        Calls::One(call) if call < count => Ok(vec![call]),
        Calls::Only => {
            Err(EditError::SeveralCalls { layer: request.after.clone(), inputs: error::call_inputs(level, target) })
        }
        Calls::One(call) => Err(EditError::NoSuchCall { layer: request.after.clone(), call, count }),
    }
}

fn chosen_tensor(level: &Graph, target: usize, calls: &[usize], request: &Placement) -> Result<usize, EditError> {
    let used: BTreeSet<usize> = level
        .consumers(target)
        .filter(|wire| calls.binary_search(&wire.source.call).is_ok())
        .map(|wire| wire.source.tensor)
        .collect();
    let layer = || request.after.clone();
    match (request.tensor, used.len()) {
        (Some(tensor), _) if used.contains(&tensor) || (tensor == 0 && used.is_empty()) => Ok(tensor),
        (Some(tensor), _) => Err(EditError::NoSuchTensor { layer: layer(), tensor, used: used.into_iter().collect() }),
        (None, 0 | 1) => Ok(used.first().copied().unwrap_or(0)),
        (None, _) => Err(EditError::SeveralTensors { layer: layer(), used: used.into_iter().collect() }),
    }
}

/// The tensors that a new layer takes, one in each call.
fn inputs(level: &Graph, sources: &[Source], dims_of: &dyn Fn(Source) -> Option<Dims>) -> Vec<Input> {
    let input = |&source: &Source| Input { reference: level.reference(source, false), shape: dims_of(source) };
    sources.iter().map(input).collect()
}

/// Sends every use of some tensors to the new layer `name`, which takes one of them in each call.
fn put_behind(level: &Graph, sources: &[Source], name: &str, changes: &mut Vec<Change>) {
    rewire(level, changes, |source| {
        let node = sources.iter().position(|taken| *taken == source)?;
        Some(Reference { name: name.to_owned(), node, tensor: 0 })
    });
}

/// Sends every use of some tensors elsewhere. A sequential model writes no wires, so there is nothing to do.
fn rewire(level: &Graph, changes: &mut Vec<Change>, to: impl Fn(Source) -> Option<Reference>) {
    rewire_uses(level, changes, |wire| to(wire.source));
}

fn rewire_uses(level: &Graph, changes: &mut Vec<Change>, to: impl Fn(&Wire) -> Option<Reference>) {
    for wire in level.wires() {
        if let (Some(at), Some(new)) = (&wire.at, to(wire)) {
            changes.push(Change::Rewire { at: at.clone(), old: level.reference(wire.source, wire.is_end), new });
        }
    }
}

/// The names that must stand where they stand for an edit of the addressed layer to make sense.
fn expectations(root: &Graph, address: &Address) -> Vec<Change> {
    root.trail(address).into_iter().map(expectation).collect()
}

fn expectation(layer: &Layer) -> Change {
    let mut at = layer.at.clone();
    let (tokens, expected): (&[&str], _) = match (layer.entry.get("name"), layer.config.get("name")) {
        (Some(Value::String(_)), _) => (&["name"], layer.name),
        (None, Some(Value::String(_))) => (&["config", "name"], layer.name),
        // A nested model of Keras 1 may have no name at all.
        _ => (&["class_name"], layer.class),
    };
    tokens.iter().for_each(|token| at.push_back(*token));
    Change::Expect { at, name: expected.to_owned() }
}

/// `wanted`, or the first of `wanted_1`, `wanted_2`, ... that is free.
fn free_name(wanted: &str, is_free: impl Fn(&str) -> bool) -> String {
    std::iter::once(wanted.to_owned())
        .chain((1..).map(|suffix| format!("{wanted}_{suffix}")))
        .find(|name| is_free(name))
        .unwrap_or_else(|| wanted.to_owned())
}
