//! The numbers that JSON lacks, as objects that it knows.
//!
//! Python writes `Infinity`, `-Infinity` and `NaN` bare. In plain JSON each is `{"class_name": "__float__", "value": "Infinity"}`,
//! in the manner of Keras' own `__tuple__` and `__tensor__`: no string can be taken for it, and every tool passes it on. Should a
//! model have a `class_name` of that kind itself, it gets one more underscore in front, and loses it on the way back.

use serde_json::Value;

/// The key that tells what an object is.
pub(super) const CLASS_KEY: &str = "class_name";

/// What stands there for a number.
const CLASS: &str = "__float__";

/// How Python spells the numbers that JSON lacks.
pub const BARE_NUMBERS: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

/// The plain form of one of [`BARE_NUMBERS`].
pub(super) fn object(token: &str) -> String {
    format!(r#"{{"{CLASS_KEY}":"{CLASS}","value":"{token}"}}"#)
}

/// Why an object that looks like a number is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownNumber;

/// The number that an object stands for, by its place among [`BARE_NUMBERS`]; `None` for any other value.
///
/// # Errors
/// It has the class name of a number and is not one.
pub fn bare_number(value: &Value) -> Result<Option<usize>, UnknownNumber> {
    let Value::Object(fields) = value else { return Ok(None) };
    if fields.get(CLASS_KEY).and_then(Value::as_str) != Some(CLASS) {
        return Ok(None);
    }
    let name = fields.get("value").and_then(Value::as_str).filter(|_| fields.len() == 2);
    name.and_then(|name| BARE_NUMBERS.iter().position(|token| *token == name)).map(Some).ok_or(UnknownNumber)
}

/// How Python spells what an object stands for, where it stands for a number.
pub fn bare_token(value: &Value) -> Option<&'static str> {
    bare_number(value).ok().flatten().map(|index| BARE_NUMBERS[index])
}

/// A class name that could be taken for that of a number, as it is printed.
pub(super) fn escaped(class: &str) -> Option<String> {
    is_of_its_kind(class).then(|| format!("_{class}"))
}

/// Gives a class name back what `escaped` made another.
pub fn unescape(value: &mut Value) {
    let Some(Value::String(class)) = value.as_object_mut().and_then(|fields| fields.get_mut(CLASS_KEY)) else { return };
    if is_of_its_kind(class) && class != CLASS {
        class.remove(0);
    }
}

fn is_of_its_kind(class: &str) -> bool {
    class.strip_suffix(CLASS).is_some_and(|more| more.bytes().all(|byte| byte == b'_'))
}
