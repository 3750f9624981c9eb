//! Words for messages: names made safe to print, lists cut, the system's errors.

use std::io;
use std::path::Path;

/// A name from a file, safe on a terminal: control characters are escaped, all else stays.
pub fn shown(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if is_obeyed(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// A path, safe on a terminal.
pub fn shown_path(path: &Path) -> String {
    shown(&path.to_string_lossy())
}

/// A name cut to what has room, in characters.
pub fn short(name: &str, most: usize) -> String {
    match name.char_indices().nth(most) {
        None => name.to_owned(),
        Some(_) => name.chars().take(most - 1).chain(['…']).collect(),
    }
}

/// What the system says, in plain words where the kind is a usual one.
pub fn io_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        io::ErrorKind::StorageFull => "no space left on the disk".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the disk is read-only".to_owned(),
        io::ErrorKind::QuotaExceeded => "your share of the disk is used up".to_owned(),
        io::ErrorKind::FileTooLarge => "larger than a file may be here".to_owned(),
        _ => error.to_string(),
    }
}

/// Whether a terminal obeys a character instead of showing it. Bidirectional overrides count: they reorder what is shown.
pub fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A list for a message: `a, b, c`, cut with the number of the rest where it is long.
pub fn listed<S: AsRef<str>>(names: &[S], most: usize) -> String {
    let head: Vec<String> = names.iter().take(most).map(|name| shown(name.as_ref())).collect();
    match names.len().saturating_sub(most) {
        0 => head.join(", "),
        more => format!("{} and {more} more", head.join(", ")),
    }
}

/// `27x27x16`, with `?` for an axis that is not known.
pub fn axes(sizes: impl IntoIterator<Item = Option<usize>>) -> String {
    let axes = sizes.into_iter().map(|axis| axis.map_or("?".to_owned(), |axis| axis.to_string()));
    axes.collect::<Vec<_>>().join("x")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_never_reach_the_terminal() {
        assert_eq!(shown("a\u{1b}[31mb\nc"), "a\\u{1b}[31mb\\nc");
        assert_eq!(shown("x\u{202e}y"), "x\\u{202e}y");
        assert_eq!(shown("block_1/äö'\""), "block_1/äö'\"");
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(short("bullet_wake", 11), "bullet_wake");
        assert_eq!(short("bullet_wäke", 10), "bullet_wä…");
    }

    #[test]
    fn long_lists_are_cut_and_counted() {
        assert_eq!(listed(&["a", "b", "c"], 2), "a, b and 1 more");
    }
}
