//! Lines of an input, one after the other.

use std::io::{BufRead, BufReader, Read};

use super::parse::Parser;
use super::{LineError, LineProblem};
use crate::fault::Site;

/// The longest line that is read, in bytes: what never ends is no line.
pub(super) const LONGEST: u64 = 1 << 30;

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
            match read.map_err(|error| failed(LineProblem::Read(error)))? as u64 {
                0 => return Ok(None),
                1..=LONGEST => {}
                _ => return Err(failed(LineProblem::TooLong)),
            }
            if !text[start..].trim_ascii().is_empty() {
                return Ok(Some(self.number));
            }
        }
    }
}

impl<R: Read> Lines<BufReader<R>> {
    /// Whether the next line, blank or not, is there without waiting for it.
    pub(super) fn is_line_there(&self) -> bool {
        memchr::memchr(b'\n', self.input.buffer()).is_some()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Cell, Fault};
    use crate::layout::Shape;

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
    fn cells_of_any_rank_are_named_by_their_place_on_each_axis() {
        let value = |h, w, c| Cell { h, w, c, fault: Fault::Value(1.0) };
        for (shape, at, cell) in [
            ("[128]", "[77]", value(0, 0, 77)),
            ("[64,8]", "[63,2]", value(0, 63, 2)),
            ("[2,3,4]", "[1,2,3]", value(1, 2, 3)),
            (r#"{"h":2,"w":3,"c":4}"#, "[1,2,3]", value(1, 2, 3)),
            ("[5,2,3,4]", "[4,1,2,3]", value(9, 2, 3)),
        ] {
            let sites = read(&format!(r#"{{"shape":{shape},"cells":[{{"at":{at},"value":1}}]}}"#)).unwrap();
            assert_eq!(sites[0].cells, [cell], "{shape}");
        }
        let named = r#"{"shape":[2,3,4],"cells":[{"h":1,"w":2,"c":3,"value":1}]}"#;
        assert_eq!(read(named).unwrap()[0].cells, [value(1, 2, 3)]);
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
                r#"{"shape":6,"cells":[]}"#,
                "line 1: not a site: invalid type: integer `6`, expected an object with h, w and c, or a list of axes \
                 (column 10)"
                    .to_owned(),
            ),
            (r#"{"shape":[],"cells":[]}"#, "line 1: 0 axes are not a shape: 1 to 7 without the batch".to_owned()),
            (
                r#"{"shape":[1,1,1,1,1,1,1,1,1,1],"cells":[]}"#,
                "line 1: 8 axes are not a shape: 1 to 7 without the batch".to_owned(),
            ),
            (r#"{"shape":[3,0],"cells":[]}"#, "line 1: 3x0 is not a shape: an axis of no cells".to_owned()),
            (
                r#"{"shape":[3,4],"cells":[{"at":[3,0],"value":1}]}"#,
                "line 1: cell [3, 0] lies outside the shape 3x4".to_owned(),
            ),
            (
                r#"{"shape":[3,4],"cells":[{"at":[0],"value":1}]}"#,
                "line 1: cell [0] lies outside the shape 3x4".to_owned(),
            ),
            (
                r#"{"shape":[3,4],"cells":[{"at":[2,1],"bit":1},{"at":[2,1],"bit":2}]}"#,
                "line 1: cell [2, 1] is there twice".to_owned(),
            ),
            (
                r#"{"shape":[3,4],"cells":[{"h":0,"w":2,"c":1,"bit":1}]}"#,
                "line 1: cell h 0, w 2, c 1 in the shape 3x4, whose cells are named by \"at\": a number for each axis"
                    .to_owned(),
            ),
            (
                &line(r#"{"at":[0,0,0],"h":0,"w":0,"c":0,"value":1}"#),
                "line 1: cell h 0, w 0, c 0 has both \"at\" and \"h\", \"w\", \"c\"".to_owned(),
            ),
            (
                &line(r#"{"h":0,"w":0,"value":1}"#),
                "line 1: a cell without a place: \"h\", \"w\" and \"c\", or \"at\" with a number for each axis"
                    .to_owned(),
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
