//! Which rule a layer's class has.

use serde_json::Value;

use super::axis::{self, Axes};
use super::settings::Settings;
use super::{Dims, convolution, core, merging, op_layer, pooling, preserving, recurrent, spatial};
use crate::graph::Layer;

/// A call of a layer: what it was constructed from, and the arguments it is called with.
pub(super) struct CallSite<'a> {
    pub settings: Settings<'a>,
    pub node: Option<&'a Value>,
    module: Option<&'a str>,
}

impl<'a> CallSite<'a> {
    pub fn new(layer: &Layer<'a>, call: usize) -> Self {
        CallSite {
            settings: Settings { class: layer.class, config: layer.config },
            node: layer.entry.get("inbound_nodes").and_then(|nodes| nodes.get(call)),
            module: layer.entry.get("module").and_then(Value::as_str),
        }
    }

    /// Whether this is another class that bears the name of one of Keras'. Files from before Keras 2.13 do not say.
    fn is_custom(&self) -> bool {
        let package = self.module.and_then(|module| module.split('.').next());
        package.is_some_and(|package| !["keras", "tf_keras", "tensorflow"].contains(&package))
    }

    pub fn is_pooling(&self) -> bool {
        pooling::spatial_rank(self.settings.class).is_some()
    }

    /// Whether this is an operation on tensors rather than a layer (Keras 3).
    fn is_operation(&self) -> bool {
        self.module.is_some_and(|module| module.contains(".ops."))
    }
}

/// The shapes of a call's outputs, in order; empty where there is no rule.
pub(super) fn outputs(call: &CallSite, inputs: &[Option<Dims>]) -> Vec<Axes> {
    let settings = call.settings;
    if call.is_custom() && settings.class != crate::keras::simulator::CLASS {
        return Vec::new();
    }
    let inputs: Option<Vec<Dims>> = match inputs {
        [None] => assumed_rank(settings.class).map(|rank| vec![vec![None; rank]]),
        inputs => inputs.iter().cloned().collect(),
    };
    let Some(inputs) = inputs.filter(|inputs| !inputs.is_empty()) else { return Vec::new() };
    let inputs = axis::inputs(&inputs);
    let outputs = if call.is_operation() || settings.class.ends_with("OpLambda") {
        op_layer::outputs(call, &inputs)
    } else {
        layer(settings, &inputs)
    };
    outputs.unwrap_or_default()
}

/// The output shapes of a layer.
pub(super) fn layer(settings: Settings, inputs: &[Axes]) -> Option<Vec<Axes>> {
    let single = |axes: Axes| vec![axes];
    if let Some(merged) = merging::output(settings, inputs) {
        return Some(single(merged));
    }
    let [input] = inputs else { return None };
    convolution::output(settings, input)
        .or_else(|| pooling::output(settings, input))
        .or_else(|| spatial::output(settings, input))
        .or_else(|| core::output(settings, input))
        .or_else(|| preserving::output(settings, input))
        .or_else(|| wrapper(settings, input))
        .map(single)
        .or_else(|| recurrent::outputs(settings, input))
}

/// Layers that hold one other layer. What they hold is nested in the text, whose depth the JSON parser bounds.
fn wrapper(settings: Settings, input: &Axes) -> Option<Axes> {
    let held = settings.held()?;
    let on_one = |input: Axes| match layer(held, &[input])?.as_slice() {
        [output] => Some(output.clone()),
        _ => None,
    };
    match settings.class {
        "TimeDistributed" => {
            let (&[batch, steps], rest) = input.split_first_chunk()?;
            let mut output = on_one([&[batch], rest].concat())?;
            output.insert(1.min(output.len()), steps);
            Some(output)
        }
        "SpectralNormalization" => on_one(input.clone()),
        _ => None,
    }
}

/// The rank of the tensors that a class takes, where it takes one alone: so the rank and the number of channels behind a
/// convolution are known even if nothing is known before it.
fn assumed_rank(class: &str) -> Option<usize> {
    convolution::spatial_rank(class)
        .or_else(|| pooling::spatial_rank(class))
        .or_else(|| spatial::spatial_rank(class))
        .map(|rank| rank + 2)
}
