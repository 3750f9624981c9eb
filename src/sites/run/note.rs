//! Choices of a run that the user did not make, as data.

use crate::error_model::Choice;
use crate::layout::Shape;
use crate::operator::Operator;
use crate::value::Range;

/// A choice that the user did not make, or what follows from one.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// The seed that was drawn.
    Seed(u64),
    /// The models are those of the default set.
    DefaultModels,
    /// The layer applies an activation behind the operator whose faults are drawn.
    Activation {
        /// The layer.
        layer: String,
        /// What the layer computes before.
        operator: Operator,
        /// The activation's name.
        activation: String,
    },
    /// Some of a model cannot be drawn in the shape.
    Struck {
        /// The model.
        model: String,
        /// The shape of the tensors.
        shape: Shape,
        /// How much, and why.
        why: String,
    },
    /// The model was measured in images, and the tensors are none.
    Extrapolated {
        /// The model.
        model: String,
        /// The shape of the tensors.
        shape: Shape,
    },
    /// The set was measured layer by layer; these are drawn from.
    Layers {
        /// The set.
        set: String,
        /// The layers, and what chose them.
        choice: Choice,
    },
    /// The golden range.
    Range {
        /// Its ends.
        range: Range,
        /// Where it is from.
        of: RangeOf,
    },
}

/// Where a golden range is from that the user did not state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RangeOf {
    /// It is the one that is taken where nothing is known.
    Default,
    /// The operator fixes it.
    Operator(String),
    /// An array that the user named.
    Array,
    /// It was measured; this is what.
    Measured(String),
}
