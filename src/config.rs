//! A model's config, read into a [`Graph`]: what Keras 1, 2 and 3 write, each dialect in a file of its own.

mod functional;
mod keras2;
mod keras3;
mod references;
mod sequential;
mod write;

pub use write::{Input, NewLayer, write_layer};

use json_patch::jsonptr::PointerBuf;
use serde_json::Value;
use thiserror::Error;

use crate::graph::{Cycle, Dialect, Graph, Layer};
use crate::json::Reading;
use crate::keras::classes;
use crate::keras::version::Keras;
use crate::text::shown;

/// Why a document is not the config of a Keras model. Every variant names the place as a JSON Pointer.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    /// Neither a sequential nor a functional model.
    #[error("is not the config of a Keras model: {why}")]
    NotAModel {
        /// What is missing.
        why: String,
    },
    /// A model whose layers are in its code.
    #[error("is not the config of a Keras model: its config has no layers (a subclassed model keeps them in its code)")]
    NoLayers,
    /// Something has another form than Keras writes.
    #[error("{expected} is expected at {at}", at = place(.at))]
    Malformed {
        /// Where.
        at: PointerBuf,
        /// What Keras writes there.
        expected: &'static str,
    },
    /// Two layers of one model with one name.
    #[error("the layer name '{name}' at {at} is already taken in its model", name = shown(.name), at = place(.at))]
    DuplicateName {
        /// The name.
        name: String,
        /// The second layer.
        at: PointerBuf,
    },
    /// A wire to a layer that does not exist.
    #[error("the wire at {at} leads to the layer '{name}', which does not exist", name = shown(.name), at = place(.at))]
    UnknownLayer {
        /// The wire.
        at: PointerBuf,
        /// The missing layer.
        name: String,
        /// The layers there are.
        there: Vec<String>,
    },
    /// A wire to a call that a layer does not have.
    #[error(
        "the wire at {at} leads to node {node} of the layer '{name}', which has {calls}, numbered from {first}",
        name = shown(.name), at = place(.at)
    )]
    UnknownCall {
        /// The wire.
        at: PointerBuf,
        /// The layer.
        name: String,
        /// The node as written.
        node: usize,
        /// How many there are.
        calls: usize,
        /// The number of the first, as the rest of the config has it.
        first: usize,
    },
    /// A graph without an order.
    #[error(transparent)]
    Cycle(#[from] Cycle),
}

impl ConfigError {
    fn malformed(at: &PointerBuf, expected: &'static str) -> Self {
        ConfigError::Malformed { at: at.clone(), expected }
    }
}

fn place(at: &PointerBuf) -> String {
    if at.as_str().is_empty() { "the root".to_owned() } else { shown(at.as_str()) }
}

/// What a graph needs of a config: not how weights begin and what binds them, which is a third of all objects there.
pub fn wanted(key: &str) -> Reading {
    match key {
        // The arguments of calls and the ends of a model have names of the user's choice; a simulator takes over a dtype.
        "inbound_nodes" | "input_layers" | "output_layers" | "dtype" => Reading::Whole,
        _ if ["_initializer", "_regularizer", "_constraint"].into_iter().any(|end| key.ends_with(end)) => {
            Reading::Nothing
        }
        _ => Reading::Wanted,
    }
}

/// Reads the graph of a whole config, nested models included.
pub fn read(document: &Value) -> Result<Graph<'_>, ConfigError> {
    let not_a_model = |why: &str| ConfigError::NotAModel { why: why.to_owned() };
    let root = document.as_object().ok_or_else(|| not_a_model("it is not an object"))?;
    let class = root.get("class_name").and_then(Value::as_str).ok_or_else(|| not_a_model("it has no class_name"))?;
    let config = root.get("config").ok_or_else(|| not_a_model("it has no config"))?;
    read_level(class, config, &PointerBuf::from_tokens(["config"]))?.ok_or(ConfigError::NoLayers)
}

