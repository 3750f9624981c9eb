//! One cell.

use super::canvas::Canvas;
use super::fields::Fields;
use super::fit::Fit;
use crate::rng::Rng;

/// One cell, uniform over the tensor. No parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Single;

impl Single {
    pub(super) fn new(_: &mut Fields) -> Option<Self> {
        Some(Single)
    }

    pub(super) fn fit(&self, _: &mut Fit) -> Option<Self> {
        Some(Single)
    }

    pub(super) fn cells(&self, rng: &mut Rng, canvas: &mut Canvas) {
        let cell = rng.below(canvas.shape().cells() as u32);
        canvas.cells.push(cell);
    }
}
