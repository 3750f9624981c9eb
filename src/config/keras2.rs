//! The wires of Keras 1 and 2: `["conv2d", 0, 0, {}]`.

use std::collections::HashMap;

use json_patch::jsonptr::PointerBuf;
use serde_json::{Value, json};

use super::references::{Leaf, Written, each_leaf, written};
use super::write::Input;
use super::{ConfigError, child, element};
use crate::graph::{Graph, NodeBase};

/// Marks a constant among the inputs of a node.
const CONSTANT: &str = "_CONSTANT_VALUE";

/// A call on one tensor.
pub(super) fn node(Input { reference, .. }: &Input) -> Value {
    json!([[reference.name, reference.node, reference.tensor, {}]])
}

/// The inputs of a node: lists (or dicts) of `[layer, node, tensor, keyword arguments]`, at any depth.
pub(super) fn inputs<'a>(
    node: &'a Value,
    mut at: PointerBuf,
    by_name: &HashMap<&str, usize>,
    found: &mut Vec<Written<'a>>,
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
                written(list, at).ok_or_else(|| ConfigError::malformed(at, "[layer, node index, tensor index]"))?,
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
                match written(list, at) {
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

/// What stands for the first call of a nested model, which comes into the world with a node of its own.
pub(super) fn node_base(inner: &Graph) -> NodeBase {
    let has_input = inner.layers.first().is_some_and(|first| first.kind.is("InputLayer"));
    let base = usize::from(!inner.is_chain() || has_input);
    NodeBase { in_nodes: base, in_ends: base }
}
