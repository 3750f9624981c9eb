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

/// One site's arrays as the bytes that files hold, reused from site to site: `injection` is the value at a corrupted cell and
/// 0 elsewhere, `mask` 0 and 1.
pub struct Dense {
    shape: Shape,
    format: DataFormat,
    injection: Vec<[u8; 4]>,
    mask: Vec<[u8; 4]>,
    corrupted: Vec<usize>,
}

impl Dense {
    /// The arrays of a tensor without a corrupted cell.
    ///
    /// # Errors
    /// There is not enough memory.
    pub fn new(shape: Shape, format: DataFormat) -> Result<Self, DenseError> {
        let filled = |value| {
            let mut cells = Vec::new();
            cells.try_reserve_exact(shape.cells()).map_err(|_| DenseError::Memory(shape))?;
            cells.resize(shape.cells(), value);
            Ok(cells)
        };
        Ok(Dense { shape, format, injection: filled(ZERO)?, mask: filled(ONE)?, corrupted: Vec::new() })
    }

    /// Holds these cells, all of which must lie in the shape, and nothing of the site before.
    ///
    /// # Errors
    /// A bit flip; the arrays then hold no corrupted cell.
    pub fn set(&mut self, cells: impl IntoIterator<Item = Cell>) -> Result<(), DenseError> {
        self.clear();
        for Cell { h, w, c, fault } in cells {
            let Fault::Value(value) = fault else {
                self.clear();
                return Err(DenseError::Bit(self.shape.place([h, w, c])));
            };
            let index = self.format.index(self.shape, [h, w, c]);
            self.injection[index] = value.to_le_bytes();
            self.mask[index] = ZERO;
            self.corrupted.push(index);
        }
        Ok(())
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
    use crate::fault::Site;

    fn site(fault: Fault) -> Site {
        let shape = Shape::new(2, 3, 4).unwrap();
        Site { shape, cells: vec![Cell { h: 1, w: 2, c: 3, fault }] }
    }

    #[test]
    fn a_site_leaves_nothing_of_the_one_before() {
        let first = site(Fault::Value(f32::NAN));
        let mut second = site(Fault::Value(-1.5));
        second.cells[0].h = 0;
        let mut dense = Dense::new(first.shape, DataFormat::ChannelsFirst).unwrap();
        dense.set(first.cells).unwrap();
        assert_eq!(dense.injection[23], f32::NAN.to_le_bytes());
        dense.set(second.cells).unwrap();
        let corrupted: Vec<_> = (0..24).filter(|&i| dense.mask[i] == ZERO).collect();
        assert_eq!(corrupted, [20]);
        assert_eq!(dense.injection()[80..84], (-1.5f32).to_le_bytes());
        assert_eq!(dense.injection[23], ZERO);
    }

    #[test]
    fn a_bit_flip_has_no_dense_form() {
        let flip = site(Fault::Bit(31));
        let mut dense = Dense::new(flip.shape, DataFormat::ChannelsLast).unwrap();
        assert_eq!(dense.set(flip.cells), Err(DenseError::Bit(Place(vec![1, 2, 3]))));
        assert!(dense.mask.iter().all(|&mask| mask == ONE));
    }
}
