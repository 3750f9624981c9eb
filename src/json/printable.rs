//! A text that is printed anew, whole.

use std::borrow::Cow;
use std::io::{self, Write};

use serde_json::Value;
use serde_json::ser::{CompactFormatter, PrettyFormatter};

use super::plain::to_plain;
use super::restyle::restyle;
use super::{Arrays, JsonError, Origin, Reading, check, value, write_compact, write_pretty};

/// A document on its way from one text to another. It becomes values only where it has to.
#[derive(Debug)]
pub enum Printable<'a> {
    /// Plain JSON.
    Text(Cow<'a, str>),
    /// The document.
    Value(Value),
}

impl<'a> Printable<'a> {
    /// Reads the text of a model file as [`super::parse_saved`] does.
    ///
    /// # Errors
    /// Those of [`super::parse_saved`].
    pub fn read(text: &'a str, arrays: &mut Arrays<'a>) -> Result<Self, JsonError> {
        let held = arrays.len();
        let plain = to_plain(text, Origin::Saved, arrays);
        let are_held = arrays.len() > held;
        // Of a key that stands twice the last member counts, and site arrays have a place only among values.
        if !are_held && check::has_unique_keys(&plain.text).map_err(|error| plain.syntax(&error, text))? {
            return Ok(Printable::Text(plain.text));
        }
        Ok(Printable::Value(value(&plain, text, |_| Reading::Whole, are_held)?))
    }

    /// Writes it as [`write_pretty`] does.
    pub fn write_pretty(&self, arrays: &Arrays, out: &mut impl Write) -> io::Result<()> {
        match self {
            Printable::Text(text) => restyle(text, PrettyFormatter::new(), out).and_then(|()| out.write_all(b"\n")),
            Printable::Value(value) => write_pretty(value, arrays, out),
        }
    }

    /// Writes it as [`write_compact`] does.
    pub fn write_compact(&self, arrays: &Arrays, out: &mut impl Write) -> io::Result<()> {
        match self {
            Printable::Text(text) => restyle(text, CompactFormatter, out).and_then(|()| out.write_all(b"\n")),
            Printable::Value(value) => write_compact(value, arrays, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_saved as parse;
    use super::*;

    /// In both styles: the text, copied or through values; and through values for sure.
    fn printed(text: &str) -> [String; 2] {
        let (mut held, mut arrays) = (Arrays::default(), Arrays::default());
        let printable = Printable::read(text, &mut held).expect("valid");
        let value = parse(text, &mut arrays).expect("valid").value;
        [true, false].map(|is_pretty| {
            let (mut ours, mut of_values) = (Vec::new(), Vec::new());
            match is_pretty {
                true => printable
                    .write_pretty(&held, &mut ours)
                    .and_then(|()| write_pretty(&value, &arrays, &mut of_values)),
                false => printable
                    .write_compact(&held, &mut ours)
                    .and_then(|()| write_compact(&value, &arrays, &mut of_values)),
            }
            .expect("memory");
            assert_eq!(String::from_utf8_lossy(&ours), String::from_utf8_lossy(&of_values));
            String::from_utf8(ours).expect("UTF-8")
        })
    }

    fn is_text(text: &str) -> bool {
        matches!(Printable::read(text, &mut Arrays::default()), Ok(Printable::Text(_)))
    }

    #[test]
    fn a_text_that_is_copied_looks_as_its_values_do() {
        for text in [
            "null",
            " -0.50e+07\n",
            "\"\"",
            "{}",
            "[ ]",
            "[[],{},[{}],\t{\"\":[]}]",
            r#"{"z":1e-07,"a":{"b":[1,2.0,true]},"c":"d"}"#,
            "{ \"a\" :\r\n[ 1 , \"x\" ,null ] , \"b\" : { } }",
            r#"{"a,:\"]}":"\\","\u00e9\/\ud83d\ude00":"\"\u0001\n\\\"","é😀":"/"}"#,
        ] {
            assert!(is_text(text), "{text}");
            printed(text);
        }
        assert_eq!(
            printed(r#"{"a":[],"b":[1]}"#),
            ["{\n  \"a\": [],\n  \"b\": [\n    1\n  ]\n}\n", "{\"a\":[],\"b\":[1]}\n"]
        );
    }

    #[test]
    fn numbers_keep_their_text() {
        let text = "[1E5,1e5,-0.0,1.50,123456789012345678901234567890]\n";
        let mut out = Vec::new();
        let arrays = Arrays::default();
        Printable::read(text, &mut Arrays::default()).expect("valid").write_compact(&arrays, &mut out).expect("memory");
        assert_eq!(String::from_utf8_lossy(&out), text);
    }

    #[test]
    fn of_keys_that_stand_twice_the_last_member_counts() {
        for (text, compact) in
            [(r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#), (r#"[{"c":{"ab":1,"\u0061b":2}}]"#, r#"[{"c":{"ab":2}}]"#)]
        {
            assert!(!is_text(text));
            assert_eq!(printed(text)[1].trim_end(), compact);
        }
        assert!(is_text(r#"{"a":{"a":1},"b":{"a":1,"A":1}}"#));
    }

    #[test]
    fn site_arrays_stay_on_one_line() {
        let text = r#"{"masks": [[0, NaN], [1]], "n": [1]}"#;
        assert!(!is_text(text));
        assert_eq!(printed(text)[0], "{\n  \"masks\": [[0,\"NaN\"],[1]],\n  \"n\": [\n    1\n  ]\n}\n");
        printed(r#"{"masks": MASKS, "available_injection_sites": ["x", NaN]}"#);
    }

    #[test]
    fn numbers_that_json_lacks_are_printed_as_objects() {
        let text = r#"{"a": Infinity, "b": {"class_name": "__float__"}}"#;
        assert!(is_text(text));
        assert_eq!(
            printed(text)[1].trim_end(),
            r#"{"a":{"class_name":"__float__","value":"Infinity"},"b":{"class_name":"___float__"}}"#
        );
    }

    #[test]
    fn a_broken_text_has_the_error_of_its_values() {
        for text in [
            "",
            "{",
            "[1,]",
            "[1 2]",
            "{\"a\" 1}",
            "nul",
            "01",
            "1.",
            "\"\\ud800\"",
            "{} {}",
            "[nan]",
            "{\"masks\":[x]}",
        ] {
            let error = Printable::read(text, &mut Arrays::default()).expect_err(text);
            assert_eq!(error, parse(text, &mut Arrays::default()).expect_err(text));
        }
        let deep = "[".repeat(200);
        assert!(Printable::read(&deep, &mut Arrays::default()).is_err());
    }
}
