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

/// Saved weights in groups: one for each layer, found by the layer's class and its place among those of its class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedTree {
    /// All groups, by path.
    pub groups: Vec<SavedGroup>,
    /// The paths of the files that layers have beside their weights.
    pub assets: Vec<String>,
}

/// A group and the variables that it holds itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SavedGroup {
    /// Where it is: `layers/functional/layers/conv2d_1`.
    pub path: String,
    /// The name of what it was saved for; Keras writes it from 3.6 on and does not read it.
    pub name: Option<String>,
    /// Its variables in their order: the number and the shape of each.
    pub variables: Vec<(String, Vec<usize>)>,
}

impl SavedGroup {
    /// Whether it is the group of that path, or inside it.
    pub fn is_below(&self, top: &str) -> bool {
        self.path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// How saved groups must change for a new config, in this order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TreePlan {
    /// Groups that go.
    pub removed: Vec<String>,
    /// What gets other names, the innermost groups first.
    pub renames: Vec<Renames>,
    /// Groups that get the mode of an enabled simulator.
    pub modes: Vec<String>,
    /// The old and the new path of each layer whose path changes, those above it considered.
    pub moved: Vec<(String, String)>,
}

/// New names for what is in a group. None of them is that of something that stays.
#[derive(Debug, PartialEq, Eq)]
pub struct Renames {
    /// The group, by its path before any group is renamed.
    pub group: String,
    /// Old and new names.
    pub names: Vec<(String, String)>,
}

impl TreePlan {
    /// Whether the weights stay as they are.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.renames.is_empty() && self.modes.is_empty()
    }
}
