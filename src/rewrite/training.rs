//! What the training configuration says of the model's outputs, by their names.
//!
//! Keras calls an output after the layer that puts it out, so behind a simulator it has another name. No saved form keeps the old
//! one: neither Keras takes two layers of one name into a model, and where a dict names the outputs, a dict is what the model
//! puts out. So the losses, their weights and the metrics that are kept by name follow.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::fill::{self, FillError};
use crate::graph::{Graph, Source};
use crate::json::{self, Arrays};
use crate::keras::classes::Kind;
use crate::keras::version::Keras;
use crate::model_file::Limit;

/// What a training configuration can keep by the names of outputs.
const BY_OUTPUT: [&str; 5] = ["loss", "loss_weights", "metrics", "weighted_metrics", "sample_weight_mode"];

/// A config, its graph, and the Keras that gives its outputs their names.
pub(super) struct Named<'a> {
    pub document: &'a Value,
    pub graph: &'a Graph<'a>,
    pub keras: Keras,
}

/// The names of each output, the old one and the new one. None where the outputs have names of the user's.
pub(super) fn output_names(old: &Named, new: &Named) -> Vec<(String, String)> {
    let is_dict = |model: &Named| model.document.pointer("/config/output_layers").is_some_and(Value::is_object);
    if is_dict(old) || is_dict(new) {
        return Vec::new();
    }
    let mut left: Vec<_> = origins(new.graph, old.graph).into_iter().zip(names(new)).collect();
    let outputs = origins(old.graph, new.graph).into_iter().zip(names(old));
    outputs
        .filter_map(|(origin, name)| {
            let place = left.iter().position(|(other, _)| *other == origin)?;
            Some((name, left.remove(place).1))
        })
        .collect()
}

/// The names of a model's outputs.
fn names(model: &Named) -> Vec<String> {
    let mut taken = HashSet::new();
    let mut name_of = |layer: &str| {
        let numbered = (1..).map(|number| format!("{layer}_{number}"));
        let mut proposals = [layer.to_owned()].into_iter().chain(numbered);
        proposals.find(|name| taken.insert(name.clone()) || !model.keras.numbers_outputs()).unwrap_or_default()
    };
    model.graph.outputs.iter().map(|wire| name_of(model.graph.layers[wire.source.layer].name)).collect()
}

/// Where each output comes from, but for simulators and what only one of the two models has.
fn origins<'a>(graph: &Graph<'a>, other: &Graph) -> Vec<(&'a str, usize, usize)> {
    let before = |source: Source| {
        let layer = &graph.layers[source.layer];
        let is_passed = [Kind::Simulator, Kind::Clip].contains(&layer.kind) || other.layer(layer.name).is_none();
        match layer.calls.get(source.call)?.inputs.as_slice() {
            [wire] if is_passed => Some(wire.source),
            _ => None,
        }
    };
    let origin = |mut source: Source| {
        // A wire can lead in circles in a config that no Keras wrote.
        for _ in 0..graph.layers.len() {
            source = before(source).unwrap_or(source);
        }
        (graph.layers[source.layer].name, source.call, source.tensor)
    };
    graph.outputs.iter().map(|wire| origin(wire.source)).collect()
}

/// The text of a training configuration in which the outputs have their new names; `None` where it keeps nothing by the old ones,
/// or is none that Keras could read.
pub(super) fn renamed(text: &str, names: &[(String, String)], limit: Limit) -> Result<Option<Vec<u8>>, FillError> {
    let mut arrays = Arrays::default();
    let Ok(parsed) = json::parse_saved(text, &mut arrays) else { return Ok(None) };
    match with_names(&parsed.value, names) {
        Some(document) => fill::text(document, &arrays, &[], limit).map(Some),
        None => Ok(None),
    }
}

/// A training configuration in which the outputs have their new names; `None` where it keeps nothing by the old ones.
pub(super) fn with_names(training: &Value, names: &[(String, String)]) -> Option<Value> {
    let mut document = training.clone();
    let mut is_changed = false;
    for key in BY_OUTPUT {
        if let Some(Value::Object(by_output)) = document.get_mut(key)
            && let Some(new) = with_new_keys(by_output, names)
        {
            *by_output = new;
            is_changed = true;
        }
    }
    is_changed.then_some(document)
}

