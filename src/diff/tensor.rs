//! One tensor as a NumPy file holds it, read whole into memory that is used again.

use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::layout::{DataFormat, Shape};
use crate::sites::npy::{Element, Header, NpyError, NpyProblem};

/// A file's bytes, and where its values are among them.
#[derive(Debug, Default)]
pub(super) struct Tensor {
    bytes: Vec<u8>,
    header: Option<Header>,
    /// Device and number of the file, which tell it from others whatever it is called.
    identity: (u64, u64),
}

impl Tensor {
    /// Reads a file.
    pub fn read(&mut self, path: &Path) -> Result<(), NpyError> {
        self.header = None;
        self.read_bytes(path)?;
        self.header = Some(self.parse(path)?);
        Ok(())
    }

    /// Reads a file that probably has the header of another.
    pub fn read_like(&mut self, other: &Tensor, path: &Path) -> Result<(), NpyError> {
        self.read_bytes(path)?;
        let same = other.header.as_ref().filter(|header| {
            let length = header.length as usize;
            self.bytes.len() == other.bytes.len() && self.bytes[..length] == other.bytes[..length]
        });
        self.header = match same {
            Some(header) => Some(header.clone()),
            None => Some(self.parse(path)?),
        };
        Ok(())
    }

    fn read_bytes(&mut self, path: &Path) -> Result<(), NpyError> {
        let at = |error: Error| NpyError { path: path.to_owned(), problem: NpyProblem::Io(error) };
        let mut file = File::open(path).map_err(at)?;
        let found = file.metadata().map_err(at)?;
        self.identity = (found.dev(), found.ino());
        // What is in the memory from before is written over, so none of it has to be cleared.
        let length = usize::try_from(found.len()).unwrap_or(usize::MAX);
        if self.bytes.len() != length {
            self.bytes.clear();
            self.bytes.try_reserve_exact(length).map_err(|error| at(Error::other(error)))?;
            self.bytes.resize(length, 0);
        }
        file.read_exact(&mut self.bytes).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => at(Error::other("became shorter while it was read")),
            _ => at(error),
        })
    }

    fn parse(&self, path: &Path) -> Result<Header, NpyError> {
        let at = |problem| NpyError { path: path.to_owned(), problem };
        let header = Header::read(&mut self.bytes.as_slice()).map_err(at)?;
        let found = self.bytes.len() as u64;
        let expected = header.data_length().and_then(|length| length.checked_add(header.length)).unwrap_or(u64::MAX);
        if expected != found {
            return Err(at(NpyProblem::Length { expected, found }));
        }
        if header.element == Element::Bool {
            return Err(at(NpyProblem::Dtype(header.dtype())));
        }
        if header.is_fortran() {
            return Err(at(NpyProblem::Fortran));
        }
        Ok(header)
    }

    /// The shape of the tensor, without a batch axis of 1.
    pub fn shape(&self, path: &Path, format: DataFormat) -> Result<Shape, NpyError> {
        let at = |problem| NpyError { path: path.to_owned(), problem };
        match *self.sizes() {
            [1, a, b, c] | [a, b, c] => format.shape(&[a, b, c]).map_err(|error| at(error.into())),
            [batch, _, _, _] => Err(at(NpyProblem::Batch { batch, found: self.axes() })),
            _ => Err(at(NpyProblem::NoTensor { found: self.axes() })),
        }
    }

    fn sizes(&self) -> &[usize] {
        self.header.as_ref().map_or(&[], Header::shape)
    }

    /// The axes as Python writes them.
    pub fn axes(&self) -> String {
        self.header.as_ref().map_or_else(String::new, Header::shape_text)
    }

    /// Whether both have the same axes, but for a batch axis of 1.
    pub fn has_axes_of(&self, other: &Tensor) -> bool {
        let axes = |tensor: &Tensor| match tensor.sizes() {
            [1, rest @ ..] if rest.len() == 3 => rest.to_vec(),
            axes => axes.to_vec(),
        };
        axes(self) == axes(other)
    }

    /// Whether both are the same file.
    pub fn is_file_of(&self, other: &Tensor) -> bool {
        self.identity == other.identity
    }

    /// Whether the values of a block have the same bytes.
    pub fn bytes_are(&self, other: &Tensor, block: &Range<usize>) -> bool {
        match (self.block(block), other.block(block)) {
            (Some(mine), Some(other)) => mine == other,
            _ => false,
        }
    }

    /// The values of a block as float32, in place of what `out` held.
    pub fn values(&self, block: Range<usize>, out: &mut Vec<f32>) {
        out.clear();
        if let (Some(header), Some(bytes)) = (&self.header, self.block(&block)) {
            header.decode_f32(bytes, out);
        }
    }

    fn block(&self, block: &Range<usize>) -> Option<&[u8]> {
        let header = self.header.as_ref()?;
        let (start, size) = (header.length as usize, header.element.size());
        self.bytes.get(start + block.start * size..start + block.end * size)
    }

    /// The value at a place, as the file has it.
    fn value(&self, place: usize) -> f64 {
        let value = || self.header.as_ref()?.decode(self.block(&(place..place + 1))?).ok()?.first().copied();
        value().unwrap_or(f64::NAN)
    }

    /// Whether the value at a place is finite in the file.
    pub fn is_finite(&self, place: usize) -> bool {
        self.value(place).is_finite()
    }

    /// That the value at a place is no float32.
    pub fn beyond(&self, path: &Path, place: usize) -> NpyError {
        let problem = NpyProblem::NoFloat32 { index: self.index(place), value: self.value(place) };
        NpyError { path: path.to_owned(), problem }
    }

    /// A place in the array as an index for each axis.
    pub fn index(&self, mut place: usize) -> Vec<usize> {
        let axes = self.sizes();
        let mut index: Vec<usize> = Vec::with_capacity(axes.len());
        for &axis in axes.iter().rev() {
            let axis = axis.max(1);
            index.push(place % axis);
            place /= axis;
        }
        index.reverse();
        index
    }
}
