//! Keras' `.h5` files, and the weights in its archives: the only place that knows HDF5.
//!
//! The library itself runs in a child process, so that a damaged file harms nobody.
//!
//! Of a model file the tools need the texts (attributes) and the names of the saved weights; the weights themselves are
//! copied with the file and never read.

mod child;
mod image;
mod read;
mod strings;
mod tree;
mod write;

pub(super) use read::File;
pub(super) use tree::{Changed, change, most_after, tree};
pub(super) use write::write;

use super::Limit;
use crate::text::shown;

/// The group that holds the weights, a group for each layer.
const MODEL_WEIGHTS: &str = "model_weights";
/// The group that holds the optimizer's state.
const OPTIMIZER_WEIGHTS: &str = "optimizer_weights";

/// The most bytes that an attribute's text can have: HDF5 writes longer ones without a word, and cannot read them.
pub(super) const LIMIT: Limit = Limit { most: u32::MAX as u64, holder: "an HDF5 attribute" };

/// What HDF5 says, on one line.
fn words(error: &hdf5::Error) -> String {
    first_line(&error.to_string())
}

fn first_line(text: &str) -> String {
    // HDF5 1.14 and later say of each call that it is a synchronous one.
    shown(&text.lines().next().unwrap_or("unknown error").replace("synchronously ", ""))
}
