use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::header::Header;
use super::{NpyError, Problem};
use crate::fault::{Cell, Fault, Site};
use crate::layout::{DataFormat, Shape};

/// An open NumPy file of floats, read from front to back.
struct Array {
    path: PathBuf,
    input: BufReader<File>,
    header: Header,
    bytes: Vec<u8>,
    values: Vec<f64>,
}

impl Array {
    fn open(path: &Path) -> Result<Array, NpyError> {
        let at = |problem| NpyError { path: path.to_owned(), problem };
        let open = || -> Result<_, Problem> {
            let file = File::open(path)?;
            let found = file.metadata()?.len();
            let mut input = BufReader::new(file);
            let header = Header::read(&mut input)?;
            let expected =
                header.data_length().and_then(|length| length.checked_add(header.length)).unwrap_or(u64::MAX);
            if expected == found { Ok((input, header)) } else { Err(Problem::Length { expected, found }) }
        };
        let (input, header) = open().map_err(at)?;
        Ok(Array { path: path.to_owned(), input, header, bytes: Vec::new(), values: Vec::new() })
    }

    /// Reads the next `count` values as they stand in the file.
    fn read_bytes(&mut self, count: usize) -> Result<(), NpyError> {
        self.bytes.resize(count * self.header.dtype.size(), 0);
        self.input.read_exact(&mut self.bytes).map_err(|error| self.error(error))
    }

    /// The values of `block`, of those that were read.
    fn values(&mut self, block: Range<usize>) -> &[f64] {
        let size = self.header.dtype.size();
        self.values.clear();
        self.header.dtype.decode(&self.bytes[block.start * size..block.end * size], &mut self.values);
        &self.values
    }

    /// Whether the values of `block` are those of `blank`, to the bit.
    fn is_blank(&self, block: &Range<usize>, blank: &[u8]) -> bool {
        let size = self.header.dtype.size();
        self.bytes[block.start * size..block.end * size] == blank[..block.len() * size]
    }

    /// The next `count` values.
    fn read(&mut self, count: usize) -> Result<&[f64], NpyError> {
        self.read_bytes(count)?;
        Ok(self.values(0..count))
    }

    fn error(&self, problem: impl Into<Problem>) -> NpyError {
        NpyError { path: self.path.clone(), problem: problem.into() }
    }

    /// The number of sites and the axes of one.
    fn sites(&self) -> Result<(usize, [usize; 3]), Problem> {
        if self.header.fortran_order {
            return Err(Problem::Fortran);
        }
        let rank = || Problem::Rank { found: self.header.shape_text() };
        let shape: Result<Vec<usize>, _> = self.header.shape.iter().map(|&n| n.try_into()).collect();
        match shape.map_err(|_| rank())?.as_slice() {
            &[sites, a, b, c] => Ok((sites, [a, b, c])),
            _ => Err(rank()),
        }
    }
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
    /// Either is not a float32 or float64 array of rank 4 in C order, their shapes differ, a file
    /// is shorter or longer than its header says, or there are no sites.
    pub fn open(injections: &Path, masks: &Path, format: DataFormat) -> Result<Pair, NpyError> {
        let injections = Array::open(injections)?;
        let masks = Array::open(masks)?;
        let (count, axes) = injections.sites().map_err(|e| injections.error(e))?;
        if masks.sites().map_err(|e| masks.error(e))? != (count, axes) {
            return Err(masks.error(Problem::Differs {
                expected: injections.header.shape_text(),
                found: masks.header.shape_text(),
            }));
        }
        if count == 0 {
            return Err(injections.error(Problem::NoSites));
        }
        let shape = format.shape(axes).map_err(|e| injections.error(e))?;
        let blank =
            [(&injections, 0.0), (&masks, 1.0)].map(|(array, number)| array.header.dtype.encode(number).repeat(BLOCK));
        Ok(Pair { injections, masks, format, shape, count, next: 0, blank })
    }

    /// The shape of every site.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    fn read(&mut self) -> Result<Site, NpyError> {
        let site = self.next;
        let size = self.shape.cells();
        let axes = self.format.axes(self.shape);
        let index = |i: usize| [i / (axes[1] * axes[2]), i / axes[2] % axes[1], i % axes[2]];
        self.injections.read_bytes(size)?;
        self.masks.read_bytes(size)?;
        let mut cells = Vec::new();
        for start in (0..size).step_by(BLOCK) {
            let block = start..size.min(start + BLOCK);
            let [no_injection, all_kept] = &self.blank;
            if self.injections.is_blank(&block, no_injection) && self.masks.is_blank(&block, all_kept) {
                continue;
            }
            self.injections.values(block.clone());
            self.masks.values(block.clone());
            for (i, (&value, &mask)) in block.zip(self.injections.values.iter().zip(&self.masks.values)) {
                if mask == 1.0 && value == 0.0 {
                    continue;
                }
                let index = index(i);
                if mask == 1.0 {
                    return Err(self.injections.error(Problem::Uncovered { site, index, value }));
                }
                if mask != 0.0 {
                    return Err(self.masks.error(Problem::Mask { site, index, value: mask }));
                }
                let narrow = value as f32;
                if value.is_finite() && narrow.is_infinite() {
                    return Err(self.injections.error(Problem::Beyond { site, index, value }));
                }
                let [a, b, c] = index;
                let (h, w, c) = match self.format {
                    DataFormat::ChannelsLast => (a, b, c),
                    DataFormat::ChannelsFirst => (b, c, a),
                };
                cells.push(Cell { h, w, c, fault: Fault::Value(narrow) });
            }
        }
        if cells.is_empty() {
            return Err(self.masks.error(Problem::NoCells { site }));
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
    let mut left: u64 = array.header.shape.iter().product();
    let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
    while left > 0 {
        let count = left.min(1 << 16);
        left -= count;
        for &value in array.read(count as usize)? {
            if value.is_finite() {
                min = min.min(value);
                max = max.max(value);
            }
        }
    }
    if min > max {
        return Err(array.error(Problem::NoFinite));
    }
    Ok((min, max))
}