fn with_new_keys(by_output: &Map<String, Value>, names: &[(String, String)]) -> Option<Map<String, Value>> {
    // A loss that is an object of its own, for all outputs: so Keras tells it, too.
    let is_object = by_output.contains_key("class_name");
    let is_old = |key: &String| names.iter().any(|(old, new)| old == key && old != new);
    if is_object || !by_output.keys().any(is_old) {
        return None;
    }
    let mut renamed = Map::new();
    for (key, value) in by_output {
        // One name can stand for several outputs of a layer.
        let mut new = names.iter().filter(|(old, _)| old == key).map(|(_, new)| new).peekable();
        if new.peek().is_none() {
            renamed.insert(key.clone(), value.clone());
        }
        renamed.extend(new.map(|new| (new.clone(), value.clone())));
    }
    Some(renamed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config;

    const LIMIT: Limit = Limit { most: 1 << 20, holder: "an attribute" };

    /// A model of Keras 2: layers with what they take, and the outputs.
    fn model(layers: &[(&str, &str, Value)], outputs: &Value) -> Value {
        let entry = |(name, class, inputs): &(&str, &str, Value)| json!({"class_name": class, "name": name, "config": {"name": name}, "inbound_nodes": inputs});
        let layers: Vec<Value> = layers.iter().map(entry).collect();
        json!({"class_name": "Functional", "config": {"name": "m", "layers": layers,
            "input_layers": [["x", 0, 0]], "output_layers": outputs}})
    }

    fn on(name: &str, tensor: usize) -> Value {
        json!([[[name, 0, tensor, {}]]])
    }

    fn names_of(old: &Value, new: &Value, keras: [Keras; 2]) -> Vec<(String, String)> {
        let graphs = [old, new].map(|document| config::read(document).expect("a model"));
        let [old, new] = [(old, 0), (new, 1)].map(|(document, index)| Named {
            document,
            graph: &graphs[index],
            keras: keras[index],
        });
        output_names(&old, &new)
    }

    fn pairs(names: &[(&str, &str)]) -> Vec<(String, String)> {
        names.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned())).collect()
    }

    #[test]
    fn an_output_is_followed_through_simulators_and_what_was_split_off() {
        let x = ("x", "InputLayer", json!([]));
        let a = ("a", "Conv2D", on("x", 0));
        let b = ("b", "Conv2D", on("x", 0));
        let plain = model(&[x.clone(), a.clone(), b.clone()], &json!([["a", 0, 0], ["b", 0, 0]]));
        let split = model(
            &[
                x.clone(),
                a.clone(),
                ("s", "ErrorSimulator", on("a", 0)),
                ("s_activation", "Activation", on("s", 0)),
                b.clone(),
            ],
            &json!([["s_activation", 0, 0], ["b", 0, 0]]),
        );
        assert_eq!(names_of(&plain, &split, [Keras::Two; 2]), pairs(&[("a", "s_activation"), ("b", "b")]));
        assert_eq!(names_of(&split, &plain, [Keras::Two; 2]), pairs(&[("s_activation", "a"), ("b", "b")]));
        // The same name behind the other output, and outputs in another order by hand.
        let moved = model(&[x, a, ("s", "ErrorSimulator", on("b", 0)), b], &json!([["s", 0, 0], ["a", 0, 0]]));
        assert_eq!(names_of(&split, &moved, [Keras::Three; 2]), pairs(&[("s_activation", "a"), ("b", "s")]));
        let by_name = model(&[("x", "InputLayer", json!([]))], &json!({"one": ["x", 0, 0]}));
        assert_eq!(names_of(&by_name, &plain, [Keras::Two; 2]), []);
    }

    #[test]
    fn keras_2_numbers_the_outputs_of_one_layer() {
        let x = ("x", "InputLayer", json!([]));
        let two = ("two", "Two", on("x", 0));
        let old = model(&[x.clone(), two.clone()], &json!([["two", 0, 0], ["two", 0, 1]]));
        let new = model(&[x, two, ("s", "ErrorSimulator", on("two", 0))], &json!([["s", 0, 0], ["two", 0, 1]]));
        assert_eq!(names_of(&old, &new, [Keras::Two; 2]), pairs(&[("two", "s"), ("two_1", "two")]));
        assert_eq!(names_of(&old, &new, [Keras::Three; 2]), pairs(&[("two", "s"), ("two", "two")]));
        let of_a_chain = |names: &[&str]| {
            let layers: Vec<Value> = names
                .iter()
                .map(|name| json!({"class_name": if *name == "s" { "ErrorSimulator" } else { "Dense" }, "config": {"name": name}}))
                .collect();
            json!({"class_name": "Sequential", "config": {"name": "m", "layers": layers}})
        };
        assert_eq!(
            names_of(&of_a_chain(&["a", "b"]), &of_a_chain(&["a", "b", "s"]), [Keras::Two; 2]),
            pairs(&[("b", "s")])
        );
    }

    #[test]
    fn what_is_kept_by_name_follows_and_all_else_stays() {
        let names = pairs(&[("a", "s"), ("two", "t"), ("two", "two"), ("b", "b")]);
        let renamed = |text: &str| {
            renamed(text, &names, LIMIT).expect("fits").map(|text| String::from_utf8(text).expect("ASCII"))
        };
        assert_eq!(
            renamed(
                r#"{"loss": {"b": "mse", "a": {"class_name": "X", "config": {"a": 1.50}}, "two": "mae"}, "a": {"a": 1}, "metrics": {"a": ["acc"], "other": NaN}, "loss_weights": [1, 2]}"#
            )
            .as_deref(),
            Some(
                r#"{"loss": {"b": "mse", "s": {"class_name": "X", "config": {"a": 1.50}}, "t": "mae", "two": "mae"}, "a": {"a": 1}, "metrics": {"s": ["acc"], "other": NaN}, "loss_weights": [1, 2]}"#
            )
        );
        for text in [
            r#"{"loss": "mse", "metrics": [["a"]]}"#,
            r#"{"loss": {"b": "mse"}}"#,
            r#"{"loss": {"class_name": "a", "config": {}, "a": 1}}"#,
            "{'loss': 1}",
        ] {
            assert_eq!(renamed(text), None, "{text}");
        }
    }
}
