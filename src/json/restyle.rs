//! A text in another style, token by token: no values, so it takes no memory beside the text.

use std::io::{self, Write};

use memchr::{memchr, memchr2};
use serde_json::ser::Formatter;

/// Writes `text`, which is known to be JSON, in a style.
pub(super) fn restyle(text: &str, style: impl Formatter, out: &mut impl Write) -> io::Result<()> {
    Restyle { text, at: 0, style, out }.value()
}

struct Restyle<'a, F, W> {
    text: &'a str,
    at: usize,
    style: F,
    out: &'a mut W,
}

impl<F: Formatter, W: Write> Restyle<'_, F, W> {
    fn value(&mut self) -> io::Result<()> {
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.list(),
            Some(b'"') => self.string(),
            _ => self.word(),
        }
    }

    /// A number, as it is spelt, or one of the three words of JSON.
    fn word(&mut self) -> io::Result<()> {
        let rest = &self.text.as_bytes()[self.at..];
        let is_of_it = |&&byte: &&u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        let word = &rest[..rest.iter().take_while(is_of_it).count()];
        self.at += word.len();
        self.out.write_all(word)
    }

    fn object(&mut self) -> io::Result<()> {
        self.style.begin_object(self.out)?;
        self.at += 1;
        let mut is_first = true;
        while self.goes_on(b'}') {
            self.style.begin_object_key(self.out, is_first)?;
            self.string()?;
            self.style.end_object_key(self.out)?;
            self.style.begin_object_value(self.out)?;
            self.at += memchr(b':', &self.text.as_bytes()[self.at..]).map_or(0, |colon| colon + 1);
            self.value()?;
            self.style.end_object_value(self.out)?;
            is_first = false;
        }
        self.style.end_object(self.out)
    }

    fn list(&mut self) -> io::Result<()> {
        self.style.begin_array(self.out)?;
        self.at += 1;
        let mut is_first = true;
        while self.goes_on(b']') {
            self.style.begin_array_value(self.out, is_first)?;
            self.value()?;
            self.style.end_array_value(self.out)?;
            is_first = false;
        }
        self.style.end_array(self.out)
    }

    /// A string without escapes is copied; others are spelt anew, with as few as JSON allows.
    fn string(&mut self) -> io::Result<()> {
        let bytes = &self.text.as_bytes()[self.at..];
        let (mut end, mut has_escapes) = (1, false);
        while let Some(found) = memchr2(b'"', b'\\', &bytes[end..]) {
            let is_escape = bytes[end + found] == b'\\';
            end += found + 1 + usize::from(is_escape);
            has_escapes |= is_escape;
            if !is_escape {
                break;
            }
        }
        self.at += end;
        match has_escapes {
            true => Ok(serde_json::to_writer(&mut *self.out, &serde_json::from_slice::<String>(&bytes[..end])?)?),
            false => self.out.write_all(&bytes[..end]),
        }
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        let bytes = &self.text.as_bytes()[self.at..];
        let space = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.at += space;
        bytes.get(space).copied()
    }

    /// Goes to the next member of what ends with `closing`; past the end where there is none.
    fn goes_on(&mut self, closing: u8) -> bool {
        if self.peek() == Some(b',') {
            self.at += 1;
        }
        let goes_on = self.peek().is_some_and(|byte| byte != closing);
        self.at += usize::from(!goes_on);
        goes_on
    }
}
