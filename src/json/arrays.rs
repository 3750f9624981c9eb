//! The site arrays of documents, held aside as the text they are.
//!
//! The arrays of a hundred large sites are hundreds of megabytes of text and would be gigabytes of JSON values. So the
//! parser takes them out of the text and leaves a handle in their place, a number spelt as no document spells one, and
//! the writer puts them back where it meets the handle.

use std::io::{self, Write};

use serde_json::{Number, Value};

use super::Origin;
use super::build::{self, Reading};
use crate::keras::simulator::{INJECTIONS_KEY, MASKS_KEY};

/// Site arrays by handle. Several documents share one collection, so that parts of one may go into another.
#[derive(Debug, Default)]
pub struct Arrays<'a> {
    texts: Vec<&'a str>,
}

/// How a number that JSON lacks is spelt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// A bare token, as Python writes it: `NaN`.
    Bare,
    /// A string, which is plain JSON: `"NaN"`.
    Quoted,
}

impl<'a> Arrays<'a> {
    /// How many are held; the next one's index.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether none are held.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// At most how many values an array has: each takes a character, and one more stands between two.
    pub fn values(&self, index: usize) -> usize {
        self.texts.get(index).map_or(0, |text| text.len() / 2 + 1)
    }

    /// At most how many bytes an array takes in Python's spelling, which is never longer than the text.
    pub fn most(&self, index: usize) -> u64 {
        self.texts.get(index).map_or(0, |text| text.len() as u64)
    }

    /// Holds the text of an array that [`end_of_numbers`] has checked; gives its index.
    pub(super) fn hold(&mut self, text: &'a str) -> usize {
        self.texts.push(text);
        self.texts.len() - 1
    }

    /// Writes an array without white space, its numbers as they are spelt in the text.
    pub fn write(&self, index: usize, spelling: Spelling, out: &mut dyn Write) -> io::Result<()> {
        let text = self.texts.get(index).copied().unwrap_or_default();
        let bytes = text.as_bytes();
        let (mut at, mut copied) = (0, 0);
        let is_special = |&byte: &u8| byte <= b' ' || byte == b'N' || byte == b'I';
        while let Some(found) = bytes[at..].iter().position(is_special) {
            at += found;
            let Some(token) = TOKENS.into_iter().find(|token| bytes[at..].starts_with(token.as_bytes())) else {
                out.write_all(&bytes[copied..at])?;
                at += 1;
                copied = at;
                continue;
            };
            let start = at - usize::from(bytes[..at].ends_with(b"-"));
            let quote = usize::from(bytes[..start].ends_with(b"\""));
            out.write_all(&bytes[copied..start - quote])?;
            at += token.len();
            match spelling {
                Spelling::Bare => out.write_all(&bytes[start..at])?,
                Spelling::Quoted => write!(out, "\"{}\"", &text[start..at])?,
            }
            at += quote;
            copied = at;
        }
        out.write_all(&bytes[copied..])
    }

    /// The value that a handle stands for; `None` for any other value.
    pub fn unfold(&self, value: &Value) -> Option<Value> {
        let mut text = Vec::new();
        self.write(index_of(value)?, Spelling::Quoted, &mut text).ok()?;
        build::value(std::str::from_utf8(&text).ok()?, |_| Reading::Whole).ok()
    }
}

/// The letters of the numbers that JSON lacks.
const TOKENS: [&str; 2] = ["NaN", "Infinity"];

/// How the number of a handle begins, a zero that Python never spells so. In a document, numbers that begin so are spelt
/// otherwise ([`unlike_handles`]).
const HANDLE: &str = "-0e+";

/// What stands in a document for array number `index`.
pub fn handle(index: usize) -> Value {
    format!("{HANDLE}{index}").parse().map_or(Value::Null, Value::Number)
}

/// A number of a document; one that could be taken for a handle is its value spelt otherwise.
pub(super) fn unlike_handles(number: Number) -> Number {
    match index_in(number.as_str()) {
        Some(_) => Number::from_f64(-0.0).unwrap_or(number),
        None => number,
    }
}

/// The array that a value is the handle of.
pub fn index_of(value: &Value) -> Option<usize> {
    value.as_number().and_then(|number| index_in(number.as_str()))
}

pub(super) fn index_in(number: &str) -> Option<usize> {
    number.strip_prefix(HANDLE)?.parse().ok()
}

/// Whether site arrays stand under this key.
pub(super) fn is_array_key(key: &str) -> bool {
    [INJECTIONS_KEY, MASKS_KEY].contains(&key)
}

/// What the parser reads in place of array number `index`: lists of numbers are all held, so this one list of a number
/// is always ours.
pub(super) fn placeholder(index: usize) -> String {
    format!("[{index}]")
}

