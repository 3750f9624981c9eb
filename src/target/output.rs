//! What a layer puts out: the sizes of its axes, what they mean, and what the cells hold.

use crate::keras::dtype::Dtype;
use crate::layout::DataFormat;
use crate::shape::Dims;

/// One tensor that a layer puts out, as far as it is known without running the model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Output {
    /// The sizes of its axes, the batch first; `None` where not even their number is known. A size is `None` where it is
    /// unknown, or differs from run to run.
    pub dims: Option<Dims>,
    /// The place in `dims` of the axis with the channels (or features). The other axes behind the batch then stand in
    /// their order: depth, height, width, or steps. `None` where what the axes mean is not known, or they stand in another
    /// order.
    pub channels: Option<usize>,
    /// What its cells hold; `None` where it is not known.
    pub dtype: Option<Dtype>,
    /// How its cells are stored.
    pub storage: Storage,
}

/// How Keras stores the cells of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Storage {
    /// All of them, in one block.
    #[default]
    Dense,
    /// Rows of unequal length.
    Ragged,
    /// Those that are not zero.
    Sparse,
}

impl Output {
    /// The number of axes, the batch included.
    pub fn rank(&self) -> Option<usize> {
        self.dims.as_ref().map(Vec::len)
    }

    /// Where the channels are; `None` where that is not known, or they stand between places.
    pub fn data_format(&self) -> Option<DataFormat> {
        match (self.rank()?, self.channels?) {
            (rank, channels) if channels + 1 == rank => Some(DataFormat::ChannelsLast),
            (_, 1) => Some(DataFormat::ChannelsFirst),
            _ => None,
        }
    }

    /// What two outputs have in common.
    pub(super) fn shared(&self, other: &Output) -> Output {
        fn same<T: Copy + PartialEq>(a: Option<T>, b: Option<T>) -> Option<T> {
            if a == b { a } else { None }
        }
        let dims = match (&self.dims, &other.dims) {
            (Some(a), Some(b)) if a.len() == b.len() => Some(a.iter().zip(b).map(|(&a, &b)| same(a, b)).collect()),
            _ => None,
        };
        let storage = if self.storage == Storage::Dense { other.storage } else { self.storage };
        Output { channels: same(self.channels, other.channels), dims, dtype: same(self.dtype, other.dtype), storage }
    }
}
