//! Cells of several channels without further order.

use super::canvas::Canvas;
use super::choice::{Choice, Pair, Percent};
use super::fields::Fields;
use super::fit::{Fit, Unfit};
use super::spread::{CHANNELS, Spread};
use crate::rng::Rng;

/// At least two channels; in each a share of its positions, kept within the least and greatest number of errors.
#[derive(Clone, Debug, PartialEq)]
pub struct MultipleChannelsUncategorized {
    corrupted: Choice<Percent>,
    errors: Pair,
    channels: Spread,
}

impl MultipleChannelsUncategorized {
    pub(super) fn new(fields: &mut Fields) -> Option<Self> {
        let corrupted = fields.percent("avg_channel_corruption_pct");
        let errors = fields.pair("min_errors_per_channel", "max_errors_per_channel");
        let channels = Spread::new(fields, &CHANNELS, 2);
        Some(MultipleChannelsUncategorized { corrupted: corrupted?, errors: errors?, channels: channels? })
    }

    pub(super) fn fit(&self, fit: &mut Fit) -> Option<Self> {
        let (.., channels) = fit.axes();
        fit.require(channels >= 2, Unfit::Channels(2))?;
        let channels = self.channels.fit(fit, channels)?;
        Some(MultipleChannelsUncategorized { channels, ..self.clone() })
    }

    pub(super) fn cells(&self, rng: &mut Rng, canvas: &mut Canvas) {
        let corrupted = self.corrupted.draw(rng);
        canvas.note("avg_channel_corruption_pct", corrupted);
        let (min, max) = self.errors.draw(rng, u32::MAX);
        canvas.note("min_errors_per_channel", min);
        canvas.note("max_errors_per_channel", max);
        let plane = canvas.plane();
        for channel in self.channels.channels(rng, canvas) {
            let count = corrupted.count(plane, rng).clamp(min, max).min(plane);
            canvas.distinct(rng, channel * plane, plane, count);
        }
    }
}
