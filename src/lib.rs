//! Soft-error simulation in saved Keras models, as a Unix pipe.

pub mod cli;
pub mod text;
