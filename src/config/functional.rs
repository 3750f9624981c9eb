//! Functional models: layers, their nodes, and the ends of the model.
//!
//! A config may mix the dialects them: Keras 3 takes a node in Keras 2's form. So the form is told node by node, and only a new node
//! needs to know which one its model uses.

use std::collections::HashMap;

use json_patch::jsonptr::PointerBuf;
use serde_json::{Map, Value};

use super::references::{Written, end_lists};
use super::{ConfigError, child, element, keras2, keras3, read_layer};
use crate::graph::{Call, Dialect, Graph, Layer, NodeBase, Source, Wire};

pub(super) fn read<'a>(
    config: &'a Map<String, Value>,
    entries: &'a [Value],
    at: &PointerBuf,
    layers_at: PointerBuf,
) -> Result<Graph<'a>, ConfigError> {
    let mut layers = Vec::with_capacity(entries.len());
    let mut by_name = HashMap::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let layer = read_layer(entry, element(&layers_at, index))?;
        if by_name.insert(layer.name, index).is_some() {
            return Err(ConfigError::DuplicateName { name: layer.name.to_owned(), at: layer.at });
        }
        layers.push(layer);
    }

    let mut node_dialect = None;
    let mut references: Vec<Vec<Vec<Written>>> = Vec::with_capacity(layers.len());
    for layer in &layers {
        let nodes_at = child(&layer.at, "inbound_nodes");
        let nodes = match layer.entry.get("inbound_nodes") {
            None => &[][..],
            Some(nodes) => nodes.as_array().ok_or_else(|| ConfigError::malformed(&nodes_at, "a list of nodes"))?,
        };
        let mut calls = Vec::with_capacity(nodes.len());
        for (index, node) in nodes.iter().enumerate() {
            let node_at = element(&nodes_at, index);
            let mut found = Vec::new();
            if keras3::is_node(node) {
                node_dialect = Some(Dialect::Keras3);
                keras3::inputs(node, &node_at, &mut found)?;
            } else {
                node_dialect = node_dialect.or(Some(Dialect::Keras2));
                keras2::inputs(node, node_at, &by_name, &mut found)?;
            }
            calls.push(found);
        }
        references.push(calls);
    }
    // Without a single node the entries' style has to tell: Keras 3 names the module of every class.
    let has_modules = entries.iter().any(|entry| entry.get("module").is_some());
    let dialect = node_dialect.unwrap_or(if has_modules { Dialect::Keras3 } else { Dialect::Keras2 });

    let mut ends = [Vec::new(), Vec::new()];
    for (key, found) in ["input_layers", "output_layers"].into_iter().zip(&mut ends) {
        if let Some(value) = config.get(key) {
            end_lists(value, child(at, key), found)?;
        }
    }

    set_node_bases(&mut layers, &by_name, dialect, &references, &ends);
    let resolve = |reference: Written<'a>, is_end: bool, layers: &[Layer], counts: &[usize]| {
        resolve(reference, is_end, layers, counts, &by_name)
    };
    // An input layer's entry has no nodes, yet it stands for one call.
    let counts: Vec<usize> = references.iter().map(|calls| calls.len().max(1)).collect();
    let mut all_calls = Vec::with_capacity(layers.len());
    for calls in references {
        let mut wired = Vec::with_capacity(calls.len().max(1));
        for call in calls {
            let inputs = call
                .into_iter()
                .map(|reference| resolve(reference, false, &layers, &counts))
                .collect::<Result<_, _>>()?;
            wired.push(Call { inputs });
        }
        if wired.is_empty() {
            wired.push(Call::default());
        }
        all_calls.push(wired);
    }
    let [inputs, outputs] = ends.map(|references| {
        references
            .into_iter()
            .map(|reference| resolve(reference, true, &layers, &counts))
            .collect::<Result<Vec<_>, _>>()
    });
    let (inputs, outputs) = (inputs?, outputs?);
    for (layer, calls) in layers.iter_mut().zip(all_calls) {
        layer.calls = calls;
    }
    let graph = Graph { dialect, layers_at, layers, inputs, outputs, by_name };
    // A graph without an order is none that Keras could build.
    graph.check_order()?;
    Ok(graph)
}

