//! Properties of edits on random graphs, written in the dialects of Keras 2 and Keras 3.

use std::collections::BTreeMap;

use classes_h5::config;
use classes_h5::edit::{self, Calls, Outputs, Placement};
use classes_h5::graph::{Address, Graph};
use classes_h5::json::Arrays;
use classes_h5::keras::version::Keras;
use classes_h5::patch;
use classes_h5::shape::Dims;
use classes_h5::target::Output;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A random model: each layer with its calls, each call with the layers it takes (by index, all of them earlier).
#[derive(Debug, Clone)]
struct Model {
    keras3: bool,
    layers: Vec<Node>,
    outputs: Vec<usize>,
    output_form: u8,
}

#[derive(Debug, Clone)]
struct Node {
    calls: Vec<Vec<usize>>,
    /// Which of its inputs stands in the keyword arguments.
    keyword: bool,
    nested: Option<Box<Model>>,
}

fn model(depth: u32) -> BoxedStrategy<Model> {
    let nested = if depth == 0 {
        Just(None).boxed()
    } else {
        proptest::option::weighted(0.2, model(depth - 1).prop_map(Box::new)).boxed()
    };
    let call = prop::collection::vec(any::<prop::sample::Index>(), 1..4);
    let node = (prop::collection::vec(call, 1..3), any::<bool>(), nested);
    let nodes = prop::collection::vec(node, 1..12);
    (any::<bool>(), nodes, prop::collection::vec(any::<prop::sample::Index>(), 1..4), 0..4_u8)
        .prop_map(|(keras3, nodes, outputs, output_form)| {
            let layers: Vec<Node> = nodes
                .into_iter()
                .enumerate()
                // Layer 0 is the input, so layer `index + 1` can take any of the layers 0..=index.
                .map(|(index, (calls, keyword, nested))| Node {
                    calls: calls.iter().map(|call| call.iter().map(|input| input.index(index + 1)).collect()).collect(),
                    keyword,
                    nested,
                })
                .collect();
            let outputs = outputs.iter().map(|output| output.index(layers.len()) + 1).collect();
            Model { keras3, layers, outputs, output_form }.in_one_dialect(keras3)
        })
        .boxed()
}

impl Model {
    fn in_one_dialect(mut self, keras3: bool) -> Self {
        self.keras3 = keras3;
        self.layers.iter_mut().for_each(|node| {
            node.nested = node.nested.take().map(|inner| Box::new(inner.in_one_dialect(keras3)));
        });
        self
    }

    fn is_nested(&self, layer: usize) -> bool {
        layer > 0 && self.layers[layer - 1].nested.is_some()
    }

    /// `[name, node, tensor]` as this Keras writes a layer's last call.
    fn reference(&self, prefix: &str, layer: usize, is_end: bool) -> Value {
        let call = if layer == 0 { 0 } else { self.layers[layer - 1].calls.len() - 1 };
        let base = usize::from(self.is_nested(layer) && (is_end || !self.keras3));
        json!([name(prefix, layer), call + base, 0])
    }

    fn config(&self, prefix: &str) -> Value {
        let mut layers = vec![json!({"class_name": "InputLayer", "name": name(prefix, 0), "inbound_nodes": [],
            "config": {"name": name(prefix, 0), "dtype": "float32"}})];
        for (index, node) in self.layers.iter().enumerate() {
            let own = name(prefix, index + 1);
            let calls: Vec<Value> = node.calls.iter().map(|call| self.call(prefix, call, node.keyword)).collect();
            let (class, mut config) = match &node.nested {
                Some(inner) => ("Functional", inner.config(&format!("{own}_"))["config"].clone()),
                None => ("Add", json!({"trainable": true, "dtype": "float32"})),
            };
            config["name"] = json!(own);
            layers.push(json!({"class_name": class, "config": config, "name": own, "inbound_nodes": calls}));
        }
        let outputs: Vec<Value> = self.outputs.iter().map(|&layer| self.reference(prefix, layer, true)).collect();
        let outputs = match (self.output_form, outputs.as_slice()) {
            (0, [one, ..]) if self.keras3 => one.clone(),
            (1, all) => all
                .iter()
                .enumerate()
                .map(|(index, one)| (format!("out{index}"), one.clone()))
                .collect::<BTreeMap<_, _>>()
                .into_iter()
                .collect(),
            (2, [first, rest @ ..]) => json!([first, {"rest": rest}]),
            (_, all) => json!(all),
        };
        let input = json!([name(prefix, 0), 0, 0]);
        let inputs = if self.keras3 { input } else { json!([input]) };
        json!({"class_name": "Functional", "config": {"name": format!("{prefix}model"), "layers": layers,
            "input_layers": inputs, "output_layers": outputs}})
    }

