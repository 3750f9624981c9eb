//! The order of axes in memory.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::{Shape, ShapeError};

/// The order of an image's axes in a dense array, in Keras' words; of other tensors, where the channels are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DataFormat {
    /// (H, W, C)
    #[default]
    ChannelsLast,
    /// (C, H, W)
    ChannelsFirst,
}

/// A text that is neither of Keras' data formats.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("'{0}' is not a data format: channels_last or channels_first")]
pub struct DataFormatError(String);

impl DataFormat {
    /// Both.
    pub const ALL: [DataFormat; 2] = [DataFormat::ChannelsLast, DataFormat::ChannelsFirst];

    /// The name in configs.
    pub fn name(self) -> &'static str {
        match self {
            DataFormat::ChannelsLast => "channels_last",
            DataFormat::ChannelsFirst => "channels_first",
        }
    }

    /// The axes of one site's dense array, in order.
    pub fn axes(self, shape: Shape) -> Vec<usize> {
        self.order(&shape.axes())
    }

    /// What belongs to the axes of a tensor, in the order of a dense array, where only an image's have another.
    pub fn order<T: Copy>(self, axes: &[T]) -> Vec<T> {
        match (self, axes) {
            (DataFormat::ChannelsFirst, &[h, w, c]) => vec![c, h, w],
            _ => axes.to_vec(),
        }
    }

    /// What belongs to the axes of a tensor, of what is in the order of a dense array: the other way round.
    pub fn named<T: Copy>(self, axes: &[T]) -> Vec<T> {
        match (self, axes) {
            (DataFormat::ChannelsFirst, &[c, h, w]) => vec![h, w, c],
            _ => axes.to_vec(),
        }
    }

    /// The shape whose dense array has these axes.
    ///
    /// # Errors
    /// As [`Shape::of_axes`].
    pub fn shape(self, axes: &[usize]) -> Result<Shape, ShapeError> {
        Ok(Shape::of_axes(&self.named(axes))?.seen_as(self))
    }

    /// Where the channels are in memory.
    fn of(self, shape: Shape) -> DataFormat {
        if shape.is_image() { self } else { shape.channels }
    }

    /// The index of cell (h, w, c) in one site's flattened dense array.
    pub fn index(self, shape: Shape, [h, w, c]: [usize; 3]) -> usize {
        match self.of(shape) {
            DataFormat::ChannelsLast => (h * shape.w + w) * shape.c + c,
            DataFormat::ChannelsFirst => (c * shape.h + h) * shape.w + w,
        }
    }

    /// The cell (h, w, c) with this index in one site's flattened dense array.
    pub fn cell(self, shape: Shape, index: usize) -> [usize; 3] {
        let Shape { h, w, c, .. } = shape;
        match self.of(shape) {
            DataFormat::ChannelsLast => [index / (w * c), index / c % w, index % c],
            DataFormat::ChannelsFirst => [index / w % h, index % w, index / (h * w)],
        }
    }
}

impl fmt::Display for DataFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DataFormat {
    type Err = DataFormatError;

    fn from_str(text: &str) -> Result<Self, DataFormatError> {
        match text {
            "channels_last" => Ok(DataFormat::ChannelsLast),
            "channels_first" => Ok(DataFormat::ChannelsFirst),
            _ => Err(DataFormatError(text.to_owned())),
        }
    }
}
