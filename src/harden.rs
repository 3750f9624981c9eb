//! Hardening: what layers put out is kept within what they put out without faults.

use serde_json::Value;
use thiserror::Error;

use crate::change::Change;
use crate::edit::{self, Clipping, EditError};
use crate::graph::{Address, Graph};
use crate::keras::clip::{Clip, Nan, Outside};
use crate::ranges::{self, RangesError};
use crate::target::Targets;

/// What is wanted.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The layers to clip; none: all that compute something and have a range.
    pub only: Vec<String>,
    /// What becomes of NaN.
    pub nan: Nan,
    /// What becomes of values outside the range.
    pub outside: Outside,
}

/// What is done.
#[derive(Debug)]
pub struct Hardened {
    /// The edit.
    pub changes: Vec<Change>,
    /// How many layers Keras' own `ReLU` clips.
    pub by_relu: usize,
    /// How many the package's `Clip` clips.
    pub by_clip: usize,
}

/// Why a model cannot be hardened.
#[derive(Debug, Error, PartialEq)]
pub enum HardenError {
    /// The ranges are wrong.
    #[error(transparent)]
    Ranges(#[from] RangesError),
    /// The ranges are of another model, or a layer cannot be clipped.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// No layer is left to clip.
    #[error("has no range of a layer that computes something")]
    Nothing,
}

impl HardenError {
    /// Whether it is the document with the ranges that is wrong, or of another model.
    pub fn is_in_ranges(&self) -> bool {
        matches!(
            self,
            HardenError::Ranges(_) | HardenError::Nothing | HardenError::Edit(EditError::UnknownLayer { .. })
        )
    }
}

/// Clips layers to the ranges that a document has for them.
///
/// Input layers compute nothing, and a nested model computes in its layers: those are left out where no layers are named.
pub fn harden(
    root: &Graph,
    targets: &Targets,
    document: &Value,
    Options { only, nan, outside }: &Options,
) -> Result<Hardened, HardenError> {
    let measured = ranges::names(document)?;
    let names: Vec<&str> = match only.is_empty() {
        true => measured,
        // A name that neither the file nor the model has is looked for where there are fewer.
        false => only
            .iter()
            .map(|name| ranges::range_behind(document, name).map(|_| name.as_str()))
            .collect::<Result<_, _>>()?,
    };
    let mut requests = Vec::with_capacity(names.len());
    for name in names {
        let address = edit::find(root, name)?;
        if only.is_empty() && !computes(root, &address) {
            continue;
        }
        let (min, max) = range(root, targets, document, name, &address)?;
        let clip = Clip { min, max, nan: *nan, outside: *outside };
        requests.push(Clipping { after: name.to_owned(), clip });
    }
    if requests.is_empty() {
        return Err(HardenError::Nothing);
    }
    let changes = edit::clip(root, targets, &requests)?;
    let by_relu = requests.iter().filter(|request| request.clip.is_relu()).count();
    Ok(Hardened { changes, by_relu, by_clip: requests.len() - by_relu })
}

fn computes(root: &Graph, address: &Address) -> bool {
    let (level, index) = (root.level(address), address.0.last().copied().unwrap_or_default());
    let layer = &level.layers[index];
    let is_input = layer.kind.is("InputLayer");
    !is_input && layer.inner.is_none() && !edit::is_inserted(root, address) && level.is_used(index)
}

/// The range of what the clip will stand behind.
fn range(
    root: &Graph,
    targets: &Targets,
    document: &Value,
    name: &str,
    address: &Address,
) -> Result<(f32, f32), RangesError> {
    let level = root.level(address);
    let index = address.0.last().copied().unwrap_or_default();
    let range = match edit::is_split(root, address) {
        true => ranges::range_behind(document, name)?,
        false => ranges::range_of(document, name, &level.layers[index])?.range,
    };
    // Ranges are of float32, to which a float64 may have been rounded from either side.
    let is_rounded = targets.output_of(address, 0, 0).dtype.is_some_and(|dtype| dtype.name() == "float64");
    Ok(match is_rounded {
        true => (range.min().next_down(), range.max().next_up()),
        false => (range.min(), range.max()),
    })
}