    fn call(&self, prefix: &str, inputs: &[usize], keyword: bool) -> Value {
        let split = if keyword && inputs.len() > 1 { 1 } else { inputs.len() };
        let reference = |&layer: &usize| self.reference(prefix, layer, false);
        if self.keras3 {
            let tensor = |layer: &usize| {
                json!({"class_name": "__keras_tensor__", "config": {"shape": [null, 4, 4, 2], "dtype": "float32",
                    "keras_history": reference(layer)}})
            };
            let args: Vec<Value> = inputs[..split].iter().map(tensor).collect();
            let others: Vec<Value> = inputs[split..].iter().map(tensor).collect();
            let args = if args.len() == 1 { args } else { vec![json!(args)] };
            return json!({"args": args, "kwargs": if others.is_empty() { json!({}) } else { json!({"others": others}) }});
        }
        let others: Vec<Value> = inputs[split..].iter().map(reference).collect();
        let kwargs = if others.is_empty() { json!({}) } else { json!({"others": others}) };
        let args = inputs[..split].iter().map(|layer| {
            let mut list = reference(layer);
            list.as_array_mut().expect("a list").push(kwargs.clone());
            list
        });
        args.collect()
    }
}

fn name(prefix: &str, layer: usize) -> String {
    format!("{prefix}l{layer}")
}

/// Nothing is known of what layers put out.
struct Unknown;

impl Outputs for Unknown {
    fn output(&self, _: &Address, _: usize, _: usize) -> Output {
        Output::default()
    }

    fn in_calls(&self, _: &Address, _: usize, _: usize) -> Vec<Option<Dims>> {
        Vec::new()
    }
}

/// What a graph says, by names: for each layer its calls, each with its inputs as (name, call, tensor), and the outputs.
type Wiring = (Vec<(String, Vec<Vec<(String, usize, usize)>>)>, Vec<(String, usize, usize)>);

fn wiring(graph: &Graph) -> Wiring {
    let end = |wire: &classes_h5::graph::Wire| {
        (graph.layers[wire.source.layer].name.to_owned(), wire.source.call, wire.source.tensor)
    };
    let calls = |layer: &classes_h5::graph::Layer| {
        layer.calls.iter().map(|call| call.inputs.iter().map(end).collect()).collect()
    };
    (
        graph.layers.iter().map(|layer| (layer.name.to_owned(), calls(layer))).collect(),
        graph.outputs.iter().map(end).collect(),
    )
}

