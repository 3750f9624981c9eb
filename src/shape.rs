//! Output shapes of layers, by Keras' own rules.
//!
//! What a config states (Keras 3 writes shapes beside its wires, several versions a layer's `build_config`) fills what no
//! rule knows; where both speak and disagree, the rule wins, because it follows from what the layer is. A class without a
//! rule here has no shape by rule: nothing is guessed. The rules are in files by family of layers.

mod convolution;
mod core;
mod infer;
mod merging;
mod op_layer;
mod pooling;
mod preserving;
mod recurrent;
mod rules;
mod settings;
mod slice;
mod spatial;
mod stated;
mod tensor_op;
#[cfg(test)]
mod testing;
mod window;

use std::collections::HashMap;

use serde_json::Value;

use crate::graph::{Address, Graph, Layer, Source};
use crate::layout::DataFormat;

/// A tensor's shape, the batch axis first. `None` is a size that is unknown, or differs from run to run.
pub type Dims = Vec<Option<usize>>;

/// The output shapes of a model's layers, at every depth.
#[derive(Debug, Default)]
pub struct Shapes {
    known: HashMap<Source, Dims>,
    inner: HashMap<usize, Shapes>,
}

/// Infers the output shape of every layer call. What cannot be known has none; this never fails.
///
/// The layers inside a nested model have the shapes of its own inputs; sizes that those leave open come from its
/// calls, where all calls agree.
pub fn infer(graph: &Graph) -> Shapes {
    infer::whole(graph)
}

impl Shapes {
    /// The shape of one output tensor of one call (both counted from 0) of a layer, at any depth.
    pub fn of(&self, address: &Address, call: usize, tensor: usize) -> Option<&[Option<usize>]> {
        let (&layer, outer) = address.0.split_last()?;
        let level = outer.iter().try_fold(self, |level, index| level.inner.get(index))?;
        level.known.get(&Source { layer, call, tensor }).map(Vec::as_slice)
    }
}

/// The data format a layer is configured with; `None` where it has none.
pub fn data_format(layer: &Layer) -> Option<DataFormat> {
    format_of(layer.config)
}

fn format_of(config: &Value) -> Option<DataFormat> {
    // Keras 1 named them after the libraries whose order they were.
    match config.get("data_format").or_else(|| config.get("dim_ordering"))?.as_str()? {
        "channels_last" | "tf" => Some(DataFormat::ChannelsLast),
        "channels_first" | "th" => Some(DataFormat::ChannelsFirst),
        _ => None,
    }
}
