//! Spans in several channels that meet in one position.

use super::canvas::Canvas;
use super::fields::Fields;
use super::fit::{Fit, Unfit};
use super::span::Spans;
use crate::rng::Rng;

/// At least two channels and a position common to all; in each a span that holds it, of which a share is corrupted, the
/// common position always.
#[derive(Clone, Debug, PartialEq)]
pub struct ShatteredChannel {
    spans: Spans,
}

impl ShatteredChannel {
    pub(super) fn new(fields: &mut Fields) -> Option<Self> {
        Spans::new(fields, 2).map(|spans| ShatteredChannel { spans })
    }

    pub(super) fn fit(&self, fit: &mut Fit) -> Option<Self> {
        let (.., channels) = fit.axes();
        fit.require(channels >= 2, Unfit::Channels(2))?;
        self.spans.fit(fit).map(|spans| ShatteredChannel { spans })
    }

    pub(super) fn cells(&self, rng: &mut Rng, canvas: &mut Canvas) {
        let (spans, channels) = self.spans.draw(rng, canvas);
        let common = rng.below(canvas.plane());
        for channel in channels {
            spans.with(rng, canvas, channel, common);
        }
    }
}
