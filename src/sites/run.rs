//! A run of `classes-sites`: sites `first..first + count` of one stream, as lines or as NumPy files.

mod note;
mod ranges;
mod request;
mod tally;

use std::io::{self, Write};
use std::path::Path;

use crate::draw::{Drawn, Sampler};
use crate::layout::DataFormat;
use crate::ordered::{self, Piece};
use crate::progress::Progress;
use crate::sites::dense::Dense;
use crate::sites::lines;
use crate::sites::npy::{self, NpyError};

pub use note::{Note, RangeOf};
pub use ranges::{Measured, RangesError, range_of};
pub use request::{RangeFrom, Request, RequestError};
pub use tally::{Counts, Tally};

/// How many sites one thread makes at a time, at most.
const PIECE: u64 = 64;

/// The most threads that are started; the sites do not depend on their number.
const MOST_JOBS: usize = 256;

/// Some of the sites of one run.
pub struct Campaign {
    /// Draws them.
    pub sampler: Sampler,
    /// The first one's index.
    pub first: u64,
    /// How many; `first + count` is at most `u64::MAX`.
    pub count: u64,
}

impl Campaign {
    /// Writes the sites as lines, in order, drawn by `jobs` threads. `progress` counts the drawn ones.
    ///
    /// # Errors
    /// `out` refuses.
    pub fn lines(&self, jobs: usize, out: impl Write + Send, progress: &Progress) -> io::Result<Tally> {
        let jobs = jobs.clamp(1, MOST_JOBS);
        let line = lines::Writer::new(&self.sampler);
        // Small enough that all threads have work, large enough that handing over costs nothing.
        let size = (self.count / (4 * jobs as u64)).clamp(1, PIECE);
        let worker = || (self.sampler.room(), Tally::default());
        let work = |(drawn, tally): &mut (Drawn, Tally), number: u64, piece: &mut Piece<_>| {
            let from = number * size;
            for index in from..self.count.min(from + size) {
                self.sampler.draw(self.first + index, drawn);
                tally.add(drawn);
                line.write(drawn, piece)?;
                progress.add(1);
            }
            Ok(())
        };
        let workers = ordered::run(jobs, self.count.div_ceil(size), out, worker, work)?;
        Ok(workers.into_iter().fold(Tally::default(), |tally, (_, other)| tally.merge(other)))
    }

    /// Writes the sites into `folder` as `injections.npy` and `masks.npy`. `progress` counts the written ones.
    ///
    /// # Errors
    /// The disk refuses, or the sites are bit flips.
    pub fn npy(&self, folder: &Path, format: DataFormat, progress: &Progress) -> Result<Tally, NpyError> {
        let mut out = npy::Writer::create(folder, self.sampler.shape(), format)?;
        let mut dense = Dense::new(self.sampler.shape(), format).map_err(|error| out.error(error))?;
        let mut drawn = self.sampler.room();
        let mut tally = Tally::default();
        for index in self.first..self.first + self.count {
            self.sampler.draw(index, &mut drawn);
            tally.add(&drawn);
            dense.set_cells(drawn.cells().map(|(cell, _)| cell)).map_err(|error| out.error(error))?;
            out.write(&dense)?;
            progress.add(1);
        }
        out.finish()?;
        Ok(tally)
    }
}
