//! A run of `classes-sites`: what is asked for, and what is to be told of it.

mod note;
mod request;
mod tally;

pub use note::{Note, RangeOf};
pub use request::{RangeFrom, Request, RequestError};
pub use tally::{Counts, Tally};
