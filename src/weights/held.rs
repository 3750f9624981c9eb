//! What a layer holds: variables of its own, and layers with theirs, in the order in which Keras finds them.

use serde_json::Value;

use crate::config;
use crate::graph::{Cycle, Graph, Layer};
use crate::keras::classes::{self, Class, Holds, Kind};
use crate::keras::version::Keras;

/// A layer or a model with all that is inside.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Its own variables, in the order in which it makes them.
    pub own: Vec<Variable>,
    /// The layers inside that hold variables.
    pub layers: Vec<Held>,
    /// Its own setting, once loaded.
    pub is_trainable: bool,
    /// Keras 2 lists a layer's own variables before those of the layers inside, a model's after them.
    pub is_model: bool,
}

/// A variable, or any number of them where the class does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variable {
    /// The layer of the nested model that it belongs to, as a number.
    pub leaf: usize,
    /// Its number in that layer.
    pub index: usize,
    /// What the last part of its name can be; empty where the class does not tell.
    pub names: Vec<String>,
    /// Whether the class has it trained.
    pub trains: bool,
    /// Stands for any number of variables.
    pub is_many: bool,
}

impl Variable {
    fn one(names: &[&str], trains: bool) -> Self {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        Variable { leaf: 0, index: 0, names, trains, is_many: false }
    }

    fn many(trains: bool) -> Self {
        Variable { leaf: 0, index: 0, names: Vec::new(), trains, is_many: true }
    }
}

impl Held {
    fn of_own(own: Vec<Variable>) -> Self {
        Held { own, is_trainable: true, ..Held::default() }
    }

    fn of_layers(layers: Vec<Held>) -> Self {
        Held { layers, is_trainable: true, ..Held::default() }
    }

    /// What a class holds that is not Keras' own: some that train, some that do not.
    pub fn unknown() -> Self {
        Held::of_own(vec![Variable::many(true), Variable::many(false)])
    }

    /// Gives all variables their layer and their numbers in it.
    pub fn number(&mut self, leaf: usize, next: &mut usize) {
        for variable in &mut self.own {
            (variable.leaf, variable.index) = (leaf, *next);
            *next += 1;
        }
        for layer in &mut self.layers {
            layer.number(leaf, next);
        }
    }
}

/// What a layer that is no model holds once Keras has loaded it.
pub(super) fn of_layer(layer: &Layer, keras: Keras) -> Held {
    of_class(layer.kind, layer.config, keras)
}

/// What a model inside a wrapper holds; of what it says of itself as a whole neither Keras heeds anything there.
fn of_model(model: &Graph, keras: Keras) -> Result<Held, Cycle> {
    let mut layers = Vec::with_capacity(model.layers.len());
    for index in model.keras_order(keras)? {
        let layer = &model.layers[index];
        layers.push(match &layer.inner {
            Some(inner) => of_model(inner, keras)?,
            None => of_layer(layer, keras),
        });
    }
    Ok(Held { is_model: true, ..Held::of_layers(layers) })
}

fn of_class(kind: Kind, config: &Value, keras: Keras) -> Held {
    let mut held = match kind {
        Kind::Operation | Kind::Clip => Held::default(),
        // A bare variable, of which Keras 3 knows nothing.
        Kind::Simulator if !keras.saves_modes() => Held::default(),
        Kind::Simulator => Held::of_own(vec![Variable::one(&["mode"], false)]),
        // Whether what is inside is frozen with it depends on the class.
        Kind::Other if !keras.asks_layers_what_trains() => return Held::unknown(),
        Kind::Other => Held::unknown(),
        Kind::Keras(class) => of_keras(class, config, keras),
    };
    held.is_trainable = config.get("trainable").and_then(Value::as_bool) != Some(false);
    held
}

fn of_keras(class: &Class, config: &Value, keras: Keras) -> Held {
    let own = own_variables(class, config, keras);
    match (class.name, class.holds) {
        ("MultiHeadAttention" | "GroupedQueryAttention", _) => attention(config, keras),
        // The cell is made without the layer's `trainable`.
        ("ConvLSTM1D" | "ConvLSTM2D" | "ConvLSTM3D", _) => Held::of_layers(vec![Held::of_own(own)]),
        ("Bidirectional", _) => {
            let backward = Some("backward_layer").filter(|key| config.get(key).is_some_and(Value::is_object));
            let layers = ["layer", backward.unwrap_or("layer")];
            Held::of_layers(layers.iter().map(|key| of_entry(config.get(key), keras)).collect())
        }
        ("SpectralNormalization", _) => spectral_normalization(own, of_entry(config.get("layer"), keras), keras),
        (_, Holds::Nothing) => Held::of_own(own),
        (_, Holds::Layers(keys)) => {
            let entries = keys.iter().flat_map(|key| match config.get(key) {
                Some(Value::Array(entries)) => entries.iter().map(Some).collect(),
                entry => vec![entry],
            });
            Held { own, ..Held::of_layers(entries.map(|entry| of_entry(entry, keras)).collect()) }
        }
        (_, Holds::Parts) => Held::unknown(),
    }
}

