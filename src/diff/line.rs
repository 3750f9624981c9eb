//! A measured site as a line of JSON.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use super::{Golden, Wrong};
use crate::layout::{DataFormat, Shape};
use crate::pattern::SpatialClass;
use crate::value::ValueClass;

/// Writes sites that were measured against one golden tensor.
#[derive(Debug)]
pub(super) struct Line {
    shape: Shape,
    format: DataFormat,
    /// What all lines have in common behind the name of the tensor, up to the spatial class.
    golden: String,
    /// The shape, and the name of the list that follows.
    end: String,
    /// `{"h":3,"w":` to `{"h":3,"w":9,"c":` for each place in a channel: most of a line is such text.
    places: Vec<Box<[u8]>>,
    /// `5,"value":` for each channel.
    channels: Vec<Box<[u8]>>,
}

/// How many places or channels have their text ready; others are spelled when they come.
const READY: usize = 1 << 16;

fn place(h: usize, w: usize) -> String {
    format!(r#"{{"h":{h},"w":{w},"c":"#)
}

fn channel(c: usize) -> String {
    format!(r#"{c},"value":"#)
}

fn bytes(text: String) -> Box<[u8]> {
    text.into_bytes().into_boxed_slice()
}

impl Line {
    pub fn new(golden: &Golden) -> Self {
        let Shape { h, w, c, .. } = golden.shape;
        let mut common = format!(r#","golden":{},"golden_range":["#, json!(golden.path.to_string_lossy()));
        let (min, max) = golden.range;
        let _ = write!(common, "{},{}]", json!(min), json!(max));
        Line {
            shape: golden.shape,
            format: golden.format,
            golden: common,
            end: format!(r#","shape":{{"h":{h},"w":{w},"c":{c}}},"cells":["#),
            places: (0..(h * w).min(READY)).map(|at| bytes(place(at / w, at % w))).collect(),
            channels: (0..c.min(READY)).map(|c| bytes(channel(c))).collect(),
        }
    }

    /// Writes one line; `number` is the tensor's place among all that are compared.
    pub fn write(
        &self,
        number: u64,
        path: &Path,
        class: SpatialClass,
        wrong: &[Wrong],
        out: &mut impl Write,
    ) -> io::Result<()> {
        write!(out, r#"{{"site":{number},"measured":{}{}"#, json!(path.to_string_lossy()), self.golden)?;
        write!(out, r#","spatial_class":"{class}"{}"#, self.end)?;
        for (i, wrong) in wrong.iter().enumerate() {
            if i > 0 {
                out.write_all(b",")?;
            }
            self.cell(wrong, out)?;
        }
        out.write_all(b"]}\n")
    }

    fn cell(&self, wrong: &Wrong, out: &mut impl Write) -> io::Result<()> {
        let (place_at, c) = match self.format {
            DataFormat::ChannelsLast => (wrong.index / self.shape.c, wrong.index % self.shape.c),
            DataFormat::ChannelsFirst => (wrong.index % self.shape.plane(), wrong.index / self.shape.plane()),
        };
        match self.places.get(place_at) {
            Some(text) => out.write_all(text)?,
            None => out.write_all(place(place_at / self.shape.w, place_at % self.shape.w).as_bytes())?,
        }
        match self.channels.get(c) {
            Some(text) => out.write_all(text)?,
            None => out.write_all(channel(c).as_bytes())?,
        }
        match wrong.value {
            value if value.is_finite() => serde_json::to_writer(&mut *out, &value)?,
            value if value.is_nan() => out.write_all(br#""NaN""#)?,
            value if value > 0.0 => out.write_all(br#""Infinity""#)?,
            _ => out.write_all(br#""-Infinity""#)?,
        }
        out.write_all(match wrong.class {
            ValueClass::InRange => br#","class":"in_range"}"#,
            ValueClass::OutOfRange => br#","class":"out_of_range"}"#,
            ValueClass::Zero => br#","class":"zero"}"#,
            ValueClass::Nan => br#","class":"nan"}"#,
            ValueClass::Flip => br#","class":"flip"}"#,
        })
    }
}
