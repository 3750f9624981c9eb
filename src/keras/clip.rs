//! The layers that keep values in a range, as they stand in a config: `Clip` of the package, or Keras' own `ReLU`.

use serde_json::{Map, Number, Value, json};

/// The name of the package's layer, and the one that it is registered under.
const NAMES: (&str, &str) = ("Clip", "classes_h5>Clip");
/// The class of the package's layer, as a config of Keras 2 names it.
pub const CLASS: &str = NAMES.1;

/// What becomes of a value that is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nan {
    /// It goes on, as through Keras' own layers.
    #[default]
    Keep,
    /// 0, or the end of the range that is nearest to it.
    Zero,
}

/// What becomes of a value outside the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outside {
    /// The end of the range that it has passed.
    #[default]
    Saturate,
    /// 0, or the end of the range that is nearest to it.
    Zero,
}

/// A clip: what a layer lets through, and what it makes of all else.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Clip {
    /// The smallest value that goes through.
    pub min: f32,
    /// The largest.
    pub max: f32,
    /// What becomes of NaN.
    pub nan: Nan,
    /// What becomes of the others.
    pub outside: Outside,
}

impl Clip {
    /// Whether Keras' own `ReLU` with a `max_value` does the same.
    pub fn is_relu(&self) -> bool {
        self.min == 0.0 && self.nan == Nan::Keep && self.outside == Outside::Saturate
    }

    /// The class of the layer that does it, and the module where Keras finds it.
    pub fn class(&self) -> (&'static str, Option<&'static str>) {
        if self.is_relu() { ("ReLU", Some("keras.layers")) } else { (CLASS, None) }
    }

    /// The `config` of that layer. `dtype` is a dtype policy as Keras writes it.
    pub fn config(&self, name: &str, dtype: Value) -> Map<String, Value> {
        let own = if self.is_relu() {
            vec![("max_value", number(self.max)), ("negative_slope", json!(0.0)), ("threshold", json!(0.0))]
        } else {
            let nan = if self.nan == Nan::Keep { "keep" } else { "zero" };
            let outside = if self.outside == Outside::Saturate { "saturate" } else { "zero" };
            let ends = [("min", number(self.min)), ("max", number(self.max))];
            ends.into_iter().chain([("nan", json!(nan)), ("outside", json!(outside))]).collect()
        };
        let all = [("name", json!(name)), ("trainable", json!(true)), ("dtype", dtype)].into_iter().chain(own);
        all.map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

/// The shortest text that reads back to the number, as Python writes it.
fn number(value: f32) -> Value {
    format!("{value:?}").parse().map_or(Value::Null, |number: Number| Value::Number(number))
}

/// Whether an entry of a config is the package's layer.
pub fn is_clip(entry: &Value, class: &str) -> bool {
    let (name, registered) = NAMES;
    class == registered || (class == name && entry.get("registered_name").is_some_and(|found| found == registered))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_relu_does_to_every_value_is_left_to_it() {
        let clip = Clip { min: 0.0, max: 2.5, ..Clip::default() };
        assert_eq!(clip.class().0, "ReLU");
        assert_eq!(Clip { min: -0.0, ..clip }.class().0, "ReLU");
        for other in [
            Clip { min: -1.0, ..clip },
            Clip { min: 1e-45, ..clip },
            Clip { nan: Nan::Zero, ..clip },
            Clip { outside: Outside::Zero, ..clip },
        ] {
            assert_eq!(other.class(), (CLASS, None), "{other:?}");
        }
    }

    #[test]
    fn the_ends_are_written_so_that_they_read_back_to_the_bit() {
        for value in [0.1_f32, 3.25, -1e-45, f32::MAX, 16_777_216.0, 1e-7, -0.0] {
            let text = number(value).to_string();
            assert_eq!(text.parse::<f32>().expect("a number").to_bits(), value.to_bits(), "{text}");
        }
        assert_eq!(number(2.0).to_string(), "2.0");
    }

    #[test]
    fn a_layer_of_that_name_of_somebody_elses_is_none() {
        assert!(is_clip(&json!({}), "classes_h5>Clip"));
        assert!(is_clip(&json!({"registered_name": "classes_h5>Clip"}), "Clip"));
        for entry in [json!({}), json!({"module": "keras.src.ops.numpy", "registered_name": "Clip"})] {
            assert!(!is_clip(&entry, "Clip"), "{entry}");
        }
    }
}
