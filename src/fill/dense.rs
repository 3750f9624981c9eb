//! The dense form as text: nested lists, whole numbers as `0` and `1`, which Python reads in half the time of `0.0`.

use std::io::Write;

use super::Piece;
use crate::site::dense::{DenseError, index};
use crate::site::{DataFormat, Fault, Shape, Site};

/// Which of a site's two arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Injections,
    Masks,
}

/// The arrays of all sites, a list of them.
pub(super) struct Arrays<'a> {
    pub sites: &'a [Site],
    pub data_format: DataFormat,
    pub part: Part,
}

/// Refuses a site without a dense form.
pub(super) fn check(site: &Site) -> Result<(), DenseError> {
    let flip = site.cells.iter().find(|cell| matches!(cell.fault, Fault::Bit(_)));
    flip.map_or(Ok(()), |cell| Err(DenseError::Bit { h: cell.h, w: cell.w, c: cell.c }))
}

/// The longest text of one value, `-1.1754943508222875e-38`, and some.
const LONGEST: u64 = 26;

impl Piece for Arrays<'_> {
    fn length(&self) -> u64 {
        let one = |site: &Site| {
            let [a, b, _] = self.data_format.axes(site.shape);
            let digits = if self.part == Part::Masks { 0 } else { site.cells.len() as u64 * LONGEST };
            site.shape.cells() as u64 * 2 + (a * b + a + 1) as u64 * 2 + digits
        };
        2 + self.sites.iter().map(one).sum::<u64>()
    }

    fn write(&self, out: &mut Vec<u8>) {
        let mut blank = Blank::default();
        let mut cells: Vec<(usize, f32)> = Vec::new();
        out.push(b'[');
        for (number, site) in self.sites.iter().enumerate() {
            if number > 0 {
                out.push(b',');
            }
            blank.fit(self.data_format, site.shape, self.part);
            cells.clear();
            cells.extend(site.cells.iter().map(|cell| {
                let value = match cell.fault {
                    Fault::Value(value) => value,
                    Fault::Bit(_) => 0.0,
                };
                (index(self.data_format, site.shape, cell.h, cell.w, cell.c), value)
            }));
            cells.sort_unstable_by_key(|&(index, _)| index);
            let mut done = 0;
            for &(index, value) in &cells {
                let at = blank.position(index);
                out.extend_from_slice(&blank.text[done..at]);
                match self.part {
                    Part::Injections => write_number(value, out),
                    Part::Masks => out.push(b'0'),
                }
                done = at + 1;
            }
            out.extend_from_slice(&blank.text[done..]);
        }
        out.push(b']');
    }
}

/// The text of a site without a corrupted cell: every value is one digit, so each has a known place.
#[derive(Default)]
struct Blank {
    text: Vec<u8>,
    axes: [usize; 3],
}

impl Blank {
    fn fit(&mut self, data_format: DataFormat, shape: Shape, part: Part) {
        let axes = data_format.axes(shape);
        if axes == self.axes {
            return;
        }
        self.axes = axes;
        let [a, b, c] = axes;
        let digit = if part == Part::Masks { b'1' } else { b'0' };
        let list = |element: &[u8], count: usize| {
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
        self.text = list(&list(&list(&[digit], c), b), a);
    }

    /// Where value `index` stands: behind the three brackets that open, two bytes for each value before it, and two more
    /// for each list that ended.
    fn position(&self, index: usize) -> usize {
        let [_, b, c] = self.axes;
        3 + 2 * index + 2 * (index / c) + 2 * (index / (b * c))
    }
}

/// Writes a number that Python reads as a double and Keras turns into the same float32.
pub(super) fn write_number(value: f32, out: &mut Vec<u8>) {
    let wide = f64::from(value);
    // A Vec takes every write.
    let _ = if value.is_nan() {
        out.write_all(b"NaN")
    } else if value.is_infinite() {
        out.write_all(if value > 0.0 { b"Infinity" } else { b"-Infinity" })
    } else if value.fract() == 0.0 && value.abs() < 1e15 && !(value == 0.0 && value.is_sign_negative()) {
        write!(out, "{wide}")
    } else {
        // The shortest text of a float32 may, read as a double and rounded again, give its neighbour.
        let short = format!("{value:?}");
        match short.parse::<f64>() {
            Ok(double) if (double as f32).to_bits() == value.to_bits() => out.write_all(short.as_bytes()),
            _ => write!(out, "{wide:?}"),
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: f32) -> String {
        let mut out = Vec::new();
        write_number(value, &mut out);
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
                assert!(text.len() as u64 <= LONGEST, "{text}");
                let read = text.parse::<f64>().expect("a number") as f32;
                assert_eq!(read.to_bits(), value.to_bits(), "{text}");
            }
        }
    }
}
