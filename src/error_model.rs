//! An error model: which sites a fault in one operator makes, and how often each.
//!
//! A model is a JSON file in the format of the CLASSES project, checked as a whole when it is read ([`Model::parse`]).
//! Two sets are built in ([`Models`]). Before sites are drawn, a model is fitted to a tensor ([`Model::fit`]).

mod fit;
mod layers;
mod parse;
mod profile;
mod sets;
mod table;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::pattern::{Pattern, Problem, SpatialClass};
use crate::text::shown;
use crate::value::Mix;
use crate::weighted::Weighted;

pub use fit::{FitError, FittedClass, Part, Plan, Struck};
pub use layers::{Choice, Kernel, Layer, Layers, NoLayer, Outcomes, Rule, Wanted};
pub use profile::{Basis, FiguresError, Profile, Share};
pub use sets::{Figures, Models, ModelsError};
pub use table::{layers, operators};

/// The error model of one operator.
#[derive(Clone, Debug)]
pub struct Model {
    name: String,
    digest: String,
    source: Option<String>,
    outcomes: Option<Outcomes>,
    tensors: Option<u64>,
    classes: Weighted<Class>,
}

/// One spatial class of a model.
#[derive(Clone, Debug)]
pub struct Class {
    /// The shape of its sites.
    pub class: SpatialClass,
    /// Which values appear together.
    pub mixes: Weighted<Mix>,
    /// Its parameter sets.
    pub patterns: Weighted<Pattern>,
}

/// A model file and all that is wrong with it.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{}", lines(file, problems))]
pub struct ModelError {
    /// The file's name.
    pub file: String,
    /// At least one.
    pub problems: Vec<Problem>,
}

/// One line for each problem.
fn lines(file: &str, problems: &[Problem]) -> String {
    let line = |problem: &Problem| match problem.pointer.as_str() {
        "" => format!("{}: {}", shown(file), shown(&problem.reason)),
        pointer => format!("{}: {}: {}", shown(file), shown(pointer), shown(&problem.reason)),
    };
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

impl Model {
    /// Reads a model file. `name` is set and operator (`gpu-warp/relu`), `file` the name for messages.
    ///
    /// # Errors
    /// All that is wrong with the file, each with its place (RFC 6901) and reason.
    pub fn parse(name: &str, file: &str, bytes: &[u8]) -> Result<Self, ModelError> {
        let parse::Parsed { classes, source, outcomes, tensors } =
            parse::model(bytes).map_err(|problems| ModelError { file: file.to_owned(), problems })?;
        let digest = hexadecimal(&Sha256::digest(bytes));
        Ok(Model { name: name.to_owned(), digest, source, outcomes, tensors, classes })
    }

    /// Set, operator and the first twelve digits of the file's SHA-256: `gpu-warp/relu@1f0c9a77e2d4`.
    pub fn id(&self) -> String {
        format!("{}@{}", self.name, &self.digest[..12])
    }

    /// The SHA-256 of the model's file, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Where the figures come from, as the file's remark `_source` says.
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// What an injected fault led to, where the figures tell.
    pub fn outcomes(&self) -> Option<Outcomes> {
        self.outcomes
    }

    /// How many corrupted tensors the classes rest on, where each class has its count.
    pub fn tensors(&self) -> Option<u64> {
        self.tensors
    }

    /// The spatial classes with their frequencies, which sum to 1.
    pub fn classes(&self) -> &Weighted<Class> {
        &self.classes
    }
}

/// Bytes as hexadecimal digits.
fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
