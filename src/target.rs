//! What can be injected: a layer's output, its size, the operator that computes it, and who takes it.

mod convolution;
mod dtypes;
mod format;
mod output;

pub use output::{Output, Storage};

use std::collections::BTreeSet;

use crate::graph::{Address, Graph, Source};
use crate::keras::computes;
use crate::keras::dtype::Dtype;
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
    /// The sizes of the output from call to call, where they are known to differ; no site fits them all.
    pub sizes: Vec<Size>,
    /// The output, whatever its rank.
    pub output: Output,
    /// The operator whose error model fits, where the layer's class tells.
    pub operator: Option<Operator>,
    /// The activation that the layer applies itself, behind what else it computes.
    pub fused: Option<String>,
    /// How many uses the layer's outputs have: inputs of calls, and outputs of its model.
    pub consumers: usize,
}

/// Why no simulator plays on a layer's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoTarget {
    /// It is no feature map: its rank is not 4.
    Rank,
    /// Its cells hold something else than floats.
    Dtype(Dtype),
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

    /// Whether both can be the same.
    fn agrees(self, other: Size) -> bool {
        let axes = [(self.h, other.h), (self.w, other.w), (self.c, other.c)];
        axes.iter().all(|(a, b)| a.is_none() || b.is_none() || a == b)
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

    /// The different shapes of the layer's output, read in a data format, over all its calls and those of the models around
    /// it: those that are known whole. Sites have to fit them all.
    pub fn shapes(&self, address: &Address, format: DataFormat) -> Vec<Shape> {
        let Some(&layer) = address.0.last() else { return Vec::new() };
        let calls = 0..self.graph.level(address).layers[layer].calls.len();
        let mut shapes: Vec<Shape> = Vec::new();
        for dims in calls.flat_map(|call| self.dims_in_calls(address, call, 0)).flatten() {
            let shape = Size::new(dims, format).and_then(Size::shape);
            shapes.extend(shape.filter(|shape| !shapes.contains(shape)));
        }
        shapes
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

    /// The different sizes of the outputs that are used, over all calls of the layer and of the models around it, where they
    /// contradict each other.
    fn sizes(&self, address: &Address, calls: usize, used: &BTreeSet<(usize, usize)>, format: DataFormat) -> Vec<Size> {
        let first = (0..calls).map(|call| (call, 0)).filter(|_| used.is_empty());
        let mut sizes: Vec<Size> = Vec::new();
        for (call, tensor) in first.chain(used.iter().copied()) {
            for size in self.dims_in_calls(address, call, tensor).into_iter().flatten() {
                let size = Size::new(size, format).filter(|size| !sizes.contains(size));
                sizes.extend(size);
            }
        }
        if sizes.iter().any(|size| sizes.iter().any(|other| !size.agrees(*other))) { sizes } else { Vec::new() }
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

    /// A layer as a target.
    ///
    /// # Errors
    /// Its output is known to be something that no simulator plays on.
    pub fn target(&self, address: &Address) -> Result<Target, NoTarget> {
        let level = self.graph.level(address);
        let layer = address.0.last().copied().unwrap_or_default();
        let used: Vec<_> = level.consumers(layer).map(|wire| wire.source).collect();
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
            let target = self.describe(level, &address, &used[index]).ok();
            if let Some(inner) = &layer.inner {
                found.extend(target.map(|target| (address.clone(), target)));
                self.collect(inner, &address.0, found);
            } else {
                found.extend(target.map(|target| (address, target)));
            }
        }
    }

    fn describe(&self, level: &Graph, address: &Address, used: &[Source]) -> Result<Target, NoTarget> {
        let layer = &level.layers[address.0.last().copied().unwrap_or_default()];
        let fused = computes::fused_activation(layer.kind, layer.config).map(str::to_owned);
        let operator = computes::operator(layer.kind, layer.config);
        let path = self.graph.path(address);
        let outputs = used.iter().map(|source| (source.call, source.tensor)).collect();
        let output = self.common(address, layer.calls.len(), &outputs);
        if let Some(dtype) = output.dtype.filter(|dtype| !dtype.is_float()) {
            return Err(NoTarget::Dtype(dtype));
        }
        let size = Size::of(&output).ok_or(NoTarget::Rank)?;
        let format = output.data_format().unwrap_or_else(|| self.formats.of(address));
        let sizes = self.sizes(address, layer.calls.len(), &outputs, format);
        Ok(Target { path, class: layer.class.to_owned(), size, sizes, output, operator, fused, consumers: used.len() })
    }
}
