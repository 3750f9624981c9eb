//! The shape of a tensor without its batch axis, and where its cells stand.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::DataFormat;
use crate::text;

/// The most axes that a tensor may have without its batch axis.
pub const MOST_AXES: usize = 7;

/// The shape of a layer's output without its batch axis: each axis at least 1, at most 4,294,967,295 cells in all.
///
/// Three axes are those of an image, named, so that no memory layout can be mistaken for another. Others stand as they do in
/// memory: features; steps and features; depth, height, width and channels.
///
/// Error models know height, width and channels. An output without height, or without width, is of height or width 1; all that
/// stands before the width, but the channels, is height: of a volume depth by depth.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Shape {
    /// The height.
    pub h: usize,
    /// The width.
    pub w: usize,
    /// How many channels.
    pub c: usize,
    /// Behind the last axis 0. Short, since errors carry shapes.
    axes: [u32; MOST_AXES],
    /// Which axis the channels are where it is no image.
    pub(super) channels: DataFormat,
}

impl PartialEq for Shape {
    /// Whether a site of one is a site of the other.
    fn eq(&self, other: &Shape) -> bool {
        self.axes == other.axes
    }
}

impl Eq for Shape {}

/// What is wrong with a shape.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ShapeError {
    /// A text of another form.
    #[error("'{0}' is not a shape: whole numbers, H,W,C or the axes of another rank")]
    Syntax(String),
    /// Too few axes, or too many.
    #[error("{} axes are not a shape: 1 to {MOST_AXES} without the batch", .0)]
    Rank(usize),
    /// An axis is 0.
    #[error("{} is not a shape: an axis of no cells", sizes(.0))]
    Empty(Vec<usize>),
    /// More cells than a site can number.
    #[error("{} is too large: at most 4294967295 cells", sizes(.0))]
    TooLarge(Vec<usize>),
}

/// What so many axes are, to be said behind their sizes, where they have names.
pub fn axes_words(axes: usize) -> &'static str {
    if axes == 3 { " (H x W x C)" } else { "" }
}

fn sizes(axes: &[usize]) -> String {
    text::axes(axes.iter().map(|&axis| Some(axis)))
}

impl Shape {
    /// The shape of an image.
    ///
    /// # Errors
    /// An axis of zero, or more than `u32::MAX` cells.
    pub fn new(h: usize, w: usize, c: usize) -> Result<Self, ShapeError> {
        Shape::of_axes(&[h, w, c])
    }

    /// The shape with these axes: height, width and channels, or others in their order, of which the last are channels.
    ///
    /// # Errors
    /// No axis or more than [`MOST_AXES`], one of zero, or more than `u32::MAX` cells.
    pub fn of_axes(sizes: &[usize]) -> Result<Self, ShapeError> {
        if !(1..=MOST_AXES).contains(&sizes.len()) {
            return Err(ShapeError::Rank(sizes.len()));
        }
        if sizes.contains(&0) {
            return Err(ShapeError::Empty(sizes.to_vec()));
        }
        let mut axes = [0; MOST_AXES];
        let mut cells = 1u32;
        for (axis, &size) in axes.iter_mut().zip(sizes) {
            let too_large = || ShapeError::TooLarge(sizes.to_vec());
            *axis = u32::try_from(size).map_err(|_| too_large())?;
            cells = cells.checked_mul(*axis).ok_or_else(too_large)?;
        }
        Ok(Shape { h: 1, w: 1, c: 1, axes, channels: DataFormat::ChannelsLast }.seen_as(DataFormat::ChannelsLast))
    }

    /// The same shape, whose first axis are channels, or whose last; of an image the axes are named anyway.
    #[must_use]
    pub fn seen_as(mut self, channels: DataFormat) -> Self {
        self.channels = if self.is_image() { DataFormat::ChannelsLast } else { channels };
        let axes = self.axes();
        let (c, places) = match (self.channels, axes.as_slice()) {
            (DataFormat::ChannelsLast, [places @ .., c]) | (DataFormat::ChannelsFirst, [c, places @ ..]) => {
                (*c, places)
            }
            (_, []) => (1, &[][..]),
        };
        let (w, above) = places.split_last().map_or((1, places), |(&w, above)| (w, above));
        (self.h, self.w, self.c) = (above.iter().product(), w, c);
        self
    }

    /// The sizes of its axes: height, width and channels, or others in their order.
    pub fn axes(&self) -> Vec<usize> {
        self.axes.iter().take_while(|&&axis| axis > 0).map(|&axis| axis as usize).collect()
    }

    /// The number of its axes.
    pub fn rank(&self) -> usize {
        self.axes.iter().take_while(|&&axis| axis > 0).count()
    }

    /// Whether its axes are height, width and channels, for which faults were measured.
    pub fn is_image(&self) -> bool {
        self.rank() == 3
    }

    /// What its axes are, to be said behind it, where they have names.
    pub fn axes_words(&self) -> &'static str {
        axes_words(self.rank())
    }

    /// The number of cells in the tensor, `h * w * c`.
    pub fn cells(self) -> usize {
        self.h * self.w * self.c
    }

    /// The number of cells in one channel, `h * w`.
    pub fn plane(self) -> usize {
        self.h * self.w
    }

    /// Whether there is a cell (h, w, c).
    pub fn contains(self, h: usize, w: usize, c: usize) -> bool {
        h < self.h && w < self.w && c < self.c
    }

    /// Where cell (h, w, c) stands on each axis.
    pub fn place(&self, cell: [usize; 3]) -> Place {
        let mut rest = self.channels.index(*self, cell);
        let mut place: Vec<usize> = self.axes().iter().rev().map(|axis| (rest % axis, rest /= axis).0).collect();
        place.reverse();
        Place(place)
    }

    /// The cell (h, w, c) that stands there on each axis; `None` outside, or with another number of axes.
    pub fn cell(&self, place: &[usize]) -> Option<[usize; 3]> {
        let axes = self.axes();
        if place.len() != axes.len() || place.iter().zip(&axes).any(|(at, axis)| at >= axis) {
            return None;
        }
        let index = place.iter().zip(&axes).fold(0, |index, (at, axis)| index * axis + at);
        Some(self.channels.cell(*self, index))
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&sizes(&self.axes()))
    }
}

impl FromStr for Shape {
    type Err = ShapeError;

    /// Reads `H,W,C`, or the axes of another rank.
    fn from_str(text: &str) -> Result<Self, ShapeError> {
        let axes: Option<Vec<usize>> = text.split(',').map(|axis| axis.trim().parse().ok()).collect();
        Shape::of_axes(&axes.ok_or_else(|| ShapeError::Syntax(text.to_owned()))?)
    }
}

/// Where a cell stands on each axis: height, width and channels, or others in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(pub Vec<usize>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [h, w, c] => write!(f, "h {h}, w {w}, c {c}"),
            axes => write!(f, "{axes:?}"),
        }
    }
}
