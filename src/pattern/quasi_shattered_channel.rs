//! Spans in several channels, some of which meet in one position.

use super::canvas::Canvas;
use super::fields::Fields;
use super::fit::{Fit, Unfit};
use super::span::Spans;
use crate::rng::Rng;

/// At least three channels and a position common to at least two of them but not to all: how many share it is uniform,
/// and which. Those that share it have a span as in a shattered channel; in the others the span lies anywhere, with at
/// least one corrupted cell and never the common position.
#[derive(Clone, Debug, PartialEq)]
pub struct QuasiShatteredChannel {
    spans: Spans,
}

impl QuasiShatteredChannel {
    pub(super) fn new(fields: &mut Fields) -> Option<Self> {
        Spans::new(fields, 3).map(|spans| QuasiShatteredChannel { spans })
    }

    pub(super) fn fit(&self, fit: &mut Fit) -> Option<Self> {
        let (.., channels) = fit.axes();
        fit.require(channels >= 3, Unfit::Channels(3))?;
        // Beside the common position there must be another one.
        fit.require(fit.plane() >= 2, Unfit::OneCell)?;
        self.spans.fit(fit).map(|spans| QuasiShatteredChannel { spans })
    }

    pub(super) fn cells(&self, rng: &mut Rng, canvas: &mut Canvas) {
        let (spans, channels) = self.spans.draw(rng, canvas);
        let common = rng.below(canvas.plane());
        let count = channels.len() as u32;
        let sharers = rng.between(2, count - 1);
        let mut shares = vec![false; channels.len()];
        canvas.subset(rng, count, sharers, |i| shares[i as usize] = true);
        for (channel, shares) in channels.into_iter().zip(shares) {
            if shares {
                spans.with(rng, canvas, channel, common);
            } else {
                spans.without(rng, canvas, channel, common);
            }
        }
    }
}
