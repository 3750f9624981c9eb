//! Output shapes of layers, by Keras' own rules.
//!
//! What a config states (Keras 3 writes shapes beside its wires, several versions a layer's `build_config`) fills what no
//! rule knows; where both speak and disagree, the rule wins, because it follows from what the layer is. A class without a
//! rule here has no shape by rule: nothing is guessed. The rules are in files by family of layers.

mod arguments;
mod attention;
mod axis;
mod convolution;
mod core;
mod infer;
mod meaning;
mod merging;
mod op_layer;
mod pooling;
mod reads;
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

pub use axis::Meaning;

use std::collections::HashMap;

use serde_json::Value;

use crate::graph::{Address, Graph, Layer, Source};
use crate::layout::DataFormat;
use settings::Settings;

pub use convolution::Reach;

/// A tensor's shape, the batch axis first. `None` is a size that is unknown, or differs from run to run.
pub type Dims = Vec<Option<usize>>;

/// The output shapes of a model's layers, at every depth.
#[derive(Debug, Default)]
pub struct Shapes {
    level: Level,
    /// The tensors for each of the different inputs that the model is called on, where they are several; `None` for any
    /// further ones.
    contexts: Vec<Option<HashMap<Source, Dims>>>,
    inner: HashMap<usize, Shapes>,
}

/// The tensors of one level.
#[derive(Debug, Default)]
struct Level {
    known: HashMap<Source, Dims>,
    /// What the model takes, in the order of its inputs.
    entries: Vec<Option<Dims>>,
    meanings: meaning::Meanings,
}

/// Infers the output shape of every layer call. What cannot be known has none; this never fails.
///
/// The layers inside a nested model have the shapes of its own inputs; sizes that those leave open come from its
/// calls, where all calls agree.
pub fn infer(graph: &Graph) -> Shapes {
    let mut shapes = infer::whole(graph);
    let meanings = meaning::infer(graph, &shapes);
    shapes.understand(meanings);
    shapes
}

impl Shapes {
    /// The shape of one output tensor of one call (both counted from 0) of a layer, at any depth.
    pub fn of(&self, address: &Address, call: usize, tensor: usize) -> Option<&[Option<usize>]> {
        let (shapes, source) = self.at(address, call, tensor)?;
        shapes.level.known.get(&source).map(Vec::as_slice)
    }

    /// The shapes of such a tensor for the different inputs that the models around it are called on, each once, in the order
    /// of the calls. `None` is one that is not known.
    pub fn in_calls(&self, address: &Address, call: usize, tensor: usize) -> Vec<Option<&[Option<usize>]>> {
        let Some((shapes, source)) = self.at(address, call, tensor) else { return Vec::new() };
        if shapes.contexts.is_empty() {
            return vec![shapes.level.known.get(&source).map(Vec::as_slice)];
        }
        let mut found = Vec::new();
        for known in &shapes.contexts {
            let dims = known.as_ref().and_then(|known| known.get(&source)).map(Vec::as_slice);
            if !found.contains(&dims) {
                found.push(dims);
            }
        }
        found
    }

    /// What the axes of such a tensor mean, as far as it is known.
    pub fn meanings(&self, address: &Address, call: usize, tensor: usize) -> Option<&[Option<Meaning>]> {
        let (shapes, source) = self.at(address, call, tensor)?;
        shapes.level.meanings.get(&source).map(Vec::as_slice)
    }

    /// The axis with the channels of such a tensor; the others behind the batch then stand in their order: depth, height,
    /// width. `None` where what the axes mean is not known, or they stand in another order.
    pub fn channels(&self, address: &Address, call: usize, tensor: usize) -> Option<usize> {
        axis::channels(self.of(address, call, tensor)?, self.meanings(address, call, tensor)?)
    }

    fn at(&self, address: &Address, call: usize, tensor: usize) -> Option<(&Shapes, Source)> {
        let (&layer, outer) = address.0.split_last()?;
        let shapes = outer.iter().try_fold(self, |shapes, index| shapes.inner.get(index))?;
        Some((shapes, Source { layer, call, tensor }))
    }

    fn understand(&mut self, mut meanings: meaning::Tree) {
        self.level.meanings = meanings.level;
        for (index, inner) in &mut self.inner {
            inner.understand(meanings.inner.remove(index).unwrap_or_default());
        }
    }
}

/// The data format a layer is configured with; `None` where it has none.
pub fn data_format(layer: &Layer) -> Option<DataFormat> {
    format_of(layer.config)
}

/// What a layer does at each of its places, where it is a convolution over height and width.
pub fn reach(layer: &Layer) -> Option<Reach> {
    convolution::reach(Settings { kind: layer.kind, config: layer.config })
}

fn format_of(config: &Value) -> Option<DataFormat> {
    // Keras 1 named them after the libraries whose order they were.
    match config.get("data_format").or_else(|| config.get("dim_ordering"))?.as_str()? {
        "channels_last" | "tf" => Some(DataFormat::ChannelsLast),
        "channels_first" | "th" => Some(DataFormat::ChannelsFirst),
        _ => None,
    }
}
