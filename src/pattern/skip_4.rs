//! Every fourth position of a channel (or every `skip_amount`th).

use super::canvas::Canvas;
use super::choice::{Choice, Percent};
use super::fields::Fields;
use super::fit::{Fit, Unfit};
use super::spread::{CHANNELS, Spread};
use crate::rng::Rng;

/// In every channel the positions `(s + i) * skip_amount + r` for `i` in `0..unique_channel_indexes`, with a start `s`
/// and a remainder `r` common to all; of all these candidates, a share.
#[derive(Clone, Debug, PartialEq)]
pub struct Skip4 {
    skip: Choice<u32>,
    indexes: Choice<u32>,
    corrupted: Choice<Percent>,
    channels: Spread,
}

impl Skip4 {
    pub(super) fn new(fields: &mut Fields) -> Option<Self> {
        let skip = fields.count("skip_amount", 1);
        let indexes = fields.count("unique_channel_indexes", 1);
        let corrupted = fields.percent("indexes_corruption_pct");
        let channels = Spread::new(fields, &CHANNELS, 1);
        Some(Skip4 { skip: skip?, indexes: indexes?, corrupted: corrupted?, channels: channels? })
    }

    pub(super) fn fit(&self, fit: &mut Fit) -> Option<Self> {
        let (plane, (.., channels)) = (fit.plane(), fit.axes());
        let skip = fit.keep(&self.skip, Unfit::SkipAmount, |skip| plane > skip)?;
        let channels = self.channels.fit(fit, channels)?;
        Some(Skip4 { skip, channels, ..self.clone() })
    }

    pub(super) fn cells(&self, rng: &mut Rng, canvas: &mut Canvas) {
        let skip = self.skip.draw(rng);
        let indexes = self.indexes.draw(rng);
        let corrupted = self.corrupted.draw(rng);
        canvas.note("skip_amount", skip);
        canvas.note("unique_channel_indexes", indexes);
        canvas.note("indexes_corruption_pct", corrupted);
        let channels = self.channels.channels(rng, canvas);

        let plane = canvas.plane();
        let remainder = rng.below(skip);
        let there = (plane - 1 - remainder) / skip + 1;
        let (start, indexes) = if indexes < there { (rng.below(there - indexes + 1), indexes) } else { (0, there) };
        let candidates = indexes * channels.len() as u32;
        let count = corrupted.count(candidates, rng).max(1);
        let first = canvas.cells.len();
        canvas.distinct(rng, 0, candidates, count);
        for cell in &mut canvas.cells[first..] {
            let channel = channels[(*cell / indexes) as usize];
            *cell = channel * plane + (start + *cell % indexes) * skip + remainder;
        }
    }
}
