//! The data format at each layer: its own, else that of the nearest layer before it that has one, else of the nearest
//! behind it (a model's input has none before it).

use std::collections::HashMap;

use crate::graph::{Address, Graph, Wire};
use crate::layout::DataFormat;
use crate::shape;

/// A data format, and how many layers away the layer stands that has it.
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
        let mut formats = Formats::behind(graph, None);
        formats.complete(graph, None);
        formats
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
            let back = if inputs.is_empty() { before } else { farther(formats.nearest(inputs)) };
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

    /// Fills what is still open with what comes behind; `after` is what comes behind the level's outputs.
    fn complete(&mut self, graph: &Graph, after: Found) {
        let mut behind = vec![None; graph.layers.len()];
        for wire in &graph.outputs {
            behind[wire.source.layer] = after;
        }
        for (index, call) in graph.calls_in_order().into_iter().rev() {
            let layer = &graph.layers[index];
            self.layers[index] = self.layers[index].or(behind[index]);
            for wire in &layer.calls[call].inputs {
                let before = &mut behind[wire.source.layer];
                *before = nearer(*before, farther(self.layers[index]));
            }
            if let (Some(model), Some(inner)) = (&layer.inner, self.inner.get_mut(&index))
                && call == 0
            {
                inner.complete(model, behind[index]);
            }
        }
    }

    fn nearest(&self, wires: &[Wire]) -> Found {
        wires.iter().map(|wire| self.layers[wire.source.layer]).fold(None, nearer)
    }
}

fn farther(found: Found) -> Found {
    found.map(|(distance, format)| (distance + 1, format))
}

fn nearer(a: Found, b: Found) -> Found {
    match (a, b) {
        (Some(found), Some(other)) => Some(if other.0 < found.0 { other } else { found }),
        (found, other) => found.or(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config;

    #[test]
    fn a_layer_without_a_format_takes_the_nearest_before_it_else_behind_it() {
        let conv = |format: &str| json!({"filters": 5, "kernel_size": 3, "padding": "same", "data_format": format});
        let layer = |class: &str, name: &str, config: serde_json::Value, source: &str| json!({"class_name": class, "name": name, "config": config, "inbound_nodes": [[[source, 0, 0, {}]]]});
        let input = json!({"class_name": "InputLayer", "name": "x", "config": {}, "inbound_nodes": []});
        let inner = json!({
            "layers": [input, layer("ReLU", "inside", json!({}), "x")],
            "input_layers": [["x", 0, 0]], "output_layers": [["inside", 0, 0]],
        });
        let mut entered = layer("Functional", "inner", inner, "first");
        entered["inbound_nodes"][0][0][1] = json!(0);
        let document = json!({"class_name": "Functional", "config": {
            "layers": [
                input, layer("ReLU", "early", json!({}), "x"), layer("Conv2D", "first", conv("channels_first"), "early"),
                entered, layer("Conv2D", "last", conv("channels_last"), "first"), layer("ReLU", "late", json!({}), "last"),
            ],
            "input_layers": [["x", 0, 0]], "output_layers": [["late", 0, 0], ["inner", 1, 0]],
        }});
        let graph = config::read(&document).expect("a model");
        let formats = Formats::new(&graph);
        let format = |path: &str| formats.of(&graph.find(path).expect("a layer"));
        for path in ["x", "early", "first", "inner", "inner/x", "inner/inside"] {
            assert_eq!(format(path), DataFormat::ChannelsFirst, "{path}");
        }
        assert_eq!(format("late"), DataFormat::ChannelsLast);
    }

    #[test]
    fn without_any_format_channels_are_last() {
        let document = json!({"class_name": "Sequential", "config": {"layers": [
            {"class_name": "ReLU", "config": {"name": "a"}}, {"class_name": "ReLU", "config": {"name": "b"}},
        ]}});
        let graph = config::read(&document).expect("a model");
        assert_eq!(Formats::new(&graph).of(&Address(vec![0])), DataFormat::ChannelsLast);
    }
}
