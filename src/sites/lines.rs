//! A site as one JSON object a line: read from anyone, written by `classes-sites`.

mod error;
mod form;
mod parse;
mod read;
mod source;
mod write;

pub use error::{LineError, LineProblem};
pub use form::write;
pub use read::Reader;
pub use source::LineSource;
pub use write::{Writer, write_site};
