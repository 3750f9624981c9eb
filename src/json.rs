//! Python's dialect of JSON: what Keras writes and CLASSES' README prints, turned into plain JSON and back.
//!
//! Python's `json` writes `NaN`, `Infinity` and `-Infinity` as bare tokens. Inside the site arrays of a simulator they are
//! legitimate, and in plain JSON they are the strings of the same letters there; anywhere else they are refused, with the
//! JSON Pointer of the place. The placeholders of a simulator may stand bare as well, as CLASSES' README prints them.
//! The site arrays themselves never become JSON values: they are held aside as text ([`Arrays`]).

mod arrays;
mod build;
mod check;
mod plain;
mod printable;
mod restyle;
mod write;

use json_patch::jsonptr::PointerBuf;
use serde_json::Value;
use thiserror::Error;

use self::plain::Plain;
use crate::text::shown;

pub use arrays::{Arrays, Spelling, handle, index_of};
pub use build::{Reading, Wanted};
pub use printable::Printable;
pub use write::{PutArray, write_compact, write_pretty, write_python};

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

/// A parsed text, and whether it held bare placeholders.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The document; key order and number texts as they were, handles for the site arrays.
    pub value: Value,
    /// A placeholder such as `MASKS` stood without quotes.
    pub bare_placeholders: bool,
}

/// Parses a text in Python's dialect; its site arrays go into `arrays`.
pub fn parse<'a>(text: &'a str, arrays: &mut Arrays<'a>) -> Result<Parsed, JsonError> {
    parse_wanted(text, |_| Reading::Whole, arrays)
}

/// Parses of a text what is wanted, and checks all of it.
pub fn parse_wanted<'a>(text: &'a str, wanted: Wanted, arrays: &mut Arrays<'a>) -> Result<Parsed, JsonError> {
    let held = arrays.len();
    let plain = plain::to_plain(text, arrays)?;
    let value = value(&plain, text, wanted, arrays.len() > held)?;
    Ok(Parsed { value, bare_placeholders: plain.bare_placeholders })
}

/// What is wanted of a text that is plain now, with handles where arrays were held aside.
fn value(plain: &Plain, original: &str, wanted: Wanted, are_held: bool) -> Result<Value, JsonError> {
    let syntax = |error| plain.syntax(&error, original);
    if plain.has_arrays {
        // Broken arrays may be large, and values take ten times the memory of their text.
        check::has_unique_keys(&plain.text).map_err(syntax)?;
    }
    let mut value = build::value(&plain.text, wanted).map_err(syntax)?;
    if are_held {
        arrays::seat(&mut value);
    }
    Ok(value)
}

/// A key or string as it is spelt in a text, without its quotes and escapes.
fn unescaped(spelt: &str) -> String {
    serde_json::from_str(&format!("\"{spelt}\"")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Parsed, JsonError> {
        super::parse(text, &mut Arrays::default())
    }

    fn compact(text: &str) -> String {
        let mut arrays = Arrays::default();
        let value = super::parse(text, &mut arrays).expect("valid").value;
        let mut out = Vec::new();
        write_compact(&value, &arrays, &mut out).expect("memory");
        String::from_utf8(out).expect("UTF-8").trim_end().to_owned()
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
        write_python(&value, &|_, _| unreachable!("no arrays"), &mut out).expect("memory");
        assert_eq!(
            String::from_utf8(out).expect("ascii"),
            r#"{"a": [1, 2.50], "b": {"c": "\u00e9\ud83d\ude00\u0000\n"}}"#
        );
    }

    #[test]
    fn site_arrays_are_held_wherever_they_stand_and_come_back_where_they_go() {
        let mut arrays = Arrays::default();
        let text = r#"{"m\u0061sks": [3], "a": {"masks": [[0,1]], "available_injection_sites": [], "x": [[0, 1]]}}"#;
        let mut document = super::parse(text, &mut arrays).expect("valid").value;
        assert_eq!(arrays.len(), 3);
        let moved = document["a"]["masks"].take();
        assert_eq!(index_of(&moved), Some(1));
        assert_eq!(arrays.unfold(&moved), Some(serde_json::json!([[0, 1]])));
        document["b"] = moved;
        let mut out = Vec::new();
        write_pretty(&document, &arrays, &mut out).expect("memory");
        let expected = "{\n  \"masks\": [3],\n  \"a\": {\n    \"masks\": null,\n    \"available_injection_sites\": [],\n    \
                        \"x\": [\n      [\n        0,\n        1\n      ]\n    ]\n  },\n  \"b\": [[0,1]]\n}\n";
        assert_eq!(String::from_utf8(out).expect("UTF-8"), expected);
    }

    #[test]
    fn no_number_of_a_document_is_taken_for_an_array() {
        assert_eq!(
            compact(r#"{"masks":[7,7],"a":[-0e0,-0E+0,-0e+00,-0e1,-0e-0,-0.0e+0,"-0e+0"]}"#),
            r#"{"masks":[7,7],"a":[-0.0,-0.0,-0.0,-0.0,-0e-0,-0.0e+0,"-0e+0"]}"#
        );
        let mut arrays = Arrays::default();
        let document = super::parse(r#"{"masks": [[-0e+0, 1]]}"#, &mut arrays).expect("valid").value;
        let unfolded = arrays.unfold(&document["masks"]).expect("an array");
        assert_eq!(index_of(&unfolded[0][0]), None);
    }

    #[test]
    fn other_lists_under_these_keys_stay_values() {
        for text in [
            r#"{"available_injection_sites":[{"index":[1],"value":["NaN"]}],"masks":[]}"#,
            r#"{"masks":[["NaN","x"]]}"#,
        ] {
            assert_eq!(compact(text), text);
        }
        assert_eq!(compact(r#"{"masks":[[NaN,null]]}"#), r#"{"masks":[["NaN",null]]}"#);
    }

    #[test]
    fn a_syntax_error_is_told_at_its_place_in_the_text_given() {
        let place = |text: &str| parse(text).unwrap_err().to_string();
        let rest = "\n \"b\": MASKS,\n  \"c\": 1,}";
        assert_eq!(
            place(&format!("{{\"masks\": [[0,\n1,\n2]],{rest}")),
            "is not JSON: trailing comma at line 5 column 10"
        );
        assert_eq!(place("{\"masks\": [[0, 1],\n [1, oh]]}"), "is not JSON: expected value at line 2 column 6");
    }
}
