//! The table of Keras' classes against what the two Kerases say of every class that they export, in
//! `tests/data/keras-classes.tsv`: `tests/keras/layer_classes.py` writes it, and a test there holds it against them.

use std::collections::BTreeSet;
use std::fs;

use classes_h5::graph::Graph;
use classes_h5::keras::classes::{self, Class, Holds, Kind};
use classes_h5::{config, shape};
use serde_json::{Value, json};

/// The classes without a rule for their shape.
const UNKNOWN: [&str; 17] = [
    "CategoryEncoding",
    "CutMix",
    "Discretization",
    "GRUCell",
    "HashedCrossing",
    "Hashing",
    "IntegerLookup",
    "LSTMCell",
    "Lambda",
    "MelSpectrogram",
    "MixUp",
    "Pipeline",
    "ReversibleEmbedding",
    "STFTSpectrogram",
    "SimpleRNNCell",
    "StringLookup",
    "TextVectorization",
];

/// What a Keras says of a layer: its entry in a config, the shapes of its inputs by name, those of its outputs, and the
/// names of its weights. Of a class that was not built there is no more than the name.
struct Fact {
    keras: String,
    class: String,
    entry: Value,
    inputs: Value,
    outputs: Value,
    trained: Vec<String>,
    kept: Vec<String>,
}

impl Fact {
    fn kind(&self) -> Kind {
        classes::resolve(&self.entry, &self.class)
    }

    fn weights(&self) -> impl Iterator<Item = (&str, bool)> {
        let trained = self.trained.iter().map(|name| (name.as_str(), true));
        trained.chain(self.kept.iter().map(|name| (name.as_str(), false)))
    }

    /// A model of this one layer.
    fn model(&self) -> Value {
        let inputs = self.inputs.as_object().unwrap();
        let entries = inputs.iter().map(|(name, shape)| {
            let config = json!({"name": name, "batch_input_shape": shape});
            json!({"class_name": "InputLayer", "name": name, "config": config, "inbound_nodes": []})
        });
        let entries: Vec<Value> = entries.chain([self.entry.clone()]).collect();
        let ends: Vec<Value> = inputs.keys().map(|name| json!([name, 0, 0])).collect();
        json!({"class_name": "Functional", "config": {
            "layers": entries, "input_layers": ends, "output_layers": [[self.entry["name"], 0, 0]],
        }})
    }
}

fn facts() -> Vec<Fact> {
    let text = fs::read_to_string("tests/data/keras-classes.tsv").unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("keras\tclass\tentry\tinputs\toutputs\ttrained\tkept"));
    let fact = |line: &str| {
        let mut columns = line.split('\t');
        let mut text = || columns.next().unwrap().to_owned();
        let (keras, class) = (text(), text());
        let mut json = || serde_json::from_str(columns.next().unwrap()).unwrap();
        let [entry, inputs, outputs, trained, kept] = std::array::from_fn(|_| json());
        let names = |names: Value| serde_json::from_value::<Option<_>>(names).unwrap().unwrap_or_default();
        Fact { keras, class, entry, inputs, outputs, trained: names(trained), kept: names(kept) }
    };
    lines.map(fact).collect()
}

fn built() -> Vec<Fact> {
    facts().into_iter().filter(|fact| !fact.entry.is_null()).collect()
}

#[test]
fn every_class_that_keras_exports_has_a_row() {
    let without: Vec<String> =
        facts().into_iter().map(|fact| fact.class).filter(|class| classes::find(class).is_none()).collect();
    assert_eq!(without, [""; 0]);
}

#[test]
fn layers_have_the_weights_that_their_row_says() {
    let mut wrong = Vec::new();
    for fact in built() {
        let (kind, config) = (fact.kind(), &fact.entry["config"]);
        let class = kind.class().unwrap_or_else(|| panic!("{} of Keras {}", fact.class, fact.keras));
        let weights: Vec<_> = fact.weights().collect();
        let is_right = match class.holds_in(config) {
            Holds::Nothing => declared(class, config, &weights) == Some(weights.len()),
            // Those of the layers inside stand among its own.
            Holds::Layers(_) | Holds::Parts => declared(class, config, &weights).is_some(),
        };
        let may_have = classes::may_have_weights(kind, config);
        let may_be_without = class.holds_in(config) == Holds::Parts;
        if !is_right || (may_have == weights.is_empty() && !(may_have && may_be_without)) {
            wrong.push(format!("{} of Keras {}: {weights:?}, {may_have}", fact.entry["name"], fact.keras));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

/// How many variables a row says a layer with this config has; `None` where one of them is not among its weights, in that
/// order.
fn declared(class: &Class, config: &Value, weights: &[(&str, bool)]) -> Option<usize> {
    let is_frozen = config["trainable"] == json!(false);
    let mut rest = weights.iter();
    let mut count = 0;
    for variable in class.variables.iter().filter(|variable| variable.is_in(config)) {
        let trains = variable.trains && !is_frozen;
        rest.find(|(name, trained)| variable.names.contains(name) && *trained == trains)?;
        count += 1;
    }
    Some(count)
}

#[test]
fn shapes_are_what_keras_computes_or_unknown() {
    let (mut wrong, mut unknown) = (Vec::new(), BTreeSet::new());
    for fact in built() {
        let model = fact.model();
        let graph: Graph = config::read(&model).unwrap();
        let name = fact.entry["name"].as_str().unwrap();
        let address = graph.find(name).unwrap();
        let shapes = shape::infer(&graph);
        for (tensor, expected) in fact.outputs.as_array().unwrap().iter().enumerate() {
            match shapes.of(&address, 0, tensor) {
                None => drop(unknown.insert(fact.class.clone())),
                Some(found) if json!(found) == *expected => {}
                Some(found) => wrong.push(format!("{} {name}: {found:?}, not {expected}", fact.keras)),
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert_eq!(unknown.iter().map(String::as_str).collect::<Vec<_>>(), UNKNOWN);
}
