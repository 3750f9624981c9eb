//! NumPy files, read from front to back.

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use ndarray::{ArrayView, ShapeBuilder};

use super::header::{Element, Header};
use super::{NpyError, NpyProblem};
use crate::fault::{Cell, Fault, Site};
use crate::layout::{DataFormat, Shape};

/// An open NumPy file.
struct Array {
    path: PathBuf,
    input: Box<dyn Read + Send>,
    header: Header,
    bytes: Vec<u8>,
}

impl Array {
    fn open(path: &Path) -> Result<Array, NpyError> {
        let at = |problem| NpyError { path: path.to_owned(), problem };
        let open = || -> Result<_, NpyProblem> {
            let file = File::open(path)?;
            let found = file.metadata()?.len();
            let mut input = BufReader::new(file);
            let header = Header::read(&mut input)?;
            let expected =
                header.data_length().and_then(|length| length.checked_add(header.length)).unwrap_or(u64::MAX);
            if expected == found { Ok((input, header)) } else { Err(NpyProblem::Length { expected, found }) }
        };
        let (input, header) = open().map_err(at)?;
        Ok(Array { path: path.to_owned(), input: Box::new(input), header, bytes: Vec::new() })
    }

    /// Reads the next `count` elements as they stand in the file.
    fn read_bytes(&mut self, count: usize) -> Result<(), NpyError> {
        let length = count * self.header.element.size();
        let Array { input, bytes, .. } = self;
        let read = resize(bytes, length).and_then(|()| Ok(input.read_exact(bytes)?));
        read.map_err(|problem| self.error(problem))
    }

    /// Makes an array whose first axis varies fastest one whose last does; its sites lie scattered all over it.
    fn straighten(&mut self) -> Result<(), NpyError> {
        if !self.header.is_fortran() || self.header.shape().contains(&0) {
            return Ok(());
        }
        self.read_bytes(self.header.shape().iter().product())?;
        let (bytes, shape) = (&self.bytes, self.header.shape());
        let straight = match self.header.element {
            Element::F32 => straight::<4>(bytes, shape),
            Element::F64 => straight::<8>(bytes, shape),
            Element::Bool => straight::<1>(bytes, shape),
        };
        let straight = straight.map_err(|problem| self.error(problem))?;
        self.bytes = Vec::new();
        self.input = Box::new(Cursor::new(straight));
        Ok(())
    }

    /// The values of `block`, of those that were read.
    fn values(&self, block: Range<usize>) -> Result<Vec<f64>, NpyError> {
        let size = self.header.element.size();
        let bytes = &self.bytes[block.start * size..block.end * size];
        self.header.decode(bytes).map_err(|problem| self.error(problem))
    }

    /// Whether the values of `block` are those of `blank`, to the bit.
    fn is_blank(&self, block: &Range<usize>, blank: &[u8]) -> bool {
        let size = self.header.element.size();
        self.bytes[block.start * size..block.end * size] == blank[..block.len() * size]
    }

    fn error(&self, problem: impl Into<NpyProblem>) -> NpyError {
        NpyError { path: self.path.clone(), problem: problem.into() }
    }

    /// The number of sites and the axes of one.
    fn sites(&self) -> Result<(usize, &[usize]), NpyProblem> {
        match self.header.shape() {
            [sites, axes @ ..] if !axes.is_empty() => Ok((*sites, axes)),
            _ => Err(NpyProblem::Rank { found: self.header.shape_text() }),
        }
    }

    /// Refuses truth values, of which nothing can be computed.
    fn refuse_bool(&self) -> Result<(), NpyError> {
        match self.header.element {
            Element::Bool => Err(self.error(NpyProblem::Dtype(self.header.dtype()))),
            _ => Ok(()),
        }
    }
}

/// The elements of an array whose first axis varies fastest, in the order of one whose last does.
fn straight<const SIZE: usize>(bytes: &[u8], shape: &[usize]) -> Result<Vec<u8>, NpyProblem> {
    let (elements, _) = bytes.as_chunks::<SIZE>();
    let view =
        ArrayView::from_shape(shape.to_vec().f(), elements).map_err(|error| NpyProblem::Element(error.to_string()))?;
    let mut straight = Vec::new();
    straight.try_reserve_exact(bytes.len()).map_err(|_| memory(bytes.len()))?;
    view.iter().for_each(|element| straight.extend_from_slice(element));
    Ok(straight)
}

fn resize(bytes: &mut Vec<u8>, length: usize) -> Result<(), NpyProblem> {
    let more = length.saturating_sub(bytes.len());
    bytes.try_reserve_exact(more).map_err(|_| memory(length))?;
    bytes.resize(length, 0);
    Ok(())
}

