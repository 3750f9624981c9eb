//! Soft-error simulation in saved Keras models, as a Unix pipe.

pub mod cli;
pub mod config;
pub mod graph;
pub mod json;
pub mod simulator;
pub mod site;
pub mod text;
