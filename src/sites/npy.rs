//! Sites as NumPy files: `injections.npy` and `masks.npy`, each of shape (sites, H, W, C) or
//! (sites, C, H, W) or with the axes of another rank, read and written one site at a time.

mod header;
mod read;
mod write;

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::text::{io_words, shown_path};

use super::dense::DenseError;
use crate::layout::ShapeError;

pub(crate) use header::{Element, Header};
pub use read::{Pair, finite_range};
pub use write::write;

/// A NumPy file and what is wrong with it.
#[derive(Debug, Error)]
#[error("{}: {problem}", shown_path(path))]
pub struct NpyError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: NpyProblem,
}

/// What can be wrong with a NumPy file.
#[derive(Debug, Error)]
pub enum NpyProblem {
    /// The system refuses.
    #[error("{}", io_words(.0))]
    Io(#[from] io::Error),
    /// Another format.
    #[error("not a NumPy file")]
    Magic,
    /// A later format of NumPy.
    #[error("NumPy format version {0}.{1} is not known")]
    Version(u8, u8),
    /// The header cannot be understood.
    #[error("the header is not a NumPy header: {0}")]
    Header(String),
    /// Values of another type.
    #[error("dtype {0}, where float32 or float64 is wanted")]
    Dtype(String),
    /// An element that its type does not have.
    #[error("an element is no value of its type: {0}")]
    Element(String),
    /// The array does not fit into memory.
    #[error("there is not enough memory for {0}")]
    Memory(String),
    /// Another number of axes.
    #[error("shape {found}, where one axis for sites and then those of the tensor are wanted")]
    Rank {
        /// The file's shape.
        found: String,
    },
    /// A batch where one tensor is wanted.
    #[error("shape {found}, a batch of {batch}, where one tensor is wanted")]
    Batch {
        /// How many there are.
        batch: usize,
        /// The file's shape.
        found: String,
    },
    /// The first axis varies fastest.
    #[error("in Fortran order, where the last axis has to vary fastest")]
    Fortran,
    /// Another number of axes than a tensor has.
    #[error("shape {found}, where the three axes of a tensor are wanted, behind a batch axis of 1 or none")]
    NoTensor {
        /// The file's shape.
        found: String,
    },
    /// A finite value that no float32 is.
    #[error("the value {value} at {index:?} is beyond float32")]
    NoFloat32 {
        /// Where.
        index: Vec<usize>,
        /// What.
        value: f64,
    },
    /// The shape of a site is none.
    #[error("{0}")]
    Shape(#[from] ShapeError),
    /// The file is too short or too long.
    #[error("the file has {found} bytes, its header promises {expected}")]
    Length {
        /// The bytes that its header promises.
        expected: u64,
        /// The bytes that there are.
        found: u64,
    },
    /// The masks have another shape than the injections.
    #[error("shape {found}, where the injections have {expected}")]
    Differs {
        /// The injections' shape.
        expected: String,
        /// The masks'.
        found: String,
    },
    /// The first axis is 0.
    #[error("no sites")]
    NoSites,
    /// A mask that is neither 0 nor 1.
    #[error("site {site}: the mask is {value} at {index:?}, neither 0 nor 1")]
    Mask {
        /// Which site, from 0.
        site: usize,
        /// Where in its array.
        index: Vec<usize>,
        /// What stands there.
        value: f64,
    },
    /// An injection that no mask lets through.
    #[error("site {site}: the injection is {value} at {index:?}, where the mask is 1")]
    Uncovered {
        /// Which site, from 0.
        site: usize,
        /// Where in its array.
        index: Vec<usize>,
        /// What stands there.
        value: f64,
    },
    /// A float64 that no float32 holds.
    #[error("site {site}: the injection {value} at {index:?} is beyond float32")]
    Beyond {
        /// Which site, from 0.
        site: usize,
        /// Where in its array.
        index: Vec<usize>,
        /// What stands there.
        value: f64,
    },
    /// A site without a corrupted cell.
    #[error("site {site}: no corrupted cell")]
    NoCells {
        /// Which site, from 0.
        site: usize,
    },
    /// Nothing but NaN and infinities, of which no range is made.
    #[error("no finite value")]
    NoFinite,
    /// A site without a dense form.
    #[error("{0}")]
    Dense(#[from] DenseError),
}

#[cfg(test)]
mod tests;
