//! Documents as text, site arrays included.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use super::arrays::{Arrays, Spelling, index_in};

/// Writes the text of an array, given its index.
pub type PutArray<'a> = &'a dyn Fn(usize, &mut dyn Write) -> io::Result<()>;

/// Writes a document as Python's `json.dumps` does for Keras: one line, `", "` and `": "` between things, ASCII only.
pub fn write_python(value: &Value, put_array: PutArray, out: &mut impl Write) -> io::Result<()> {
    write(value, PythonStyle, put_array, out)
}

/// Writes a document for people: two spaces, each site array on one line, and a line feed at the end.
pub fn write_pretty(value: &Value, arrays: &Arrays, out: &mut impl Write) -> io::Result<()> {
    write(value, PrettyFormatter::new(), &|index, out| arrays.write(index, Spelling::Quoted, out), out)?;
    out.write_all(b"\n")
}

/// Writes a document on one line, and a line feed at the end.
pub fn write_compact(value: &Value, arrays: &Arrays, out: &mut impl Write) -> io::Result<()> {
    write(value, CompactFormatter, &|index, out| arrays.write(index, Spelling::Quoted, out), out)?;
    out.write_all(b"\n")
}

fn write(value: &Value, style: impl Formatter, put_array: PutArray, out: &mut impl Write) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, WithArrays { style, put_array })).map_err(io::Error::from)
}

/// A style of writing, but with an array at each handle.
struct WithArrays<'a, F> {
    style: F,
    put_array: PutArray<'a>,
}

/// Adapts a writer of any kind to what [`PutArray`] takes.
struct Out<'a, W: ?Sized>(&'a mut W);

impl<W: ?Sized + Write> Write for Out<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Passes calls on to the style.
macro_rules! of_the_style {
    ($($name:ident($($argument:ident: $type:ty)?))*) => {
        $(fn $name<W: ?Sized + Write>(&mut self, out: &mut W $(, $argument: $type)?) -> io::Result<()> {
            self.style.$name(out $(, $argument)?)
        })*
    };
}

impl<F: Formatter> Formatter for WithArrays<'_, F> {
    fn write_number_str<W: ?Sized + Write>(&mut self, out: &mut W, number: &str) -> io::Result<()> {
        match index_in(number) {
            Some(index) => (self.put_array)(index, &mut Out(out)),
            None => out.write_all(number.as_bytes()),
        }
    }

    of_the_style! {
        begin_array()
        end_array()
        begin_array_value(is_first: bool)
        end_array_value()
        begin_object()
        end_object()
        begin_object_key(is_first: bool)
        end_object_key()
        begin_object_value()
        end_object_value()
        write_string_fragment(fragment: &str)
    }
}

struct PythonStyle;

impl Formatter for PythonStyle {
    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, is_first: bool) -> io::Result<()> {
        if is_first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, is_first: bool) -> io::Result<()> {
        if is_first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(|c: char| !c.is_ascii()) {
            out.write_all(&rest.as_bytes()[..at])?;
            let mut chars = rest[at..].chars();
            let mut units = [0; 2];
            for unit in chars.next().unwrap_or_default().encode_utf16(&mut units) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = chars.as_str();
        }
        out.write_all(rest.as_bytes())
    }
}
