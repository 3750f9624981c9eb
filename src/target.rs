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
use crate::layout::{DataFormat, MOST_AXES, Shape};
use crate::operator::Operator;
use crate::shape::{self, Dims, Shapes};
use dtypes::Dtypes;
use format::Formats;

/// A layer whose output a simulator may take: floats of rank 2 or more, as far as it is known.
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
    /// It has no axis beside the batch, or more than sites can have.
    Rank,
    /// Its cells hold something else than floats.
    Dtype(Dtype),
}

/// The axes of an output without the batch: of an image height, width and channels, of others as they stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Size {
    axes: Dims,
    /// Where the channels are, of what is no image.
    channels: DataFormat,
}

impl Size {
    /// That of an output, as far as it is known; `None` where no site can be in it.
    fn of(output: &Output) -> Option<Self> {
        match (&output.dims, output.data_format()) {
            (None, _) => Some(Size::default()),
            (Some(dims), _) if !has_cells(dims) => None,
            // Which axis of an image is which is not known.
            (Some(dims), None) if dims.len() == 4 => Some(Size { axes: vec![None; 3], ..Size::default() }),
            (Some(dims), format) => Size::new(dims, format.unwrap_or_default()),
        }
    }

    /// Reads a shape whose first axis is the batch.
    fn new(dims: &[Option<usize>], format: DataFormat) -> Option<Self> {
        has_cells(dims).then(|| Size { axes: format.named(&dims[1..]), channels: format })
    }

    /// The sizes: `None` where one is unknown, or differs from run to run; empty where not even their number is known.
    pub fn axes(&self) -> &[Option<usize>] {
        &self.axes
    }

    /// Whether both can be the same.
    fn agrees(&self, other: &Size) -> bool {
        let axes = || self.axes.iter().zip(&other.axes);
        let is_any = self.axes.is_empty() || other.axes.is_empty();
        is_any || self.axes.len() == other.axes.len() && axes().all(|(a, b)| a.is_none() || b.is_none() || a == b)
    }

    /// Whether a site of that shape may be in it.
    pub fn takes(&self, shape: Shape) -> bool {
        let axes = shape.axes();
        let fits = |(size, axis): (&Option<usize>, &usize)| size.is_none_or(|size| size == *axis);
        self.axes.is_empty() || self.axes.len() == axes.len() && self.axes.iter().zip(&axes).all(fits)
    }

    /// The shape of a site, where all axes are known.
    pub fn shape(&self) -> Option<Shape> {
        let axes: Vec<usize> = self.axes.iter().copied().collect::<Option<_>>()?;
        Some(Shape::of_axes(&axes).ok()?.seen_as(self.channels))
    }
}

/// Whether a site can be in a tensor of this shape, batch first, as far as the number of axes goes.
pub fn has_cells(dims: &[Option<usize>]) -> bool {
    (1..=MOST_AXES).contains(&dims.len().saturating_sub(1))
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

    /// Where the channels of the layer's output are: first or last. Where that is not known, the data
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
            let shape = Size::new(dims, format).and_then(|size| size.shape());
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
        if sizes.iter().any(|size| sizes.iter().any(|other| !size.agrees(other))) { sizes } else { Vec::new() }
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
        let path = self.graph.path(address);
        let outputs = used.iter().map(|source| (source.call, source.tensor)).collect();
        let output = self.common(address, layer.calls.len(), &outputs);
        if let Some(dtype) = output.dtype.filter(|dtype| !dtype.is_float()) {
            return Err(NoTarget::Dtype(dtype));
        }
        let size = Size::of(&output).ok_or(NoTarget::Rank)?;
        // Faults were measured in images. What treats each cell by itself does the same elsewhere.
        let is_measured = |operator: &Operator| operator.is_elementwise() || output.rank().is_none_or(|rank| rank == 4);
        let operator = computes::operator(layer.kind, layer.config).filter(is_measured);
        let format = output.data_format().unwrap_or_else(|| self.formats.of(address));
        let sizes = self.sizes(address, layer.calls.len(), &outputs, format);
        Ok(Target { path, class: layer.class.to_owned(), size, sizes, output, operator, fused, consumers: used.len() })
    }
}
