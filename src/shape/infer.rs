//! Carrying shapes through a model: each call once, after its inputs.

use std::collections::HashMap;

use super::rules::{self, CallSite};
use super::{Dims, Level, Shapes, axis, stated};
use crate::graph::{Graph, Layer, Source, Wire};

/// A nested model is inferred anew for each set of input shapes it is called on, but for at most so many of them: models
/// that nest and call each other twice at each depth would otherwise double the work with each depth.
const MOST_INPUT_SETS: usize = 32;

/// The shapes of a call's inputs or outputs; `None` where one is unknown.
type Tensors = Vec<Option<Dims>>;

pub(super) fn whole(graph: &Graph) -> Shapes {
    Inference::default().level_and_below(graph, &[], Vec::new())
}

/// What a model of one input and one output puts out for an input.
pub(super) fn output(graph: &Graph, input: Dims) -> Option<Dims> {
    let ([_], [wire]) = (entries(graph).as_slice(), graph.outputs.as_slice()) else { return None };
    Inference::default().level(graph, &[Some(input)]).known.remove(&wire.source)
}

#[derive(Default)]
struct Inference<'a> {
    /// For each nested model, by its place in the config: the shapes of inputs, and of the outputs that follow.
    done: HashMap<&'a str, Vec<(Tensors, Tensors)>>,
}

impl<'a> Inference<'a> {
    /// `contexts` are the tensors of the level for each of the different inputs that it is called on, if there are several.
    fn level_and_below(
        &mut self,
        graph: &'a Graph<'_>,
        given: &[Option<Dims>],
        contexts: Vec<Option<HashMap<Source, Dims>>>,
    ) -> Shapes {
        let level = self.level(graph, given);
        let mut inner = HashMap::new();
        for (index, layer) in graph.layers.iter().enumerate() {
            if let Some(model) = &layer.inner {
                let calls = layer.calls.iter().map(|call| shapes_of(&call.inputs, &level.known));
                let given = refined(&own_inputs(model, layer), calls);
                let contexts = self.contexts(model, layer, &level, &contexts);
                inner.insert(index, self.level_and_below(model, &given, contexts));
            }
        }
        Shapes { level, contexts, inner }
    }

    /// The tensors of a nested model for each of the different inputs that it is called on; empty where all are alike, and
    /// `None` for those beyond the first.
    fn contexts(
        &mut self,
        model: &'a Graph<'_>,
        layer: &Layer,
        level: &Level,
        around: &[Option<HashMap<Source, Dims>>],
    ) -> Vec<Option<HashMap<Source, Dims>>> {
        let mut sets: Vec<Tensors> = Vec::new();
        let mut has_more = around.contains(&None);
        let one = [Some(&level.known)];
        let around = around.iter().map(Option::as_ref);
        let around: Vec<_> = if around.len() == 0 { one.to_vec() } else { around.collect() };
        for known in around.into_iter().flatten() {
            for call in &layer.calls {
                let set = shapes_of(&call.inputs, known);
                if !sets.contains(&set) {
                    match sets.len() < MOST_INPUT_SETS {
                        true => sets.push(set),
                        false => has_more = true,
                    }
                }
            }
        }
        if sets.len() < 2 && !has_more {
            return Vec::new();
        }
        let contexts = sets.into_iter().map(|set| Some(self.level(model, &set).known));
        contexts.chain(has_more.then_some(None)).collect()
    }

