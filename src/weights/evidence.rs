//! What is known of single weights besides their classes: what the user states, and which have slots in the optimizer.

use std::collections::HashSet;

use super::WeightsError;
use crate::graph::Graph;
use crate::model_file::SavedLayer;

/// What the user says of weights whose layers do not tell. Each name is that of a weight, as the file has it (its `:0` may be left
/// out), or the path of a layer, for all of its weights. Where some weights of a layer are named in one of the lists, its others are
/// of the other kind.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Stated {
    /// These train.
    pub trainable: Vec<String>,
    /// These do not.
    pub non_trainable: Vec<String>,
}

impl Stated {
    /// What is said of a weight or a layer of that name.
    fn of(&self, name: &str) -> Option<bool> {
        let is_in = |names: &[String]| names.iter().any(|stated| stated == name);
        let bare = |name: &str| name.split(':').next().unwrap_or(name).to_owned();
        let kinds = [(true, &self.trainable), (false, &self.non_trainable)];
        kinds.into_iter().find(|(_, names)| is_in(names) || names.contains(&bare(name))).map(|(trains, _)| trains)
    }

    /// What is said of all weights of the layer of that path.
    pub(super) fn of_layer(&self, path: &str) -> Option<bool> {
        self.of(path)
    }

    /// Refuses names that are neither of a weight in a nested model nor of a layer.
    pub(super) fn refuse_unknown(&self, graph: &Graph, saved: &[SavedLayer]) -> Result<(), WeightsError> {
        if *self == Stated::default() {
            return Ok(());
        }
        let layers: HashSet<String> = graph.walk().iter().map(|address| graph.path(address)).collect();
        let weights: Vec<&str> = saved.iter().flat_map(|layer| &layer.weights).map(String::as_str).collect();
        let is_weight =
            |name: &String| weights.iter().any(|weight| weight == name || weight.split(':').next() == Some(name));
        match self.trainable.iter().chain(&self.non_trainable).find(|name| !layers.contains(*name) && !is_weight(name))
        {
            None => Ok(()),
            Some(name) => Err(WeightsError::UnknownStated {
                name: name.clone(),
                there: weights.into_iter().map(str::to_owned).collect(),
            }),
        }
    }
}

/// All that is known of single weights.
pub(super) struct Evidence<'a> {
    /// What the user says.
    pub stated: &'a Stated,
    /// Layer and weight for each weight that has a slot in the optimizer: it trained when the optimizer was made.
    pub with_slots: HashSet<(&'a str, &'a str)>,
}

impl Evidence<'_> {
    /// Whether the optimizer has something of the weight.
    pub fn has_slots(&self, saved_layer: &str, weight: &str) -> bool {
        self.with_slots.contains(&(saved_layer, weight))
    }

    /// What the user says of the weight or layer of that name.
    pub fn stated_of(&self, name: &str) -> Option<bool> {
        self.stated.of(name)
    }
}
