//! What a config states about shapes, apart from what follows by rule.

use std::collections::HashMap;

use serde_json::Value;

use super::{Dims, settings};
use crate::graph::{Call, Graph, Layer, Source};
use crate::keras::classes::Kind;

/// The shapes that a level states for its tensors: beside the wires (Keras 3), and in the `build_config` of a
/// tensor's consumers. A tensor that is stated two ways has none.
pub(super) fn tensors(graph: &Graph) -> HashMap<Source, Dims> {
    let mut found: HashMap<Source, Option<Dims>> = HashMap::new();
    for wire in graph.wires() {
        if let Some(dims) = wire.shape.and_then(meaningful) {
            note(&mut found, wire.source, dims);
        }
    }
    if found.is_empty() {
        for (index, layer) in graph.layers.iter().enumerate() {
            if let ([_], Some(dims)) = (layer.calls.as_slice(), lambda_output(layer)) {
                note(&mut found, Source { layer: index, call: 0, tensor: 0 }, dims);
            }
        }
        for layer in &graph.layers {
            if let ([Call { inputs }], Some(dims)) = (layer.calls.as_slice(), built_on(layer))
                && let [wire] = inputs.as_slice()
            {
                note(&mut found, wire.source, dims);
            }
        }
    }
    found.into_iter().filter_map(|(source, dims)| Some((source, dims?))).collect()
}

fn note(found: &mut HashMap<Source, Option<Dims>>, source: Source, dims: Dims) {
    found
        .entry(source)
        .and_modify(|known| *known = known.as_ref().and_then(|known| agreed(known, &dims)))
        .or_insert(Some(dims));
}

/// The shape of the one tensor a layer was built on. Op layers may write that of a constant.
fn built_on(layer: &Layer) -> Option<Dims> {
    if layer.kind == Kind::Operation {
        return None;
    }
    let mut dims = meaningful(layer.entry.get("build_config")?.get("input_shape")?)?;
    // The batch it was built on is not the batch it runs on.
    *dims.first_mut()? = None;
    Some(dims)
}

/// The output shape that the author of a Lambda gave, which has no batch axis.
fn lambda_output(layer: &Layer) -> Option<Dims> {
    let shape = settings::dims(layer.config.get("output_shape").filter(|_| layer.kind.is("Lambda"))?)?;
    Some([vec![None], shape].concat())
}

/// The shape of the input of a model's first layer: as an input layer (or the first of a sequential model) declares it,
/// else as the layer was built.
pub(super) fn input(layer: &Layer) -> Option<Dims> {
    let declared =
        ["batch_shape", "batch_input_shape"].into_iter().find_map(|key| settings::dims(layer.config.get(key)?));
    declared.or_else(|| built_on(layer))
}

/// The shape that a sequential model was built on.
pub(super) fn sequential_input(config: &Value) -> Option<Dims> {
    meaningful(config.get("build_input_shape")?)
}

/// A shape that says something: a hand-made node may hold nulls alone.
fn meaningful(value: &Value) -> Option<Dims> {
    settings::dims(value).filter(|dims| dims.iter().any(Option::is_some))
}

/// Two statements about one tensor as one; `None` where they contradict each other.
pub(super) fn agreed(a: &Dims, b: &Dims) -> Option<Dims> {
    if a.len() != b.len() {
        return None;
    }
    a.iter()
        .zip(b)
        .map(|(&a, &b)| match (a, b) {
            (Some(a), Some(b)) if a != b => None,
            _ => Some(a.or(b)),
        })
        .collect()
}
