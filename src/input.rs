//! Where a text comes from: a file or stdin, read whole or opened for lines.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::text::{io_words, shown_path};

/// The longest text that is read, in bytes.
pub const MOST_BYTES: u64 = u32::MAX as u64;

/// A file, or stdin where it is `-` or absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The standard input.
    Stdin,
    /// A file.
    Path(PathBuf),
}

/// Why an input cannot be read. Each says which one.
#[derive(Debug, Error)]
pub enum InputError {
    /// Nothing comes from a terminal.
    #[error("stdin: {what} is expected here, and stdin is a terminal")]
    Terminal {
        /// What is expected.
        what: String,
    },
    /// The system refuses.
    #[error("{name}: {}", io_words(error))]
    Io {
        /// The input.
        name: String,
        /// What the system says.
        error: io::Error,
    },
    /// More than is read.
    #[error("{name}: is longer than {MOST_BYTES} bytes")]
    TooLong {
        /// The input.
        name: String,
    },
    /// Bytes that are no text.
    #[error("{name}: is not UTF-8 text")]
    NotUtf8 {
        /// The input.
        name: String,
    },
    /// A file of another kind.
    #[error("{name}: is {kind}, not {what}")]
    Kind {
        /// The input.
        name: String,
        /// What it is.
        kind: Kind,
        /// What is expected.
        what: String,
    },
    /// No text at all.
    #[error("{name}: is empty, {what} is expected")]
    Empty {
        /// The input.
        name: String,
        /// What is expected.
        what: String,
    },
}

/// A kind of file that is no text, as its first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Such as a saved model, `.h5`.
    Hdf5,
    /// Such as a saved model, `.keras`.
    Zip,
    /// An array, `.npy`.
    Numpy,
}

impl Kind {
    fn of(start: &[u8]) -> Option<Self> {
        let marks: [(&[u8], Kind); 3] =
            [(b"\x89HDF\r\n\x1a\n", Kind::Hdf5), (b"PK\x03\x04", Kind::Zip), (b"\x93NUMPY", Kind::Numpy)];
        marks.into_iter().find(|(mark, _)| start.starts_with(mark)).map(|(_, kind)| kind)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Hdf5 => "an HDF5 file",
            Kind::Zip => "a zip archive",
            Kind::Numpy => "a NumPy file",
        })
    }
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
    ///
    /// # Errors
    /// Stdin is a terminal, or the file cannot be opened.
    pub fn open(&self, what: &str) -> Result<Box<dyn BufRead + Send>, InputError> {
        match self {
            Input::Stdin if io::stdin().is_terminal() => Err(InputError::Terminal { what: what.to_owned() }),
            Input::Stdin => Ok(Box::new(BufReader::new(io::stdin()))),
            Input::Path(path) => match File::open(path) {
                Ok(_) if path.is_dir() => Err(self.error(io::ErrorKind::IsADirectory.into())),
                Ok(file) => Ok(Box::new(BufReader::with_capacity(1 << 16, file))),
                Err(error) => Err(self.error(error)),
            },
        }
    }

    /// Opens an input that holds text.
    ///
    /// # Errors
    /// As [`open`](Self::open), or it is a file of a kind that is no text.
    pub fn open_text(&self, what: &str) -> Result<Box<dyn BufRead + Send>, InputError> {
        let mut input = self.open(what)?;
        match Kind::of(input.fill_buf().map_err(|error| self.error(error))?) {
            Some(kind) => Err(InputError::Kind { name: self.name(), kind, what: what.to_owned() }),
            None => Ok(input),
        }
    }

    /// Reads all of the input as UTF-8 text; empty input is refused.
    ///
    /// # Errors
    /// As [`open_text`](Self::open_text), or there is no text, no UTF-8, or more than [`MOST_BYTES`].
    pub fn read_text(&self, what: &str) -> Result<String, InputError> {
        let mut bytes = Vec::new();
        let read = self.open_text(what)?.take(MOST_BYTES + 1).read_to_end(&mut bytes);
        if read.map_err(|error| self.error(error))? as u64 > MOST_BYTES {
            return Err(InputError::TooLong { name: self.name() });
        }
        let text = String::from_utf8(bytes).map_err(|_| InputError::NotUtf8 { name: self.name() })?;
        if text.trim().is_empty() {
            return Err(InputError::Empty { name: self.name(), what: what.to_owned() });
        }
        Ok(text)
    }

    fn error(&self, error: io::Error) -> InputError {
        InputError::Io { name: self.name(), error }
    }
}
