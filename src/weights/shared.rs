//! Layers that several models share: Keras saves such a layer once, in the group of whichever model comes first to it.

use std::collections::HashMap;

use serde_json::Value;

use super::WeightsError;
use crate::graph::Graph;

/// Refuses two models, of which something moves from the one to the other, where any layer is shared: which group is its own may change
/// with the order of the models.
pub(super) fn refuse(graphs: [&Graph; 2]) -> Result<(), WeightsError> {
    for graph in graphs {
        let mut seen: HashMap<String, usize> = HashMap::new();
        for address in graph.walk() {
            let Some(layer) = graph.trail(&address).last().copied() else { continue };
            let mut ids = Vec::new();
            match &layer.inner {
                Some(_) => ids.extend(layer.entry.get("shared_object_id").map(Value::to_string)),
                None => ids_inside(layer.entry, &mut ids),
            }
            for id in ids {
                let times = seen.entry(id).or_insert(0);
                *times += 1;
                if *times > 1 {
                    return Err(WeightsError::Shared { layer: graph.path(&address) });
                }
            }
        }
    }
    Ok(())
}

/// The numbers of shared objects that may be layers: what draws values, binds them or says how they are computed is none.
fn ids_inside(value: &Value, ids: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            ids.extend(fields.get("shared_object_id").map(Value::to_string));
            let is_plain = |key: &str| {
                key == "dtype" || ["_initializer", "_regularizer", "_constraint"].iter().any(|end| key.ends_with(end))
            };
            fields.iter().filter(|(key, _)| !is_plain(key)).for_each(|(_, value)| ids_inside(value, ids));
        }
        Value::Array(values) => values.iter().for_each(|value| ids_inside(value, ids)),
        _ => {}
    }
}
