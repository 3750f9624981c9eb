//! The sparse form as text: the corrupted cells alone, by their flat index in the layer's own layout.

use std::io::{self, Write};

use super::Piece;
use super::dense::{LONGEST_NUMBER, write_number};
use crate::fault::Fault;
use crate::sites::packed::{Packed, PackedCell};

/// The cells of all sites: `[{"shape": [...], "index": [...], "value": [...], "bit": [...]}, ...]`. Of `value` and `bit`, a
/// list that would hold nothing but nulls is left out; numbers that JSON lacks are strings.
pub(super) struct Cells<'a> {
    pub sites: &'a Packed,
}

/// The most that a site's keys and brackets take.
const AROUND_SITE: u64 = 52;
/// The most that a cell takes: an index, a quoted number, a bit or null, and a comma behind each.
const OF_CELL: u64 = 11 + (LONGEST_NUMBER + 3) + 5;

impl Piece for Cells<'_> {
    fn most(&self) -> u64 {
        let of_site = AROUND_SITE + self.shape().len() as u64;
        of_site.saturating_mul(self.sites.len() as u64).saturating_add(OF_CELL.saturating_mul(self.sites.cells()))
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let shape = self.shape();
        let mut comma = "[";
        for cells in self.sites.iter() {
            write!(out, "{comma}{{\"shape\": {shape}, \"index\": ")?;
            comma = ", ";
            list(out, cells, |out, cell| write!(out, "{}", cell.index))?;
            if cells.iter().any(|cell| matches!(cell.fault, Fault::Value(_))) {
                out.write_all(b", \"value\": ")?;
                list(out, cells, |out, cell| match cell.fault {
                    Fault::Value(value) if value.is_finite() => write_number(value, out),
                    Fault::Value(value) => {
                        out.write_all(b"\"")?;
                        write_number(value, out)?;
                        out.write_all(b"\"")
                    }
                    Fault::Bit(_) => out.write_all(b"null"),
                })?;
            }
            if cells.iter().any(|cell| matches!(cell.fault, Fault::Bit(_))) {
                out.write_all(b", \"bit\": ")?;
                list(out, cells, |out, cell| match cell.fault {
                    Fault::Bit(bit) => write!(out, "{bit}"),
                    Fault::Value(_) => out.write_all(b"null"),
                })?;
            }
            out.write_all(b"}")?;
        }
        out.write_all(b"]")
    }
}

impl Cells<'_> {
    /// Of which array the indexes are: an input of another size would take the same indexes for other cells.
    fn shape(&self) -> String {
        format!("{:?}", self.sites.axes())
    }
}

fn list(
    out: &mut dyn Write,
    cells: &[PackedCell],
    mut element: impl FnMut(&mut dyn Write, &PackedCell) -> io::Result<()>,
) -> io::Result<()> {
    let mut comma: &[u8] = b"[";
    for cell in cells {
        out.write_all(comma)?;
        comma = b",";
        element(out, cell)?;
    }
    out.write_all(b"]")
}

/// The masks of the sparse form: there are none.
pub(super) struct NoMasks;

impl Piece for NoMasks {
    fn most(&self) -> u64 {
        2
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"[]")
    }
}
