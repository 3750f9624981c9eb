//! The layers that an edit adds: their settings, which they take over from the layer that they follow.

use serde_json::{Map, Value, json};

use crate::config::{self, Input, NewLayer};
use crate::graph::{Graph, Layer};
use crate::keras::clip::Clip;
use crate::keras::simulator;

/// A simulator behind `level.layers[target]`, called once on each input.
pub(super) fn simulator(level: &Graph, target: usize, name: &str, inputs: &[Input]) -> Value {
    let dtype = dtype_policy(level, target);
    let config = simulator::unfilled_config(name, dtype);
    entry(level, target, simulator::CLASS, None, config, inputs)
}

/// A clip behind `level.layers[target]`, called once on each input.
pub(super) fn clip(level: &Graph, target: usize, name: &str, clip: &Clip, inputs: &[Input]) -> Value {
    let (class, module) = clip.class();
    entry(level, target, class, module, clip.config(name, dtype_policy(level, target)), inputs)
}

/// An `Activation` layer behind `level.layers[target]`, called once on each input.
pub(super) fn activation(level: &Graph, target: usize, name: &str, activation: &Value, inputs: &[Input]) -> Value {
    let mut config = Map::new();
    config.insert("name".to_owned(), json!(name));
    config.insert("trainable".to_owned(), json!(true));
    config.insert("dtype".to_owned(), dtype_policy(level, target));
    config.insert("activation".to_owned(), activation.clone());
    entry(level, target, "Activation", Some("keras.layers"), config, inputs)
}

fn entry(
    level: &Graph,
    target: usize,
    class: &str,
    module: Option<&str>,
    config: Map<String, Value>,
    inputs: &[Input],
) -> Value {
    let dtype = compute_dtype(config.get("dtype"));
    let names_modules = level.layers[target].entry.get("module").is_some();
    config::write_layer(level.dialect, NewLayer { class, module, config, dtype, names_modules, inputs })
}

/// The dtype policy of a layer, else of the nearest layer before it that has one. A layer of another policy than its
/// neighbours would cast what passes through it.
fn dtype_policy(level: &Graph, target: usize) -> Value {
    let mut at = Some((level, target));
    // A wire can lead in circles in a config that no Keras wrote: no layer is asked twice.
    let mut steps_left = level.layers.len() + 1;
    while let Some((graph, index)) = at.filter(|_| steps_left > 0) {
        steps_left -= 1;
        let layer = &graph.layers[index];
        if let Some(policy) = layer.config.get("dtype").filter(|policy| is_float(policy)) {
            return policy.clone();
        }
        at = match &layer.inner {
            Some(inner) => inner.outputs.first().map(|wire| (inner, wire.source.layer)),
            None => first_input(layer).map(|before| (graph, before)),
        };
    }
    json!("float32")
}

/// The name of the dtype policy that a simulator behind the layer gets, such as `float32` or `mixed_float16`.
pub(super) fn policy_behind(level: &Graph, target: usize) -> String {
    policy_name(&dtype_policy(level, target)).unwrap_or("float32").to_owned()
}

fn first_input(layer: &Layer) -> Option<usize> {
    Some(layer.calls.first()?.inputs.first()?.source.layer)
}

fn policy_name(policy: &Value) -> Option<&str> {
    policy.as_str().or_else(|| policy.get("config")?.get("name")?.as_str())
}

fn is_float(policy: &Value) -> bool {
    policy_name(policy).is_some_and(|name| name.contains("float"))
}

/// What a layer of that policy outputs.
fn compute_dtype(policy: Option<&Value>) -> String {
    let name = policy.and_then(policy_name).unwrap_or("float32");
    name.strip_prefix("mixed_").unwrap_or(name).to_owned()
}
