//! Python's dialect of JSON: what Keras writes and CLASSES' README prints, turned into plain JSON and back.
//!
//! Python's `json` writes `NaN`, `Infinity` and `-Infinity` as bare tokens. Inside the site arrays of a simulator they are
//! legitimate, so they become the strings of the same letters there; anywhere else they are refused, with the JSON
//! Pointer of the place. The placeholders of a simulator may stand bare as well, as CLASSES' README prints them.

use std::borrow::Cow;
use std::io;

use json_patch::jsonptr::PointerBuf;
use serde_json::Value;
use thiserror::Error;

use crate::explain::Explain;
use crate::simulator::{INJECTIONS_KEY, MASKS_KEY, PLACEHOLDERS};
use crate::text::shown;

/// Why a text is not the JSON that is expected.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum JsonError {
    /// Not JSON at all.
    #[error("is not JSON: {0}")]
    Syntax(String),
    /// A number that JSON does not know, outside the arrays that may hold it.
    #[error("has a bare {token} at {at}, which is not JSON", at = shown(.at.as_str()))]
    BareNumber {
        /// `NaN`, `Infinity` or `-Infinity`.
        token: &'static str,
        /// Where it stands.
        at: PointerBuf,
    },
}

impl Explain for JsonError {
    fn hint(&self) -> Option<String> {
        match self {
            JsonError::Syntax(_) => None,
            JsonError::BareNumber { token, .. } => {
                Some(format!("only the site arrays of a simulator may hold {token}; put a number there"))
            }
        }
    }
}

/// A parsed text, and whether it held bare placeholders.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The document; key order and number texts as they were.
    pub value: Value,
    /// A placeholder such as `MASKS` stood without quotes.
    pub bare_placeholders: bool,
}

/// Parses a text in Python's dialect.
pub fn parse(text: &str) -> Result<Parsed, JsonError> {
    let plain = to_plain(text)?;
    let value = serde_json::from_str(&plain.text).map_err(|error| JsonError::Syntax(error.to_string()))?;
    Ok(Parsed { value, bare_placeholders: plain.bare_placeholders })
}

struct Plain<'a> {
    text: Cow<'a, str>,
    bare_placeholders: bool,
}

/// One open bracket of the text, and how far in it we are.
enum Frame<'a> {
    Object { key: Option<&'a str>, awaits_value: bool },
    Array { index: usize },
}

const BARE_NUMBERS: [&str; 3] = ["NaN", "-Infinity", "Infinity"];

/// Puts quotes around the bare tokens that may stand where they stand. What is otherwise wrong with the text is left
/// to the JSON parser, so this walk needs to be right on valid texts and harmless on others.
fn to_plain(text: &str) -> Result<Plain<'_>, JsonError> {
    let bytes = text.as_bytes();
    let mut frames: Vec<Frame> = Vec::new();
    let mut out = String::new();
    let mut copied = 0;
    let mut bare_placeholders = false;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                let end = end_of_string(bytes, at);
                if let Some(Frame::Object { key, awaits_value: false }) = frames.last_mut() {
                    *key = text.get(at + 1..end.saturating_sub(1).max(at + 1));
                }
                at = end;
                continue;
            }
            b'{' => frames.push(Frame::Object { key: None, awaits_value: false }),
            b'[' => frames.push(Frame::Array { index: 0 }),
            b'}' | b']' => {
                frames.pop();
            }
            b':' => {
                if let Some(Frame::Object { awaits_value, .. }) = frames.last_mut() {
                    *awaits_value = true;
                }
            }
            b',' => match frames.last_mut() {
                Some(Frame::Object { awaits_value, .. }) => *awaits_value = false,
                Some(Frame::Array { index }) => *index += 1,
                None => {}
            },
            b'N' | b'I' | b'M' | b'-' if starts_token(bytes, at) => {
                let rest = &text[at..];
                let number = BARE_NUMBERS.into_iter().find(|token| is_token(rest, token));
                if let Some(token) = number
                    && !in_site_array(&frames)
                {
                    return Err(JsonError::BareNumber { token, at: pointer(&frames) });
                }
                let placeholder = PLACEHOLDERS.into_iter().find(|token| is_token(rest, token));
                bare_placeholders |= placeholder.is_some();
                if let Some(token) = number.or(placeholder) {
                    out.push_str(&text[copied..at]);
                    out.push('"');
                    out.push_str(token);
                    out.push('"');
                    at += token.len();
                    copied = at;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    let text = if copied == 0 {
        Cow::Borrowed(text)
    } else {
        out.push_str(&text[copied..]);
        Cow::Owned(out)
    };
    Ok(Plain { text, bare_placeholders })
}

/// The index just past the closing quote of the string that opens at `start`.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn starts_token(bytes: &[u8], at: usize) -> bool {
    at == 0 || !is_word(bytes[at - 1])
}

