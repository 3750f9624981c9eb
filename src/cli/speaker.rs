//! What a tool says on stderr: errors, remarks, and how far it has come.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;

use super::line::ProgressLine;
use crate::progress::Doing;
use crate::text::shown;

/// What a tool tells on stderr beside errors: words, and how far it has come. `--quiet` silences it.
#[derive(Debug, Clone, Copy)]
pub struct Speaker {
    pub(super) tool: &'static str,
    pub(super) quiet: bool,
}

impl Speaker {
    /// Says some words, as [`say`] does.
    pub fn say(self, words: &str) {
        if !self.quiet {
            say(self.tool, words);
        }
    }

    /// Shows how far the tool has come. In a pipe it is the last tool's to tell: several would write over each other.
    pub fn progress(self, doing: Doing) -> ProgressLine {
        match !self.quiet && io::stderr().is_terminal() && !stdout_is_pipe() {
            true => ProgressLine::shown(self.tool, doing),
            false => ProgressLine::silent(),
        }
    }

    /// The same for output on stdout that is made of many lines: on a terminal they show themselves how far it has come.
    pub fn progress_of_lines(self, doing: Doing) -> ProgressLine {
        if io::stdout().is_terminal() { ProgressLine::silent() } else { self.progress(doing) }
    }
}

fn stdout_is_pipe() -> bool {
    let stdout = io::stdout().as_fd().try_clone_to_owned().map(File::from);
    let kind = stdout.and_then(|stdout| stdout.metadata()).map(|metadata| metadata.file_type());
    kind.is_ok_and(|kind| kind.is_fifo() || kind.is_socket())
}

/// The longest line on stderr, in bytes; a name can be megabytes long.
const LONGEST_LINE: usize = 4096;

/// Lines on stderr, each behind the name of the tool, nothing in them raw that a terminal would obey. A closed stderr is
/// no failure.
pub fn say(tool: &str, words: &str) {
    let mut stderr = io::stderr().lock();
    for line in words.lines() {
        let end = (0..=line.len().min(LONGEST_LINE)).rev().find(|&at| line.is_char_boundary(at));
        let cut = &line[..end.unwrap_or(0)];
        let rest = if cut.len() < line.len() { format!(" ... ({} bytes in all)", line.len()) } else { String::new() };
        let _ = writeln!(stderr, "{tool}: {}{rest}", shown(cut));
    }
}
