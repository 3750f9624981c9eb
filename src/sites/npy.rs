//! Sites as NumPy files: `injections.npy` and `masks.npy`, each of shape (sites, H, W, C) or
//! (sites, C, H, W), read and written one site at a time.

mod header;
mod read;
mod write;

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::text::{io_words, shown_path};

use super::dense::DenseError;
use crate::layout::ShapeError;

pub use read::{Pair, finite_range};
pub use write::Writer;

/// A NumPy file and what is wrong with it.
#[derive(Debug, Error)]
#[error("{}: {problem}", shown_path(path))]
pub struct NpyError {
    pub path: PathBuf,
    #[source]
    pub problem: Problem,
}

/// What can be wrong with a NumPy file.
#[derive(Debug, Error)]
pub enum Problem {
    #[error("{}", io_words(.0))]
    Io(#[from] io::Error),
    #[error("not a NumPy file")]
    Magic,
    #[error("NumPy format version {0}.{1} is not known")]
    Version(u8, u8),
    #[error("the header is not a NumPy header: {0}")]
    Header(String),
    #[error("dtype {0}, where float32 or float64 is wanted")]
    Dtype(String),
    #[error("the array is in Fortran order: save it with numpy.ascontiguousarray")]
    Fortran,
    #[error("shape {found}, where one axis for sites and three for the tensor are wanted")]
    Rank { found: String },
    #[error("{0}")]
    Shape(#[from] ShapeError),
    #[error("the file has {found} bytes, its header promises {expected}")]
    Length { expected: u64, found: u64 },
    #[error("shape {found}, where the injections have {expected}")]
    Differs { expected: String, found: String },
    #[error("no sites")]
    NoSites,
    #[error("site {site}: the mask is {value} at {index:?}, neither 0 nor 1")]
    Mask { site: usize, index: [usize; 3], value: f64 },
    #[error("site {site}: the injection is {value} at {index:?}, where the mask is 1")]
    Uncovered { site: usize, index: [usize; 3], value: f64 },
    #[error("site {site}: the injection {value} at {index:?} is beyond float32")]
    Beyond { site: usize, index: [usize; 3], value: f64 },
    #[error("site {site}: no corrupted cell")]
    NoCells { site: usize },
    #[error("no finite value")]
    NoFinite,
    #[error("{0}")]
    Dense(#[from] DenseError),
}

#[cfg(test)]
mod tests;
