//! Keras' own order of a model's layers, which is the order in which it matches saved weights.

use json_patch::jsonptr::PointerBuf;
use thiserror::Error;

use super::{Graph, Layer};
use crate::keras::version::Keras;
use crate::text::shown;

/// A layer that, over others, takes its own output: such a graph has no order.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[error("the layer '{name}' at {at} is part of a cycle", name = shown(.name), at = shown(.at.as_str()))]
pub struct Cycle {
    /// One layer of the cycle.
    pub name: String,
    /// Where it stands in the config.
    pub at: PointerBuf,
}

impl Cycle {
    fn through(layer: &Layer) -> Self {
        Cycle { name: layer.name.to_owned(), at: layer.at.clone() }
    }
}

impl Graph<'_> {
    /// The layers in the order of Keras' `model.layers`: by depth (the longest way to an output), the deepest first,
    /// and within a depth by the first visit of a depth-first walk from the outputs. Inputs that no output reaches
    /// stand first at depth 0. Of other layers that no output reaches Keras 3 knows nothing; Keras 2 appends them in the
    /// order of the config (`connect_ancillary_layers`). In all else the two agree (`_map_graph_network`, `map_graph`).
    pub fn keras_order(&self, keras: Keras) -> Result<Vec<usize>, Cycle> {
        let Visits { ranks, nodes } = self.visit_from_outputs()?;
        let first_node = self.first_nodes();
        let mut node_depths: Vec<Option<usize>> = vec![None; first_node.last().copied().unwrap_or(0)];
        let mut layer_depths: Vec<Option<usize>> = vec![None; self.layers.len()];
        for &(layer, call) in nodes.iter().rev() {
            let node = first_node[layer] + call;
            let depth = node_depths[node].unwrap_or(0).max(layer_depths[layer].unwrap_or(0));
            node_depths[node] = Some(depth);
            layer_depths[layer] = Some(depth);
            for wire in &self.layers[layer].calls[call].inputs {
                let parent = &mut node_depths[first_node[wire.source.layer] + wire.source.call];
                *parent = Some(parent.unwrap_or(0).max(depth + 1));
            }
        }
        let mut order: Vec<(usize, Option<usize>, usize)> = Vec::with_capacity(self.layers.len());
        for wire in &self.inputs {
            let layer = wire.source.layer;
            if layer_depths[layer].is_none() {
                layer_depths[layer] = Some(0);
                order.push((0, None, layer));
            }
        }
        for (layer, rank) in ranks.iter().enumerate() {
            if let (Some(depth), Some(_)) = (layer_depths[layer], rank) {
                order.push((depth, *rank, layer));
            }
        }
        // `None`, an input that nothing uses, sorts before every rank; the sort is stable, as Python's is.
        order.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut order: Vec<usize> = order.into_iter().map(|(_, _, layer)| layer).collect();
        if keras.keeps_unused_layers() {
            order.extend((0..self.layers.len()).filter(|&layer| layer_depths[layer].is_none()));
        }
        Ok(order)
    }

    /// Whether the graph has an order: one without is none that Keras could build.
    pub fn check_order(&self) -> Result<(), Cycle> {
        self.visit_from_outputs().map(|_| ())
    }

    /// Whether an output of this level depends on the layer.
    pub fn is_used(&self, layer: usize) -> bool {
        self.visit_from_outputs().is_ok_and(|visits| visits.ranks[layer].is_some())
    }

    /// For each layer, the number of its first call when all calls are counted; the total stands last.
    fn first_nodes(&self) -> Vec<usize> {
        let mut total = 0;
        let mut first: Vec<usize> = Vec::with_capacity(self.layers.len() + 1);
        for layer in &self.layers {
            first.push(total);
            total += layer.calls.len();
        }
        first.push(total);
        first
    }

    /// Walks from each output, depth first, a call's inputs in their order.
    fn visit_from_outputs(&self) -> Result<Visits, Cycle> {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            Open,
            Done,
        }
        let first_node = self.first_nodes();
        let mut marks = vec![Mark::New; first_node.last().copied().unwrap_or(0)];
        let mut visits = Visits { ranks: vec![None; self.layers.len()], nodes: Vec::new() };
        let mut seen = 0;
        for output in &self.outputs {
            // The walk keeps its own stack: a chain of 100,000 layers must not exhaust the thread's.
            let mut stack = vec![(output.source.layer, output.source.call, 0)];
            while let Some((layer, call, next)) = stack.pop() {
                let node = first_node[layer] + call;
                if next == 0 {
                    match marks[node] {
                        Mark::Done => continue,
                        Mark::Open => return Err(Cycle::through(&self.layers[layer])),
                        Mark::New => marks[node] = Mark::Open,
                    }
                    if visits.ranks[layer].is_none() {
                        visits.ranks[layer] = Some(seen);
                        seen += 1;
                    }
                }
                match self.layers[layer].calls[call].inputs.get(next) {
                    Some(wire) => {
                        stack.push((layer, call, next + 1));
                        stack.push((wire.source.layer, wire.source.call, 0));
                    }
                    None => {
                        marks[node] = Mark::Done;
                        visits.nodes.push((layer, call));
                    }
                }
            }
        }
        Ok(visits)
    }
}

struct Visits {
    /// For each layer, when the walk first met it; `None` where no output reaches it.
    ranks: Vec<Option<usize>>,
    /// The calls (layer, call), each after its inputs.
    nodes: Vec<(usize, usize)>,
}
