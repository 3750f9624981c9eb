//! Functional models: the wires of Keras 1 and 2 (`["conv2d", 0, 0, {}]`) and of Keras 3 (`__keras_tensor__`).
//!
//! A config may mix them: Keras 3 takes a node in Keras 2's form. So the form is told node by node, and only a new node
//! needs to know which one its model uses.

use std::collections::HashMap;

use json_patch::jsonptr::PointerBuf;
use serde_json::{Map, Value};

use super::{ConfigError, child, element, read_layer};
use crate::graph::{Call, Dialect, Graph, Keras, Layer, NodeBase, Source, Wire};

/// Marks a constant among the inputs of a Keras 2 node.
const CONSTANT: &str = "_CONSTANT_VALUE";

/// A reference as it is written, before layers and calls are looked up.
struct Reference<'a> {
    name: &'a str,
    node: usize,
    tensor: usize,
    at: PointerBuf,
    shape: Option<&'a Value>,
}

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
    let mut references: Vec<Vec<Vec<Reference>>> = Vec::with_capacity(layers.len());
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
            match node {
                Value::Object(fields) if fields.contains_key("args") => {
                    node_dialect = Some(Dialect::Keras3);
                    for part in ["args", "kwargs"] {
                        if let Some(value) = fields.get(part) {
                            tensors(value, child(&node_at, part), &mut found)?;
                        }
                    }
                }
                _ => {
                    node_dialect = node_dialect.or(Some(Dialect::Keras2));
                    lists(node, node_at, &by_name, &mut found)?;
                }
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
    let resolve = |reference: Reference<'a>, is_end: bool, layers: &[Layer], counts: &[usize]| {
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
    graph.keras_order(Keras::Three)?;
    Ok(graph)
}

fn resolve<'a>(
    reference: Reference<'a>,
    is_end: bool,
    layers: &[Layer],
    counts: &[usize],
    by_name: &HashMap<&str, usize>,
) -> Result<Wire<'a>, ConfigError> {
    let Reference { name, node, tensor, at, shape } = reference;
    let Some(&layer) = by_name.get(name) else {
        let there = layers.iter().map(|layer| layer.name.to_owned()).collect();
        return Err(ConfigError::UnknownLayer { at, name: name.to_owned(), there });
    };
    let base = layers[layer].node_base;
    let call = node.checked_sub(if is_end { base.in_ends } else { base.in_nodes });
    match call {
        Some(call) if call < counts[layer] => {
            Ok(Wire { source: Source { layer, call, tensor }, at: Some(at), shape, is_end })
        }
        _ => Err(ConfigError::UnknownCall { at, name: name.to_owned(), node, calls: counts[layer] }),
    }
}

/// Finds the number that stands for the first call of each nested model. A functional model comes into the world
/// with a node of its own; whether that node is counted depends on the Keras that wrote the file and on the place. A
/// written 0, or a number past the calls, decides; else the rule of the dialect.
fn set_node_bases(
    layers: &mut [Layer],
    by_name: &HashMap<&str, usize>,
    dialect: Dialect,
    references: &[Vec<Vec<Reference>>],
    ends: &[Vec<Reference>],
) {
    let mut written: HashMap<(usize, bool), (usize, usize)> = HashMap::new();
    let in_nodes = references.iter().flatten().flatten().map(|reference| (reference, false));
    let in_ends = ends.iter().flatten().map(|reference| (reference, true));
    for (reference, is_end) in in_nodes.chain(in_ends) {
        if let Some(&layer) = by_name.get(reference.name)
            && layers[layer].inner.is_some()
        {
            let (least, most) = written.entry((layer, is_end)).or_insert((reference.node, reference.node));
            *least = reference.node.min(*least);
            *most = reference.node.max(*most);
        }
    }
    for (index, layer) in layers.iter_mut().enumerate() {
        let Some(inner) = &layer.inner else { continue };
        let has_input = inner.layers.first().is_some_and(|first| first.class == "InputLayer");
        let rule = |is_end: bool| match dialect {
            Dialect::Keras3 => usize::from(is_end && inner.dialect != Dialect::Sequential),
            _ => usize::from(inner.dialect != Dialect::Sequential || has_input),
        };
        let calls = references[index].len().max(1);
        let base = |is_end: bool| match written.get(&(index, is_end)) {
            Some((0, _)) => 0,
            Some((_, most)) if *most >= calls => 1,
            _ => rule(is_end),
        };
        layer.node_base = NodeBase { in_nodes: base(false), in_ends: base(true) };
    }
}

/// Reads `[name, node, tensor]` at the start of a list.
fn reference<'a>(list: &'a [Value], at: &PointerBuf) -> Option<Reference<'a>> {
    let number = |value: &Value| value.as_u64().and_then(|number| usize::try_from(number).ok());
    match list {
        [Value::String(name), node, tensor, ..] => {
            Some(Reference { name, node: number(node)?, tensor: number(tensor)?, at: at.clone(), shape: None })
        }
        _ => None,
    }
}

