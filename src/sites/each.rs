//! Sites one at a time, from whatever gives them.

use std::io::{self, Write};

use super::lines;
use super::pass::{Form, Maker, On, PassError, Passing, Source};
use crate::fault::{Cell, Site};
use crate::layout::Shape;
use crate::ordered::Stop;

/// Sites of one shape.
pub struct Each<I> {
    /// The shape.
    pub shape: Shape,
    /// The sites.
    pub sites: I,
}

impl<I: Iterator<Item = Result<Site, E>> + Send, E: Into<PassError> + Send> Source for Each<I> {
    type Batch = Result<Site, PassError>;
    type Maker = AsTheyAre;

    fn shape(&self) -> Shape {
        self.shape
    }

    fn maker(&self) -> AsTheyAre {
        AsTheyAre
    }

    fn take(&mut self) -> Option<Self::Batch> {
        Some(self.sites.next()?.map_err(Into::into))
    }
}

/// Passes sites on.
pub struct AsTheyAre;

impl Maker for AsTheyAre {
    type Batch = Result<Site, PassError>;
    type Room = ();

    fn room(&self) {}

    fn make<F: Form>(&self, _: &mut (), site: Self::Batch, on: &mut On<F>) -> Result<(), Stop<PassError>> {
        on.send(&site?)
    }
}

impl Passing for Site {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn cells(&self) -> impl Iterator<Item = Cell> {
        self.cells.iter().copied()
    }

    fn line_number(&self) -> Option<u64> {
        None
    }

    fn write_line(&self, out: &mut impl Write) -> io::Result<()> {
        lines::write_site(self, out)
    }
}
