//! The way back: a simulator comes out, and what it followed is wired to what consumed it.

use super::{EditError, expectation, expectations, find, rewire_uses, split};
use crate::change::Change;
use crate::graph::{Graph, Layer, Source, Wire};
use crate::keras::classes::Kind;

/// Takes the simulator `name` (or `outer/name`) out. Where it had split an activation off, the activation goes back.
pub fn remove(root: &Graph, name: &str) -> Result<Vec<Change>, EditError> {
    let address = find_simulator(root, name)?;
    let level = root.level(&address);
    let Some(&index) = address.0.last() else { return Err(EditError::unknown_layer(root, name)) };
    let layer = &level.layers[index];
    if layer.kind != Kind::Simulator {
        return Err(EditError::NotASimulator { layer: name.to_owned(), class: layer.class.to_owned() });
    }
    let not_removable = |why: String| EditError::NotRemovable { layer: name.to_owned(), why };
    if layer.calls.iter().any(|call| call.inputs.len() != 1) {
        return Err(not_removable("it does not take exactly one tensor".to_owned()));
    }

    let mut changes = expectations(root, &address);
    let mut gone = vec![index];
    if let Some((activation, target, undo)) = split_off(level, index) {
        changes.push(expectation(&level.layers[activation]));
        changes.push(expectation(&level.layers[target]));
        changes.push(undo);
        gone.push(activation);
    }
    rewire_uses(level, &mut changes, |wire| {
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
    Ok(changes)
}

/// A simulator by its path, or by its bare name where only one simulator has it.
fn find_simulator(root: &Graph, name: &str) -> Result<crate::graph::Address, EditError> {
    find(root, name).or_else(|error| {
        let mut named = root.walk().into_iter().filter(|address| {
            root.trail(address).last().is_some_and(|layer| layer.name == name && layer.kind == Kind::Simulator)
        });
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