fn memory(length: usize) -> NpyProblem {
    NpyProblem::Memory(format!("{length} bytes"))
}

/// `injections.npy` and `masks.npy`, checked against each other. Iterates over the sites, of
/// which it holds one at a time.
pub struct Pair {
    injections: Array,
    masks: Array,
    format: DataFormat,
    shape: Shape,
    count: usize,
    next: usize,
    /// A block without a corrupted cell, in either file.
    blank: [Vec<u8>; 2],
}

/// How many cells are compared with a blank block at a time; nearly all blocks are blank.
const BLOCK: usize = 1024;

impl Pair {
    /// Opens both files; `format` says in which order the axes are.
    ///
    /// # Errors
    /// Either has no axis beside that of sites, or is not an array of float32 or float64 (masks: or bool), their shapes differ, a file is shorter or longer
    /// than its header says, or there are no sites.
    pub fn open(injections: &Path, masks: &Path, format: DataFormat) -> Result<Pair, NpyError> {
        let mut injections = Array::open(injections)?;
        injections.refuse_bool()?;
        let mut masks = Array::open(masks)?;
        let (count, axes) = injections.sites().map_err(|e| injections.error(e))?;
        let shape = format.shape(axes);
        if masks.sites().map_err(|e| masks.error(e))? != (count, axes) {
            return Err(masks.error(NpyProblem::Differs {
                expected: injections.header.shape_text(),
                found: masks.header.shape_text(),
            }));
        }
        if count == 0 {
            return Err(injections.error(NpyProblem::NoSites));
        }
        let shape = shape.map_err(|e| injections.error(e))?;
        injections.straighten()?;
        masks.straighten()?;
        let blank =
            [(&injections, 0.0), (&masks, 1.0)].map(|(array, number)| array.header.encode(number).repeat(BLOCK));
        Ok(Pair { injections, masks, format, shape, count, next: 0, blank })
    }

    /// The shape of every site.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    fn read(&mut self) -> Result<Site, NpyError> {
        let site = self.next;
        let size = self.shape.cells();
        self.injections.read_bytes(size)?;
        self.masks.read_bytes(size)?;
        let mut cells = Vec::new();
        for start in (0..size).step_by(BLOCK) {
            let block = start..size.min(start + BLOCK);
            let [no_injection, all_kept] = &self.blank;
            if self.injections.is_blank(&block, no_injection) && self.masks.is_blank(&block, all_kept) {
                continue;
            }
            let values = self.injections.values(block.clone())?;
            let masks = self.masks.values(block.clone())?;
            for (i, (value, mask)) in block.zip(values.into_iter().zip(masks)) {
                if mask == 1.0 && value == 0.0 {
                    continue;
                }
                let [h, w, c] = self.format.cell(self.shape, i);
                let index = || self.format.order(&self.shape.place([h, w, c]).0);
                if mask == 1.0 {
                    return Err(self.injections.error(NpyProblem::Uncovered { site, index: index(), value }));
                }
                if mask != 0.0 {
                    return Err(self.masks.error(NpyProblem::Mask { site, index: index(), value: mask }));
                }
                let narrow = value as f32;
                if value.is_finite() && narrow.is_infinite() {
                    return Err(self.injections.error(NpyProblem::Beyond { site, index: index(), value }));
                }
                let no_room = |_| self.injections.error(NpyProblem::Memory(format!("the cells of site {site}")));
                cells.try_reserve(1).map_err(no_room)?;
                cells.push(Cell { h, w, c, fault: Fault::Value(narrow) });
            }
        }
        if cells.is_empty() {
            return Err(self.masks.error(NpyProblem::NoCells { site }));
        }
        Ok(Site { shape: self.shape, cells })
    }
}

impl Iterator for Pair {
    type Item = Result<Site, NpyError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == self.count {
            return None;
        }
        let site = self.read();
        // What follows an error in a stream of fixed records is still well placed, but one bad
        // array is not worth going on with.
        self.next = if site.is_ok() { self.next + 1 } else { self.count };
        Some(site)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.count - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Pair {}

/// The smallest and the largest finite value in a NumPy file of any shape.
///
/// # Errors
/// The file is not a float32 or float64 array, or holds no finite value.
pub fn finite_range(path: &Path) -> Result<(f64, f64), NpyError> {
    let mut array = Array::open(path)?;
    array.refuse_bool()?;
    let mut left: usize = array.header.shape().iter().product();
    let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
    while left > 0 {
        let count = left.min(1 << 16);
        left -= count;
        array.read_bytes(count)?;
        for value in array.values(0..count)? {
            if value.is_finite() {
                min = min.min(value);
                max = max.max(value);
            }
        }
    }
    if min > max {
        return Err(array.error(NpyProblem::NoFinite));
    }
    Ok((min, max))
}
