//! The sparse form as text: the corrupted cells alone, by their flat index in the layer's own layout.

use std::io::Write;

use super::Piece;
use super::dense::write_number;
use crate::site::dense::index;
use crate::site::{DataFormat, Fault, Site};

/// The cells of all sites: `[{"index": [...], "value": [...], "bit": [...]}, ...]`. Of `value` and `bit`, a list that
/// would hold nothing but nulls is left out; numbers that JSON lacks are strings.
pub(super) struct Cells<'a> {
    pub sites: &'a [Site],
    pub data_format: DataFormat,
}

impl Piece for Cells<'_> {
    fn length(&self) -> u64 {
        // An index has ten digits at most, a value 28 with its quotes, a bit four.
        2 + self.sites.iter().map(|site| 48 + site.cells.len() as u64 * 45).sum::<u64>()
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for (number, site) in self.sites.iter().enumerate() {
            if number > 0 {
                out.extend_from_slice(b", ");
            }
            out.extend_from_slice(b"{\"index\": ");
            list(out, site, |out, cell| {
                let _ = write!(out, "{}", index(self.data_format, site.shape, cell.h, cell.w, cell.c));
            });
            if site.cells.iter().any(|cell| matches!(cell.fault, Fault::Value(_))) {
                out.extend_from_slice(b", \"value\": ");
                list(out, site, |out, cell| match cell.fault {
                    Fault::Value(value) if value.is_finite() => write_number(value, out),
                    Fault::Value(value) => {
                        out.push(b'"');
                        write_number(value, out);
                        out.push(b'"');
                    }
                    Fault::Bit(_) => out.extend_from_slice(b"null"),
                });
            }
            if site.cells.iter().any(|cell| matches!(cell.fault, Fault::Bit(_))) {
                out.extend_from_slice(b", \"bit\": ");
                list(out, site, |out, cell| match cell.fault {
                    Fault::Bit(bit) => {
                        let _ = write!(out, "{bit}");
                    }
                    Fault::Value(_) => out.extend_from_slice(b"null"),
                });
            }
            out.push(b'}');
        }
        out.push(b']');
    }
}

fn list(out: &mut Vec<u8>, site: &Site, mut element: impl FnMut(&mut Vec<u8>, &crate::site::Cell)) {
    out.push(b'[');
    for (number, cell) in site.cells.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        element(out, cell);
    }
    out.push(b']');
}

/// The masks of the sparse form: there are none.
pub(super) struct NoMasks;

impl Piece for NoMasks {
    fn length(&self) -> u64 {
        2
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"[]");
    }
}
