//! Sites that are drawn: a stretch of one stream.

use std::io::{self, Write};
use std::ops::Range;

use super::lines;
use super::pass::{Form, Maker, On, PassError, Passing, Source};
use super::run::Tally;
use crate::draw::{Drawn, Sampler};
use crate::fault::Cell;
use crate::layout::Shape;
use crate::ordered::Stop;

/// How many sites a thread draws at a time, at most.
const BATCH: u64 = 64;

/// Sites `first..first + count` of a sampler's stream.
pub struct Drawing {
    /// Draws them.
    pub sampler: Sampler,
    /// The first one's index.
    pub first: u64,
    /// How many; `first + count` is at most `u64::MAX`.
    pub count: u64,
    /// The layer that they are for, where it is known.
    pub layer: Option<String>,
}

impl Drawing {
    /// The same sites as a source for so many threads.
    pub fn source(&self, jobs: usize) -> Stretch<'_> {
        // Small enough that all threads have work, large enough that handing over costs nothing.
        let size = (self.count / (4 * jobs.max(1) as u64)).clamp(1, BATCH);
        Stretch { drawing: self, left: self.first..self.first + self.count, size }
    }
}

/// What is left to draw of a [`Drawing`].
pub struct Stretch<'a> {
    drawing: &'a Drawing,
    left: Range<u64>,
    size: u64,
}

impl<'a> Source for Stretch<'a> {
    type Batch = Range<u64>;
    type Maker = Draws<'a>;

    fn shape(&self) -> Shape {
        self.drawing.sampler.shape()
    }

    fn maker(&self) -> Draws<'a> {
        let Drawing { sampler, layer, .. } = self.drawing;
        Draws { sampler, writer: lines::Writer::new(sampler, layer.as_deref()) }
    }

    fn take(&mut self) -> Option<Range<u64>> {
        let Range { start, end } = self.left;
        self.left.start = end.min(start.saturating_add(self.size));
        (start < end).then_some(start..self.left.start)
    }
}

/// Draws sites by their indexes.
pub struct Draws<'a> {
    sampler: &'a Sampler,
    writer: lines::Writer,
}

impl Maker for Draws<'_> {
    type Batch = Range<u64>;
    type Room = (Drawn, Tally);

    fn room(&self) -> (Drawn, Tally) {
        (self.sampler.room(), Tally::default())
    }

    fn make<F: Form>(
        &self,
        (drawn, tally): &mut (Drawn, Tally),
        indexes: Range<u64>,
        on: &mut On<F>,
    ) -> Result<(), Stop<PassError>> {
        for index in indexes {
            self.sampler.draw(index, drawn);
            tally.add(drawn);
            on.send(&One { drawn, shape: self.sampler.shape(), writer: &self.writer })?;
        }
        Ok(())
    }
}

struct One<'a> {
    drawn: &'a Drawn,
    shape: Shape,
    writer: &'a lines::Writer,
}

impl Passing for One<'_> {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn cells(&self) -> impl Iterator<Item = Cell> {
        self.drawn.cells().map(|(cell, _)| cell)
    }

    fn line_number(&self) -> Option<u64> {
        None
    }

    fn write_line(&self, out: &mut impl Write) -> io::Result<()> {
        self.writer.write(self.drawn, out)
    }
}
