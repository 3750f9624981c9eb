//! What a file says of its saved weights, and what changes there, in no container's terms.

use serde::{Deserialize, Serialize};

/// A layer's entry among the saved weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedLayer {
    /// The layer.
    pub name: String,
    /// Its weights, in the order in which Keras reads them: paths below the layer's group.
    pub weights: Vec<String>,
}

/// A part of an optimizer's state: a count of steps, or something of a variable that trains, such as its momentum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Its path below the optimizer's group.
    pub name: String,
    /// It is a single number.
    pub is_scalar: bool,
}

/// All names of saved numbers, in the order in which Keras reads them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// The layers.
    pub layers: Vec<SavedLayer>,
    /// The optimizer's state.
    pub slots: Vec<Slot>,
}

/// The weight `mode` of a simulator, which Keras 2 saves and expects: int32, shape (1, 1), 2 = enabled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mode {
    /// The layer of the model it is saved under: the simulator, or the nested model that holds it.
    pub layer: String,
    /// Its path below that layer's group.
    pub path: String,
}

/// How the saved weights must change for a new config.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct WeightsPlan {
    /// The new `layer_names`, where they change.
    pub layer_names: Option<Vec<String>>,
    /// The new `weight_names` of the layers where they change.
    pub weight_names: Vec<(String, Vec<String>)>,
    /// Modes to add.
    pub modes: Vec<Mode>,
    /// Weights to remove: the layer they are saved under, and their path below it. The group of a layer that `layer_names` leaves
    /// out goes with its last.
    pub removed: Vec<(String, String)>,
    /// The optimizer's state in its new order, where that changes.
    pub slots: Option<Vec<String>>,
}
