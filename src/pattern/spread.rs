//! Positions along an axis with bounded gaps: what the classes with several channels, columns or rows share.

use super::canvas::Canvas;
use super::choice::{Choice, Pair, Percent};
use super::fields::Fields;
use super::fit::{Fit, Rows, Unfit};
use crate::rng::Rng;

/// The names of a spread's parameters.
#[derive(Debug, PartialEq)]
pub struct Names {
    pub pct: &'static str,
    pub most: &'static str,
    pub min: &'static str,
    pub max: &'static str,
}

/// The names of the spread over channels.
pub static CHANNELS: Names = Names {
    pct: "affected_channels_pct",
    most: "max_corrupted_channels",
    min: "min_channel_skip",
    max: "max_channel_skip",
};

/// Positions in `0..n`, at least `least` of them: a share of `n` but at most so many, with gaps in a range.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    names: &'static Names,
    least: u32,
    pct: Choice<Percent>,
    most: Choice<u32>,
    skip: Pair,
    rows: Rows,
}

impl Spread {
    pub fn new(fields: &mut Fields, names: &'static Names, least: u32) -> Option<Self> {
        let pct = fields.percent(names.pct);
        let most = fields.count(names.most, 1);
        let skip = fields.pair(names.min, names.max);
        Some(Spread { names, least, pct: pct?, most: most?, skip: skip?, rows: Rows::All })
    }

    /// Fits the spread to `0..n`.
    pub fn fit(&self, fit: &mut Fit, n: u32) -> Option<Self> {
        let mut fitted = self.clone();
        if let Some(gaps) = self.least.checked_sub(1).filter(|&gaps| gaps > 0) {
            fitted.skip.min = fit.keep(&self.skip.min, Unfit::Spread, |min| min <= (n - 1) / gaps)?;
        }
        fitted.rows = fit.rows;
        if fit.rows == Rows::Fitting {
            let cap = self.most.values().max().unwrap_or(0);
            fitted.pct = fit.keep(&self.pct, Unfit::Capped, |pct| pct.least(n) <= cap)?;
            let smallest = fitted.pct.values().map(|pct| pct.least(n)).min().unwrap_or(0);
            fitted.most = fit.keep(&self.most, Unfit::Capped, |most| smallest <= most)?;
        }
        Some(fitted)
    }

    /// The channels of a site; in `0..C`.
    pub fn channels(&self, rng: &mut Rng, canvas: &mut Canvas) -> Vec<u32> {
        self.positions(rng, canvas, canvas.shape().c as u32)
    }

    /// Positions in `0..n`, ascending.
    pub fn positions(&self, rng: &mut Rng, canvas: &mut Canvas, n: u32) -> Vec<u32> {
        let pct = self.pct.draw(rng);
        let most = match self.rows {
            Rows::All => self.most.draw(rng),
            // Fitting has left a cap for every range.
            Rows::Fitting => self.most.draw_where(rng, |most| pct.least(n) <= most).unwrap_or(u32::MAX),
        };
        let skip = self.skip.draw(rng, u32::MAX);
        canvas.note(self.names.pct, pct);
        canvas.note(self.names.most, most);
        canvas.note(self.names.min, skip.0);
        canvas.note(self.names.max, skip.1);
        canvas.capped |= pct.least(n) > most;
        let count = pct.count(n, rng).min(most).max(self.least).min((n - 1) / skip.0 + 1);
        canvas.spread(rng, n, count, skip)
    }
}