/// The inputs of a Keras 2 node: lists (or dicts) of `[layer, node, tensor, keyword arguments]`, at any depth.
fn lists<'a>(
    node: &'a Value,
    mut at: PointerBuf,
    by_name: &HashMap<&str, usize>,
    found: &mut Vec<Reference<'a>>,
) -> Result<(), ConfigError> {
    let mut keyword_arguments = Vec::new();
    each_leaf(node, &mut at, &mut |value, at| {
        let Some(list) = value.as_array() else { return Ok(Leaf::No) };
        let is_reference = matches!(list.len(), 3 | 4) && list[0].is_string();
        if !is_reference {
            return Ok(Leaf::No);
        }
        if list[0] != CONSTANT {
            found.push(
                reference(list, at).ok_or_else(|| ConfigError::malformed(at, "[layer, node index, tensor index]"))?,
            );
        }
        if let Some(arguments) = list.get(3) {
            keyword_arguments.push((arguments, element(at, 3)));
        }
        Ok(Leaf::Yes)
    })?;
    // In keyword arguments a list of that form is a reference only where the layer exists: it may be plain data. The
    // arguments themselves come in the order in which they stand; Keras 2 sorts only what is inside them.
    for (arguments, at) in keyword_arguments {
        let Some(arguments) = arguments.as_object() else { continue };
        for (key, value) in arguments {
            each_leaf(value, &mut child(&at, key), &mut |value, at| {
                let Some(list) = value.as_array() else { return Ok(Leaf::No) };
                match reference(list, at) {
                    Some(reference) if matches!(list.len(), 3 | 4) && by_name.contains_key(reference.name) => {
                        found.push(reference);
                        Ok(Leaf::Yes)
                    }
                    _ => Ok(Leaf::No),
                }
            })?;
        }
    }
    Ok(())
}

/// The tensors in the arguments of a Keras 3 node, at any depth.
fn tensors<'a>(value: &'a Value, mut at: PointerBuf, found: &mut Vec<Reference<'a>>) -> Result<(), ConfigError> {
    each_leaf(value, &mut at, &mut |value, at| {
        if value.get("class_name").and_then(Value::as_str) != Some("__keras_tensor__") {
            return Ok(Leaf::No);
        }
        let config_at = child(at, "config");
        let at = child(&config_at, "keras_history");
        let config = value.get("config");
        let list = config.and_then(|config| config.get("keras_history")).and_then(Value::as_array);
        let mut reference = list
            .and_then(|list| reference(list, &at))
            .ok_or_else(|| ConfigError::malformed(&at, "[layer, node index, tensor index]"))?;
        reference.shape = config.and_then(|config| config.get("shape"));
        found.push(reference);
        Ok(Leaf::Yes)
    })
}

/// The model's inputs or outputs: one reference, or lists and dicts of them, at any depth.
fn end_lists<'a>(value: &'a Value, mut at: PointerBuf, found: &mut Vec<Reference<'a>>) -> Result<(), ConfigError> {
    each_leaf(value, &mut at, &mut |value, at| match value {
        Value::Array(list) if list.len() >= 3 && list[0].is_string() => {
            found.push(
                reference(list, at).ok_or_else(|| ConfigError::malformed(at, "[layer, node index, tensor index]"))?,
            );
            Ok(Leaf::Yes)
        }
        Value::Array(_) | Value::Object(_) | Value::Null => Ok(Leaf::No),
        _ => Err(ConfigError::malformed(at, "[layer, node index, tensor index]")),
    })
}

enum Leaf {
    /// Look no further inside.
    Yes,
    /// Go on inside.
    No,
}

/// The longest place that is followed, in bytes. Keras writes argument names there, which are Python's and short; without
/// a bound, a few long ones around many tensors would fill the memory with copies of their place.
const LONGEST_PLACE: usize = 4096;

/// Visits values depth first, lists in order and objects by sorted key: the order in which Keras flattens them.
fn each_leaf<'a>(
    value: &'a Value,
    at: &mut PointerBuf,
    visit: &mut impl FnMut(&'a Value, &PointerBuf) -> Result<Leaf, ConfigError>,
) -> Result<(), ConfigError> {
    if at.as_str().len() > LONGEST_PLACE {
        at.pop_back();
        return Err(ConfigError::malformed(at, "a shorter name"));
    }
    if let Leaf::Yes = visit(value, at)? {
        return Ok(());
    }
    match value {
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                at.push_back(index);
                each_leaf(value, at, visit)?;
                at.pop_back();
            }
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by(|a, b| a.0.cmp(b.0));
            for (key, value) in fields {
                at.push_back(key.as_str());
                each_leaf(value, at, visit)?;
                at.pop_back();
            }
        }
        _ => {}
    }
    Ok(())
}
