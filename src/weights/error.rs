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
}

/// The first place where two lists differ, in words.
pub(super) fn first_difference(expected: &[&str], found: &[&str]) -> String {
    let at = expected.iter().zip(found).position(|(expected, found)| expected != found);
    let at = at.unwrap_or(expected.len().min(found.len()));
    let name = |list: &[&str]| list.get(at).map_or("nothing".to_owned(), |name| format!("'{}'", shown(name)));
    format!("position {at} of those with weights: {} expected, {} found", name(expected), name(found))
}
