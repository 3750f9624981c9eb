//! The wires of Keras 3: `{"class_name": "__keras_tensor__", ...}`.

use json_patch::jsonptr::PointerBuf;
use serde_json::{Value, json};

use super::references::{Leaf, Written, each_leaf, written};
use super::write::Input;
use super::{ConfigError, child};
use crate::graph::{Graph, NodeBase};

/// What a tensor says that it is.
const TENSOR: &str = "__keras_tensor__";

/// A call on one tensor. A shape that is not known is that of a feature map of any size.
pub(super) fn node(Input { reference, shape }: &Input, dtype: &str) -> Value {
    json!({
        "args": [{
            "class_name": TENSOR,
            "config": {
                "shape": shape.clone().unwrap_or_else(|| vec![None; 4]),
                "dtype": dtype,
                "keras_history": [reference.name, reference.node, reference.tensor],
            },
        }],
        "kwargs": {},
    })
}

/// Whether a node is in this form.
pub(super) fn is_node(node: &Value) -> bool {
    node.get("args").is_some()
}

/// The tensors of a node, those of the arguments first.
pub(super) fn inputs<'a>(node: &'a Value, at: &PointerBuf, found: &mut Vec<Written<'a>>) -> Result<(), ConfigError> {
    for part in ["args", "kwargs"] {
        if let Some(value) = node.get(part) {
            tensors(value, child(at, part), found)?;
        }
    }
    Ok(())
}

/// The tensors in arguments, at any depth.
fn tensors<'a>(value: &'a Value, mut at: PointerBuf, found: &mut Vec<Written<'a>>) -> Result<(), ConfigError> {
    each_leaf(value, &mut at, &mut |value, at| {
        if value.get("class_name").and_then(Value::as_str) != Some(TENSOR) {
            return Ok(Leaf::No);
        }
        let config_at = child(at, "config");
        let at = child(&config_at, "keras_history");
        let config = value.get("config");
        let list = config.and_then(|config| config.get("keras_history")).and_then(Value::as_array);
        let mut reference = list
            .and_then(|list| written(list, &at))
            .ok_or_else(|| ConfigError::malformed(&at, "[layer, node index, tensor index]"))?;
        reference.shape = config.and_then(|config| config.get("shape"));
        reference.dtype = config.and_then(|config| config.get("dtype")?.as_str());
        found.push(reference);
        Ok(Leaf::Yes)
    })
}

/// What stands for the first call of a nested model: at an end of the model around it, its own node is counted.
pub(super) fn node_base(inner: &Graph) -> NodeBase {
    NodeBase { in_nodes: 0, in_ends: usize::from(!inner.is_chain()) }
}
