//! Where the sites of a simulator come from.

use std::io::BufRead;
use std::path::PathBuf;

use thiserror::Error;

use crate::cli::{Failure, Input};
use crate::explain::Explain;
use crate::site::lines::{LineError, Reader};
use crate::site::npy::{NpyError, Pair};
use crate::site::{DataFormat, Site};

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
    /// The file cannot be opened.
    #[error("{what}")]
    Open {
        /// What and why, in words.
        what: String,
    },
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

impl Explain for SitesError {}

impl SiteFiles {
    /// Reads all sites; at least one. `data_format` is the order of the axes in NumPy files.
    pub fn read(&self, data_format: DataFormat) -> Result<Vec<Site>, SitesError> {
        match self {
            SiteFiles::Lines(input) => {
                let lines = input.open("sites").map_err(|failure| match failure {
                    Failure::Message { text, .. } => SitesError::Open { what: text },
                    Failure::ClosedPipe => SitesError::None { name: input.name() },
                })?;
                read_lines(lines, &input.name())
            }
            SiteFiles::Arrays { injections, masks } => {
                Ok(Pair::open(injections, masks, data_format)?.collect::<Result<_, _>>()?)
            }
        }
    }
}

fn read_lines(lines: impl BufRead, name: &str) -> Result<Vec<Site>, SitesError> {
    let sites: Vec<Site> = Reader::new(lines)
        .collect::<Result<_, _>>()
        .map_err(|error| SitesError::Line { name: name.to_owned(), error })?;
    if sites.is_empty() {
        return Err(SitesError::None { name: name.to_owned() });
    }
    Ok(sites)
}
