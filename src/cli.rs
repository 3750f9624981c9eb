//! What the binaries share: how arguments are read, where output goes, and how a failure is told. Nothing else imports it.
//!
//! | exit code | meaning |
//! | --- | --- |
//! | 0 | done, or the reader downstream closed the pipe |
//! | 1 | a file, layer, operator or their content is wrong |
//! | 2 | a flag or its value is wrong |
//! | 130 | interrupted (SIGINT) |

pub mod classes_config;
mod failure;
mod generate;
pub mod hints;
mod line;
mod near;
pub mod notes;
pub mod patch_args;
pub mod site_flags;
pub mod sites_args;
mod speaker;
mod terminal;

use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::mem::ManuallyDrop;
use std::process::ExitCode;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Arg, ArgAction, Command, CommandFactory, FromArgMatches};
use serde_json::Value;

pub use failure::Failure;
pub use line::ProgressLine;
pub use speaker::{Speaker, say};
pub use terminal::Harmless;

use crate::input::Input;
use crate::json::{self, Arrays, Reading, Wanted};
use crate::whole::signals;

/// The part of every `--help` that lists the exit codes.
pub const EXIT_CODES: &str = "Exit codes: 0 done (or the pipe downstream was closed), \
1 something about files, layers or content, 2 flags and their values, 130 interrupted.";

/// A tool's command line: what is its own, and what all tools have.
fn command<A: CommandFactory>(tool: &'static str) -> Command {
    let quiet = Arg::new("quiet").short('q').long("quiet").action(ArgAction::SetTrue);
    A::command().name(tool).arg(quiet.help("Say nothing on stderr but errors"))
}

/// Reads the command line; the flag is `--quiet`. Help and version go to stdout with exit code 0; what is wrong is told as
/// any other failure.
fn parse<A: CommandFactory + FromArgMatches>(tool: &'static str) -> Result<(A, bool), ExitCode> {
    let mut command = command::<A>(tool);
    let parsed = command.try_get_matches_from_mut(std::env::args_os()).and_then(|matches| {
        let quiet = matches.get_flag("quiet");
        A::from_arg_matches(&matches).map(|args| (args, quiet))
    });
    let error = match parsed {
        Ok(args) => return Ok(args),
        Err(error) => error.format(&mut command),
    };
    if !error.use_stderr() {
        let _ = error.print();
        return Err(ExitCode::SUCCESS);
    }
    let text = error.render().to_string();
    let mut paragraphs = text.split("\n\n").map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
    let what = paragraphs.next().unwrap_or_default();
    say(tool, what.strip_prefix("error: ").unwrap_or(&what));
    let tip = paragraphs.find_map(|paragraph| Some(paragraph.strip_prefix("tip: ")?.to_owned()));
    // clap's own advice, `-- -d`, is for arguments without a flag, and names a letter of them.
    let tip = tip.filter(|tip| !tip.contains("as a value, use '-- "));
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let hint = joined_values(&command, &arguments).or(tip);
    say("hint", &hint.unwrap_or_else(|| "--help shows what there is, with examples".to_owned()));
    Err(ExitCode::from(2))
}

/// The advice to put a `=` before values that begin with a hyphen, where that makes the command line one that is understood.
fn joined_values(command: &Command, arguments: &[OsString]) -> Option<String> {
    let arg_of = |flag: &str| {
        let name = flag.strip_prefix("--")?;
        command.get_arguments().find(|arg| arg.get_long() == Some(name))
    };
    let refuses_hyphens = |flag: &str| {
        arg_of(flag).is_some_and(|arg| {
            arg.get_action().takes_values() && !arg.is_allow_hyphen_values_set() && !arg.is_allow_negative_numbers_set()
        })
    };
    let (mut joined, mut advice): (Vec<OsString>, Vec<String>) = (Vec::new(), Vec::new());
    for argument in arguments {
        let flag = joined.last().and_then(|flag| flag.to_str()).filter(|flag| refuses_hyphens(flag));
        match (flag, argument.to_str()) {
            (Some(flag), Some(value)) if value.starts_with('-') && arg_of(value).is_none() => {
                advice.push(format!("{flag}={}", quoted(value)));
                let together = format!("{flag}={value}").into();
                joined.pop();
                joined.push(together);
            }
            _ => joined.push(argument.clone()),
        }
    }
    let is_understood = !advice.is_empty() && command.clone().try_get_matches_from(joined).is_ok();
    is_understood.then(|| format!("a value that begins with '-' stands behind a '=': {}", advice.join(" ")))
}

/// A value as a shell reads it.
fn quoted(value: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=+,@%".contains(c);
    match value.chars().all(is_plain) {
        true => value.to_owned(),
        false => format!("'{}'", value.replace('\'', r"'\''")),
    }
}

/// A tool's `main`: reads the command line, runs the body and turns its end into the exit code that the table above
/// promises.
pub fn run<A: CommandFactory + FromArgMatches>(
    tool: &'static str,
    body: impl FnOnce(&A, Speaker) -> Result<(), Failure>,
) -> ExitCode {
    signals::install();
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let ended = match arguments.as_slice() {
        // For docs/install.sh, so that man pages and completions have the command line's own words.
        [flag, form] if flag == "--generate" => generate::print(command::<A>(tool), form),
        _ => match parse::<A>(tool) {
            Ok((args, quiet)) => body(&args, Speaker { tool, quiet }),
            Err(code) => return code,
        },
    };
    match ended {
        Ok(()) | Err(Failure::ClosedPipe) => ExitCode::SUCCESS,
        Err(Failure::Message { text, hint, code }) => {
            say(tool, &text);
            if let Some(hint) = hint {
                say("hint", &hint);
            }
            ExitCode::from(code)
        }
    }
}

/// Reads a flag's value that is one of some names, so that help, completions and "did you mean" know them.
pub fn one_of<T>(names: impl IntoIterator<Item = &'static str>) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err: std::error::Error + Send + Sync> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name| name.parse())
}

/// A document that lasts as long as the program. To free a large one value by value takes a tenth of the run; the end of the
/// process frees it at once.
pub type Document = ManuallyDrop<Value>;

/// Parses `text`, read from `input`, as JSON in Python's dialect; its site arrays go into `arrays`.
pub fn parse_json<'a>(input: &Input, text: &'a str, arrays: &mut Arrays<'a>) -> Result<Document, Failure> {
    parse_wanted(input, text, |_| Reading::Whole, arrays)
}

/// Parses of `text`, read from `input`, what is wanted, and checks all of it.
pub fn parse_wanted<'a>(
    input: &Input,
    text: &'a str,
    wanted: Wanted,
    arrays: &mut Arrays<'a>,
) -> Result<Document, Failure> {
    let parsed = json::parse_wanted(text, wanted, arrays).map_err(|error| Failure::in_input(input, error))?;
    Ok(Document::new(parsed.value))
}

/// Writes to stdout through a buffer; a closed pipe becomes [`Failure::ClosedPipe`]. A terminal gets nothing raw that it
/// would obey ([`Harmless`]).
pub fn to_stdout(write: impl FnOnce(&mut BufWriter<Stdout>) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = BufWriter::with_capacity(1 << 16, stdout());
    write(&mut out).and_then(|()| out.flush()).map_err(|error| Failure::io("stdout", &error))
}

/// Stdout, made harmless where it is a terminal.
pub fn stdout() -> Stdout {
    Harmless::new(io::stdout(), io::stdout().is_terminal())
}

/// What [`stdout`] gives.
pub type Stdout = Harmless<io::Stdout>;
