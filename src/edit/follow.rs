//! What came in behind a layer: its simulators, the activation that was split off for one, and a clip.

use super::split;
use crate::graph::{Graph, Layer, Source};
use crate::keras::classes::Kind;

/// What stands behind the name of the layer that a clip is for.
const SUFFIX: &str = "_clip";

/// The name of the clip of a layer.
pub(super) fn clip_name(layer: &str) -> String {
    format!("{layer}{SUFFIX}")
}

/// The tensor that takes the place of `source` behind what was inserted there: the output of the last simulator or split-off
/// activation in a row, where each is the only one that the tensor before it goes to.
pub(super) fn last(level: &Graph, source: Source) -> Source {
    let mut source = source;
    // A wire can lead in circles in a config that no Keras wrote.
    for _ in 0..level.layers.len() {
        match only_consumer(level, source).filter(|next| passes(level, next.layer)) {
            Some(next) => source = next,
            None => break,
        }
    }
    source
}

/// Whether the layer's own activation was split off by the insertion of a simulator behind it.
pub(super) fn is_split(level: &Graph, source: Source) -> bool {
    level.layers[last(level, source).layer].kind.is("Activation")
}

/// The clip that alone takes a tensor.
pub(super) fn clip_of(level: &Graph, source: Source) -> Option<usize> {
    only_consumer(level, source).map(|next| next.layer).filter(|&layer| is_clip(level, layer))
}

/// Whether a layer came in as a clip: it is one of the package, or a bounded ReLU that bears the name of what it follows.
pub(super) fn is_clip(level: &Graph, index: usize) -> bool {
    let layer = &level.layers[index];
    let is_bounded = || layer.kind.is("ReLU") && layer.config.get("max_value").is_some_and(|bound| bound.is_number());
    layer.kind == Kind::Clip || (is_bounded() && bears_name(level, layer))
}

fn bears_name(level: &Graph, layer: &Layer) -> bool {
    let Some((name, number)) = layer.name.rsplit_once(SUFFIX) else { return false };
    let is_number = number.is_empty() || number.strip_prefix('_').is_some_and(|number| number.parse::<u64>().is_ok());
    let mut before = layer.calls.first().and_then(|call| call.inputs.first());
    for _ in 0..level.layers.len() {
        let Some(wire) = before else { break };
        if level.layers[wire.source.layer].name == name {
            return is_number;
        }
        let passed = Some(wire.source).filter(|source| passes(level, source.layer));
        before = passed.and_then(|source| level.layers[source.layer].calls.get(source.call)?.inputs.first());
    }
    false
}

/// Whether a layer came in with a simulator.
pub(super) fn passes(level: &Graph, index: usize) -> bool {
    let layer = &level.layers[index];
    layer.kind == Kind::Simulator || (layer.kind.is("Activation") && split::simulator_of(level, layer).is_some())
}

/// The call that alone takes a tensor, and takes nothing else.
fn only_consumer(level: &Graph, source: Source) -> Option<Source> {
    if level.outputs.iter().any(|wire| wire.source == source) {
        return None;
    }
    let calls = level.layers.iter().enumerate().flat_map(|(layer, entry)| {
        entry.calls.iter().enumerate().map(move |(call, taken)| (Source { layer, call, tensor: 0 }, taken))
    });
    let mut takers = calls.filter(|(_, call)| call.inputs.iter().any(|wire| wire.source == source));
    match (takers.next(), takers.next()) {
        (Some((next, call)), None) if call.inputs.len() == 1 => Some(next),
        _ => None,
    }
}
