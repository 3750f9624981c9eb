//! A set of convolutions that was measured layer by layer: a model for each layer, and how often a fault corrupts its output.

mod choice;
mod fit;
mod layer;
mod rows;

use sha2::{Digest, Sha256};

use super::{Model, ModelError, hexadecimal};
use crate::pattern::Problem;
use crate::weighted::Weighted;

pub use choice::{Choice, Kernel, NoLayer, Rule, Wanted};
pub use layer::{Layer, Outcomes};
use rows::Rows;

/// The layers of a set, by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Layers {
    name: String,
    digest: String,
    /// All of them, with equal weights.
    any: Weighted<Layer>,
    /// The model of each, in the same order, as it stands in the file.
    rows: Vec<Rows<'static>>,
}

/// The operator that such sets are of.
pub const OPERATOR: &str = "conv";

/// Where the figures come from.
const SOURCE: &str = "D4De/classes-pytorch (Politecnico di Milano), 2025/2026";

impl Layers {
    /// Reads the layers of a set, and their models only so far as to know where each stands.
    ///
    /// # Errors
    /// A line that is none of a layer's.
    pub fn read(set: &str, text: &'static str) -> Result<Self, ModelError> {
        let name = format!("{set}/{OPERATOR}");
        let bad = |line, reason: &str| error(&name, line, reason);
        let mut sections = rows::sections(text).map_err(|line| bad(line, "not a layer"))?;
        sections.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        let (layers, rows) = sections.into_iter().map(|(layer, rows)| ((1.0, layer), rows)).unzip();
        let any = Weighted::new(layers).ok_or_else(|| bad(1, "no layers"))?;
        Ok(Layers { digest: hexadecimal(&Sha256::digest(text)), name, any, rows })
    }

    /// Set, operator and the first twelve digits of the file's SHA-256.
    pub fn id(&self) -> String {
        format!("{}@{}", self.name, &self.digest[..12])
    }

    /// The SHA-256 of the set's file, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Where the figures come from.
    pub fn source(&self) -> &str {
        SOURCE
    }

    /// The layers, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Layer> {
        self.any.iter().map(|(_, layer)| layer)
    }

    /// The model of a layer, by the layer's name; `None` where none was measured that is called so.
    ///
    /// # Errors
    /// A line of it is bad.
    pub fn model(&self, layer: &str) -> Option<Result<Model, ModelError>> {
        let (layer, rows) = self.iter().zip(&self.rows).find(|(there, _)| there.name == layer)?;
        let classes = rows.classes().map_err(|(line, reason)| error(&self.name, line, reason));
        Some(classes.map(|classes| Model {
            name: self.name.clone(),
            digest: self.digest.clone(),
            source: Some(SOURCE.to_owned()),
            outcomes: Some(layer.outcomes),
            tensors: Some(layer.tensors),
            classes,
        }))
    }
}

fn error(file: &str, line: usize, reason: &str) -> ModelError {
    let problem = Problem { pointer: format!("line {line}"), reason: reason.to_owned() };
    ModelError { file: file.to_owned(), problems: vec![problem] }
}

#[cfg(test)]
mod tests;
