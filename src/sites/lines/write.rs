//! Lines as `classes-sites` writes them.

use std::io::{self, Write};

use serde_json::json;

use crate::draw::{Drawn, Sampler};
use crate::error_model::Part;
use crate::fault::{Cell, Fault, Site};
use crate::layout::{Place, Shape};
use crate::pattern::Setting;
use crate::value::ValueClass;

/// Writes drawn sites of one run as lines.
pub struct Writer {
    /// What all lines have in common: seed, model and layer.
    run: String,
    /// What each model that sites are drawn from was measured on, and its P(SDC).
    parts: Vec<String>,
    /// The shape of all sites.
    size: Shape,
    /// The same as text, and the name of the list that follows.
    shape: String,
    /// `{"h":0,"w":` to `{"h":H-1,"w":`, of the first [`ROWS`] rows: most of a line is such text.
    rows: Vec<Vec<u8>>,
}

/// How many rows have their text ready; no layer that people use is higher.
const ROWS: usize = 1 << 12;

impl Writer {
    /// Writes what `sampler` draws for a layer, where it is known for which.
    pub fn new(sampler: &Sampler, of: Option<&str>) -> Self {
        let size = sampler.shape();
        Writer {
            run: format!(
                r#","seed":{},"model":{}{}"#,
                sampler.seed(),
                json!(sampler.id()),
                of.map_or_else(String::new, |of| format!(r#","layer":{}"#, json!(of)))
            ),
            parts: sampler
                .plan()
                .map_or_else(Vec::new, |plan| plan.parts.iter().map(|(_, part)| measured(part)).collect()),
            size,
            shape: shape(size),
            rows: (0..size.h.min(ROWS)).filter(|_| size.is_image()).map(|h| row(h).into_bytes()).collect(),
        }
    }

    /// Writes one line.
    ///
    /// # Errors
    /// `out` refuses.
    pub fn write(&self, drawn: &Drawn, out: &mut impl Write) -> io::Result<()> {
        write!(out, r#"{{"site":{}{}"#, drawn.index(), self.run)?;
        if let Some(pattern) = drawn.pattern() {
            out.write_all(self.parts[pattern.part].as_bytes())?;
            write!(out, r#","spatial_class":"{}","parameters":{{"#, pattern.class)?;
            parameters(drawn.parameters(), out)?;
            out.write_all(b"}")?;
            if !pattern.as_defined {
                out.write_all(br#","as_defined":false"#)?;
            }
            if pattern.capped {
                out.write_all(br#","capped":true"#)?;
            }
            if !self.size.is_image() {
                out.write_all(br#","extrapolated":true"#)?;
            }
        }
        out.write_all(self.shape.as_bytes())?;
        cells(self.size, &self.rows, drawn.cells(), out)
    }
}

/// Writes a site of which no more is known than its cells.
///
/// # Errors
/// `out` refuses.
pub fn write_site(site: &Site, out: &mut impl Write) -> io::Result<()> {
    write!(out, "{{{}", shape(site.shape).trim_start_matches(','))?;
    cells(site.shape, &[], site.cells.iter().map(|cell| (*cell, None)), out)
}

/// The shape, and the name of the list that follows.
fn shape(shape: Shape) -> String {
    match shape.axes()[..] {
        [h, w, c] => format!(r#","shape":{{"h":{h},"w":{w},"c":{c}}},"cells":["#),
        ref axes => format!(r#","shape":{},"cells":["#, json!(axes)),
    }
}

/// Writes the cells and the end of a line; `rows` has the text of the first rows of an image.
fn cells(
    shape: Shape,
    rows: &[Vec<u8>],
    cells: impl Iterator<Item = (Cell, Option<ValueClass>)>,
    out: &mut impl Write,
) -> io::Result<()> {
    let is_image = shape.is_image();
    for (i, (cell, class)) in cells.enumerate() {
        if i > 0 {
            out.write_all(b",")?;
        }
        if is_image {
            in_image(rows, cell, out)?;
        } else {
            let Place(at) = shape.place([cell.h, cell.w, cell.c]);
            out.write_all(br#"{"at":"#)?;
            serde_json::to_writer(&mut *out, &at)?;
        }
        match cell.fault {
            Fault::Value(value) => float(value, out)?,
            Fault::Bit(bit) => write!(out, r#","bit":{bit}"#)?,
        }
        out.write_all(end(class).as_bytes())?;
    }
    out.write_all(b"]}\n")
}

/// The text of a cell up to its channel.
fn in_image(rows: &[Vec<u8>], cell: Cell, out: &mut impl Write) -> io::Result<()> {
    match rows.get(cell.h) {
        Some(row) => out.write_all(row)?,
        None => out.write_all(row(cell.h).as_bytes())?,
    }
    serde_json::to_writer(&mut *out, &cell.w)?;
    out.write_all(br#","c":"#)?;
    Ok(serde_json::to_writer(&mut *out, &cell.c)?)
}

/// The layer that a model was measured on, and how often a fault corrupted its output at all, where they are known.
fn measured(part: &Part) -> String {
    let on = part.layer.as_ref().map_or_else(String::new, |name| format!(r#","measured_on":{}"#, json!(name)));
    on + &part.p_sdc.map_or_else(String::new, |share| format!(r#","p_sdc":{}"#, json!(share)))
}

/// The text of a cell up to its column.
fn row(h: usize) -> String {
    format!(r#"{{"h":{h},"w":"#)
}

fn parameters(parameters: &[(&str, Setting)], out: &mut impl Write) -> io::Result<()> {
    for (i, (name, setting)) in parameters.iter().enumerate() {
        let comma = if i > 0 { "," } else { "" };
        write!(out, r#"{comma}"{name}":"#)?;
        serde_json::to_writer(&mut *out, setting)?;
    }
    Ok(())
}

/// The shortest number that reads back to the same float32, or a string where JSON has no number.
fn float(value: f32, out: &mut impl Write) -> io::Result<()> {
    out.write_all(br#","value":"#)?;
    if value.is_finite() {
        serde_json::to_writer(out, &value).map_err(io::Error::from)
    } else if value.is_nan() {
        out.write_all(br#""NaN""#)
    } else if value > 0.0 {
        out.write_all(br#""Infinity""#)
    } else {
        out.write_all(br#""-Infinity""#)
    }
}

/// The end of a cell, with the class of its value.
fn end(class: Option<ValueClass>) -> &'static str {
    match class {
        None => "}",
        Some(ValueClass::InRange) => r#","class":"in_range"}"#,
        Some(ValueClass::OutOfRange) => r#","class":"out_of_range"}"#,
        Some(ValueClass::Zero) => r#","class":"zero"}"#,
        Some(ValueClass::Nan) => r#","class":"nan"}"#,
        Some(ValueClass::Flip) => r#","class":"flip"}"#,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Options;
    use crate::error_model::Models;
    use crate::pattern::Rows;
    use crate::sites::lines::Reader;
    use crate::value::Range;

    #[test]
    fn a_written_line_reads_back_to_the_same_bits() {
        let range = Range::new(-1.0, 1.0).unwrap();
        let options = Options { range, rows: Rows::All, spatial_class: None, value_class: None };
        let model = Models::default().load("conv_win").unwrap();
        let sampler = Sampler::new(&model, Shape::new(13, 11, 8).unwrap(), &options, 7).unwrap();
        let writer = Writer::new(&sampler, None);
        let mut drawn = sampler.room();
        for index in 0..200 {
            sampler.draw(index, &mut drawn);
            let mut line = Vec::new();
            writer.write(&drawn, &mut line).unwrap();
            let read = Reader::new(line.as_slice()).next().unwrap().unwrap();
            let bits = |site: &crate::fault::Site| -> Vec<_> {
                let value = |fault| match fault {
                    Fault::Value(value) => f32::to_bits(value),
                    Fault::Bit(_) => unreachable!("no bits are flipped here"),
                };
                site.cells.iter().map(|cell| (cell.h, cell.w, cell.c, value(cell.fault))).collect()
            };
            assert_eq!(read.shape, sampler.shape());
            assert_eq!(bits(&read), bits(&drawn.site()));
        }
    }

    #[test]
    fn a_line_of_another_rank_reads_back_and_says_that_it_is_extrapolated() {
        let range = Range::new(-1.0, 1.0).unwrap();
        let options = Options { range, rows: Rows::All, spatial_class: None, value_class: None };
        let model = Models::default().load("relu").unwrap();
        for axes in [&[300][..], &[40, 24], &[5, 6, 7, 8], &[2, 3, 4, 5, 3, 2, 2]] {
            let shape = Shape::of_axes(axes).unwrap();
            let drawn_from = Sampler::new(&model, shape, &options, 7).unwrap();
            for (sampler, remark) in [(drawn_from, true), (Sampler::single_bit_flip(shape, 7), false)] {
                let writer = Writer::new(&sampler, None);
                let mut drawn = sampler.room();
                for index in 0..100 {
                    sampler.draw(index, &mut drawn);
                    let mut line = Vec::new();
                    writer.write(&drawn, &mut line).unwrap();
                    let read = Reader::new(line.as_slice()).next().unwrap().unwrap();
                    assert_eq!(format!("{read:?}"), format!("{:?}", drawn.site()));
                    let text = String::from_utf8(line).unwrap();
                    assert_eq!(text.contains(r#","extrapolated":true"#), remark, "{text}");
                }
            }
        }
    }

    #[test]
    fn a_line_of_the_highest_tensor_reads_back() {
        let shape = Shape::new(u32::MAX as usize, 1, 1).unwrap();
        let sampler = Sampler::single_bit_flip(shape, 3);
        let mut drawn = sampler.room();
        sampler.draw(0, &mut drawn);
        let mut line = Vec::new();
        Writer::new(&sampler, None).write(&drawn, &mut line).unwrap();
        let read = Reader::new(line.as_slice()).next().unwrap().unwrap();
        assert!(read.cells[0].h > ROWS);
        assert_eq!(read, drawn.site());
    }

    #[test]
    fn a_bit_flip_is_a_line_without_a_value() {
        let sampler = Sampler::single_bit_flip(Shape::new(1, 1, 1).unwrap(), 3);
        let mut drawn = sampler.room();
        sampler.draw(5, &mut drawn);
        let mut line = Vec::new();
        Writer::new(&sampler, None).write(&drawn, &mut line).unwrap();
        let Fault::Bit(bit) = drawn.site().cells[0].fault else { panic!("not a bit flip") };
        let expected = format!(
            r#"{{"site":5,"seed":3,"model":"single-bit-flip","shape":{{"h":1,"w":1,"c":1}},"cells":[{{"h":0,"w":0,"c":0,"bit":{bit}}}]}}"#
        );
        assert_eq!(String::from_utf8(line).unwrap(), expected + "\n");
    }

    #[test]
    fn what_json_has_no_number_for_is_a_string() {
        let text = |value| {
            let mut out = Vec::new();
            float(value, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(text(-f32::NAN), r#","value":"NaN""#);
        assert_eq!(text(f32::INFINITY), r#","value":"Infinity""#);
        assert_eq!(text(f32::NEG_INFINITY), r#","value":"-Infinity""#);
        assert_eq!(text(-1.5), r#","value":-1.5"#);
    }
}
