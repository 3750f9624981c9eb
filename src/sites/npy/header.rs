//! What a NumPy file says of itself: element type, order, axes.

use std::io::{self, Read};

use ndarray_npy::npy::header::{Header as Written, Layout, ParseHeaderError, ReadHeaderError};
use ndarray_npy::{ReadDataError, ReadableElement, WritableElement};

use super::NpyProblem;

/// A header that this module writes fills exactly this many bytes, so that the number of sites
/// can be filled in once it is known: `ndarray_npy` writes multiples of 64, and the text has 57 to 117 characters.
pub(super) const WRITTEN: usize = 128;

/// The longest header that is read, in bytes. NumPy itself asks before it reads more than 10,000.
const LONGEST: u64 = 1 << 16;

/// The deepest nesting that is read; the parser of Python literals calls itself for each level. A header needs two.
const DEEPEST: usize = 16;

// The elements are written in the order of bytes that `ndarray_npy` then says.
const _: () = assert!(cfg!(target_endian = "little"), "NumPy files are written for little-endian machines");

const MAGIC: &[u8] = b"\x93NUMPY";

/// The element types that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    F32,
    F64,
    Bool,
}

impl Element {
    pub fn size(self) -> usize {
        match self {
            Element::F32 => 4,
            Element::F64 => 8,
            Element::Bool => 1,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Header {
    written: Written,
    pub element: Element,
    /// How many bytes the header takes in the file.
    pub length: u64,
}

impl Header {
    pub fn read(input: &mut impl Read) -> Result<Header, NpyProblem> {
        let bytes = text(input)?;
        if bytes.starts_with(MAGIC) && bytes.iter().filter(|byte| b"([{".contains(byte)).count() > DEEPEST {
            return Err(NpyProblem::Header("too many brackets".to_owned()));
        }
        let written = Written::from_reader(&mut bytes.as_slice()).map_err(refused)?;
        let is = |reads: fn(&Written) -> bool| reads(&written);
        let element = match () {
            () if is(reads::<f32>) => Element::F32,
            () if is(reads::<f64>) => Element::F64,
            () if is(reads::<bool>) => Element::Bool,
            () => return Err(NpyProblem::Dtype(dtype(&written))),
        };
        Ok(Header { written, element, length: bytes.len() as u64 })
    }

    /// The sizes of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.written.shape
    }

    /// Whether the first axis varies fastest.
    pub fn is_fortran(&self) -> bool {
        self.written.layout.is_fortran()
    }

    /// How many bytes follow the header, none where that is beyond all files.
    pub fn data_length(&self) -> Option<u64> {
        self.shape().iter().try_fold(self.element.size() as u64, |length, &axis| length.checked_mul(axis as u64))
    }

    /// The number as the file's element type has it.
    pub fn encode(&self, number: f32) -> Vec<u8> {
        let mut bytes = match self.element {
            Element::F32 => number.to_le_bytes().to_vec(),
            Element::F64 => f64::from(number).to_le_bytes().to_vec(),
            Element::Bool => vec![u8::from(number != 0.0)],
        };
        if dtype(&self.written).starts_with('>') {
            bytes.reverse();
        }
        bytes
    }

    /// The elements in `bytes`; float32 is exact in f64. A bool is 0 or 1.
    pub fn decode(&self, bytes: &[u8]) -> Result<Vec<f64>, NpyProblem> {
        let count = bytes.len() / self.element.size();
        Ok(match self.element {
            Element::F32 => self.elements::<f32>(bytes, count)?.into_iter().map(f64::from).collect(),
            Element::F64 => self.elements::<f64>(bytes, count)?,
            Element::Bool => {
                self.elements::<bool>(bytes, count)?.into_iter().map(|is| f64::from(u8::from(is))).collect()
            }
        })
    }

    /// The elements in `bytes` as float32, in place of what `out` held; float64 is rounded. Of bools there are none.
    pub fn decode_f32(&self, bytes: &[u8], out: &mut Vec<f32>) {
        out.clear();
        let is_big = dtype(&self.written).starts_with('>');
        let (f32s, f64s) = (bytes.as_chunks::<4>().0.iter(), bytes.as_chunks::<8>().0.iter());
        match (self.element, is_big) {
            (Element::F32, false) => out.extend(f32s.map(|&b| f32::from_le_bytes(b))),
            (Element::F32, true) => out.extend(f32s.map(|&b| f32::from_be_bytes(b))),
            (Element::F64, false) => out.extend(f64s.map(|&b| f64::from_le_bytes(b) as f32)),
            (Element::F64, true) => out.extend(f64s.map(|&b| f64::from_be_bytes(b) as f32)),
            (Element::Bool, _) => {}
        }
    }

    fn elements<T: ReadableElement>(&self, bytes: &[u8], count: usize) -> Result<Vec<T>, NpyProblem> {
        T::read_to_end_exact_vec(bytes, &self.written.type_descriptor, count).map_err(|error| {
            NpyProblem::Element(match error {
                ReadDataError::ParseData(error) => error.to_string(),
                error => error.to_string(),
            })
        })
    }

    /// The shape as Python writes it.
    pub fn shape_text(&self) -> String {
        let axes: Vec<String> = self.shape().iter().map(usize::to_string).collect();
        match axes.as_slice() {
            [axis] => format!("({axis},)"),
            axes => format!("({})", axes.join(", ")),
        }
    }

    /// The element type as NumPy names it.
    pub fn dtype(&self) -> String {
        dtype(&self.written)
    }
}

fn dtype(header: &Written) -> String {
    let descriptor = &header.type_descriptor;
    descriptor.as_string().map_or_else(|| descriptor.to_string(), |name| name.to_owned())
}

/// Whether the file's elements are of this type, in either order of bytes.
fn reads<T: ReadableElement>(header: &Written) -> bool {
    T::read_to_end_exact_vec(io::empty(), &header.type_descriptor, 0).is_ok()
}

/// The bytes of a header. Its length is not believed before the bytes are there.
fn text(input: &mut impl Read) -> Result<Vec<u8>, NpyProblem> {
    let mut bytes = vec![0; 10];
    input.read_exact(&mut bytes).map_err(|_| NpyProblem::Magic)?;
    let length = match bytes[6] {
        1 => u64::from(u16::from_le_bytes([bytes[8], bytes[9]])),
        _ => {
            input.take(2).read_to_end(&mut bytes)?;
            bytes[8..].iter().rev().fold(0, |length, &byte| length << 8 | u64::from(byte))
        }
    };
    if bytes.starts_with(MAGIC) && (1..=3).contains(&bytes[6]) && length > LONGEST {
        return Err(NpyProblem::Header(format!("it is {length} bytes long, more than {LONGEST}")));
    }
    input.take(length.min(LONGEST)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn refused(error: ReadHeaderError) -> NpyProblem {
    let header = |words: String| NpyProblem::Header(words);
    match error {
        ReadHeaderError::Io(_) => header("it ends too early".to_owned()),
        ReadHeaderError::Parse(ParseHeaderError::MagicString) => NpyProblem::Magic,
        ReadHeaderError::Parse(ParseHeaderError::Version { major, minor }) => NpyProblem::Version(major, minor),
        // What the parser expected instead is many lines long.
        ReadHeaderError::Parse(ParseHeaderError::DictParse(_) | ParseHeaderError::MetaNotDict(_)) => {
            header("not a Python dictionary".to_owned())
        }
        ReadHeaderError::Parse(ParseHeaderError::MissingKey(key)) => {
            // Sic, in ndarray_npy.
            let key = if key == "shaper" { "shape" } else { &key };
            header(format!("'{key}' is missing"))
        }
        ReadHeaderError::Parse(ParseHeaderError::IllegalValue { key, .. }) => match key.as_str() {
            "fortran_order" => header("'fortran_order' is not True or False".to_owned()),
            _ => header("'shape' is not a tuple of lengths".to_owned()),
        },
        ReadHeaderError::Parse(error) => header(error.to_string()),
    }
}

/// The header of a float32 array of so many sites in C order.
pub(super) fn bytes(sites: usize, axes: &[usize]) -> io::Result<Vec<u8>> {
    let shape = [&[sites], axes].concat();
    let written = Written { type_descriptor: f32::type_descriptor(), layout: Layout::Standard, shape };
    let bytes = written.to_bytes().map_err(io::Error::other)?;
    // The sites stand right behind.
    if bytes.len() == WRITTEN { Ok(bytes) } else { Err(io::Error::other("the header has another length")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let most = [4294967295, 1, 1, 1, 1, 1, 1];
        for (sites, axes) in [(1, &[1][..]), (1, &[1, 1, 1]), (usize::MAX, &[4294967295; 3]), (usize::MAX, &most)] {
            let bytes = bytes(sites, axes).unwrap();
            assert_eq!(bytes.len(), WRITTEN);
            assert_eq!(bytes[WRITTEN - 1], b'\n');
            let header = Header::read(&mut bytes.as_slice()).unwrap();
            assert_eq!((header.element, header.dtype().as_str()), (Element::F32, "<f4"));
            assert!(!header.is_fortran());
            assert_eq!(header.shape(), [&[sites], axes].concat());
            assert_eq!(header.length, WRITTEN as u64);
        }
    }

    fn refused(bytes: &[u8]) -> String {
        Header::read(&mut &bytes[..]).unwrap_err().to_string()
    }

    fn with_text(text: &str) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16 + 1).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.push(b'\n');
        bytes
    }

    #[test]
    fn a_bad_header_says_why() {
        assert_eq!(refused(b""), "not a NumPy file");
        assert_eq!(refused(b"PK\x03\x04 and more"), "not a NumPy file");
        assert_eq!(refused(b"\x93NUMPY\x09\x01aaaa"), "NumPy format version 9.1 is not known");
        assert_eq!(
            refused(b"\x93NUMPY\x02\x00\xff\xff\x00\x00{}"),
            "the header is not a NumPy header: it ends too early"
        );
        assert_eq!(
            refused(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}"),
            "the header is not a NumPy header: it is 4294967295 bytes long, more than 65536"
        );
        assert_eq!(refused(&with_text(&"(".repeat(60_000))), "the header is not a NumPy header: too many brackets");
        for (text, message) in [
            ("[1]", "the header is not a NumPy header: not a Python dictionary"),
            ("{", "the header is not a NumPy header: not a Python dictionary"),
            ("{}", "the header is not a NumPy header: 'descr' is missing"),
            (
                "{'descr': '<f2', 'fortran_order': False, 'shape': (1,)}",
                "dtype <f2, where float32 or float64 is wanted",
            ),
            (
                "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
                "dtype [('a', '<f4')], where float32 or float64 is wanted",
            ),
            (
                "{'descr': '<f4', 'fortran_order': 0}",
                "the header is not a NumPy header: 'fortran_order' is not True or False",
            ),
            ("{'descr': '<f4', 'fortran_order': False}", "the header is not a NumPy header: 'shape' is missing"),
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2)}",
                "the header is not a NumPy header: 'shape' is not a tuple of lengths",
            ),
        ] {
            assert_eq!(refused(&with_text(text)), message);
        }
    }

    #[test]
    fn a_length_beyond_all_files_is_none() {
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551615, 9)}";
        let header = Header::read(&mut with_text(text).as_slice()).unwrap();
        assert_eq!(header.data_length(), None);
        assert_eq!(header.shape_text(), "(18446744073709551615, 9)");
    }

    #[test]
    fn elements_of_every_type_and_order_are_read() {
        for (descr, bytes, one) in [
            ("<f4", 1f32.to_le_bytes().to_vec(), 1.0),
            (">f4", 1f32.to_be_bytes().to_vec(), 1.0),
            ("<f8", 0.1f64.to_le_bytes().to_vec(), 0.1),
            (">f8", 0.1f64.to_be_bytes().to_vec(), 0.1),
            ("|b1", vec![1], 1.0),
        ] {
            let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (1,)}}");
            let header = Header::read(&mut with_text(&text).as_slice()).unwrap();
            assert_eq!(header.decode(&bytes).unwrap(), [one]);
            assert_eq!(header.decode(&header.encode(1.0)).unwrap(), [1.0]);
        }
    }
}
