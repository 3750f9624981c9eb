//! Changes to JSON that leave it JSON, so that the fuzzer gets past the parser.

use libfuzzer_sys::fuzzer_mutate;
use serde_json::{Value, json};

/// Changes one line of `data[..size]`; a line that is no JSON, and one in four that are, byte by byte.
pub fn json(data: &mut [u8], size: usize, most: usize, seed: u32) -> usize {
    let mut dice = Dice(u64::from(seed) << 1 | 1);
    let changed = (dice.below(4) > 0).then(|| changed_line(&data[..size], &mut dice)).flatten();
    match changed {
        Some(text) if text.len() <= most => {
            data[..text.len()].copy_from_slice(&text);
            text.len()
        }
        _ => fuzzer_mutate(data, size, most),
    }
}

fn changed_line(data: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = data.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
    let at = dice.below(lines.len());
    let mut value: Value = serde_json::from_slice(&lines[at]).ok()?;
    for _ in 0..=dice.below(3) {
        let other = nth(&mut value, dice).clone();
        change(nth(&mut value, dice), other, dice);
    }
    lines[at] = value.to_string().into_bytes();
    Some(lines.join(&b'\n'))
}

/// A random place in a document.
fn nth<'v>(value: &'v mut Value, dice: &mut Dice) -> &'v mut Value {
    let mut nth = dice.below(count(value));
    let mut at = value;
    loop {
        if nth == 0 {
            return at;
        }
        nth -= 1;
        let children: Vec<&mut Value> = match at {
            Value::Array(list) => list.iter_mut().collect(),
            Value::Object(fields) => fields.values_mut().collect(),
            leaf => return leaf,
        };
        let mut chosen = None;
        for child in children {
            let size = count(child);
            if nth < size {
                chosen = Some(child);
                break;
            }
            nth -= size;
        }
        match chosen {
            Some(child) => at = child,
            None => unreachable!("the count covers every child"),
        }
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

/// Changes the value at a place; `other` is a value from elsewhere in the document.
fn change(value: &mut Value, other: Value, dice: &mut Dice) {
    match value {
        Value::Array(list) if dice.below(4) > 0 => {
            let at = dice.below(list.len() + 1);
            match dice.below(4) {
                0 => list.insert(at, other),
                1 if at < list.len() => drop(list.remove(at)),
                2 if at < list.len() => {
                    let with = dice.below(list.len());
                    list.swap(at, with);
                }
                _ => {
                    if let Some(twin) = list.get(at).cloned() {
                        list.push(twin);
                    }
                }
            }
        }
        Value::Object(fields) if dice.below(4) > 0 => {
            let key = fields.keys().nth(dice.below(fields.len().max(1))).cloned().unwrap_or_default();
            match (dice.below(3), other) {
                (0, _) => drop(fields.shift_remove(&key)),
                (1, Value::String(name)) => {
                    let value = fields.shift_remove(&key).unwrap_or_default();
                    fields.insert(name, value);
                }
                (_, other) => drop(fields.insert(key, other)),
            }
        }
        _ => {
            let numbers = ["0", "1", "2", "-1", "4294967296", "18446744073709551615", "1e400", "0.5", "-0", "1E+5"];
            *value = match dice.below(8) {
                0 => Value::Null,
                1 => json!([]),
                2 => json!({}),
                3 => json!(["", "a/b", "~", "\n", "linear", "all", "é\u{202e}"][dice.below(7)]),
                4 | 5 => serde_json::from_str(numbers[dice.below(numbers.len())]).unwrap_or_default(),
                _ => other,
            };
        }
    }
}

/// A small generator (splitmix64), so that a seed of the fuzzer means one change.
struct Dice(u64);

impl Dice {
    /// A number less than `most`, which is at least 1.
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % most as u64) as usize
    }
}
