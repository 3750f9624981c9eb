//! Many sites in little memory: of each only the corrupted cells, and of a cell its flat index.

use std::hint::black_box;

use super::dense::DenseError;
use super::pass::{self, Form, PassError, Passing, Rooms, Source};
use crate::fault::{Cell, Fault};
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
/// The first site that is wrong, or there is not enough memory for all.
pub fn pack<S: Source>(source: S, format: DataFormat, jobs: usize) -> Result<(Packed, Rooms<S>), PassError> {
    let packed = Packed { shape: source.shape(), format, sites: Vec::new() };
    let growing = Growing { packed, since_asked: 0 };
    let (growing, rooms) = pass::run(source, &AsPacked(format), growing, jobs, &Progress::silent())?;
    Ok((growing.packed, rooms))
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

/// What must be free beside the sites, in bytes: who asks for little cannot be told that there is none.
const SPARE: usize = 32 << 20;

/// How much comes in before it is asked again whether that is free, in bytes.
const ASKED: usize = 1 << 20;

struct Growing {
    packed: Packed,
    since_asked: usize,
}

impl Output for Growing {
    type Chunk = Sites;
    type Error = PassError;

    fn put(&mut self, chunk: &mut Sites) -> Result<(), PassError> {
        self.since_asked += chunk.size();
        if self.since_asked >= ASKED {
            self.since_asked = 0;
            // Not used, so it costs nothing but the question, which must not be optimized away.
            black_box(&mut Vec::<u8>::new()).try_reserve_exact(SPARE).map_err(|_| PassError::Memory)?;
        }
        self.packed.sites.try_reserve(chunk.sites.len()).map_err(|_| PassError::Memory)?;
        self.packed.sites.append(&mut chunk.sites);
        Ok(())
    }
}

struct AsPacked(DataFormat);

impl Form for AsPacked {
    type Out = Growing;
    type Room = ();

    fn room(&self) -> Result<(), PassError> {
        Ok(())
    }

    fn add(&self, _: &mut (), site: &impl Passing, piece: &mut Piece<Growing>) -> Result<(), Stop<PassError>> {
        let shape = site.shape();
        let mut cells = Vec::new();
        cells.try_reserve_exact(site.cells().count()).map_err(|_| PassError::Memory)?;
        // A shape has at most u32::MAX cells.
        cells.extend(site.cells().map(|Cell { h, w, c, fault }| {
            let index = self.0.index(shape, [h, w, c]) as u32;
            PackedCell { index, fault }
        }));
        cells.sort_unstable_by_key(|cell| cell.index);
        let chunk = piece.chunk();
        chunk.cells += cells.len();
        chunk.sites.push(cells.into_boxed_slice());
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
    pub fn axes(&self) -> Vec<usize> {
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
            let cell = self.format.cell(self.shape, flip.index as usize);
            Some((number, DenseError::Bit(self.shape.place(cell))))
        })
    }
}
