//! Whole blocks of one channel, with others between them left alone.

use super::canvas::Canvas;
use super::choice::{Choice, Pair};
use super::fields::Fields;
use super::fit::{Fit, Unfit};
use crate::rng::Rng;

/// One channel cut in blocks of `block_size`, the last of which may be short: the first block, then each time one so
/// many blocks further, to the end, wholly corrupted. (`max_feature_map_size` in the models is a remark.)
#[derive(Clone, Debug, PartialEq)]
pub struct SingleChannelAlternatedBlocks {
    size: Choice<u32>,
    skip: Pair,
}

impl SingleChannelAlternatedBlocks {
    pub(super) fn new(fields: &mut Fields) -> Option<Self> {
        let size = fields.count("block_size", 1);
        let skip = fields.pair("min_block_skip", "max_block_skip");
        Some(SingleChannelAlternatedBlocks { size: size?, skip: skip? })
    }

    pub(super) fn fit(&self, fit: &mut Fit) -> Option<Self> {
        let plane = fit.plane();
        let least = self.skip.min.values().min().unwrap_or(1);
        let size = fit.keep(&self.size, Unfit::Blocks, |size| plane.div_ceil(size) > least)?;
        let most = size.values().map(|size| plane.div_ceil(size)).max().unwrap_or(0);
        let min = fit.keep(&self.skip.min, Unfit::Blocks, |skip| most > skip)?;
        Some(SingleChannelAlternatedBlocks { size, skip: Pair { min, ..self.skip.clone() } })
    }

    pub(super) fn cells(&self, rng: &mut Rng, canvas: &mut Canvas) {
        let plane = canvas.plane();
        let size = self.size.draw(rng);
        let blocks = plane.div_ceil(size);
        let (min, max) = self.skip.draw(rng, blocks - 1);
        canvas.note("block_size", size);
        canvas.note("min_block_skip", min);
        canvas.note("max_block_skip", max);
        let start = canvas.channel(rng) * plane;
        let mut block = 0;
        while block < blocks {
            let from = block * size;
            // No sum that could overrun: a block may be as long as all there is.
            let to = from + size.min(plane - from);
            canvas.cells.extend(start + from..start + to);
            block = block.saturating_add(rng.between(min, max));
        }
    }
}
