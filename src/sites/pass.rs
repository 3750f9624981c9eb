//! Sites on their way: from any source, made by many threads, into any form, in their order.
//!
//! A source of sites is a file of this module ([`drawn`](super::drawn), [`lines`](super::lines), [`npy`](super::npy)), and so is
//! a form they take on; each is written once, for all of the other kind.

use std::io::{self, Write};

use thiserror::Error;

use super::dense::DenseError;
use super::lines::LineError;
use super::npy::NpyError;
use crate::fault::Cell;
use crate::layout::Shape;
use crate::ordered::{self, Output, Piece, Stop};
use crate::progress::Progress;

/// Why sites do not go on.
#[derive(Debug, Error)]
pub enum PassError {
    /// A line is wrong.
    #[error("{0}")]
    Line(#[from] LineError),
    /// A site has no dense form.
    #[error("line {line}: {error}")]
    Dense {
        /// The line, from 1.
        line: u64,
        /// Why not.
        error: DenseError,
    },
    /// There is no line.
    #[error("no sites")]
    NoSites,
    /// There are too many corrupted cells.
    #[error("there is not enough memory for the sites")]
    Memory,
    /// NumPy files cannot be read or written.
    #[error("{0}")]
    Npy(#[from] NpyError),
    /// The output refuses.
    #[error("{0}")]
    Out(#[from] io::Error),
}

/// A site that goes on.
pub trait Passing {
    /// The tensor's shape.
    fn shape(&self) -> Shape;
    /// The corrupted cells.
    fn cells(&self) -> impl Iterator<Item = Cell>;
    /// The line that it came from, where it came from one.
    fn line_number(&self) -> Option<u64>;
    /// Writes it as a line of JSON.
    ///
    /// # Errors
    /// `out` refuses.
    fn write_line(&self, out: &mut impl Write) -> io::Result<()>;
}

/// Where sites come from: batches, taken one after the other.
pub trait Source: Send {
    /// What is taken at a time.
    type Batch;
    /// What makes sites of it.
    type Maker: Maker<Batch = Self::Batch>;

    /// The shape of all sites.
    fn shape(&self) -> Shape;
    /// What all threads share.
    fn maker(&self) -> Self::Maker;
    /// The next batch; its errors are told when sites are made of it.
    fn take(&mut self) -> Option<Self::Batch>;
}

/// Makes sites of batches.
pub trait Maker: Sync {
    /// What sites are made of.
    type Batch;
    /// What one thread needs, and what it has found out in the end.
    type Room: Send;

    /// Room for one thread.
    fn room(&self) -> Self::Room;
    /// Makes the sites of a batch and sends them on.
    ///
    /// # Errors
    /// A site is wrong, or does not get on.
    fn make<F: Form>(&self, room: &mut Self::Room, batch: Self::Batch, on: &mut On<F>) -> Result<(), Stop<PassError>>;
}

/// What sites become.
pub trait Form: Sync {
    /// Where they end.
    type Out: Output<Error = PassError>;
    /// What one thread needs.
    type Room: Send;

    /// Room for one thread.
    ///
    /// # Errors
    /// There is not enough memory.
    fn room(&self) -> Result<Self::Room, PassError>;
    /// Adds a site to a piece of the output.
    ///
    /// # Errors
    /// It has no such form, or the output is over.
    fn add(
        &self,
        room: &mut Self::Room,
        site: &impl Passing,
        piece: &mut Piece<Self::Out>,
    ) -> Result<(), Stop<PassError>>;
}

/// Takes sites on.
pub struct On<'a, 'p, F: Form> {
    form: &'a F,
    room: &'a mut F::Room,
    piece: &'a mut Piece<'p, F::Out>,
    progress: &'a Progress,
}

impl<F: Form> On<'_, '_, F> {
    /// Sends a site on.
    ///
    /// # Errors
    /// It has no such form, or the output is over.
    pub fn send(&mut self, site: &impl Passing) -> Result<(), Stop<PassError>> {
        self.form.add(self.room, site, self.piece)?;
        self.progress.add(1);
        Ok(())
    }
}

/// The most threads that are started; the output does not depend on their number.
const MOST_JOBS: usize = 256;

/// What the makers of a source found out, one a thread.
pub type Rooms<S> = Vec<<<S as Source>::Maker as Maker>::Room>;

/// Passes all sites of a source on with `jobs` threads. `progress` counts them.
///
/// # Errors
/// The first site that is wrong or has no such form, or the output refuses.
pub fn run<S: Source, F: Form>(
    mut source: S,
    form: &F,
    out: F::Out,
    jobs: usize,
    progress: &Progress,
) -> Result<(F::Out, Rooms<S>), PassError> {
    let maker = source.maker();
    let work = |(made, formed): &mut (_, Option<F::Room>), batch, piece: &mut Piece<F::Out>| {
        let room = match formed {
            Some(room) => room,
            None => formed.insert(form.room()?),
        };
        maker.make(made, batch, &mut On { form, room, piece, progress })
    };
    let take = move || source.take();
    let (out, rooms) = ordered::run(jobs.clamp(1, MOST_JOBS), take, out, || (maker.room(), None), work)?;
    Ok((out, rooms.into_iter().map(|(made, _)| made).collect()))
}

#[cfg(test)]
mod tests;
