//! The numbers that JSON lacks, as objects that it knows.
//!
//! Python writes `Infinity`, `-Infinity` and `NaN` bare. In plain JSON each is `{"class_name": "__float__", "value": "Infinity"}`,
//! in the manner of Keras' own `__tuple__` and `__tensor__`: no string can be taken for it, and every tool passes it on. Where
//! strings stand for these numbers, in the arrays of sites, a string of a model file that has their letters is
//! `{"class_name": "__string__", "value": "NaN"}`. Should a model have a `class_name` of either kind itself, it gets one more
//! underscore in front, and loses it on the way back.

use serde_json::Value;

/// The key that tells what an object is.
pub(super) const CLASS_KEY: &str = "class_name";

/// What stands there for a number.
const NUMBER: &str = "__float__";

/// What stands there for a string.
const STRING: &str = "__string__";

/// How Python spells the numbers that JSON lacks.
pub const BARE_NUMBERS: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

/// The plain form of one of [`BARE_NUMBERS`].
pub(super) fn object(token: &str) -> String {
    format!(r#"{{"{CLASS_KEY}":"{NUMBER}","value":"{token}"}}"#)
}

/// The plain form of a string of the letters of one of [`BARE_NUMBERS`], where such a string is a number.
pub(super) fn string_object(letters: &str) -> String {
    format!(r#"{{"{CLASS_KEY}":"{STRING}","value":"{letters}"}}"#)
}

/// What an object stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// For the number at this place among [`BARE_NUMBERS`].
    ForNumber(usize),
    /// For the string of its letters.
    ForString(usize),
}

/// Why an object that looks as if it stood for a number or a string does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownNumber;

/// What an object stands for; `None` for any other value.
///
/// # Errors
/// It has the class name of one that stands for something, and does not.
pub fn stands(value: &Value) -> Result<Option<Stands>, UnknownNumber> {
    let Value::Object(fields) = value else { return Ok(None) };
    let stands = match fields.get(CLASS_KEY).and_then(Value::as_str) {
        Some(NUMBER) => Stands::ForNumber,
        Some(STRING) => Stands::ForString,
        _ => return Ok(None),
    };
    let name = fields.get("value").and_then(Value::as_str).filter(|_| fields.len() == 2);
    let index = name.and_then(|name| BARE_NUMBERS.iter().position(|token| *token == name)).ok_or(UnknownNumber)?;
    Ok(Some(stands(index)))
}

/// How Python spells what an object stands for, where it stands for a number.
pub fn bare_token(value: &Value) -> Option<&'static str> {
    match stands(value) {
        Ok(Some(Stands::ForNumber(index))) => Some(BARE_NUMBERS[index]),
        _ => None,
    }
}

/// A class name that could be taken for that of a number or a string, as it is printed.
pub(super) fn escaped(class: &str) -> Option<String> {
    is_of_its_kind(class).then(|| format!("_{class}"))
}

/// Gives a class name back what `escaped` made another.
pub fn unescape(value: &mut Value) {
    let Some(Value::String(class)) = value.as_object_mut().and_then(|fields| fields.get_mut(CLASS_KEY)) else { return };
    if is_of_its_kind(class) && ![NUMBER, STRING].contains(&class.as_str()) {
        class.remove(0);
    }
}

fn is_of_its_kind(class: &str) -> bool {
    let more = [NUMBER, STRING].into_iter().find_map(|kind| class.strip_suffix(kind));
    more.is_some_and(|more| more.bytes().all(|byte| byte == b'_'))
}
