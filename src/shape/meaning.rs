//! What the axes of each tensor mean: where its channels are, and whether its places stand in their order.
//!
//! Layers with a data format say it of what they put out, and of what they take. From there it goes along with the axes:
//! first forward, since a tensor is what was made, then back to what nothing else tells of, such as a model's inputs. An
//! axis that two ways tell differently means nothing.

mod settle;

use std::collections::HashMap;

use super::axis::{Axis, Meaning, Origin};
use super::rules::{self, CallSite};
use super::{Dims, Level, Shapes, reads};
use crate::graph::{Graph, Layer, Source};

/// What the axes of the tensors of one level mean.
pub(super) type Meanings = HashMap<Source, Vec<Option<Meaning>>>;

/// The meanings of a level, and of those below.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub level: Meanings,
    pub inner: HashMap<usize, Tree>,
}

pub(super) fn infer(graph: &Graph, shapes: &Shapes) -> Tree {
    let mut net = Net::default();
    let places = net.level(graph, shapes);
    net.settle();
    net.tree(graph, &places)
}

const BATCH: Option<Meaning> = Some(Meaning::Batch);

/// How what is known of one axis goes on to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Same,
    /// Of features it makes features, of places nothing.
    Mixing,
    /// That axis and those behind it, so many in all, become one.
    Merging(usize),
    /// That axis and those behind it, so many in all, become several others.
    Splitting(usize),
}

#[derive(Clone, Copy, Debug)]
struct Link {
    from: usize,
    to: usize,
    way: Way,
}

/// A tensor: its first axis in the net, and its rank.
#[derive(Clone, Copy, Debug)]
struct Tensor {
    first: usize,
    rank: usize,
}

/// Where a tensor begins that nothing before it tells of.
#[derive(Clone, Copy, Debug)]
struct Beginning {
    tensor: Tensor,
    default: Default,
}

/// Whether channels are last where nothing says where they are.
#[derive(Clone, Copy, Debug)]
enum Default {
    No,
    Yes,
    /// If that axis has features that no image had before: one made of them has no other order yet.
    OfFeatures(usize),
}

/// The tensors of a level.
#[derive(Debug, Default)]
struct Places {
    tensors: HashMap<Source, Tensor>,
    entries: Vec<Option<Tensor>>,
    inner: HashMap<usize, Places>,
}

/// All axes of all tensors of a model, and the ways between them.
#[derive(Debug, Default)]
struct Net {
    /// What is told of an axis by what makes it.
    made: Vec<Option<Meaning>>,
    /// Whether what makes it does not count, since what takes it says it all.
    is_named: Vec<bool>,
    /// What is told of it by what takes it.
    taken: Vec<Option<Meaning>>,
    /// What takes an axis says of it.
    reads: Vec<(usize, Meaning)>,
    /// Each behind those that lead to its beginning, but for those into a model that is called again.
    links: Vec<Link>,
    beginnings: Vec<Beginning>,
    /// Axes that layers take whose code is not in the file.
    lost: Vec<usize>,
    /// Axes of features that are made as such, or come in as such.
    features: Vec<usize>,
}

impl Net {
    fn tensor(&mut self, rank: usize) -> Tensor {
        let tensor = Tensor { first: self.made.len(), rank };
        self.made.resize(tensor.first + rank, None);
        self.is_named.resize(tensor.first + rank, false);
        tensor
    }

