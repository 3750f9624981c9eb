//! What can be injected: a layer's output, its size, the operator that computes it, and who takes it.

mod convolution;
mod dtypes;
mod format;
mod output;

pub use output::{Output, Storage};

use std::collections::BTreeSet;

use crate::graph::{Address, Graph, Source};
use crate::keras::computes;
use crate::layout::{DataFormat, Shape};
use crate::operator::Operator;
use crate::shape::{self, Shapes};
use dtypes::Dtypes;
use format::Formats;

/// A layer whose output a simulator may take: floats of rank 4, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The layer's name; inside a nested model `outer/inner`.
    pub path: String,
    /// The layer's class, as the config names it.
    pub class: String,
    /// The output's axes, each as far as it is known.
    pub size: Size,
    /// The output, whatever its rank.
    pub output: Output,
    /// The operator whose error model fits, where the layer's class tells.
    pub operator: Option<Operator>,
    /// The activation that the layer applies itself, behind what else it computes.
    pub fused: Option<String>,
    /// How many uses the layer's outputs have: inputs of calls, and outputs of its model.
    pub consumers: usize,
}

/// Height, width and channels of an output; `None` where one is unknown, or differs from run to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// Height, in cells.
    pub h: Option<usize>,
    /// Width, in cells.
    pub w: Option<usize>,
    /// The number of channels.
    pub c: Option<usize>,
}

impl Size {
    /// That of an output of rank 4, as far as it is known; `None` where its rank is another.
    fn of(output: &Output) -> Option<Self> {
        match (&output.dims, output.data_format()) {
            (Some(dims), _) if dims.len() != 4 => None,
            (Some(dims), Some(format)) => Size::new(dims, format),
            _ => Some(Size::default()),
        }
    }

    /// Reads a shape of rank 4 whose first axis is the batch.
    fn new(dims: &[Option<usize>], format: DataFormat) -> Option<Self> {
        match (dims, format) {
            (&[_, h, w, c], DataFormat::ChannelsLast) | (&[_, c, h, w], DataFormat::ChannelsFirst) => {
                Some(Size { h, w, c })
            }
            _ => None,
        }
    }

    /// The shape of a site, where all three axes are known.
    pub fn shape(self) -> Option<Shape> {
        Shape::new(self.h?, self.w?, self.c?).ok()
    }
}

/// A model with the shapes and data formats of its layers.
#[derive(Debug)]
pub struct Targets<'g, 'a> {
    graph: &'g Graph<'a>,
    shapes: Shapes,
    formats: Formats,
    dtypes: Dtypes,
}

impl<'g, 'a> Targets<'g, 'a> {
    /// Infers shapes and data formats.
    pub fn new(graph: &'g Graph<'a>) -> Self {
        Targets { graph, shapes: shape::infer(graph), formats: Formats::new(graph), dtypes: Dtypes::new(graph) }
    }

    /// Where the channels of the layer's output are, if it has rank 4: first or last. Where that is not known, the data
    /// format of the nearest layer that has one, before it or else behind it, else channels_last.
    pub fn data_format(&self, address: &Address) -> DataFormat {
        self.output(address).data_format().unwrap_or_else(|| self.formats.of(address))
    }

    /// The shape of the first output of the layer's first call, the batch axis first, whatever its rank.
    pub fn dims(&self, address: &Address) -> Option<&[Option<usize>]> {
        self.shapes.of(address, 0, 0)
    }

    /// The shape of the sites that fit the layer's output, read in a data format; `None` where it is not known whole.
    pub fn shape(&self, address: &Address, format: DataFormat) -> Option<Shape> {
        Size::new(self.output(address).dims?.as_slice(), format)?.shape()
    }

    /// What the layer puts out, whatever its rank: what its calls, and those of its outputs that are used, have in common.
    pub fn output(&self, address: &Address) -> Output {
        let Some(&layer) = address.0.last() else { return Output::default() };
        let level = self.graph.level(address);
        let used = level.consumers(layer).map(|wire| (wire.source.call, wire.source.tensor)).collect();
        self.common(address, level.layers[layer].calls.len(), &used)
    }

    /// What the outputs (call, tensor) of a layer that are used have in common; where none is, the first of each call.
    fn common(&self, address: &Address, calls: usize, used: &BTreeSet<(usize, usize)>) -> Output {
        let mut common: Option<Output> = None;
        let first = (0..calls).map(|call| (call, 0)).filter(|_| used.is_empty());
        for (call, tensor) in first.chain(used.iter().copied()) {
            let output = self.output_of(address, call, tensor);
            common = Some(match common {
                None => output,
                Some(common) => common.shared(&output),
            });
        }
        common.unwrap_or_default()
    }

    /// One output of one call of a layer, both counted from 0.
    pub fn output_of(&self, address: &Address, call: usize, tensor: usize) -> Output {
        let dims = self.shapes.of(address, call, tensor).map(<[_]>::to_vec);
        let channels = self.shapes.channels(address, call, tensor);
        Output { dims, channels, dtype: self.dtypes.of(address, call, tensor), ..Output::default() }
    }

    /// The shapes of an output for the different inputs that the models around it are called on, each once, in the order of
    /// the calls. `None` is one that is not known.
    pub fn dims_in_calls(&self, address: &Address, call: usize, tensor: usize) -> Vec<Option<&[Option<usize>]>> {
        self.shapes.in_calls(address, call, tensor)
    }

    /// A layer as a target; `None` where its output is known not to be of rank 4, or to hold no floats.
    pub fn target(&self, address: &Address) -> Option<Target> {
        let level = self.graph.level(address);
        let used: Vec<_> = level.consumers(*address.0.last()?).map(|wire| wire.source).collect();
        self.describe(level, address, &used)
    }

    /// Every target at every depth, in the order of the config, a nested model before its layers.
    pub fn all(&self) -> Vec<Target> {
        self.all_at().into_iter().map(|(_, target)| target).collect()
    }

    /// The same, each with its place.
    pub fn all_at(&self) -> Vec<(Address, Target)> {
        let mut found = Vec::new();
        self.collect(self.graph, &[], &mut found);
        found
    }

    fn collect(&self, level: &Graph, trail: &[usize], found: &mut Vec<(Address, Target)>) {
        let mut used: Vec<Vec<Source>> = vec![Vec::new(); level.layers.len()];
        level.wires().for_each(|wire| used[wire.source.layer].push(wire.source));
        for (index, layer) in level.layers.iter().enumerate() {
            let address = Address([trail, &[index]].concat());
            let target = self.describe(level, &address, &used[index]);
            if let Some(inner) = &layer.inner {
                found.extend(target.map(|target| (address.clone(), target)));
                self.collect(inner, &address.0, found);
            } else {
                found.extend(target.map(|target| (address, target)));
            }
        }
    }

    fn describe(&self, level: &Graph, address: &Address, used: &[Source]) -> Option<Target> {
        let layer = &level.layers[*address.0.last()?];
        let fused = computes::fused_activation(layer.kind, layer.config).map(str::to_owned);
        let operator = computes::operator(layer.kind, layer.config);
        let path = self.graph.path(address);
        let outputs = used.iter().map(|source| (source.call, source.tensor)).collect();
        let output = self.common(address, layer.calls.len(), &outputs);
        let size = Size::of(&output)?;
        if output.dtype.is_some_and(|dtype| !dtype.is_float()) {
            return None;
        }
        Some(Target { path, class: layer.class.to_owned(), size, output, operator, fused, consumers: used.len() })
    }
}
