//! A layer that is new, as the model around it would have it written.

use serde_json::{Map, Value, json};

use super::{keras2, keras3};
use crate::graph::{Dialect, Reference};

/// A tensor that a new layer is called on.
pub struct Input {
    /// The tensor.
    pub reference: Reference,
    /// Batch first; `None` where it is not known.
    pub shape: Option<Vec<Option<usize>>>,
}

/// A layer to be written.
pub struct NewLayer<'a> {
    /// Its class.
    pub class: &'a str,
    /// Where Keras finds the class; `None` of a custom class, which is looked up by its registered name.
    pub module: Option<&'a str>,
    /// What it is constructed from, its name included.
    pub config: Map<String, Value>,
    /// The dtype of what it is called on, and returns.
    pub dtype: String,
    /// Whether the config names the module of every class.
    pub names_modules: bool,
    /// It is called once on each.
    pub inputs: &'a [Input],
}

/// The entry among the layers of a model in this dialect.
pub fn write_layer(dialect: Dialect, layer: NewLayer) -> Value {
    let NewLayer { class, module, config, dtype, names_modules, inputs } = layer;
    let name = config.get("name").cloned().unwrap_or_default();
    let mut entry = Map::new();
    if names_modules {
        entry.insert("module".to_owned(), json!(module));
    }
    // The name that a class is registered under has its package before it.
    let short = if names_modules { class.rsplit('>').next().unwrap_or(class) } else { class };
    entry.insert("class_name".to_owned(), json!(short));
    entry.insert("config".to_owned(), Value::Object(config));
    if names_modules {
        entry.insert("registered_name".to_owned(), if module.is_some() { Value::Null } else { json!(class) });
    }
    let nodes: Option<Vec<Value>> = match dialect {
        Dialect::Sequential => None,
        Dialect::Keras2 => Some(inputs.iter().map(keras2::node).collect()),
        Dialect::Keras3 => Some(inputs.iter().map(|input| keras3::node(input, &dtype)).collect()),
    };
    if let Some(nodes) = nodes {
        entry.insert("name".to_owned(), name);
        entry.insert("inbound_nodes".to_owned(), Value::Array(nodes));
    }
    Value::Object(entry)
}
