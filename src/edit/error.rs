//! Why an edit is refused.

use thiserror::Error;

use crate::graph::Graph;
use crate::keras::dtype::Dtype;
use crate::text::{axes, shown};

/// Why a simulator cannot go where it is wanted, or not come out.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EditError {
    /// No layer of that name.
    #[error("there is no layer '{layer}'", layer = shown(.layer))]
    UnknownLayer {
        /// The name that was asked for.
        layer: String,
        /// The layers there are.
        there: Vec<String>,
    },
    /// The layer is inside another layer that is no model.
    #[error(
        "'{layer}' is inside the {class} layer '{wrapper}', where no other layer can stand",
        layer = shown(.layer), class = shown(.class), wrapper = shown(.wrapper)
    )]
    InsideWrapper {
        /// The name that was asked for.
        layer: String,
        /// The layer around it.
        wrapper: String,
        /// Its class.
        class: String,
        /// A simulator can stand behind it.
        is_possible_behind: bool,
    },
    /// One layer named twice in one insertion.
    #[error("'{after}' is named twice", after = shown(.after))]
    Twice {
        /// The layer.
        after: String,
    },
    /// The layer's output has no axis beside the batch, or too many.
    #[error("'{layer}' outputs {shape}; a simulator takes rank 2 to 8, the batch first", layer = shown(.layer), shape = dims(.shape))]
    Rank {
        /// The layer.
        layer: String,
        /// Its output shape, batch first.
        shape: Vec<Option<usize>>,
    },
    /// The layer's output holds no floats.
    #[error("'{layer}' outputs {dtype}; a simulator takes float16, bfloat16, float32 or float64", layer = shown(.layer))]
    Dtype {
        /// The layer.
        layer: String,
        /// What its output holds.
        dtype: Dtype,
    },
    /// The output has another size from call to call, and a site has one.
    #[error("'{layer}' is called at several sizes: {sizes}; a site has one", layer = shown(.layer), sizes = list(.sizes))]
    SeveralSizes {
        /// The layer.
        layer: String,
        /// The sizes, without the batch.
        sizes: Vec<Vec<Option<usize>>>,
    },
    /// A call was chosen of a layer that is called once, in a model that is called more than once.
    #[error(
        "'{layer}' is called once, in a model that is called {count} times ('{model}'): a simulator there plays in all of them",
        layer = shown(.layer), model = shown(.model)
    )]
    CallOfModel {
        /// The layer.
        layer: String,
        /// The model.
        model: String,
        /// How often it is called.
        count: usize,
    },
    /// The layer is called more than once, and no call was chosen.
    #[error("'{layer}' is called {count} times", layer = shown(.layer), count = .inputs.len())]
    SeveralCalls {
        /// The layer.
        layer: String,
        /// What each call takes.
        inputs: Vec<String>,
    },
    /// A call that the layer does not have.
    #[error("'{layer}' has no call {call}: counted from 0, it has {count}", layer = shown(.layer))]
    NoSuchCall {
        /// The layer.
        layer: String,
        /// The call that was asked for.
        call: usize,
        /// How many there are.
        count: usize,
    },
    /// The layer has several outputs in use, and none was chosen.
    #[error("'{layer}' has several outputs in use: {used}", layer = shown(.layer), used = numbers(.used))]
    SeveralTensors {
        /// The layer.
        layer: String,
        /// The outputs in use.
        used: Vec<usize>,
    },
    /// An output that nothing uses.
    #[error("'{layer}' has no output {tensor} in use; used are: {used}", layer = shown(.layer), used = numbers(.used))]
    NoSuchTensor {
        /// The layer.
        layer: String,
        /// The output that was asked for.
        tensor: usize,
        /// The outputs in use.
        used: Vec<usize>,
    },
    /// A layer that no output depends on.
    #[error("nothing that the model puts out depends on '{layer}', so no fault there has an effect", layer = shown(.layer))]
    Unused {
        /// The layer.
        layer: String,
    },
    /// The activation cannot be split off.
    #[error("'{layer}' has no activation to split off: {why}", layer = shown(.layer))]
    NoSplit {
        /// The layer.
        layer: String,
        /// Why not.
        why: String,
    },
    /// The layer puts out nothing that a range could be of.
    #[error("'{layer}' outputs {dtype}, where only floats are clipped", layer = shown(.layer))]
    NotClippable {
        /// The layer.
        layer: String,
        /// What its output holds.
        dtype: Dtype,
    },
    /// The layer has a clip.
    #[error("'{layer}' has a clip behind it already, '{clip}'", layer = shown(.layer), clip = shown(.clip))]
    Clipped {
        /// The layer.
        layer: String,
        /// The clip.
        clip: String,
    },
    /// What shall be removed is something else.
    #[error("'{layer}' is a {class} layer, neither a simulator nor a clip", layer = shown(.layer), class = shown(.class))]
    NotInserted {
        /// The layer.
        layer: String,
        /// Its class.
        class: String,
    },
    /// A simulator that cannot be taken out without guessing.
    #[error("'{layer}' cannot be taken out: {why}", layer = shown(.layer))]
    NotRemovable {
        /// The simulator.
        layer: String,
        /// Why not.
        why: String,
    },
}

impl EditError {
    /// No such layer; where the path leads into a wrapper, that is said.
    pub(crate) fn unknown_layer(root: &Graph, path: &str) -> Self {
        for address in root.walk() {
            if let Some(layer) = root.trail(&address).last()
                && layer.config.get("layer").is_some()
                && path.strip_prefix(&root.path(&address)).is_some_and(|rest| rest.starts_with('/'))
            {
                return EditError::InsideWrapper {
                    layer: path.to_owned(),
                    wrapper: root.path(&address),
                    class: layer.class.to_owned(),
                    is_possible_behind: false,
                };
            }
        }
        let there = root.walk().iter().map(|address| root.path(address)).collect();
        EditError::UnknownLayer { layer: path.to_owned(), there }
    }
}

/// What each call of a layer takes, for people.
pub(super) fn call_inputs(level: &Graph, target: usize) -> Vec<String> {
    let names = |call: &crate::graph::Call| {
        let names: Vec<String> = call.inputs.iter().map(|wire| shown(level.layers[wire.source.layer].name)).collect();
        if names.is_empty() { "no input".to_owned() } else { names.join(" and ") }
    };
    level.layers[target].calls.iter().map(names).collect()
}

fn dims(shape: &[Option<usize>]) -> String {
    let dims: Vec<String> = shape.iter().map(|dim| dim.map_or("?".to_owned(), |dim| dim.to_string())).collect();
    format!("rank {} ({})", shape.len(), dims.join(", "))
}

fn list(sizes: &[Vec<Option<usize>>]) -> String {
    sizes.iter().map(|size| axes(size.iter().copied())).collect::<Vec<_>>().join(", ")
}

fn numbers(list: &[usize]) -> String {
    if list.is_empty() {
        return "none".to_owned();
    }
    list.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}
