//! References as they are written: which tensors a node or the ends of a model name, in the order in which Keras flattens
//! them.

use json_patch::jsonptr::PointerBuf;
use serde_json::Value;

use super::ConfigError;

/// A reference as it is written, before layers and calls are looked up.
pub(super) struct Written<'a> {
    pub name: &'a str,
    pub node: usize,
    pub tensor: usize,
    pub at: PointerBuf,
    pub shape: Option<&'a Value>,
    pub dtype: Option<&'a str>,
}

/// Reads `[name, node, tensor]` at the start of a list.
pub(super) fn written<'a>(list: &'a [Value], at: &PointerBuf) -> Option<Written<'a>> {
    let number = |value: &Value| value.as_u64().and_then(|number| usize::try_from(number).ok());
    match list {
        [Value::String(name), node, tensor, ..] => Some(Written {
            name,
            node: number(node)?,
            tensor: number(tensor)?,
            at: at.clone(),
            shape: None,
            dtype: None,
        }),
        _ => None,
    }
}

/// The model's inputs or outputs: one reference, or lists and dicts of them, at any depth.
pub(super) fn end_lists<'a>(
    value: &'a Value,
    mut at: PointerBuf,
    found: &mut Vec<Written<'a>>,
) -> Result<(), ConfigError> {
    each_leaf(value, &mut at, &mut |value, at| match value {
        Value::Array(list) if list.len() >= 3 && list[0].is_string() => {
            found.push(
                written(list, at).ok_or_else(|| ConfigError::malformed(at, "[layer, node index, tensor index]"))?,
            );
            Ok(Leaf::Yes)
        }
        Value::Array(_) | Value::Object(_) | Value::Null => Ok(Leaf::No),
        _ => Err(ConfigError::malformed(at, "[layer, node index, tensor index]")),
    })
}

pub(super) enum Leaf {
    /// Look no further inside.
    Yes,
    /// Go on inside.
    No,
}

/// The longest place that is followed, in bytes. Keras writes argument names there, which are Python's and short; without
/// a bound, a few long ones around many tensors would fill the memory with copies of their place.
const LONGEST_PLACE: usize = 4096;

/// Visits values depth first, lists in order and objects by sorted key: the order in which Keras flattens them.
pub(super) fn each_leaf<'a>(
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
