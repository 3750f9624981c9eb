//! What each class of layer is that Keras has or had: one row a class, in the files by family.
//!
//! A layer's class is resolved once, where its config is read ([`resolve`]). A class of somebody else's that bears one of
//! these names is [`Kind::Other`] everywhere, as far as the file tells: from Keras 2.13 on it names the module.

mod data;
mod mixing;
mod rule;
mod simple;

pub use rule::{Attention, Convolution, Features, Merging, Pooling, Rule, Spatial, Wrapper};

use serde_json::Value;

use super::clip;
use super::simulator;
use super::variables::{Variable, When};
use crate::operator::Operator;

/// What is known of a class of layers.
#[derive(Debug, PartialEq, Eq)]
pub struct Class {
    /// The name that Keras 2 and 3 write.
    pub name: &'static str,
    /// Names that Keras 1 or a private module gave it.
    pub aliases: &'static [&'static str],
    /// The operator whose error model fits its output.
    pub computes: Computes,
    /// Whether its `activation` is the last thing that it computes, so that it can be split off.
    pub fuses: bool,
    /// The variables that it declares itself, in the order in which it makes them. Read off the layers of Keras 3.3 to 3.15
    /// and of tf_keras. Keras 3's seeds are variables that no `.h5` file has, and not among them.
    pub variables: &'static [Variable],
    /// The layers that it holds.
    pub holds: Holds,
    /// The settings of which any makes [`Holds::Parts`] of it; with none of them it holds nothing. Empty: it always does.
    parts_when: &'static [When],
    /// The rule for its output's shape.
    pub shape: Rule,
}

/// Which operator a class is, as far as error models go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Computes {
    /// None that was measured.
    Unmeasured,
    /// One, whatever the arguments.
    One(Operator),
    /// That of the function named in `activation`.
    ItsActivation,
    /// ReLU, with or without an upper bound (`max_value`).
    Relu,
}

/// Which layers a class holds, whose variables are its own as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// None.
    Nothing,
    /// Those under these arguments.
    Layers(&'static [&'static str]),
    /// Parts of its own making, which its arguments do not name; or what is in a file depends on more than arguments.
    Parts,
}

/// What a layer's class stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A class of Keras.
    Keras(&'static Class),
    /// An operation on tensors that stands as a layer: an `Operation` of Keras 3, an op layer of Keras 2.
    Operation,
    /// The error simulator.
    Simulator,
    /// The package's layer that keeps values in a range.
    Clip,
    /// A class that is not Keras' own, or not known.
    Other,
}

impl Kind {
    /// The row of a class of Keras.
    pub fn class(self) -> Option<&'static Class> {
        match self {
            Kind::Keras(class) => Some(class),
            Kind::Operation | Kind::Simulator | Kind::Clip | Kind::Other => None,
        }
    }

    /// Whether this is the class of that name.
    pub fn is(self, name: &str) -> bool {
        self.class().is_some_and(|class| class.name == name)
    }
}

/// Packages whose classes are Keras' own.
const PACKAGES: [&str; 3] = ["keras", "tf_keras", "tensorflow"];

/// What the class of an entry of a config stands for: an object with `class_name`, and from Keras 2.13 on with `module` and
/// `registered_name`. Entries that name no module are taken at their name.
pub fn resolve(entry: &Value, class_name: &str) -> Kind {
    if simulator::is_simulator(class_name) {
        return Kind::Simulator;
    }
    if clip::is_clip(entry, class_name) {
        return Kind::Clip;
    }
    let module = entry.get("module");
    let is_foreign = match module.and_then(Value::as_str) {
        Some(module) => !PACKAGES.contains(&module.split('.').next().unwrap_or(module)),
        // Keras names a module for its own; a class without one is found by the name it was registered under.
        None => module.is_some() && entry.get("registered_name").is_some_and(Value::is_string),
    };
    if is_foreign {
        return Kind::Other;
    }
    if class_name.ends_with("OpLambda") || module.and_then(Value::as_str).is_some_and(|module| module.contains(".ops."))
    {
        return Kind::Operation;
    }
    find(class_name).map_or(Kind::Other, Kind::Keras)
}

/// The row of a class, by its name or an older one.
pub fn find(name: &str) -> Option<&'static Class> {
    all().find(|class| class.name == name || class.aliases.contains(&name))
}

/// All rows.
pub fn all() -> impl Iterator<Item = &'static Class> {
    [mixing::ROWS, simple::ROWS, data::ROWS].into_iter().flatten()
}

impl Class {
    /// A row of a class without weights that no error model was measured for.
    const fn new(name: &'static str, shape: Rule) -> Self {
        Class {
            name,
            aliases: &[],
            computes: Computes::Unmeasured,
            fuses: false,
            variables: &[],
            holds: Holds::Nothing,
            parts_when: &[],
            shape,
        }
    }

