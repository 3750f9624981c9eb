//! The weights of a nested model: one flat list for all that is inside, at every depth.
//!
//! Keras lists all trainable weights in the order of the layers, then all others (Keras 3: of a functional model that is
//! frozen as a whole, layer by layer). Which weight belongs to which layer is told by its name, and proved by the order.

use std::collections::HashMap;

use super::{Plan, PlanError, WeightsError, error, mode_path};
use crate::graph::{Cycle, Dialect, Graph, Keras, Layer};
use crate::keras::classes::Kind;
use crate::model_file::h5::{Mode, SavedLayer};

/// A layer inside a nested model that is no model itself.
struct Leaf {
    name: String,
    is_frozen: bool,
    is_simulator: bool,
}

/// Adds to `plan` what changes in the list of one nested model.
pub(super) fn plan(
    old_layer: &Layer,
    old: &Graph,
    new_layer: &Layer,
    new: &Graph,
    saved: &SavedLayer,
    keras: Keras,
    plan: &mut Plan,
) -> Result<(), PlanError> {
    let old_leaves = leaves(old, keras)?;
    let new_leaves = leaves(new, keras)?;
    let old_names: Vec<&str> = old_leaves.iter().map(|leaf| leaf.name.as_str()).collect();
    let owners: Vec<Option<&str>> = saved.weights.iter().map(|weight| owner(weight, &old_names)).collect();
    let mut by_owner: HashMap<&str, Vec<&str>> = HashMap::new();
    for (weight, owner) in saved.weights.iter().zip(&owners) {
        if let Some(owner) = owner {
            by_owner.entry(owner).or_default().push(weight);
        }
    }

    let is_saved_mode = |leaf: &Leaf| leaf.is_simulator && by_owner.contains_key(leaf.name.as_str());
    let removed: Vec<&str> = old_leaves
        .iter()
        .filter(|leaf| is_saved_mode(leaf))
        .filter(|leaf| keras == Keras::Three || !new_leaves.iter().any(|new| new.name == leaf.name))
        .flat_map(|leaf| by_owner[leaf.name.as_str()].iter().copied())
        .collect();
    let added: Vec<&Leaf> = new_leaves
        .iter()
        .filter(|leaf| leaf.is_simulator && keras == Keras::Two && !by_owner.contains_key(leaf.name.as_str()))
        .collect();

    let weights_of = |leaf: &Leaf| -> Vec<String> {
        match by_owner.get(leaf.name.as_str()) {
            Some(weights) => weights.iter().map(|&weight| weight.to_owned()).collect(),
            None if added.iter().any(|added| added.name == leaf.name) => vec![mode_path(&leaf.name)],
            None => Vec::new(),
        }
    };
    let expected = listed(&old_leaves, old_layer, old, keras, &weights_of);
    let mut wanted = listed(&new_leaves, new_layer, new, keras, &weights_of);
    wanted.retain(|weight| !removed.contains(&weight.as_str()));

    if expected != saved.weights {
        // The file's order is not understood. As long as the edit moves no layer, it can stay.
        let stays = |leaf: &&Leaf| !leaf.is_simulator;
        let same_layers = {
            let kept = |leaves: &[Leaf]| -> Vec<String> {
                leaves
                    .iter()
                    .filter(stays)
                    .map(|leaf| leaf.name.clone())
                    .filter(|name| old_names.contains(&name.as_str()))
                    .collect()
            };
            kept(&old_leaves) == kept(&new_leaves)
        };
        if same_layers && added.is_empty() && removed.is_empty() {
            return Ok(());
        }
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        let found: Vec<&str> = saved.weights.iter().map(String::as_str).collect();
        return Err(WeightsError::NestedOrder {
            model: new_layer.name.to_owned(),
            difference: error::first_difference(&expected, &found),
        }
        .into());
    }
    let group = || new_layer.name.to_owned();
    plan.modes.extend(added.iter().map(|leaf| Mode { layer: group(), path: mode_path(&leaf.name) }));
    plan.removed.extend(removed.into_iter().map(|weight| (group(), weight.to_owned())));
    if wanted != saved.weights {
        plan.weight_names.push((group(), wanted));
    }
    Ok(())
}

