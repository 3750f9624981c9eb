//! A site as one JSON object a line: read from anyone, written by `classes-sites`.

mod all;
mod read;
mod write;

pub use all::read_all;
pub use read::{LineError, Problem, Reader};
pub use write::Writer;
