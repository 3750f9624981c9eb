//! Error models from measured sites: counts of what the sites of each spatial class have in common.
//!
//! Parameters are measured as the published figures were: shares in ten bins, those of two value classes in eight, rows of sites
//! whose keys are alike, their stats the least and greatest that were seen. Rare rows are merged, and rare classes left out.

mod measure;
mod model;
mod read;
mod tally;
mod write;

use std::collections::BTreeMap;

use crate::layout::Shape;
use crate::value::ValueClass;

use measure::Meter;
use tally::Tallies;

pub use model::{EstimateError, Fitted, FittedClass, FittedMix, FittedRow, MixValues, Outcomes, Parameter};
pub use read::{CountError, CountProblem, Sites};
pub use write::Remarks;

/// Counts sites.
pub struct Estimator {
    conform: bool,
    meter: Option<Meter>,
    tallies: Box<Tallies>,
    shapes: BTreeMap<(usize, usize, usize), u64>,
    count: u64,
    /// Sites that cnn-error-classifier would have taken for masked: it drops cells that are NaN.
    masked: u64,
}

/// A cell of a site: its tensor index `c * H * W + h * W + w`, the class of its value, and whether that is NaN itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wrong {
    /// The tensor index.
    pub cell: u32,
    /// The value's class.
    pub class: ValueClass,
    /// Whether the value is NaN: the class counts the infinities as well.
    pub is_nan: bool,
}

impl Estimator {
    /// Counts nothing yet. With `conform` as cnn-error-classifier does, slips and all.
    pub fn new(conform: bool) -> Self {
        Estimator { conform, meter: None, tallies: Box::default(), shapes: BTreeMap::new(), count: 0, masked: 0 }
    }

    /// Counts a site of at least one cell, none twice, in any order; they are sorted on the way.
    pub fn add(&mut self, shape: Shape, cells: &mut Vec<Wrong>) {
        if self.conform {
            cells.retain(|wrong| !wrong.is_nan);
            if cells.is_empty() {
                self.masked += 1;
                return;
            }
        }
        let mut values: Vec<(ValueClass, u64)> = Vec::with_capacity(ValueClass::ALL.len());
        for wrong in cells.iter() {
            match values.iter_mut().find(|(class, _)| *class == wrong.class) {
                Some((_, count)) => *count += 1,
                None => values.push((wrong.class, 1)),
            }
        }
        if !cells.is_sorted_by_key(|wrong| wrong.cell) {
            cells.sort_unstable_by_key(|wrong| wrong.cell);
        }
        let places: Vec<u32> = cells.iter().map(|wrong| wrong.cell).collect();
        let conform = self.conform;
        let meter = match &mut self.meter {
            Some(meter) if meter.shape() == shape => meter,
            meter => meter.insert(Meter::new(shape, conform)),
        };
        let measured = meter.measure(&places);
        self.tallies[measured.class as usize].add(&measured, &values, self.count, conform);
        *self.shapes.entry((shape.h, shape.w, shape.c)).or_default() += 1;
        self.count += 1;
    }

    /// How many sites were counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many different shapes they had.
    pub fn shapes(&self) -> usize {
        self.shapes.len()
    }

    /// How many sites had no cells but NaN, where these are dropped.
    pub fn masked(&self) -> u64 {
        self.masked
    }

    /// The model of what was counted.
    ///
    /// # Errors
    /// Nothing is left of it.
    pub fn model(&self) -> Result<Fitted, EstimateError> {
        model::fit(&self.tallies, self.count, self.conform)
    }
}

#[cfg(test)]
mod tests;