/// The leaves of a model in Keras' order, those of nested models where the model stands.
fn leaves(model: &Graph, keras: Keras) -> Result<Vec<Leaf>, Cycle> {
    let mut found: Vec<Leaf> = Vec::new();
    for index in model.keras_order(keras)? {
        let layer = &model.layers[index];
        match &layer.inner {
            Some(inner) => found.extend(leaves(inner, keras)?),
            None => found.push(Leaf {
                name: layer.name.to_owned(),
                is_frozen: is_frozen(layer),
                is_simulator: layer.kind == Kind::Simulator,
            }),
        }
    }
    Ok(found)
}

fn is_frozen(layer: &Layer) -> bool {
    layer.config.get("trainable").and_then(serde_json::Value::as_bool) == Some(false)
}

/// The flat list that Keras expects of a nested model.
fn listed(
    leaves: &[Leaf],
    layer: &Layer,
    model: &Graph,
    keras: Keras,
    weights_of: &dyn Fn(&Leaf) -> Vec<String>,
) -> Vec<String> {
    // Neither Keras gives a sequential model its `trainable` back, and Keras 2 no model.
    if keras == Keras::Three && model.dialect != Dialect::Sequential && is_frozen(layer) {
        return leaves.iter().flat_map(weights_of).collect();
    }
    let (mut trainable, mut others) = (Vec::new(), Vec::new());
    for leaf in leaves {
        for weight in weights_of(leaf) {
            if leaf.is_frozen || leaf.is_simulator || is_never_trained(&weight) {
                others.push(weight);
            } else {
                trainable.push(weight);
            }
        }
    }
    trainable.append(&mut others);
    trainable
}

/// Weights that no training touches: running statistics.
fn is_never_trained(weight: &str) -> bool {
    let name = weight.rsplit('/').next().unwrap_or(weight);
    let name = name.split(':').next().unwrap_or(name);
    matches!(name, "moving_mean" | "moving_variance" | "mean" | "variance" | "count" | "vector_u" | "sn_u" | "mode")
        || name.starts_with("seed_generator")
}

/// The leaf that a weight belongs to: the one whose name stands in the weight's path, the outermost, then the longest.
fn owner<'a>(weight: &str, leaves: &[&'a str]) -> Option<&'a str> {
    let place = |leaf: &str| {
        let starts = weight.match_indices(leaf).map(|(at, _)| at);
        starts
            .filter(|&at| at == 0 || weight.as_bytes()[at - 1] == b'/')
            .find(|at| weight[at + leaf.len()..].starts_with('/'))
    };
    let placed = leaves.iter().filter(|leaf| !leaf.is_empty()).filter_map(|leaf| Some((place(leaf)?, *leaf)));
    placed.min_by_key(|(at, leaf)| (*at, std::cmp::Reverse(leaf.len()))).map(|(_, leaf)| leaf)
}

#[cfg(test)]
mod tests {
    use super::owner;

    #[test]
    fn a_weight_belongs_to_the_layer_in_its_path() {
        let leaves = ["conv", "conv_1", "q1", "block/conv", "mha"];
        assert_eq!(owner("conv/kernel:0", &leaves), Some("conv"));
        assert_eq!(owner("conv_1/kernel:0", &leaves), Some("conv_1"));
        assert_eq!(owner("sq/q1/kernel", &leaves), Some("q1"));
        assert_eq!(owner("block/conv/bias", &leaves), Some("block/conv"));
        assert_eq!(owner("mha/query/kernel", &leaves), Some("mha"));
        assert_eq!(owner("other/kernel", &leaves), None);
    }
}
