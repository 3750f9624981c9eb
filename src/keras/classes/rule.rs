//! The families of rules for shapes that classes belong to; the rules themselves are in [`crate::shape`].

/// The family of layers whose rule gives the shape of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// None is known.
    Unknown,
    /// The output has the shape of the input.
    Same,
    /// Convolutions, by their number of spatial axes.
    Convolution(Convolution, usize),
    /// Pooling, by the number of spatial axes.
    Pooling(Pooling, usize),
    /// Changes of spatial sizes alone, by the number of spatial axes.
    Spatial(Spatial, usize),
    /// One tensor made of several.
    Merging(Merging),
    /// Dense layers, and those that rearrange axes.
    Features(Features),
    /// Recurrent layers, by the number of states that they return.
    Recurrent(usize),
    /// Recurrent convolutions, by their number of spatial axes.
    ConvolvingRecurrent(usize),
    /// A layer around a cell, or cells, of its own.
    Cells,
    /// Attention: a query, a value and a key.
    Attention(Attention),
    /// A layer around another.
    Wrapper(Wrapper),
    /// The model's inputs.
    Input,
}

/// How a convolution's kernel meets its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Convolution {
    /// Filters over all channels.
    Plain,
    /// Filters for each channel.
    Depthwise,
    /// The other way round: it grows.
    Transposed,
}

/// What is pooled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// Windows.
    Windowed,
    /// All of a channel.
    Global,
    /// As many windows as the output has places.
    Adaptive,
}

/// What happens to the spatial sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spatial {
    /// Both ends grow.
    Padding,
    /// Both ends are cut.
    Cropping,
    /// Each place becomes several.
    UpSampling,
    /// To the size that `height` and `width` name.
    Resizing,
    /// To a height that differs from run to run.
    AnyHeight,
    /// To a width that differs from run to run.
    AnyWidth,
}

/// How several tensors become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merging {
    /// Element by element, broadcast.
    Elementwise,
    /// One behind the other.
    Concatenated,
    /// A product over axes.
    Dot,
    /// As Keras 1's argument `mode` says.
    ByMode,
}

/// What happens to axes and features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Features {
    /// Features are mixed into `units`.
    Dense,
    /// As an equation says.
    Einsum,
    /// Each whole number becomes a vector.
    Embedding,
    /// All axes behind the batch become one.
    Flatten,
    /// Axes are cut anew.
    Reshape,
    /// Axes change places.
    Permute,
    /// A vector becomes a sequence.
    Repeat,
}

/// Kinds of attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attention {
    /// Called on a list: query, value and perhaps key.
    Listed,
    /// Called with query, value and perhaps key as arguments, with heads and projections of its own.
    Headed,
}

/// What a wrapper does with the layer it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapper {
    /// Calls it at every step.
    EachStep,
    /// Runs it forwards and backwards.
    BothWays,
    /// Calls it once, on all.
    Once,
}
