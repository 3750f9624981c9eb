use std::fmt;
use std::io::{self, BufRead, Read};
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::fault::{Cell, Fault, Site};
use crate::layout::{Shape, ShapeError};
use crate::text::io_words;

/// The longest line that is read, in bytes: what never ends is no line.
const LONGEST: u64 = 1 << 30;

/// What is wrong with a line, and which line it is, counted from 1.
#[derive(Debug, Error)]
#[error("line {line}: {problem}")]
pub struct LineError {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it.
    #[source]
    pub problem: Problem,
}

/// What can be wrong with a line.
#[derive(Debug, Error)]
pub enum Problem {
    /// The system cannot read on.
    #[error("{}", io_words(.0))]
    Read(#[from] io::Error),
    /// Not JSON, or not that of a site.
    #[error("not a site: {message} (column {column})")]
    Json {
        /// What the parser says.
        message: String,
        /// Where in the line, from 1.
        column: usize,
    },
    /// The shape is none.
    #[error("{0}")]
    Shape(#[from] ShapeError),
    /// A site of another tensor.
    #[error("shape {found}, where the lines before have {expected}")]
    OtherShape {
        /// The shape of the lines before.
        expected: Shape,
        /// The line's.
        found: Shape,
    },
    /// More than a line may have.
    #[error("longer than {LONGEST} bytes")]
    TooLong,
    /// Nothing is corrupted.
    #[error("no cells")]
    NoCells,
    /// A cell that the tensor does not have.
    #[error("cell h {h}, w {w}, c {c} lies outside the shape {shape}")]
    Outside {
        /// The cell's row.
        h: usize,
        /// The cell's column.
        w: usize,
        /// The cell's channel.
        c: usize,
        /// The tensor's shape.
        shape: Shape,
    },
    /// A cell that is there already.
    #[error("cell h {h}, w {w}, c {c} is there twice")]
    Twice {
        /// The cell's row.
        h: usize,
        /// The cell's column.
        w: usize,
        /// The cell's channel.
        c: usize,
    },
    /// A cell with nothing wrong.
    #[error("cell h {h}, w {w}, c {c} has neither a value nor a bit")]
    NoFault {
        /// The cell's row.
        h: usize,
        /// The cell's column.
        w: usize,
        /// The cell's channel.
        c: usize,
    },
    /// A cell with a value and a bit.
    #[error("cell h {h}, w {w}, c {c} has both a value and a bit")]
    TwoFaults {
        /// The cell's row.
        h: usize,
        /// The cell's column.
        w: usize,
        /// The cell's channel.
        c: usize,
    },
    /// A value that no cell can hold.
    #[error("value {value} is not a float32, \"NaN\", \"Infinity\" or \"-Infinity\"")]
    Value {
        /// The value as it is spelt.
        value: String,
    },
    /// A bit that a float32 does not have.
    #[error("bit {0} is not one of 0 to 31")]
    Bit(u64),
}

#[derive(Deserialize)]
#[serde(expecting = "an object with shape and cells")]
struct Line<'a> {
    shape: Object<Axes>,
    #[serde(borrow)]
    cells: Vec<Object<CellLine<'a>>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with h, w and c")]
struct Axes {
    h: usize,
    w: usize,
    c: usize,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with h, w, c and value")]
struct CellLine<'a> {
    h: usize,
    w: usize,
    c: usize,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    bit: Option<u64>,
}

/// A thing that has to be written with its names: serde would also take a list in their place, in which axes could be
/// mistaken for each other.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Named<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Named<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object with names")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Named(PhantomData))
    }
}

/// The lines of an input, numbered from 1, without the blank ones.
pub(super) struct Lines<R> {
    input: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// Appends the next line to `text` and gives its number; `None` at the end.
    pub(super) fn next(&mut self, text: &mut Vec<u8>) -> Result<Option<u64>, LineError> {
        let start = text.len();
        loop {
            text.truncate(start);
            self.number += 1;
            let failed = |problem| LineError { line: self.number, problem };
            let read = self.input.by_ref().take(LONGEST + 1).read_until(b'\n', text);
            match read.map_err(|error| failed(Problem::Read(error)))? as u64 {
                0 => return Ok(None),
                1..=LONGEST => {}
                _ => return Err(failed(Problem::TooLong)),
            }
            if !text[start..].trim_ascii().is_empty() {
                return Ok(Some(self.number));
            }
        }
    }
}

/// Makes sites of lines.
#[derive(Default)]
pub(super) struct Parser {
    /// The shape that every site must have, once it is known.
    shape: Option<Shape>,
    places: Vec<usize>,
}

impl Parser {
    /// One whose sites must have this shape.
    pub(super) fn new(shape: Shape) -> Self {
        Parser { shape: Some(shape), places: Vec::new() }
    }

