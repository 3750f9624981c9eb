//! The dense form of a site, as CLASSES' `ErrorSimulator` takes it:
//! `output = input * mask + injection`.

use thiserror::Error;

use crate::fault::{Cell, Fault};
use crate::layout::{DataFormat, Place, Shape};

/// Why a site has no dense form.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DenseError {
    /// A bit flip.
    #[error("a bit flip at {0} needs the sparse form: its value is known only when the model runs")]
    Bit(Place),
    /// The arrays do not fit into memory.
    #[error("there is not enough memory for a site of {0}, which takes 8 bytes for each cell")]
    Memory(Shape),
}

const ZERO: [u8; 4] = 0f32.to_le_bytes();
const ONE: [u8; 4] = 1f32.to_le_bytes();

/// A corrupted cell of the arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DenseCell {
    /// Its place in the flattened array.
    pub index: u32,
    /// The bytes of its value.
    pub value: [u8; 4],
}

impl DenseCell {
    /// A cell of a tensor in the order of `format`.
    ///
    /// # Errors
    /// A bit flip.
    pub fn new(shape: Shape, format: DataFormat, cell: Cell) -> Result<Self, DenseError> {
        let Cell { h, w, c, fault } = cell;
        let Fault::Value(value) = fault else { return Err(DenseError::Bit(shape.place([h, w, c]))) };
        // A shape has at most u32::MAX cells.
        Ok(DenseCell { index: format.index(shape, [h, w, c]) as u32, value: value.to_le_bytes() })
    }
}

/// One site's arrays as the bytes that files hold, reused from site to site: `injection` is the value at a corrupted cell and
/// 0 elsewhere, `mask` 0 and 1.
pub struct Dense {
    injection: Vec<[u8; 4]>,
    mask: Vec<[u8; 4]>,
    corrupted: Vec<usize>,
}

impl Dense {
    /// The arrays of a tensor without a corrupted cell.
    ///
    /// # Errors
    /// There is not enough memory.
    pub fn new(shape: Shape) -> Result<Self, DenseError> {
        let filled = |value| {
            let mut cells = Vec::new();
            cells.try_reserve_exact(shape.cells()).map_err(|_| DenseError::Memory(shape))?;
            cells.resize(shape.cells(), value);
            Ok(cells)
        };
        Ok(Dense { injection: filled(ZERO)?, mask: filled(ONE)?, corrupted: Vec::new() })
    }

    /// Holds these cells, all of which must lie in the shape, and nothing of the site before.
    pub fn set(&mut self, cells: &[DenseCell]) {
        self.clear();
        for &DenseCell { index, value } in cells {
            let index = index as usize;
            self.injection[index] = value;
            self.mask[index] = ZERO;
            self.corrupted.push(index);
        }
    }

    /// The value at a corrupted cell, 0 elsewhere: little-endian float32 in the order of the data format.
    pub fn injection(&self) -> &[u8] {
        self.injection.as_flattened()
    }

    /// 0 at a corrupted cell, 1 elsewhere: little-endian float32 in the order of the data format.
    pub fn mask(&self) -> &[u8] {
        self.mask.as_flattened()
    }

    /// Undoes the corrupted cells alone, so that a small site in a large tensor costs little.
    fn clear(&mut self) {
        for index in self.corrupted.drain(..) {
            self.injection[index] = ZERO;
            self.mask[index] = ONE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape() -> Shape {
        Shape::new(2, 3, 4).unwrap()
    }

    fn cell(h: usize, fault: Fault) -> Result<DenseCell, DenseError> {
        DenseCell::new(shape(), DataFormat::ChannelsFirst, Cell { h, w: 2, c: 3, fault })
    }

    #[test]
    fn a_site_leaves_nothing_of_the_one_before() {
        let mut dense = Dense::new(shape()).unwrap();
        dense.set(&[cell(1, Fault::Value(f32::NAN)).unwrap()]);
        assert_eq!(dense.injection[23], f32::NAN.to_le_bytes());
        dense.set(&[cell(0, Fault::Value(-1.5)).unwrap()]);
        let corrupted: Vec<_> = (0..24).filter(|&i| dense.mask[i] == ZERO).collect();
        assert_eq!(corrupted, [20]);
        assert_eq!(dense.injection()[80..84], (-1.5f32).to_le_bytes());
        assert_eq!(dense.injection[23], ZERO);
    }

    #[test]
    fn a_bit_flip_has_no_dense_form() {
        assert_eq!(cell(1, Fault::Bit(31)), Err(DenseError::Bit(Place(vec![1, 2, 3]))));
    }
}
