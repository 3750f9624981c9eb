//! The shape of a layer's output, and the order of its axes in memory.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The shape of a layer's output without its batch axis: height, width and channels, each at
/// least 1, at most 4,294,967,295 cells in all.
///
/// The axes are named, so no memory layout can be mistaken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Shape {
    /// The height.
    pub h: usize,
    /// The width.
    pub w: usize,
    /// How many channels.
    pub c: usize,
}

/// What is wrong with a shape.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ShapeError {
    /// A text of another form.
    #[error("'{0}' is not a shape: three whole numbers H,W,C")]
    Syntax(String),
    /// An axis is 0.
    #[error("{h}x{w}x{c} is not a shape: an axis of no cells")]
    Empty {
        /// The height.
        h: usize,
        /// The width.
        w: usize,
        /// How many channels.
        c: usize,
    },
    /// More cells than a site can number.
    #[error("{h}x{w}x{c} is too large: at most 4294967295 cells")]
    TooLarge {
        /// The height.
        h: usize,
        /// The width.
        w: usize,
        /// How many channels.
        c: usize,
    },
}

impl Shape {
    /// # Errors
    /// An axis of zero, or more than `u32::MAX` cells.
    pub fn new(h: usize, w: usize, c: usize) -> Result<Self, ShapeError> {
        if h == 0 || w == 0 || c == 0 {
            return Err(ShapeError::Empty { h, w, c });
        }
        h.checked_mul(w)
            .and_then(|plane| plane.checked_mul(c))
            .filter(|&cells| u32::try_from(cells).is_ok())
            .map(|_| Shape { h, w, c })
            .ok_or(ShapeError::TooLarge { h, w, c })
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
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.h, self.w, self.c)
    }
}

impl FromStr for Shape {
    type Err = ShapeError;

    /// Reads `H,W,C`.
    fn from_str(text: &str) -> Result<Self, ShapeError> {
        let axes: Option<Vec<usize>> = text.split(',').map(|axis| axis.trim().parse().ok()).collect();
        match axes.as_deref() {
            Some(&[h, w, c]) => Shape::new(h, w, c),
            _ => Err(ShapeError::Syntax(text.to_owned())),
        }
    }
}

/// The order of the axes in a dense array, in Keras' words.
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

    /// What belongs to height, width and channels, in the order of a dense array's axes.
    pub fn order(self, [h, w, c]: [usize; 3]) -> [usize; 3] {
        match self {
            DataFormat::ChannelsLast => [h, w, c],
            DataFormat::ChannelsFirst => [c, h, w],
        }
    }

    /// What belongs to height, width and channels, of what is in the order of a dense array's axes.
    pub fn h_w_c(self, [first, second, third]: [usize; 3]) -> [usize; 3] {
        match self {
            DataFormat::ChannelsLast => [first, second, third],
            DataFormat::ChannelsFirst => [second, third, first],
        }
    }

    /// The axes of one site's dense array, in order.
    pub fn axes(self, shape: Shape) -> [usize; 3] {
        self.order([shape.h, shape.w, shape.c])
    }

    /// The shape whose dense array has these axes.
    ///
    /// # Errors
    /// As [`Shape::new`].
    pub fn shape(self, axes: [usize; 3]) -> Result<Shape, ShapeError> {
        let [h, w, c] = self.h_w_c(axes);
        Shape::new(h, w, c)
    }

    /// The index of cell (h, w, c) in one site's flattened dense array.
    pub fn index(self, shape: Shape, h_w_c: [usize; 3]) -> usize {
        let ([_, second, third], [i, j, k]) = (self.axes(shape), self.order(h_w_c));
        (i * second + j) * third + k
    }

    /// Where in one site's dense array the element with this index in the flattened one stands.
    pub fn place(self, shape: Shape, index: usize) -> [usize; 3] {
        let [_, second, third] = self.axes(shape);
        [index / (second * third), index / third % second, index % third]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_reads_h_w_c_and_shows_its_axes() {
        let shape: Shape = "27, 26,16".parse().unwrap();
        assert_eq!((shape.h, shape.w, shape.c), (27, 26, 16));
        assert_eq!(shape.to_string(), "27x26x16");
        assert_eq!((shape.plane(), shape.cells()), (702, 11232));
    }

    #[test]
    fn what_is_no_shape_is_refused() {
        for text in ["", "27", "27,27", "27,27,16,1", "27,-1,16", "27,a,16", "1.5,2,2", "(2,2,2)"] {
            assert_eq!(text.parse::<Shape>(), Err(ShapeError::Syntax(text.to_owned())));
        }
        assert_eq!("3,0,1".parse::<Shape>(), Err(ShapeError::Empty { h: 3, w: 0, c: 1 }));
        assert!(Shape::new(65536, 65536, 1).is_err());
        assert!(Shape::new(65535, 65537, 1).is_ok());
        assert!(Shape::new(usize::MAX, usize::MAX, 2).is_err());
    }

    #[test]
    fn axes_and_shape_are_inverse_in_both_formats() {
        let shape = Shape::new(2, 3, 4).unwrap();
        assert_eq!(DataFormat::ChannelsLast.axes(shape), [2, 3, 4]);
        assert_eq!(DataFormat::ChannelsFirst.axes(shape), [4, 2, 3]);
        for format in [DataFormat::ChannelsLast, DataFormat::ChannelsFirst] {
            assert_eq!(format.shape(format.axes(shape)), Ok(shape));
            assert_eq!(format.name().parse(), Ok(format));
        }
    }

    #[test]
    fn a_cell_has_one_index_in_each_format() {
        let shape = Shape::new(2, 3, 4).unwrap();
        assert_eq!(DataFormat::ChannelsLast.index(shape, [1, 0, 2]), 14);
        assert_eq!(DataFormat::ChannelsFirst.index(shape, [1, 0, 2]), 15);
        for format in DataFormat::ALL {
            for index in 0..shape.cells() {
                let cell = format.h_w_c(format.place(shape, index));
                assert_eq!(format.index(shape, cell), index);
            }
        }
    }
}
