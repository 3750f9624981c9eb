//! The data format at each layer: its own, else that of the nearest layer before it that has one.

use std::collections::HashMap;

use crate::graph::{Address, Graph, Wire};
use crate::shape;
use crate::site::DataFormat;

/// A data format, and how many layers back the layer stands that has it.
type Found = Option<(usize, DataFormat)>;

/// The data formats of all layers of a model, at every depth.
#[derive(Debug, Default)]
pub(super) struct Formats {
    layers: Vec<Found>,
    inner: HashMap<usize, Formats>,
    /// At the outputs.
    exit: Found,
}

impl Formats {
    pub fn new(graph: &Graph) -> Self {
        Formats::behind(graph, None)
    }

    pub fn of(&self, address: &Address) -> DataFormat {
        let found = address.0.split_last().and_then(|(&layer, outer)| {
            let level = outer.iter().try_fold(self, |level, index| level.inner.get(index))?;
            *level.layers.get(layer)?
        });
        found.map_or_else(DataFormat::default, |(_, format)| format)
    }

    /// The formats of a level whose inputs have seen `before`.
    fn behind(graph: &Graph, before: Found) -> Self {
        let mut formats = Formats { layers: vec![None; graph.layers.len()], ..Formats::default() };
        for (index, call) in graph.calls_in_order() {
            let layer = &graph.layers[index];
            let inputs = &layer.calls[call].inputs;
            let back = match inputs.is_empty() {
                true => before,
                false => formats.nearest(inputs).map(|(distance, format)| (distance + 1, format)),
            };
            let found = match &layer.inner {
                // A layer is the same model at each of its calls: its first call speaks for all.
                Some(model) if !formats.inner.contains_key(&index) => {
                    let inner = Formats::behind(model, back);
                    let exit = inner.exit;
                    formats.inner.insert(index, inner);
                    exit
                }
                Some(_) => None,
                None => shape::data_format(layer).map(|format| (0, format)).or(back),
            };
            formats.layers[index] = nearer(formats.layers[index], found);
        }
        formats.exit = formats.nearest(&graph.outputs);
        formats
    }

    fn nearest(&self, wires: &[Wire]) -> Found {
        wires.iter().map(|wire| self.layers[wire.source.layer]).fold(None, nearer)
    }
}

fn nearer(a: Found, b: Found) -> Found {
    match (a, b) {
        (Some(found), Some(other)) => Some(if other.0 < found.0 { other } else { found }),
        (found, other) => found.or(other),
    }
}
