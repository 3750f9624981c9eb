//! What the binaries share: where input comes from, where output goes, and how a failure is told.
//!
//! | exit code | meaning |
//! | --- | --- |
//! | 0 | done, or the reader downstream closed the pipe |
//! | 1 | a file, layer, operator or their content is wrong |
//! | 2 | a flag or its value is wrong |
//! | 130 | interrupted (SIGINT) |

mod generate;

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal, Read, Write};
use std::mem::ManuallyDrop;
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Arg, ArgAction, Command, CommandFactory, FromArgMatches};
use serde_json::Value;

use crate::explain::Explain;
use crate::json::{self, Arrays, Reading, Wanted};
use crate::model_file::h5::MOST_TEXT;
use crate::progress::{Doing, Progress};
use crate::terminal::Harmless;
use crate::text::{io_words, shown, shown_path};
use crate::whole::signals;

/// The part of every `--help` that lists the exit codes.
pub const EXIT_CODES: &str = "Exit codes: 0 done (or the pipe downstream was closed), \
1 something about files, layers or content, 2 flags and their values, 130 interrupted.";

/// Why a tool ends early.
#[derive(Debug)]
pub enum Failure {
    /// The reader downstream has gone: nothing is wrong, and nothing is said.
    ClosedPipe,
    /// What stands on stderr, and the exit code.
    Message {
        /// "what: why", on one line.
        text: String,
        /// What to try next.
        hint: Option<String>,
        /// The process's exit code.
        code: u8,
    },
}

impl Failure {
    /// A failure that a flag or its value causes: exit code 2.
    pub fn usage(text: impl Into<String>) -> Self {
        Failure::Message { text: text.into(), hint: None, code: 2 }
    }

    /// A failure that a file or its content causes: exit code 1.
    pub fn content(text: impl Into<String>) -> Self {
        Failure::Message { text: text.into(), hint: None, code: 1 }
    }

    /// A failure that the content of an input causes: the input's name stands before the reason.
    pub fn in_input(input: &Input, error: impl Explain) -> Self {
        match Failure::from(error) {
            Failure::Message { text, hint, code } => {
                Failure::Message { text: format!("{}: {text}", input.name()), hint, code }
            }
            closed @ Failure::ClosedPipe => closed,
        }
    }

    /// The same failure with a hint on what to try next.
    pub fn with_hint(mut self, words: impl Into<String>) -> Self {
        if let Failure::Message { hint, .. } = &mut self {
            *hint = Some(words.into());
        }
        self
    }
}

impl<E: Explain> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::Message { text: error.to_string(), hint: error.hint(), code: if error.is_usage() { 2 } else { 1 } }
    }
}

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
    say("hint", &tip.unwrap_or_else(|| "--help shows what there is, with examples".to_owned()));
    Err(ExitCode::from(2))
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

/// What a tool tells on stderr beside errors: words, and how far it has come. `--quiet` silences it.
#[derive(Debug, Clone, Copy)]
pub struct Speaker {
    tool: &'static str,
    quiet: bool,
}

impl Speaker {
    /// Says some words, as [`say`] does.
    pub fn say(self, words: &str) {
        if !self.quiet {
            say(self.tool, words);
        }
    }

    /// Shows how far the tool has come. In a pipe it is the last tool's to tell: several would write over each other.
    pub fn progress(self, doing: Doing) -> Progress {
        match !self.quiet && io::stderr().is_terminal() && !stdout_is_pipe() {
            true => Progress::shown(self.tool, doing),
            false => Progress::silent(),
        }
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

/// The longest text that is read, in bytes: a config is kept as an attribute, and no attribute is longer.
const MOST_INPUT: u64 = MOST_TEXT;

/// A file, or stdin where it is `-` or absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The standard input.
    Stdin,
    /// A file.
    Path(PathBuf),
}

impl Input {
    /// `None` and `-` are stdin.
    pub fn from_arg(arg: Option<&Path>) -> Self {
        match arg {
            None => Input::Stdin,
            Some(path) if path.as_os_str() == "-" => Input::Stdin,
            Some(path) => Input::Path(path.to_owned()),
        }
    }

