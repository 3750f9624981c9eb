//! A Keras model as a graph: layers, the wires between them, and the order in which Keras lists them.
//!
//! A [`Graph`] is one level of a model; a nested model is a [`Layer`] with a graph of its own. It is read from a config by
//! [`crate::config`], and every wire remembers where it is written there.

mod flow;
mod order;

pub use order::Cycle;

use std::collections::HashMap;

use json_patch::jsonptr::PointerBuf;
use serde_json::Value;

use crate::keras::classes::Kind;

/// One level of a model.
#[derive(Debug)]
pub struct Graph<'a> {
    /// How the config writes this level.
    pub dialect: Dialect,
    /// Where the array of layers stands in the config.
    pub layers_at: PointerBuf,
    /// The layers, in the order of the config.
    pub layers: Vec<Layer<'a>>,
    /// The model's inputs, flattened as Keras does.
    pub inputs: Vec<Wire<'a>>,
    /// The model's outputs, flattened as Keras does. Of a sequential model: its last layer.
    pub outputs: Vec<Wire<'a>>,
    pub(crate) by_name: HashMap<&'a str, usize>,
}

/// How a level's wires are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// No wires: the order is the graph.
    Sequential,
    /// `["conv2d", 0, 0, {}]` (Keras 1 and 2).
    Keras2,
    /// `{"class_name": "__keras_tensor__", ...}` (Keras 3).
    Keras3,
}

/// One layer.
#[derive(Debug)]
pub struct Layer<'a> {
    /// Unique within its level.
    pub name: &'a str,
    /// The class, as the config names it.
    pub class: &'a str,
    /// What that class stands for.
    pub kind: Kind,
    /// Where the layer stands in the config.
    pub at: PointerBuf,
    /// The whole entry: class, config, nodes.
    pub entry: &'a Value,
    /// What the layer is constructed from (an object, or in old nested models a list).
    pub config: &'a Value,
    /// Each call of the layer. An input layer has one, without inputs.
    pub calls: Vec<Call<'a>>,
    /// What is inside, where the layer is a model itself.
    pub inner: Option<Graph<'a>>,
    /// What the config writes for the layer's first call.
    pub node_base: NodeBase,
}

/// The number that the config writes for a layer's first call: 0 for layers; nested models start elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NodeBase {
    /// In the nodes of other layers.
    pub in_nodes: usize,
    /// In the model's outputs and inputs.
    pub in_ends: usize,
}

/// One call of a layer (Keras: an inbound node).
#[derive(Debug, Default)]
pub struct Call<'a> {
    /// The tensors of the call: arguments, then keyword arguments, flattened as Keras does.
    pub inputs: Vec<Wire<'a>>,
}

/// A tensor, by its origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source {
    /// The layer, by its place among the level's layers.
    pub layer: usize,
    /// Which of its calls, from 0.
    pub call: usize,
    /// Which of the call's outputs, from 0.
    pub tensor: usize,
}

/// A tensor as a wire writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The layer.
    pub name: String,
    /// Which node of the layer, as the config counts them.
    pub node: usize,
    /// Which of its outputs.
    pub tensor: usize,
}

/// A use of a tensor: as an input of a call, or as an end of the model.
#[derive(Debug, Clone)]
pub struct Wire<'a> {
    /// The tensor.
    pub source: Source,
    /// Where `[layer, node, tensor]` is written; `None` in a sequential model, which writes no wires.
    pub at: Option<PointerBuf>,
    /// The tensor's shape as written beside the wire (Keras 3).
    pub shape: Option<&'a Value>,
    /// The tensor's dtype as written there.
    pub dtype: Option<&'a str>,
    /// Whether the wire is an end of the model (output or input) rather than a call's input.
    pub is_end: bool,
}

/// A layer's place in a model with nested models: an index for each level, the outermost first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(pub Vec<usize>);

impl<'a> Graph<'a> {
    /// Whether the order of the layers is the graph: nothing writes wires, and the first layer takes the input.
    pub fn is_chain(&self) -> bool {
        self.dialect == Dialect::Sequential
    }

    /// A layer of this level, by name.
    pub fn layer(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Every use of a tensor at this level: the inputs of all calls in order, then the outputs.
    pub fn wires(&self) -> impl Iterator<Item = &Wire<'a>> {
        self.layers.iter().flat_map(|layer| &layer.calls).flat_map(|call| &call.inputs).chain(&self.outputs)
    }

    /// The uses of a layer's outputs at this level.
    pub fn consumers(&self, layer: usize) -> impl Iterator<Item = &Wire<'a>> {
        self.wires().filter(move |wire| wire.source.layer == layer)
    }

    /// The number that the config writes for `source`'s call at an end of the model or in a node.
    pub fn written_node(&self, source: Source, is_end: bool) -> usize {
        let base = self.layers[source.layer].node_base;
        source.call + if is_end { base.in_ends } else { base.in_nodes }
    }

    /// A tensor as this level's config writes it.
    pub fn reference(&self, source: Source, is_end: bool) -> Reference {
        let name = self.layers[source.layer].name.to_owned();
        Reference { name, node: self.written_node(source, is_end), tensor: source.tensor }
    }

    /// Finds `name` or `outer/inner`; a layer whose own name has slashes comes before a nested one.
    pub fn find(&self, path: &str) -> Option<Address> {
        if let Some(index) = self.layer(path) {
            return Some(Address(vec![index]));
        }
        self.layers.iter().enumerate().find_map(|(index, layer)| {
            let rest = path.strip_prefix(layer.name)?.strip_prefix('/')?;
            let Address(mut trail) = layer.inner.as_ref()?.find(rest)?;
            trail.insert(0, index);
            Some(Address(trail))
        })
    }

    /// The level that holds the addressed layer.
    pub fn level(&self, address: &Address) -> &Graph<'a> {
        let outer = address.0.len().saturating_sub(1);
        address.0[..outer].iter().fold(self, |level, &index| level.layers[index].inner.as_ref().unwrap_or(level))
    }

    /// The layers that lie on the way to an address, the addressed one last.
    pub fn trail(&self, address: &Address) -> Vec<&Layer<'a>> {
        let mut level = self;
        let mut trail = Vec::with_capacity(address.0.len());
        for &index in &address.0 {
            let layer = &level.layers[index];
            trail.push(layer);
            level = layer.inner.as_ref().unwrap_or(level);
        }
        trail
    }

    /// Every layer at every depth with its address, in the order of the config, a nested model before its layers.
    pub fn walk(&self) -> Vec<Address> {
        let mut found = Vec::new();
        let mut todo: Vec<(Vec<usize>, &Graph)> = vec![(Vec::new(), self)];
        while let Some((trail, level)) = todo.pop() {
            for index in 0..level.layers.len() {
                found.push(Address([trail.as_slice(), &[index]].concat()));
            }
            for (index, layer) in level.layers.iter().enumerate() {
                if let Some(inner) = &layer.inner {
                    todo.push(([trail.as_slice(), &[index]].concat(), inner));
                }
            }
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }

    /// How an address is written on the command line: `outer/inner`.
    pub fn path(&self, address: &Address) -> String {
        self.trail(address).iter().map(|layer| layer.name).collect::<Vec<_>>().join("/")
    }
}
