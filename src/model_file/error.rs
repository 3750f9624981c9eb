//! Why a model file cannot be read or written.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{CONFIG, Limit};
use crate::text::{io_words, shown, shown_path};

/// Why a model file cannot be read or written.
#[derive(Debug, Error)]
pub enum ModelFileError {
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
    #[error("{path}: holds weights only, no model (there is no attribute {CONFIG})", path = shown_path(.path))]
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
    /// The config would be longer than its container can hold.
    #[error("the config would be {bytes} bytes long; {} holds {} at most", limit.holder, limit.most)]
    TooLong {
        /// The length it would have.
        bytes: u64,
        /// What it can have.
        limit: Limit,
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

impl ModelFileError {
    pub(super) fn io(path: &Path, error: &io::Error) -> Self {
        ModelFileError::Io { path: path.to_owned(), why: io_words(error) }
    }
}
