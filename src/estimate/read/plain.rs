//! Lines as the tools write them, read without a parser of all JSON: most of the time of counting sites is reading them.
//!
//! What is not spelled as the tools do, or is wrong, is left to the reader that knows all.

use memchr::memmem;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{class, golden_range};
use crate::estimate::Wrong;
use crate::layout::Shape;
use crate::value::ValueClass;

/// What stands before the shape.
#[derive(Deserialize)]
struct Head<'a> {
    golden_range: Option<Value>,
    #[serde(borrow)]
    shape: Option<&'a RawValue>,
    #[serde(borrow)]
    cells: Option<&'a RawValue>,
}

/// Reads a whole line into `cells`; `None` where it is not plain.
pub(super) fn site(text: &[u8], range: Option<(f32, f32)>, cells: &mut Vec<Wrong>) -> Option<Shape> {
    let start = memmem::find(text, br#""shape":{"h":"#)?;
    let range = match head(&text[..start])? {
        Some(own) => Some(golden_range(&own)?),
        None => range,
    };
    let mut rest = Rest(&text[start..]);
    rest.expect(br#""shape":{"h":"#)?;
    let h = rest.number()?;
    rest.expect(br#","w":"#)?;
    let w = rest.number()?;
    rest.expect(br#","c":"#)?;
    let c = rest.number()?;
    rest.expect(br#"},"cells":["#)?;
    let shape = Shape::new(h as usize, w as usize, c as usize).ok()?;
    cells.clear();
    let mut order = Order::default();
    loop {
        let wrong = rest.cell((h, w, c), range, &mut order)?;
        cells.push(wrong);
        match rest.byte()? {
            b',' => {}
            b']' => break,
            _ => return None,
        }
    }
    rest.expect(b"}")?;
    (rest.0.is_empty() && order.has_none_twice()).then_some(shape)
}

/// The golden range among what stands before the shape, which must be an object that is open still, without shape and cells.
fn head(text: &[u8]) -> Option<Option<Value>> {
    let mut object = match text {
        b"{" => return Some(None),
        [object @ .., b','] => object.to_vec(),
        _ => return None,
    };
    object.push(b'}');
    let head: Head = serde_json::from_slice(&object).ok()?;
    (head.shape.is_none() && head.cells.is_none()).then_some(head.golden_range)
}

/// Whether cells ascend, channel by channel or with the channels last: then none is there twice.
struct Order {
    before: Option<(u64, u64)>,
    first: bool,
    last: bool,
}

impl Default for Order {
    fn default() -> Self {
        Order { before: None, first: true, last: true }
    }
}

impl Order {
    fn add(&mut self, first: u64, last: u64) {
        if let Some((before_first, before_last)) = self.before {
            self.first &= before_first < first;
            self.last &= before_last < last;
        }
        self.before = Some((first, last));
    }

    fn has_none_twice(&self) -> bool {
        self.first || self.last
    }
}

/// What is not read yet.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    #[inline]
    fn expect(&mut self, text: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// A whole number below 2³², as JSON spells it.
    #[inline]
    fn number(&mut self) -> Option<u32> {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 || digits > 9 || digits > 1 && self.0[0] == b'0' {
            return None;
        }
        let (number, rest) = self.0.split_at(digits);
        self.0 = rest;
        Some(number.iter().fold(0, |number, digit| 10 * number + u32::from(digit - b'0')))
    }

    fn cell(
        &mut self,
        (height, width, channels): (u32, u32, u32),
        range: Option<(f32, f32)>,
        order: &mut Order,
    ) -> Option<Wrong> {
        self.expect(br#"{"h":"#)?;
        let h = self.number()?;
        self.expect(br#","w":"#)?;
        let w = self.number()?;
        self.expect(br#","c":"#)?;
        let c = self.number()?;
        if h >= height || w >= width || c >= channels {
            return None;
        }
        self.expect(br#","value":"#)?;
        let value = self.value()?;
        let said = match self.expect(br#","class":""#) {
            Some(()) => Some(self.class()?),
            None => None,
        };
        self.expect(b"}")?;
        let (h, w, c) = (u64::from(h), u64::from(w), u64::from(c));
        let cell = (c * u64::from(height) + h) * u64::from(width) + w;
        order.add(cell, (h * u64::from(width) + w) * u64::from(channels) + c);
        Some(Wrong { cell: cell as u32, class: class(value, said, range)?, is_nan: value.is_nan() })
    }

    fn class(&mut self) -> Option<ValueClass> {
        let end = memchr::memchr(b'"', &self.0[..self.0.len().min(16)])?;
        let class = std::str::from_utf8(&self.0[..end]).ok()?.parse().ok()?;
        self.0 = &self.0[end + 1..];
        Some(class)
    }

    fn value(&mut self) -> Option<f32> {
        for (text, value) in
            [(&br#""NaN""#[..], f32::NAN), (br#""Infinity""#, f32::INFINITY), (br#""-Infinity""#, f32::NEG_INFINITY)]
        {
            if self.expect(text).is_some() {
                return Some(value);
            }
        }
        let end = self.0.iter().position(|byte| matches!(byte, b',' | b'}'))?;
        let (text, rest) = self.0.split_at(end);
        let text = std::str::from_utf8(text).ok()?;
        let value: f32 = text.parse().ok()?;
        // What Rust reads and JSON does not is left to who says so.
        (is_json(text.as_bytes()) && value.is_finite()).then(|| {
            self.0 = rest;
            value
        })
    }
}

/// Whether a text that Rust reads as a number is one of JSON.
fn is_json(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = &digits[whole..];
    let is_whole = whole == 1 || whole > 1 && digits[0] != b'0';
    let has_fraction = rest.first() != Some(&b'.') || rest.get(1).is_some_and(u8::is_ascii_digit);
    is_whole && has_fraction
}
