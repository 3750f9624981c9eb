//! Why a config cannot be written.

use json_patch::jsonptr::PointerBuf;
use thiserror::Error;

use crate::model_file::Limit;
use crate::sites::dense::DenseError;
use crate::text::shown;

/// Why sites cannot be written into a config.
#[derive(Debug, Error, PartialEq)]
pub enum FillError {
    /// No simulator where one was.
    #[error("there is no simulator at {at}", at = shown(.at.as_str()))]
    NoSimulator {
        /// The place.
        at: PointerBuf,
    },
    /// A site without a dense form.
    #[error("site {index}: {error}")]
    NotDense {
        /// Which site, from 0.
        index: usize,
        /// Why.
        error: DenseError,
    },
    /// More text than the file can hold.
    #[error("the new config would have at least {bytes} bytes, and {} holds {} at most{}",
        limit.holder, limit.most, most_sites(*.sites))]
    TooLong {
        /// The length of the text.
        bytes: u64,
        /// What it can have.
        limit: Limit,
        /// How many sites were to be filled in, and how many of them would fit.
        sites: Option<(usize, usize)>,
    },
    /// An object that looks as if it stood for a number.
    #[error("the object at {at} has the class name of a number that JSON lacks, and is not just that with a value of NaN, Infinity or -Infinity", at = shown(.at.as_str()))]
    UnknownNumber {
        /// Where.
        at: PointerBuf,
    },
    /// More text than there is memory for.
    #[error("the new config has {bytes} bytes, and there is not enough memory for it")]
    Memory {
        /// The length of the text.
        bytes: u64,
    },
}

fn most_sites(sites: Option<(usize, usize)>) -> String {
    sites.map_or_else(String::new, |(sites, most)| format!(": {most} of the {sites} sites"))
}
