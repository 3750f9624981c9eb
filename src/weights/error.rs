//! Why saved weights do not fit a config.

use thiserror::Error;

use crate::text::shown;

/// Weights that do not fit the new config.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum WeightsError {
    /// A layer with weights that the file does not have.
    #[error("the config has the {class} layer '{layer}', for which MODEL has no weights", layer = shown(.layer), class = shown(.class))]
    Missing {
        /// The layer.
        layer: String,
        /// Its class.
        class: String,
    },
    /// The file's order of layers is not the one that Keras would have written.
    #[error("MODEL's layer_names are not in Keras' order ({difference}), so the weights cannot be matched safely")]
    Order {
        /// The first difference.
        difference: String,
    },
    /// A nested model's weights are not in the order that Keras would have written.
    #[error("the weight_names of '{model}' are not in Keras' order ({difference}), so the weights cannot be matched safely", model = shown(.model))]
    NestedOrder {
        /// The nested model.
        model: String,
        /// The first difference.
        difference: String,
    },
    /// A layer of a nested model does not tell which of its weights train, and the new file depends on it.
    #[error(
        "MODEL does not tell which weights of '{layer}' (of the class {class}) train, and their new place in '{model}' depends on it",
        layer = shown(.layer), class = shown(.class), model = shown(.model)
    )]
    Unclear {
        /// The layer's path.
        layer: String,
        /// Its class.
        class: String,
        /// The nested model.
        model: String,
        /// Its weights.
        weights: Vec<String>,
    },
    /// A statement about a weight or a layer that is not there.
    #[error("MODEL has neither a weight nor a layer '{name}'", name = shown(.name))]
    UnknownStated {
        /// The name.
        name: String,
        /// The weights there are.
        there: Vec<String>,
    },
    /// A statement about a weight of which Keras has the last word.
    #[error(
        "whether '{weight}' trains is not open: '{layer}' is of Keras' own class {class}",
        weight = shown(.weight), layer = shown(.layer), class = shown(.class)
    )]
    StatedOtherwise {
        /// The weight.
        weight: String,
        /// The layer's path.
        layer: String,
        /// Its class.
        class: String,
    },
    /// The optimizer's state belongs to weights that move, and it is not understood.
    #[error(
        "the weights change their order, and the order of the optimizer's state is not understood ('{slot}')",
        slot = shown(.slot)
    )]
    Slots {
        /// The first slot that is not.
        slot: String,
    },
    /// An archive's groups are not what Keras would have made.
    #[error("MODEL's weights are not where Keras would have put them ({difference}), so they cannot be moved safely")]
    Place {
        /// The first difference.
        difference: String,
    },
    /// A layer that several models of an archive share.
    #[error("the weights change their places, and '{layer}' is a layer of several models in MODEL", layer = shown(.layer))]
    Shared {
        /// The layer's path.
        layer: String,
    },
    /// A model inside a layer has changed.
    #[error("the model inside of '{layer}' has other layers in the config, or in another order", layer = shown(.layer))]
    Inside {
        /// The layer's path.
        layer: String,
    },
    /// An archive's optimizer state belongs to variables that change their order, and it is not understood.
    #[error("the variables that train change their order, and that of the optimizer's state is not understood: {why}")]
    Walks {
        /// What is not.
        why: String,
    },
    /// An archive's optimizer state belongs to other variables than those that would train.
    #[error("other variables would train than those that the optimizer's state belongs to")]
    OtherTrained,
}

/// The first place where two lists differ, in words.
pub(super) fn first_difference(expected: &[&str], found: &[&str]) -> String {
    let at = expected.iter().zip(found).position(|(expected, found)| expected != found);
    let at = at.unwrap_or(expected.len().min(found.len()));
    let name = |list: &[&str]| list.get(at).map_or("nothing".to_owned(), |name| format!("'{}'", shown(name)));
    format!("position {at} of those with weights: {} expected, {} found", name(expected), name(found))
}
