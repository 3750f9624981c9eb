//! A large share of whole channels.

use super::canvas::Canvas;
use super::choice::{Choice, Percent};
use super::fields::Fields;
use super::fit::Fit;
use super::spread::{CHANNELS, Spread};
use crate::rng::Rng;

/// In each of at least one channel a share of its positions.
#[derive(Clone, Debug, PartialEq)]
pub struct FullChannels {
    corrupted: Choice<Percent>,
    channels: Spread,
}

impl FullChannels {
    pub(super) fn new(fields: &mut Fields) -> Option<Self> {
        let corrupted = fields.percent("avg_channel_corruption_pct");
        let channels = Spread::new(fields, &CHANNELS, 1);
        Some(FullChannels { corrupted: corrupted?, channels: channels? })
    }

    pub(super) fn fit(&self, fit: &mut Fit) -> Option<Self> {
        let (.., channels) = fit.axes();
        let channels = self.channels.fit(fit, channels)?;
        Some(FullChannels { channels, ..self.clone() })
    }

    pub(super) fn cells(&self, rng: &mut Rng, canvas: &mut Canvas) {
        let corrupted = self.corrupted.draw(rng);
        canvas.note("avg_channel_corruption_pct", corrupted);
        let plane = canvas.plane();
        for channel in self.channels.channels(rng, canvas) {
            let count = corrupted.count(plane, rng).max(1);
            canvas.distinct(rng, channel * plane, plane, count);
        }
    }
}
