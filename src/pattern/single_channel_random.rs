//! Cells of one channel without further order.

use super::canvas::Canvas;
use super::fields::Fields;
use super::fit::{Fit, Unfit};
use super::spread::{Names, Spread};
use crate::rng::Rng;

static POSITIONS: Names =
    Names { pct: "channel_corruption_pct", most: "max_cardinality", min: "min_value_skip", max: "max_value_skip" };

/// One channel; positions spread over it.
#[derive(Clone, Debug, PartialEq)]
pub struct SingleChannelRandom {
    positions: Spread,
}

impl SingleChannelRandom {
    pub(super) fn new(fields: &mut Fields) -> Option<Self> {
        Spread::new(fields, &POSITIONS, 1).map(|positions| SingleChannelRandom { positions })
    }

    pub(super) fn fit(&self, fit: &mut Fit) -> Option<Self> {
        let plane = fit.plane();
        fit.require(plane >= 2, Unfit::OneCell)?;
        self.positions.fit(fit, plane).map(|positions| SingleChannelRandom { positions })
    }

    pub(super) fn cells(&self, rng: &mut Rng, canvas: &mut Canvas) {
        let plane = canvas.plane();
        let positions = self.positions.positions(rng, canvas, plane);
        let start = canvas.channel(rng) * plane;
        canvas.cells.extend(positions.iter().map(|position| start + position));
    }
}