    pub(super) fn site(&mut self, text: &[u8]) -> Result<Site, Problem> {
        let line: Line = serde_json::from_slice(text).map(|Object(line)| line).map_err(syntax)?;
        let Object(axes) = line.shape;
        let shape = Shape::new(axes.h, axes.w, axes.c)?;
        if line.cells.is_empty() {
            return Err(Problem::NoCells);
        }
        let expected = *self.shape.get_or_insert(shape);
        if shape != expected {
            return Err(Problem::OtherShape { expected, found: shape });
        }
        let cells = line.cells.iter().map(|Object(cell)| cell.check(shape)).collect::<Result<Vec<_>, _>>()?;
        self.places.clear();
        self.places.extend(cells.iter().map(|x| (x.c * shape.h + x.h) * shape.w + x.w));
        self.places.sort_unstable();
        if let Some(pair) = self.places.windows(2).find(|pair| pair[0] == pair[1]) {
            let (plane, place) = (shape.plane(), pair[0]);
            return Err(Problem::Twice { h: place % plane / shape.w, w: place % shape.w, c: place / plane });
        }
        Ok(Site { shape, cells })
    }
}

/// Sites, one at a time, from lines of JSON. Blank lines are passed over; whatever a line holds
/// beside `shape` and `cells` is a remark.
pub struct Reader<R> {
    lines: Lines<R>,
    text: Vec<u8>,
    parser: Parser,
}

impl<R: BufRead> Reader<R> {
    /// Reads the sites of `input`.
    pub fn new(input: R) -> Self {
        Reader { lines: Lines { input, number: 0 }, text: Vec::new(), parser: Parser::default() }
    }

    /// What it has not read.
    pub(super) fn into_lines(self) -> Lines<R> {
        self.lines
    }

    /// The line that the last site came from, without its end.
    pub fn text(&self) -> &[u8] {
        self.text.trim_ascii()
    }

    /// How many lines were read.
    pub fn line(&self) -> u64 {
        self.lines.number
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Site, LineError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.text.clear();
        let line = self.lines.next(&mut self.text).transpose()?;
        Some(line.and_then(|line| self.parser.site(&self.text).map_err(|problem| LineError { line, problem })))
    }
}

impl CellLine<'_> {
    fn check(&self, shape: Shape) -> Result<Cell, Problem> {
        let &CellLine { h, w, c, .. } = self;
        if !shape.contains(h, w, c) {
            return Err(Problem::Outside { h, w, c, shape });
        }
        let fault = match (self.value, self.bit) {
            (Some(value), None) => Fault::Value(float(value.get())?),
            (None, Some(bit @ 0..=31)) => Fault::Bit(bit as u8),
            (None, Some(bit)) => return Err(Problem::Bit(bit)),
            (None, None) => return Err(Problem::NoFault { h, w, c }),
            (Some(_), Some(_)) => return Err(Problem::TwoFaults { h, w, c }),
        };
        Ok(Cell { h, w, c, fault })
    }
}

/// Reads a JSON number, or one of the strings for what JSON has no number for, as float32.
fn float(text: &str) -> Result<f32, Problem> {
    let value = match text {
        "\"NaN\"" => Some(f32::NAN),
        "\"Infinity\"" => Some(f32::INFINITY),
        "\"-Infinity\"" => Some(f32::NEG_INFINITY),
        // From the text, not through f64: a number is rounded once.
        number => number.parse().ok().filter(|value: &f32| value.is_finite()),
    };
    value.ok_or_else(|| Problem::Value { value: text.to_owned() })
}