/// A layer inside another, as the other's config has it.
fn of_entry(entry: Option<&Value>, keras: Keras) -> Held {
    let class = entry.and_then(|entry| entry.get("class_name")).and_then(Value::as_str);
    let (Some(entry), Some(class)) = (entry, class) else { return Held::unknown() };
    let Some(config) = entry.get("config") else { return Held::unknown() };
    let is_wired = ["layers", "input_layers", "output_layers"].iter().all(|key| config.get(key).is_some());
    if is_wired || class == "Sequential" {
        let model = config::read(entry).ok().and_then(|model| of_model(&model, keras).ok());
        return model.unwrap_or_else(Held::unknown);
    }
    of_class(classes::resolve(entry, class), config, keras)
}

/// The variables that a class declares itself.
fn own_variables(class: &Class, config: &Value, keras: Keras) -> Vec<Variable> {
    let declared = class.variables.iter().filter(|variable| variable.is_in(config));
    let mut own: Vec<Variable> = declared.map(|variable| Variable::one(variable.names, variable.trains)).collect();
    let mode = if keras.quantizes() { quantization(config) } else { None };
    let mode = mode.filter(|_| matches!(class.name, "Dense" | "EinsumDense" | "Embedding" | "ReversibleEmbedding"));
    if mode == Some("float8") {
        // Scales and histories, which the training overwrites.
        return vec![Variable::many(true)];
    }
    if config.get("lora_rank").is_some_and(|rank| !rank.is_null())
        && let Some(first) = own.first_mut()
    {
        first.trains = false;
        let kernel = first.names.first().map_or("kernel", String::as_str);
        let names = ["a", "b"].map(|end| format!("lora_{kernel}_{end}"));
        own.extend(names.iter().map(|name| Variable::one(&[name], true)));
    }
    if mode.is_some() {
        // Integers in place of what they stand for, and what brings these back.
        let is_replaced = |name: &String| ["kernel", "embeddings", "reverse_embeddings"].contains(&name.as_str());
        own.retain(|variable| !variable.names.iter().any(is_replaced));
        own.push(Variable::many(false));
    }
    own
}

/// How a layer of Keras 3 is quantized: `int8`, `float8`, ...
fn quantization(config: &Value) -> Option<&str> {
    let policy = config.get("dtype")?;
    if let Some(name) = policy.as_str() {
        return name.split_once("_from_").map(|(mode, _)| mode);
    }
    let class = policy.get("class_name")?.as_str()?;
    let mode = policy.get("config").and_then(|config| config.get("mode")).and_then(Value::as_str);
    match class {
        "DTypePolicy" | "FloatDTypePolicy" | "Policy" => None,
        "QuantizedFloat8DTypePolicy" => Some("float8"),
        _ => Some(mode.unwrap_or("other")),
    }
}

/// Projections, each a layer that is made without the attention's `trainable`, in its dtype.
fn attention(config: &Value, keras: Keras) -> Held {
    let is_set = |key: &str, default: bool| config.get(key).and_then(Value::as_bool).unwrap_or(default);
    let bias_axes = if is_set("use_bias", true) { Value::from("a") } else { Value::Null };
    let dtype = config.get("dtype").cloned().unwrap_or_default();
    let projection = serde_json::json!({"bias_axes": bias_axes, "dtype": dtype});
    let Some(class) = classes::find("EinsumDense") else { return Held::unknown() };
    // Query, key, value, output, and a gate where there is one.
    let count = if is_set("use_gate", false) { 5 } else { 4 };
    Held::of_layers((0..count).map(|_| Held::of_own(own_variables(class, &projection, keras))).collect())
}

/// The kernel of the layer inside is a variable of both, and listed once; behind it stands the vector.
fn spectral_normalization(own: Vec<Variable>, mut inside: Held, keras: Keras) -> Held {
    if inside.own.is_empty() {
        return Held::unknown();
    }
    let kernel = Held::of_own(vec![inside.own.remove(0)]);
    let kernel = Held { is_trainable: inside.is_trainable || keras.asks_layers_what_trains(), ..kernel };
    Held::of_layers(vec![kernel, Held::of_own(own), inside])
}
