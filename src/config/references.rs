//! References as they are written: which tensors a node or the ends of a model name, in the order in which Keras flattens
//! them.

use std::collections::HashMap;

use json_patch::jsonptr::PointerBuf;
use serde_json::Value;

use super::{ConfigError, child, element};

/// Marks a constant among the inputs of a Keras 2 node.
const CONSTANT: &str = "_CONSTANT_VALUE";

/// A reference as it is written, before layers and calls are looked up.
pub(super) struct Reference<'a> {
    pub name: &'a str,
    pub node: usize,
    pub tensor: usize,
    pub at: PointerBuf,
    pub shape: Option<&'a Value>,
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
pub(super) fn lists<'a>(
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
pub(super) fn tensors<'a>(
    value: &'a Value,
    mut at: PointerBuf,
    found: &mut Vec<Reference<'a>>,
) -> Result<(), ConfigError> {
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
pub(super) fn end_lists<'a>(
    value: &'a Value,
    mut at: PointerBuf,
    found: &mut Vec<Reference<'a>>,
) -> Result<(), ConfigError> {
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