fn resolve<'a>(
    reference: Written<'a>,
    is_end: bool,
    layers: &[Layer],
    counts: &[usize],
    by_name: &HashMap<&str, usize>,
) -> Result<Wire<'a>, ConfigError> {
    let Written { name, node, tensor, at, shape, dtype } = reference;
    let Some(&layer) = by_name.get(name) else {
        let there = layers.iter().map(|layer| layer.name.to_owned()).collect();
        return Err(ConfigError::UnknownLayer { at, name: name.to_owned(), there });
    };
    let base = layers[layer].node_base;
    let first = if is_end { base.in_ends } else { base.in_nodes };
    match node.checked_sub(first) {
        Some(call) if call < counts[layer] => {
            Ok(Wire { source: Source { layer, call, tensor }, at: Some(at), shape, dtype, is_end })
        }
        _ => Err(ConfigError::UnknownCall { at, name: name.to_owned(), node, calls: counts[layer], first }),
    }
}

/// Finds the number that stands for the first call of each nested model. A functional model comes into the world
/// with a node of its own; whether that node is counted depends on the Keras that wrote the file and on the place. A
/// written 0, or a number past the calls, decides; else the rule of the dialect. Keras 2 numbers nodes and ends alike, so
/// there one tells for the other.
fn set_node_bases(
    layers: &mut [Layer],
    by_name: &HashMap<&str, usize>,
    dialect: Dialect,
    references: &[Vec<Vec<Written>>],
    ends: &[Vec<Written>],
) {
    let mut written: HashMap<(usize, bool), (usize, usize)> = HashMap::new();
    let apart = |is_end: bool| is_end && dialect == Dialect::Keras3;
    let in_nodes = references.iter().flatten().flatten().map(|reference| (reference, false));
    let in_ends = ends.iter().flatten().map(|reference| (reference, true));
    for (reference, is_end) in in_nodes.chain(in_ends) {
        if let Some(&layer) = by_name.get(reference.name)
            && layers[layer].inner.is_some()
        {
            let (least, most) = written.entry((layer, apart(is_end))).or_insert((reference.node, reference.node));
            *least = reference.node.min(*least);
            *most = reference.node.max(*most);
        }
    }
    for (index, layer) in layers.iter_mut().enumerate() {
        let Some(inner) = &layer.inner else { continue };
        let rule = match dialect {
            Dialect::Keras3 => keras3::node_base(inner),
            _ => keras2::node_base(inner),
        };
        let calls = references[index].len().max(1);
        let base = |is_end: bool| match written.get(&(index, apart(is_end))) {
            Some((0, _)) => 0,
            Some((_, most)) if *most >= calls => 1,
            _ if is_end => rule.in_ends,
            _ => rule.in_nodes,
        };
        layer.node_base = NodeBase { in_nodes: base(false), in_ends: base(true) };
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A model of Keras 2 that ends with a nested model, whose call has the one number in a node and the other at the end.
    fn numbered(node: usize, end: usize) -> Value {
        let x = json!({"class_name": "InputLayer", "name": "x", "config": {}, "inbound_nodes": []});
        let ends = json!([["x", 0, 0]]);
        let inner = json!({"class_name": "Functional", "name": "inner", "inbound_nodes": [[["x", 0, 0, {}]]],
            "config": {"layers": [x], "input_layers": ends, "output_layers": ends}});
        let relu =
            json!({"class_name": "ReLU", "name": "relu", "config": {}, "inbound_nodes": [[["inner", node, 0, {}]]]});
        json!({"class_name": "Functional", "config": {"layers": [x, inner, relu],
            "input_layers": ends, "output_layers": [["inner", end, 0], ["relu", 0, 0]]}})
    }

    #[test]
    fn keras_2_numbers_the_calls_of_a_nested_model_alike_in_nodes_and_ends() {
        for number in [0, 1] {
            let document = numbered(number, number);
            let graph = crate::config::read(&document).expect("a model");
            assert_eq!(graph.layers[1].node_base, NodeBase { in_nodes: number, in_ends: number });
        }
        for (node, end, at) in [(0, 1, "/config/output_layers/0"), (1, 0, "/config/layers/2/inbound_nodes/0/0")] {
            let error = crate::config::read(&numbered(node, end)).expect_err("Keras refuses it, too");
            assert!(matches!(&error, ConfigError::UnknownCall { at: found, .. } if found.as_str() == at), "{error}");
        }
    }
}
