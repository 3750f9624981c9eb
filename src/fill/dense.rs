//! The dense form as text: nested lists, whole numbers as `0` and `1`, which Python reads in half the time of `0.0`.

use std::io::{self, Write};

use super::Piece;
use crate::fault::Fault;
use crate::sites::packed::Packed;

/// Which of a site's two arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Injections,
    Masks,
}

/// The arrays of all sites, a list of them.
pub(super) struct Arrays<'a> {
    pub sites: &'a Packed,
    pub part: Part,
}

impl Piece for Arrays<'_> {
    fn most(&self) -> u64 {
        let blank = least_length(&self.sites.axes()).saturating_mul(self.sites.len() as u64).saturating_add(1);
        match self.part {
            Part::Injections => blank.saturating_add(LONGEST_NUMBER.saturating_mul(self.sites.cells())),
            Part::Masks => blank,
        }
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let blank = Blank::new(&self.sites.axes(), self.part);
        let mut comma: &[u8] = b"[";
        for site in self.sites.iter() {
            out.write_all(comma)?;
            comma = b",";
            let mut done = 0;
            for cell in site {
                let at = blank.position(cell.index as usize);
                out.write_all(&blank.text[done..at])?;
                match (self.part, cell.fault) {
                    (Part::Injections, Fault::Value(value)) => write_number(value, out)?,
                    // No site with bit flips comes here.
                    (Part::Injections, Fault::Bit(_)) | (Part::Masks, _) => out.write_all(b"0")?,
                }
                done = at + 1;
            }
            out.write_all(&blank.text[done..])?;
        }
        out.write_all(b"]")
    }
}

/// The length of a site's text and the comma behind it, at the least: where every value is one digit.
pub(super) fn least_length(axes: &[usize]) -> u64 {
    // A list of n elements has two brackets and n - 1 commas.
    let list = |element: u64, &count: &usize| (element + 1).saturating_mul(count as u64).saturating_add(1);
    axes.iter().rev().fold(1, list).saturating_add(1)
}

/// The text of a site without a corrupted cell: every value is one digit, so each has a known place.
struct Blank {
    text: Vec<u8>,
    /// How many values each list holds, inner ones first.
    lists: Vec<usize>,
}

impl Blank {
    fn new(axes: &[usize], part: Part) -> Self {
        let digit = if part == Part::Masks { b'1' } else { b'0' };
        let list = |element: &[u8], &count: &usize| {
            let mut list = Vec::with_capacity(count * (element.len() + 1) + 1);
            list.push(b'[');
            for number in 0..count {
                if number > 0 {
                    list.push(b',');
                }
                list.extend_from_slice(element);
            }
            list.push(b']');
            list
        };
        let text = axes.iter().rev().fold(vec![digit], |element, count| list(&element, count));
        let values = |lists: &mut usize, &axis: &usize| {
            *lists *= axis;
            Some(*lists)
        };
        Blank { text, lists: axes.iter().rev().scan(1, values).collect() }
    }

    /// Where value `index` stands: behind a bracket for each axis, two bytes for each value before it, and two more for each
    /// list that ended.
    fn position(&self, index: usize) -> usize {
        let ended: usize = self.lists.iter().map(|values| index / values).sum();
        self.lists.len() + 2 * (index + ended)
    }
}

/// The most bytes that [`write_number`] writes.
pub(super) const LONGEST_NUMBER: u64 = 24;

/// Writes a number that Python reads as a double and Keras turns into the same float32.
pub(super) fn write_number(value: f32, out: &mut dyn Write) -> io::Result<()> {
    let wide = f64::from(value);
    if value.is_nan() {
        out.write_all(b"NaN")
    } else if value.is_infinite() {
        out.write_all(if value > 0.0 { b"Infinity" } else { b"-Infinity" })
    } else if value.fract() == 0.0 && value.abs() < 1e15 && !(value == 0.0 && value.is_sign_negative()) {
        write!(out, "{wide}")
    } else {
        // The shortest text of a float32 may, read as a double and rounded again, give its neighbour.
        let mut buffer = zmij::Buffer::new();
        let short = buffer.format_finite(value);
        match short.parse::<f64>() {
            Ok(double) if (double as f32).to_bits() == value.to_bits() => out.write_all(short.as_bytes()),
            _ => out.write_all(zmij::Buffer::new().format_finite(wide).as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: f32) -> String {
        let mut out = Vec::new();
        write_number(value, &mut out).expect("memory");
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn numbers_are_short_and_read_back_to_the_same_float32() {
        assert_eq!([0.0, 1.0, -3.0, 0.1, -0.0].map(text), ["0", "1", "-3", "0.1", "-0.0"]);
        assert_eq!([f32::NAN, f32::INFINITY, f32::NEG_INFINITY].map(text), ["NaN", "Infinity", "-Infinity"]);
        let mut bits: u32 = 12345;
        for _ in 0..200_000 {
            bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let value = f32::from_bits(bits);
            if value.is_finite() {
                let text = text(value);
                assert!(text.len() as u64 <= LONGEST_NUMBER, "{text}");
                let read = text.parse::<f64>().expect("a number") as f32;
                assert_eq!(read.to_bits(), value.to_bits(), "{text}");
            }
        }
    }
}
