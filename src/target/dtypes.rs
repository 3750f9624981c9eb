//! What the cells of a model's tensors hold: floats, or something that a simulator cannot play on.
//!
//! Keras 3 states it beside each wire. Else it follows from what goes in: a layer takes floats in its own dtype and returns
//! that, and what only moves cells leaves all others as they are. Where neither tells, nothing is known.

use std::collections::HashMap;

use serde_json::Value;

use crate::graph::{Address, Graph, Layer, Source, Wire};
use crate::keras::classes::{Features, Kind, Merging, Rule};
use crate::keras::dtype::Dtype;

/// The dtypes of the tensors of a level, and below.
#[derive(Debug, Default)]
pub(super) struct Dtypes {
    known: HashMap<Source, Dtype>,
    inner: HashMap<usize, Dtypes>,
}

impl Dtypes {
    pub fn new(graph: &Graph) -> Self {
        Inference::default().whole(graph, &[])
    }

    /// That of one output of one call of a layer, both counted from 0.
    pub fn of(&self, address: &Address, call: usize, tensor: usize) -> Option<Dtype> {
        let (&layer, outer) = address.0.split_last()?;
        let level = outer.iter().try_fold(self, |level, index| level.inner.get(index))?;
        level.known.get(&Source { layer, call, tensor }).copied()
    }
}

/// The dtypes of a call's inputs or outputs; `None` where one is unknown.
type Tensors = Vec<Option<Dtype>>;

#[derive(Default)]
struct Inference<'a> {
    /// For each nested model, by its place in the config: the outputs that follow from inputs.
    done: HashMap<(&'a str, Tensors), Tensors>,
}

impl<'a> Inference<'a> {
    /// A model and what is in it; all calls of a nested model share its layers, whose dtypes are known where the calls agree.
    fn whole(&mut self, graph: &'a Graph<'_>, given: &[Option<Dtype>]) -> Dtypes {
        let known = self.level(graph, given);
        let mut inner = HashMap::new();
        for (index, layer) in graph.layers.iter().enumerate() {
            if let Some(model) = &layer.inner {
                let calls = layer.calls.iter().map(|call| dtypes_of(&call.inputs, &known));
                let same = |a: Tensors, b: Tensors| a.iter().zip(&b).map(|(a, b)| a.filter(|_| a == b)).collect();
                inner.insert(index, self.whole(model, &calls.reduce(same).unwrap_or_default()));
            }
        }
        Dtypes { known, inner }
    }

    /// The dtypes of a level's tensors, for a model that is called on `given`; it takes what its own inputs say where nothing
    /// is given.
    fn level(&mut self, graph: &'a Graph<'_>, given: &[Option<Dtype>]) -> HashMap<Source, Dtype> {
        let mut known = HashMap::new();
        let stated: HashMap<Source, Dtype> =
            graph.wires().filter_map(|wire| Some((wire.source, Dtype::named(wire.dtype?)?))).collect();
        let inputs: HashMap<usize, Option<Dtype>> =
            graph.inputs.iter().map(|wire| wire.source.layer).zip(given.iter().copied()).collect();
        for (index, call) in graph.calls_in_order() {
            let layer = &graph.layers[index];
            let mut before = dtypes_of(&layer.calls[call].inputs, &known);
            if graph.is_chain() && index == 0 {
                // The first layer of a chain stands for its input as well, which has its dtype.
                before = vec![given.first().copied().flatten().or_else(|| declared(layer))];
            }
            let outputs = match &layer.inner {
                Some(model) => self.outputs(model, before),
                None if layer.kind.is("InputLayer") => {
                    let given = if graph.is_chain() { given.first() } else { inputs.get(&index) };
                    vec![given.copied().flatten().or_else(|| declared(layer))]
                }
                None if layer.kind == Kind::Operation => operation(layer, &before),
                None => vec![computed(layer, &before)],
            };
            for (tensor, dtype) in outputs.into_iter().enumerate() {
                let source = Source { layer: index, call, tensor };
                // Keras 3 states its own dtype for what a layer passes on that is none.
                let passed_on = dtype.filter(|dtype| !dtype.is_float());
                let dtype = passed_on.or_else(|| stated.get(&source).copied()).or(dtype);
                known.extend(dtype.map(|dtype| (source, dtype)));
            }
            // Further outputs than a rule knows of.
            for tensor in 1.. {
                let source = Source { layer: index, call, tensor };
                let Some(&dtype) = stated.get(&source) else { break };
                known.insert(source, dtype);
            }
        }
        known
    }

    /// The outputs of a nested model that is called on `given`.
    fn outputs(&mut self, model: &'a Graph<'_>, given: Tensors) -> Tensors {
        let key = (model.layers_at.as_str(), given);
        if let Some(outputs) = self.done.get(&key) {
            return outputs.clone();
        }
        let outputs = dtypes_of(&model.outputs, &self.level(model, &key.1));
        self.done.insert(key, outputs.clone());
        outputs
    }
}

