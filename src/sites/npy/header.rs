//! The header of a NumPy file (format versions 1.0 to 3.0).

use std::io::{Read, Write};

use py_literal::Value;

use super::Problem;

/// A header that this module writes fills exactly this many bytes, so that the number of sites
/// can be filled in once it is known.
pub(super) const WRITTEN: usize = 128;

/// The longest header that is read, in bytes. NumPy itself asks before it reads more than 10,000.
const LONGEST: u64 = 1 << 16;

/// The deepest nesting that is read; the parser of Python literals calls itself for each level. A header needs two.
const DEEPEST: usize = 16;

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// The element types that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dtype {
    F32 { big_endian: bool },
    F64 { big_endian: bool },
}

impl Dtype {
    pub(super) fn size(self) -> usize {
        match self {
            Dtype::F32 { .. } => 4,
            Dtype::F64 { .. } => 8,
        }
    }

    /// A number as it stands in the file.
    pub(super) fn encode(self, number: f32) -> Vec<u8> {
        match self {
            Dtype::F32 { big_endian: false } => number.to_le_bytes().to_vec(),
            Dtype::F32 { big_endian: true } => number.to_be_bytes().to_vec(),
            Dtype::F64 { big_endian: false } => f64::from(number).to_le_bytes().to_vec(),
            Dtype::F64 { big_endian: true } => f64::from(number).to_be_bytes().to_vec(),
        }
    }

