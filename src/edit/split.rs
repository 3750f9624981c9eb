//! Fused activations: a layer such as Conv2D with relu computes both; to corrupt what it computes before the relu, the
//! layer is made linear, the simulator follows, and an `Activation` layer comes behind.

use json_patch::jsonptr::PointerBuf;
use serde_json::{Value, json};

use super::InsertError;
use crate::change::Change;
use crate::graph::Layer;

/// The classes of which `activation` is the last thing they compute.
const FUSED: [&str; 11] = [
    "Conv2D",
    "Convolution2D",
    "DepthwiseConv2D",
    "SeparableConv2D",
    "SeparableConvolution2D",
    "Conv2DTranspose",
    "Convolution2DTranspose",
    "Deconvolution2D",
    "AtrousConvolution2D",
    "Dense",
    "EinsumDense",
];

/// An activation that can be split off.
pub(super) struct Split {
    pub activation: String,
    pub change: Change,
}

/// The activation that a layer applies to what it computes, unless it is linear.
pub(super) fn fused_activation<'a>(layer: &Layer<'a>) -> Option<&'a str> {
    let activation = layer.config.get("activation").filter(|_| FUSED.contains(&layer.class))?;
    let name = activation.as_str().or_else(|| activation.get("class_name")?.as_str())?;
    (name != "linear").then_some(name)
}

/// The name of the `Activation` layer that belongs to a simulator. It is how `remove` knows it again.
pub(super) fn activation_name(simulator: &str) -> String {
    format!("{simulator}_activation")
}

/// Makes `layer` linear.
pub(super) fn plan(layer: &Layer, path: &str) -> Result<Split, InsertError> {
    let no_split = |why: String| InsertError::NoSplit { layer: path.to_owned(), why };
    if !FUSED.contains(&layer.class) {
        return Err(no_split(format!("its class {} has none", crate::text::shown(layer.class))));
    }
    match layer.config.get("activation") {
        None | Some(Value::Null) => Err(no_split("it is linear".to_owned())),
        Some(Value::String(name)) if name == "linear" => Err(no_split("it is linear".to_owned())),
        Some(Value::String(name)) => Ok(Split {
            activation: name.clone(),
            change: Change::Set { at: activation_at(layer), old: json!(name), new: json!("linear") },
        }),
        Some(_) => Err(no_split("its activation is an object of its own, not the name of a function".to_owned())),
    }
}

/// Gives a linear layer its activation back.
pub(super) fn undo(layer: &Layer, activation: &str) -> Option<Change> {
    let linear = layer.config.get("activation")?.as_str().filter(|name| *name == "linear")?;
    FUSED.contains(&layer.class).then(|| Change::Set {
        at: activation_at(layer),
        old: json!(linear),
        new: json!(activation),
    })
}

fn activation_at(layer: &Layer) -> PointerBuf {
    let mut at = layer.at.clone();
    at.push_back("config");
    at.push_back("activation");
    at
}