fn is_token(rest: &str, token: &str) -> bool {
    rest.strip_prefix(token).is_some_and(|after| !after.bytes().next().is_some_and(is_word))
}

fn in_site_array(frames: &[Frame]) -> bool {
    frames.iter().any(|frame| {
        matches!(frame, Frame::Object { key: Some(key), awaits_value: true } if [INJECTIONS_KEY, MASKS_KEY].contains(key))
    })
}

fn pointer(frames: &[Frame]) -> PointerBuf {
    let mut pointer = PointerBuf::new();
    for frame in frames {
        match frame {
            // A key is kept as it is spelt in the text; unescaping it needs the JSON parser.
            Frame::Object { key, .. } => {
                let spelt = format!("\"{}\"", key.unwrap_or_default());
                pointer.push_back(serde_json::from_str::<String>(&spelt).unwrap_or_default());
            }
            Frame::Array { index } => pointer.push_back(*index),
        }
    }
    pointer
}

/// Writes a document as Python's `json.dumps` does for Keras: one line, `", "` and `": "` between things, ASCII only.
pub fn write_ascii(value: &Value, out: &mut impl io::Write) -> io::Result<()> {
    serde::Serialize::serialize(value, &mut serde_json::Serializer::with_formatter(out, PythonStyle))
        .map_err(io::Error::from)
}

/// Writes a document for people: two spaces, and a line feed at the end.
pub fn write_pretty(value: &Value, out: &mut impl io::Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    out.write_all(b"\n")
}

struct PythonStyle;

impl serde_json::ser::Formatter for PythonStyle {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(|c: char| !c.is_ascii()) {
            writer.write_all(&rest.as_bytes()[..at])?;
            let mut chars = rest[at..].chars();
            let mut units = [0; 2];
            for unit in chars.next().unwrap_or_default().encode_utf16(&mut units) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = chars.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compact(text: &str) -> String {
        parse(text).expect("valid").value.to_string()
    }

    #[test]
    fn number_texts_and_key_order_survive() {
        let text = r#"{"z":1e-07,"a":1.0,"m":-0.0,"big":123456789012345678901234567890,"e":1e+16}"#;
        assert_eq!(compact(text), text);
    }

    #[test]
    fn numbers_that_json_lacks_become_strings_in_site_arrays() {
        let text = r#"{"config": {"available_injection_sites": [[NaN, -Infinity, 0], [Infinity]], "masks": [NaN]}}"#;
        assert_eq!(
            compact(text),
            r#"{"config":{"available_injection_sites":[["NaN","-Infinity",0],["Infinity"]],"masks":["NaN"]}}"#
        );
    }

    #[test]
    fn numbers_that_json_lacks_are_refused_elsewhere_with_their_pointer() {
        let error = parse(r#"{"masks": [1], "config": {"layers": [{}, {"a/b": [0, -Infinity]}]}}"#).unwrap_err();
        assert_eq!(error.to_string(), "has a bare -Infinity at /config/layers/1/a~1b/1, which is not JSON");
    }

    #[test]
    fn bare_placeholders_are_taken_and_noticed() {
        let parsed =
            parse(r#"{"available_injection_sites": INJ_SITES, "masks": MASKS, "num_inj_sites":NUM_INJECTION_SITES}"#)
                .expect("valid");
        assert!(parsed.bare_placeholders);
        assert_eq!(
            parsed.value.to_string(),
            r#"{"available_injection_sites":"INJ_SITES","masks":"MASKS","num_inj_sites":"NUM_INJECTION_SITES"}"#
        );
        assert!(!parse(r#"{"masks": "MASKS"}"#).expect("valid").bare_placeholders);
    }

    #[test]
    fn words_inside_strings_are_left_alone() {
        let text = r#"{"a \" NaN":"x NaN, MASKS \\","b":[true,null]}"#;
        assert_eq!(compact(text), text);
    }

    #[test]
    fn broken_texts_are_errors_and_never_panics() {
        for text in
            ["", "{", "\"", "\"\\", "[1,]", "NaNa", "{\"a\": MASK}", "nul", "\"\\ud800\"", "{\"a\":NaN", "ä{\"ä\\"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(parse(&deep).unwrap_err().to_string().contains("recursion limit"), "nesting is bounded");
    }

    #[test]
    fn the_written_form_is_pythons() {
        let value = parse(r#"{"a":[1,2.50],"b":{"c":"\u00e9\ud83d\ude00\u0000\n"}}"#).expect("valid").value;
        let mut out = Vec::new();
        write_ascii(&value, &mut out).expect("memory");
        assert_eq!(
            String::from_utf8(out).expect("ascii"),
            r#"{"a": [1, 2.50], "b": {"c": "\u00e9\ud83d\ude00\u0000\n"}}"#
        );
    }
}