    /// The shapes of a level's tensors. `given` are the shapes of the model's inputs, as far as its caller knows them.
    fn level(&mut self, graph: &'a Graph<'_>, given: &[Option<Dims>]) -> Level {
        let entries = entries(graph);
        let mut inputs: HashMap<usize, Dims> = HashMap::new();
        let mut as_declared = true;
        for (position, &entry) in entries.iter().enumerate() {
            let own = stated::input(&graph.layers[entry]);
            let given = given.get(position).cloned().flatten();
            let both = match (own, given) {
                (Some(own), Some(given)) => {
                    let both = stated::agreed(&own, &given);
                    as_declared &= both.is_some();
                    both.or(Some(given))
                }
                (own, given) => own.or(given),
            };
            inputs.extend(both.map(|dims| (entry, dims)));
        }
        // What is stated was written for the inputs that are declared.
        let stated = if as_declared { stated::tensors(graph) } else { HashMap::new() };
        let mut known: HashMap<Source, Dims> = HashMap::new();
        for (index, call) in graph.calls_in_order() {
            let layer = &graph.layers[index];
            let mut tensors = shapes_of(&layer.calls[call].inputs, &known);
            if tensors.is_empty() {
                tensors.extend(inputs.get(&index).map(|dims| Some(dims.clone())));
            }
            let by_rule = match &layer.inner {
                Some(model) => self.outputs(model, layer, tensors),
                None if layer.kind.is("InputLayer") => tensors,
                None => {
                    let outputs = rules::outputs(&CallSite::new(layer, call), &tensors);
                    outputs.iter().map(|axes| Some(axis::sizes(axes))).collect()
                }
            };
            for (tensor, dims) in by_rule.into_iter().enumerate() {
                if let Some(dims) = dims {
                    let source = Source { layer: index, call, tensor };
                    let both = stated.get(&source).and_then(|stated| stated::agreed(&dims, stated));
                    known.insert(source, both.unwrap_or(dims));
                }
            }
            for source in (0..).map(|tensor| Source { layer: index, call, tensor }) {
                let Some(dims) = stated.get(&source) else { break };
                known.entry(source).or_insert_with(|| dims.clone());
            }
        }
        let entries = entries.iter().map(|entry| inputs.get(entry).cloned()).collect();
        Level { known, entries, ..Level::default() }
    }

    /// The output shapes of a nested model that is called on `inputs`.
    fn outputs(&mut self, model: &'a Graph<'_>, layer: &Layer, inputs: Tensors) -> Tensors {
        let given = if inputs.is_empty() { own_inputs(model, layer) } else { inputs };
        if given.len() != entries(model).len() {
            return Tensors::new();
        }
        let place = model.layers_at.as_str();
        let done = self.done.entry(place).or_default();
        if let Some((_, outputs)) = done.iter().find(|(inputs, _)| *inputs == given) {
            return outputs.clone();
        }
        if done.len() == MOST_INPUT_SETS {
            return Tensors::new();
        }
        let outputs = shapes_of(&model.outputs, &self.level(model, &given).known);
        self.done.entry(place).or_default().push((given, outputs.clone()));
        outputs
    }
}

fn shapes_of(wires: &[Wire], known: &HashMap<Source, Dims>) -> Tensors {
    wires.iter().map(|wire| known.get(&wire.source).cloned()).collect()
}

/// The layers that take the model's inputs, in the order of the inputs.
pub(super) fn entries(graph: &Graph) -> Vec<usize> {
    match graph.is_chain() {
        true => (0..graph.layers.len().min(1)).collect(),
        false => graph.inputs.iter().map(|wire| wire.source.layer).collect(),
    }
}

/// The shapes that a nested model's own config gives for its inputs.
fn own_inputs(model: &Graph, layer: &Layer) -> Tensors {
    let own = |entry| stated::input(&model.layers[entry]).or_else(|| stated::sequential_input(layer.config));
    entries(model).into_iter().map(own).collect()
}

/// The shapes of a model's inputs, with the sizes that they leave open taken from its calls where all calls agree.
fn refined(own: &[Option<Dims>], calls: impl Iterator<Item = Tensors>) -> Tensors {
    let common = calls.reduce(|a, b| a.iter().zip(&b).map(|(a, b)| common(a.as_ref()?, b.as_ref()?)).collect());
    let common = common.unwrap_or_default();
    own.iter()
        .enumerate()
        .map(|(position, own)| match (own, common.get(position).cloned().flatten()) {
            (Some(own), Some(called)) => stated::agreed(own, &called).or_else(|| Some(own.clone())),
            (own, called) => own.clone().or(called),
        })
        .collect()
}