/// The Keras that wrote a model, which is the one that loads it: by the version that it left in the file, else by how the
/// config is written.
pub fn writer(version: Option<&str>, graph: &Graph) -> Keras {
    let of_keras_3 = |policy: &Value| policy.get("class_name").and_then(Value::as_str) == Some("DTypePolicy");
    let is_3 = || {
        graph.dialect == Dialect::Keras3
            || graph.layers.iter().any(|layer| layer.config.get("dtype").is_some_and(of_keras_3))
    };
    version.and_then(Keras::of_version).unwrap_or_else(|| if is_3() { Keras::Three } else { Keras::Two })
}

/// Reads one level. `None`: this is no model but a plain layer.
fn read_level<'a>(class: &str, config: &'a Value, at: &PointerBuf) -> Result<Option<Graph<'a>>, ConfigError> {
    match config {
        Value::Array(layers) if class == "Sequential" => sequential::read(layers, at.clone()).map(Some),
        Value::Object(fields) => {
            let Some(layers) = fields.get("layers") else { return Ok(None) };
            let layers_at = child(at, "layers");
            let wired = fields.contains_key("input_layers") && fields.contains_key("output_layers");
            match layers.as_array() {
                Some(layers) if wired => functional::read(fields, layers, at, layers_at).map(Some),
                // Outside a wired model only the class tells a chain of layers from a layer that happens to hold some.
                Some(layers) if class == "Sequential" || at.count() == 1 => {
                    sequential::read(layers, layers_at).map(Some)
                }
                None if wired || class == "Sequential" => Err(ConfigError::malformed(&layers_at, "a list of layers")),
                _ => Ok(None),
            }
        }
        _ => Ok(None),
    }
}

/// A layer's entry, without its calls.
fn read_layer<'a>(entry: &'a Value, at: PointerBuf) -> Result<Layer<'a>, ConfigError> {
    let fields = entry.as_object().ok_or_else(|| ConfigError::malformed(&at, "a layer (an object)"))?;
    let class = fields
        .get("class_name")
        .and_then(Value::as_str)
        .ok_or_else(|| ConfigError::malformed(&child(&at, "class_name"), "a class name"))?;
    let config_at = child(&at, "config");
    let config = fields.get("config").ok_or_else(|| ConfigError::malformed(&config_at, "the layer's config"))?;
    // Some files give the name beside the config only, some (sequential models) only inside.
    let name = fields
        .get("name")
        .or_else(|| config.get("name"))
        .and_then(Value::as_str)
        .or_else(|| (class == "Sequential").then_some("sequential"))
        .ok_or_else(|| ConfigError::malformed(&child(&at, "name"), "the layer's name"))?;
    let inner = read_level(class, config, &config_at)?;
    let kind = classes::resolve(entry, class);
    Ok(Layer { name, class, kind, at, entry, config, calls: Vec::new(), inner, node_base: Default::default() })
}

fn child(at: &PointerBuf, token: &str) -> PointerBuf {
    let mut at = at.clone();
    at.push_back(token);
    at
}

fn element(at: &PointerBuf, index: usize) -> PointerBuf {
    let mut at = at.clone();
    at.push_back(index);
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{self, Arrays};

    #[test]
    fn a_graph_needs_what_users_name_and_not_how_weights_begin() {
        let text = r#"{"class_name":"Functional","config":{"layers":[
            {"class_name":"Dense","name":"d","config":{"dtype":{"config":{"x_constraint":1}},"kernel_initializer":{"class_name":"Zeros"},"bias_constraint":null},
             "inbound_nodes":[[["in",0,0,{"a_regularizer":["other",0,0]}]]]}],
            "input_layers":{"an_initializer":["in",0,0]},"output_layers":{"a_constraint":["d",0,0]}}}"#;
        let read = json::parse_wanted(text, wanted, &mut Arrays::default()).expect("valid").value;
        let expected = text.replace(r#","kernel_initializer":{"class_name":"Zeros"},"bias_constraint":null"#, "");
        assert_eq!(read, serde_json::from_str::<Value>(&expected).expect("valid"));
    }
}
