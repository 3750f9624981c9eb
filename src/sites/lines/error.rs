//! What can be wrong with a line.

use std::io;

use thiserror::Error;

use super::read::LONGEST;
use crate::layout::{Place, Shape, ShapeError};
use crate::text::io_words;

/// What is wrong with a line, and which line it is, counted from 1.
#[derive(Debug, Error)]
#[error("line {line}: {problem}")]
pub struct LineError {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it.
    #[source]
    pub problem: LineProblem,
}

/// What can be wrong with a line.
#[derive(Debug, Error)]
pub enum LineProblem {
    /// The system cannot read on.
    #[error("{}", io_words(.0))]
    Read(#[from] io::Error),
    /// Not JSON, or not that of a site.
    #[error("not a site: {message} (column {column})")]
    Json {
        /// What the parser says.
        message: String,
        /// Where in the line, from 1.
        column: usize,
    },
    /// The shape is none.
    #[error("{0}")]
    Shape(#[from] ShapeError),
    /// A site of another tensor.
    #[error("shape {found}, where the lines before have {expected}")]
    OtherShape {
        /// The shape of the lines before.
        expected: Box<Shape>,
        /// The line's.
        found: Box<Shape>,
    },
    /// More than a line may have.
    #[error("longer than {LONGEST} bytes")]
    TooLong,
    /// Nothing is corrupted.
    #[error("no cells")]
    NoCells,
    /// A cell that the tensor does not have.
    #[error("cell {cell} lies outside the shape {shape}")]
    Outside {
        /// The cell.
        cell: Place,
        /// The tensor's shape.
        shape: Box<Shape>,
    },
    /// A cell whose place is not said, or only in part.
    #[error("a cell without a place: \"h\", \"w\" and \"c\", or \"at\" with a number for each axis")]
    Nowhere,
    /// A cell with two places.
    #[error("cell {at} has both \"at\" and \"h\", \"w\", \"c\"")]
    TwoPlaces {
        /// What `at` says.
        at: Place,
    },
    /// A cell of an image, in a tensor that is none.
    #[error("cell {cell} in the shape {shape}, whose cells are named by \"at\": a number for each axis")]
    NoImage {
        /// The cell.
        cell: Place,
        /// The tensor's shape.
        shape: Box<Shape>,
    },
    /// A cell that is there already.
    #[error("cell {0} is there twice")]
    Twice(Place),
    /// A cell with nothing wrong.
    #[error("cell {0} has neither a value nor a bit")]
    NoFault(Place),
    /// A cell with a value and a bit.
    #[error("cell {0} has both a value and a bit")]
    TwoFaults(Place),
    /// A value that no cell can hold.
    #[error("value {value} is not a float32, \"NaN\", \"Infinity\" or \"-Infinity\"")]
    Value {
        /// The value as it is spelt.
        value: String,
    },
    /// A bit that a float32 does not have.
    #[error("bit {0} is not one of 0 to 31")]
    Bit(u64),
}
