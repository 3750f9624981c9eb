//! JSON values from a text, with room for exactly what they hold: a config is tens of thousands of small objects, and what
//! each would have to spare is half of the memory and a quarter of the time.

use std::fmt;
use std::sync::LazyLock;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::arrays::unlike_handles;
use super::check::{Check, Keys};

/// How much of a member is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The member and all that is in it.
    Whole,
    /// The member, and of what is in it what is wanted.
    Wanted,
    /// Nothing: it is checked and left out.
    Nothing,
}

/// Says by its key how much of a member is read.
pub type Wanted = fn(&str) -> Reading;

/// Numbers that keep their text, those beyond 64 bits and with fractions, look to a visitor like an object with one member.
/// Its key is no part of the parser's interface, so the parser is asked for it.
static NUMBER: LazyLock<Option<String>> = LazyLock::new(|| {
    struct FirstKey;
    impl<'de> Visitor<'de> for FirstKey {
        type Value = Option<String>;

        fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
            out.write_str("a number that keeps its text")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut number: A) -> Result<Option<String>, A::Error> {
            let key = number.next_key()?;
            number.next_value::<IgnoredAny>()?;
            Ok(key)
        }
    }
    serde_json::Deserializer::from_str("0.5").deserialize_any(FirstKey).ok().flatten()
});

/// Builds the value of a whole text.
pub(super) fn value(text: &str, wanted: Wanted) -> serde_json::Result<Value> {
    let mut open = Open::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Build { open: &mut open, wanted }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// What belongs to objects and lists that are still open.
#[derive(Default)]
struct Open {
    members: Vec<(String, Value)>,
    elements: Vec<Value>,
}

struct Build<'s> {
    open: &'s mut Open,
    wanted: Wanted,
}

impl<'de> DeserializeSeed<'de> for Build<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Build<'_> {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let start = self.open.elements.len();
        while let Some(element) = list.next_element_seed(Build { open: self.open, wanted: self.wanted })? {
            self.open.elements.push(element);
        }
        Ok(Value::Array(self.open.elements.drain(start..).collect()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let start = self.open.members.len();
        while let Some(key) = object.next_key::<String>()? {
            if self.open.members.len() == start && NUMBER.as_ref() == Some(&key) {
                let number: String = object.next_value()?;
                return number.parse().map(unlike_handles).map(Value::Number).map_err(A::Error::custom);
            }
            let wanted = match (self.wanted)(&key) {
                Reading::Whole => |_: &str| Reading::Whole,
                Reading::Wanted => self.wanted,
                Reading::Nothing => {
                    object.next_value_seed(Check(&mut Keys::default()))?;
                    continue;
                }
            };
            let value = object.next_value_seed(Build { open: self.open, wanted })?;
            self.open.members.push((key, value));
        }
        let mut fields = Map::with_capacity(self.open.members.len() - start);
        fields.extend(self.open.members.drain(start..));
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(key: &str) -> Reading {
        match key {
            "whole" => Reading::Whole,
            "nothing" => Reading::Nothing,
            _ => Reading::Wanted,
        }
    }

    #[test]
    fn what_is_not_wanted_is_left_out_at_any_depth() {
        let text = r#"{"a":[{"nothing":1,"b":2}],"nothing":{"c":[]},"whole":[{"nothing":{"nothing":3}}]}"#;
        let read = value(text, wanted).expect("valid");
        assert_eq!(read.to_string(), r#"{"a":[{"b":2}],"whole":[{"nothing":{"nothing":3}}]}"#);
        assert_eq!(value(text, |_| Reading::Whole).expect("valid").to_string(), text);
    }

    #[test]
    fn what_is_not_wanted_is_checked_all_the_same() {
        for broken in ["[1,]", "\"\\ud800\"", "1.", "{1:2}", "{\"a\":tru}"] {
            let text = format!("{{\"nothing\": {broken}}}");
            let error = value(&text, wanted).expect_err(broken).to_string();
            assert_eq!(error, value(&text, |_| Reading::Whole).expect_err(broken).to_string());
        }
    }

    #[test]
    fn values_are_those_of_serde() {
        let text = r#"{"b":[null,true,"é\n",-7,18446744073709551616,1E5,-0.0],"a":{},"c":[[]],"b":3,"":" "}"#;
        assert_eq!(
            value(text, |_| Reading::Whole).expect("valid"),
            serde_json::from_str::<Value>(text).expect("valid")
        );
    }
}
