//! Many sites in little memory: of each only the corrupted cells, and of a cell its flat index.

use super::dense::{DenseError, index};
use crate::fault::{Fault, Site};
use crate::layout::{DataFormat, Shape};

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

/// Packs a site.
pub(super) fn pack(format: DataFormat, site: &Site) -> PackedSite {
    let cell = |cell: &crate::fault::Cell| {
        let index = index(format, site.shape, cell.h, cell.w, cell.c);
        // A shape has at most u32::MAX cells.
        PackedCell { index: index as u32, fault: cell.fault }
    };
    let mut cells: PackedSite = site.cells.iter().map(cell).collect();
    cells.sort_unstable_by_key(|cell| cell.index);
    cells
}

impl Packed {
    /// Starts with no site yet.
    pub(super) fn new(shape: Shape, format: DataFormat) -> Self {
        Packed { shape, format, sites: Vec::new() }
    }

    /// Appends a site of its shape and format.
    pub(super) fn push(&mut self, site: PackedSite) {
        self.sites.push(site);
    }

    /// Takes all sites, which must have one shape; `None` where there are none.
    ///
    /// # Errors
    /// The first error of the source.
    pub fn collect<E>(format: DataFormat, sites: impl IntoIterator<Item = Result<Site, E>>) -> Result<Option<Self>, E> {
        let mut packed: Option<Packed> = None;
        for site in sites {
            let site = site?;
            packed.get_or_insert_with(|| Packed::new(site.shape, format)).push(pack(format, &site));
        }
        Ok(packed)
    }

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
