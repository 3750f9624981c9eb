//! Cells of one column.

use super::canvas::Canvas;
use super::fields::Fields;
use super::fit::{Fit, Unfit};
use super::spread::{Names, Spread};
use crate::rng::Rng;

static ROWS: Names =
    Names { pct: "col_corruption_pct", most: "max_cardinality", min: "min_value_skip", max: "max_value_skip" };

/// One channel, one column; at least two rows, spread over the column. Never measured in the models that ship.
#[derive(Clone, Debug, PartialEq)]
pub struct SameColumn {
    rows: Spread,
}

impl SameColumn {
    pub(super) fn new(fields: &mut Fields) -> Option<Self> {
        Spread::new(fields, &ROWS, 2).map(|rows| SameColumn { rows })
    }

    pub(super) fn fit(&self, fit: &mut Fit) -> Option<Self> {
        let (height, ..) = fit.axes();
        fit.require(height >= 2, Unfit::Column)?;
        self.rows.fit(fit, height).map(|rows| SameColumn { rows })
    }

    pub(super) fn cells(&self, rng: &mut Rng, canvas: &mut Canvas) {
        let (height, width) = (canvas.shape().h as u32, canvas.shape().w as u32);
        let rows = self.rows.positions(rng, canvas, height);
        let start = canvas.channel(rng) * canvas.plane() + rng.below(width);
        canvas.cells.extend(rows.iter().map(|row| start + row * width));
    }
}
