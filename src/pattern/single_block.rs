//! A run of consecutive elements of the tensor.

use super::canvas::Canvas;
use super::choice::{Choice, Percent};
use super::fields::Fields;
use super::fit::Fit;
use crate::rng::Rng;

/// A share of a run of `block_size` elements, counted channel by channel; the run may begin anywhere it fits. A tensor
/// shorter than the block is the block.
#[derive(Clone, Debug, PartialEq)]
pub struct SingleBlock {
    size: Choice<u32>,
    corrupted: Choice<Percent>,
}

impl SingleBlock {
    pub(super) fn new(fields: &mut Fields) -> Option<Self> {
        let size = fields.count("block_size", 1);
        let corrupted = fields.percent("block_corruption_pct");
        Some(SingleBlock { size: size?, corrupted: corrupted? })
    }

    pub(super) fn fit(&self, _: &mut Fit) -> Option<Self> {
        Some(self.clone())
    }

    pub(super) fn cells(&self, rng: &mut Rng, canvas: &mut Canvas) {
        let size = self.size.draw(rng);
        let corrupted = self.corrupted.draw(rng);
        canvas.note("block_size", size);
        canvas.note("block_corruption_pct", corrupted);
        let cells = canvas.shape().cells() as u32;
        let size = size.min(cells);
        let start = rng.between(0, cells - size);
        let count = corrupted.count(size, rng).max(1);
        canvas.distinct(rng, start, size, count);
    }
}
