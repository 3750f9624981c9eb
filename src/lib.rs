//! Soft-error simulation in saved Keras models, as a Unix pipe.

pub mod campaign;
pub mod change;
pub mod classes_config;
pub mod classify;
pub mod cli;
pub mod config;
pub mod draw;
pub mod fill;
pub mod graph;
pub mod h5;
pub mod insert;
pub mod json;
pub mod model;
pub mod operator;
pub mod ordered;
pub mod patch;
pub mod pattern;
pub mod rng;
pub mod set;
pub mod shape;
pub mod simulator;
pub mod site;
pub mod target;
pub mod text;
pub mod value;
pub mod weights;
