//! Output that a terminal shows and does not obey.

use std::io::{self, Write};

use crate::text::is_obeyed;

/// Writes text to a terminal, with each character that it would obey as `\u001b` instead, as JSON spells it. Line feeds
/// and tabs stay. What is no terminal gets the bytes as they are.
#[derive(Debug)]
pub struct Harmless<W> {
    out: W,
    is_terminal: bool,
    /// The start of a character whose end is still to come.
    begun: Vec<u8>,
}

impl<W: Write> Harmless<W> {
    /// Writes to `out`.
    pub fn new(out: W, is_terminal: bool) -> Self {
        Harmless { out, is_terminal, begun: Vec::new() }
    }
}

impl<W: Write> Write for Harmless<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_terminal {
            return self.out.write(bytes);
        }
        self.begun.extend_from_slice(bytes);
        let mut text = String::with_capacity(self.begun.len());
        let mut done = 0;
        for chunk in self.begun.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '\n' | '\t' => text.push(c),
                    c if is_obeyed(c) => {
                        c.encode_utf16(&mut [0; 2]).iter().for_each(|u| text += &format!("\\u{u:04x}"))
                    }
                    c => text.push(c),
                }
            }
            done += chunk.valid().len();
            let is_last = done + chunk.invalid().len() == self.begun.len();
            let may_go_on = is_last && std::str::from_utf8(chunk.invalid()).is_err_and(|e| e.error_len().is_none());
            if !may_go_on {
                text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
                done += chunk.invalid().len();
            }
        }
        self.begun.drain(..done);
        self.out.write_all(text.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes in pieces of `size`.
    fn written(bytes: &[u8], size: usize, is_terminal: bool) -> Vec<u8> {
        let mut out = Vec::new();
        let mut harmless = Harmless::new(&mut out, is_terminal);
        bytes.chunks(size).for_each(|piece| harmless.write_all(piece).expect("memory"));
        out
    }

    #[test]
    fn a_terminal_gets_escapes_as_text_wherever_writes_end() {
        let bytes = "a\u{1b}[31m\u{9b}2J\u{202e}\té😀\r\n".as_bytes();
        for size in 1..=bytes.len() {
            let text = String::from_utf8(written(bytes, size, true)).expect("UTF-8");
            assert_eq!(text, "a\\u001b[31m\\u009b2J\\u202e\té😀\\u000d\n", "in pieces of {size}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_such() {
        assert_eq!(written(b"a\x9b\xffb\xf0\x9f", 2, true), "a\u{fffd}\u{fffd}b".as_bytes());
    }

    #[test]
    fn what_is_no_terminal_gets_all_bytes() {
        let bytes = b"\x1b[31m\xff";
        assert_eq!(written(bytes, 3, false), bytes);
    }
}
