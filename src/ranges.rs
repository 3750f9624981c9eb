//! A file of golden ranges: for each layer of a model the smallest and the largest value of its output without faults.
//!
//! ```json
//! {"layers": {"conv2d": {"min": 0.0, "max": 3.25, "activation": "relu", "before_activation": {"min": -7.0, "max": 3.25}},
//!             "outer/inner": {"min": -1.5, "max": 2.0}}}
//! ```
//!
//! `python -m classes_h5.ranges` writes one; whatever else the file holds is a remark.

use serde_json::{Map, Value};
use thiserror::Error;

use crate::graph::Layer;
use crate::json;
use crate::keras::classes::own_activation;
use crate::text::shown;
use crate::value::{Range, RangeError};

const LAYERS: &str = "layers";
const BEFORE_ACTIVATION: &str = "before_activation";

/// The golden range that a file has for a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The range.
    pub range: Range,
    /// What it is the range of, for people.
    pub of: String,
}

/// Why a file has no golden range for a layer.
#[derive(Debug, Error, PartialEq)]
pub enum RangesError {
    /// Something is not there, or is of another kind.
    #[error("{at} is {found}, where {expected} is expected", at = shown(at))]
    Malformed {
        /// Where, as a JSON Pointer.
        at: String,
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// The layer is not in the file.
    #[error("has no layer '{layer}'", layer = shown(layer))]
    NoLayer {
        /// The layer, as it was asked for.
        layer: String,
        /// The layers that are in the file.
        there: Vec<String>,
    },
    /// The layer's activation is split off, and the file tells only of what comes behind it.
    #[error(
        "'{layer}' has no before_activation, and the config has split its {activation} off",
        layer = shown(layer), activation = shown(activation)
    )]
    NoBefore {
        /// The layer.
        layer: String,
        /// The activation that it had when the file was made.
        activation: String,
    },
    /// Two numbers that make no range.
    #[error("{at}: {error}", at = shown(at))]
    Range {
        /// Where they stand, as a JSON Pointer.
        at: String,
        /// What is wrong with them.
        error: RangeError,
    },
}

/// The range of a layer, which is found under `name`, as `--layer` addresses it.
///
/// Where the config has the layer without the activation that it had when the file was made, because a patch has split it
/// off, the range is the one before the activation.
///
/// # Errors
/// The document has no such range.
pub fn range_of(document: &Value, name: &str, layer: &Layer) -> Result<Measured, RangesError> {
    let (entry, at) = entry_of(document, name)?;
    let had = entry.get("activation").and_then(Value::as_str).filter(|name| *name != "linear");
    let is_split = own_activation(layer.config).is_none();
    match (had, entry.get(BEFORE_ACTIVATION)) {
        (Some(activation), None) if is_split => {
            Err(RangesError::NoBefore { layer: name.to_owned(), activation: activation.to_owned() })
        }
        (_, Some(before)) if is_split => {
            let at = format!("{at}/{BEFORE_ACTIVATION}");
            let of = format!("'{}' before its {}", shown(name), shown(had.unwrap_or("activation")));
            Ok(Measured { range: ends(object(Some(before), &at)?, &at)?, of })
        }
        _ => Ok(Measured { range: ends(entry, &at)?, of: format!("'{}'", shown(name)) }),
    }
}

/// The range of what a layer puts out when it has its activation, wherever the config applies that now.
///
/// # Errors
/// The document has no such range.
pub fn range_behind(document: &Value, name: &str) -> Result<Range, RangesError> {
    let (entry, at) = entry_of(document, name)?;
    ends(entry, &at)
}

/// The names of all layers that the document has a range for.
///
/// # Errors
/// The document holds no layers.
pub fn names(document: &Value) -> Result<Vec<&str>, RangesError> {
    Ok(layers(document)?.keys().map(String::as_str).collect())
}

fn layers(document: &Value) -> Result<&Map<String, Value>, RangesError> {
    object(object(Some(document), "")?.get(LAYERS), "/layers")
}

