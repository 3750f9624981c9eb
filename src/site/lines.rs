//! A site as one JSON object a line: read from anyone, written by `classes-sites`.

mod read;

pub use read::{LineError, Problem, Reader};
