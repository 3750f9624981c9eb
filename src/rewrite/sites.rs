//! Where the sites of a simulator come from.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::thread;

use thiserror::Error;

use crate::input::{Input, InputError};
use crate::layout::DataFormat;
use crate::sites::each::Each;
use crate::sites::lines::LineSource;
use crate::sites::npy::{NpyError, Pair};
use crate::sites::packed::{self, Packed};
use crate::sites::pass::PassError;
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
    /// A site is wrong, or there is none.
    #[error("{}", passing(name, error))]
    Passing {
        /// The file.
        name: String,
        /// Which site, and why.
        error: PassError,
    },
    /// The arrays are wrong.
    #[error(transparent)]
    Npy(#[from] NpyError),
}

fn passing(name: &str, error: &PassError) -> String {
    match error {
        PassError::NoSites => format!("{name}: holds no sites"),
        // It names the file itself.
        PassError::Npy(error) => error.to_string(),
        error => format!("{name}: {error}"),
    }
}

/// The most threads that read lines; the sites do not depend on their number.
const MOST_JOBS: usize = 8;

impl SiteFiles {
    /// Reads all sites, at least one, and the layers that they say they were drawn for. `data_format` is the order of the
    /// axes, in NumPy files too.
    pub fn read(&self, data_format: DataFormat) -> Result<(Packed, BTreeSet<String>), SitesError> {
        let jobs = thread::available_parallelism().map_or(1, usize::from).min(MOST_JOBS);
        match self {
            SiteFiles::Lines(input) => {
                let text = input.open_text("sites")?;
                let packed = LineSource::open(text).and_then(|source| packed::pack(source, data_format, jobs));
                let (packed, parsers) = packed.map_err(|error| SitesError::Passing { name: input.name(), error })?;
                Ok((packed, parsers.iter().flat_map(|parser| parser.layers().clone()).collect()))
            }
            SiteFiles::Arrays { injections, masks } => {
                let pair = Pair::open(injections, masks, data_format)?;
                let source = Each { shape: pair.shape(), sites: pair };
                let packed = packed::pack(source, data_format, jobs);
                let (packed, _) =
                    packed.map_err(|error| SitesError::Passing { name: shown_path(injections), error })?;
                Ok((packed, BTreeSet::new()))
            }
        }
    }
}