/// What two shapes have in common.
fn common(a: &Dims, b: &Dims) -> Option<Dims> {
    let same = |(&a, &b): (&Option<usize>, &Option<usize>)| if a == b { a } else { None };
    (a.len() == b.len()).then(|| a.iter().zip(b).map(same).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::dims;
    use super::*;
    use crate::config;
    use crate::graph::Address;

    /// A functional model of Keras 2.
    fn model(layers: Vec<Value>, input: Value, output: Value) -> Value {
        json!({"class_name": "Functional", "config": {"layers": layers, "input_layers": [input], "output_layers": [output]}})
    }

    fn input(shape: Value) -> Value {
        json!({"class_name": "InputLayer", "name": "x", "config": {"batch_input_shape": shape}, "inbound_nodes": []})
    }

    fn layer(class: &str, name: &str, config: Value, sources: &[(&str, usize)]) -> Value {
        let nodes: Vec<Value> = sources.iter().map(|(source, node)| json!([[source, node, 0, {}]])).collect();
        json!({"class_name": class, "name": name, "config": config, "inbound_nodes": nodes})
    }

    /// A layer of Keras 3, with the shape that is stated for its input.
    fn stating(class: &str, name: &str, source: &str, shape: Value) -> Value {
        let tensor =
            json!({"class_name": "__keras_tensor__", "config": {"shape": shape, "keras_history": [source, 0, 0]}});
        json!({"class_name": class, "name": name, "config": {}, "inbound_nodes": [{"args": [tensor], "kwargs": {}}]})
    }

    fn shape_at(document: &Value, path: &str, call: usize) -> Option<Dims> {
        let graph = config::read(document).expect("a model");
        super::whole(&graph).of(&graph.find(path).expect("a layer"), call, 0).map(<[_]>::to_vec)
    }

    #[test]
    fn a_stated_shape_fills_what_no_rule_knows() {
        let lambda = layer("Lambda", "unknown", json!({}), &[("x", 0)]);
        for (stated, expected) in [
            (json!([null, 4, 4, 2]), Some(dims(&[-1, 4, 4, 2]))),
            (json!([null, null, null, null]), None),
            (json!("nonsense"), None),
            (json!([null, -4, 4, 2]), None),
        ] {
            let relu = stating("ReLU", "relu", "unknown", stated);
            let document = model(
                vec![input(json!([null, 8, 8, 3])), lambda.clone(), relu],
                json!(["x", 0, 0]),
                json!(["relu", 0, 0]),
            );
            assert_eq!(shape_at(&document, "unknown", 0), expected);
            assert_eq!(shape_at(&document, "relu", 0), expected);
        }
    }

    #[test]
    fn a_rule_wins_over_a_statement_that_contradicts_it() {
        let pad = layer("ZeroPadding2D", "pad", json!({"padding": 1}), &[("x", 0)]);
        let relu = stating("ReLU", "relu", "pad", json!([null, 4, 4, 2]));
        let document = model(vec![input(json!([null, 8, 8, 3])), pad, relu], json!(["x", 0, 0]), json!(["relu", 0, 0]));
        assert_eq!(shape_at(&document, "pad", 0), Some(dims(&[-1, 10, 10, 3])));
        assert_eq!(shape_at(&document, "relu", 0), Some(dims(&[-1, 10, 10, 3])));
    }

    #[test]
    fn a_layer_tells_what_it_was_built_on() {
        let document = json!({"class_name": "Sequential", "config": {"layers": [
            {"class_name": "Mystery", "config": {"name": "mystery"}},
            {"class_name": "ReLU", "config": {"name": "relu"}, "build_config": {"input_shape": [32, 4, 4, 2]}},
        ]}});
        assert_eq!(shape_at(&document, "mystery", 0), Some(dims(&[-1, 4, 4, 2])));
        assert_eq!(shape_at(&document, "relu", 0), Some(dims(&[-1, 4, 4, 2])));
    }

    #[test]
    fn behind_an_unknown_layer_a_convolution_has_its_channels() {
        let config = json!({"filters": 5, "kernel_size": 3, "padding": "same"});
        let document = json!({"class_name": "Sequential", "config": {"layers": [
            {"class_name": "Mystery", "config": {"name": "mystery"}},
            {"class_name": "Conv2D", "name": "conv", "config": config},
        ]}});
        assert_eq!(shape_at(&document, "mystery", 0), None);
        assert_eq!(shape_at(&document, "conv", 0), Some(dims(&[-1, -1, -1, 5])));
    }

    #[test]
    fn another_class_of_the_same_name_has_no_rule() {
        let mut relu = layer("ReLU", "relu", json!({}), &[("x", 0)]);
        relu["module"] = json!("my_package.layers");
        let document = model(vec![input(json!([null, 8, 8, 3])), relu], json!(["x", 0, 0]), json!(["relu", 0, 0]));
        assert_eq!(shape_at(&document, "relu", 0), None);
    }

    #[test]
    fn calls_have_shapes_of_their_own_and_a_nested_model_what_its_calls_share() {
        let pad = layer("ZeroPadding2D", "pad", json!({"padding": [[0, 0], [1, 1]]}), &[("x", 0)]);
        let inner = model(
            vec![input(json!([null, null, null, 3])), layer("UpSampling2D", "up", json!({"size": 2}), &[("x", 0)])],
            json!(["x", 0, 0]),
            json!(["up", 0, 0]),
        );
        let inner = layer("Functional", "inner", inner["config"].clone(), &[("x", 0), ("pad", 0)]);
        let document =
            model(vec![input(json!([null, 4, 4, 3])), pad, inner], json!(["x", 0, 0]), json!(["inner", 2, 0]));
        assert_eq!(shape_at(&document, "inner", 0), Some(dims(&[-1, 8, 8, 3])));
        assert_eq!(shape_at(&document, "inner", 1), Some(dims(&[-1, 8, 12, 3])));
        assert_eq!(shape_at(&document, "inner/up", 0), Some(dims(&[-1, 8, -1, 3])));
    }

    #[test]
    fn a_layer_of_a_nested_model_has_a_shape_for_each_of_the_inputs_that_the_models_around_it_are_called_on() {
        let any = || input(json!([null, null, null, 3]));
        let nested = |name: &str, held: Value, sources: &[(&str, usize)]| {
            layer("Functional", name, held["config"].clone(), sources)
        };
        let relu = layer("ReLU", "relu", json!({}), &[("x", 0)]);
        let inner = model(vec![any(), relu], json!(["x", 0, 0]), json!(["relu", 0, 0]));
        let pad = layer("ZeroPadding2D", "pad", json!({"padding": 1}), &[("x", 0)]);
        let middle = vec![any(), pad.clone(), nested("inner", inner, &[("x", 0), ("pad", 0)])];
        let middle = model(middle, json!(["x", 0, 0]), json!(["inner", 2, 0]));
        let outer =
            vec![input(json!([null, 4, 4, 3])), pad, nested("middle", middle, &[("x", 0), ("pad", 0), ("x", 0)])];
        let document = model(outer, json!(["x", 0, 0]), json!(["middle", 3, 0]));
        let graph = config::read(&document).expect("a model");
        let shapes = super::whole(&graph);
        let in_calls = |path: &str| -> Vec<Option<Dims>> {
            let found = shapes.in_calls(&graph.find(path).expect("a layer"), 0, 0);
            found.into_iter().map(|dims| dims.map(<[_]>::to_vec)).collect()
        };
        let square = |size| Some(dims(&[-1, size, size, 3]));
        assert_eq!(in_calls("pad"), [square(6)]);
        assert_eq!(in_calls("middle/pad"), [square(6), square(8)]);
        assert_eq!(in_calls("middle/inner/relu"), [square(4), square(6), square(8)]);
    }

    #[test]
    fn layers_in_a_cycle_that_no_output_needs_have_no_shape() {
        let a = layer("ReLU", "a", json!({}), &[("b", 0)]);
        let b = layer("ReLU", "b", json!({}), &[("a", 0)]);
        let document = model(vec![input(json!([null, 4, 4, 3])), a, b], json!(["x", 0, 0]), json!(["x", 0, 0]));
        assert_eq!(shape_at(&document, "a", 0), None);
        assert_eq!(shape_at(&document, "x", 0), Some(dims(&[-1, 4, 4, 3])));
    }

    #[test]
    fn a_hundred_thousand_layers_are_no_trouble() {
        let mut layers: Vec<Value> =
            (0..100_000).map(|index| json!({"class_name": "ReLU", "config": {"name": index.to_string()}})).collect();
        layers[0]["config"]["batch_input_shape"] = json!([null, 4, 4, 3]);
        let document = json!({"class_name": "Sequential", "config": {"layers": layers}});
        assert_eq!(shape_at(&document, "99999", 0), Some(dims(&[-1, 4, 4, 3])));
    }

    #[test]
    fn models_that_call_each_other_twice_at_each_depth_come_to_an_end() {
        let mut inner = model(vec![input(json!([null, null, null, 3]))], json!(["x", 0, 0]), json!(["x", 0, 0]));
        for _ in 0..60 {
            let pad = layer("ZeroPadding2D", "pad", json!({"padding": 1}), &[("inner", 1)]);
            let nested = layer("Functional", "inner", inner["config"].clone(), &[("x", 0), ("pad", 0)]);
            let layers = vec![input(json!([null, null, null, 3])), nested, pad];
            inner = model(layers, json!(["x", 0, 0]), json!(["inner", 2, 0]));
        }
        inner["config"]["layers"][0]["config"]["batch_input_shape"] = json!([null, 4, 4, 3]);
        let graph = config::read(&inner).expect("a model");
        let shapes = super::whole(&graph);
        assert_eq!(shapes.of(&Address(vec![0]), 0, 0), Some(dims(&[-1, 4, 4, 3]).as_slice()));
    }
}
