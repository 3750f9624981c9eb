//! Soft-error simulation in saved Keras models, as a Unix pipe.

pub mod classify;
pub mod cli;
pub mod config;
pub mod draw;
pub mod graph;
pub mod json;
pub mod model;
pub mod ordered;
pub mod pattern;
pub mod rng;
pub mod simulator;
pub mod site;
pub mod text;
pub mod value;
