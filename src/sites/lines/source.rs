//! Lines as a source: one thread at a time takes them, all make sites of them.

use std::io::{self, BufReader, Read, Write};

use super::parse::Parser;
use super::read::{Lines, Reader};
use super::{LineError, LineProblem};
use crate::fault::{Cell, Site};
use crate::layout::Shape;
use crate::ordered::Stop;
use crate::sites::pass::{Form, Maker, On, PassError, Passing, Source};

/// How much is read at a time, in bytes.
const BUFFER: usize = 1 << 16;

/// The sites of an input.
pub struct LineSource<R> {
    lines: Lines<BufReader<R>>,
    shape: Shape,
    /// The first line, which told the shape.
    first: Option<Batch>,
    at_end: bool,
}

impl<R: Read + Send> LineSource<R> {
    /// Reads the first line, which tells the shape of all.
    ///
    /// # Errors
    /// It is wrong, or there is none.
    pub fn open(input: R) -> Result<Self, PassError> {
        let mut reader = Reader::new(BufReader::with_capacity(BUFFER, input));
        let site = reader.next().ok_or(PassError::NoSites)??;
        let (text, number) = (reader.text().to_vec(), reader.line());
        let first = Batch { lines: vec![(number, text.len())], text, error: None };
        Ok(LineSource { lines: reader.into_lines(), shape: site.shape, first: Some(first), at_end: false })
    }
}

impl<R: Read + Send> Source for LineSource<R> {
    type Batch = Batch;
    type Maker = ReadsLines;

    fn shape(&self) -> Shape {
        self.shape
    }

    fn maker(&self) -> ReadsLines {
        ReadsLines { shape: self.shape }
    }

    fn take(&mut self) -> Option<Batch> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        let mut batch = Batch::default();
        // One line, and those that are there with it: who writes them may be slow.
        while !self.at_end && (batch.lines.is_empty() || self.lines.is_line_there()) {
            match self.lines.next(&mut batch.text) {
                Ok(Some(line)) => batch.lines.push((line, batch.text.len())),
                Ok(None) => self.at_end = true,
                Err(error) => {
                    batch.error = Some(error);
                    self.at_end = true;
                }
            }
        }
        (!batch.lines.is_empty() || batch.error.is_some()).then_some(batch)
    }
}

/// Some lines.
#[derive(Default)]
pub struct Batch {
    text: Vec<u8>,
    /// The number of each line, and where in the text it ends.
    lines: Vec<(u64, usize)>,
    /// Why no more can be read.
    error: Option<LineError>,
}

/// Makes sites of lines.
pub struct ReadsLines {
    shape: Shape,
}

impl Maker for ReadsLines {
    type Batch = Batch;
    type Room = Parser;

    fn room(&self) -> Parser {
        Parser::new(self.shape)
    }

    fn make<F: Form>(&self, parser: &mut Parser, batch: Batch, on: &mut On<F>) -> Result<(), Stop<PassError>> {
        let mut start = 0;
        for (number, end) in batch.lines {
            let text = batch.text[start..end].trim_ascii();
            let wrong = |problem: LineProblem| PassError::Line(LineError { line: number, problem });
            let site = parser.site(text).map_err(wrong)?;
            on.send(&One { site: &site, text, number })?;
            start = end;
        }
        batch.error.map_or(Ok(()), |error| Err(Stop::Failed(error.into())))
    }
}

struct One<'a> {
    site: &'a Site,
    text: &'a [u8],
    number: u64,
}

impl Passing for One<'_> {
    fn shape(&self) -> Shape {
        self.site.shape
    }

    fn cells(&self) -> impl Iterator<Item = Cell> {
        self.site.cells.iter().copied()
    }

    fn line_number(&self) -> Option<u64> {
        Some(self.number)
    }

    /// As it came.
    fn write_line(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(self.text)?;
        out.write_all(b"\n")
    }
}
