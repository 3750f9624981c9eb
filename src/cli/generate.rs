//! A tool's man page and its completions, from the command line's own words.

use std::ffi::OsStr;
use std::io::{self, Write};

use clap::Command;
use clap::builder::Resettable;
use clap_complete::Shell;
use clap_mangen::Man;

use super::{Failure, to_stdout};
use crate::text::shown;

/// Prints the man page, or the completions for a shell.
pub(super) fn print(mut command: Command, form: &OsStr) -> Result<(), Failure> {
    let shell = match form.to_str() {
        Some("man") => return to_stdout(|out| man(command, out)),
        Some("bash") => Shell::Bash,
        Some("zsh") => Shell::Zsh,
        Some("fish") => Shell::Fish,
        _ => {
            let form = shown(&form.to_string_lossy());
            return Err(Failure::usage(format!("'{form}' cannot be generated: man, bash, zsh and fish can")));
        }
    };
    let tool = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, tool, &mut script);
    to_stdout(|out| out.write_all(&script))
}

/// The man page. What `--help` has behind the flags, paragraphs of "Heading: text", become sections here.
fn man(command: Command, out: &mut impl Write) -> io::Result<()> {
    let behind = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    Man::new(command.after_help(Resettable::Reset)).render(out)?;
    for paragraph in behind.split("\n\n") {
        let (heading, text) = paragraph.split_once(':').unwrap_or(("Notes", paragraph));
        writeln!(out, ".SH {}", heading.to_uppercase())?;
        // Lines of shell stay lines.
        let (fill_off, fill_on) = if text.starts_with('\n') { (".nf\n", ".fi\n") } else { ("", "") };
        write!(out, "{fill_off}{}\n{fill_on}", escaped(text))?;
    }
    Ok(())
}

/// A text as roff takes it; none of its lines begins with a full stop.
fn escaped(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().map(str::trim_start).collect();
    lines.join("\n").replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq")
}
