//! A layer as a convolution that may have been measured.

use super::{Size, Targets};
use crate::graph::{Address, Call, Source};
use crate::operator::Convolution;
use crate::shape::{self, Reach};

impl Targets<'_, '_> {
    /// What a layer convolves; `None` where it is no convolution over height and width.
    pub fn convolution(&self, address: &Address) -> Option<Convolution> {
        let level = self.graph.level(address);
        let (&index, outer) = address.0.split_last()?;
        let layer = &level.layers[index];
        let Reach { kernel, strides, dilation, is_full } = shape::reach(layer)?;
        let format = self.data_format(address);
        let input = |call: &Call| {
            let Source { layer, call, tensor } = call.inputs.first()?.source;
            let before = Address([outer, &[layer]].concat());
            Size::new(self.shapes.of(&before, call, tensor)?, format)?.shape()
        };
        let mut inputs = layer.calls.iter().map(input);
        let first = inputs.next().flatten();
        let input = first.filter(|_| inputs.all(|other| other == first));
        Some(Convolution { input, kernel, strides, dilation, is_full })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::config;
    use crate::layout::Shape;

    /// A convolution behind an input of 13x10x6.
    fn read(class: &str, config: Value) -> Option<Convolution> {
        let input = json!({"class_name": "InputLayer", "name": "x", "inbound_nodes": [],
            "config": {"batch_input_shape": [null, 13, 10, 6]}});
        let layer = json!({"class_name": class, "name": "y", "config": config, "inbound_nodes": [[["x", 0, 0, {}]]]});
        let document = json!({"class_name": "Functional", "config": {
            "layers": [input, layer], "input_layers": [["x", 0, 0]], "output_layers": [["y", 0, 0]],
        }});
        let graph = config::read(&document).expect("a model");
        Targets::new(&graph).convolution(&graph.find("y").expect("a layer"))
    }

    #[test]
    fn a_convolution_is_known_with_its_input() {
        let config =
            json!({"filters": 8, "kernel_size": [3, 5], "strides": 2, "dilation_rate": [1, 1], "padding": "same"});
        let input = Some(Shape::new(13, 10, 6).unwrap());
        let expected = Convolution { input, kernel: [3, 5], strides: [2, 2], dilation: [1, 1], is_full: true };
        assert_eq!(read("Conv2D", config), Some(expected));
    }

    #[test]
    fn a_convolution_whose_channels_read_few_others_is_told() {
        let config = json!({"filters": 6, "kernel_size": [1, 1], "padding": "same", "groups": 2});
        assert!(!read("Conv2D", config.clone()).unwrap().is_full);
        assert!(!read("DepthwiseConv2D", config.clone()).unwrap().is_full);
        assert!(!read("SeparableConv2D", config.clone()).unwrap().is_full);
        assert_eq!(read("Dense", config.clone()), None);
        assert_eq!(read("Conv1D", config), None);
    }
}
