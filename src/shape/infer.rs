//! Carrying shapes through a model: each call once, after its inputs.

use std::collections::HashMap;

use super::rules::{self, CallSite};
use super::{Dims, Shapes, stated};
use crate::graph::{Dialect, Graph, Layer, Source, Wire};

/// A nested model is inferred anew for each set of input shapes it is called on, but for at most so many of them: models
/// that nest and call each other twice at each depth would otherwise double the work with each depth.
const MOST_INPUT_SETS: usize = 32;

/// The shapes of a call's inputs or outputs; `None` where one is unknown.
type Tensors = Vec<Option<Dims>>;

pub(super) fn whole(graph: &Graph) -> Shapes {
    Inference::default().level_and_below(graph, &[])
}

#[derive(Default)]
struct Inference<'a> {
    /// For each nested model, by its place in the config: the shapes of inputs, and of the outputs that follow.
    done: HashMap<&'a str, Vec<(Tensors, Tensors)>>,
}

impl<'a> Inference<'a> {
    fn level_and_below(&mut self, graph: &'a Graph<'_>, given: &[Option<Dims>]) -> Shapes {
        let known = self.level(graph, given);
        let mut inner = HashMap::new();
        for (index, layer) in graph.layers.iter().enumerate() {
            if let Some(model) = &layer.inner {
                let calls = layer.calls.iter().map(|call| shapes_of(&call.inputs, &known));
                let given = refined(&own_inputs(model, layer), calls);
                inner.insert(index, self.level_and_below(model, &given));
            }
        }
        Shapes { known, inner }
    }

    /// The shapes of a level's tensors. `given` are the shapes of the model's inputs, as far as its caller knows them.
    fn level(&mut self, graph: &'a Graph<'_>, given: &[Option<Dims>]) -> HashMap<Source, Dims> {
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
                None if layer.class == "InputLayer" => tensors,
                None => rules::outputs(&CallSite::new(layer, call), &tensors),
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
        known
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
        let outputs = shapes_of(&model.outputs, &self.level(model, &given));
        self.done.entry(place).or_default().push((given, outputs.clone()));
        outputs
    }
}

fn shapes_of(wires: &[Wire], known: &HashMap<Source, Dims>) -> Tensors {
    wires.iter().map(|wire| known.get(&wire.source).cloned()).collect()
}

/// The layers that take the model's inputs, in the order of the inputs.
fn entries(graph: &Graph) -> Vec<usize> {
    match graph.dialect {
        Dialect::Sequential => (0..graph.layers.len().min(1)).collect(),
        _ => graph.inputs.iter().map(|wire| wire.source.layer).collect(),
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
