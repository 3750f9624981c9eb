//! Numbers that JSON lacks, `NaN` and the infinities, in Python's spelling.

use std::io::{self, Write};

use json_patch::jsonptr::{PointerBuf, Token};
use serde_json::Value;

use super::Piece;
use crate::json::{self, BARE_NUMBERS, Stands, UnknownNumber};
use crate::keras::simulator::{INJECTIONS_KEY, MASKS_KEY};

/// One of [`BARE_NUMBERS`].
pub(super) struct Bare(pub &'static str);

impl Piece for Bare {
    fn most(&self) -> u64 {
        self.0.len() as u64
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.0.as_bytes())
    }
}

/// The plain forms of [`BARE_NUMBERS`] give way to what `handle` has for their places there: objects, and strings in site arrays
/// that are not held aside, because there is more in them than numbers. An object that stands for a string becomes one. The error
/// is the place of an object that stands for neither.
pub(super) fn restore(value: &mut Value, handle: &dyn Fn(usize) -> Value) -> Result<(), PointerBuf> {
    match json::stands(value) {
        Ok(None) => json::unescape(value),
        Ok(Some(Stands::ForNumber(token))) => *value = handle(token),
        Ok(Some(Stands::ForString(token))) => *value = Value::from(BARE_NUMBERS[token]),
        Err(UnknownNumber) => return Err(PointerBuf::new()),
    }
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if [INJECTIONS_KEY, MASKS_KEY].contains(&key.as_str()) {
                    restore_in_array(value, handle);
                }
                restore(value, handle).map_err(|at| inside(at, key.as_str()))?;
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter_mut().enumerate() {
                restore(value, handle).map_err(|at| inside(at, index))?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn inside<'t>(mut at: PointerBuf, token: impl Into<Token<'t>>) -> PointerBuf {
    at.push_front(token);
    at
}

fn restore_in_array(value: &mut Value, handle: &dyn Fn(usize) -> Value) {
    let Value::Array(values) = value else { return };
    for value in values {
        match value {
            Value::String(text) => {
                if let Some(token) = BARE_NUMBERS.iter().position(|token| token == text) {
                    *value = handle(token);
                }
            }
            nested => restore_in_array(nested, handle),
        }
    }
}
