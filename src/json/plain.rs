//! From Python's dialect to plain JSON.

use std::borrow::Cow;

use memchr::memchr2;

use super::arrays::{self, Arrays};
use super::float::{self, BARE_NUMBERS};
use super::{JsonError, Origin, unescaped};
use crate::keras::simulator::{INJECTIONS_KEY, PLACEHOLDERS};

/// A text with what JSON does not know taken out.
pub(super) struct Plain<'a> {
    pub text: Cow<'a, str>,
    pub bare_placeholders: bool,
    /// Some site arrays are still in the text: they are not of numbers alone.
    pub has_arrays: bool,
    /// Behind each place that was rewritten: the offsets here and in the original.
    rewritten: Vec<(usize, usize)>,
}

/// One open bracket of the text, and how far in it we are.
enum Frame<'a> {
    Object { key: Option<&'a str>, awaits_value: bool },
    Array,
}

/// The JSON parser takes fewer brackets in each other than this.
const DEEPEST: usize = 128;

/// The bytes with which something begins or ends.
const MATTERS: [bool; 256] = {
    let mut matters = [false; 256];
    let (bytes, mut at) = (b"\"[]{}:,NIM-", 0);
    while at < bytes.len() {
        matters[bytes[at] as usize] = true;
        at += 1;
    }
    matters
};

