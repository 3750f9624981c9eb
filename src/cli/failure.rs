//! Why a tool ends early: what stands on stderr, and the exit code.

use std::io;

use super::hints::Explain;
use crate::input::Input;
use crate::sites::pass::PassError;
use crate::text::io_words;

/// Why a tool ends early.
#[derive(Debug)]
pub enum Failure {
    /// The reader downstream has gone: nothing is wrong, and nothing is said.
    ClosedPipe,
    /// What stands on stderr, and the exit code.
    Message {
        /// "what: why", a line for each thing that is wrong.
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

    /// A failure of the system; the usual kinds in plain words. A closed pipe is [`Failure::ClosedPipe`].
    pub fn io(name: &str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::ClosedPipe,
            _ => Failure::content(format!("{name}: {}", io_words(error))),
        }
    }

    /// A failure of sites on their way from an input, where they come from one, to stdout or NumPy files.
    pub fn passing(input: Option<&Input>, error: PassError) -> Self {
        match (error, input) {
            (PassError::Out(error), _) => Failure::io("stdout", &error),
            (PassError::Npy(error), _) => error.into(),
            (error, Some(input)) => Failure::in_input(input, error),
            (error, None) => error.into(),
        }
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
