//! Sequential models: no wires, the order is the graph.

use std::collections::HashMap;

use json_patch::jsonptr::PointerBuf;
use serde_json::Value;

use super::{ConfigError, element, read_layer};
use crate::graph::{Call, Dialect, Graph, Source, Wire};

/// Reads the layers of a sequential model; each is called once, on the one before.
pub(super) fn read<'a>(entries: &'a [Value], layers_at: PointerBuf) -> Result<Graph<'a>, ConfigError> {
    let mut layers = Vec::with_capacity(entries.len());
    let mut by_name = HashMap::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let mut layer = read_layer(entry, element(&layers_at, index))?;
        if by_name.insert(layer.name, index).is_some() {
            return Err(ConfigError::DuplicateName { name: layer.name.to_owned(), at: layer.at });
        }
        layer
            .calls
            .push(Call { inputs: index.checked_sub(1).map(|before| implied(before, false)).into_iter().collect() });
        layers.push(layer);
    }
    let outputs = layers.len().checked_sub(1).map(|last| implied(last, true)).into_iter().collect();
    let inputs = Vec::new();
    Ok(Graph { dialect: Dialect::Sequential, layers_at, layers, inputs, outputs, by_name })
}

fn implied<'a>(layer: usize, is_end: bool) -> Wire<'a> {
    Wire { source: Source { layer, call: 0, tensor: 0 }, at: None, shape: None, dtype: None, is_end }
}
