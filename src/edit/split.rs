//! Fused activations: a layer such as Conv2D with relu computes both; to corrupt what it computes before the relu, the
//! layer is made linear, the simulator follows, and an `Activation` layer comes behind.

use json_patch::jsonptr::PointerBuf;
use serde_json::{Value, json};

use super::EditError;
use crate::change::Change;
use crate::graph::{Graph, Layer};
use crate::keras::classes::Kind;
use crate::keras::computes;

/// An activation that can be split off.
pub(super) struct Split {
    /// As the layer names it.
    pub activation: Value,
    pub change: Change,
}

/// The activation that a layer applies to what it computes, unless it is linear.
pub(super) fn fused_activation<'a>(layer: &Layer<'a>) -> Option<&'a str> {
    computes::fused_activation(layer.kind, layer.config)
}

fn fuses(layer: &Layer) -> bool {
    layer.kind.class().is_some_and(|class| class.fuses)
}

/// Whether an activation is written as an object that only names a function. Keras 2.13 and later write those so that its
/// table of names lacks, such as relu6.
fn names_a_function(activation: &Value) -> bool {
    activation.get("class_name").is_some_and(|class| class == "function")
        && activation.get("config").is_some_and(Value::is_string)
}

/// The name of the `Activation` layer that belongs to a simulator. It is how `remove` knows it again.
pub(super) fn activation_name(simulator: &str) -> String {
    format!("{simulator}_activation")
}

/// The simulator that an `Activation` layer came in with, by its name.
pub(super) fn simulator_of(level: &Graph, activation: &Layer) -> Option<usize> {
    let simulator = level.layer(activation.name.strip_suffix("_activation")?)?;
    (level.layers[simulator].kind == Kind::Simulator).then_some(simulator)
}

/// Makes `layer` linear.
pub(super) fn plan(layer: &Layer, path: &str) -> Result<Split, EditError> {
    let no_split = |why: String| EditError::NoSplit { layer: path.to_owned(), why };
    if !fuses(layer) {
        return Err(no_split(format!("its class {} has none", crate::text::shown(layer.class))));
    }
    match layer.config.get("activation") {
        None | Some(Value::Null) => Err(no_split("it is linear".to_owned())),
        Some(Value::String(name)) if name == "linear" => Err(no_split("it is linear".to_owned())),
        Some(activation) if activation.is_string() || names_a_function(activation) => Ok(Split {
            activation: activation.clone(),
            change: Change::Set { at: activation_at(layer), old: activation.clone(), new: json!("linear") },
        }),
        Some(_) => Err(no_split("its activation is an object of its own, not the name of a function".to_owned())),
    }
}

/// Gives a linear layer its activation back.
pub(super) fn undo(layer: &Layer, activation: &Value) -> Option<Change> {
    let linear = layer.config.get("activation")?.as_str().filter(|name| *name == "linear")?;
    (fuses(layer) && (activation.is_string() || names_a_function(activation))).then(|| Change::Set {
        at: activation_at(layer),
        old: json!(linear),
        new: activation.clone(),
    })
}

fn activation_at(layer: &Layer) -> PointerBuf {
    let mut at = layer.at.clone();
    at.push_back("config");
    at.push_back("activation");
    at
}
