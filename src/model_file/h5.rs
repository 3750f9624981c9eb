//! Keras' `.h5` files: the only place that knows HDF5.
//!
//! The library itself runs in a child process, so that a damaged file harms nobody.
//!
//! Of a model file the tools need the texts (attributes) and the names of the saved weights; the weights themselves are
//! copied with the file and never read.

mod child;
mod read;
mod strings;
mod write;

use std::path::PathBuf;

use thiserror::Error;

pub use read::{Model, Saved, SavedLayer, Slot};
pub use write::{Edit, Mode, Stamp, refuse_bad_output, write};

use crate::text::{shown, shown_path};

/// The root attribute that holds the model's config.
pub const MODEL_CONFIG: &str = "model_config";
/// The group that holds the weights, a group for each layer.
pub const MODEL_WEIGHTS: &str = "model_weights";
/// The group that holds the optimizer's state.
pub const OPTIMIZER_WEIGHTS: &str = "optimizer_weights";

/// The most bytes that an attribute's text can have: HDF5 writes longer ones without a word, and cannot read them.
pub const MOST_TEXT: u64 = u32::MAX as u64;

/// Why a model file cannot be read or written.
#[derive(Debug, Error)]
pub enum H5Error {
    /// The file cannot be opened at all.
    #[error("{path}: {why}", path = shown_path(.path))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says, in plain words.
        why: String,
    },
    /// Another format.
    #[error("{path}: is not an HDF5 file", path = shown_path(.path))]
    NotHdf5 {
        /// The file.
        path: PathBuf,
    },
    /// A zip file: Keras 3's own format.
    #[error("{path}: is a .keras archive (zip), not an HDF5 file", path = shown_path(.path))]
    KerasArchive {
        /// The file.
        path: PathBuf,
    },
    /// HDF5 that the library cannot read.
    #[error("{path}: is damaged or not readable: {why}", path = shown_path(.path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What HDF5 says.
        why: String,
    },
    /// Weights without the model they belong to.
    #[error("{path}: holds weights only, no model (there is no attribute {MODEL_CONFIG})", path = shown_path(.path))]
    WeightsOnly {
        /// The file.
        path: PathBuf,
    },
    /// HDF5, but nothing of Keras in it.
    #[error("{path}: has no attribute '{name}'", path = shown_path(.path), name = shown(.name))]
    NoAttribute {
        /// The file.
        path: PathBuf,
        /// The attribute.
        name: String,
        /// The attributes there are.
        there: Vec<String>,
    },
    /// The attribute is a number, empty, or text in another encoding.
    #[error("{path}: the attribute '{name}' is not text: {why}", path = shown_path(.path), name = shown(.name))]
    NotText {
        /// The file.
        path: PathBuf,
        /// The attribute.
        name: String,
        /// What it is.
        why: String,
    },
    /// The config would be longer than HDF5 can hold.
    #[error("the config would be {bytes} bytes long; an HDF5 attribute holds {MOST_TEXT} at most")]
    TooLong {
        /// The length it would have.
        bytes: u64,
    },
    /// The output would replace the input.
    #[error("{path}: is MODEL itself, which is never written to", path = shown_path(.path))]
    SameFile {
        /// The output.
        path: PathBuf,
    },
    /// The output is there already.
    #[error("{path}: exists", path = shown_path(.path))]
    Exists {
        /// The output.
        path: PathBuf,
    },
    /// HDF5 could not write.
    #[error("{path}: cannot be written: {why}", path = shown_path(.path))]
    Write {
        /// The output.
        path: PathBuf,
        /// What HDF5 says.
        why: String,
    },
}

/// What HDF5 says, on one line.
fn words(error: &hdf5::Error) -> String {
    first_line(&error.to_string())
}

fn first_line(text: &str) -> String {
    // HDF5 1.14 and later say of each call that it is a synchronous one.
    shown(&text.lines().next().unwrap_or("unknown error").replace("synchronously ", ""))
}
