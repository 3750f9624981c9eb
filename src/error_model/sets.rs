//! Where models come from: the sets that are built in, or a folder of the user's.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{Model, ModelError};
use crate::text::{io_words, listed, shown, shown_path};

/// A set of models: one for each of some operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Models {
    name: String,
    from: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    BuiltIn(&'static [(&'static str, &'static str)]),
    Folder(PathBuf),
}

/// Why a model cannot be had.
#[derive(Debug, Error)]
pub enum ModelsError {
    #[error("{}: {}", shown_path(path), io_words(error))]
    Io { path: PathBuf, error: io::Error },
    #[error("{}: no models (*.json) in this folder", shown_path(path))]
    Empty { path: PathBuf },
    #[error("{} has no operator {}: it has {}", shown(set), shown(operator), listed(there, 20))]
    NoOperator { set: String, operator: String, there: Vec<String> },
    #[error("{0}")]
    Model(#[from] ModelError),
    #[error("{}", .0.iter().map(ModelsError::to_string).collect::<Vec<_>>().join("\n"))]
    Several(Vec<ModelsError>),
}

macro_rules! built_in {
    ($set:literal: $($operator:literal)*) => {
        &[$(($operator, include_str!(concat!("../../models/", $set, "/", $operator, ".json")))),*]
    };
}

const GPU_WARP: &[(&str, &str)] = built_in!("gpu-warp":
    "avgpool" "batchnorm" "bias_add" "clipped_relu" "conv_fft" "conv_gemm" "conv_win" "elu" "maxpool" "relu" "sigmoid"
    "tanh");

const GPU_THREAD: &[(&str, &str)] = built_in!("gpu-thread":
    "avgpool" "batchnorm" "bias_add" "conv_fft" "conv_gemm" "conv_win" "maxpool" "relu");

impl Default for Models {
    /// The set `gpu-warp`: a whole warp struck, as in CLASSES.
    fn default() -> Self {
        Models { name: "gpu-warp".to_owned(), from: Origin::BuiltIn(GPU_WARP) }
    }
}

impl Models {
    /// The names of the sets that are built in.
    pub fn built_in() -> impl Iterator<Item = &'static str> {
        ["gpu-warp", "gpu-thread"].into_iter()
    }

    /// A set that is built in (`gpu-warp`, `gpu-thread`), or else the models in a folder.
    pub fn new(name: &Path) -> Self {
        match name.to_str() {
            Some("gpu-warp") => Models::default(),
            Some("gpu-thread") => Models { name: "gpu-thread".to_owned(), from: Origin::BuiltIn(GPU_THREAD) },
            _ => Models::folder(name),
        }
    }

    /// The models in a folder, named by its last part.
    pub fn folder(folder: &Path) -> Self {
        let name = folder.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        Models { name: name.unwrap_or_else(|| "models".to_owned()), from: Origin::Folder(folder.to_owned()) }
    }

    /// The set's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The operators that the set has models for, by name.
    ///
    /// # Errors
    /// The folder cannot be read, or has no models.
    pub fn operators(&self) -> Result<Vec<String>, ModelsError> {
        let folder = match &self.from {
            Origin::BuiltIn(models) => return Ok(models.iter().map(|(name, _)| (*name).to_owned()).collect()),
            Origin::Folder(folder) => folder,
        };
        let at = |error| ModelsError::Io { path: folder.clone(), error };
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(at)? {
            let path = entry.map_err(at)?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
            }
        }
        if names.is_empty() {
            return Err(ModelsError::Empty { path: folder.clone() });
        }
        names.sort_unstable();
        Ok(names)
    }

    /// The model of an operator.
    ///
    /// # Errors
    /// The set has none, or its file is bad.
    pub fn load(&self, operator: &str) -> Result<Model, ModelsError> {
        let there = self.operators()?;
        if !there.iter().any(|name| name == operator) {
            return Err(ModelsError::NoOperator { set: self.name.clone(), operator: operator.to_owned(), there });
        }
        let name = format!("{}/{operator}", self.name);
        match &self.from {
            Origin::BuiltIn(models) => {
                let text = models.iter().find(|(there, _)| *there == operator).map_or("", |(_, text)| text);
                Ok(Model::parse(&name, &name, text.as_bytes())?)
            }
            Origin::Folder(folder) => {
                let path = folder.join(format!("{operator}.json"));
                let bytes = fs::read(&path).map_err(|error| ModelsError::Io { path: path.clone(), error })?;
                Ok(Model::parse(&name, &path.to_string_lossy(), &bytes)?)
            }
        }
    }
}
