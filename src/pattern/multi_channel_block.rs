//! The same block in several channels.

use super::canvas::Canvas;
use super::choice::{Choice, Percent};
use super::fields::Fields;
use super::fit::{Fit, Unfit};
use super::spread::{CHANNELS, Spread};
use crate::rng::Rng;

/// At least two channels, each cut in aligned blocks; one block, the same in each, of which a share is corrupted: at
/// least half a block, or all of it where it is smaller.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiChannelBlock {
    size: Choice<u32>,
    corrupted: Choice<Percent>,
    channels: Spread,
}

impl MultiChannelBlock {
    pub(super) fn new(fields: &mut Fields) -> Option<Self> {
        let size = fields.count("block_size", 1);
        let corrupted = fields.percent("avg_block_corruption_pct");
        let channels = Spread::new(fields, &CHANNELS, 2);
        Some(MultiChannelBlock { size: size?, corrupted: corrupted?, channels: channels? })
    }

    pub(super) fn fit(&self, fit: &mut Fit) -> Option<Self> {
        let (.., channels) = fit.axes();
        fit.require(channels >= 2, Unfit::Channels(2))?;
        let channels = self.channels.fit(fit, channels)?;
        Some(MultiChannelBlock { channels, ..self.clone() })
    }

    pub(super) fn cells(&self, rng: &mut Rng, canvas: &mut Canvas) {
        let size = self.size.draw(rng);
        let corrupted = self.corrupted.draw(rng);
        canvas.note("block_size", size);
        canvas.note("avg_block_corruption_pct", corrupted);
        let channels = self.channels.channels(rng, canvas);

        let plane = canvas.plane();
        let half = size.div_ceil(2);
        let (whole, rest) = (plane / size, plane % size);
        // A shorter last block counts where it is at least half a block, or the only one.
        let blocks = whole + u32::from(rest >= half || whole == 0);
        let start = rng.below(blocks) * size;
        let length = size.min(plane - start);
        for channel in channels {
            let count = corrupted.count(length, rng).max(half.min(length));
            canvas.distinct(rng, channel * plane + start, length, count);
        }
    }
}