    /// The name that messages use.
    pub fn name(&self) -> String {
        match self {
            Input::Stdin => "stdin".to_owned(),
            Input::Path(path) => shown_path(path),
        }
    }

    /// Opens the input. `what` says what is expected there ("a model config"): a terminal as stdin is refused with it.
    pub fn open(&self, what: &str) -> Result<Box<dyn BufRead + Send>, Failure> {
        match self {
            Input::Stdin if io::stdin().is_terminal() => {
                Err(Failure::usage(format!("stdin: {what} is expected here, and stdin is a terminal"))
                    .with_hint("pipe something in, or name a file; --help shows an example"))
            }
            Input::Stdin => Ok(Box::new(BufReader::new(io::stdin()))),
            Input::Path(path) => match File::open(path) {
                Ok(_) if path.is_dir() => Err(Failure::content(format!("{}: is a directory", shown_path(path)))),
                Ok(file) => Ok(Box::new(BufReader::with_capacity(1 << 16, file))),
                Err(error) => Err(io_failure(&shown_path(path), &error)),
            },
        }
    }

    /// Reads all of the input as UTF-8 text; empty input is refused.
    pub fn read_text(&self, what: &str) -> Result<String, Failure> {
        let mut bytes = Vec::new();
        let read = self.open(what)?.take(MOST_INPUT + 1).read_to_end(&mut bytes);
        if read.map_err(|error| io_failure(&self.name(), &error))? as u64 > MOST_INPUT {
            return Err(Failure::content(format!("{}: is longer than {MOST_INPUT} bytes", self.name())));
        }
        let text =
            String::from_utf8(bytes).map_err(|_| Failure::content(format!("{}: is not UTF-8 text", self.name())))?;
        if text.trim().is_empty() {
            return Err(Failure::content(format!("{}: is empty, {what} is expected", self.name())));
        }
        Ok(text)
    }
}

/// A document that lasts as long as the program. To free a large one value by value takes a tenth of the run; the end of the
/// process frees it at once.
pub type Document = ManuallyDrop<Value>;

impl Input {
    /// Parses `text`, read from this input, as JSON in Python's dialect; its site arrays go into `arrays`.
    pub fn parse_json<'a>(&self, text: &'a str, arrays: &mut Arrays<'a>) -> Result<Document, Failure> {
        self.parse_wanted(text, |_| Reading::Whole, arrays)
    }

    /// Parses of `text` what is wanted, and checks all of it.
    pub fn parse_wanted<'a>(
        &self,
        text: &'a str,
        wanted: Wanted,
        arrays: &mut Arrays<'a>,
    ) -> Result<Document, Failure> {
        let parsed = json::parse_wanted(text, wanted, arrays).map_err(|error| Failure::in_input(self, error))?;
        Ok(Document::new(parsed.value))
    }
}

/// Writes to stdout through a buffer; a closed pipe becomes [`Failure::ClosedPipe`]. A terminal gets nothing raw that it
/// would obey ([`Harmless`]).
pub fn to_stdout(write: impl FnOnce(&mut BufWriter<Stdout>) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = BufWriter::with_capacity(1 << 16, stdout());
    write(&mut out).and_then(|()| out.flush()).map_err(|error| io_failure("stdout", &error))
}

/// Stdout, made harmless where it is a terminal.
pub fn stdout() -> Stdout {
    Harmless::new(io::stdout(), io::stdout().is_terminal())
}

/// What [`stdout`] gives.
pub type Stdout = Harmless<io::Stdout>;

/// An I/O error as a failure: the usual kinds in plain words.
pub fn io_failure(name: &str, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::ClosedPipe,
        _ => Failure::content(format!("{name}: {}", io_words(error))),
    }
}
