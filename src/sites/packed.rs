//! Many sites in little memory: of each only the corrupted cells, and of a cell its flat index.

use super::dense::{DenseError, index};
use super::pass::{self, Form, PassError, Passing, Rooms, Source};
use crate::fault::Fault;
use crate::layout::{DataFormat, Shape};
use crate::ordered::{Chunk, Output, Piece, Stop};
use crate::progress::Progress;

/// Sites of one shape, at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Packed {
    shape: Shape,
    format: DataFormat,
    sites: Vec<PackedSite>,
}

/// The corrupted cells of one site, in the order of their indexes.
pub type PackedSite = Box<[PackedCell]>;

/// A corrupted cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PackedCell {
    /// Its place in a site's flattened array, in the order of the data format.
    pub index: u32,
    /// What it holds.
    pub fault: Fault,
}

/// Packs all sites of a source with `jobs` threads; `format` is the order of a site's axes.
///
/// # Errors
/// The first site that is wrong.
pub fn pack<S: Source>(source: S, format: DataFormat, jobs: usize) -> Result<(Packed, Rooms<S>), PassError> {
    let packed = Packed { shape: source.shape(), format, sites: Vec::new() };
    pass::run(source, &AsPacked(format), packed, jobs, &Progress::silent())
}

/// Sites on their way into the others.
#[derive(Default)]
pub struct Sites {
    sites: Vec<PackedSite>,
    cells: usize,
}

impl Chunk for Sites {
    fn size(&self) -> usize {
        self.sites.len() * size_of::<PackedSite>() + self.cells * size_of::<PackedCell>()
    }

    fn clear(&mut self) {
        self.sites.clear();
        self.cells = 0;
    }
}

impl Output for Packed {
    type Chunk = Sites;
    type Error = PassError;

    fn put(&mut self, chunk: &mut Sites) -> Result<(), PassError> {
        self.sites.append(&mut chunk.sites);
        Ok(())
    }
}

struct AsPacked(DataFormat);

impl Form for AsPacked {
    type Out = Packed;
    type Room = ();

    fn room(&self) -> Result<(), PassError> {
        Ok(())
    }

    fn add(&self, _: &mut (), site: &impl Passing, piece: &mut Piece<Packed>) -> Result<(), Stop<PassError>> {
        let shape = site.shape();
        // A shape has at most u32::MAX cells.
        let cell = |cell: crate::fault::Cell| PackedCell {
            index: index(self.0, shape, cell.h, cell.w, cell.c) as u32,
            fault: cell.fault,
        };
        let mut cells: PackedSite = site.cells().map(cell).collect();
        cells.sort_unstable_by_key(|cell| cell.index);
        let chunk = piece.chunk();
        chunk.cells += cells.len();
        chunk.sites.push(cells);
        piece.spill()
    }
}

impl Packed {
    /// How many sites.
    #[expect(clippy::len_without_is_empty, reason = "there is at least one")]
    pub fn len(&self) -> usize {
        self.sites.len()
    }

    /// How many corrupted cells all sites have together.
    pub fn cells(&self) -> u64 {
        self.iter().map(|cells| cells.len() as u64).sum()
    }

    /// The shape of every site.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The axes of one site's array.
    pub fn axes(&self) -> [usize; 3] {
        self.format.axes(self.shape)
    }

    /// The cells of each site.
    pub fn iter(&self) -> impl Iterator<Item = &[PackedCell]> {
        self.sites.iter().map(|cells| &**cells)
    }

    /// The first site that has no dense form, and why.
    pub fn first_flip(&self) -> Option<(usize, DenseError)> {
        self.iter().enumerate().find_map(|(number, cells)| {
            let flip = cells.iter().find(|cell| matches!(cell.fault, Fault::Bit(_)))?;
            let [_, b, c] = self.axes();
            let index = flip.index as usize;
            let place = [index / (b * c), index / c % b, index % c];
            let (h, w, c) = match (self.format, place) {
                (DataFormat::ChannelsLast, [h, w, c]) | (DataFormat::ChannelsFirst, [c, h, w]) => (h, w, c),
            };
            Some((number, DenseError::Bit { h, w, c }))
        })
    }
}
