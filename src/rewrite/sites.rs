//! Where the sites of a simulator come from.

use std::path::PathBuf;
use std::thread;

use thiserror::Error;

use crate::input::{Input, InputError};
use crate::layout::DataFormat;
use crate::sites::lines::{self, LineError};
use crate::sites::npy::{NpyError, Pair};
use crate::sites::packed::Packed;
use crate::text::shown_path;

/// Sites for one simulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteSource {
    /// The simulator's name or path; `None` where there is only one.
    pub simulator: Option<String>,
    /// The sites.
    pub files: SiteFiles,
}

/// The two forms in which sites come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SiteFiles {
    /// Lines of JSON.
    Lines(Input),
    /// NumPy arrays.
    Arrays {
        /// The wrong values.
        injections: PathBuf,
        /// 0 at a corrupted cell, 1 elsewhere.
        masks: PathBuf,
    },
}

/// Why sites cannot be read.
#[derive(Debug, Error)]
pub enum SitesError {
    /// The lines cannot be read at all.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A line is wrong.
    #[error("{name}: {error}")]
    Line {
        /// The file.
        name: String,
        /// Which line, and why.
        error: LineError,
    },
    /// A file without a site.
    #[error("{name}: holds no sites")]
    None {
        /// The file.
        name: String,
    },
    /// The arrays are wrong.
    #[error(transparent)]
    Npy(#[from] NpyError),
}

/// The most threads that read lines; the sites do not depend on their number.
const MOST_JOBS: usize = 8;

impl SiteFiles {
    /// Reads all sites, at least one. `data_format` is the order of the axes, in NumPy files too.
    pub fn read(&self, data_format: DataFormat) -> Result<Packed, SitesError> {
        match self {
            SiteFiles::Lines(input) => {
                let text = input.open("sites")?;
                let name = || input.name();
                let jobs = thread::available_parallelism().map_or(1, usize::from).min(MOST_JOBS);
                lines::read_all(text, data_format, jobs)
                    .map_err(|error| SitesError::Line { name: name(), error })?
                    .ok_or_else(|| SitesError::None { name: name() })
            }
            SiteFiles::Arrays { injections, masks } => {
                let none = || SitesError::None { name: shown_path(injections) };
                Packed::collect(data_format, Pair::open(injections, masks, data_format)?)?.ok_or_else(none)
            }
        }
    }
}
