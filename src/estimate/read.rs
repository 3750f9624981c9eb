//! Sites as they are counted: lines of any shapes, with the class of each value.

mod plain;

use std::io::{self, BufRead, Read};

use serde::Deserialize;
use thiserror::Error;

use super::Wrong;
use crate::fault::{Cell, Fault};
use crate::layout::{Place, Shape};
use crate::plot::remarks::Remarks;
use crate::sites::lines;
use crate::sites::lines::Reader;
use crate::text::io_words;
use crate::value::ValueClass;

/// The longest line that is read, in bytes: what never ends is no line.
const LONGEST: u64 = 1 << 30;

/// What is wrong with a line, and which line it is, counted from 1.
#[derive(Debug, Error)]
#[error("line {line}: {problem}")]
pub struct CountError {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it.
    #[source]
    pub problem: CountProblem,
}

/// What can be wrong with a line that is to be counted.
#[derive(Debug, Error)]
pub enum CountProblem {
    /// It cannot be read.
    #[error("{}", io_words(.0))]
    Read(#[from] io::Error),
    /// It never ends.
    #[error("longer than {LONGEST} bytes")]
    TooLong,
    /// It is no site.
    #[error("{0}")]
    Site(#[from] lines::LineProblem),
    /// Nothing tells what kind of value a cell has.
    #[error("cell {0} has no class, and the line no golden_range to tell it by")]
    NoClass(Place),
    /// The golden range is none.
    #[error("the golden_range is not two finite numbers, the smaller first")]
    Range,
}

/// Sites, one at a time, from lines of JSON. Blank lines are passed over.
pub struct Sites<R> {
    input: R,
    text: Vec<u8>,
    line: u64,
    range: Option<(f32, f32)>,
    cells: Vec<Wrong>,
}

#[derive(Deserialize)]
struct Line {
    golden_range: Option<serde_json::Value>,
}

impl<R: BufRead> Sites<R> {
    /// Reads `input`. By `range` the classes of values are told where a line has neither classes nor a golden range.
    pub fn new(input: R, range: Option<(f32, f32)>) -> Self {
        Sites { input, text: Vec::new(), line: 0, range, cells: Vec::new() }
    }

    /// The next site: its shape and cells, which the caller may change; `None` at the end.
    ///
    /// # Errors
    /// A line that is no site, or a value whose class nothing tells.
    #[expect(clippy::should_implement_trait, reason = "it lends the cells")]
    pub fn next(&mut self) -> Result<Option<(Shape, &mut Vec<Wrong>)>, CountError> {
        let line = self.line + 1;
        match self.read_line().map_err(|problem| CountError { line: self.line.max(line), problem })? {
            false => Ok(None),
            true => {
                let line = self.line;
                let shape = self.site().map_err(|problem| CountError { line, problem })?;
                Ok(Some((shape, &mut self.cells)))
            }
        }
    }

    fn read_line(&mut self) -> Result<bool, CountProblem> {
        loop {
            self.text.clear();
            self.line += 1;
            match self.input.by_ref().take(LONGEST + 1).read_until(b'\n', &mut self.text)? as u64 {
                0 => return Ok(false),
                1..=LONGEST => {}
                _ => return Err(CountProblem::TooLong),
            }
            if !self.text.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    fn site(&mut self) -> Result<Shape, CountProblem> {
        let Sites { text, cells, range, .. } = self;
        let text = text.trim_ascii();
        if let Some(shape) = plain::site(text, *range, cells) {
            return Ok(shape);
        }
        // As all readers do it, whatever the line looks like.
        let site = match Reader::new(text).next() {
            Some(site) => site.map_err(|error| error.problem)?,
            None => return Err(CountProblem::Site(lines::LineProblem::NoCells)),
        };
        let own = serde_json::from_slice::<Line>(text).ok().and_then(|line| line.golden_range);
        let range = match own {
            Some(own) => Some(golden_range(&own).ok_or(CountProblem::Range)?),
            None => *range,
        };
        let remarks = Remarks::read(text);
        cells.clear();
        for (place, &Cell { h, w, c, fault }) in site.cells.iter().enumerate() {
            let (class, is_nan) = match fault {
                Fault::Bit(_) => (Some(ValueClass::Flip), false),
                Fault::Value(value) => (class(value, remarks.class(place), range), value.is_nan()),
            };
            let class = class.ok_or(CountProblem::NoClass(site.shape.place([h, w, c])))?;
            let cell = ((c * site.shape.h + h) * site.shape.w + w) as u32;
            cells.push(Wrong { cell, class, is_nan });
        }
        Ok(site.shape)
    }
}

/// The golden range of a line.
fn golden_range(value: &serde_json::Value) -> Option<(f32, f32)> {
    let [min, max] = value.as_array()?.as_slice() else { return None };
    let (min, max) = (min.as_f64()? as f32, max.as_f64()? as f32);
    (min.is_finite() && max.is_finite() && min <= max).then_some((min, max))
}

/// The class of a value: by the golden range where there is one, since the value may have been changed, else as the line says.
/// Only the line knows that a bit has flipped.
fn class(value: f32, said: Option<ValueClass>, range: Option<(f32, f32)>) -> Option<ValueClass> {
    match (said, range) {
        (Some(ValueClass::Flip), _) => said,
        (_, Some((min, max))) => Some(ValueClass::of(value, min, max)),
        (said, None) => said,
    }
}

#[cfg(test)]
mod tests;