/// Holds the site arrays aside and writes in JSON's way what stands bare. What is otherwise wrong with the text is left to the
/// JSON parser, so this walk needs to be right on valid texts and harmless on others.
pub(super) fn to_plain<'a>(text: &'a str, origin: Origin, arrays: &mut Arrays<'a>) -> Plain<'a> {
    let bytes = text.as_bytes();
    let mut frames: Vec<Frame> = Vec::new();
    let mut out = String::new();
    let mut rewritten: Vec<(usize, usize)> = Vec::new();
    let mut rewrite = |from: usize, to: usize, new: &str| {
        let copied = rewritten.last().map_or(0, |&(_, copied)| copied);
        out.push_str(&text[copied..from]);
        out.push_str(new);
        rewritten.push((out.len(), to));
    };
    let mut bare_placeholders = false;
    let mut has_arrays = false;
    let mut at = 0;
    // Deeper than the parser goes, all is left to it.
    while frames.len() <= DEEPEST {
        at += bytes[at..].iter().take_while(|&&byte| !MATTERS[usize::from(byte)]).count();
        let Some(&byte) = bytes.get(at) else { break };
        match byte {
            b'"' => {
                let end = end_of_string(bytes, at);
                let spelt = text.get(at + 1..end.saturating_sub(1).max(at + 1));
                match frames.last_mut() {
                    Some(Frame::Object { key, awaits_value: false }) => *key = spelt,
                    Some(_) if origin == Origin::Saved => {
                        if let Some(new) = spelt.and_then(|spelt| escaped_string(&frames, spelt)) {
                            rewrite(at, end, &new);
                        }
                    }
                    _ => {}
                }
                at = end;
                continue;
            }
            b'[' if frames.last().is_some_and(awaits_array) => {
                if let Some(end) = arrays::end_of_numbers(bytes, at, origin) {
                    let index = arrays.hold(&text[at..end]);
                    rewrite(at, end, &arrays::placeholder(index));
                    at = end;
                    continue;
                }
                has_arrays = true;
                frames.push(Frame::Array);
            }
            b'{' => frames.push(Frame::Object { key: None, awaits_value: false }),
            b'[' => frames.push(Frame::Array),
            b'}' | b']' => {
                frames.pop();
            }
            b':' => {
                if let Some(Frame::Object { awaits_value, .. }) = frames.last_mut() {
                    *awaits_value = true;
                }
            }
            b',' => {
                if let Some(Frame::Object { awaits_value, .. }) = frames.last_mut() {
                    *awaits_value = false;
                }
            }
            b'N' | b'I' | b'M' | b'-' if starts_token(bytes, at) => {
                let rest = &text[at..];
                let number = BARE_NUMBERS.into_iter().find(|token| is_token(rest, token));
                let placeholder = PLACEHOLDERS.into_iter().find(|token| is_token(rest, token));
                bare_placeholders |= placeholder.is_some();
                if let Some(token) = number.or(placeholder) {
                    match number.is_some() && !is_in_array(&frames) {
                        true => rewrite(at, at + token.len(), &float::object(token)),
                        false => rewrite(at, at + token.len(), &format!("\"{token}\"")),
                    }
                    at += token.len();
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    let text = match rewritten.last() {
        None => Cow::Borrowed(text),
        Some(&(_, copied)) => Cow::Owned(out + &text[copied..]),
    };
    Plain { text, bare_placeholders, has_arrays, rewritten }
}

impl Plain<'_> {
    /// What the JSON parser says, with the place in the original text.
    pub(super) fn syntax(&self, error: &serde_json::Error, original: &str) -> JsonError {
        let mut message = error.to_string();
        // Python takes half of a surrogate pair for a character; Unicode text cannot hold it.
        for words in ["unexpected end of hex escape", "lone leading surrogate in hex escape"] {
            message = message.replacen(words, "half of a surrogate pair in a string", 1);
        }
        let (line, column) = (error.line(), error.column());
        let place = format!(" at line {line} column {column}");
        let Some(what) = message.strip_suffix(&place).filter(|_| !self.rewritten.is_empty()) else {
            return JsonError::Syntax(message);
        };
        let start: usize = self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let at = start + column;
        let (here, there) = self.rewritten.iter().rev().find(|(here, _)| *here <= at).copied().unwrap_or_default();
        let before = original.as_bytes().get(..there + (at - here)).unwrap_or(original.as_bytes());
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let column = before.len() - before.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        JsonError::Syntax(format!("{what} at line {line} column {column}"))
    }
}

/// The index just past the closing quote of the string that opens at `start`.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        match bytes[at + found] {
            b'"' => return at + found + 1,
            _ => at += found + 2,
        }
    }
    bytes.len()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn starts_token(bytes: &[u8], at: usize) -> bool {
    at == 0 || !is_word(bytes[at - 1])
}

fn is_token(rest: &str, token: &str) -> bool {
    rest.strip_prefix(token).is_some_and(|after| !after.bytes().next().is_some_and(is_word))
}

/// Whether we are at the value of a key under which site arrays stand.
fn awaits_array(frame: &Frame) -> bool {
    awaits_value_of(frame, arrays::is_array_key)
}

/// Whether we are at the value of such a key.
fn awaits_value_of(frame: &Frame, is_key: impl Fn(&str) -> bool) -> bool {
    let is_it = |spelt: &str| match spelt.contains('\\') {
        // An ASCII character is spelt in six at most, and the longest key is that of the injections.
        true => spelt.len() <= 6 * INJECTIONS_KEY.len() && is_key(&unescaped(spelt)),
        false => is_key(spelt),
    };
    matches!(frame, Frame::Object { key: Some(key), awaits_value: true } if is_it(key))
}

/// Whether we are in a list that stands under a key of site arrays, or in a list of it.
fn is_in_array(frames: &[Frame]) -> bool {
    let lists = frames.iter().rev().take_while(|frame| matches!(frame, Frame::Array)).count();
    let around = frames[..frames.len() - lists].last();
    lists > 0 && around.is_some_and(awaits_array)
}

/// What is printed for a string of a file, given as the text spells it, that would be taken for something else: a class name,
/// or the letters of a number in a site array. `None` for any other string.
fn escaped_string(frames: &[Frame], spelt: &str) -> Option<String> {
    if !spelt.starts_with(['_', 'N', 'I', '-', '\\']) {
        return None;
    }
    if is_in_array(frames) {
        let string = unescaped(spelt);
        return BARE_NUMBERS.contains(&string.as_str()).then(|| float::string_object(&string));
    }
    let is_class = frames.last().is_some_and(|frame| awaits_value_of(frame, |key| key == float::CLASS_KEY));
    is_class.then(|| unescaped(spelt)).and_then(|class| float::escaped(&class)).map(|class| format!("\"{class}\""))
}
