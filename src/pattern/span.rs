//! Spans of channels: what shattered and quasi-shattered channels share.

use super::canvas::Canvas;
use super::choice::{Choice, Pair, Percent};
use super::fields::Fields;
use super::fit::Fit;
use super::spread::{CHANNELS, Spread};
use crate::rng::Rng;

/// Channels, and in each a span of which a share is corrupted.
#[derive(Clone, Debug, PartialEq)]
pub struct Spans {
    corrupted: Choice<Percent>,
    width: Pair,
    channels: Spread,
}

/// Spans whose choices are made.
pub struct Drawn {
    corrupted: Percent,
    width: (u32, u32),
}

impl Spans {
    pub fn new(fields: &mut Fields, least: u32) -> Option<Self> {
        let corrupted = fields.percent("avg_span_corruption_pct");
        let channels = Spread::new(fields, &CHANNELS, least);
        let width = fields.pair("min_span_width", "max_span_width");
        Some(Spans { corrupted: corrupted?, width: width?, channels: channels? })
    }

    pub fn fit(&self, fit: &mut Fit) -> Option<Self> {
        let (.., channels) = fit.axes();
        let channels = self.channels.fit(fit, channels)?;
        Some(Spans { channels, ..self.clone() })
    }

    /// Makes the choices; the channels are those of the site.
    pub fn draw(&self, rng: &mut Rng, canvas: &mut Canvas) -> (Drawn, Vec<u32>) {
        let corrupted = self.corrupted.draw(rng);
        canvas.note("avg_span_corruption_pct", corrupted);
        let channels = self.channels.channels(rng, canvas);
        let width = self.width.draw(rng, u32::MAX);
        canvas.note("min_span_width", width.0);
        canvas.note("max_span_width", width.1);
        (Drawn { corrupted, width }, channels)
    }
}

impl Drawn {
    /// A span that holds `common`, uniform among those that do: `common`, and others up to the share.
    pub fn with(&self, rng: &mut Rng, canvas: &mut Canvas, channel: u32, common: u32) {
        let (plane, width) = self.width(rng, canvas);
        let start = rng.between((common + 1).saturating_sub(width), common.min(plane - width));
        let count = self.corrupted.count(width, rng).max(1);
        let place = channel * plane + common;
        canvas.cells.push(place);
        self.others(rng, canvas, channel * plane + start, width, place, count - 1);
    }

    /// A span placed anywhere, with at least one cell beside `avoided`: a share of it, but never `avoided`.
    pub fn without(&self, rng: &mut Rng, canvas: &mut Canvas, channel: u32, avoided: u32) {
        let (plane, width) = self.width(rng, canvas);
        let start = if width > 1 {
            rng.between(0, plane - width)
        } else {
            let start = rng.below(plane - 1);
            start + u32::from(start >= avoided)
        };
        let count = self.corrupted.count(width, rng).max(1);
        let from = channel * plane + start;
        let place = channel * plane + avoided;
        if (from..from + width).contains(&place) {
            self.others(rng, canvas, from, width, place, count.min(width - 1));
        } else {
            canvas.distinct(rng, from, width, count);
        }
    }

    /// `count` distinct cells of a span that holds `place`, but not `place`.
    fn others(&self, rng: &mut Rng, canvas: &mut Canvas, from: u32, width: u32, place: u32, count: u32) {
        let first = canvas.cells.len();
        canvas.distinct(rng, from, width - 1, count);
        for cell in &mut canvas.cells[first..] {
            *cell += u32::from(*cell >= place);
        }
    }

    fn width(&self, rng: &mut Rng, canvas: &Canvas) -> (u32, u32) {
        let plane = canvas.plane();
        (plane, rng.between(self.width.0.min(plane), self.width.1.min(plane)))
    }
}