    fn level(&mut self, graph: &Graph, shapes: &Shapes) -> Places {
        let Level { known, entries, .. } = &shapes.level;
        let mut places = Places::default();
        let inputs = super::infer::entries(graph);
        for dims in entries {
            let entry = dims.as_ref().map(|dims| self.tensor(dims.len()));
            self.beginnings.extend(entry.map(|tensor| Beginning { tensor, default: Default::Yes }));
            entry.iter().filter(|entry| entry.rank > 0).for_each(|entry| self.made[entry.first] = BATCH);
            self.features.extend(entry.filter(|entry| entry.rank == 2).map(|entry| entry.first + 1));
            places.entries.push(entry);
        }
        for (index, call) in graph.calls_in_order() {
            let layer = &graph.layers[index];
            let mut taken: Vec<Option<(Tensor, &Dims)>> = layer.calls[call]
                .inputs
                .iter()
                .map(|wire| places.tensors.get(&wire.source).copied().zip(known.get(&wire.source)))
                .collect();
            if taken.is_empty()
                && let Some(entry) = inputs.iter().position(|&entry| entry == index)
            {
                let dims = entries.get(entry).and_then(Option::as_ref);
                taken.push(places.entries.get(entry).copied().flatten().zip(dims));
            }
            let sources = (0..).map(|tensor| Source { layer: index, call, tensor });
            let outputs: Vec<(Source, &Dims)> =
                sources.map_while(|source| Some((source, known.get(&source)?))).collect();
            let put_out: Vec<Tensor> = outputs.iter().map(|(_, dims)| self.tensor(dims.len())).collect();
            match (&layer.inner, shapes.inner.get(&index)) {
                (Some(model), Some(shapes)) => {
                    let inner = places.inner.entry(index).or_insert_with(|| self.level(model, shapes));
                    self.nested(model, inner, &taken, &put_out);
                }
                _ if layer.kind.is("InputLayer") => self.pass(&taken, &put_out),
                _ => self.layer(layer, call, &taken, &outputs, &put_out),
            }
            places.tensors.extend(outputs.iter().map(|(source, _)| *source).zip(put_out));
        }
        places
    }

    /// Inputs that are outputs.
    fn pass(&mut self, taken: &[Option<(Tensor, &Dims)>], put_out: &[Tensor]) {
        for (taken, out) in taken.iter().zip(put_out) {
            taken.iter().for_each(|(taken, _)| self.link_whole(*taken, *out));
        }
    }

    fn nested(&mut self, model: &Graph, inner: &Places, taken: &[Option<(Tensor, &Dims)>], put_out: &[Tensor]) {
        if taken.len() == inner.entries.len() {
            for (taken, entry) in taken.iter().zip(&inner.entries) {
                if let (Some((taken, _)), Some(entry)) = (taken, entry) {
                    self.link_whole(*taken, *entry);
                }
            }
        }
        for (wire, out) in model.outputs.iter().zip(put_out) {
            if let Some(tensor) = inner.tensors.get(&wire.source) {
                self.link_whole(*tensor, *out);
            }
        }
    }

    fn link_whole(&mut self, from: Tensor, to: Tensor) {
        if from.rank == to.rank {
            self.links.extend((0..to.rank).map(|axis| Link {
                from: from.first + axis,
                to: to.first + axis,
                way: Way::Same,
            }));
        }
    }

    fn layer(
        &mut self,
        layer: &Layer,
        call: usize,
        taken: &[Option<(Tensor, &Dims)>],
        outputs: &[(Source, &Dims)],
        put_out: &[Tensor],
    ) {
        let site = CallSite::new(layer, call);
        let inputs: Vec<Option<Dims>> = taken.iter().map(|taken| taken.map(|(_, dims)| dims.clone())).collect();
        let rule = rules::outputs(&site, &inputs);
        if rule.is_empty() {
            self.unknown(taken, outputs, put_out);
            return;
        }
        for (input, reads) in reads::of(&site, &inputs).into_iter().enumerate() {
            if let Some(Some((tensor, _))) = taken.get(input) {
                let told = reads.into_iter().enumerate().take(tensor.rank);
                self.reads.extend(told.filter_map(|(axis, meaning)| Some((tensor.first + axis, meaning?))));
            }
        }
        let features = match taken {
            [Some((tensor, _))] if tensor.rank == 2 => Some(tensor.first + 1),
            _ => None,
        };
        for (index, &out) in put_out.iter().enumerate() {
            let axes = rule.get(index).filter(|axes| axes.len() == out.rank);
            match axes {
                Some(axes) => {
                    let is_made = |axis: &&Axis| axis.origin == Origin::New(Some(Meaning::Channels));
                    let made = axes.get(1).filter(is_made).filter(|_| out.rank == 2 && !site.is_pooling());
                    self.features.extend(made.map(|_| out.first + 1));
                    axes.iter().enumerate().for_each(|(axis, from)| self.trace(from, out.first + axis, taken));
                    let is_new = |axis: &Axis| matches!(axis.origin, Origin::New(None) | Origin::Split { .. });
                    if axes.iter().skip(1).any(is_new) {
                        let of_features = features.filter(|_| axes.iter().skip(1).all(is_new));
                        let default = of_features.map_or(Default::No, Default::OfFeatures);
                        self.beginnings.push(Beginning { tensor: out, default });
                    }
                }
                None => self.beginnings.push(Beginning { tensor: out, default: Default::No }),
            }
        }
    }