/// serde_json counts lines within the one line that it was given: keep only the column.
fn syntax(error: serde_json::Error) -> Problem {
    let message = error.to_string().replace("expected usize", "expected a whole number from 0");
    let place = format!(" at line {} column {}", error.line(), error.column());
    Problem::Json { message: message.strip_suffix(&place).unwrap_or(&message).to_owned(), column: error.column() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Site>, String> {
        Reader::new(text.as_bytes()).collect::<Result<_, _>>().map_err(|error| error.to_string())
    }

    fn line(cells: &str) -> String {
        format!(r#"{{"shape":{{"h":2,"w":3,"c":4}},"cells":[{cells}]}}"#)
    }

    #[test]
    fn a_line_written_by_hand_needs_only_shape_and_cells() {
        let sites = read(&line(r#"{"h":1,"w":2,"c":3,"value":-1.5},{"c":0,"w":0,"h":0,"bit":31}"#)).unwrap();
        let cells =
            [Cell { h: 1, w: 2, c: 3, fault: Fault::Value(-1.5) }, Cell { h: 0, w: 0, c: 0, fault: Fault::Bit(31) }];
        assert_eq!(sites[0].cells, cells);
        assert_eq!(sites[0].shape, Shape::new(2, 3, 4).unwrap());
    }

    #[test]
    fn all_that_is_not_shape_or_cells_is_a_remark() {
        let text = r#"{"site":-1,"by":{"hand":[1e999,null]},"shape":{"c":1,"h":1,"w":1,"n":0},"cells":[{"h":0,"w":0,"c":0,"value":1,"class":"mine"}]}"#;
        assert_eq!(read(text).unwrap().len(), 1);
    }

    #[test]
    fn values_json_has_no_number_for_are_strings() {
        for (text, bits) in [
            ("\"NaN\"", f32::NAN.to_bits()),
            ("\"Infinity\"", f32::INFINITY.to_bits()),
            ("\"-Infinity\"", f32::NEG_INFINITY.to_bits()),
            ("-0.0", (-0.0f32).to_bits()),
            ("1", 1f32.to_bits()),
            ("3.4028234663852886e38", f32::MAX.to_bits()),
            ("1e-45", 1),
        ] {
            let cell = format!(r#"{{"h":0,"w":0,"c":0,"value":{text}}}"#);
            match read(&line(&cell)).unwrap()[0].cells[0].fault {
                Fault::Value(value) => assert_eq!(value.to_bits(), bits, "{text}"),
                Fault::Bit(_) => panic!("{text} is a value"),
            }
        }
    }

    #[test]
    fn every_bad_line_says_which_and_why() {
        let cell = r#"{"h":0,"w":0,"c":0,"value":1}"#;
        for (text, message) in [
            ("{", "line 1: not a site: EOF while parsing an object (column 1)".to_owned()),
            ("[1]", "line 1: not a site: invalid type: sequence, expected an object with names (column 0)".to_owned()),
            (
                r#"{"shape":[2,3,4],"cells":[]}"#,
                "line 1: not a site: invalid type: sequence, expected an object with names (column 9)".to_owned(),
            ),
            (
                &line("[0,0,0,1]"),
                "line 1: not a site: invalid type: sequence, expected an object with names (column 38)".to_owned(),
            ),
            (r#"{"cells":[]}"#, "line 1: not a site: missing field `shape` (column 12)".to_owned()),
            (
                r#"{"shape":{"h":2,"w":3,"c":0},"cells":[]}"#,
                "line 1: 2x3x0 is not a shape: an axis of no cells".to_owned(),
            ),
            (&line(""), "line 1: no cells".to_owned()),
            (
                &line(r#"{"h":2,"w":0,"c":0,"value":1}"#),
                "line 1: cell h 2, w 0, c 0 lies outside the shape 2x3x4".to_owned(),
            ),
            (
                &line(&format!("{cell},{},{cell}", cell.replace("\"w\":0", "\"w\":1"))),
                "line 1: cell h 0, w 0, c 0 is there twice".to_owned(),
            ),
            (
                &line(r#"{"h":1,"w":2,"c":3,"value":1},{"h":1,"w":2,"c":3,"value":1}"#),
                "line 1: cell h 1, w 2, c 3 is there twice".to_owned(),
            ),
            (&line(r#"{"h":0,"w":0,"c":0}"#), "line 1: cell h 0, w 0, c 0 has neither a value nor a bit".to_owned()),
            (
                &line(r#"{"h":0,"w":0,"c":0,"value":1,"bit":2}"#),
                "line 1: cell h 0, w 0, c 0 has both a value and a bit".to_owned(),
            ),
            (&line(r#"{"h":0,"w":0,"c":0,"bit":32}"#), "line 1: bit 32 is not one of 0 to 31".to_owned()),
            (
                &format!("{}\n\n{}", line(cell), line(cell).replace("\"h\":2", "\"h\":3")),
                "line 3: shape 3x3x4, where the lines before have 2x3x4".to_owned(),
            ),
        ] {
            assert_eq!(read(text).unwrap_err(), message, "{text}");
        }
        for value in ["1e39", "-3.5e38", "\"nan\"", "true", "[]", "\"1.5\""] {
            let cell = format!(r#"{{"h":0,"w":0,"c":0,"value":{value}}}"#);
            assert_eq!(
                read(&line(&cell)).unwrap_err(),
                format!("line 1: value {value} is not a float32, \"NaN\", \"Infinity\" or \"-Infinity\"")
            );
        }
        assert!(read(&line(r#"{"h":0,"w":0,"c":0,"value":NaN}"#)).is_err());
        assert!(read(&line(r#"{"h":-1,"w":0,"c":0,"value":1}"#)).is_err());
    }

    #[test]
    fn a_bad_cell_deep_in_a_file_names_its_line() {
        let good = line(r#"{"h":0,"w":0,"c":0,"value":1}"#);
        let bad = line(r#"{"h":0,"w":3,"c":0,"value":1}"#);
        let lines = (1..=20_000).map(|i| if i == 19_999 { &bad } else { &good });
        let text = lines.fold(String::new(), |text, line| text + line + "\n");
        assert_eq!(read(&text).unwrap_err(), "line 19999: cell h 0, w 3, c 0 lies outside the shape 2x3x4");
    }

    #[test]
    fn a_bad_line_does_not_hide_the_next() {
        let text = format!("{{\n{}\n", line(r#"{"h":0,"w":0,"c":0,"value":1}"#));
        let mut reader = Reader::new(text.as_bytes());
        assert!(reader.next().unwrap().is_err());
        assert!(reader.next().unwrap().is_ok());
        assert!(reader.next().is_none());
    }
}