/// What the document has for a layer, and where, as a JSON Pointer.
fn entry_of<'v>(document: &'v Value, name: &str) -> Result<(&'v Map<String, Value>, String), RangesError> {
    let layers = layers(document)?;
    let Some(entry) = layers.get(name) else {
        return Err(RangesError::NoLayer { layer: name.to_owned(), there: layers.keys().cloned().collect() });
    };
    let at = format!("/{LAYERS}/{}", name.replace('~', "~0").replace('/', "~1"));
    Ok((object(Some(entry), &at)?, at))
}

fn ends(entry: &Map<String, Value>, at: &str) -> Result<Range, RangesError> {
    let end = |name: &str| match entry.get(name) {
        // From the text, not through f64: a number is rounded once.
        Some(Value::Number(number)) => Ok(number.as_str().parse::<f32>().unwrap_or(f32::NAN)),
        found => Err(malformed(found, &format!("{at}/{name}"), "a finite number")),
    };
    Range::new(end("min")?, end("max")?).map_err(|error| RangesError::Range { at: at.to_owned(), error })
}

fn object<'v>(value: Option<&'v Value>, at: &str) -> Result<&'v Map<String, Value>, RangesError> {
    value.and_then(Value::as_object).ok_or_else(|| malformed(value, at, "an object"))
}

fn malformed(found: Option<&Value>, at: &str, expected: &'static str) -> RangesError {
    let found = match found {
        None => "missing".to_owned(),
        Some(Value::Array(_)) => "a list".to_owned(),
        Some(object @ Value::Object(_)) => json::bare_token(object).unwrap_or("an object").to_owned(),
        Some(leaf) => leaf.to_string(),
    };
    let at = if at.is_empty() { "the whole".to_owned() } else { at.to_owned() };
    RangesError::Malformed { at, found: shown(&found), expected }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config;

    /// The range of the layer `conv`, which applies `activation`.
    fn of(entry: Value, activation: &str) -> Result<(f32, f32, String), String> {
        let model = json!({"class_name": "Sequential", "config": {"layers": [
            {"class_name": "Conv2D", "config": {"name": "a/b", "activation": activation}},
        ]}});
        let graph = config::read(&model).expect("a model");
        let measured = range_of(&json!({"layers": {"a/b": entry}, "by": 7}), "a/b", &graph.layers[0]);
        measured.map(|found| (found.range.min(), found.range.max(), found.of)).map_err(|error| error.to_string())
    }

    #[test]
    fn the_range_is_that_of_what_the_simulator_sees() {
        let both =
            json!({"min": 0.0, "max": 3.25, "activation": "relu", "before_activation": {"min": -7, "max": 3.25}});
        assert_eq!(of(both.clone(), "relu"), Ok((0.0, 3.25, "'a/b'".to_owned())));
        assert_eq!(of(both, "linear"), Ok((-7.0, 3.25, "'a/b' before its relu".to_owned())));
        assert_eq!(of(json!({"min": -1e-3, "max": 2}), "relu"), Ok((-0.001, 2.0, "'a/b'".to_owned())));
        assert_eq!(of(json!({"min": -1e-3, "max": 2}), "linear"), Ok((-0.001, 2.0, "'a/b'".to_owned())));
        assert_eq!(
            of(json!({"min": 0, "max": 2, "activation": "relu"}), "linear"),
            Err("'a/b' has no before_activation, and the config has split its relu off".to_owned())
        );
    }

    #[test]
    fn what_is_no_range_is_told_with_its_place() {
        for (entry, message) in [
            (json!(7), "/layers/a~1b is 7, where an object is expected"),
            (json!({"min": 1}), "/layers/a~1b/max is missing, where a finite number is expected"),
            (json!({"min": null, "max": 1}), "/layers/a~1b/min is null, where a finite number is expected"),
            (json!({"min": "NaN", "max": 1}), "/layers/a~1b/min is \"NaN\", where a finite number is expected"),
            (json!({"min": 1, "max": 1}), "/layers/a~1b: the range 1 to 1 is empty: min must be less than max"),
            (
                json!({"min": -1e39, "max": 1}),
                "/layers/a~1b: the range -inf to 1 has an end that is not a finite float32",
            ),
            (
                json!({"min": 0, "max": 1, "activation": "relu", "before_activation": {"min": 2, "max": 1}}),
                "/layers/a~1b/before_activation: the range 2 to 1 is empty: min must be less than max",
            ),
        ] {
            assert_eq!(of(entry, "linear").unwrap_err(), message);
        }
    }
}
