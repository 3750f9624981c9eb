//! Fits parameters to a tensor: strikes the choices that cannot be drawn there.

use std::str::FromStr;

use thiserror::Error;

use super::choice::Choice;
use crate::layout::Shape;

/// Why something cannot be drawn in a tensor.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unfit {
    /// The tensor has fewer channels.
    #[error("fewer than {0} channels")]
    Channels(u32),
    /// The rectangles do not fit into a channel.
    #[error("rectangles larger than a channel")]
    Rectangle,
    /// A channel has too few blocks.
    #[error("fewer blocks in a channel than are skipped")]
    Blocks,
    /// A row has no second cell.
    #[error("rows of one cell")]
    Row,
    /// A column has no second cell.
    #[error("columns of one cell")]
    Column,
    /// A channel has no second cell.
    #[error("channels of one cell")]
    OneCell,
    /// No position of a channel follows another.
    #[error("channels no longer than skip_amount")]
    SkipAmount,
    /// The channels that are skipped do not fit.
    #[error("least skips wider than the tensor")]
    Spread,
    /// An absolute cap would decide, and only fitting sets are wanted.
    #[error("a percent range wholly above the cap")]
    Capped,
}

/// Which parameter sets are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rows {
    /// All, with absolute caps where percents of a larger tensor go beyond them.
    #[default]
    All,
    /// Those whose percents fit the tensor.
    Fitting,
}

/// A text that names no choice of parameter sets.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("'{0}' is neither all nor fitting")]
pub struct RowsError(String);

impl FromStr for Rows {
    type Err = RowsError;

    fn from_str(text: &str) -> Result<Self, RowsError> {
        match text {
            "all" => Ok(Rows::All),
            "fitting" => Ok(Rows::Fitting),
            _ => Err(RowsError(text.to_owned())),
        }
    }
}

/// One parameter set on its way to fit a tensor.
pub struct Fit {
    /// The tensor's shape.
    pub shape: Shape,
    /// Which parameter sets are drawn.
    pub rows: Rows,
    /// The share of the set's choices that is left.
    pub kept: f64,
    /// Why the others are struck.
    pub why: Vec<Unfit>,
}

impl Fit {
    /// Nothing is struck yet.
    pub fn new(shape: Shape, rows: Rows) -> Self {
        Fit { shape, rows, kept: 1.0, why: Vec::new() }
    }

    /// Height, width and channels.
    pub fn axes(&self) -> (u32, u32, u32) {
        (self.shape.h as u32, self.shape.w as u32, self.shape.c as u32)
    }

    /// The cells of a channel.
    pub fn plane(&self) -> u32 {
        self.shape.plane() as u32
    }

    /// Strikes the whole set unless `holds`.
    pub fn require(&mut self, holds: bool, why: Unfit) -> Option<()> {
        if holds {
            return Some(());
        }
        self.kept = 0.0;
        self.why.push(why);
        None
    }

    /// Strikes the choices that `keep` does not accept; `None` where none is left.
    pub fn keep<T: Copy>(&mut self, choice: &Choice<T>, why: Unfit, keep: impl Fn(T) -> bool) -> Option<Choice<T>> {
        let kept = Choice::new(choice.values().filter(|&value| keep(value)));
        let count = kept.as_ref().map_or(0, Choice::count);
        if count < choice.count() {
            self.kept *= count as f64 / choice.count() as f64;
            self.why.push(why);
        }
        kept
    }
}