fn dtypes_of(wires: &[Wire], known: &HashMap<Source, Dtype>) -> Tensors {
    wires.iter().map(|wire| known.get(&wire.source).copied()).collect()
}

/// What a layer's own config says, without which it is Keras' choice.
fn declared(layer: &Layer) -> Option<Dtype> {
    match layer.config.get("dtype") {
        None | Some(Value::Null) => Some(Dtype::FLOAT32),
        Some(policy) => Dtype::of_policy(policy),
    }
}

/// The dtype of a layer's output.
fn computed(layer: &Layer, before: &[Option<Dtype>]) -> Option<Dtype> {
    match layer.kind {
        // What a custom class returns is its own affair.
        Kind::Other | Kind::Operation => None,
        Kind::Simulator | Kind::Clip => declared(layer),
        Kind::Keras(class) => match class.shape {
            Rule::Convolution(..)
            | Rule::Recurrent(_)
            | Rule::ConvolvingRecurrent(_)
            | Rule::Attention(_)
            | Rule::Features(Features::Dense | Features::Einsum | Features::Embedding) => declared(layer),
            // Whatever the type was, what is scaled is a float.
            Rule::Same if ["Rescaling", "Normalization", "BatchNormalization"].contains(&class.name) => declared(layer),
            Rule::Features(_)
            | Rule::Spatial(..)
            | Rule::Merging(Merging::Concatenated | Merging::Elementwise)
            | Rule::Pooling(..)
            | Rule::Same => moved(layer, class.name, before),
            _ => None,
        },
    }
}

/// The dtype behind a layer that does not ask for one: floats are brought to its own, all else stays where cells only
/// change their places.
fn moved(layer: &Layer, class: &str, before: &[Option<Dtype>]) -> Option<Dtype> {
    let first = before.first().copied().flatten()?;
    let is_alike = before.iter().all(|dtype| *dtype == Some(first));
    let is_float = before.iter().all(|dtype| dtype.is_some_and(Dtype::is_float));
    let only_moves = [
        "Concatenate",
        "Cropping1D",
        "Cropping2D",
        "Cropping3D",
        "Flatten",
        "Identity",
        "Permute",
        "RepeatVector",
        "Reshape",
        "ZeroPadding1D",
        "ZeroPadding2D",
        "ZeroPadding3D",
    ];
    match (is_float, only_moves.contains(&class)) {
        (true, _) => declared(layer),
        (false, true) if is_alike => Some(first),
        _ => None,
    }
}

/// Operations on tensors. Keras 3 states what they return where something takes it; those are known that make something else of
/// floats.
fn operation(layer: &Layer, before: &[Option<Dtype>]) -> Tensors {
    let first = before.first().copied().flatten();
    match layer.config.get("function").and_then(Value::as_str) {
        Some(function) => of_function(layer, function.rsplit('.').next().unwrap_or(function), before),
        None => match layer.class {
            "Argmax" | "Argmin" | "Argsort" | "CountNonzero" => vec![Some(Dtype::INT32)],
            "All" | "Any" | "Equal" | "Greater" | "GreaterEqual" | "Isclose" | "Isfinite" | "Isinf" | "Isnan"
            | "Less" | "LessEqual" | "LogicalAnd" | "LogicalNot" | "LogicalOr" | "LogicalXor" | "NotEqual" => {
                vec![Some(Dtype::BOOL)]
            }
            "TopK" => vec![first, Some(Dtype::INT32)],
            _ => vec![None],
        },
    }
}

/// Those of Keras 2, by the name of the function without its module.
fn of_function(layer: &Layer, name: &str, before: &[Option<Dtype>]) -> Tensors {
    let first = before.first().copied().flatten();
    let argument = |position: usize, key: &str| {
        let node = layer.entry.get("inbound_nodes")?.get(0)?;
        let first = if node.get(0)?.is_array() { node.get(0)? } else { node };
        let kwargs = first.get(3)?;
        kwargs.get(key).or_else(|| kwargs.get(position.to_string()))
    };
    let named = |dtype: &Value| Dtype::named(dtype.as_str()?);
    match name {
        "cast" => vec![argument(1, "dtype").and_then(named)],
        "argmax" | "argmin" => vec![argument(2, "output_type").map_or(Some(Dtype::INT64), named)],
        "argsort" | "shape" => vec![Some(Dtype::INT32)],
        "top_k" => vec![first, Some(Dtype::INT32)],
        "eq" | "equal" | "ne" | "not_equal" | "ge" | "greater" | "greater_equal" | "gt" | "le" | "less"
        | "less_equal" | "lt" | "logical_and" | "logical_or" | "logical_not" | "logical_xor" | "is_nan" | "is_inf"
        | "is_finite" | "reduce_any" | "reduce_all" => vec![Some(Dtype::BOOL)],
        "reshape" | "transpose" | "getitem" | "expand_dims" | "squeeze" | "concat" | "stack" | "tile" | "identity" => {
            vec![first.filter(|first| before.iter().all(|dtype| *dtype == Some(*first)))]
        }
        _ => vec![None],
    }
}
