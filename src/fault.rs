//! What a fault leaves in a tensor: corrupted cells, and the site that they make.

use crate::layout::Shape;

/// What a corrupted cell holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// This value, which may be NaN or infinite.
    Value(f32),
    /// What the layer computed with this bit of its float32 flipped: 0 is the lowest bit of the
    /// mantissa, 31 the sign. Only the sparse form can carry it.
    Bit(u8),
}

/// A position in a tensor and the fault found there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// The row, from 0.
    pub h: usize,
    /// The column, from 0.
    pub w: usize,
    /// The channel, from 0.
    pub c: usize,
    /// What is found there.
    pub fault: Fault,
}

/// One corrupted tensor: its shape and its corrupted cells, at least one, none twice, all inside.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// The tensor's shape.
    pub shape: Shape,
    /// The corrupted cells.
    pub cells: Vec<Cell>,
}
