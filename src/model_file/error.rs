//! Why a model file cannot be read or written.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::Limit;
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
    #[error("{path}: is neither an HDF5 file nor a .keras archive", path = shown_path(.path))]
    NotHdf5 {
        /// The file.
        path: PathBuf,
    },
    /// A zip file of something else.
    #[error("{path}: is a zip archive without a config.json, so no model of Keras", path = shown_path(.path))]
    OtherZip {
        /// The file.
        path: PathBuf,
    },
    /// TensorFlow's own format.
    #[error("{path}: is a folder in TensorFlow's format (SavedModel), not a model file of Keras", path = shown_path(.path))]
    SavedModel {
        /// The folder.
        path: PathBuf,
    },
    /// An archive that no reader should trust.
    #[error("{path}: is not read: {why}", path = shown_path(.path))]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// An archive whose weights Keras does not load with the model.
    #[error("{path}: {}", no_weights(.form), path = shown_path(.path))]
    NoWeights {
        /// The file.
        path: PathBuf,
        /// Their form, where it is known.
        form: Option<&'static str>,
    },
    /// A name by which Keras would not load such a file.
    #[error("{path}: {}", ending(.form), path = shown_path(.path))]
    Ending {
        /// The output.
        path: PathBuf,
        /// What MODEL is, and the output would be.
        form: Form,
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
    #[error("{path}: holds weights only, no model (there is {missing})", path = shown_path(.path))]
    WeightsOnly {
        /// The file.
        path: PathBuf,
        /// What a model would have: "no attribute ...".
        missing: String,
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
    /// The output would be in the folder that is the input.
    #[error("{path}: is in MODEL, which is never written to", path = shown_path(.path))]
    InModel {
        /// The output.
        path: PathBuf,
    },
    /// The output is a folder that has more in it than a model.
    #[error("{path}: is not replaced: there is '{name}' in it, which is of no model", path = shown_path(.path), name = shown(.name))]
    NotReplaced {
        /// The output.
        path: PathBuf,
        /// What else is in it.
        name: String,
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

/// What a model is saved as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An HDF5 file.
    H5,
    /// An archive, `.keras`.
    Archive,
    /// A folder with the members of an archive.
    Folder,
}

fn ending(form: &Form) -> &'static str {
    match form {
        Form::H5 => "would be an HDF5 file, as MODEL is, and ends in .keras, and Keras goes by the name",
        Form::Archive => "would be an archive, as MODEL is, and does not end in .keras, and Keras goes by the name",
        Form::Folder => "would be a folder, as MODEL is, and ends as a file does",
    }
}

fn no_weights(form: &Option<&str>) -> String {
    match form {
        Some(form) => format!("its weights are in {form}, which Keras does not load with a model"),
        None => "has no model.weights.h5".to_owned(),
    }
}