/// Picks one of all layers at all depths, and the patch that puts a simulator behind all its calls.
fn insertion(document: &Value, pick: &prop::sample::Index) -> (Address, String, json_patch::Patch) {
    let graph = config::read(document).expect("a config");
    let mut addresses = graph.walk();
    addresses.retain(|address| address.0.last().is_some_and(|&layer| graph.level(address).is_used(layer)));
    let address = addresses[pick.index(addresses.len())].clone();
    let request = Placement { after: graph.path(&address), calls: Calls::All, ..Placement::default() };
    let insertion = edit::insert(&graph, &Unknown, std::slice::from_ref(&request)).expect("goes in");
    (address, request.after, patch::build(&insertion.changes))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_insertion_adds_one_layer_and_moves_the_consumers_and_nothing_else(model in model(2), pick: prop::sample::Index) {
        let before = model.config("");
        let (address, path, patch) = insertion(&before, &pick);
        let mut after = before.clone();
        patch::apply(&mut after, &patch, &Arrays::default()).expect("applies to its own config");

        let (old, new) = (config::read(&before).expect("old"), config::read(&after).expect("new"));
        let (old, new) = (old.level(&address), new.level(&address));
        let target = path.rsplit('/').next().expect("a name");
        let (mut layers, mut outputs) = wiring(old);
        let calls = layers.iter().find(|(name, _)| name == target).expect("the target").1.len();
        for source in layers.iter_mut().flat_map(|(_, calls)| calls).flatten().chain(&mut outputs) {
            if source.0 == target {
                source.0 = "simulator".to_owned();
            }
        }
        let at = address.0.last().expect("an address") + 1;
        layers.insert(at, ("simulator".to_owned(), (0..calls).map(|call| vec![(target.to_owned(), call, 0)]).collect()));
        prop_assert_eq!(wiring(new), (layers, outputs));
    }

    #[test]
    fn a_removal_undoes_an_insertion(model in model(2), pick: prop::sample::Index) {
        let before = model.config("");
        let (_, path, insertion) = insertion(&before, &pick);
        let mut document = before.clone();
        patch::apply(&mut document, &insertion, &Arrays::default()).expect("applies");
        let name = match path.rsplit_once('/') {
            Some((outer, _)) => format!("{outer}/simulator"),
            None => "simulator".to_owned(),
        };
        let graph = config::read(&document).expect("a config");
        let removal = patch::build(&edit::remove(&graph, &[name]).expect("comes out"));
        patch::apply(&mut document, &removal, &Arrays::default()).expect("applies");
        prop_assert_eq!(document, before);
    }

    #[test]
    fn a_patch_fails_on_a_config_that_differs_where_it_tests_and_changes_nothing(model in model(1), pick: prop::sample::Index, which: prop::sample::Index) {
        let before = model.config("");
        let (_, _, patch) = insertion(&before, &pick);
        let tested: Vec<String> = patch.0.iter().filter_map(|operation| match operation {
            json_patch::PatchOperation::Test(test) => Some(test.path.to_string()),
            _ => None,
        }).collect();
        // Whatever a replace touches was tested before.
        for operation in &patch.0 {
            if let json_patch::PatchOperation::Replace(replace) = operation {
                prop_assert!(tested.contains(&replace.path.to_string()), "{} is not tested", replace.path);
            }
        }
        let mut other = before.clone();
        *other.pointer_mut(&tested[which.index(tested.len())]).expect("the place") = json!("something else");
        let unpatched = other.clone();
        prop_assert!(patch::apply(&mut other, &patch, &Arrays::default()).is_err());
        prop_assert_eq!(other, unpatched);
    }

    #[test]
    fn the_order_has_every_reachable_layer_once_and_no_layer_after_its_consumer_of_one_call(model in model(0)) {
        let document = model.config("");
        let graph = config::read(&document).expect("a config");
        let order = graph.keras_order(Keras::Three).expect("no cycle");
        let place = |layer: usize| order.iter().position(|&listed| listed == layer);
        let mut once = order.clone();
        once.sort_unstable();
        once.dedup();
        prop_assert_eq!(once.len(), order.len());
        for output in &graph.outputs {
            prop_assert!(place(output.source.layer).is_some());
        }
        for &consumer in &order {
            if let [call] = graph.layers[consumer].calls.as_slice() {
                for wire in &call.inputs {
                    prop_assert!(place(wire.source.layer) < place(consumer));
                }
            }
        }
    }
}

#[test]
fn a_chain_of_a_hundred_thousand_layers_is_read_ordered_and_patched() {
    let mut layers =
        vec![json!({"class_name": "InputLayer", "name": "l0", "config": {"name": "l0"}, "inbound_nodes": []})];
    for index in 1..100_000 {
        layers.push(json!({"class_name": "ReLU", "name": format!("l{index}"), "config": {"name": format!("l{index}")},
            "inbound_nodes": [[[format!("l{}", index - 1), 0, 0, {}]]]}));
    }
    let mut document = json!({"class_name": "Functional", "config": {"name": "long", "layers": layers,
        "input_layers": [["l0", 0, 0]], "output_layers": [["l99999", 0, 0]]}});
    let graph = config::read(&document).expect("a config");
    assert_eq!(graph.keras_order(Keras::Three).expect("no cycle"), (0..100_000).collect::<Vec<_>>());
    let request = Placement { after: "l50000".to_owned(), ..Placement::default() };
    let changes = edit::insert(&graph, &Unknown, &[request]).expect("goes in").changes;
    patch::apply(&mut document, &patch::build(&changes), &Arrays::default()).expect("applies");
    assert_eq!(config::read(&document).expect("a config").layers.len(), 100_001);
}

#[test]
fn a_cycle_is_refused_with_a_layer_of_it() {
    let add = |name: &str, inputs: &[&str]| {
        let inputs: Vec<Value> = inputs.iter().map(|input| json!([input, 0, 0, {}])).collect();
        json!({"class_name": "Add", "name": name, "config": {"name": name}, "inbound_nodes": [inputs]})
    };
    let input = json!({"class_name": "InputLayer", "name": "x", "config": {"name": "x"}, "inbound_nodes": []});
    let document = json!({"class_name": "Model", "config": {"name": "m", "layers": [input, add("a", &["x", "b"]), add("b", &["a"])],
        "input_layers": [["x", 0, 0]], "output_layers": [["b", 0, 0]]}});
    let error = config::read(&document).unwrap_err();
    assert_eq!(error.to_string(), "the layer 'b' at /config/layers/2 is part of a cycle");
}