    /// Appends the elements in `bytes`; float32 is exact in f64.
    pub(super) fn decode(self, bytes: &[u8], out: &mut Vec<f64>) {
        let f32s = bytes.as_chunks::<4>().0.iter();
        let f64s = bytes.as_chunks::<8>().0.iter();
        match self {
            Dtype::F32 { big_endian: false } => out.extend(f32s.map(|&b| f64::from(f32::from_le_bytes(b)))),
            Dtype::F32 { big_endian: true } => out.extend(f32s.map(|&b| f64::from(f32::from_be_bytes(b)))),
            Dtype::F64 { big_endian: false } => out.extend(f64s.map(|&b| f64::from_le_bytes(b))),
            Dtype::F64 { big_endian: true } => out.extend(f64s.map(|&b| f64::from_be_bytes(b))),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub dtype: Dtype,
    pub fortran_order: bool,
    pub shape: Vec<u64>,
    /// How many bytes the header takes in the file.
    pub length: u64,
}

impl Header {
    pub(super) fn read(input: &mut impl Read) -> Result<Header, Problem> {
        let mut start = [0; 8];
        fill(input, &mut start)?;
        if !start.starts_with(MAGIC) {
            return Err(Problem::Magic);
        }
        let (prefix, length) = match (start[6], start[7]) {
            (1, 0) => {
                let mut length = [0; 2];
                fill(input, &mut length)?;
                (10, u64::from(u16::from_le_bytes(length)))
            }
            (2 | 3, 0) => {
                let mut length = [0; 4];
                fill(input, &mut length)?;
                (12, u64::from(u32::from_le_bytes(length)))
            }
            (major, minor) => return Err(Problem::Version(major, minor)),
        };
        if length > LONGEST {
            return Err(Problem::Header(format!("it is {length} bytes long, more than {LONGEST}")));
        }
        // Read through `take`: a length that lies must not be believed before the bytes are there.
        let mut text = Vec::new();
        input.take(length).read_to_end(&mut text)?;
        if text.len() as u64 != length {
            return Err(Problem::Header("it ends too early".to_owned()));
        }
        Header::parse(&String::from_utf8_lossy(&text), prefix + length)
    }

    fn parse(text: &str, length: u64) -> Result<Header, Problem> {
        let bad = |what: &str| Problem::Header(what.to_owned());
        if text.matches(['(', '[', '{']).count() > DEEPEST {
            return Err(bad("too many brackets"));
        }
        let Ok(Value::Dict(entries)) = text.trim().parse::<Value>() else {
            return Err(bad("not a Python dictionary"));
        };
        let entry = |name: &str| {
            let is_name = |key: &Value| matches!(key, Value::String(key) if key == name);
            entries
                .iter()
                .find(|(key, _)| is_name(key))
                .map(|(_, value)| value)
                .ok_or_else(|| bad(&format!("'{name}' is missing")))
        };
        let dtype = match entry("descr")? {
            Value::String(name) => match name.as_str() {
                "<f4" => Dtype::F32 { big_endian: false },
                ">f4" => Dtype::F32 { big_endian: true },
                "<f8" => Dtype::F64 { big_endian: false },
                ">f8" => Dtype::F64 { big_endian: true },
                other => return Err(Problem::Dtype(other.to_owned())),
            },
            other => return Err(Problem::Dtype(other.to_string())),
        };
        let &Value::Boolean(fortran_order) = entry("fortran_order")? else {
            return Err(bad("'fortran_order' is not True or False"));
        };
        let Value::Tuple(axes) = entry("shape")? else {
            return Err(bad("'shape' is not a tuple"));
        };
        let shape: Result<Vec<u64>, _> = axes.iter().map(|axis| axis.to_string().parse()).collect();
        Ok(Header { dtype, fortran_order, shape: shape.map_err(|_| bad("'shape' is not a tuple of lengths"))?, length })
    }

    /// How many bytes follow the header, none where that is beyond all files.
    pub(super) fn data_length(&self) -> Option<u64> {
        self.shape.iter().try_fold(self.dtype.size() as u64, |length, &axis| length.checked_mul(axis))
    }

    /// The shape as Python writes it.
    pub(super) fn shape_text(&self) -> String {
        let axes: Vec<String> = self.shape.iter().map(u64::to_string).collect();
        match axes.as_slice() {
            [axis] => format!("({axis},)"),
            axes => format!("({})", axes.join(", ")),
        }
    }
}

fn fill(input: &mut impl Read, bytes: &mut [u8]) -> Result<(), Problem> {
    input.read_exact(bytes).map_err(|_| Problem::Magic)
}

/// Writes the header of a little-endian float32 array in C order.
pub(super) fn write(out: &mut impl Write, sites: u64, axes: [usize; 3]) -> std::io::Result<()> {
    let [a, b, c] = axes;
    let text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({sites}, {a}, {b}, {c}), }}");
    // At most 20 + 3 * 10 digits: the text always fits.
    let length = WRITTEN - MAGIC.len() - 4;
    out.write_all(MAGIC)?;
    out.write_all(&[1, 0, length as u8, 0])?;
    writeln!(out, "{text:<width$}", width = length - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for (sites, axes) in [(1, [1, 1, 1]), (u64::MAX, [4294967295; 3])] {
            let mut bytes = Vec::new();
            write(&mut bytes, sites, axes).unwrap();
            assert_eq!(bytes.len(), WRITTEN);
            assert_eq!(bytes[WRITTEN - 1], b'\n');
            let header = Header::read(&mut bytes.as_slice()).unwrap();
            assert_eq!(header.dtype, Dtype::F32 { big_endian: false });
            assert!(!header.fortran_order);
            assert_eq!(header.shape[0], sites);
            assert_eq!(header.shape[1..], axes.map(|axis| axis as u64));
            assert_eq!(header.length, WRITTEN as u64);
        }
    }

    fn refused(bytes: &[u8]) -> String {
        Header::read(&mut &bytes[..]).unwrap_err().to_string()
    }

    fn with_text(text: &str) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
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
            ("{}", "the header is not a NumPy header: 'descr' is missing"),
            ("{'descr': '<f2'}", "dtype <f2, where float32 or float64 is wanted"),
            ("{'descr': [('a', '<f4')]}", "dtype [('a', '<f4')], where float32 or float64 is wanted"),
            (
                "{'descr': '<f4', 'fortran_order': 0}",
                "the header is not a NumPy header: 'fortran_order' is not True or False",
            ),
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
}
