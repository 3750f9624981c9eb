//! Cells of one row.

use super::canvas::Canvas;
use super::fields::Fields;
use super::fit::{Fit, Unfit};
use super::spread::{Names, Spread};
use crate::rng::Rng;

static COLUMNS: Names =
    Names { pct: "row_corruption_pct", most: "max_cardinality", min: "min_value_skip", max: "max_value_skip" };

/// One channel, one row; at least two columns, spread over the row.
#[derive(Clone, Debug, PartialEq)]
pub struct SameRow {
    columns: Spread,
}

impl SameRow {
    pub(super) fn new(fields: &mut Fields) -> Option<Self> {
        Spread::new(fields, &COLUMNS, 2).map(|columns| SameRow { columns })
    }

    pub(super) fn fit(&self, fit: &mut Fit) -> Option<Self> {
        let (_, width, _) = fit.axes();
        fit.require(width >= 2, Unfit::Row)?;
        self.columns.fit(fit, width).map(|columns| SameRow { columns })
    }

    pub(super) fn cells(&self, rng: &mut Rng, canvas: &mut Canvas) {
        let (height, width) = (canvas.shape().h as u32, canvas.shape().w as u32);
        let columns = self.columns.positions(rng, canvas, width);
        let row = canvas.channel(rng) * height + rng.below(height);
        canvas.cells.extend(columns.iter().map(|column| row * width + column));
    }
}
