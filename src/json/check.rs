//! A text checked as strictly as if it were read, without reading it into anything.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Checks a text. Tells whether no object has a key twice.
pub(super) fn has_unique_keys(text: &str) -> serde_json::Result<bool> {
    let mut keys = Keys { seen: Vec::new(), are_unique: true };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Check(&mut keys).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(keys.are_unique)
}

/// The keys of objects that are still open.
#[derive(Default)]
pub(super) struct Keys<'de> {
    seen: Vec<Cow<'de, str>>,
    are_unique: bool,
}

/// Reads a value and leaves it.
pub(super) struct Check<'s, 'de>(pub &'s mut Keys<'de>);

impl<'de> DeserializeSeed<'de> for Check<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Check<'_, 'de> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Check(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let start = self.0.seen.len();
        while let Some(key) = object.next_key_seed(Key)? {
            self.0.seen.push(key);
            object.next_value_seed(Check(self.0))?;
        }
        let keys = &mut self.0.seen[start..];
        keys.sort_unstable();
        self.0.are_unique &= keys.windows(2).all(|pair| pair[0] != pair[1]);
        self.0.seen.truncate(start);
        Ok(())
    }
}

/// A key, a part of the text where it is spelt without escapes.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}
