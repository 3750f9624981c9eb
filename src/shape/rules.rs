//! Which rule a layer has, by the family of its class.

use serde_json::Value;

use super::arguments::Arguments;
use super::axis::{self, Axes, Axis};
use super::settings::Settings;
use super::{Dims, attention, convolution, core, infer, merging, op_layer, pooling, recurrent, spatial};
use crate::config;
use crate::graph::Layer;
use crate::keras::classes::{Kind, Rule, Spatial, Wrapper};

/// A call of a layer: what it was constructed from, and the arguments it is called with.
pub(super) struct CallSite<'a> {
    pub settings: Settings<'a>,
    /// The class, as the config names it.
    pub class: &'a str,
    pub node: Option<&'a Value>,
}

impl<'a> CallSite<'a> {
    pub fn new(layer: &Layer<'a>, call: usize) -> Self {
        CallSite {
            settings: Settings { kind: layer.kind, config: layer.config },
            class: layer.class,
            node: layer.entry.get("inbound_nodes").and_then(|nodes| nodes.get(call)),
        }
    }

    pub fn is_pooling(&self) -> bool {
        matches!(self.settings.rule(), Rule::Pooling(..))
    }
}

/// The shapes of a call's outputs, in order; empty where there is no rule.
pub(super) fn outputs(call: &CallSite, inputs: &[Option<Dims>]) -> Vec<Axes> {
    known_outputs(call, inputs).unwrap_or_default()
}

fn known_outputs(call: &CallSite, inputs: &[Option<Dims>]) -> Option<Vec<Axes>> {
    let settings = call.settings;
    let rule = settings.rule();
    let arguments = || Arguments::read(call.node?, inputs.len());
    let first = || match inputs {
        [None] => assumed_rank(rule).map(|rank| vec![None; rank]),
        inputs => inputs.first().cloned().flatten(),
    };
    match (settings.kind, rule) {
        (Kind::Operation, _) => op_layer::outputs(call, &all(inputs)?),
        (_, Rule::Merging(_)) => layer(settings, &all(inputs)?),
        (_, Rule::Attention(kind)) => {
            let inputs: Vec<Option<Axes>> =
                inputs.iter().enumerate().map(|(index, dims)| Some(axis::input(index, dims.as_ref()?))).collect();
            attention::outputs(settings, kind, &arguments()?, &inputs)
        }
        // What else it takes under a name of its own, such as a mask, does not count.
        _ if inputs.len() > 1 && takes_one(rule) && arguments()?.tensors("inputs", 0) != (0..1) => None,
        _ => layer(settings, &[axis::input(0, &first()?)]),
    }
}

fn all(inputs: &[Option<Dims>]) -> Option<Vec<Axes>> {
    let axes = |(index, dims): (usize, &Option<Dims>)| Some(axis::input(index, dims.as_ref()?));
    inputs.iter().enumerate().map(axes).collect::<Option<Vec<_>>>().filter(|inputs| !inputs.is_empty())
}

/// Whether a layer takes one tensor; recurrent ones also take the states that they begin with.
fn takes_one(rule: Rule) -> bool {
    let begins = matches!(rule, Rule::Recurrent(_) | Rule::ConvolvingRecurrent(_) | Rule::Cells);
    !begins && rule != Rule::Wrapper(Wrapper::BothWays)
}

/// The output shapes of a layer that is called on its inputs alone.
pub(super) fn layer(settings: Settings, inputs: &[Axes]) -> Option<Vec<Axes>> {
    let single = |axes: Axes| vec![axes];
    let (input, others) = inputs.split_first()?;
    match settings.rule() {
        Rule::Merging(kind) => merging::output(settings, kind, inputs).map(single),
        // What else it is called on are the states that it begins with.
        Rule::Recurrent(_) | Rule::ConvolvingRecurrent(_) | Rule::Cells => recurrent::outputs(settings, input),
        Rule::Wrapper(Wrapper::BothWays) => recurrent::both_ways(settings, input),
        _ if !others.is_empty() => None,
        Rule::Same => Some(single(input.clone())),
        Rule::Convolution(kind, rank) => convolution::output(settings, kind, rank, input).map(single),
        Rule::Pooling(kind, rank) => pooling::output(settings, kind, rank, input).map(single),
        Rule::Spatial(kind, rank) => spatial::output(settings, kind, rank, input).map(single),
        Rule::Features(kind) => core::output(settings, kind, input).map(single),
        // What is held is nested in the text, whose depth the JSON parser bounds.
        Rule::Wrapper(Wrapper::Once) => layer(settings.held()?, inputs),
        Rule::Wrapper(Wrapper::EachStep) => each_step(settings, input).map(single),
        Rule::Input | Rule::Attention(_) | Rule::Unknown => None,
    }
}

/// The output of a layer that is called for each step.
fn each_step(settings: Settings, input: &Axes) -> Option<Axes> {
    let (&[batch, steps], rest) = input.split_first_chunk()?;
    let input = [&[batch], rest].concat();
    let mut output = match model_output(settings.get("layer")?, &input) {
        Some(output) => output,
        None => match layer(settings.held()?, &[input])?.as_slice() {
            [output] => output.clone(),
            _ => return None,
        },
    };
    output.insert(1.min(output.len()), steps);
    Some(output)
}

/// What a whole model puts out that is held as a layer is.
fn model_output(held: &Value, input: &Axes) -> Option<Axes> {
    held.get("config")?.get("layers")?;
    let graph = config::read(held).ok()?;
    let dims = infer::output(&graph, axis::sizes(input))?;
    let (&batch, _) = input.split_first()?;
    Some(dims.into_iter().enumerate().map(|(axis, size)| if axis == 0 { batch } else { Axis::new(size) }).collect())
}

/// The rank of the tensors that a class takes, where it takes one alone: so the rank and the number of channels behind a
/// convolution are known even if nothing is known before it.
fn assumed_rank(rule: Rule) -> Option<usize> {
    match rule {
        Rule::Convolution(_, rank) | Rule::Pooling(_, rank) => Some(rank + 2),
        // Those that resize also take images without a batch.
        Rule::Spatial(Spatial::Padding | Spatial::Cropping | Spatial::UpSampling, rank) => Some(rank + 2),
        _ => None,
    }
}
