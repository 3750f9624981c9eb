//! Python's dialect of JSON: what Keras writes and CLASSES' README prints, turned into plain JSON and back.
//!
//! Python's `json` writes `NaN`, `Infinity` and `-Infinity` as bare tokens. In plain JSON they are objects ([`stands`]), but
//! inside the site arrays of a simulator, of which there can be millions, the strings of the same letters. The placeholders
//! of a simulator may stand bare as well, as CLASSES' README prints them. The site arrays themselves never become JSON
//! values: they are held aside as text ([`Arrays`]).

mod arrays;
mod build;
mod check;
mod float;
mod plain;
mod printable;
mod restyle;
mod write;

use serde_json::Value;
use thiserror::Error;

use self::plain::Plain;

pub use arrays::{Arrays, Spelling, handle, index_of};
pub use build::{Reading, Wanted};
pub use float::{BARE_NUMBERS, Stands, UnknownNumber, bare_token, stands, unescape};
pub use printable::Printable;
pub use write::{PutArray, write_compact, write_pretty, write_python};

/// Why a text is not the JSON that is expected.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum JsonError {
    /// Not JSON at all.
    #[error("is not JSON: {0}")]
    Syntax(String),
}

/// Where a text comes from, which tells what an object or a string is that looks as if it stood for a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// A model file: it is what it is.
    Saved,
    /// A tool or a person: it stands for a number.
    Printed,
}

/// A parsed text, and whether it held bare placeholders.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The document; key order and number texts as they were, handles for the site arrays.
    pub value: Value,
    /// A placeholder such as `MASKS` stood without quotes.
    pub bare_placeholders: bool,
}

/// Parses a text in Python's dialect or in plain JSON; its site arrays go into `arrays`.
pub fn parse<'a>(text: &'a str, arrays: &mut Arrays<'a>) -> Result<Parsed, JsonError> {
    parse_wanted(text, |_| Reading::Whole, arrays)
}

/// Parses the text of a model file, which knows nothing of our plain JSON.
pub fn parse_saved<'a>(text: &'a str, arrays: &mut Arrays<'a>) -> Result<Parsed, JsonError> {
    parse_from(Origin::Saved, text, |_| Reading::Whole, arrays)
}

/// Parses of a text what is wanted, and checks all of it.
pub fn parse_wanted<'a>(text: &'a str, wanted: Wanted, arrays: &mut Arrays<'a>) -> Result<Parsed, JsonError> {
    parse_from(Origin::Printed, text, wanted, arrays)
}

fn parse_from<'a>(origin: Origin, text: &'a str, wanted: Wanted, arrays: &mut Arrays<'a>) -> Result<Parsed, JsonError> {
    let held = arrays.len();
    let plain = plain::to_plain(text, origin, arrays);
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
    fn numbers_that_json_lacks_become_objects_elsewhere() {
        let object = |token| format!(r#"{{"class_name":"__float__","value":"{token}"}}"#);
        for token in BARE_NUMBERS {
            for (before, after) in [
                ("", ""),
                (r#"{"masks":[1],"config":{"layers":[{},{"a":[0,"#, "]}]}}"),
                (r#"{"masks":"#, "}"),
                (r#"{"masks":[{"a":["#, "]}]}"),
            ] {
                let plain = format!("{before}{}{after}", object(token));
                assert_eq!(compact(&format!("{before}{token}{after}")), plain);
                assert_eq!(compact(&plain), plain, "what is plain already stays");
            }
            let value = serde_json::from_str(&object(token)).expect("valid");
            assert_eq!(bare_token(&value), Some(token));
        }
    }

    #[test]
    fn an_object_of_the_file_that_looks_like_a_number_is_told_from_one() {
        let saved = |text: &str| parse_saved(text, &mut Arrays::default()).expect("valid").value.to_string();
        for (name, printed) in [
            ("__float__", "___float__"),
            ("____float__", "_____float__"),
            ("\\u005f_float__", "___float__"),
            ("_float__", "_float__"),
            ("__float___", "__float___"),
            ("a__float__", "a__float__"),
        ] {
            let text = |name| format!(r#"{{"class_name":"{name}","value":"Infinity","name":"__float__"}}"#);
            assert_eq!(saved(&text(name)), text(printed));
            assert_eq!(
                saved(&text(name).replace("class", "cl\\u0061ss")),
                text(printed),
                "the key in another spelling"
            );
        }
        assert_eq!(saved(r#"{"class_name":"__string__"}"#), r#"{"class_name":"___string__"}"#);
        let mut value = serde_json::json!({"class_name": "___float__"});
        unescape(&mut value);
        assert_eq!(value, serde_json::json!({"class_name": "__float__"}));
    }

    #[test]
    fn a_string_of_the_file_among_site_arrays_is_told_from_a_number() {
        let saved = |text: &str| parse_saved(text, &mut Arrays::default()).expect("valid").value.to_string();
        let string = r#"{"class_name":"__string__","value":"NaN"}"#;
        for spelt in ["NaN", "\\u004eaN"] {
            assert_eq!(
                saved(&format!(r#"{{"masks":["{spelt}",[NaN,"NaNs"]],"name":["NaN"]}}"#)),
                format!(r#"{{"masks":[{string},["NaN","NaNs"]],"name":["NaN"]}}"#)
            );
        }
        let value: Value = serde_json::from_str(string).expect("valid");
        assert_eq!((stands(&value), bare_token(&value)), (Ok(Some(Stands::ForString(0))), None));
    }

    #[test]
    fn what_has_the_class_of_a_number_and_is_none_is_an_error() {
        for text in [
            r#"{"class_name":"__float__"}"#,
            r#"{"class_name":"__float__","value":"inf"}"#,
            r#"{"class_name":"__float__","value":1.0}"#,
            r#"{"class_name":"__float__","value":"NaN","name":"x"}"#,
            r#"{"class_name":"__string__","value":"x"}"#,
        ] {
            assert_eq!(stands(&serde_json::from_str(text).expect("valid")), Err(UnknownNumber), "{text}");
        }
        for text in [r#""__float__""#, r#"{"value":"NaN"}"#, r#"{"class_name":["__float__"],"value":"NaN"}"#, "1"] {
            assert_eq!(stands(&serde_json::from_str(text).expect("valid")), Ok(None), "{text}");
        }
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
        for text in [
            "",
            "{",
            "\"",
            "\"\\",
            "[1,]",
            "NaNa",
            "{\"a\": MASK}",
            "nul",
            "\"\\ud800\"",
            "{\"a\":NaN",
            "{NaN:1}",
            "-NaN",
            "ä{\"ä\\",
        ] {
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
