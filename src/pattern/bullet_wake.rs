//! One position through several channels.

use super::canvas::Canvas;
use super::fields::Fields;
use super::fit::{Fit, Unfit};
use super::spread::{CHANNELS, Spread};
use crate::rng::Rng;

/// At least two channels, the same position in each.
#[derive(Clone, Debug, PartialEq)]
pub struct BulletWake {
    channels: Spread,
}

impl BulletWake {
    pub(super) fn new(fields: &mut Fields) -> Option<Self> {
        Spread::new(fields, &CHANNELS, 2).map(|channels| BulletWake { channels })
    }

    pub(super) fn fit(&self, fit: &mut Fit) -> Option<Self> {
        let (.., channels) = fit.axes();
        fit.require(channels >= 2, Unfit::Channels(2))?;
        self.channels.fit(fit, channels).map(|channels| BulletWake { channels })
    }

    pub(super) fn cells(&self, rng: &mut Rng, canvas: &mut Canvas) {
        let channels = self.channels.channels(rng, canvas);
        let (plane, position) = (canvas.plane(), rng.below(canvas.plane()));
        canvas.cells.extend(channels.iter().map(|channel| channel * plane + position));
    }
}
