//! Where models come from: the sets that are built in, or a folder of the user's.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::layers::{self, Layers};
use super::{Model, ModelError};
use crate::operator::Operator;
use crate::text::{io_words, listed, shown, shown_path};

/// A set of models: one for each of some operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Models {
    name: String,
    from: Origin,
}

/// What a set has for an operator.
#[derive(Clone, Debug)]
pub enum Figures {
    /// One model.
    Operator(Model),
    /// A model for each layer that was measured.
    Layers(Layers),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    BuiltIn(&'static [(&'static str, &'static str)]),
    Layers(&'static str),
    Folder(PathBuf),
}

/// Why a model cannot be had.
#[derive(Debug, Error)]
pub enum ModelsError {
    /// The system refuses.
    #[error("{}: {}", shown_path(path), io_words(error))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What it says.
        error: io::Error,
    },
    /// A folder without models.
    #[error("{}: no models (*.json) in this folder", shown_path(path))]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// The set has no model for the operator.
    #[error("{} has no operator {}: it has {}", shown(set), shown(operator), listed(there, 20))]
    NoOperator {
        /// The set's name.
        set: String,
        /// The operator.
        operator: String,
        /// The operators that it has.
        there: Vec<String>,
    },
    /// The set was measured layer by layer.
    #[error("{} has a model for each measured layer, none for all", shown(set))]
    ByLayer {
        /// The set's name.
        set: String,
    },
    /// A file is no model.
    #[error("{0}")]
    Model(#[from] ModelError),
    /// Several of these.
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

macro_rules! layered {
    ($($set:literal)*) => {
        &[$(($set, include_str!(concat!("../../models/", $set, "/conv.tsv")))),*]
    };
}

/// The sets that were measured layer by layer.
const LAYERED: &[(&str, &str)] = layered!(
    "nvdla-8x8-int8" "nvdla-8x8-int16" "nvdla-8x16-int32" "nvdla-16x16-int8" "nvdla-16x32-int8" "nvdla-32x8-int32"
    "nvdla-32x16-int16" "nvdla-32x32-int16" "nvdla-32x32-int32");

impl Default for Models {
    /// The set `gpu-warp`: a whole warp struck, as in CLASSES.
    fn default() -> Self {
        Models { name: "gpu-warp".to_owned(), from: Origin::BuiltIn(GPU_WARP) }
    }
}

impl Models {
    /// A set that is built in (`gpu-warp`, `gpu-thread`, `nvdla-8x8-int8` and so on), or else the models in a folder.
    pub fn new(name: &Path) -> Self {
        let text = name.to_string_lossy();
        match text.as_ref() {
            "gpu-warp" => Models::default(),
            "gpu-thread" => Models { name: text.into_owned(), from: Origin::BuiltIn(GPU_THREAD) },
            set => match Models::layered(set) {
                Some(layers) => Models { name: text.into_owned(), from: Origin::Layers(layers) },
                None => Models::folder(name),
            },
        }
    }

    /// The names of the sets that are built in.
    pub fn built_in() -> impl Iterator<Item = &'static str> {
        ["gpu-warp", "gpu-thread"].into_iter().chain(LAYERED.iter().map(|(set, _)| *set))
    }

    /// The names of the sets that were measured layer by layer.
    pub fn by_layer() -> Vec<&'static str> {
        LAYERED.iter().map(|(set, _)| *set).collect()
    }

    /// The file of a set that was measured layer by layer.
    pub(super) fn layered(set: &str) -> Option<&'static str> {
        LAYERED.iter().find(|(name, _)| *name == set).map(|(_, text)| *text)
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
            Origin::Layers(_) => return Ok(vec![layers::OPERATOR.to_owned()]),
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

    /// What was measured for an operator.
    ///
    /// # Errors
    /// The set has nothing for it, or its file is bad.
    pub fn figures(&self, operator: &str) -> Result<Figures, ModelsError> {
        let there = self.operators()?;
        if !there.iter().any(|name| name == operator) {
            return Err(ModelsError::NoOperator { set: self.name.clone(), operator: operator.to_owned(), there });
        }
        let name = format!("{}/{operator}", self.name);
        match &self.from {
            Origin::BuiltIn(models) => {
                let text = models.iter().find(|(there, _)| *there == operator).map_or("", |(_, text)| text);
                Ok(Figures::Operator(Model::parse(&name, &name, text.as_bytes())?))
            }
            Origin::Layers(text) => Ok(Figures::Layers(Layers::read(&self.name, text)?)),
            Origin::Folder(folder) => {
                let path = folder.join(format!("{operator}.json"));
                let bytes = fs::read(&path).map_err(|error| ModelsError::Io { path: path.clone(), error })?;
                Ok(Figures::Operator(Model::parse(&name, &path.to_string_lossy(), &bytes)?))
            }
        }
    }

    /// The model of an operator that was measured as one.
    ///
    /// # Errors
    /// The set has none, its file is bad, or the set was measured layer by layer.
    pub fn load(&self, operator: &str) -> Result<Model, ModelsError> {
        match self.figures(operator)? {
            Figures::Operator(model) => Ok(model),
            Figures::Layers(_) => Err(ModelsError::ByLayer { set: self.name.clone() }),
        }
    }

    /// The name under which the set has the operator of a layer.
    pub fn name_of(&self, operator: Operator) -> &'static str {
        match (&self.from, operator) {
            (Origin::Layers(_), Operator::ConvGemm | Operator::ConvWin | Operator::ConvFft) => layers::OPERATOR,
            _ => operator.name(),
        }
    }
}