/// Puts handles where placeholders are.
pub(super) fn seat(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let index = value.as_array().filter(|list| list.len() == 1).and_then(|list| list[0].as_u64());
                match index {
                    Some(index) if is_array_key(key) => *value = handle(index as usize),
                    _ => seat(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(seat),
        _ => {}
    }
}

/// Deeper lists are left to the JSON parser, which refuses them.
const DEEPEST: usize = 64;

/// Where the list that opens at `start` ends, if it is nothing but lists of numbers in lists; Python's bare tokens are numbers
/// too, and so are their quoted forms in what is printed.
pub(super) fn end_of_numbers(bytes: &[u8], start: usize, origin: Origin) -> Option<usize> {
    let mut at = start;
    let mut depth = 0;
    loop {
        at = skip_space(bytes, at);
        if *bytes.get(at)? == b'[' {
            depth += 1;
            at = skip_space(bytes, at + 1);
            if depth > DEEPEST {
                return None;
            }
            if *bytes.get(at)? != b']' {
                continue;
            }
        } else {
            at = end_of_number(bytes, at, origin)?;
        }
        loop {
            at = skip_space(bytes, at);
            match *bytes.get(at)? {
                b',' => {
                    at += 1;
                    break;
                }
                b']' => {
                    depth -= 1;
                    at += 1;
                    if depth == 0 {
                        return Some(at);
                    }
                }
                _ => return None,
            }
        }
    }
}

#[inline]
fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

#[inline]
fn end_of_number(bytes: &[u8], at: usize, origin: Origin) -> Option<usize> {
    match (bytes.get(at)?, bytes.get(at + 1)?) {
        // Nearly all are a 0 or a 1.
        (b'0'..=b'9', b',' | b']') => Some(at + 1),
        (b'"', _) if origin == Origin::Saved => None,
        (b'"', _) => end_of_token(bytes, at + 1).filter(|&end| bytes.get(end) == Some(&b'"')).map(|end| end + 1),
        (b'N' | b'I', _) | (b'-', b'I') => end_of_token(bytes, at),
        _ => end_of_json_number(bytes, at),
    }
}

fn end_of_token(bytes: &[u8], at: usize) -> Option<usize> {
    let token = ["NaN", "Infinity", "-Infinity"].into_iter().find(|token| bytes[at..].starts_with(token.as_bytes()))?;
    Some(at + token.len())
}

fn end_of_json_number(bytes: &[u8], start: usize) -> Option<usize> {
    let digits = |at: usize| {
        let count = bytes.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (count > 0).then_some(at + count)
    };
    let whole = start + usize::from(bytes[start] == b'-');
    let mut at = digits(whole)?;
    if bytes[whole] == b'0' && at > whole + 1 {
        return None;
    }
    if bytes.get(at) == Some(&b'.') {
        at = digits(at + 1)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        at = digits(at + usize::from(matches!(bytes.get(at), Some(b'+' | b'-'))))?;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(text: &str) -> Option<usize> {
        end_of_numbers(text.as_bytes(), 0, Origin::Printed)
    }

    #[test]
    fn lists_of_numbers_are_told_from_all_else_as_the_json_parser_does() {
        for text in [
            "[]",
            "[[],[]]",
            "[0]",
            "[ 1 , -2.5e-07,\n[\t[1E+5,0.0]]\r]",
            "[NaN,Infinity,-Infinity]",
            "[\"NaN\", \"-Infinity\" ,\"Infinity\"]",
            "[-0,10,1e400]",
        ] {
            assert_eq!(end(&format!("{text}, 7]")), Some(text.len()), "{text}");
        }
        for text in [
            "[",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[[1]",
            "[01]",
            "[-]",
            "[1.]",
            "[.5]",
            "[1e]",
            "[+1]",
            "[0x1]",
            "[nan]",
            "[NaNs]",
            "[\"NaN]",
            "[\"1\"]",
            "[\"x\"]",
            "[-NaN]",
            "[--Infinity]",
            "[null]",
            "[{}]",
            "[true]",
            "[1}",
            "[\u{a0}1]",
        ] {
            assert_eq!(end(text), None, "{text}");
        }
        assert_eq!(end(&("[".repeat(65) + &"]".repeat(65))), None);
        assert_eq!(end_of_numbers(b"[\"NaN\"]", 0, Origin::Saved), None, "a string of the file");
    }

    #[test]
    fn an_array_is_written_without_space_in_either_spelling() {
        let mut arrays = Arrays::default();
        let index = arrays.hold("[ [1e-07,\n NaN, \"NaN\"], [-Infinity , \"-Infinity\",Infinity,\t-1.50] ]");
        let written = |spelling| {
            let mut out = Vec::new();
            arrays.write(index, spelling, &mut out).expect("memory");
            String::from_utf8(out).expect("UTF-8")
        };
        assert_eq!(written(Spelling::Bare), "[[1e-07,NaN,NaN],[-Infinity,-Infinity,Infinity,-1.50]]");
        assert_eq!(written(Spelling::Quoted), r#"[[1e-07,"NaN","NaN"],["-Infinity","-Infinity","Infinity",-1.50]]"#);
    }
}
