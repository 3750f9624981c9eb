//! Measured tensors as sites: what is wrong in a faulty tensor, compared with the golden one.
//!
//! Both are NumPy files of one tensor. A cell is wrong where its float32 differs from the golden one in any bit, or by at least
//! an epsilon; NaN and the infinities are wrong in any case. The site says where the tensor comes from, the golden range, and
//! the class of each value, so that it can be told again.

mod line;
mod run;
mod tensor;

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::classify::Classifier;
use crate::layout::{DataFormat, Shape};
use crate::pattern::SpatialClass;
use crate::sites::npy::NpyError;
use crate::text::shown_path;
use crate::value::ValueClass;

pub use run::{Compared, Comparison, Faulty, Notice, Which};
use tensor::Tensor;

/// Why a tensor cannot be compared.
#[derive(Debug, Error)]
pub enum DiffError {
    /// The file is no tensor that can be read.
    #[error("{0}")]
    Npy(#[from] NpyError),
    /// The faulty tensor has other axes than the golden one.
    #[error("{}: shape {found}, where {} has {expected}", shown_path(path), shown_path(golden))]
    Shape {
        /// The faulty tensor.
        path: PathBuf,
        /// Its shape.
        found: String,
        /// The golden one.
        golden: PathBuf,
        /// Its shape.
        expected: String,
    },
    /// The golden tensor has a value that no layer puts out without faults.
    #[error("{}: {value} at {index:?}: every value of a golden tensor is finite", shown_path(path))]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// Where.
        index: Vec<usize>,
        /// What.
        value: f32,
    },
}

/// A tensor without faults.
#[derive(Debug)]
pub struct Golden {
    path: PathBuf,
    tensor: Tensor,
    values: Vec<f32>,
    range: (f32, f32),
    shape: Shape,
    format: DataFormat,
}

/// A cell that is wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wrong {
    /// Its place in the file's array, flattened.
    pub index: usize,
    /// What it holds.
    pub value: f32,
    /// The kind of that.
    pub class: ValueClass,
}

impl Golden {
    /// Reads the golden tensor of a file, whose axes are in this order.
    ///
    /// # Errors
    /// The file is no single tensor of float32 or float64, or holds a value that is not finite.
    pub fn read(path: &Path, format: DataFormat) -> Result<Self, DiffError> {
        let mut tensor = Tensor::default();
        tensor.read(path)?;
        let shape = tensor.shape(path, format)?;
        let mut values = Vec::new();
        tensor.values(0..shape.cells(), &mut values);
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            let (index, value) = (tensor.index(at), values[at]);
            return Err(DiffError::NotFinite { path: path.to_owned(), index, value });
        }
        let range = values
            .iter()
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(min, max), &value| (min.min(value), max.max(value)));
        Ok(Golden { path: path.to_owned(), tensor, values, range, shape, format })
    }

    /// The shape of its sites.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The smallest and the largest value.
    pub fn range(&self) -> (f32, f32) {
        self.range
    }

    /// The class of a value that is wrong at some place.
    fn class(&self, index: usize, value: f32) -> ValueClass {
        let (min, max) = self.range;
        match ValueClass::of(value, min, max) {
            class @ (ValueClass::Nan | ValueClass::Zero) => class,
            _ if (self.values[index].to_bits() ^ value.to_bits()).is_power_of_two() => ValueClass::Flip,
            class => class,
        }
    }

    /// The tensor index `c * H * W + h * W + w` of a place in the array.
    fn cell(&self, index: usize) -> u32 {
        let (plane, channels) = (self.shape.plane(), self.shape.c);
        let cell = match self.format {
            DataFormat::ChannelsFirst => index,
            DataFormat::ChannelsLast => index % channels * plane + index / channels,
        };
        cell as u32
    }
}

/// How many cells are compared at a time; in nearly all blocks nothing is wrong.
const BLOCK: usize = 512;

/// Compares faulty tensors with golden ones, one at a time.
pub struct Differ {
    epsilon: f32,
    tensor: Tensor,
    values: Vec<f32>,
    wrong: Vec<Wrong>,
    cells: Vec<u32>,
    classifier: Option<(Shape, Classifier)>,
}

impl Differ {
    /// A cell is wrong from a difference of `epsilon` on; where that is 0, in any bit.
    pub fn new(epsilon: f32) -> Self {
        let (tensor, values) = (Tensor::default(), Vec::new());
        Differ { epsilon, tensor, values, wrong: Vec::new(), cells: Vec::new(), classifier: None }
    }

    /// Finds the cells of a faulty tensor that are wrong.
    ///
    /// # Errors
    /// The file is no tensor, or one of another shape.
    pub fn compare(&mut self, golden: &Golden, path: &Path) -> Result<(), DiffError> {
        self.wrong.clear();
        self.tensor.read_like(&golden.tensor, path)?;
        if !self.tensor.has_axes_of(&golden.tensor) {
            return Err(DiffError::Shape {
                path: path.to_owned(),
                found: self.tensor.axes(),
                golden: golden.path.clone(),
                expected: golden.tensor.axes(),
            });
        }
        for start in (0..golden.values.len()).step_by(BLOCK) {
            let block = start..golden.values.len().min(start + BLOCK);
            if self.tensor.bytes_are(&golden.tensor, &block) {
                continue;
            }
            self.tensor.values(block.clone(), &mut self.values);
            for (index, &value) in block.zip(&self.values) {
                if is_wrong(golden.values[index], value, self.epsilon) {
                    self.wrong.push(Wrong { index, value, class: golden.class(index, value) });
                }
            }
        }
        // What is finite in float64 and not in float32 is no infinity that a fault has made.
        if let Some(wrong) = self.wrong.iter().find(|wrong| wrong.value.is_infinite())
            && self.tensor.is_finite(wrong.index)
        {
            return Err(self.tensor.beyond(path, wrong.index).into());
        }
        Ok(())
    }

    /// The wrong cells that were found last, in the order of the file; none where the tensor is as the golden one.
    pub fn found(&self) -> &[Wrong] {
        &self.wrong
    }

    /// The spatial class of what was found last.
    fn spatial_class(&mut self, golden: &Golden) -> SpatialClass {
        self.cells.clear();
        self.cells.extend(self.wrong.iter().map(|wrong| golden.cell(wrong.index)));
        self.cells.sort_unstable();
        let shape = golden.shape;
        let classifier = match &mut self.classifier {
            Some((there, classifier)) if *there == shape => classifier,
            other => &mut other.insert((shape, Classifier::new(shape))).1,
        };
        classifier.class(&self.cells)
    }
}

/// Whether a value differs from the golden one, which is finite.
fn is_wrong(golden: f32, value: f32, epsilon: f32) -> bool {
    match epsilon > 0.0 {
        true => !value.is_finite() || (value - golden).abs() >= epsilon,
        false => golden.to_bits() != value.to_bits(),
    }
}

#[cfg(test)]
mod tests;