    /// Where one axis that a rule makes comes from.
    fn trace(&mut self, from: &Axis, to: usize, taken: &[Option<(Tensor, &Dims)>]) {
        let tensor = |input: usize| taken.get(input).copied().flatten().map(|(tensor, _)| tensor);
        match from.origin {
            Origin::New(meaning) => self.made[to] = meaning,
            // Of what is not known at all, it is still the batch.
            Origin::Of { input, axis: 0 } if tensor(input).is_none() => self.made[to] = BATCH,
            Origin::Of { input, axis } => {
                self.links.extend(tensor(input).map(|tensor| Link { from: tensor.first + axis, to, way: Way::Same }));
            }
            Origin::Mixing { input, axis } => {
                let link = |tensor: Tensor| Link { from: tensor.first + axis, to, way: Way::Mixing };
                self.links.extend(tensor(input).map(link));
            }
            Origin::OfAll { from_end } => {
                let most = taken.iter().flatten().map(|(tensor, _)| tensor.rank).max().unwrap_or(0);
                for (tensor, _) in taken.iter().flatten() {
                    // The batch of a tensor of lower rank stands beside another axis.
                    if let Some(axis) = tensor.rank.checked_sub(from_end)
                        && (axis > 0 || tensor.rank == most)
                    {
                        self.links.push(Link { from: tensor.first + axis, to, way: Way::Same });
                    }
                }
            }
            Origin::Merged { input, axis, axes } => self.regroup(tensor(input), axis, Way::Merging(axes), to),
            Origin::Split { input, axis, axes } => self.regroup(tensor(input), axis, Way::Splitting(axes), to),
        }
    }

    fn regroup(&mut self, tensor: Option<Tensor>, axis: usize, way: Way, to: usize) {
        self.links.extend(tensor.map(|tensor| Link { from: tensor.first + axis, to, way }));
    }

    /// What a layer puts out whose code is not in the file. If it has the sizes of what it takes, an axis whose size no
    /// other has is still there.
    fn unknown(&mut self, taken: &[Option<(Tensor, &Dims)>], outputs: &[(Source, &Dims)], put_out: &[Tensor]) {
        for ((_, dims), out) in outputs.iter().zip(put_out) {
            self.made[out.first..][..out.rank.min(1)].fill(BATCH);
            if let [Some((tensor, before))] = taken
                && before == dims
            {
                let is_alone = |size: &Option<usize>| dims.iter().skip(1).filter(|other| *other == size).count() == 1;
                let kept = (1..out.rank).filter(|&axis| dims[axis].is_some() && is_alone(&dims[axis]));
                let link = |axis| Link { from: tensor.first + axis, to: out.first + axis, way: Way::Same };
                self.links.extend(kept.map(link));
            }
            self.beginnings.push(Beginning { tensor: *out, default: Default::No });
        }
        for (tensor, _) in taken.iter().flatten() {
            self.lost.extend(tensor.first..tensor.first + tensor.rank);
        }
    }

    fn tree(&self, graph: &Graph, places: &Places) -> Tree {
        let meaning = |axis: usize| self.made[axis].or(self.taken[axis]);
        let of = |tensor: &Tensor| (tensor.first..tensor.first + tensor.rank).map(meaning).collect();
        let inner = places.inner.iter().filter_map(|(&index, places)| {
            let model = graph.layers[index].inner.as_ref()?;
            Some((index, self.tree(model, places)))
        });
        Tree {
            level: places.tensors.iter().map(|(&source, tensor)| (source, of(tensor))).collect(),
            inner: inner.collect(),
        }
    }
}