    const fn also(self, aliases: &'static [&'static str]) -> Self {
        Class { aliases, ..self }
    }

    const fn computes(self, computes: Computes) -> Self {
        Class { computes, ..self }
    }

    const fn operator(self, operator: Operator) -> Self {
        self.computes(Computes::One(operator))
    }

    const fn fuses(self) -> Self {
        Class { fuses: true, ..self }
    }

    const fn variables(self, variables: &'static [Variable]) -> Self {
        Class { variables, ..self }
    }

    const fn holds(self, holds: Holds) -> Self {
        Class { holds, ..self }
    }

    const fn parts_when(self, parts_when: &'static [When]) -> Self {
        Class { holds: Holds::Parts, parts_when, ..self }
    }

    /// What a layer constructed from `config` holds.
    pub fn holds_in(&self, config: &Value) -> Holds {
        match self.holds {
            Holds::Parts if !self.parts_when.is_empty() && !self.parts_when.iter().any(|when| when.is_so(config)) => {
                Holds::Nothing
            }
            holds => holds,
        }
    }

    /// Whether a layer constructed from `config` has variables of its own.
    pub fn has_variables(&self, config: &Value) -> bool {
        self.variables.iter().any(|variable| variable.is_in(config))
    }
}

/// Whether a layer of this class, constructed from `config`, may need weights of a file.
pub fn may_have_weights(kind: Kind, config: &Value) -> bool {
    match kind {
        Kind::Simulator | Kind::Clip | Kind::Operation => false,
        Kind::Other => true,
        Kind::Keras(class) => {
            class.has_variables(config)
                || match class.holds_in(config) {
                    Holds::Nothing => false,
                    Holds::Layers(arguments) => {
                        arguments.iter().filter_map(|key| config.get(key)).any(held_may_have_weights)
                    }
                    Holds::Parts => true,
                }
        }
    }
}

/// The same of a layer that another holds, or of a list of some.
fn held_may_have_weights(held: &Value) -> bool {
    match held {
        Value::Array(several) => several.iter().any(held_may_have_weights),
        Value::Null => false,
        held => match (held.get("class_name").and_then(Value::as_str), held.get("config")) {
            // A wrapper can hold a whole model; what is in there is not looked through here.
            (Some(name), Some(config)) => may_have_weights(resolve(held, name), config),
            _ => true,
        },
    }
}

/// The layer's activation, as it is written in an argument: its name, an object whose `config` is the name, or an object of
/// its own, whose class then names it.
pub fn activation_name(activation: &Value) -> Option<&str> {
    activation
        .as_str()
        .or_else(|| activation.get("config")?.as_str())
        .or_else(|| activation.get("class_name")?.as_str())
}

/// The activation that a layer's configuration names, unless it is linear.
pub fn own_activation(config: &Value) -> Option<&str> {
    activation_name(config.get("activation")?).filter(|name| *name != "linear")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn each_name_stands_for_one_class() {
        let mut seen = HashSet::new();
        for name in all().flat_map(|class| class.aliases.iter().chain([&class.name])) {
            assert!(seen.insert(name), "{name}");
        }
    }

    #[test]
    fn a_class_of_somebody_elses_is_never_keras_own() {
        for (entry, expected) in [
            (json!({}), true),
            (json!({"module": "keras.layers", "registered_name": null}), true),
            (json!({"module": "keras.src.layers.convolutional.conv2d", "registered_name": "Conv2D"}), true),
            (json!({"module": "tensorflow.python.keras.layers"}), true),
            (json!({"module": "mine.layers", "registered_name": "Conv2D"}), false),
            (json!({"module": "tensorflow_model_optimization.layers"}), false),
            (json!({"module": null, "registered_name": "Conv2D"}), false),
            (json!({"module": null, "registered_name": null}), true),
        ] {
            assert_eq!(resolve(&entry, "Conv2D").class().is_some(), expected, "{entry}");
        }
        assert_eq!(resolve(&json!({}), "mine>Conv2D"), Kind::Other);
        assert_eq!(resolve(&json!({"module": "mine"}), "mine>ErrorSimulator"), Kind::Simulator);
        assert_eq!(resolve(&json!({"module": "keras.src.ops.numpy"}), "Add"), Kind::Operation);
        assert_eq!(resolve(&json!({}), "TFOpLambda"), Kind::Operation);
        assert!(resolve(&json!({"module": "keras.layers"}), "Add").is("Add"));
    }

    #[test]
    fn a_wrapper_needs_weights_where_what_it_holds_does() {
        let of = |held: Value| {
            let config = json!({"layer": held});
            may_have_weights(resolve(&json!({}), "TimeDistributed"), &config)
        };
        assert!(!of(json!({"class_name": "Dropout", "config": {}})));
        assert!(of(json!({"class_name": "Dense", "config": {}})));
        assert!(of(json!({"class_name": "mine>Dropout", "config": {}})));
        assert!(!of(
            json!({"class_name": "TimeDistributed", "config": {"layer": {"class_name": "ReLU", "config": {}}}})
        ));
        assert!(of(json!("no layer")));
    }
}
