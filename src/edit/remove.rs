//! The way back: simulators and clips come out, and what they followed is wired to what consumed them.

use std::collections::BTreeMap;

use super::{EditError, expectation, expectations, find, follow, rewire_uses, split};
use crate::change::Change;
use crate::graph::{Address, Graph, Layer, Source, Wire};
use crate::keras::classes::Kind;

/// Takes the simulators and clips of these names (or `outer/name`) out. Where a simulator had split an activation off, the
/// activation goes back.
pub fn remove(root: &Graph, names: &[impl AsRef<str>]) -> Result<Vec<Change>, EditError> {
    let mut changes = Vec::new();
    // By the way to their level.
    let mut leaving: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
    for name in names.iter().map(AsRef::as_ref) {
        let address = find_inserted(root, name)?;
        let Some((&index, outer)) = address.0.split_last() else { return Err(EditError::unknown_layer(root, name)) };
        let gone = leaving.entry(outer.to_vec()).or_default();
        if gone.contains(&index) {
            return Err(EditError::NotRemovable { layer: name.to_owned(), why: "it is named twice".to_owned() });
        }
        gone.extend(leave(root, &address, index, name, &mut changes)?);
    }
    for (outer, gone) in leaving {
        let level = root.level(&Address([outer.as_slice(), &[0]].concat()));
        take_out(level, gone, &mut changes);
    }
    Ok(changes)
}

/// The layers that go with one, itself among them; what has to stand where it stands, and what changes in others.
fn leave(
    root: &Graph,
    address: &Address,
    index: usize,
    name: &str,
    changes: &mut Vec<Change>,
) -> Result<Vec<usize>, EditError> {
    let level = root.level(address);
    let layer = &level.layers[index];
    if !is_inserted(level, index) {
        return Err(EditError::NotInserted { layer: name.to_owned(), class: layer.class.to_owned() });
    }
    if layer.calls.iter().any(|call| call.inputs.len() != 1) {
        let why = "it does not take exactly one tensor".to_owned();
        return Err(EditError::NotRemovable { layer: name.to_owned(), why });
    }
    changes.extend(expectations(root, address));
    let mut gone = vec![index];
    if let Some((activation, target, undo)) = split_off(level, index) {
        changes.push(expectation(&level.layers[activation]));
        changes.push(expectation(&level.layers[target]));
        changes.push(undo);
        gone.push(activation);
    }
    Ok(gone)
}

/// Takes layers out of a level.
fn take_out(level: &Graph, gone: Vec<usize>, changes: &mut Vec<Change>) {
    rewire_uses(level, changes, |wire| {
        if !gone.contains(&wire.source.layer) {
            return None;
        }
        Some(level.reference(origin(level, &gone, wire)?, wire.is_end))
    });
    // The wires of the layers that go need no new end.
    let leaving: Vec<_> = gone.iter().map(|&index| &level.layers[index].at).collect();
    changes.retain(|change| match change {
        Change::Rewire { at, .. } => !leaving.iter().any(|layer| at.starts_with(layer)),
        _ => true,
    });
    changes.extend(gone.into_iter().map(|index| Change::Remove { layers_at: level.layers_at.clone(), index }));
}

fn is_inserted(level: &Graph, index: usize) -> bool {
    level.layers[index].kind == Kind::Simulator || follow::is_clip(level, index)
}

/// A simulator or clip by its path, or by its bare name where only one has it.
fn find_inserted(root: &Graph, name: &str) -> Result<Address, EditError> {
    find(root, name).or_else(|error| {
        let is_it = |address: &Address| {
            root.trail(address).last().is_some_and(|layer| layer.name == name)
                && address.0.last().is_some_and(|&index| is_inserted(root.level(address), index))
        };
        let mut named = root.walk().into_iter().filter(is_it);
        match (named.next(), named.next()) {
            (Some(address), None) => Ok(address),
            _ => Err(error),
        }
    })
}

/// Follows a wire back through the layers that go.
fn origin(level: &Graph, gone: &[usize], wire: &Wire) -> Option<Source> {
    let mut source = wire.source;
    for _ in 0..=gone.len() {
        if !gone.contains(&source.layer) {
            return Some(source);
        }
        source = level.layers[source.layer].calls.get(source.call)?.inputs.first()?.source;
    }
    None
}

/// The `Activation` layer that came in with a simulator, the layer it was split off, and how it goes back.
fn split_off(level: &Graph, simulator: usize) -> Option<(usize, usize, Change)> {
    if level.layers[simulator].kind != Kind::Simulator {
        return None;
    }
    let activation = level.layer(&split::activation_name(level.layers[simulator].name))?;
    let layer = &level.layers[activation];
    let target = source_layer(&level.layers[simulator])?;
    let fed_by_both = |call: &crate::graph::Call| matches!(call.inputs.as_slice(), [wire] if [simulator, target].contains(&wire.source.layer));
    if !layer.kind.is("Activation") || !layer.calls.iter().all(fed_by_both) {
        return None;
    }
    // Everything that the two feed passes the activation, else the layer was not made linear for its sake.
    let feeds_others = |of: usize| level.consumers(of).any(|wire| !is_input_of(level, wire, &[simulator, activation]));
    if feeds_others(simulator) || feeds_others(target) {
        return None;
    }
    let function = layer.config.get("activation")?;
    Some((activation, target, split::undo(&level.layers[target], function)?))
}

fn source_layer(layer: &Layer) -> Option<usize> {
    Some(layer.calls.first()?.inputs.first()?.source.layer)
}

fn is_input_of(level: &Graph, wire: &Wire, layers: &[usize]) -> bool {
    layers.iter().any(|&layer| match &wire.at {
        Some(at) => at.starts_with(&level.layers[layer].at),
        // In a chain a layer's only consumer is the next one.
        None => !wire.is_end && wire.source.layer + 1 == layer,
    })
}
